//! Fetch answers written with gaps, filled as a door would fill them, and read by another.

#[path = "wire_common/gaps.rs"]
mod gaps;

use bytes::{Bytes, BytesMut};
use gaps::fill;
use kafka_protocol::messages::{FetchResponse as Theirs, ResponseHeader};
use kafka_protocol::protocol::{Decodable, Encodable};
use minka::wire::kafka::fetch::{AbortedTransaction, FetchResponse};
use minka::wire::kafka::fetch_writer::{
    FetchPartitionHead, FetchResponseHead, FetchResponseWriter,
};
use minka::wire::kafka::{ApiKey, EncodeError, Reader, Uuid, header};

const ID: Uuid = Uuid([9; 16]);
const ABORTED: &[AbortedTransaction] = &[
    AbortedTransaction { producer_id: 10, first_offset: 11 },
    AbortedTransaction { producer_id: 12, first_offset: 13 },
];
/// Long enough for compact lengths of two bytes.
const RECORDS: &[u8] = &[0xab; 300];

fn head(partition_index: i32) -> FetchPartitionHead<'static> {
    FetchPartitionHead {
        partition_index,
        error_code: 0,
        high_watermark: 1 << 40,
        last_stable_offset: 42,
        log_start_offset: 7,
        aborted_transactions: None,
    }
}

/// Three topics; records are copied into `out`, or their places returned.
fn write(version: i16, gaps: bool) -> (Vec<u8>, Vec<(usize, &'static [u8])>) {
    let mut places = Vec::new();
    let start = FetchResponseHead {
        correlation_id: 77,
        throttle_time_ms: 5,
        error_code: 71,
        session_id: 6,
    };
    let mut out = b"before".to_vec();
    let mut writer = FetchResponseWriter::begin(&mut out, version, start, 3);
    let mut put = |writer: &mut FetchResponseWriter<'_>, head, records: &'static [u8]| {
        if gaps {
            places.push((writer.partition_without_records(&head, records.len()), records));
        } else {
            writer.partition(&head, records);
        }
    };
    writer.topic("orders", ID, 2);
    put(
        &mut writer,
        FetchPartitionHead { aborted_transactions: Some(ABORTED), ..head(3) },
        RECORDS,
    );
    put(&mut writer, FetchPartitionHead { error_code: 1, ..head(4) }, &[]);
    writer.topic("empty", Uuid::ZERO, 0);
    writer.topic("payments", Uuid([8; 16]), 1);
    put(&mut writer, FetchPartitionHead { aborted_transactions: Some(&[]), ..head(0) }, b"xyz");
    writer.finish().expect("valid");
    (out, places)
}

#[test]
fn gaps_make_the_same_frame_as_copies() {
    for version in 4..=17 {
        let (whole, none) = write(version, false);
        let (with_gaps, places) = write(version, true);
        assert!(none.is_empty());
        assert_eq!(places.len(), 3);
        assert_eq!(fill(&with_gaps, &places), whole, "version {version}");
    }
}

#[test]
fn another_decoder_reads_every_version() {
    for version in 4..=17 {
        let (out, places) = write(version, true);
        let mut frame = Bytes::from(fill(&out, &places)).slice("before".len()..);
        let len = frame.split_to(4);
        assert_eq!(u32::from_be_bytes(len[..].try_into().unwrap()) as usize, frame.len());
        let header_version = ApiKey::Fetch.response_header_version(version);
        let header = ResponseHeader::decode(&mut frame, header_version).unwrap();
        assert_eq!(header.correlation_id, 77);
        let body = frame.clone();
        let theirs = Theirs::decode(&mut frame, version).unwrap();
        assert!(frame.is_empty(), "version {version}");
        check(&theirs, version);
        let mut again = BytesMut::new();
        theirs.encode(&mut again, version).unwrap();
        assert_eq!(again, body, "version {version}");
    }
}

fn check(answer: &Theirs, version: i16) {
    let session = if version >= 7 { (71, 6) } else { (0, 0) };
    assert_eq!(answer.throttle_time_ms, 5);
    assert_eq!((answer.error_code, answer.session_id), session);
    let [orders, empty, payments] = &answer.responses[..] else { panic!("{answer:?}") };
    if version >= 13 {
        assert_eq!(orders.topic_id.as_bytes(), &ID.0);
    } else {
        assert_eq!(&*orders.topic.0, "orders");
    }
    assert!(empty.partitions.is_empty());
    let [first, second] = &orders.partitions[..] else { panic!("{orders:?}") };
    assert_eq!((first.partition_index, first.error_code), (3, 0));
    assert_eq!((first.high_watermark, first.last_stable_offset), (1 << 40, 42));
    assert_eq!(first.log_start_offset, if version >= 5 { 7 } else { -1 });
    let aborted = first.aborted_transactions.as_ref().expect("valid");
    let aborted: Vec<_> = aborted.iter().map(|a| (a.producer_id.0, a.first_offset)).collect();
    assert_eq!(aborted, [(10, 11), (12, 13)]);
    assert_eq!(first.preferred_read_replica.0, -1);
    assert_eq!(first.records.as_deref(), Some(RECORDS));
    assert_eq!((second.partition_index, second.error_code), (4, 1));
    assert_eq!(second.aborted_transactions, None);
    assert_eq!(second.records.as_deref(), Some(&[][..]));
    assert_eq!(payments.partitions[0].records.as_deref(), Some(&b"xyz"[..]));
    assert_eq!(payments.partitions[0].aborted_transactions, Some(Vec::new()));
}

#[test]
fn our_client_reads_it_too() {
    for version in 4..=17 {
        let (out, _) = write(version, false);
        let mut reader = Reader::new(&out["before".len() + 4..]);
        header::ResponseHeader::decode(&mut reader, ApiKey::Fetch, version).unwrap();
        let answer = FetchResponse::decode(&mut reader, version).unwrap();
        assert_eq!(reader.remaining(), 0);
        assert_eq!(answer.responses[0].partitions[0].records.as_deref(), Some(RECORDS));
    }
}

#[test]
fn an_error_needs_no_topics() {
    let mut out = Vec::new();
    let start = FetchResponseHead { correlation_id: 1, error_code: 70, ..Default::default() };
    FetchResponseWriter::begin(&mut out, 7, start, 0).finish().unwrap();
    let expected = [0, 0, 0, 18, 0, 0, 0, 1, 0, 0, 0, 0, 0, 70, 0, 0, 0, 0, 0, 0, 0, 0];
    assert_eq!(out, expected);
}

#[test]
fn more_than_a_length_can_say_is_an_error() {
    let mut out = b"before".to_vec();
    let mut writer = FetchResponseWriter::begin(&mut out, 12, FetchResponseHead::default(), 1);
    writer.topic("orders", Uuid::ZERO, 2);
    writer.partition_without_records(&head(0), 1 << 30);
    writer.partition_without_records(&head(1), 1 << 30);
    assert_eq!(writer.finish(), Err(EncodeError));
    assert_eq!(out, b"before");
}
