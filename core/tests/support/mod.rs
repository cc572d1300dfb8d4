//! What several test programs share.

#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    reason = "each test program uses its own part of this, and a panic is how a test fails"
)]

pub mod log;
pub mod sim_disk;
