//! Frames byte by byte, as clients need them.

use bytes::Bytes;
use kafka_protocol::messages::{ApiVersionsResponse as TheirApiVersions, ResponseHeader};
use kafka_protocol::protocol::Decodable;
use minka::wire::kafka::api_versions::{
    ApiVersionsRequest, ApiVersionsResponse, SupportedFeature, write_unsupported_version,
};
use minka::wire::kafka::frame::{next_frame, write_request, write_response};
use minka::wire::kafka::header::{RequestHeader, ResponseHeader as OurResponseHeader};
use minka::wire::kafka::request::Request;
use minka::wire::kafka::{ApiKey, DecodeError, Reader};

#[test]
fn an_unsupported_api_versions_is_answered_in_the_layout_of_version_0() {
    let mut out = Vec::new();
    write_unsupported_version(&mut out, 0x0102_0304).unwrap();
    let expected = [
        0, 0, 0, 16, // length
        1, 2, 3, 4, // correlation ID
        0, 35, // UNSUPPORTED_VERSION
        0, 0, 0, 1, // one entry
        0, 18, 0, 0, 0, 4, // ApiVersions, 0 to 4
    ];
    assert_eq!(out, expected);

    let mut reader = Reader::new(&out[4..]);
    OurResponseHeader::decode(&mut reader, ApiKey::ApiVersions, 4).unwrap();
    let answer = ApiVersionsResponse::decode_or_fallback(&mut reader, 4).unwrap();
    assert_eq!(answer.error_code, 35);
    assert_eq!(answer.api_keys, ApiKey::advertise(&[ApiKey::ApiVersions]));
    assert_eq!(reader.remaining(), 0);
}

#[test]
fn an_api_versions_request_from_the_future_can_be_answered() {
    // Version 99, header version 2, and a body that nobody knows.
    let frame = [0, 18, 0, 99, 0, 0, 0, 7, 0, 2, b'm', b'e', 0, 0xff, 0xff, 0xff];
    let mut reader = Reader::new(&frame);
    let header = RequestHeader::decode(&mut reader).unwrap();
    assert_eq!((header.api, header.correlation_id), (ApiKey::ApiVersions, 7));
    assert!(!header.api.accepts(header.version));
    let error = Request::decode(&header, &mut reader).unwrap_err();
    assert_eq!(error, DecodeError::UnsupportedVersion(ApiKey::ApiVersions, 99));
    assert_eq!(error.to_string(), "ApiVersions version 99 is not supported");
}

#[test]
fn the_answer_to_api_versions_3_has_the_old_header() {
    let answer = ApiVersionsResponse {
        api_keys: ApiKey::advertise(&[ApiKey::Produce]),
        supported_features: vec![SupportedFeature {
            name: "f".into(),
            min_version: 1,
            max_version: 2,
        }],
        ..ApiVersionsResponse::default()
    };
    let mut out = Vec::new();
    write_response(&mut out, 3, 7, &answer).unwrap();
    let expected = [
        0, 0, 0, 29, // length
        0, 0, 0, 7, // correlation ID, and no tagged fields
        0, 0, // no error
        2, 0, 0, 0, 0, 0, 13, 0, // one entry: Produce, 0 to 13, no tagged fields
        0, 0, 0, 0, // throttle time
        1, 0, 8, 2, 2, b'f', 0, 1, 0, 2, 0, // a tagged field: supported features
    ];
    assert_eq!(out, expected);

    let mut frame = Bytes::from(out).slice(4..);
    let header = ResponseHeader::decode(&mut frame, 0).unwrap();
    let theirs = TheirApiVersions::decode(&mut frame, 3).unwrap();
    assert_eq!((header.correlation_id, theirs.api_keys.len()), (7, 1));
    assert!(frame.is_empty());
}

#[test]
fn names_of_client_software_follow_kip_511() {
    let valid = |name, version| {
        let request =
            ApiVersionsRequest { client_software_name: name, client_software_version: version };
        (request.is_valid(2), request.is_valid(3))
    };
    assert_eq!(valid("apache-kafka-java", "4.1.0"), (true, true));
    assert_eq!(valid("a", "1"), (true, true));
    for (name, version) in [("", "1"), ("a", ""), ("-a", "1"), ("a", "1."), ("a b", "1")] {
        assert_eq!(valid(name, version), (true, false), "{name:?} {version:?}");
    }
}

#[test]
fn a_request_survives_its_frame() {
    let request =
        ApiVersionsRequest { client_software_name: "minka", client_software_version: "0.1" };
    let mut out = Vec::new();
    write_request(&mut out, 4, 9, Some("me"), &request).unwrap();
    out.extend_from_slice(b"next");
    let range = next_frame(&out, 100).unwrap().unwrap();
    assert_eq!(range.end, out.len() - 4);

    let mut reader = Reader::new(&out[range]);
    let header = RequestHeader::decode(&mut reader).unwrap();
    assert_eq!(header.client_id, Some("me"));
    let Request::ApiVersions(read) = Request::decode(&header, &mut reader).unwrap() else {
        panic!("{header:?}");
    };
    assert_eq!(read, request);
    assert_eq!(reader.remaining(), 0);
}

#[test]
fn bytes_after_a_request_are_left_alone() {
    let frame = [0, 12, 0, 0, 0, 0, 0, 7, 0xff, 0xff, 0, 1, b'g', 0, 0, 0, 1, 0, 0, 1, 2, 3];
    let mut reader = Reader::new(&frame);
    let header = RequestHeader::decode(&mut reader).unwrap();
    assert!(Request::decode(&header, &mut reader).is_ok());
    assert_eq!(reader.remaining(), 3);
}
