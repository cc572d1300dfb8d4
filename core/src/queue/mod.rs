//! The circular queue before the log: bounded, with cells of 256 bytes.
//!
//! A small message lies in its cell ([`payload`]); a larger one, or a whole batch, is handed over
//! by reference. A full queue ([`ring`]) makes its producers wait, and never drops anything.

pub mod payload;
pub mod ring;

pub use payload::Payload;
pub use ring::Ring;
