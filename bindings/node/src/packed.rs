//! Records in one piece of memory, which crosses to JavaScript at once. `lib/record.js` reads it.
//!
//! First a row of 56 bytes for each record, all little-endian, then what the rows point to:
//!
//! | at | | |
//! |---|---|---|
//! | 0 | u64 | offset |
//! | 8 | f64 | timestamp in ms |
//! | 16 | u32, i32 | where the value begins, from the first byte on; how long it is, -1: null |
//! | 24 | u32, i32 | the same of the key |
//! | 32 | u32, u32 | where the headers begin, and how many there are |
//! | 40 | u32, u32 | the topic, as an index into the list of topics; the partition |
//! | 48 | u32, u32 | the delivery count; 0 |
//!
//! A header is the length of its key and of its value (-1: null) as i32, then both.

use std::fmt;

use minka::client::{Header, Record, Records};
use napi::bindgen_prelude::Buffer;
use napi_derive::napi;

const ROW_BYTES: usize = 56;

/// The records of a poll.
#[derive(Debug)]
pub(crate) struct Packed {
    bytes: Vec<u8>,
    topics: Vec<String>,
    count: u32,
}

/// The records of a poll, as JavaScript gets them.
#[napi(object, object_from_js = false)]
pub struct Polled {
    /// How many there are.
    pub count: u32,
    /// The records.
    pub bytes: Buffer,
    /// The topics that they are of.
    pub topics: Vec<String>,
}

impl Packed {
    /// Copies the records of a poll.
    pub(crate) fn new(records: &Records) -> Self {
        Self::pack(records.iter())
    }

    /// Copies one record.
    pub(crate) fn of(record: &Record<'_>) -> Self {
        Self::pack(std::iter::once(*record))
    }

    fn pack<'a>(records: impl ExactSizeIterator<Item = Record<'a>> + Clone) -> Self {
        let (count, rows) = (records.len(), records.len() * ROW_BYTES);
        let size: usize = records.clone().map(|record| payload(&record)).sum();
        let mut bytes = Vec::with_capacity(rows + size);
        bytes.resize(rows, 0);
        let mut topics: Vec<String> = Vec::new();
        for (place, record) in records.enumerate() {
            // Records of a topic come together.
            if topics.last().is_none_or(|last| last != record.topic) {
                topics.push(record.topic.to_owned());
            }
            let row = row(&record, &mut bytes, topics.len() - 1);
            bytes[place * ROW_BYTES..][..ROW_BYTES].copy_from_slice(&row);
        }
        Self { bytes, topics, count: narrow(count) }
    }

    /// Hands the memory over to JavaScript, on its thread.
    pub(crate) fn into_polled(self) -> Polled {
        Polled { count: self.count, bytes: self.bytes.into(), topics: self.topics }
    }
}

impl fmt::Debug for Polled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Polled").field("count", &self.count).finish_non_exhaustive()
    }
}

/// Appends what the row of a record points to, and makes the row.
fn row(record: &Record<'_>, bytes: &mut Vec<u8>, topic: usize) -> [u8; ROW_BYTES] {
    let (value_at, value_len) = append(bytes, record.value);
    let (key_at, key_len) = append(bytes, record.key);
    let headers_at = narrow(bytes.len());
    for header in record.headers {
        bytes.extend(narrow(header.key.len()).to_le_bytes());
        bytes.extend(length(header.value).to_le_bytes());
        bytes.extend_from_slice(header.key);
        bytes.extend_from_slice(header.value.unwrap_or_default());
    }
    let mut row = [0; ROW_BYTES];
    row[..8].copy_from_slice(&record.offset.to_le_bytes());
    #[expect(clippy::cast_precision_loss, reason = "exact for the next 285,000 years")]
    row[8..16].copy_from_slice(&(record.timestamp as f64).to_le_bytes());
    let words = [
        value_at,
        value_len.cast_unsigned(),
        key_at,
        key_len.cast_unsigned(),
        headers_at,
        narrow(record.headers.count_left()),
        narrow(topic),
        record.partition,
        record.delivery_count,
    ];
    for (place, word) in row[16..].chunks_exact_mut(4).zip(words) {
        place.copy_from_slice(&word.to_le_bytes());
    }
    row
}

fn append(bytes: &mut Vec<u8>, field: Option<&[u8]>) -> (u32, i32) {
    let at = narrow(bytes.len());
    bytes.extend_from_slice(field.unwrap_or_default());
    (at, length(field))
}

fn payload(record: &Record<'_>) -> usize {
    let len = |field: Option<&[u8]>| field.map_or(0, <[u8]>::len);
    let of_header = |header: Header<'_>| 8 + header.key.len() + len(header.value);
    len(record.key) + len(record.value) + record.headers.map(of_header).sum::<usize>()
}

fn length(field: Option<&[u8]>) -> i32 {
    field.map_or(-1, |field| i32::try_from(field.len()).unwrap_or(i32::MAX))
}

/// What a poll returns is far from 4 GiB: the consumer limits what it fetches.
fn narrow(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
