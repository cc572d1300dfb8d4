//! What stands before the body of a request and of a response.

use super::ApiKey;
use super::reader::{DecodeError, Reader};
use super::writer::{TaggedFields, Writer};

/// The header of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RequestHeader<'a> {
    /// Which API is called.
    pub api: ApiKey,
    /// By which version of it. May be one that is not accepted.
    pub version: i16,
    /// What the answer repeats, so that the client knows which request it answers.
    pub correlation_id: i32,
    /// What the client calls itself.
    pub client_id: Option<&'a str>,
}

impl<'a> RequestHeader<'a> {
    /// Reads the header at the start of a frame.
    ///
    /// An API that minka does not know is an error, since nothing can be read after it. The
    /// version is not judged: see [`ApiKey::accepts`].
    pub fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        let key = reader.int16()?;
        let version = reader.int16()?;
        let correlation_id = reader.int32()?;
        let api = ApiKey::from_key(key).ok_or(DecodeError::UnknownApi(key))?;
        // The client ID has the old encoding in header version 2 too, so it is read before the
        // reader learns of the version.
        let client_id = reader.string()?;
        reader.set_version(api, version);
        reader.skip_tagged_fields()?;
        Ok(Self { api, version, correlation_id, client_id })
    }

    /// Appends the header.
    pub fn encode(&self, writer: &mut Writer<'_>) {
        writer.put(&self.api.key().to_be_bytes());
        writer.put(&self.version.to_be_bytes());
        writer.put(&self.correlation_id.to_be_bytes());
        // As above: the old encoding whatever the version.
        writer.set_old_encoding();
        writer.put_string(self.client_id);
        writer.set_version(self.api, self.version);
        writer.put_tagged_fields(&TaggedFields::default());
    }
}

/// The header of a response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ResponseHeader {
    /// The correlation ID of the request that is answered.
    pub correlation_id: i32,
}

impl ResponseHeader {
    /// Reads the header at the start of the answer to a request of `version` of `api`.
    pub fn decode(reader: &mut Reader<'_>, api: ApiKey, version: i16) -> Result<Self, DecodeError> {
        let correlation_id = reader.int32()?;
        reader.set_version(api, version);
        if api.response_header_version(version) > 0 {
            reader.skip_tagged_fields()?;
        }
        Ok(Self { correlation_id })
    }

    /// Appends the header of the answer to a request of `version` of `api`.
    pub fn encode(&self, writer: &mut Writer<'_>, api: ApiKey, version: i16) {
        writer.put(&self.correlation_id.to_be_bytes());
        writer.set_version(api, version);
        if api.response_header_version(version) > 0 {
            writer.put_tagged_fields(&TaggedFields::default());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_request_headers_have_the_old_client_id() {
        let mut expected = vec![0, 3, 0, 8, 0, 0, 0, 7, 0, 2, b'm', b'e'];
        for (version, tags) in [(8, None), (9, Some(0))] {
            let header = RequestHeader {
                api: ApiKey::Metadata,
                version,
                correlation_id: 7,
                client_id: Some("me"),
            };
            let mut out = Vec::new();
            header.encode(&mut Writer::new(&mut out));
            expected[3] = u8::try_from(version).unwrap();
            expected.extend(tags);
            assert_eq!(out, expected);
            let mut reader = Reader::new(&out);
            assert_eq!(RequestHeader::decode(&mut reader), Ok(header));
            assert_eq!(reader.remaining(), 0);
        }
    }

    #[test]
    fn an_unknown_api_is_an_error() {
        let header = [0x12, 0x34, 0, 0, 0, 0, 0, 7, 0xff, 0xff];
        let result = RequestHeader::decode(&mut Reader::new(&header));
        assert_eq!(result, Err(DecodeError::UnknownApi(0x1234)));
    }

    #[test]
    fn the_answer_to_api_versions_has_no_tagged_fields() {
        for (api, version, len) in
            [(ApiKey::ApiVersions, 3, 4), (ApiKey::Metadata, 9, 5), (ApiKey::Metadata, 8, 4)]
        {
            let mut out = Vec::new();
            let header = ResponseHeader { correlation_id: 7 };
            header.encode(&mut Writer::new(&mut out), api, version);
            assert_eq!(out.len(), len, "{api} {version}");
            let mut reader = Reader::new(&out);
            assert_eq!(ResponseHeader::decode(&mut reader, api, version), Ok(header));
            assert_eq!(reader.remaining(), 0);
        }
    }
}
