//! Protocols: bytes to requests and answers to bytes. Knows no engine.

#![deny(clippy::indexing_slicing, clippy::cast_possible_truncation)]

pub mod kafka;
