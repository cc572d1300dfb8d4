//! What minka's programs are made of: `producer`, `consumer` and `minka` whole, and the parts that
//! they share with `broker`.
//!
//! This is no library for others: it is shaped by these four programs alone.

#![forbid(unsafe_code)]

pub mod consumer;
mod exit;
pub mod minka;
pub mod open_files;
pub mod producer;
mod reach;
mod show;
pub mod signals;
mod table;
mod terminal;
mod text;
