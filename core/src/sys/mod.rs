//! The operating system: the data directory and its files.

pub mod dir_lock;
pub mod disk;
pub mod storage;
