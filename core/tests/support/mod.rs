//! What several test programs share.

#![allow(
    dead_code,
    unreachable_pub,
    reason = "each test program uses its own part of this"
)]

pub mod log;
pub mod sim_disk;
