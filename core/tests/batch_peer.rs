//! Batches are exchanged with an independent implementation of the format, in both directions
//! and with every codec.
//!
//! The peer keeps headers in a map (a second header of the same key replaces the first), so that
//! repeated keys are tested elsewhere.

#![allow(clippy::unwrap_used, reason = "a test fails by a panic")]

use bytes::{BufMut, Bytes, BytesMut};
use kafka_protocol::indexmap::IndexMap;
use kafka_protocol::protocol::StrBytes;
use kafka_protocol::records::{
    Compression, Record as PeerRecord, RecordBatchDecoder, RecordBatchEncoder, RecordEncodeOptions,
    TimestampType,
};
use minka::batch::compression::{compress, decompress};
use minka::batch::header::{HEADER_BYTES, patch};
use minka::batch::validate::check;
use minka::batch::{BatchBuilder, BatchHeader, Codec, Header, Records, Rules};
use minka::limits::BATCH_BYTES_MAX;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

const CODECS: [(Codec, Compression); 5] = [
    (Codec::None, Compression::None),
    (Codec::Gzip, Compression::Gzip),
    (Codec::Snappy, Compression::Snappy),
    (Codec::Lz4, Compression::Lz4),
    (Codec::Zstd, Compression::Zstd),
];
const LIMIT: usize = 1 << 24;

/// Timestamp, key, value, headers.
type Plain = (i64, Option<Vec<u8>>, Option<Vec<u8>>, Vec<(String, Option<Vec<u8>>)>);

fn rules() -> Rules {
    Rules {
        bytes_max: BATCH_BYTES_MAX,
        now: 0,
        before_ms_max: i64::MAX,
        after_ms_max: i64::MAX,
        log_append_time: false,
        zstd_allowed: true,
        keys_required: false,
        unpack: true,
    }
}

/// Records whose headers have different keys: "0", "1" and so on.
fn records() -> impl Strategy<Value = Vec<Plain>> {
    let bytes = || vec(any::<u8>(), 0..300);
    let headers = vec(option::of(bytes()), 0..4).prop_map(|values| {
        values.into_iter().enumerate().map(|(n, value)| (n.to_string(), value)).collect()
    });
    vec((0..1i64 << 42, option::of(bytes()), option::of(bytes()), headers), 1..40)
}

fn built(records: &[Plain], codec: Codec) -> Vec<u8> {
    let mut builder = BatchBuilder::new();
    for (timestamp, key, value, headers) in records {
        let headers: Vec<_> = headers
            .iter()
            .map(|(key, value)| Header { key: key.as_bytes(), value: value.as_deref() })
            .collect();
        builder.append(*timestamp, key.as_deref(), value.as_deref(), &headers).unwrap();
    }
    builder.set_producer(77, 3, 1_000);
    assert_eq!(builder.count() as usize, records.len());
    builder.finish(codec).unwrap().to_vec()
}

fn read(batch: &[u8]) -> Vec<Plain> {
    let header = BatchHeader::parse(batch).unwrap();
    let bytes = decompress(header.codec().unwrap(), &batch[HEADER_BYTES..], LIMIT).unwrap();
    Records::new(&bytes, header.record_count)
        .map(|record| {
            let record = record.unwrap();
            let headers = record.headers.map(|header| {
                let key = String::from_utf8(header.key.to_vec()).unwrap();
                (key, header.value.map(<[u8]>::to_vec))
            });
            let timestamp = header.base_timestamp + record.timestamp_delta;
            let [key, value] = [record.key, record.value].map(|part| part.map(<[u8]>::to_vec));
            (timestamp, key, value, headers.collect())
        })
        .collect()
}

fn to_peer((n, (timestamp, key, value, headers)): (usize, &Plain)) -> PeerRecord {
    let headers: IndexMap<_, _> = headers
        .iter()
        .map(|(key, value)| (StrBytes::from_string(key.clone()), value.clone().map(Bytes::from)))
        .collect();
    PeerRecord {
        transactional: false,
        control: false,
        delete_horizon: false,
        partition_leader_epoch: 0,
        producer_id: 77,
        producer_epoch: 3,
        timestamp_type: TimestampType::Creation,
        offset: n as i64,
        sequence: 1_000 + n as i32,
        timestamp: *timestamp,
        key: key.clone().map(Bytes::from),
        value: value.clone().map(Bytes::from),
        headers,
    }
}

fn from_peer(record: &PeerRecord) -> Plain {
    let headers = record.headers.iter();
    let headers =
        headers.map(|(key, value)| (key.to_string(), value.as_ref().map(|value| value.to_vec())));
    let [key, value] =
        [&record.key, &record.value].map(|part| part.as_ref().map(|part| part.to_vec()));
    (record.timestamp, key, value, headers.collect())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn what_we_build_the_peer_reads(records in records()) {
        for (codec, name) in CODECS {
            let mut batch = built(&records, codec);
            let checked = check(&batch, &rules()).unwrap();
            prop_assert_eq!(checked.max_timestamp, checked.header.max_timestamp);
            prop_assert_eq!(&read(&batch), &records);

            patch(batch.first_chunk_mut().unwrap(), 5_000, 9);
            let mut bytes = Bytes::from(batch);
            let set = RecordBatchDecoder::decode_with_custom_compression(
                &mut bytes,
                Some(|packed: &mut Bytes, _: Compression| {
                    Ok(Bytes::from(decompress(codec, packed, LIMIT).unwrap()))
                }),
            ).unwrap();
            prop_assert_eq!(set.compression, name);
            prop_assert_eq!(set.records.iter().map(from_peer).collect::<Vec<_>>(), records.clone());
            for (n, record) in set.records.iter().enumerate() {
                prop_assert_eq!(record.offset, 5_000 + n as i64);
                prop_assert_eq!(record.sequence, 1_000 + n as i32);
                prop_assert_eq!(record.partition_leader_epoch, 9);
                prop_assert_eq!((record.producer_id, record.producer_epoch), (77, 3));
            }
        }
    }

    #[test]
    fn what_the_peer_builds_passes_and_is_read(records in records()) {
        for (codec, compression) in CODECS {
            let peers: Vec<_> = records.iter().enumerate().map(to_peer).collect();
            let mut batch = BytesMut::new();
            RecordBatchEncoder::encode_with_custom_compression(
                &mut batch,
                &peers,
                &RecordEncodeOptions { version: 2, compression },
                Some(|plain: &mut BytesMut, out: &mut BytesMut, _: Compression| {
                    out.put_slice(&compress(codec, plain).unwrap());
                    Ok(())
                }),
            ).unwrap();
            let checked = check(&batch, &rules()).unwrap();
            let last = records.iter().map(|record| record.0).max().unwrap();
            prop_assert_eq!(checked.max_timestamp, last);
            prop_assert_eq!(checked.header.record_count as usize, records.len());
            prop_assert_eq!(checked.header.last_sequence(), 1_000 + records.len() as i32 - 1);
            prop_assert_eq!(&read(&batch), &records);
        }
    }
}
