//! What a member of a classic group was assigned, as consumers write it for each other.

/// The partitions in a member's assignment (Kafka's `ConsumerProtocolAssignment`: a version, and
/// for each topic its name and partitions; later versions only add behind that). Nothing where it
/// is none: other programs than consumers use groups too.
pub fn assigned_partitions(assignment: &[u8]) -> Vec<(String, u32)> {
    let mut found = read(assignment).unwrap_or_default();
    found.sort();
    found
}

fn read(mut bytes: &[u8]) -> Option<Vec<(String, u32)>> {
    let bytes = &mut bytes;
    number::<2>(bytes)?;
    let mut found = Vec::new();
    for _ in 0..number::<4>(bytes)? {
        let length = usize::try_from(number::<2>(bytes)?).ok()?;
        let topic = std::str::from_utf8(bytes.split_off(..length)?).ok()?;
        for _ in 0..number::<4>(bytes)? {
            let partition = u32::try_from(number::<4>(bytes)?).ok()?;
            found.push((topic.to_owned(), partition));
        }
    }
    Some(found)
}

/// A signed number of so many bytes, at most 4, the highest first.
fn number<const LEN: usize>(bytes: &mut &[u8]) -> Option<i32> {
    let (number, rest) = bytes.split_first_chunk::<LEN>()?;
    *bytes = rest;
    let mut wide = [if number[0] < 0x80 { 0 } else { 0xff }; 4];
    wide[4 - LEN..].copy_from_slice(number);
    Some(i32::from_be_bytes(wide))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_assignment_is_read_and_anything_else_is_nothing() {
        let mut bytes = vec![0, 1, 0, 0, 0, 1, 0, 1, b't', 0, 0, 0, 2, 0, 0, 0, 5, 0, 0, 0, 3];
        bytes.extend([0xff; 4]);
        let expected = [("t".to_owned(), 3), ("t".to_owned(), 5)];
        assert_eq!(assigned_partitions(&bytes), expected);
        assert_eq!(assigned_partitions(&bytes[..15]), []);
        assert_eq!(assigned_partitions(b"something else"), []);
        assert_eq!(assigned_partitions(&[]), []);
    }
}
