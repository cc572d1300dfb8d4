//! Finds a record inside a batch by its time.

use super::compression::{Codec, decompress};
use super::header::{BatchHeader, HEADER_BYTES, corrupt};
use super::records::Records;
use crate::clock::Millis;
use crate::error::Result;
use crate::limits::DECOMPRESSED_BYTES_MAX;

/// The offset and timestamp of the first record in `batch` that is not older than `time`.
///
/// `None` where all are older. Compressed records are unpacked, once. Fails with `CorruptBatch`
/// where the batch is not as long as it says, cannot be unpacked, or its records contradict its
/// header: a producer's compressed records may never have been looked at.
pub fn first_at_or_after(batch: &[u8], time: Millis) -> Result<Option<(i64, Millis)>> {
    let header = BatchHeader::parse(batch)?;
    let records = batch
        .get(HEADER_BYTES..header.size())
        .ok_or_else(|| corrupt("a record batch is shorter than it says"))?;
    if header.max_timestamp < time || header.record_count <= 0 {
        return Ok(None);
    }
    match header.codec()? {
        Codec::None => find(records, &header, time),
        codec => find(&decompress(codec, records, DECOMPRESSED_BYTES_MAX)?, &header, time),
    }
}

fn find(records: &[u8], header: &BatchHeader, time: Millis) -> Result<Option<(i64, Millis)>> {
    for record in Records::new(records, header.record_count) {
        let record = record?;
        let timestamp = if header.has_log_append_time() {
            header.max_timestamp
        } else {
            header
                .base_timestamp
                .checked_add(record.timestamp_delta)
                .ok_or_else(|| corrupt("a record's timestamp is out of range"))?
        };
        if timestamp < time {
            continue;
        }
        if !(0..=header.last_offset_delta).contains(&record.offset_delta) {
            return Err(corrupt("a record's offset lies outside its batch"));
        }
        let offset = header
            .base_offset
            .checked_add(i64::from(record.offset_delta))
            .ok_or_else(|| corrupt("a record's offset is out of range"))?;
        return Ok(Some((offset, timestamp)));
    }
    Ok(None)
}
