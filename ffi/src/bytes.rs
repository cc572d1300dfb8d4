//! Bytes, headers and times as C has them: borrowed, in both directions.

use std::time::Duration;

use minka_core::Result;
use minka_core::client::Header;

use crate::handle::{invalid, slice};

/// Some bytes, which belong to somebody else. As an argument they are read during the call only;
/// as a result they belong to what they were asked of, and each function says for how long. A
/// string is bytes in UTF-8, without a NUL at the end; minka_string() makes one from C's.
///
/// Where there is nothing, `data` is NULL: a key or value that is null, a setting that goes back
/// to its default. That differs from an empty one, whose `data` points somewhere and whose `len`
/// is 0.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct minka_bytes {
    /// The first byte, or NULL.
    pub data: *const u8,
    /// How many there are.
    pub len: usize,
}

/// A header of a record. Its key is a string and may occur more than once; its value may be
/// null.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct minka_header {
    /// Its key.
    pub key: minka_bytes,
    /// Its value, or null.
    pub value: minka_bytes,
}

/// What the empty ones point to: a pointer to nowhere would trouble languages with a collector.
static EMPTY: u8 = 0;

/// Longer than anybody waits, and short enough to be added to a clock.
const FOREVER: Duration = Duration::from_secs(10 * 365 * 24 * 3600);

impl minka_bytes {
    /// None.
    pub(crate) const NULL: Self = Self { data: std::ptr::null(), len: 0 };

    /// These bytes. Who gives them away says for how long they are there.
    #[inline]
    pub(crate) fn of(bytes: &[u8]) -> Self {
        let data = if bytes.is_empty() { &raw const EMPTY } else { bytes.as_ptr() };
        Self { data, len: bytes.len() }
    }

    #[inline]
    pub(crate) fn of_option(bytes: Option<&[u8]>) -> Self {
        bytes.map_or(Self::NULL, Self::of)
    }

    #[inline]
    pub(crate) fn of_text(text: Option<&str>) -> Self {
        Self::of_option(text.map(str::as_bytes))
    }

    /// The bytes that a caller gave; `None` for NULL.
    ///
    /// # Safety
    /// Where `data` is not NULL, `len` bytes are there that nobody changes for as long as `'a`.
    #[inline]
    pub(crate) unsafe fn nullable<'a>(self, argument: &str) -> Result<Option<&'a [u8]>> {
        if self.data.is_null() && self.len == 0 {
            return Ok(None);
        }
        // SAFETY: the caller says so.
        unsafe { slice(self.data, self.len, argument) }.map(Some)
    }

    /// The string that a caller gave.
    ///
    /// # Safety
    /// As [`minka_bytes::nullable`].
    pub(crate) unsafe fn text<'a>(self, argument: &str) -> Result<&'a str> {
        // SAFETY: the caller says so.
        unsafe { self.nullable_text(argument) }?.ok_or_else(|| invalid(argument, "is NULL"))
    }

    /// The string that a caller gave; `None` for NULL.
    ///
    /// # Safety
    /// As [`minka_bytes::nullable`].
    pub(crate) unsafe fn nullable_text<'a>(self, argument: &str) -> Result<Option<&'a str>> {
        // SAFETY: the caller says so.
        let Some(bytes) = (unsafe { self.nullable(argument) })? else {
            return Ok(None);
        };
        std::str::from_utf8(bytes).map(Some).map_err(|_| invalid(argument, "is not UTF-8"))
    }
}

impl minka_header {
    pub(crate) fn of(header: &Header<'_>) -> Self {
        Self { key: minka_bytes::of(header.key), value: minka_bytes::of_option(header.value) }
    }

    /// Where headers are; NULL if there are none.
    pub(crate) fn pointer(headers: &[Self]) -> *const Self {
        if headers.is_empty() { std::ptr::null() } else { headers.as_ptr() }
    }

    /// The header that a caller gave.
    ///
    /// # Safety
    /// As [`minka_bytes::nullable`], for key and value.
    pub(crate) unsafe fn read<'a>(&self) -> Result<Header<'a>> {
        // SAFETY: the caller says so.
        let key = unsafe { self.key.text("headers[].key") }?.as_bytes();
        // SAFETY: the caller says so.
        let value = unsafe { self.value.nullable("headers[].value") }?;
        Ok(Header { key, value })
    }
}

/// How long a caller is willing to wait.
pub(crate) fn timeout(ms: i64) -> Duration {
    u64::try_from(ms).map_or(FOREVER, |ms| Duration::from_millis(ms).min(FOREVER))
}

/// A partition's number that a caller gave.
pub(crate) fn partition(number: i32) -> Result<u32> {
    u32::try_from(number).map_err(|_| invalid("partition", "is negative"))
}

/// An offset that a caller gave.
pub(crate) fn offset(number: i64) -> Result<u64> {
    u64::try_from(number).map_err(|_| invalid("offset", "is negative"))
}

/// A partition's number, as C has it.
pub(crate) fn number(partition: u32) -> i32 {
    i32::try_from(partition).unwrap_or(i32::MAX)
}

/// An offset or a like number, as C has it: -1 where there is none.
pub(crate) fn signed(number: Option<u64>) -> i64 {
    number.map_or(-1, |number| i64::try_from(number).unwrap_or(i64::MAX))
}
