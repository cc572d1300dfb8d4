//! Bytes that want to do harm: no decoder panics, and none takes more memory than it may.

use minka::wire::kafka::fetch::FetchResponse;
use minka::wire::kafka::frame::{next_frame, write_request};
use minka::wire::kafka::header::RequestHeader;
use minka::wire::kafka::join_group::{JoinGroupProtocol, JoinGroupRequest, JoinGroupResponse};
use minka::wire::kafka::metadata::{MetadataRequest, MetadataRequestTopic, MetadataResponse};
use minka::wire::kafka::produce::{
    ProducePartition, ProduceRequest, ProduceResponse, ProduceTopic,
};
use minka::wire::kafka::request::Request;
use minka::wire::kafka::share_acknowledge::ShareAcknowledgeResponse;
use minka::wire::kafka::share_fetch::{
    AcknowledgementBatch, ShareFetchPartition, ShareFetchRequest, ShareFetchResponse,
    ShareFetchTopic,
};
use minka::wire::kafka::share_group_heartbeat::ShareGroupHeartbeatResponse;
use minka::wire::kafka::{ApiKey, DecodeError, Reader};
use proptest::prelude::*;

/// Reads a frame as a broker does, and uses what it gives.
fn serve(frame: &[u8]) -> Result<(), DecodeError> {
    let mut reader = Reader::new(frame);
    let header = RequestHeader::decode(&mut reader)?;
    if let Request::Produce(view) = Request::decode(&header, &mut reader)? {
        let mut count = 0;
        for topic in view.topics() {
            let partitions = topic.partitions();
            let expected = partitions.len();
            assert_eq!(
                partitions.fold(0, |count, partition| {
                    assert_eq!(&frame[partition.range], partition.records.unwrap_or_default());
                    count + 1
                }),
                expected
            );
            count += 1;
        }
        assert_eq!(count, view.topics().len());
    }
    Ok(())
}

/// The start of a request: a header with a client ID.
fn header(api: ApiKey, version: i16) -> Vec<u8> {
    let mut out = Vec::new();
    let header = RequestHeader { api, version, correlation_id: 1, client_id: Some("me") };
    header.encode(&mut minka::wire::kafka::Writer::new(&mut out));
    out
}

fn every_version() -> Vec<(ApiKey, i16)> {
    let versions = |api: ApiKey| (api.accepted().0..=api.accepted().1).map(move |v| (api, v));
    ApiKey::all().flat_map(versions).collect()
}

/// Requests that are valid, to be damaged.
fn valid() -> Vec<Vec<u8>> {
    let mut frames = Vec::new();
    let mut add = |out: Vec<u8>| frames.push(out[4..].to_vec());
    for version in 3..=13 {
        let partition = ProducePartition { index: 1, records: Some(&[7; 70]) };
        let request = ProduceRequest {
            topics: vec![
                ProduceTopic {
                    name: "a",
                    partitions: vec![partition; 3],
                    ..Default::default()
                };
                2
            ],
            ..Default::default()
        };
        let mut out = Vec::new();
        write_request(&mut out, version, 1, Some("me"), &request).expect("valid");
        add(out);
    }
    for version in 0..=9 {
        let protocol = JoinGroupProtocol { name: "range", metadata: &[0; 9] };
        let request = JoinGroupRequest {
            group_id: "group",
            member_id: "member",
            protocols: vec![protocol; 3],
            ..Default::default()
        };
        let mut out = Vec::new();
        write_request(&mut out, version, 1, Some("me"), &request).expect("valid");
        add(out);
    }
    for version in 1..=2 {
        let batch = AcknowledgementBatch {
            first_offset: 1,
            last_offset: 3,
            acknowledge_types: vec![1, 2, 0],
        };
        let partition =
            ShareFetchPartition { partition_index: 0, acknowledgement_batches: vec![batch; 3] };
        let topic =
            ShareFetchTopic { partitions: vec![partition; 2], ..ShareFetchTopic::default() };
        let request = ShareFetchRequest {
            group_id: Some("group"),
            member_id: Some("member"),
            topics: vec![topic; 2],
            ..Default::default()
        };
        let mut out = Vec::new();
        write_request(&mut out, version, 1, Some("me"), &request).expect("valid");
        add(out);
    }
    for version in 0..=13 {
        let topic = MetadataRequestTopic { name: Some("orders"), ..Default::default() };
        let request = MetadataRequest { topics: Some(vec![topic; 3]), ..Default::default() };
        let mut out = Vec::new();
        write_request(&mut out, version, 1, Some("me"), &request).expect("valid");
        add(out);
    }
    frames
}

proptest! {
    #[test]
    fn random_bodies_of_every_version_are_read_or_refused(
        body in proptest::collection::vec(any::<u8>(), 0..300),
    ) {
        for (api, version) in every_version() {
            let mut frame = header(api, version);
            frame.extend_from_slice(&body);
            let _ = serve(&frame);
        }
    }

    /// Small numbers make counts and lengths that lead further in.
    #[test]
    fn small_bytes_of_every_version_are_read_or_refused(
        body in proptest::collection::vec(0_u8..4, 0..200),
    ) {
        for (api, version) in every_version() {
            let mut frame = header(api, version);
            frame.extend_from_slice(&body);
            let _ = serve(&frame);
        }
        for version in 4..=17 {
            let _ = FetchResponse::decode(&mut Reader::new(&body), version);
        }
        for version in 3..=13 {
            let _ = MetadataResponse::decode(&mut Reader::new(&body), version);
            let _ = ProduceResponse::decode(&mut Reader::new(&body), version);
        }
        for version in 0..=9 {
            let _ = JoinGroupResponse::decode(&mut Reader::new(&body), version);
        }
        for version in 1..=2 {
            let _ = ShareFetchResponse::decode(&mut Reader::new(&body), version);
            let _ = ShareAcknowledgeResponse::decode(&mut Reader::new(&body), version);
            let _ = ShareGroupHeartbeatResponse::decode(&mut Reader::new(&body), version);
        }
    }

    #[test]
    fn random_frames_are_read_or_refused(
        frame in proptest::collection::vec(any::<u8>(), 0..100),
        max in any::<usize>(),
    ) {
        let _ = serve(&frame);
        if let Ok(Some(range)) = next_frame(&frame, max) {
            prop_assert!(range.end <= frame.len() && range.len() <= max);
        }
    }

    #[test]
    fn damaged_requests_are_read_or_refused(
        damage in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in proptest::option::of(any::<prop::sample::Index>()),
    ) {
        for mut frame in valid() {
            prop_assert_eq!(serve(&frame), Ok(()));
            for (place, byte) in &damage {
                let place = place.index(frame.len());
                frame[place] = *byte;
            }
            if let Some(cut) = cut {
                frame.truncate(cut.index(frame.len()));
            }
            let _ = serve(&frame);
        }
    }
}

#[test]
fn a_short_request_cannot_ask_for_much() {
    // 21 bytes that promise 2^31 - 1 topics: elsewhere, 309 GB and an abort.
    let mut frame = header(ApiKey::Metadata, 8);
    frame.extend_from_slice(&i32::MAX.to_be_bytes());
    frame.extend_from_slice(&[0; 3]);
    assert_eq!(serve(&frame), Err(DecodeError::TooManyElements));
}

#[test]
fn a_huge_count_is_refused_in_every_version_that_has_an_array() {
    for (api, version) in every_version() {
        let flexible = api.is_flexible(version);
        // What stands for an empty string or array, and a count of nearly 2^31.
        let (empty, count): (u8, &[u8]) = match flexible {
            true => (1, &[0xff, 0xff, 0xff, 0xff, 0x07]),
            false => (0, &[0x7f, 0xff, 0xff, 0xff]),
        };
        let refused = (0..40).any(|before| {
            let mut frame = header(api, version);
            frame.resize(frame.len() + before, empty);
            frame.extend_from_slice(count);
            serve(&frame) == Err(DecodeError::TooManyElements)
        });
        let no_array = match api {
            ApiKey::ApiVersions
            | ApiKey::Heartbeat
            | ApiKey::InitProducerId
            | ApiKey::SaslHandshake
            | ApiKey::SaslAuthenticate
            | ApiKey::DescribeCluster => true,
            ApiKey::ListGroups => version < 4,
            ApiKey::ListConfigResources => version < 1,
            ApiKey::FindCoordinator => version < 4,
            ApiKey::LeaveGroup => version < 3,
            _ => false,
        };
        assert_eq!(refused, !no_array, "{api} {version}");
    }
}

#[test]
fn three_bytes_are_refused() {
    assert_eq!(serve(&[0, 3, 0]), Err(DecodeError::UnexpectedEnd));
}

#[test]
fn empty_elements_cannot_multiply_memory() {
    // FindCoordinator 4 with a million empty keys: 16 bytes of memory for each, which is allowed.
    let request = |element: u8, count: u32| {
        let mut frame = header(ApiKey::FindCoordinator, 4);
        frame.push(0);
        minka::wire::kafka::Writer::new(&mut frame).put_unsigned_varint(count + 1);
        frame.resize(frame.len() + count as usize, element);
        frame.push(0);
        frame
    };
    assert_eq!(serve(&request(1, 1_000_000)), Ok(()));

    // OffsetFetch 8 with a million empty groups takes more: refused.
    let mut frame = header(ApiKey::OffsetFetch, 8);
    minka::wire::kafka::Writer::new(&mut frame).put_unsigned_varint(1_000_001);
    for _ in 0..1_000_000 {
        frame.extend_from_slice(&[1, 0, 0]);
    }
    frame.extend_from_slice(&[0, 0]);
    assert_eq!(serve(&frame), Err(DecodeError::TooMuchMemory));
}

#[test]
fn a_million_unknown_tagged_fields_are_skipped() {
    let mut frame = header(ApiKey::ApiVersions, 3);
    frame.extend_from_slice(&[2, b'a', 2, b'1']);
    minka::wire::kafka::Writer::new(&mut frame).put_unsigned_varint(1_000_000);
    for _ in 0..1_000_000 {
        frame.extend_from_slice(&[99, 0]);
    }
    assert_eq!(serve(&frame), Ok(()));
    frame.truncate(frame.len() - 1);
    assert_eq!(serve(&frame), Err(DecodeError::UnexpectedEnd));
}

#[test]
fn strings_are_short_utf8() {
    let mut frame = header(ApiKey::Heartbeat, 0);
    frame.extend_from_slice(&[0, 1, 0xff]);
    assert_eq!(serve(&frame), Err(DecodeError::InvalidUtf8));

    let mut frame = header(ApiKey::Heartbeat, 4);
    minka::wire::kafka::Writer::new(&mut frame).put_unsigned_varint(40_001);
    frame.resize(frame.len() + 40_000, b'g');
    assert_eq!(serve(&frame), Err(DecodeError::StringTooLong));

    let mut frame = header(ApiKey::Heartbeat, 0);
    frame.extend_from_slice(&[0xff, 0xfe]);
    assert_eq!(serve(&frame), Err(DecodeError::NegativeLength));

    let mut frame = header(ApiKey::Heartbeat, 0);
    frame.extend_from_slice(&[0xff, 0xff]);
    assert_eq!(serve(&frame), Err(DecodeError::UnexpectedNull));
}

#[test]
fn the_seeds_of_the_fuzzer_are_requests() {
    let seeds = concat!(env!("CARGO_MANIFEST_DIR"), "/../fuzz/corpus/request");
    let mut count = 0;
    for seed in std::fs::read_dir(seeds).unwrap() {
        let path = seed.unwrap().path();
        // The fuzzer adds files of its own, named by their hashes.
        if path.to_string_lossy().contains('-') {
            assert_eq!(serve(&std::fs::read(&path).unwrap()), Ok(()), "{}", path.display());
            count += 1;
        }
    }
    assert!(count > 10);
}
