//! The records inside a batch, one by one, borrowed from its bytes.
//!
//! A record is, with variable-length integers: length of what follows, attributes (one byte,
//! unused), timestamp delta, offset delta, key length (-1: null) and key, value length (-1: null)
//! and value, header count, and for each header key length, key, value length (-1: null), value.
//! Source: the Kafka documentation, "Message Format", "Record".

use bytes::Bytes;

use super::compression::{Codec, decompress};
use super::header::{BatchHeader, corrupt};
use super::varint::{read_i32, read_i64, take};
use crate::error::{Error, Result};
use crate::limits::DECOMPRESSED_BYTES_MAX;

/// The records of a batch, uncompressed: of what follows its header. What is not compressed is not
/// copied.
///
/// # Errors
/// `UnsupportedCompression`; `CorruptBatch` for what cannot be unpacked, or not within
/// [`DECOMPRESSED_BYTES_MAX`].
pub fn unpack(header: &BatchHeader, packed: &Bytes) -> Result<Bytes> {
    match header.codec()? {
        Codec::None => Ok(packed.clone()),
        codec => decompress(codec, packed, DECOMPRESSED_BYTES_MAX).map(Bytes::from),
    }
}

/// One record of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record<'a> {
    /// The offset, counted from the batch's base offset.
    pub offset_delta: i32,
    /// The timestamp in ms, counted from the batch's base timestamp.
    pub timestamp_delta: i64,
    /// The key.
    pub key: Option<&'a [u8]>,
    /// The value; none deletes the key in a compacted topic.
    pub value: Option<&'a [u8]>,
    /// The headers, in the order in which the producer gave them.
    pub headers: Headers<'a>,
}

/// A header of a record: a key, which may occur again in the same record, and a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header<'a> {
    /// The key, in UTF-8 where the producer kept to the protocol.
    pub key: &'a [u8],
    /// The value.
    pub value: Option<&'a [u8]>,
}

/// The headers of a record, as an iterator that can be copied.
///
/// [`Records`] has checked their lengths.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Headers<'a> {
    bytes: &'a [u8],
    left: i32,
}

/// Iterates over an uncompressed records section.
///
/// Every length is checked against the bytes that are there. The first error, of kind
/// `CorruptBatch`, ends the iteration; so does the last record, after which there may be no bytes.
/// Offset deltas are as they were written: a batch that compaction has thinned has gaps.
#[derive(Debug, Clone)]
pub struct Records<'a> {
    bytes: &'a [u8],
    left: i32,
    failed: bool,
}

impl<'a> Records<'a> {
    /// The records in `bytes`, which are as many as the batch's header says.
    pub fn new(bytes: &'a [u8], record_count: i32) -> Self {
        Self { bytes, left: record_count, failed: false }
    }

    /// The bytes that have not been read yet.
    pub fn rest(&self) -> &'a [u8] {
        self.bytes
    }
}

impl<'a> Iterator for Records<'a> {
    type Item = Result<Record<'a>>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if self.left <= 0 || self.failed {
            if self.bytes.is_empty() || self.failed {
                return None;
            }
            self.failed = true;
            return Some(Err(left_over()));
        }
        let Some(record) = read_record(&mut self.bytes) else {
            self.failed = true;
            return Some(Err(broken()));
        };
        self.left -= 1;
        Some(Ok(record))
    }
}

impl Headers<'_> {
    /// How many headers are left.
    pub fn count_left(&self) -> usize {
        usize::try_from(self.left).unwrap_or(0)
    }
}

impl<'a> Iterator for Headers<'a> {
    type Item = Header<'a>;

    fn next(&mut self) -> Option<Header<'a>> {
        if self.left <= 0 {
            return None;
        }
        self.left -= 1;
        read_header(&mut self.bytes)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.count_left(), Some(self.count_left()))
    }
}

#[inline]
fn read_record<'a>(bytes: &mut &'a [u8]) -> Option<Record<'a>> {
    let length = read_i32(bytes)?;
    let mut body = take(bytes, length)?;
    let (_attributes, after) = body.split_first()?;
    body = after;
    let timestamp_delta = read_i64(&mut body)?;
    let offset_delta = read_i32(&mut body)?;
    let key = read_nullable(&mut body)?;
    let value = read_nullable(&mut body)?;
    let count = read_i32(&mut body)?;
    let headers = Headers { bytes: body, left: count };
    if count != 0 {
        check_headers(headers)?;
    } else if !body.is_empty() {
        return None;
    }
    Some(Record { offset_delta, timestamp_delta, key, value, headers })
}

/// Whether the headers fill their bytes exactly. A count larger than the bytes allow fails
/// at the first header that is not there.
fn check_headers(headers: Headers<'_>) -> Option<()> {
    let mut bytes = headers.bytes;
    if headers.left < 0 {
        return None;
    }
    for _ in 0..headers.left {
        read_header(&mut bytes)?;
    }
    bytes.is_empty().then_some(())
}

fn read_header<'a>(bytes: &mut &'a [u8]) -> Option<Header<'a>> {
    let length = read_i32(bytes)?;
    let key = take(bytes, length)?;
    Some(Header { key, value: read_nullable(bytes)? })
}

#[inline]
fn read_nullable<'a>(bytes: &mut &'a [u8]) -> Option<Option<&'a [u8]>> {
    match read_i32(bytes)? {
        -1 => Some(None),
        length => Some(Some(take(bytes, length)?)),
    }
}

/// Kept out of the way of the loop that reads good records.
#[cold]
fn broken() -> Error {
    corrupt("a record's lengths contradict each other or end beyond its batch")
}

#[cold]
fn left_over() -> Error {
    corrupt("a record batch goes on after its last record")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Offset delta 3, timestamp delta 5, key "k", value null, headers a=1 and a=null.
    const RECORD: [u8; 14] = [26, 0, 10, 6, 2, b'k', 1, 4, 2, b'a', 2, b'1', 2, b'a'];

    fn bytes() -> Vec<u8> {
        [&RECORD[..], &[1]].concat()
    }

    fn with_length(mut record: Vec<u8>) -> Vec<u8> {
        record[0] = u8::try_from(record.len() - 1).unwrap() * 2;
        record
    }

    #[test]
    fn a_record_is_read_with_all_its_parts() {
        let bytes = with_length(bytes());
        let record = Records::new(&bytes, 1).next().unwrap().unwrap();
        assert_eq!((record.offset_delta, record.timestamp_delta), (3, 5));
        assert_eq!((record.key, record.value), (Some(&b"k"[..]), None));
        let headers: Vec<_> = record.headers.map(|header| (header.key, header.value)).collect();
        assert_eq!(headers, [(&b"a"[..], Some(&b"1"[..])), (b"a", None)]);
        assert_eq!(record.headers.count_left(), 2);
    }

    #[test]
    fn records_that_do_not_fill_their_bytes_are_refused_once() {
        let good = with_length(bytes());
        let left_over = [&good[..], &[0]].concat();
        let mut records = Records::new(&left_over, 1);
        assert!(records.next().unwrap().is_ok());
        assert!(records.next().unwrap().is_err());
        assert!(records.next().is_none());

        for cut in 0..good.len() {
            let mut records = Records::new(&good[..cut], 1);
            assert!(records.next().unwrap().is_err(), "cut at {cut}");
            assert!(records.next().is_none());
        }
        assert!(Records::new(&[], -1).next().is_none());
        assert!(Records::new(&good, 2).nth(1).unwrap().is_err());
    }

    #[test]
    fn a_length_inside_a_record_cannot_reach_beyond_it() {
        for (at, value) in [(0, 24), (4, 3), (4, 100), (6, 3), (6, 50), (7, 3), (7, 6), (8, 1)] {
            let mut bad = with_length(bytes());
            bad[at] = value;
            bad.extend_from_slice(&[0; 64]);
            let first = Records::new(&bad, 1).next().unwrap();
            assert!(first.is_err(), "byte {at} set to {value}: {first:?}");
        }
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic_and_never_loop(
            bytes in proptest::collection::vec(any::<u8>(), 0..200), count: i32,
        ) {
            let mut steps = 0;
            for record in Records::new(&bytes, count).flatten() {
                steps += 1;
                prop_assert!(record.headers.count() <= bytes.len());
            }
            prop_assert!(steps <= bytes.len());
        }
    }
}
