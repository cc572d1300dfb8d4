//! ShareFetch answers written with gaps, filled as a door would fill them, and read by another.

#[path = "wire_common/gaps.rs"]
mod gaps;

use bytes::{Bytes, BytesMut};
use gaps::fill;
use kafka_protocol::messages::{ResponseHeader, ShareFetchResponse as Theirs};
use kafka_protocol::protocol::{Decodable, Encodable};
use minka::wire::kafka::share_fetch::{AcquiredRecords, ShareFetchResponse};
use minka::wire::kafka::share_fetch_writer::{
    ShareFetchPartitionHead, ShareFetchResponseHead, ShareFetchResponseWriter,
};
use minka::wire::kafka::{ApiKey, EncodeError, Reader, Uuid, header};

const ID: Uuid = Uuid([9; 16]);
const ACQUIRED: &[AcquiredRecords] = &[
    AcquiredRecords { first_offset: 10, last_offset: 12, delivery_count: 1 },
    AcquiredRecords { first_offset: 14, last_offset: 14, delivery_count: 3 },
];
/// Long enough for compact lengths of two bytes.
const RECORDS: &[u8] = &[0xab; 300];

const FAILED: ShareFetchPartitionHead<'_> = ShareFetchPartitionHead {
    partition_index: 4,
    error_code: 3,
    error_message: Some("deleted"),
    acknowledge_error_code: 121,
    acknowledge_error_message: Some("late"),
    acquired_records: &[],
};

/// Three topics; records are copied into `out`, or their places returned.
fn write(version: i16, gaps: bool) -> (Vec<u8>, Vec<(usize, &'static [u8])>) {
    let mut places = Vec::new();
    let start = ShareFetchResponseHead {
        correlation_id: 77,
        throttle_time_ms: 5,
        error_code: 0,
        error_message: Some("well"),
        acquisition_lock_timeout_ms: 30_000,
    };
    let mut out = b"before".to_vec();
    let mut writer = ShareFetchResponseWriter::begin(&mut out, version, &start, 3);
    let mut put = |writer: &mut ShareFetchResponseWriter<'_>, head, records: &'static [u8]| {
        if gaps {
            places.push((writer.partition_without_records(&head, records.len()), records));
        } else {
            writer.partition(&head, records);
        }
    };
    writer.topic(ID, 2);
    let full = ShareFetchPartitionHead {
        partition_index: 3,
        acquired_records: ACQUIRED,
        ..ShareFetchPartitionHead::default()
    };
    put(&mut writer, full, RECORDS);
    put(&mut writer, FAILED, &[]);
    writer.topic(Uuid::ZERO, 0);
    writer.topic(Uuid([8; 16]), 1);
    put(&mut writer, ShareFetchPartitionHead::default(), b"xyz");
    writer.finish().expect("valid");
    (out, places)
}

#[test]
fn gaps_make_the_same_frame_as_copies() {
    for version in 1..=2 {
        let (whole, none) = write(version, false);
        let (with_gaps, places) = write(version, true);
        assert!(none.is_empty());
        assert_eq!(places.len(), 3);
        assert_eq!(fill(&with_gaps, &places), whole, "version {version}");
    }
}

#[test]
fn another_decoder_reads_it() {
    let (out, places) = write(1, true);
    let mut frame = Bytes::from(fill(&out, &places)).slice("before".len()..);
    let len = frame.split_to(4);
    assert_eq!(u32::from_be_bytes(len[..].try_into().unwrap()) as usize, frame.len());
    let header = ResponseHeader::decode(&mut frame, 1).unwrap();
    assert_eq!(header.correlation_id, 77);
    let body = frame.clone();
    let theirs = Theirs::decode(&mut frame, 1).unwrap();
    assert!(frame.is_empty());
    check(&theirs);
    let mut again = BytesMut::new();
    theirs.encode(&mut again, 1).unwrap();
    assert_eq!(again, body);
}

fn check(answer: &Theirs) {
    assert_eq!((answer.throttle_time_ms, answer.error_code), (5, 0));
    assert_eq!(answer.error_message.as_deref(), Some("well"));
    assert_eq!(answer.acquisition_lock_timeout_ms, 30_000);
    assert!(answer.node_endpoints.is_empty());
    let [orders, empty, payments] = &answer.responses[..] else { panic!("{answer:?}") };
    assert_eq!(orders.topic_id.as_bytes(), &ID.0);
    assert!(empty.partitions.is_empty());
    let [first, second] = &orders.partitions[..] else { panic!("{orders:?}") };
    assert_eq!((first.partition_index, first.error_code, first.acknowledge_error_code), (3, 0, 0));
    assert_eq!((&first.error_message, &first.acknowledge_error_message), (&None, &None));
    assert_eq!(first.records.as_deref(), Some(RECORDS));
    let acquired = first.acquired_records.iter();
    let acquired: Vec<_> =
        acquired.map(|r| (r.first_offset, r.last_offset, r.delivery_count)).collect();
    assert_eq!(acquired, [(10, 12, 1), (14, 14, 3)]);
    assert_eq!((second.partition_index, second.error_code), (4, 3));
    assert_eq!(second.error_message.as_deref(), Some("deleted"));
    assert_eq!(second.acknowledge_error_code, 121);
    assert_eq!(second.acknowledge_error_message.as_deref(), Some("late"));
    assert_eq!(second.current_leader.leader_id, -1);
    // Nothing was acquired, and still the records are not null.
    assert_eq!(second.records.as_deref(), Some(&[][..]));
    assert!(second.acquired_records.is_empty());
    assert_eq!(payments.partitions[0].records.as_deref(), Some(&b"xyz"[..]));
}

#[test]
fn our_client_reads_both_versions() {
    for version in 1..=2 {
        let (out, _) = write(version, false);
        let mut reader = Reader::new(&out["before".len() + 4..]);
        header::ResponseHeader::decode(&mut reader, ApiKey::ShareFetch, version).unwrap();
        let answer = ShareFetchResponse::decode(&mut reader, version).unwrap();
        assert_eq!(reader.remaining(), 0);
        let first = &answer.responses[0].partitions[0];
        assert_eq!(first.records.as_deref(), Some(RECORDS));
        assert_eq!(first.acquired_records, ACQUIRED);
    }
}

#[test]
fn more_than_a_length_can_say_is_an_error() {
    let mut out = b"before".to_vec();
    let start = ShareFetchResponseHead::default();
    let mut writer = ShareFetchResponseWriter::begin(&mut out, 1, &start, 1);
    writer.topic(ID, 2);
    writer.partition_without_records(&ShareFetchPartitionHead::default(), 1 << 30);
    writer.partition_without_records(&ShareFetchPartitionHead::default(), 1 << 30);
    assert_eq!(writer.finish(), Err(EncodeError));
    assert_eq!(out, b"before");
}
