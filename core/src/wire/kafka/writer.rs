//! Appends Kafka's primitive types to a vector.

use std::fmt;

use super::ApiKey;
use crate::error::{Error, ErrorKind};

/// The longest string of the protocol, in bytes.
const STRING_BYTES_MAX: usize = 0x7fff;

/// A frame would be larger than its length prefix can say (2 GiB).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EncodeError;

impl fmt::Display for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the Kafka message would be larger than 2 GiB")
    }
}

impl std::error::Error for EncodeError {}

impl From<EncodeError> for Error {
    fn from(error: EncodeError) -> Self {
        Self::new(ErrorKind::Internal, error.to_string())
    }
}

/// Appends to a vector, by a version.
///
/// Nothing fails on the way: a length of 2 GiB or more is cut to what its prefix can say, and
/// then the frame around it is too large as well, which is what
/// [`FrameStart::finish`](super::frame::FrameStart::finish) reports.
#[derive(Debug)]
pub struct Writer<'w> {
    out: &'w mut Vec<u8>,
    version: i16,
    flexible: bool,
}

impl<'w> Writer<'w> {
    /// Appends to `out`, without compact lengths until [`Writer::set_version`] says so.
    pub fn new(out: &'w mut Vec<u8>) -> Self {
        Self { out, version: 0, flexible: false }
    }

    /// From here on, writes by `version` of `api`.
    pub fn set_version(&mut self, api: ApiKey, version: i16) {
        self.version = version;
        self.flexible = api.is_flexible(version);
    }

    /// From here on, writes without compact lengths and tagged fields.
    pub fn set_old_encoding(&mut self) {
        self.flexible = false;
    }

    /// The version by which fields are written.
    pub fn version(&self) -> i16 {
        self.version
    }

    /// Whether this version has compact lengths and tagged fields (KIP-482).
    pub fn is_flexible(&self) -> bool {
        self.flexible
    }

    /// The vector.
    pub fn into_inner(self) -> &'w mut Vec<u8> {
        self.out
    }

    /// How many bytes the vector has.
    pub fn position(&self) -> usize {
        self.out.len()
    }

    /// Appends `bytes` as they are.
    pub fn put(&mut self, bytes: &[u8]) {
        self.out.extend_from_slice(bytes);
    }

    /// An UNSIGNED_VARINT: seven bits per byte, lowest first.
    pub fn put_unsigned_varint(&mut self, value: u32) {
        let mut rest = value;
        loop {
            let [low, ..] = rest.to_le_bytes();
            rest >>= 7;
            if rest == 0 {
                self.out.push(low & 0x7f);
                return;
            }
            self.out.push(low | 0x80);
        }
    }

    /// The length of bytes or records or the count of an array, in this version's encoding;
    /// `None` for null.
    pub fn put_long_len(&mut self, len: Option<usize>) {
        if self.flexible {
            self.put_compact_len(len);
        } else {
            let len = len.map_or(-1, |len| i32::try_from(len).unwrap_or(i32::MAX));
            self.put(&len.to_be_bytes());
        }
    }

    /// A string, or null. What is longer than 32767 bytes, the most that the protocol can
    /// say, is cut at a character.
    pub fn put_string(&mut self, text: Option<&str>) {
        let text = text.map(cut);
        if self.flexible {
            self.put_compact_len(text.map(str::len));
        } else {
            let len = text.map_or(-1, |text| i16::try_from(text.len()).unwrap_or(i16::MAX));
            self.put(&len.to_be_bytes());
        }
        self.put(text.unwrap_or_default().as_bytes());
    }

    /// Bytes or records, or null.
    pub fn put_bytes(&mut self, bytes: Option<&[u8]>) {
        self.put_long_len(bytes.map(<[u8]>::len));
        self.put(bytes.unwrap_or_default());
    }

    /// The tagged fields at the end of a struct. Does nothing in versions that have none.
    pub fn put_tagged_fields(&mut self, fields: &TaggedFields) {
        if self.flexible {
            self.put_unsigned_varint(fields.count);
            self.put(&fields.content);
        }
    }

    fn put_compact_len(&mut self, len: Option<usize>) {
        let len = len.map_or(0, |len| u32::try_from(len).unwrap_or(u32::MAX).saturating_add(1));
        self.put_unsigned_varint(len);
    }
}

/// Tagged fields that are being gathered, in the order of their tags.
#[derive(Debug, Default)]
pub struct TaggedFields {
    count: u32,
    content: Vec<u8>,
}

impl TaggedFields {
    /// Adds what `write` writes, by the version of `writer`, as the field `tag`.
    pub fn add(&mut self, writer: &Writer<'_>, tag: u32, write: impl FnOnce(&mut Writer<'_>)) {
        let mut field = Vec::new();
        write(&mut Writer { out: &mut field, ..*writer });
        let mut content = Writer { out: &mut self.content, ..*writer };
        content.put_unsigned_varint(tag);
        content.put_unsigned_varint(u32::try_from(field.len()).unwrap_or(u32::MAX));
        content.put(&field);
        self.count += 1;
    }
}

fn cut(text: &str) -> &str {
    let end = text.floor_char_boundary(STRING_BYTES_MAX);
    text.get(..end).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn varint(value: u32) -> Vec<u8> {
        let mut out = Vec::new();
        Writer::new(&mut out).put_unsigned_varint(value);
        out
    }

    #[test]
    fn varints_are_as_short_as_they_can_be() {
        assert_eq!(varint(0), [0]);
        assert_eq!(varint(127), [0x7f]);
        assert_eq!(varint(300), [0xac, 0x02]);
        assert_eq!(varint(u32::MAX), [0xff, 0xff, 0xff, 0xff, 0x0f]);
    }

    #[test]
    fn a_string_that_is_too_long_is_cut_at_a_character() {
        let text = "\u{e9}".repeat(20_000);
        let mut out = Vec::new();
        Writer::new(&mut out).put_string(Some(&text));
        assert_eq!(out.get(..2), Some(&32766_i16.to_be_bytes()[..]));
        assert_eq!(std::str::from_utf8(&out[2..]).unwrap().chars().count(), 16_383);
    }
}
