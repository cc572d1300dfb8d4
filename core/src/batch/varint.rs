//! Variable-length integers of records: zigzag, seven bits a byte, the lowest first, as in
//! Protocol Buffers. Readers take what they read off the front of the slice.

/// Reads a 32-bit number; `None` where the bytes end early or do not fit 32 bits.
#[inline]
pub(super) fn read_i32(bytes: &mut &[u8]) -> Option<i32> {
    let raw = match **bytes {
        [first, ref rest @ ..] if first < 0x80 => {
            *bytes = rest;
            u32::from(first)
        }
        [first, second, ref rest @ ..] if second < 0x80 => {
            *bytes = rest;
            u32::from(first & 0x7f) | u32::from(second) << 7
        }
        _ => u32::try_from(read_long(bytes)?).ok()?,
    };
    Some((raw >> 1).cast_signed() ^ -(raw & 1).cast_signed())
}

/// Reads a 64-bit number; `None` where the bytes end early or do not fit 64 bits.
#[inline]
pub(super) fn read_i64(bytes: &mut &[u8]) -> Option<i64> {
    let raw = match **bytes {
        [first, ref rest @ ..] if first < 0x80 => {
            *bytes = rest;
            u64::from(first)
        }
        [first, second, ref rest @ ..] if second < 0x80 => {
            *bytes = rest;
            u64::from(first & 0x7f) | u64::from(second) << 7
        }
        _ => read_long(bytes)?,
    };
    Some((raw >> 1).cast_signed() ^ -(raw & 1).cast_signed())
}

/// Takes `count` bytes; `None` where there are fewer or `count` is negative.
#[inline]
pub(super) fn take<'a>(bytes: &mut &'a [u8], count: i32) -> Option<&'a [u8]> {
    let (head, rest) = bytes.split_at_checked(usize::try_from(count).ok()?)?;
    *bytes = rest;
    Some(head)
}

/// Appends a number.
#[inline]
pub(super) fn write(out: &mut Vec<u8>, value: i64) {
    let raw = zigzag(value);
    match raw {
        0..0x80 => out.push(raw as u8),
        0x80..0x4000 => out.extend_from_slice(&[raw as u8 | 0x80, (raw >> 7) as u8]),
        _ => write_long(out, raw),
    }
}

/// How many bytes [`write`] appends.
#[inline]
pub(super) fn size(value: i64) -> usize {
    let bits = 64 - (zigzag(value) | 1).leading_zeros() as usize;
    bits.div_ceil(7)
}

/// Maps numbers near zero, of either sign, to small unsigned ones.
#[inline]
fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)).cast_unsigned()
}

/// Writes a number of several bytes.
fn write_long(out: &mut Vec<u8>, mut raw: u64) {
    while raw >= 0x80 {
        out.push(raw as u8 | 0x80);
        raw >>= 7;
    }
    out.push(raw as u8);
}

/// Reads a number of several bytes.
fn read_long(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0u64;
    for (at, &byte) in bytes.iter().enumerate().take(10) {
        let part = u64::from(byte & 0x7f);
        // The tenth byte has room for one bit only.
        if at == 9 && part > 1 {
            return None;
        }
        value |= part << (7 * at);
        if byte < 0x80 {
            *bytes = &bytes[at + 1..];
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn known_values() {
        for (value, expected) in [
            (0, &[0][..]),
            (-1, &[1]),
            (1, &[2]),
            (63, &[0x7e]),
            (-64, &[0x7f]),
            (64, &[0x80, 0x01]),
            (i64::from(i32::MAX), &[0xfe, 0xff, 0xff, 0xff, 0x0f]),
            (i64::MIN, &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]),
        ] {
            let mut out = Vec::new();
            write(&mut out, value);
            assert_eq!(out, expected, "{value}");
        }
    }

    #[test]
    fn too_long_or_cut_numbers_are_refused() {
        for bytes in [&[][..], &[0x80], &[0x80; 9], &[0x80; 11], &[0xff; 20]] {
            assert_eq!(read_i64(&mut &bytes[..]), None);
        }
        let tenth_byte_too_large = [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x02];
        assert_eq!(read_i64(&mut &tenth_byte_too_large[..]), None);
        let beyond_32_bits = [0xff, 0xff, 0xff, 0xff, 0x1f];
        assert_eq!(read_i32(&mut &beyond_32_bits[..]), None);
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(value: i64, small: i32) {
            let mut out = Vec::new();
            write(&mut out, value);
            prop_assert_eq!(out.len(), size(value));
            write(&mut out, i64::from(small));
            let mut rest = &out[..];
            prop_assert_eq!(read_i64(&mut rest), Some(value));
            prop_assert_eq!(read_i32(&mut rest), Some(small));
            prop_assert!(rest.is_empty());
        }
    }
}
