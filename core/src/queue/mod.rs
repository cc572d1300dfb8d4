//! The circular queue before the log: bounded, with cells of 256 bytes.
