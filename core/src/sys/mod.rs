//! The operating system: the data directory, its files, and the log for people.

pub mod dir_lock;
pub mod disk;
pub mod event_log;
pub mod memory;
pub mod storage;
pub mod watched;
