//! The 16-byte IDs of topics and directories.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::field::{Decode, Encode};
use super::reader::{DecodeError, Reader};
use super::writer::Writer;

/// A 16-byte ID. Shown as Kafka shows it: 22 characters of URL-safe base64.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Uuid(pub [u8; 16]);

impl Uuid {
    /// What stands where there is no ID.
    pub const ZERO: Self = Self([0; 16]);

    /// Whether this is [`Uuid::ZERO`], that is, no ID.
    pub fn is_zero(self) -> bool {
        self == Self::ZERO
    }
}

impl fmt::Display for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&URL_SAFE_NO_PAD.encode(self.0))
    }
}

impl fmt::Debug for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl From<[u8; 16]> for Uuid {
    fn from(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }
}

impl From<Uuid> for [u8; 16] {
    fn from(uuid: Uuid) -> Self {
        uuid.0
    }
}

impl<'de> Decode<'de> for Uuid {
    fn min_len(_: &Reader<'de>) -> usize {
        16
    }

    fn read_from(reader: &mut Reader<'de>) -> Result<Self, DecodeError> {
        reader.array().map(Self)
    }
}

impl Encode for Uuid {
    fn write_to(&self, writer: &mut Writer<'_>) {
        writer.put(&self.0);
    }
}
