//! Record batches as a producer makes them.

use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use minka::batch::{BatchBuilder, Codec};

use crate::Outcome;

/// A batch of `records` records without keys, with values of `value_bytes` each.
pub(crate) fn batch(records: usize, value_bytes: usize) -> Outcome<Bytes> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis();
    let now = i64::try_from(now)?;
    let mut builder = BatchBuilder::new();
    for record in 0..records {
        builder.append(now, None, Some(&value(record, value_bytes)), &[])?;
    }
    Ok(Bytes::copy_from_slice(builder.finish(Codec::None)?))
}

/// A batch of as many records with values of `value_bytes` as fit in `batch_bytes`.
pub(crate) fn batch_of_bytes(batch_bytes: usize, value_bytes: usize) -> Outcome<Bytes> {
    batch((batch_bytes / value_bytes).max(1), value_bytes)
}

/// Bytes that differ from record to record.
fn value(record: usize, length: usize) -> Vec<u8> {
    (0..length).map(|at| (record * 31 + at * 7) as u8).collect()
}
