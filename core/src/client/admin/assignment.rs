//! What a member of a classic group was assigned, as consumers write it for each other.

use crate::wire::kafka::{ApiKey, DecodeError, Reader};

/// The partitions in a member's assignment (Kafka's `ConsumerProtocolAssignment`: a version, and
/// for each topic its name and partitions; later versions only add behind that). Nothing where it
/// is none: other programs than consumers use groups too.
pub(super) fn partitions(assignment: &[u8]) -> Vec<(String, u32)> {
    let mut found = read(&mut Reader::new(assignment)).unwrap_or_default();
    found.sort();
    found
}

fn read(reader: &mut Reader<'_>) -> Result<Vec<(String, u32)>, DecodeError> {
    // Any version without compact lengths will do: they are never used here.
    reader.set_version(ApiKey::Metadata, 0);
    reader.int16()?;
    let mut found = Vec::new();
    for _ in 0..reader.array_count(6)?.unwrap_or(0) {
        let topic = reader.string()?.ok_or(DecodeError::UnexpectedNull)?;
        for _ in 0..reader.array_count(4)?.unwrap_or(0) {
            let partition = u32::try_from(reader.int32()?);
            found.push((topic.to_owned(), partition.map_err(|_| DecodeError::NegativeLength)?));
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_assignment_is_read_and_anything_else_is_nothing() {
        let mut bytes = vec![0, 1, 0, 0, 0, 1, 0, 1, b't', 0, 0, 0, 2, 0, 0, 0, 5, 0, 0, 0, 3];
        bytes.extend([0xff; 4]);
        let expected = [("t".to_owned(), 3), ("t".to_owned(), 5)];
        assert_eq!(partitions(&bytes), expected);
        assert_eq!(partitions(&bytes[..15]), []);
        assert_eq!(partitions(b"something else"), []);
        assert_eq!(partitions(&[]), []);
    }
}
