//! The 61 bytes before the records of a batch.
//!
//! All numbers are big-endian. Source: the Kafka documentation, "Message Format", "Record Batch".
//!
//! | bytes | field | meaning |
//! |---|---|---|
//! | 0-7 | base offset | offset of the first record; 0 from a producer, set by the broker |
//! | 8-11 | batch length | bytes after this field, so that the batch has 12 more |
//! | 12-15 | partition leader epoch | set by the broker |
//! | 16 | magic | 2; at the same place in the older formats |
//! | 17-20 | CRC | CRC-32C of byte 21 to the end of the batch |
//! | 21-22 | attributes | bits, see below |
//! | 23-26 | last offset delta | last offset minus base offset; also the sequences' |
//! | 27-34 | base timestamp | what the records' timestamps count from, in ms |
//! | 35-42 | max timestamp | the largest timestamp, or the time of the append |
//! | 43-50 | producer ID | -1 where the producer is not idempotent |
//! | 51-52 | producer epoch | -1 likewise |
//! | 53-56 | base sequence | sequence number of the first record, -1 likewise |
//! | 57-60 | record count | how many records follow, compressed as one block |
//!
//! | attribute bit | meaning |
//! |---|---|
//! | 0-2 | [`Codec`]: 0 none, 1 gzip, 2 snappy, 3 lz4, 4 zstd |
//! | 3 | timestamps are the time of the append ([`LOG_APPEND_TIME`]) |
//! | 4 | part of a transaction ([`TRANSACTIONAL`]) |
//! | 5 | written by the broker for the clients' protocol, not for programs ([`CONTROL`]) |
//! | 6 | the base timestamp says when tombstones may go |
//!
//! The CRC leaves the base offset and the leader epoch out, so that a broker sets both
//! without touching the rest ([`patch`]).

use super::compression::Codec;
use crate::checksum::crc32c;
use crate::error::{Error, ErrorKind, Result};

/// The length of a batch header: the shortest batch, in bytes.
pub const HEADER_BYTES: usize = 61;
/// The bytes of a batch that its batch length does not count.
pub const LENGTH_FROM: usize = 12;
/// The bytes at the front of a batch in which everything lies that [`patch`] changes.
pub const PATCH_BYTES: usize = 16;
/// Where the magic lies, in this and in the older formats.
pub const MAGIC_AT: usize = 16;
/// Where the bytes begin that the CRC covers.
pub const CRC_FROM: usize = 21;
/// The only magic that minka reads and writes.
pub const MAGIC: i8 = 2;

/// The attribute bit of batches whose timestamps are the time of their append.
pub const LOG_APPEND_TIME: i16 = 1 << 3;
/// The attribute bit of batches that belong to a transaction.
pub const TRANSACTIONAL: i16 = 1 << 4;
/// The attribute bit of batches that the broker wrote.
pub const CONTROL: i16 = 1 << 5;

const CRC_AT: usize = 17;
const ATTRIBUTES_AT: usize = 21;
const MAX_TIMESTAMP_AT: usize = 35;

/// The header of a record batch. The fields are those of the format, unchecked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the table above describes the fields")]
pub struct BatchHeader {
    pub base_offset: i64,
    pub batch_length: i32,
    pub leader_epoch: i32,
    pub magic: i8,
    pub crc: u32,
    pub attributes: i16,
    pub last_offset_delta: i32,
    pub base_timestamp: i64,
    pub max_timestamp: i64,
    pub producer_id: i64,
    pub producer_epoch: i16,
    pub base_sequence: i32,
    pub record_count: i32,
}

impl BatchHeader {
    /// Reads the header at the front of `bytes`, which may go on behind it.
    ///
    /// Fails with `CorruptBatch` where there are fewer than [`HEADER_BYTES`] or the batch length
    /// is shorter than a header, and with `UnsupportedFormat` or `InvalidRecord` where the magic
    /// is older or newer than [`MAGIC`]. Nothing else is checked: see [`super::validate`].
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        check_magic(bytes)?;
        let Some(bytes) = bytes.first_chunk::<HEADER_BYTES>() else {
            return Err(corrupt(format!(
                "a record batch of {} bytes is shorter than its header of {HEADER_BYTES}",
                bytes.len()
            )));
        };
        let header = Self {
            base_offset: i64::from_be_bytes(field(bytes, 0)),
            batch_length: i32::from_be_bytes(field(bytes, 8)),
            leader_epoch: i32::from_be_bytes(field(bytes, 12)),
            magic: i8::from_be_bytes(field(bytes, MAGIC_AT)),
            crc: u32::from_be_bytes(field(bytes, CRC_AT)),
            attributes: i16::from_be_bytes(field(bytes, ATTRIBUTES_AT)),
            last_offset_delta: i32::from_be_bytes(field(bytes, 23)),
            base_timestamp: i64::from_be_bytes(field(bytes, 27)),
            max_timestamp: i64::from_be_bytes(field(bytes, MAX_TIMESTAMP_AT)),
            producer_id: i64::from_be_bytes(field(bytes, 43)),
            producer_epoch: i16::from_be_bytes(field(bytes, 51)),
            base_sequence: i32::from_be_bytes(field(bytes, 53)),
            record_count: i32::from_be_bytes(field(bytes, 57)),
        };
        match usize::try_from(header.batch_length) {
            Ok(length) if length >= HEADER_BYTES - LENGTH_FROM => Ok(header),
            _ => Err(corrupt(format!(
                "a record batch says that it is {} bytes long, which is less than its header",
                header.batch_length
            ))),
        }
    }

    /// Writes the header as it is, CRC included.
    pub fn write(&self, out: &mut [u8; HEADER_BYTES]) {
        out[0..8].copy_from_slice(&self.base_offset.to_be_bytes());
        out[8..12].copy_from_slice(&self.batch_length.to_be_bytes());
        out[12..16].copy_from_slice(&self.leader_epoch.to_be_bytes());
        out[16..17].copy_from_slice(&self.magic.to_be_bytes());
        out[17..21].copy_from_slice(&self.crc.to_be_bytes());
        out[21..23].copy_from_slice(&self.attributes.to_be_bytes());
        out[23..27].copy_from_slice(&self.last_offset_delta.to_be_bytes());
        out[27..35].copy_from_slice(&self.base_timestamp.to_be_bytes());
        out[35..43].copy_from_slice(&self.max_timestamp.to_be_bytes());
        out[43..51].copy_from_slice(&self.producer_id.to_be_bytes());
        out[51..53].copy_from_slice(&self.producer_epoch.to_be_bytes());
        out[53..57].copy_from_slice(&self.base_sequence.to_be_bytes());
        out[57..61].copy_from_slice(&self.record_count.to_be_bytes());
    }

    /// The length of the whole batch in bytes, at least [`HEADER_BYTES`] if [`Self::parse`] made
    /// this header.
    pub fn size(&self) -> usize {
        LENGTH_FROM + usize::try_from(self.batch_length).unwrap_or(0)
    }

    /// How the records are compressed; fails with `InvalidRecord` where that is unknown.
    pub fn codec(&self) -> Result<Codec> {
        Codec::from_attributes(self.attributes)
    }

    /// Whether the broker wrote this batch for the clients' protocol.
    pub fn is_control(&self) -> bool {
        self.attributes & CONTROL != 0
    }

    /// Whether this batch belongs to a transaction.
    pub fn is_transactional(&self) -> bool {
        self.attributes & TRANSACTIONAL != 0
    }

    /// The timestamp, in ms, of a record with this distance from the base timestamp: that of the
    /// append, where the batch has one for all.
    pub fn timestamp_of(&self, delta: i64) -> i64 {
        if self.has_log_append_time() {
            self.max_timestamp
        } else {
            self.base_timestamp.saturating_add(delta)
        }
    }

    /// Whether all records have the max timestamp, the time of their append.
    pub fn has_log_append_time(&self) -> bool {
        self.attributes & LOG_APPEND_TIME != 0
    }

    /// The offset of the last record, or of the last that was there before compaction.
    pub fn last_offset(&self) -> i64 {
        self.base_offset.saturating_add(i64::from(self.last_offset_delta))
    }

    /// The sequence number of the last record, -1 where the batch has none.
    ///
    /// Sequence numbers go from 2147483647 on to 0.
    pub fn last_sequence(&self) -> i32 {
        if self.base_sequence < 0 {
            return -1;
        }
        self.base_sequence.wrapping_add(self.last_offset_delta) & i32::MAX
    }
}

/// Sets the base offset and the leader epoch of a batch: what a broker does on append.
///
/// The CRC leaves both out and stays valid. `prefix` is the front of the batch.
pub fn patch(prefix: &mut [u8; PATCH_BYTES], base_offset: i64, leader_epoch: i32) {
    prefix[0..8].copy_from_slice(&base_offset.to_be_bytes());
    prefix[12..16].copy_from_slice(&leader_epoch.to_be_bytes());
}

/// Gives all records of a whole, checked batch the timestamp `now`: sets the attribute bit and
/// the max timestamp, and the CRC anew.
///
/// # Panics
///
/// If `batch` is shorter than [`HEADER_BYTES`].
pub fn set_log_append_time(batch: &mut [u8], now: i64) {
    let attributes = i16::from_be_bytes([batch[ATTRIBUTES_AT], batch[ATTRIBUTES_AT + 1]]);
    let attributes = (attributes | LOG_APPEND_TIME).to_be_bytes();
    batch[ATTRIBUTES_AT..ATTRIBUTES_AT + 2].copy_from_slice(&attributes);
    set_max_timestamp(batch, now);
}

/// Sets the max timestamp of a whole, checked batch, and the CRC anew.
///
/// # Panics
///
/// If `batch` is shorter than [`HEADER_BYTES`].
pub fn set_max_timestamp(batch: &mut [u8], max_timestamp: i64) {
    batch[MAX_TIMESTAMP_AT..MAX_TIMESTAMP_AT + 8].copy_from_slice(&max_timestamp.to_be_bytes());
    let crc = crc32c(&batch[CRC_FROM..]);
    batch[CRC_AT..CRC_FROM].copy_from_slice(&crc.to_be_bytes());
}

/// The bytes of one number. The callers' positions are constants inside the header.
fn field<const N: usize>(bytes: &[u8; HEADER_BYTES], at: usize) -> [u8; N] {
    let mut field = [0; N];
    field.copy_from_slice(&bytes[at..at + N]);
    field
}

/// Checked before the length: a message of the older formats may be shorter than the header.
fn check_magic(bytes: &[u8]) -> Result<()> {
    match bytes.get(MAGIC_AT) {
        None | Some(2) => Ok(()),
        Some(magic @ (0 | 1)) => Err(Error::new(
            ErrorKind::UnsupportedFormat,
            format!(
                "messages in format {magic} are not supported: use a client that writes record \
                 batches of version 2 (Kafka 0.11 and later)"
            ),
        )),
        Some(magic) => Err(Error::new(
            ErrorKind::InvalidRecord,
            format!("a record batch says it has format version {magic}, which does not exist"),
        )),
    }
}

/// An error about a batch whose bytes contradict themselves.
pub(super) fn corrupt(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::CorruptBatch, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> BatchHeader {
        BatchHeader {
            base_offset: 0x0102_0304_0506_0708,
            batch_length: 49,
            leader_epoch: 7,
            magic: MAGIC,
            crc: 0xdead_beef,
            attributes: 0x34,
            last_offset_delta: 9,
            base_timestamp: -1,
            max_timestamp: i64::MAX,
            producer_id: 42,
            producer_epoch: 3,
            base_sequence: i32::MAX - 4,
            record_count: 10,
        }
    }

    #[test]
    fn a_header_survives_writing_and_reading() {
        let mut bytes = [0; HEADER_BYTES];
        sample().write(&mut bytes);
        assert_eq!(bytes[..8], [1, 2, 3, 4, 5, 6, 7, 8]);
        assert_eq!(bytes[57..], [0, 0, 0, 10]);
        assert_eq!(BatchHeader::parse(&bytes).unwrap(), sample());
        assert_eq!(sample().size(), HEADER_BYTES);
    }

    #[test]
    fn attributes_are_told_apart() {
        let header = sample();
        assert_eq!(header.codec().unwrap(), Codec::Zstd);
        assert!(header.is_control() && header.is_transactional());
        assert!(!header.has_log_append_time());
        let unknown = BatchHeader { attributes: 5, ..header };
        assert_eq!(unknown.codec().unwrap_err().kind(), ErrorKind::InvalidRecord);
    }

    #[test]
    fn sequence_numbers_wrap_to_zero() {
        assert_eq!(sample().last_sequence(), 4);
        let at_the_end = BatchHeader { base_sequence: i32::MAX - 9, ..sample() };
        assert_eq!(at_the_end.last_sequence(), i32::MAX);
        let none = BatchHeader { base_sequence: -1, ..sample() };
        assert_eq!(none.last_sequence(), -1);
    }

    #[test]
    fn a_patch_changes_the_offset_and_the_epoch_and_nothing_else() {
        let mut bytes = [0; HEADER_BYTES];
        sample().write(&mut bytes);
        patch(bytes.first_chunk_mut().unwrap(), 1_000, 12);
        let expected = BatchHeader { base_offset: 1_000, leader_epoch: 12, ..sample() };
        assert_eq!(BatchHeader::parse(&bytes).unwrap(), expected);
    }

    #[test]
    fn short_and_foreign_bytes_are_refused_by_their_kind() {
        let mut bytes = [0; HEADER_BYTES];
        sample().write(&mut bytes);
        let kind = |bytes: &[u8]| BatchHeader::parse(bytes).unwrap_err().kind();
        assert_eq!(kind(&[]), ErrorKind::CorruptBatch);
        assert_eq!(kind(&bytes[..60]), ErrorKind::CorruptBatch);
        bytes[11] = 48;
        assert_eq!(kind(&bytes), ErrorKind::CorruptBatch);
        bytes[8] = 0xff;
        assert_eq!(kind(&bytes), ErrorKind::CorruptBatch);
        bytes[MAGIC_AT] = 1;
        assert_eq!(kind(&bytes[..30]), ErrorKind::UnsupportedFormat);
        bytes[MAGIC_AT] = 3;
        assert_eq!(kind(&bytes), ErrorKind::InvalidRecord);
    }
}
