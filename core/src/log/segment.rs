//! A segment: one file of the log.
//!
//! It begins with a header of 64 bytes; entries follow to its end.
//!
//! | bytes | field    | why                                                                     |
//! |-------|----------|-------------------------------------------------------------------------|
//! | 0-7   | magic    | `MINKALOG`: tells the file's kind to people and programs                |
//! | 8-11  | version  | of the format: 1                                                        |
//! | 12-15 | cleaned  | 1 if the cleaner wrote it: entries ordered by partition, IDs with gaps  |
//! | 16-23 | first ID | of the range of IDs that the segment stands for: its place in the log   |
//! | 24-31 | end ID   | of a cleaned segment; 0 while that is known only by reading it          |
//! | 32-39 | salt     | differs between files of one name, so that a sidecar fits only its own  |
//! | 40-59 | -        | zero                                                                    |
//! | 60-63 | checksum | CRC-32C of bytes 0-59                                                   |
//!
//! The active segment is `mensajes.log`; a sealed one is called after its first ID, so that names
//! sort as the log does. Which segments exist is read from headers, not from names: the renames of
//! a rotation are made durable only with the first sync after it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::checksum::crc32c;
use crate::error::{Error, ErrorKind, Result};
use crate::sys::storage::{Storage, StoredFile};

/// The name of the active segment.
pub const ACTIVE: &str = "mensajes.log";
/// The length of a segment's header: where its first entry begins.
pub const HEADER_BYTES: usize = 64;
/// The version of the format that is written; all versions up to it are read.
pub const VERSION: u32 = 1;

const MAGIC: &[u8; 8] = b"MINKALOG";

/// The name of the sealed segment that begins with `first_id`.
pub fn sealed_name(first_id: u64) -> String {
    format!("mensajes-{first_id:020}.log")
}

/// The first ID of the sealed segment that has this name.
pub fn sealed_id(name: &str) -> Option<u64> {
    name.strip_prefix("mensajes-")?.strip_suffix(".log")?.parse().ok()
}

/// Whether a file of this name holds a segment.
pub fn is_segment_name(name: &str) -> bool {
    name == ACTIVE || sealed_id(name).is_some()
}

/// The header of a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// The first ID of the range that the segment stands for.
    pub first_id: u64,
    /// The end of that range if the cleaner wrote the segment.
    pub cleaned_to: Option<u64>,
    /// What a sidecar must repeat to belong to this file.
    pub salt: u64,
}

impl Header {
    /// The header's bytes.
    pub fn encode(&self) -> [u8; HEADER_BYTES] {
        let mut bytes = [0; HEADER_BYTES];
        bytes[..8].copy_from_slice(MAGIC);
        bytes[8..12].copy_from_slice(&VERSION.to_le_bytes());
        bytes[12..16].copy_from_slice(&u32::from(self.cleaned_to.is_some()).to_le_bytes());
        bytes[16..24].copy_from_slice(&self.first_id.to_le_bytes());
        bytes[24..32].copy_from_slice(&self.cleaned_to.unwrap_or(0).to_le_bytes());
        bytes[32..40].copy_from_slice(&self.salt.to_le_bytes());
        let checksum = crc32c(&bytes[..60]);
        bytes[60..].copy_from_slice(&checksum.to_le_bytes());
        bytes
    }

    /// Decodes a header; `None` where the bytes are not one, an error where it is of a version
    /// that this minka cannot read.
    pub fn decode(bytes: &[u8]) -> Result<Option<Self>> {
        let Some(bytes) = bytes.first_chunk::<HEADER_BYTES>() else {
            return Ok(None);
        };
        let u64_at = |at: usize| {
            let mut field = [0; 8];
            field.copy_from_slice(&bytes[at..at + 8]);
            u64::from_le_bytes(field)
        };
        if &bytes[..8] != MAGIC || crc32c(&bytes[..60]) != (u64_at(56) >> 32) as u32 {
            return Ok(None);
        }
        let version = u64_at(8) as u32;
        if version > VERSION {
            return Err(Error::new(
                ErrorKind::FormatTooNew,
                format!(
                    "the log is in format {version} and this minka reads up to {VERSION}; \
                     use the minka that wrote it, or a newer one"
                ),
            ));
        }
        let cleaned = u64_at(8) >> 32 == 1;
        Ok(Some(Self {
            first_id: u64_at(16),
            cleaned_to: cleaned.then_some(u64_at(24)),
            salt: u64_at(32),
        }))
    }
}

/// An open segment.
#[derive(Debug)]
pub struct Segment {
    /// What its file begins with.
    pub header: Header,
    /// Its file.
    pub file: Arc<dyn StoredFile>,
    /// The ID after its last one; `u64::MAX` while it is active.
    end_id: AtomicU64,
    /// Bytes of header and entries; grows while it is active.
    size: AtomicU64,
}

impl Segment {
    /// A segment whose entries end at `size`, before `end_id`.
    pub fn new(header: Header, file: Arc<dyn StoredFile>, end_id: u64, size: u64) -> Self {
        Self { header, file, end_id: AtomicU64::new(end_id), size: AtomicU64::new(size) }
    }

    /// Creates the file of an active segment in a session of the broker. Its header is written but
    /// not yet synced.
    pub fn create(storage: &dyn Storage, name: &str, first_id: u64, epoch: u32) -> Result<Self> {
        // Within an epoch no two segments begin with the same ID; the cleaner counts on from here.
        let salt = u64::from(epoch) << 32;
        let file = storage
            .open(name, true)
            .map_err(|error| Error::storage(format_args!("creating {name}"), error))?;
        let header = Header { first_id, cleaned_to: None, salt };
        file.set_size(0)
            .and_then(|()| file.write_all_at(&[&header.encode()], 0))
            .map_err(|error| Error::storage(format_args!("writing {name}"), error))?;
        Ok(Self::new(header, file, u64::MAX, HEADER_BYTES as u64))
    }

    /// The first ID of its range.
    pub fn first_id(&self) -> u64 {
        self.header.first_id
    }

    /// The ID after the last of its range; `u64::MAX` while it is active.
    pub fn end_id(&self) -> u64 {
        self.end_id.load(Ordering::Acquire)
    }

    /// Bytes of header and entries.
    pub fn size(&self) -> u64 {
        self.size.load(Ordering::Acquire)
    }

    /// Notes that entries now reach to `size`. Only the writer calls this.
    pub fn grow(&self, size: u64) {
        self.size.store(size, Ordering::Release);
    }

    /// Notes that no entry will follow.
    pub fn seal(&self, end_id: u64) {
        self.end_id.store(end_id, Ordering::Release);
    }

    /// Whether it is sealed.
    pub fn is_sealed(&self) -> bool {
        self.end_id() != u64::MAX
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_survive_and_newer_formats_are_refused() {
        for cleaned_to in [None, Some(99)] {
            let header = Header { first_id: 42, cleaned_to, salt: 7 };
            assert_eq!(Header::decode(&header.encode()).unwrap(), Some(header));
        }
        let mut bytes = Header { first_id: 1, cleaned_to: None, salt: 0 }.encode();
        bytes[16] ^= 1;
        assert_eq!(Header::decode(&bytes).unwrap(), None);
        bytes[16] ^= 1;
        bytes[8] = 2;
        let checksum = crc32c(&bytes[..60]);
        bytes[60..].copy_from_slice(&checksum.to_le_bytes());
        assert_eq!(Header::decode(&bytes).unwrap_err().kind(), ErrorKind::FormatTooNew);
    }

    #[test]
    fn names_sort_as_ids_do() {
        assert!(sealed_name(9) < sealed_name(10));
        assert_eq!(sealed_id(&sealed_name(9)), Some(9));
        assert!(is_segment_name(&sealed_name(9)) && is_segment_name(ACTIVE));
        assert!(!is_segment_name("broker.log"));
    }
}
