//! Frames: a length in four bytes, and that many bytes of header and body.

use std::fmt;
use std::ops::Range;

use super::field::Message;
use super::header::{RequestHeader, ResponseHeader};
use super::writer::{EncodeError, Writer};
use crate::error::{Error, ErrorKind};

/// How many bytes the length takes.
const LENGTH_BYTES: usize = 4;

/// What starts a request of HTTP, as far as a length reaches.
const HTTP_METHODS: [&[u8; 4]; 8] =
    [b"GET ", b"POST", b"PUT ", b"HEAD", b"DELE", b"OPTI", b"PATC", b"PRI "];

/// Why what has arrived is not a frame. The connection cannot be read any further.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FrameError {
    /// The length is negative.
    Negative(i32),
    /// The length is more than is allowed.
    TooLarge {
        /// The length that the peer announces.
        len: usize,
        /// The largest that is allowed.
        max: usize,
    },
    /// The peer starts a TLS handshake.
    Tls,
    /// The peer speaks HTTP.
    Http,
}

impl fmt::Display for FrameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Negative(len) => write!(
                f,
                "the peer announces a frame of {len} bytes: it does not speak the Kafka protocol"
            ),
            Self::TooLarge { len, max } => write!(
                f,
                "the peer announces a frame of {len} bytes, more than the {max} that \
                 socket.request.max.bytes allows: send smaller batches, or it does not speak \
                 the Kafka protocol"
            ),
            Self::Tls => f.write_str(
                "the peer speaks TLS, and this listener does not: set security.protocol to \
                 PLAINTEXT in the client",
            ),
            Self::Http => f.write_str(
                "the peer speaks HTTP, and this listener speaks the Kafka protocol: check the \
                 port",
            ),
        }
    }
}

impl std::error::Error for FrameError {}

impl From<FrameError> for Error {
    fn from(error: FrameError) -> Self {
        Self::new(ErrorKind::InvalidRequest, error.to_string())
    }
}

/// Where in `buffer` the content of its first frame lies, without the length before it; the
/// frame ends where the range ends. `None` if more bytes have to arrive.
///
/// A length that is negative or more than `max` bytes is refused as soon as it has arrived.
pub fn next_frame(buffer: &[u8], max: usize) -> Result<Option<Range<usize>>, FrameError> {
    let Some(prefix) = buffer.first_chunk::<LENGTH_BYTES>() else {
        return Ok(None);
    };
    let signed = i32::from_be_bytes(*prefix);
    let len = usize::try_from(signed).map_err(|_| FrameError::Negative(signed))?;
    if len > max {
        return Err(too_large(prefix, len, max));
    }
    // `max` is about 100 MiB, but it is the caller's: no sum may overflow.
    let end = LENGTH_BYTES.saturating_add(len);
    Ok((end <= buffer.len()).then_some(LENGTH_BYTES..end))
}

fn too_large(prefix: &[u8; LENGTH_BYTES], len: usize, max: usize) -> FrameError {
    match prefix {
        [0x16, 0x03, ..] => FrameError::Tls,
        prefix if HTTP_METHODS.contains(&prefix) => FrameError::Http,
        _ => FrameError::TooLarge { len, max },
    }
}

/// Where a frame starts whose length is not known yet.
#[derive(Debug)]
#[must_use = "a frame has no length until it is finished"]
pub struct FrameStart(usize);

impl FrameStart {
    /// Appends room for the length.
    pub fn begin(out: &mut Vec<u8>) -> Self {
        let start = out.len();
        out.extend_from_slice(&[0; LENGTH_BYTES]);
        Self(start)
    }

    /// Fills in the length: of what has been appended since, and of `elsewhere` bytes that
    /// belong to the frame and are sent from elsewhere. A frame that is too large is taken away
    /// again.
    pub fn finish(self, out: &mut Vec<u8>, elsewhere: usize) -> Result<(), EncodeError> {
        let start = self.0;
        let len = out
            .len()
            .checked_sub(start + LENGTH_BYTES)
            .and_then(|len| len.checked_add(elsewhere))
            .and_then(|len| i32::try_from(len).ok());
        match (len, out.get_mut(start..start + LENGTH_BYTES)) {
            (Some(len), Some(room)) => {
                room.copy_from_slice(&len.to_be_bytes());
                Ok(())
            }
            _ => {
                out.truncate(start);
                Err(EncodeError)
            }
        }
    }
}

/// Appends a whole frame: the answer `body`, by `version`, to the request `correlation_id`.
pub fn write_response<M: Message>(
    out: &mut Vec<u8>,
    version: i16,
    correlation_id: i32,
    body: &M,
) -> Result<(), EncodeError> {
    let frame = FrameStart::begin(out);
    let mut writer = Writer::new(out);
    ResponseHeader { correlation_id }.encode(&mut writer, M::API, version);
    body.write_to(&mut writer);
    frame.finish(out, 0)
}

/// Appends a whole frame: the request `body`, by `version`, under `correlation_id`.
pub fn write_request<M: Message>(
    out: &mut Vec<u8>,
    version: i16,
    correlation_id: i32,
    client_id: Option<&str>,
    body: &M,
) -> Result<(), EncodeError> {
    let frame = FrameStart::begin(out);
    let mut writer = Writer::new(out);
    RequestHeader { api: M::API, version, correlation_id, client_id }.encode(&mut writer);
    body.write_to(&mut writer);
    frame.finish(out, 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAX: usize = 100 * 1024 * 1024;

    #[test]
    fn a_frame_is_there_when_all_of_it_is() {
        let buffer = [0, 0, 0, 2, 0xaa, 0xbb, 0, 0];
        for len in 0..6 {
            assert_eq!(next_frame(&buffer[..len], MAX), Ok(None));
        }
        assert_eq!(next_frame(&buffer, MAX), Ok(Some(4..6)));
        assert_eq!(next_frame(&buffer[6..], MAX), Ok(None));
        assert_eq!(next_frame(&[0; 4], MAX), Ok(Some(4..4)));
        assert_eq!(next_frame(&[0x7f, 0xff, 0xff, 0xff], usize::MAX), Ok(None));
    }

    #[test]
    fn a_bad_length_is_refused_before_the_bytes_arrive() {
        assert_eq!(next_frame(&[0xff; 4], MAX), Err(FrameError::Negative(-1)));
        assert_eq!(next_frame(&[0, 0, 0, 2], 1), Err(FrameError::TooLarge { len: 2, max: 1 }));
    }

    #[test]
    fn tls_and_http_are_called_by_their_names() {
        let hello = [0x16, 0x03, 0x01, 0x02, 0x00, 0x01];
        assert_eq!(next_frame(&hello, MAX), Err(FrameError::Tls));
        assert_eq!(next_frame(b"GET / HTTP/1.1", MAX), Err(FrameError::Http));
        assert_eq!(next_frame(b"POST / HTTP/1.1", MAX), Err(FrameError::Http));
        assert!(FrameError::Tls.to_string().contains("TLS"));
        assert!(FrameError::Http.to_string().contains("HTTP"));
    }

    #[test]
    fn the_length_counts_what_is_sent_from_elsewhere() {
        let mut out = vec![9];
        let frame = FrameStart::begin(&mut out);
        out.extend_from_slice(&[1, 2, 3]);
        frame.finish(&mut out, 7).unwrap();
        assert_eq!(out, [9, 0, 0, 0, 10, 1, 2, 3]);
    }

    #[test]
    fn a_frame_that_is_too_large_is_taken_away() {
        let mut out = vec![9];
        let frame = FrameStart::begin(&mut out);
        out.push(1);
        assert_eq!(frame.finish(&mut out, usize::MAX), Err(EncodeError));
        assert_eq!(out, [9]);
    }
}
