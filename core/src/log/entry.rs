//! An entry of the log: a header of 40 bytes and a payload.
//!
//! All numbers of minka's own structures are little-endian.
//!
//! | bytes | field     | what                                               |
//! |-------|-----------|----------------------------------------------------|
//! | 0-3   | checksum  | CRC-32C of bytes 4-39 and of what it covers        |
//! | 4-7   | length    | of the payload, in bytes                           |
//! | 8-15  | first ID  | the first of the IDs that the entry uses           |
//! | 16-23 | written   | wall clock, in milliseconds                        |
//! | 24-27 | partition | broker-wide number; `u32::MAX` in a state entry    |
//! | 28-31 | count     | of IDs: records of a batch, 1 for a state entry    |
//! | 32-35 | epoch     | grows at every start of the broker                 |
//! | 36    | kind      | 1 data, 2 state                                    |
//! | 37-39 | unsynced  | first ID minus the lowest ID not known to be synced |
//!
//! Why each is there:
//!
//! - The *checksum* covers all of a state entry, and of a data entry the 61 bytes of the batch
//!   header, whose own CRC covers the rest: each byte is covered, hashed once, and an index can
//!   be rebuilt without reading records.
//! - *IDs* follow each other without a gap within an epoch, which tells an entry from the remains
//!   of an older life of the file.
//! - *Written* gives replay the time at which things happened.
//! - The *epoch* is the leader epoch of the entry's batch.
//! - *Unsynced* lets recovery tell a torn tail from damage: what a later entry knew to be on the
//!   disk cannot be missing because of a power cut.

use crate::batch::header::HEADER_BYTES as BATCH_HEADER_BYTES;
use crate::checksum::crc32c_of;
use crate::clock::Millis;
use crate::limits::UNSYNCED_IDS_MAX;

/// The length of an entry's header.
pub const HEADER_BYTES: usize = 40;

/// The partition number of a state entry.
pub const NO_PARTITION: u32 = u32::MAX;

const UNSYNCED_MAX: u64 = (1 << 24) - 1;
const _: () = assert!(UNSYNCED_IDS_MAX <= UNSYNCED_MAX);

/// What an entry's payload is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A record batch.
    Data,
    /// An encoded change of the broker's state.
    State,
}

/// The header of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// What the payload is.
    pub kind: Kind,
    /// Bytes of payload.
    pub length: u32,
    /// The first of the IDs used.
    pub first_id: u64,
    /// How many IDs are used.
    pub count: u32,
    /// When it was written.
    pub written: Millis,
    /// The batch's partition, or [`NO_PARTITION`].
    pub partition: u32,
    /// The session of the broker that wrote it.
    pub epoch: u32,
    /// All IDs below this one were on the disk when the entry was written.
    pub synced_below: u64,
}

impl Entry {
    /// The ID after the last one used.
    pub fn end_id(&self) -> u64 {
        self.first_id.saturating_add(u64::from(self.count))
    }

    /// The length of header and payload together.
    pub fn total_bytes(&self) -> u64 {
        HEADER_BYTES as u64 + u64::from(self.length)
    }

    /// How much of the payload the entry's own checksum covers.
    fn covered(kind: Kind, length: usize) -> usize {
        match kind {
            Kind::Data => length.min(BATCH_HEADER_BYTES),
            Kind::State => length,
        }
    }

    /// The header's bytes; `payload` is the payload, or at least as much of it as is covered.
    pub fn encode(&self, payload: &[u8]) -> [u8; HEADER_BYTES] {
        let unsynced = self.first_id.saturating_sub(self.synced_below).min(UNSYNCED_MAX);
        let kind: u64 = match self.kind {
            Kind::Data => 1,
            Kind::State => 2,
        };
        let mut bytes = [0; HEADER_BYTES];
        bytes[4..8].copy_from_slice(&self.length.to_le_bytes());
        bytes[8..16].copy_from_slice(&self.first_id.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.written.to_le_bytes());
        bytes[24..28].copy_from_slice(&self.partition.to_le_bytes());
        bytes[28..32].copy_from_slice(&self.count.to_le_bytes());
        bytes[32..40]
            .copy_from_slice(&(u64::from(self.epoch) | kind << 32 | unsynced << 40).to_le_bytes());
        let covered = Self::covered(self.kind, self.length as usize);
        let checksum = crc32c_of(&[&bytes[4..], &payload[..covered]]);
        bytes[..4].copy_from_slice(&checksum.to_le_bytes());
        bytes
    }

    /// Reads the fields without looking at the checksum. `None` where no entry can begin so.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let bytes: &[u8; HEADER_BYTES] = bytes.first_chunk()?;
        let u32_at = |at: usize| {
            u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
        };
        let u64_at = |at: usize| u64::from(u32_at(at)) | u64::from(u32_at(at + 4)) << 32;
        let kind = match bytes[36] {
            1 => Kind::Data,
            2 => Kind::State,
            _ => return None,
        };
        let first_id = u64_at(8);
        let entry = Self {
            kind,
            length: u32_at(4),
            first_id,
            count: u32_at(28),
            written: u64_at(16).cast_signed(),
            partition: u32_at(24),
            epoch: u32_at(32),
            synced_below: first_id.saturating_sub(u64_at(32) >> 40),
        };
        let whole = kind == Kind::State || entry.length as usize >= BATCH_HEADER_BYTES;
        (whole && entry.count > 0).then_some(entry)
    }

    /// Decodes the header at the start of `bytes` and checks what its checksum covers. `None`
    /// where that does not fit, or reaches past the end of `bytes`.
    pub fn checked(bytes: &[u8]) -> Option<Self> {
        let entry = Self::decode(bytes)?;
        let covered = Self::covered(entry.kind, entry.length as usize);
        let covered = bytes.get(4..HEADER_BYTES + covered)?;
        let stored = u32::from_le_bytes(*bytes.first_chunk()?);
        (crate::checksum::crc32c(covered) == stored).then_some(entry)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_survives_and_any_flipped_bit_is_noticed() {
        let payload = b"topic created";
        let entry = Entry {
            kind: Kind::State,
            length: payload.len() as u32,
            first_id: 1 << 40,
            count: 1,
            written: 1_790_000_000_000,
            partition: NO_PARTITION,
            epoch: 7,
            synced_below: (1 << 40) - 12_345,
        };
        let mut bytes = entry.encode(payload).to_vec();
        bytes.extend_from_slice(payload);
        assert_eq!(Entry::checked(&bytes), Some(entry));
        for bit in 0..bytes.len() * 8 {
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(Entry::checked(&bytes), None, "bit {bit}");
            bytes[bit / 8] ^= 1 << (bit % 8);
        }
        assert_eq!(Entry::checked(&bytes[..bytes.len() - 1]), None);
    }
}
