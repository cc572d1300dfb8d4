//! Makes record batches of records that come one by one.

use super::compression::{Codec, compress};
use super::header::{BatchHeader, CRC_FROM, HEADER_BYTES, LENGTH_FROM, MAGIC, TRANSACTIONAL};
use super::records::Header;
use super::validate::NO_TIMESTAMP;
use super::varint;
use crate::checksum::crc32c;
use crate::clock::Millis;
use crate::error::{Error, ErrorKind, Result};
use crate::limits::BATCH_BYTES_MAX;

/// Gathers records into one record batch.
///
/// It keeps its buffers from one batch to the next: [`Self::append`] some records,
/// [`Self::finish`] the batch, use its bytes, [`Self::clear`].
#[derive(Debug)]
pub struct BatchBuilder {
    /// Room for the header, then the records as they come.
    plain: Vec<u8>,
    /// The finished batch where it is compressed.
    packed: Vec<u8>,
    header: BatchHeader,
}

/// A batch without records: no producer, no transaction, offset and epoch for the broker to set.
const EMPTY: BatchHeader = BatchHeader {
    base_offset: 0,
    batch_length: (HEADER_BYTES - LENGTH_FROM) as i32,
    leader_epoch: -1,
    magic: MAGIC,
    crc: 0,
    attributes: 0,
    last_offset_delta: -1,
    base_timestamp: NO_TIMESTAMP,
    max_timestamp: NO_TIMESTAMP,
    producer_id: -1,
    producer_epoch: -1,
    base_sequence: -1,
    record_count: 0,
};

impl Default for BatchBuilder {
    fn default() -> Self {
        Self { plain: vec![0; HEADER_BYTES], packed: Vec::new(), header: EMPTY }
    }
}

impl BatchBuilder {
    /// A builder without records.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a record.
    ///
    /// Fails with `MessageTooLarge` where the batch would grow beyond
    /// [`BATCH_BYTES_MAX`] and with `InvalidTimestamp` where `timestamp` lies further from the
    /// first record's than 64 bits can say. The batch is then as it was before.
    pub fn append(
        &mut self,
        timestamp: Millis,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        headers: &[Header<'_>],
    ) -> Result<()> {
        let header = &mut self.header;
        let base = if header.record_count == 0 { timestamp } else { header.base_timestamp };
        let Some(timestamp_delta) = timestamp.checked_sub(base) else {
            return Err(too_far(base, timestamp));
        };
        let deltas = (timestamp_delta, header.record_count);
        write_record(&mut self.plain, deltas, (key, value), headers, BATCH_BYTES_MAX as usize)?;

        header.last_offset_delta = header.record_count;
        header.record_count += 1;
        header.base_timestamp = base;
        header.max_timestamp = header.max_timestamp.max(timestamp);
        Ok(())
    }

    /// Makes this an idempotent producer's batch. Sequence numbers are not negative.
    pub fn set_producer(&mut self, id: i64, epoch: i16, base_sequence: i32) {
        self.header.producer_id = id;
        self.header.producer_epoch = epoch;
        self.header.base_sequence = base_sequence;
    }

    /// Makes this batch part of its producer's transaction.
    pub fn set_transactional(&mut self) {
        self.header.attributes |= TRANSACTIONAL;
    }

    /// The batch's length in bytes so far, uncompressed.
    pub fn size(&self) -> usize {
        self.plain.len()
    }

    /// How many records have been added.
    pub fn count(&self) -> u32 {
        self.header.record_count.cast_unsigned()
    }

    /// Whether no record has been added.
    pub fn is_empty(&self) -> bool {
        self.header.record_count == 0
    }

    /// The batch, with its CRC, at base offset 0: the broker patches it on append.
    ///
    /// Records may still be added; the batch is then finished again. Fails where `codec` does.
    pub fn finish(&mut self, codec: Codec) -> Result<&mut [u8]> {
        let batch = match codec {
            Codec::None => &mut self.plain,
            _ => {
                let records = compress(codec, &self.plain[HEADER_BYTES..])?;
                self.packed.clear();
                self.packed.resize(HEADER_BYTES, 0);
                self.packed.extend_from_slice(&records);
                &mut self.packed
            }
        };
        let mut header = self.header;
        header.attributes |= codec as i16;
        write_header(batch, header)?;
        Ok(batch)
    }

    /// Starts the next batch: without records, producer and transaction. The memory stays.
    pub fn clear(&mut self) {
        self.plain.truncate(HEADER_BYTES);
        self.packed.clear();
        self.header = EMPTY;
    }
}

/// Appends a record with these deltas of timestamp and offset. Fails with `MessageTooLarge` where
/// `out` would be longer than `limit`; it is then as it was before.
pub(super) fn write_record(
    out: &mut Vec<u8>,
    (timestamp_delta, offset_delta): (i64, i32),
    (key, value): (Option<&[u8]>, Option<&[u8]>),
    headers: &[Header<'_>],
    limit: usize,
) -> Result<()> {
    let offset_delta = i64::from(offset_delta);
    let body = 1
        + varint::size(timestamp_delta)
        + varint::size(offset_delta)
        + nullable_size(key)
        + nullable_size(value)
        + varint::size(headers.len() as i64)
        + headers.iter().map(header_size).sum::<usize>();
    let record = varint::size(body as i64) + body;
    if record > limit.saturating_sub(out.len()) {
        return Err(too_large(out.len(), record, limit));
    }
    out.reserve(record);
    varint::write(out, body as i64);
    out.push(0);
    varint::write(out, timestamp_delta);
    varint::write(out, offset_delta);
    write_nullable(out, key);
    write_nullable(out, value);
    varint::write(out, headers.len() as i64);
    for Header { key, value } in headers {
        write_nullable(out, Some(key));
        write_nullable(out, *value);
    }
    Ok(())
}

/// Puts a header in front of a finished batch, with the length and the CRC that it has.
pub(super) fn write_header(batch: &mut [u8], mut header: BatchHeader) -> Result<()> {
    header.batch_length = i32::try_from(batch.len() - LENGTH_FROM)
        .map_err(|_| too_large(batch.len(), 0, BATCH_BYTES_MAX as usize))?;
    put(batch, header);
    header.crc = crc32c(&batch[CRC_FROM..]);
    put(batch, header);
    Ok(())
}

fn put(batch: &mut [u8], header: BatchHeader) {
    let out = batch.first_chunk_mut().expect("the buffer always has room for the header in front");
    header.write(out);
}

fn header_size(header: &Header<'_>) -> usize {
    nullable_size(Some(header.key)) + nullable_size(header.value)
}

#[inline]
fn nullable_size(bytes: Option<&[u8]>) -> usize {
    bytes.map_or(1, |bytes| varint::size(bytes.len() as i64) + bytes.len())
}

#[inline]
fn write_nullable(out: &mut Vec<u8>, bytes: Option<&[u8]>) {
    match bytes {
        None => varint::write(out, -1),
        Some(bytes) => {
            varint::write(out, bytes.len() as i64);
            out.extend_from_slice(bytes);
        }
    }
}

#[cold]
fn too_large(batch: usize, record: usize, limit: usize) -> Error {
    Error::new(
        ErrorKind::MessageTooLarge,
        format!(
            "a record of {record} bytes does not fit a batch of {batch}: a batch has at most \
             {limit} bytes"
        ),
    )
}

#[cold]
fn too_far(base: Millis, timestamp: Millis) -> Error {
    Error::new(
        ErrorKind::InvalidTimestamp,
        format!("the timestamps {base} and {timestamp} are too far apart for one batch"),
    )
}
