//! Takes Kafka's primitive types from the front of a byte slice.

use std::fmt;
use std::mem::size_of;

use super::ApiKey;
use crate::error::{Error, ErrorKind};

/// Vectors may take this many bytes of memory for each byte of the message...
const MEMORY_PER_BYTE: usize = 16;
/// ...and this many in any case, so that a short message with one large struct passes.
const MEMORY_FLOOR: usize = 4096;
/// The longest string of the protocol in bytes, in the compact encoding too.
const STRING_BYTES_MAX: usize = 0x7fff;

/// Why bytes are not the message they should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum DecodeError {
    /// A field goes past the end of the message.
    UnexpectedEnd,
    /// A length or count is below -1.
    NegativeLength,
    /// Null stands where this version does not allow it.
    UnexpectedNull,
    /// A string has more than 32767 bytes.
    StringTooLong,
    /// A string is not UTF-8.
    InvalidUtf8,
    /// A variable-length number has more bits than its type.
    VarintTooLong,
    /// A count promises more elements than the bytes that are left can hold.
    TooManyElements,
    /// The arrays would take far more memory than the message has bytes.
    TooMuchMemory,
    /// A tagged field's content does not fill its announced size.
    TagSizeMismatch,
    /// No API has this key, or none that minka knows.
    UnknownApi(i16),
    /// The API has no such version, or none that minka knows.
    UnsupportedVersion(ApiKey, i16),
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sentence = match self {
            Self::UnexpectedEnd => "a field goes past the end of the message",
            Self::NegativeLength => "a length is negative",
            Self::UnexpectedNull => "null stands where a value is required",
            Self::StringTooLong => "a string has more than 32767 bytes",
            Self::InvalidUtf8 => "a string is not UTF-8",
            Self::VarintTooLong => "a variable-length number is too long",
            Self::TooManyElements => "an array announces more elements than bytes follow",
            Self::TooMuchMemory => "arrays of next to empty elements would take too much memory",
            Self::TagSizeMismatch => "a tagged field does not fill its announced size",
            Self::UnknownApi(key) => return write!(f, "no API has the key {key}"),
            Self::UnsupportedVersion(api, version) => {
                return write!(f, "{api} version {version} is not supported");
            }
        };
        f.write_str(sentence)
    }
}

impl std::error::Error for DecodeError {}

impl From<DecodeError> for Error {
    fn from(error: DecodeError) -> Self {
        Self::new(ErrorKind::InvalidRequest, format!("the Kafka message cannot be read: {error}"))
    }
}

/// A place in a message that is being read, and the version by which it is read.
///
/// Every length and count is compared with the bytes that are left before anything is reserved
/// for it, and what vectors reserve altogether is bounded by a multiple of the message's length.
#[derive(Debug, Clone)]
pub struct Reader<'a> {
    rest: &'a [u8],
    end: usize,
    memory_left: usize,
    version: i16,
    flexible: bool,
}

impl<'a> Reader<'a> {
    /// Reads `message`, a frame without its length prefix. Positions count from its start.
    pub fn new(message: &'a [u8]) -> Self {
        Self {
            rest: message,
            end: message.len(),
            memory_left: message.len().saturating_mul(MEMORY_PER_BYTE).max(MEMORY_FLOOR),
            version: 0,
            flexible: false,
        }
    }

    /// From here on, reads by `version` of `api`.
    pub fn set_version(&mut self, api: ApiKey, version: i16) {
        self.version = version;
        self.flexible = api.is_flexible(version);
    }

    /// The version by which fields are read.
    pub fn version(&self) -> i16 {
        self.version
    }

    /// Whether this version has compact lengths and tagged fields (KIP-482).
    pub fn is_flexible(&self) -> bool {
        self.flexible
    }

    /// How many bytes are left.
    pub fn remaining(&self) -> usize {
        self.rest.len()
    }

    /// How many bytes of the message have been read.
    pub fn position(&self) -> usize {
        self.end - self.rest.len()
    }

    /// The next `len` bytes.
    pub fn take(&mut self, len: usize) -> Result<&'a [u8], DecodeError> {
        let (taken, rest) = self.rest.split_at_checked(len).ok_or(DecodeError::UnexpectedEnd)?;
        self.rest = rest;
        Ok(taken)
    }

    /// The next `N` bytes.
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let (taken, rest) = self.rest.split_first_chunk().ok_or(DecodeError::UnexpectedEnd)?;
        self.rest = rest;
        Ok(*taken)
    }

    /// An INT16, big-endian.
    pub fn int16(&mut self) -> Result<i16, DecodeError> {
        self.array().map(i16::from_be_bytes)
    }

    /// An INT32, big-endian.
    pub fn int32(&mut self) -> Result<i32, DecodeError> {
        self.array().map(i32::from_be_bytes)
    }

    /// An UNSIGNED_VARINT: seven bits per byte, lowest first, at most 32 bits.
    pub fn unsigned_varint(&mut self) -> Result<u32, DecodeError> {
        let mut value = 0;
        for shift in [0, 7, 14, 21, 28] {
            let [byte] = self.array()?;
            let bits = u32::from(byte & 0x7f);
            if shift == 28 && bits > 0x0f {
                return Err(DecodeError::VarintTooLong);
            }
            value |= bits << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(DecodeError::VarintTooLong)
    }

    /// The length of a string, in this version's encoding; `None` for null.
    pub fn string_len(&mut self) -> Result<Option<usize>, DecodeError> {
        let len =
            if self.flexible { self.compact_len()? } else { signed_len(self.int16()?.into())? };
        match len {
            Some(len) if len > STRING_BYTES_MAX => Err(DecodeError::StringTooLong),
            len => Ok(len),
        }
    }

    /// The length of bytes or records or the count of an array, in this version's encoding;
    /// `None` for null.
    pub fn long_len(&mut self) -> Result<Option<usize>, DecodeError> {
        if self.flexible { self.compact_len() } else { signed_len(self.int32()?) }
    }

    /// A string; `None` for null.
    pub fn string(&mut self) -> Result<Option<&'a str>, DecodeError> {
        let Some(len) = self.string_len()? else {
            return Ok(None);
        };
        let text = std::str::from_utf8(self.take(len)?).map_err(|_| DecodeError::InvalidUtf8)?;
        Ok(Some(text))
    }

    /// Bytes, or records; `None` for null.
    pub fn bytes(&mut self) -> Result<Option<&'a [u8]>, DecodeError> {
        match self.long_len()? {
            Some(len) => self.take(len).map(Some),
            None => Ok(None),
        }
    }

    /// The count of an array whose elements take at least `element_len` bytes each, checked
    /// against the bytes that are left; `None` for null.
    pub fn array_count(&mut self, element_len: usize) -> Result<Option<usize>, DecodeError> {
        let Some(count) = self.long_len()? else {
            return Ok(None);
        };
        match count.checked_mul(element_len.max(1)) {
            Some(len) if len <= self.remaining() => Ok(Some(count)),
            _ => Err(DecodeError::TooManyElements),
        }
    }

    /// An empty vector with room for `count` elements, whose memory counts towards the bound.
    pub fn reserve<T>(&mut self, count: usize) -> Result<Vec<T>, DecodeError> {
        let left = count
            .checked_mul(size_of::<T>())
            .and_then(|bytes| self.memory_left.checked_sub(bytes))
            .ok_or(DecodeError::TooMuchMemory)?;
        self.memory_left = left;
        Ok(Vec::with_capacity(count))
    }

    /// Skips the tagged fields of a struct of which no tag is known. Does nothing in versions
    /// that have none.
    pub fn skip_tagged_fields(&mut self) -> Result<(), DecodeError> {
        self.tagged_fields(|_, _| Ok(false))
    }

    /// Gives each tagged field to `read`, which reads it completely and answers true, or leaves
    /// it alone and answers false. Does nothing in versions that have none.
    pub fn tagged_fields(
        &mut self,
        mut read: impl FnMut(u32, &mut Self) -> Result<bool, DecodeError>,
    ) -> Result<(), DecodeError> {
        if !self.flexible {
            return Ok(());
        }
        // No count can keep this loop busy: each tagged field takes two bytes of the message.
        for _ in 0..self.unsigned_varint()? {
            let tag = self.unsigned_varint()?;
            let size = usize_from(self.unsigned_varint()?);
            let content = self.take(size)?;
            let (after, end) = (self.rest, self.end);
            self.rest = content;
            self.end = end - after.len();
            let known = read(tag, self)?;
            if known && !self.rest.is_empty() {
                return Err(DecodeError::TagSizeMismatch);
            }
            self.rest = after;
            self.end = end;
        }
        Ok(())
    }

    fn compact_len(&mut self) -> Result<Option<usize>, DecodeError> {
        Ok(self.unsigned_varint()?.checked_sub(1).map(usize_from))
    }
}

fn signed_len(len: i32) -> Result<Option<usize>, DecodeError> {
    match len {
        -1 => Ok(None),
        len => usize::try_from(len).map(Some).map_err(|_| DecodeError::NegativeLength),
    }
}

/// Where `usize` is narrower, the largest one stands for what cannot be there anyway.
fn usize_from(len: u32) -> usize {
    usize::try_from(len).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn varint(bytes: &[u8]) -> Result<u32, DecodeError> {
        Reader::new(bytes).unsigned_varint()
    }

    #[test]
    fn varints_end_at_32_bits() {
        assert_eq!(varint(&[0x00]), Ok(0));
        assert_eq!(varint(&[0xac, 0x02]), Ok(300));
        assert_eq!(varint(&[0xff, 0xff, 0xff, 0xff, 0x0f]), Ok(u32::MAX));
        assert_eq!(varint(&[0xff, 0xff, 0xff, 0xff, 0x1f]), Err(DecodeError::VarintTooLong));
        assert_eq!(varint(&[0xff, 0xff, 0xff, 0xff, 0x8f]), Err(DecodeError::VarintTooLong));
        assert_eq!(varint(&[0xff, 0xff]), Err(DecodeError::UnexpectedEnd));
    }

    #[test]
    fn a_count_must_fit_into_what_is_left() {
        let message = [0, 0, 0, 3, 1, 2, 3];
        assert_eq!(Reader::new(&message).array_count(1), Ok(Some(3)));
        assert_eq!(Reader::new(&message).array_count(2), Err(DecodeError::TooManyElements));
        assert_eq!(Reader::new(&[0xff; 4]).array_count(1), Ok(None));
        assert_eq!(
            Reader::new(&[0xff, 0xff, 0xff, 0xfe]).array_count(1),
            Err(DecodeError::NegativeLength)
        );
    }

    #[test]
    fn vectors_share_one_bound() {
        let mut reader = Reader::new(&[]);
        assert!(reader.reserve::<[u8; 1024]>(3).is_ok());
        assert_eq!(reader.reserve::<[u8; 1024]>(2), Err(DecodeError::TooMuchMemory));
        assert!(reader.reserve::<[u8; 1024]>(1).is_ok());
        assert_eq!(reader.reserve::<u8>(usize::MAX), Err(DecodeError::TooMuchMemory));
    }

    #[test]
    fn a_tagged_field_is_skipped_or_filled_exactly() {
        let message = [1, 7, 2, 0xaa, 0xbb, 0xcc];
        let mut reader = Reader::new(&message);
        reader.set_version(ApiKey::ApiVersions, 3);
        let skipped = reader.clone().tagged_fields(|tag, _| Ok(tag != 7));
        assert_eq!(skipped, Ok(()));
        let short = reader.clone().tagged_fields(|_, r| r.take(1).map(|_| true));
        assert_eq!(short, Err(DecodeError::TagSizeMismatch));
        let long = reader.clone().tagged_fields(|_, r| r.take(3).map(|_| true));
        assert_eq!(long, Err(DecodeError::UnexpectedEnd));
        reader
            .tagged_fields(|_, r| {
                assert_eq!((r.position(), r.take(2)?), (3, &[0xaa, 0xbb][..]));
                Ok(true)
            })
            .unwrap();
        assert_eq!((reader.position(), reader.remaining()), (5, 1));
    }
}
