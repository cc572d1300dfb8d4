//! What minka's programs are made of: `minka` whole, and the parts that it shares with `broker`.
//!
//! This is no library for others: it is shaped by these programs alone.

#![forbid(unsafe_code)]

pub mod address;
mod exit;
pub mod minka;
pub mod open_files;
mod show;
pub mod signals;
#[expect(dead_code, reason = "what uses the rest comes with the other commands")]
mod terminal;
#[cfg_attr(not(test), expect(dead_code, reason = "what uses the rest comes with other commands"))]
mod text;
