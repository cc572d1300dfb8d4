//! Produce requests from another encoder, read without a copy, and answers for another decoder.

use bytes::{Bytes, BytesMut};
use kafka_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use kafka_protocol::messages::{
    ProduceRequest as TheirRequest, ProduceResponse as TheirResponse, RequestHeader,
    ResponseHeader, TransactionalId,
};
use kafka_protocol::protocol::{Decodable, Encodable, StrBytes};
use minka::wire::kafka::produce::{ProducePartitionResponse, ProduceResponse, RecordError};
use minka::wire::kafka::produce_view::ProduceView;
use minka::wire::kafka::produce_writer::ProduceResponseWriter;
use minka::wire::kafka::request::Request;
use minka::wire::kafka::{ApiKey, DecodeError, Reader, Uuid, header};

const FIRST: &[u8] = &[0xab; 300];
const NAMES: [&str; 3] = ["orders", "empty", "payments"];

fn id(topic: u8) -> [u8; 16] {
    [topic + 1; 16]
}

/// A frame without its length: three topics with two, no and one partition.
fn frame(version: i16) -> Vec<u8> {
    let partition = |index, records: Option<&'static [u8]>| {
        PartitionProduceData::default()
            .with_index(index)
            .with_records(records.map(Bytes::from_static))
    };
    let partitions = [
        vec![partition(3, Some(FIRST)), partition(4, None)],
        vec![],
        vec![partition(0, Some(b"xyz"))],
    ];
    let topics = (0..).zip(NAMES).zip(partitions).map(|((index, name), partitions)| {
        let topic = TopicProduceData::default().with_partition_data(partitions);
        if version >= 13 {
            let digits: String = id(index).iter().map(|byte| format!("{byte:02x}")).collect();
            topic.with_topic_id(digits.parse().expect("valid"))
        } else {
            topic.with_name(StrBytes::from_static_str(name).into())
        }
    });
    let request = TheirRequest::default()
        .with_transactional_id(Some(TransactionalId(StrBytes::from_static_str("tx"))))
        .with_acks(-1)
        .with_timeout_ms(1234)
        .with_topic_data(topics.collect());
    let header = RequestHeader::default()
        .with_request_api_key(0)
        .with_request_api_version(version)
        .with_correlation_id(5)
        .with_client_id(Some(StrBytes::from_static_str("me")));
    let mut out = BytesMut::new();
    header.encode(&mut out, ApiKey::Produce.request_header_version(version)).expect("valid");
    request.encode(&mut out, version).expect("valid");
    out.to_vec()
}

fn view(frame: &[u8]) -> Result<ProduceView<'_>, DecodeError> {
    let mut reader = Reader::new(frame);
    let header = header::RequestHeader::decode(&mut reader)?;
    match Request::decode(&header, &mut reader)? {
        Request::Produce(view) => Ok(view),
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_version_is_read_in_place() {
    for version in 3..=13 {
        let frame = frame(version);
        let view = view(&frame).unwrap();
        assert_eq!((view.transactional_id, view.acks, view.timeout_ms), (Some("tx"), -1, 1234));
        assert_eq!(view.topics().len(), 3);
        let mut seen = Vec::new();
        for (index, topic) in (0..).zip(view.topics()) {
            let by_id = version >= 13;
            let name = NAMES[usize::from(index)];
            assert_eq!(topic.name, if by_id { "" } else { name });
            assert_eq!(topic.topic_id, if by_id { Uuid(id(index)) } else { Uuid::ZERO });
            for partition in topic.partitions() {
                assert_eq!(&frame[partition.range.clone()], partition.records.unwrap_or_default());
                seen.push((index, partition.index, partition.records));
            }
        }
        assert_eq!(seen, [(0, 3, Some(FIRST)), (0, 4, None), (2, 0, Some(&b"xyz"[..]))]);
    }
}

#[test]
fn what_is_cut_short_is_refused_before_anything_is_given_out() {
    for version in 3..=13 {
        let frame = frame(version);
        for len in 0..frame.len() {
            assert!(view(&frame[..len]).is_err(), "version {version}, {len} bytes");
        }
    }
}

#[test]
fn versions_0_to_2_are_refused() {
    for version in [0, 1, 2, 14, -1] {
        let result = ProduceView::decode(&mut Reader::new(&[0; 64]), version);
        assert_eq!(result.unwrap_err(), DecodeError::UnsupportedVersion(ApiKey::Produce, version));
    }
}

#[test]
fn another_decoder_reads_every_answer() {
    for version in 3..=13 {
        let mut out = Vec::new();
        let mut writer = ProduceResponseWriter::begin(&mut out, version, 5, 2);
        writer.topic("orders", Uuid(id(0)), 2);
        writer.partition(&ProducePartitionResponse {
            index: 3,
            base_offset: 99,
            log_start_offset: 7,
            ..Default::default()
        });
        writer.partition(&ProducePartitionResponse {
            index: 4,
            error_code: 87,
            base_offset: -1,
            record_errors: vec![RecordError {
                batch_index: 2,
                batch_index_error_message: Some("no key".into()),
            }],
            error_message: Some("no".into()),
            ..Default::default()
        });
        writer.topic("empty", Uuid(id(1)), 0);
        writer.finish(6).unwrap();

        let mut rest = Bytes::from(out);
        assert_eq!(rest.split_to(4)[..], u32::try_from(rest.len()).unwrap().to_be_bytes());
        let header_version = ApiKey::Produce.response_header_version(version);
        let header = ResponseHeader::decode(&mut rest, header_version).unwrap();
        assert_eq!(header.correlation_id, 5);
        let answer = TheirResponse::decode(&mut rest, version).unwrap();
        assert!(rest.is_empty());
        check(&answer, version);
    }
}

#[test]
fn the_id_of_the_first_record_is_a_tagged_field_that_only_our_client_knows() {
    for version in [8, 9, 13] {
        let mut out = Vec::new();
        let mut writer = ProduceResponseWriter::begin(&mut out, version, 5, 1);
        writer.topic("orders", Uuid(id(0)), 1);
        let partition = ProducePartitionResponse { first_record_id: 1 << 40, ..Default::default() };
        writer.partition(&partition);
        writer.finish(6).unwrap();

        let body = &out[4..];
        let mut reader = Reader::new(body);
        header::ResponseHeader::decode(&mut reader, ApiKey::Produce, version).unwrap();
        let rest = Bytes::copy_from_slice(&body[body.len() - reader.remaining()..]);
        let ours = ProduceResponse::decode(&mut reader, version).unwrap();
        let told = version >= 9;
        let id = ours.responses[0].partitions[0].first_record_id;
        assert_eq!(id, if told { 1 << 40 } else { -1 });
        let theirs = TheirResponse::decode(&mut rest.clone(), version).unwrap();
        let tags = &theirs.responses[0].partition_responses[0].unknown_tagged_fields;
        let tags: Vec<_> = tags.iter().map(|(tag, bytes)| (*tag, &bytes[..])).collect();
        let id = id.to_be_bytes();
        assert_eq!(tags, if told { vec![(10_000, &id[..])] } else { vec![] });
    }
}

fn check(answer: &TheirResponse, version: i16) {
    assert_eq!(answer.throttle_time_ms, 6);
    let [orders, empty] = &answer.responses[..] else { panic!("{answer:?}") };
    if version >= 13 {
        assert_eq!(orders.topic_id.as_bytes(), &id(0));
    } else {
        assert_eq!(&*orders.name.0, "orders");
    }
    assert!(empty.partition_responses.is_empty());
    let [good, bad] = &orders.partition_responses[..] else { panic!("{orders:?}") };
    assert_eq!((good.index, good.error_code, good.base_offset), (3, 0, 99));
    assert_eq!(good.log_append_time_ms, -1);
    assert_eq!(good.log_start_offset, if version >= 5 { 7 } else { -1 });
    assert_eq!((bad.index, bad.error_code, bad.base_offset), (4, 87, -1));
    assert_eq!(bad.record_errors.len(), usize::from(version >= 8));
    assert_eq!(bad.error_message.as_deref(), (version >= 8).then_some("no"));
}
