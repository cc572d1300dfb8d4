//! Protocols: bytes to requests and answers to bytes. Knows no engine.

pub mod kafka;
