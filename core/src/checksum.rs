//! CRC-32C (Castagnoli, RFC 3720 section 12.1): the checksum of record batches and of every
//! structure that minka writes.

use crc_fast::crc32_iscsi;

/// Parts that are no longer than this together are joined without an allocation.
const JOINED_BYTES: usize = 512;

/// The CRC-32C of `bytes`.
pub fn crc32c(bytes: &[u8]) -> u32 {
    // Not by the crate's `Digest`: with that come the tables of every CRC that it knows, half a
    // megabyte of them.
    crc32_iscsi(bytes)
}

/// The CRC-32C of `parts`, one after another. They are joined, so it is meant for short ones, as
/// the header of an entry and of its batch are.
pub fn crc32c_of(parts: &[&[u8]]) -> u32 {
    let mut joined = [0; JOINED_BYTES];
    let mut len = 0;
    for part in parts {
        let Some(place) = joined.get_mut(len..len + part.len()) else {
            return crc32c(&parts.concat());
        };
        place.copy_from_slice(part);
        len += part.len();
    }
    crc32c(&joined[..len])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_values_and_an_independent_implementation_agree() {
        assert_eq!(crc32c(b"123456789"), 0xe306_9283);
        let bytes: Vec<u8> = (0..100_000u32).map(|n| (n * 7 % 251) as u8).collect();
        for len in [0, 1, 15, 16, 61, 255, 256, 4096, 100_000] {
            assert_eq!(crc32c(&bytes[..len]), ::crc32c::crc32c(&bytes[..len]), "length {len}");
            let (head, tail) = bytes[..len].split_at(len / 3);
            assert_eq!(crc32c_of(&[head, tail]), crc32c(&bytes[..len]), "length {len}");
        }
    }
}
