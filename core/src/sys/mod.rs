//! The operating system: the data directory and its files.

pub mod storage;
