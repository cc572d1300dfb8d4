//! An answer of a broker, as it arrived.

use bytes::Bytes;

use crate::error::Result;
use crate::wire::kafka::header::ResponseHeader;
use crate::wire::kafka::{ApiKey, Reader};

/// One answer. It owns its bytes; what is decoded from it borrows them.
#[derive(Debug, Clone)]
pub(crate) struct Frame {
    bytes: Bytes,
    body: usize,
    correlation_id: i32,
}

impl Frame {
    /// Reads the header of the answer to a request of `version` of `api`.
    pub(super) fn new(bytes: Bytes, api: ApiKey, version: i16) -> Result<Self> {
        let mut reader = Reader::new(&bytes);
        let ResponseHeader { correlation_id } = ResponseHeader::decode(&mut reader, api, version)?;
        let body = reader.position();
        Ok(Self { bytes, body, correlation_id })
    }

    /// What reads the body, from its start.
    pub(crate) fn reader(&self) -> Reader<'_> {
        Reader::new(self.bytes.get(self.body..).unwrap_or_default())
    }

    /// Which request it answers.
    pub(crate) fn correlation_id(&self) -> i32 {
        self.correlation_id
    }

    /// A part of the body that was decoded from this frame, without a copy.
    pub(crate) fn part(&self, part: &[u8]) -> Bytes {
        // `slice_ref` compares addresses, and nothing has none.
        if part.is_empty() { Bytes::new() } else { self.bytes.slice_ref(part) }
    }
}
