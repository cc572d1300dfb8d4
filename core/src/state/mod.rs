//! What the broker knows, as decisions without I/O: time and entries are arguments.
