//! CRC-32C (Castagnoli, RFC 3720 section 12.1): the checksum of record batches and of every
//! structure that minka writes.

use crc_fast::{CrcAlgorithm, Digest, checksum};

/// The CRC-32C of `bytes`.
pub fn crc32c(bytes: &[u8]) -> u32 {
    narrow(checksum(CrcAlgorithm::Crc32Iscsi, bytes))
}

/// The CRC-32C of `parts`, one after another.
pub fn crc32c_of(parts: &[&[u8]]) -> u32 {
    let mut digest = Digest::new(CrcAlgorithm::Crc32Iscsi);
    for part in parts {
        digest.update(part);
    }
    narrow(digest.finalize())
}

/// crc-fast returns every checksum as 64 bits; a 32-bit one has zeros above.
#[expect(clippy::cast_possible_truncation, reason = "the upper half of a CRC-32 is zero")]
fn narrow(sum: u64) -> u32 {
    sum as u32
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
