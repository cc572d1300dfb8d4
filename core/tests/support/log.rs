//! Making batches and reading them back, in a few words.

use std::sync::Arc;

use bytes::Bytes;
use minka::Result;
use minka::batch::builder::BatchBuilder;
use minka::batch::compression::{Codec, decompress};
use minka::batch::header::{BatchHeader, HEADER_BYTES};
use minka::batch::records::{Record, Records};
use minka::clock::{Clock, SystemClock};
use minka::engine::{Acks, Appended, Broker, LiveTopic, NewTopic, Partition, Produce};
use minka::limits::DECOMPRESSED_BYTES_MAX;
use minka::log::Piece;
use minka::state::topic_config::TopicConfig;

/// A batch with these values.
pub fn batch<V: AsRef<[u8]>>(values: &[V]) -> Bytes {
    make(now(), values, None)
}

/// A batch with these values, of a producer (ID, epoch, first sequence number).
pub fn batch_of<V: AsRef<[u8]>>(values: &[V], producer: Option<(i64, i16, i32)>) -> Bytes {
    make(now(), values, producer)
}

/// A batch with these values and this timestamp.
pub fn batch_at<V: AsRef<[u8]>>(timestamp: i64, values: &[V]) -> Bytes {
    make(timestamp, values, None)
}

fn now() -> i64 {
    SystemClock::default().wall()
}

fn make<V: AsRef<[u8]>>(timestamp: i64, values: &[V], producer: Option<(i64, i16, i32)>) -> Bytes {
    let mut builder = BatchBuilder::new();
    if let Some((id, epoch, sequence)) = producer {
        builder.set_producer(id, epoch, sequence);
    }
    for value in values {
        builder.append(timestamp, None, Some(value.as_ref()), &[]).unwrap();
    }
    Bytes::copy_from_slice(builder.finish(Codec::None).unwrap())
}

pub fn create(broker: &Broker, name: &str, partitions: u32) -> Result<Arc<LiveTopic>> {
    create_with(broker, name, partitions, TopicConfig::default())
}

pub fn create_with(
    broker: &Broker,
    name: &str,
    partitions: u32,
    config: TopicConfig,
) -> Result<Arc<LiveTopic>> {
    let new = NewTopic { name: name.into(), partitions: Some(partitions), config };
    broker.create_topics(&[new], false).remove(0)?;
    Ok(broker.topic(name).unwrap())
}

pub fn produce(
    broker: &Broker,
    topic: &LiveTopic,
    index: i32,
    batch: Bytes,
    acks: Acks,
) -> Result<Appended> {
    let partition = topic.partition(index)?;
    broker.produce(Produce { topic, partition, batch, acks, zstd_allowed: true })
}

/// All visible records from `offset` on, as (offset, value).
pub fn read(
    broker: &Broker,
    partition: &Partition,
    mut offset: u64,
) -> Result<Vec<(u64, Vec<u8>)>> {
    let mut found = Vec::new();
    let end = partition.high_watermark();
    while offset < end {
        let mut pieces = Vec::new();
        let outcome = broker.read(partition, offset, 1 << 20, true, &mut pieces)?;
        if outcome.bytes == 0 {
            break;
        }
        for (at, value) in contents(&pieces)? {
            if at >= offset {
                offset = at + 1;
                found.push((at, value));
            }
        }
    }
    Ok(found)
}

/// All records in some pieces, as (offset, value).
pub fn contents(pieces: &[Piece]) -> Result<Vec<(u64, Vec<u8>)>> {
    let mut found = Vec::new();
    each_record(pieces, |offset, record| {
        found.push((offset, record.value.unwrap_or_default().to_vec()));
    })?;
    Ok(found)
}

/// Shows each record in some pieces, compressed or not, with its offset.
pub fn each_record(pieces: &[Piece], mut see: impl FnMut(u64, &Record<'_>)) -> Result<()> {
    for piece in pieces {
        let bytes = piece.read()?;
        let mut rest = &bytes[..];
        while !rest.is_empty() {
            let header = BatchHeader::parse(rest)?;
            let (batch, after) = rest.split_at(header.size());
            let packed = &batch[HEADER_BYTES..];
            let records = match header.codec()? {
                Codec::None => packed.to_vec(),
                codec => decompress(codec, packed, DECOMPRESSED_BYTES_MAX)?,
            };
            for record in Records::new(&records, header.record_count) {
                let record = record?;
                let delta = i64::from(record.offset_delta);
                see((header.base_offset + delta) as u64, &record);
            }
            rest = after;
        }
    }
    Ok(())
}
