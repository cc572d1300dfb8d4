//! `minka._minka`: the native part of the Python package.

#![forbid(unsafe_code)]
