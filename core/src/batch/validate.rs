//! What a broker checks before it appends a producer's batch.
//!
//! Source: the behaviour of Apache Kafka's `ProduceRequest.validateRecords`, `UnifiedLog` and
//! `LogValidator`. One difference: the records of a compressed batch are believed to be what the
//! header says, unless [`Rules::unpack`] or [`Rules::keys_required`] asks for a look. Who lies
//! there harms his own consumers only; everybody who unpacks later has to check anyway.

use super::compression::{Codec, decompress};
use super::header::{BatchHeader, CRC_FROM, HEADER_BYTES, corrupt};
use super::records::Records;
use crate::checksum::crc32c;
use crate::clock::Millis;
use crate::error::{Error, ErrorKind, Result};
use crate::limits::DECOMPRESSED_BYTES_MAX;

/// The timestamp of a record that has none.
pub const NO_TIMESTAMP: Millis = -1;

/// What a topic, and the version of the request, ask of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// The largest batch in bytes (`max.message.bytes`).
    pub bytes_max: u32,
    /// The time of the append.
    pub now: Millis,
    /// How far before `now` a timestamp may lie (`message.timestamp.before.max.ms`).
    pub before_ms_max: i64,
    /// How far after `now` a timestamp may lie (`message.timestamp.after.max.ms`).
    pub after_ms_max: i64,
    /// Whether the broker sets the timestamps, so that the producer's may be anything.
    pub log_append_time: bool,
    /// Whether zstd is allowed: in Produce version 7 and later.
    pub zstd_allowed: bool,
    /// Whether every record needs a key: in compacted topics.
    pub keys_required: bool,
    /// Whether to unpack compressed batches and check their records too.
    pub unpack: bool,
}

/// A batch that may be appended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Checked {
    /// The header as the producer sent it.
    pub header: BatchHeader,
    /// The largest timestamp of the records. Where it is not the header's,
    /// [`super::header::set_max_timestamp`] has to correct the batch.
    pub max_timestamp: Millis,
}

/// Checks that `bytes` are exactly one record batch that a client may append.
///
/// Errors: `CorruptBatch` for lengths and checksum, `UnsupportedFormat` for the formats before
/// version 2, `MessageTooLarge`, `InvalidTimestamp`, `UnsupportedCompression` for zstd where it
/// is not allowed, and `InvalidRecord` for everything else. What needs the producer's history
/// (sequence numbers and epochs) is not checked here.
pub fn check(bytes: &[u8], rules: &Rules) -> Result<Checked> {
    let header = BatchHeader::parse(bytes)?;
    check_size(bytes, &header, rules)?;
    if crc32c(&bytes[CRC_FROM..]) != header.crc {
        return Err(corrupt("a record batch does not match its checksum"));
    }
    check_header(&header, rules)?;
    let codec = header.codec()?;
    let records = &bytes[HEADER_BYTES..];
    let max_timestamp = match codec {
        Codec::None => check_records(records, &header, rules)?,
        _ if rules.keys_required || rules.unpack => {
            let unpacked = decompress(codec, records, DECOMPRESSED_BYTES_MAX)?;
            check_records(&unpacked, &header, rules)?
        }
        _ => {
            rules.check_time(header.base_timestamp)?;
            rules.check_time(header.max_timestamp)?;
            header.max_timestamp
        }
    };
    Ok(Checked { header, max_timestamp })
}

impl Rules {
    /// What records may have as their timestamp.
    fn times(&self) -> std::ops::RangeInclusive<Millis> {
        if self.log_append_time {
            return Millis::MIN..=Millis::MAX;
        }
        self.now.saturating_sub(self.before_ms_max)..=self.now.saturating_add(self.after_ms_max)
    }

    fn check_time(&self, timestamp: Millis) -> Result<()> {
        if timestamp == NO_TIMESTAMP || self.times().contains(&timestamp) {
            return Ok(());
        }
        Err(self.out_of_range(timestamp))
    }

    #[cold]
    fn out_of_range(&self, timestamp: Millis) -> Error {
        let times = self.times();
        Error::new(
            ErrorKind::InvalidTimestamp,
            format!(
                "the timestamp {timestamp} is not between {} and {}: check the producer's clock, \
                 or the topic's message.timestamp.before.max.ms and message.timestamp.after.max.ms",
                times.start(),
                times.end()
            ),
        )
    }
}

/// The length before the checksum: what is too long is not worth hashing.
fn check_size(bytes: &[u8], header: &BatchHeader, rules: &Rules) -> Result<()> {
    if bytes.len() > rules.bytes_max as usize {
        return Err(Error::new(
            ErrorKind::MessageTooLarge,
            format!(
                "a record batch of {} bytes is larger than the topic's max.message.bytes of {}",
                bytes.len(),
                rules.bytes_max
            ),
        ));
    }
    match bytes.len().cmp(&header.size()) {
        std::cmp::Ordering::Equal => Ok(()),
        std::cmp::Ordering::Less => Err(corrupt(format!(
            "a record batch says that it is {} bytes long but {} bytes came",
            header.size(),
            bytes.len()
        ))),
        std::cmp::Ordering::Greater => Err(invalid(format!(
            "{} bytes follow a record batch of {}: a request has one batch for each partition",
            bytes.len() - header.size(),
            header.size()
        ))),
    }
}

fn check_header(header: &BatchHeader, rules: &Rules) -> Result<()> {
    if header.base_offset != 0 {
        return Err(invalid(format!(
            "a producer's record batch has to start at offset 0, not {}",
            header.base_offset
        )));
    }
    let last = i64::from(header.last_offset_delta);
    if header.record_count <= 0 || i64::from(header.record_count) != last + 1 {
        return Err(invalid(format!(
            "a record batch says that it has {} records up to offset {last}",
            header.record_count
        )));
    }
    if header.is_control() {
        return Err(invalid("control batches are written by the broker only"));
    }
    if header.producer_id >= 0 && header.base_sequence < 0 {
        return Err(invalid("a record batch has a producer ID but no sequence number"));
    }
    if header.is_transactional() && header.producer_id < 0 {
        return Err(invalid("a record batch belongs to a transaction but has no producer ID"));
    }
    if header.has_log_append_time() {
        return Err(Error::new(
            ErrorKind::InvalidTimestamp,
            "a record batch claims to have the broker's timestamp: only the broker sets that bit",
        ));
    }
    if header.codec()? == Codec::Zstd && !rules.zstd_allowed {
        return Err(Error::new(
            ErrorKind::UnsupportedCompression,
            "zstd needs Produce version 7 or later: use a newer client or another compression",
        ));
    }
    Ok(())
}

/// Walks over all records and returns their largest timestamp.
fn check_records(bytes: &[u8], header: &BatchHeader, rules: &Rules) -> Result<Millis> {
    let times = rules.times();
    let mut max_timestamp = NO_TIMESTAMP;
    for (expected, record) in (0..).zip(Records::new(bytes, header.record_count)) {
        let record = record?;
        if record.offset_delta != expected {
            return Err(misplaced(expected, record.offset_delta));
        }
        let Some(timestamp) = header.base_timestamp.checked_add(record.timestamp_delta) else {
            return Err(rules.out_of_range(record.timestamp_delta));
        };
        if !times.contains(&timestamp) && timestamp != NO_TIMESTAMP {
            return Err(rules.out_of_range(timestamp));
        }
        max_timestamp = max_timestamp.max(timestamp);
        if rules.keys_required && record.key.is_none() {
            return Err(keyless(record.offset_delta));
        }
    }
    Ok(max_timestamp)
}

#[cold]
fn misplaced(expected: i32, found: i32) -> Error {
    invalid(format!("record {expected} of a batch says that it is record {found}"))
}

#[cold]
fn keyless(offset_delta: i32) -> Error {
    invalid(format!(
        "record {offset_delta} of a batch has no key, which a compacted topic needs to know what \
         it replaces"
    ))
}

/// An error about a batch that is well formed but breaks a rule.
fn invalid(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidRecord, message)
}
