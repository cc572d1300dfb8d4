//! The bytes that a cell of the queue carries.

use std::fmt;

use bytes::Bytes;

/// The most bytes that lie in the cell itself.
pub const INLINE_BYTES: usize = 198;

/// Bytes that lie here while they are few, and are shared by reference when they are more.
///
/// Few are up to [`INLINE_BYTES`]: copying them costs less than an allocation.
#[derive(Clone)]
pub struct Payload(Place);

#[derive(Clone)]
enum Place {
    Inline { len: u8, bytes: [u8; INLINE_BYTES] },
    Shared(Bytes),
}

// A cell has room for a payload, a waiter and a partition (each a pointer) and some numbers.
const _: () = assert!(size_of::<Payload>() == 200);
const _: () = assert!(INLINE_BYTES <= u8::MAX as usize);

impl Payload {
    /// A copy of `bytes`.
    pub fn copy_of(bytes: &[u8]) -> Self {
        Self::inline(bytes).unwrap_or_else(|| Self(Place::Shared(Bytes::copy_from_slice(bytes))))
    }

    /// The bytes.
    pub fn as_slice(&self) -> &[u8] {
        match &self.0 {
            Place::Inline { len, bytes } => &bytes[..usize::from(*len)],
            Place::Shared(bytes) => bytes,
        }
    }

    /// The shared bytes, where they are not in the cell itself.
    pub fn as_shared(&self) -> Option<&Bytes> {
        match &self.0 {
            Place::Inline { .. } => None,
            Place::Shared(bytes) => Some(bytes),
        }
    }

    /// How many bytes there are.
    pub fn len(&self) -> usize {
        self.as_slice().len()
    }

    /// Whether there are no bytes.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The bytes in the cell itself; `None` where they are too many.
    fn inline(from: &[u8]) -> Option<Self> {
        let len = u8::try_from(from.len()).ok()?;
        let mut bytes = [0; INLINE_BYTES];
        bytes.get_mut(..from.len())?.copy_from_slice(from);
        Some(Self(Place::Inline { len, bytes }))
    }
}

impl From<Bytes> for Payload {
    /// Takes the reference over, or copies few bytes, so that they do not hold a larger
    /// buffer of which they are a part.
    fn from(bytes: Bytes) -> Self {
        Self::inline(&bytes).unwrap_or(Self(Place::Shared(bytes)))
    }
}

impl From<Vec<u8>> for Payload {
    fn from(bytes: Vec<u8>) -> Self {
        Self::inline(&bytes).unwrap_or_else(|| Self(Place::Shared(bytes.into())))
    }
}

impl AsRef<[u8]> for Payload {
    fn as_ref(&self) -> &[u8] {
        self.as_slice()
    }
}

impl fmt::Debug for Payload {
    /// Says how many bytes there are and where, but not which: they are the users'.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = match self.0 {
            Place::Inline { .. } => "inline",
            Place::Shared(_) => "shared",
        };
        write!(f, "Payload({} bytes, {place})", self.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_come_out_as_they_went_in_whatever_their_number() {
        for len in [0, 1, INLINE_BYTES - 1, INLINE_BYTES, INLINE_BYTES + 1, 255, 256, 100_000] {
            let bytes: Vec<u8> = (0..len).map(|n| n as u8).collect();
            let place = if len <= INLINE_BYTES { "inline" } else { "shared" };
            for payload in [
                Payload::copy_of(&bytes),
                Payload::from(bytes.clone()),
                Payload::from(Bytes::from(bytes.clone())),
            ] {
                assert_eq!(payload.as_slice(), bytes);
                assert_eq!((payload.len(), payload.is_empty()), (len, len == 0));
                assert_eq!(format!("{payload:?}"), format!("Payload({len} bytes, {place})"));
                assert_eq!(payload.clone().as_ref(), bytes);
            }
        }
    }

    #[test]
    fn many_bytes_are_shared_and_few_do_not_hold_their_buffer() {
        let frame = Bytes::from(vec![1; 1_000]);
        let large = Payload::from(frame.slice(..500));
        assert_eq!(large.as_slice().as_ptr(), frame.as_ptr());
        drop(large);
        let small = Payload::from(frame.slice(..100));
        assert!(frame.is_unique(), "a small payload holds the frame it came in");
        assert_eq!(small.len(), 100);
    }
}
