//! Record batches, format version 2: what producers send, the log keeps and consumers get.
//!
//! The broker passes batches through as bytes. It reads the header ([`header`]), checks what a
//! producer sends ([`validate`]) and touches single records only where a feature needs them
//! ([`records`], [`lookup`]). [`builder`] makes batches of records that come one by one.

pub mod builder;
pub mod compression;
pub mod header;
pub mod lookup;
pub mod records;
pub mod rewrite;
pub mod validate;
mod varint;

pub use builder::BatchBuilder;
pub use compression::Codec;
pub use header::BatchHeader;
pub use records::{Header, Record, Records};
pub use validate::{Checked, Rules};
