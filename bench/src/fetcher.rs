//! A consumer without a group: reads partitions from their beginnings on.

use std::net::SocketAddr;

use minka::batch::BatchHeader;
use minka::wire::kafka::fetch::{FetchPartition, FetchRequest, FetchResponse, FetchTopic};

use crate::Outcome;
use crate::client::{Client, refuse};

const VERSION: i16 = 12;
/// What Kafka's consumers ask for unless they are told otherwise.
const PARTITION_BYTES: i32 = 1 << 20;
const REQUEST_BYTES: i32 = 50 << 20;

/// A connection, and how far each partition of a topic has been read.
#[derive(Debug)]
pub(crate) struct Fetcher {
    client: Client,
    topic: String,
    offsets: Vec<i64>,
}

impl Fetcher {
    pub(crate) fn connect(address: SocketAddr, topic: &str, partitions: usize) -> Outcome<Self> {
        Ok(Self {
            client: Client::connect(address)?,
            topic: topic.to_owned(),
            offsets: vec![0; partitions],
        })
    }

    /// One request for all partitions; returns how many bytes of batches it brought.
    pub(crate) fn fetch(&mut self) -> Outcome<usize> {
        let partition = |(partition, offset): (i32, &i64)| FetchPartition {
            partition,
            fetch_offset: *offset,
            partition_max_bytes: PARTITION_BYTES,
            ..FetchPartition::default()
        };
        let request = FetchRequest {
            max_wait_ms: 500,
            min_bytes: 1,
            max_bytes: REQUEST_BYTES,
            topics: vec![FetchTopic {
                topic: &self.topic,
                partitions: (0..).zip(&self.offsets).map(partition).collect(),
                ..FetchTopic::default()
            }],
            ..FetchRequest::default()
        };
        let offsets = &mut self.offsets;
        self.client.call(VERSION, &request, |reader| {
            let answer = FetchResponse::decode(reader, VERSION)?;
            refuse(answer.error_code, None)?;
            let mut bytes = 0;
            for partition in answer.responses.iter().flat_map(|topic| &topic.partitions) {
                refuse(partition.error_code, None)?;
                let records = partition.records.as_deref().unwrap_or_default();
                let index = usize::try_from(partition.partition_index)?;
                advance(&mut offsets[index], records)?;
                bytes += records.len();
            }
            Ok(bytes)
        })
    }
}

/// Moves the offset behind the last whole batch.
fn advance(offset: &mut i64, mut records: &[u8]) -> Outcome<()> {
    while !records.is_empty() {
        let header = BatchHeader::parse(records)?;
        if header.base_offset != *offset {
            return Err(format!("offset {} came for {offset}", header.base_offset).into());
        }
        *offset = header.last_offset() + 1;
        records = records.get(header.size()..).ok_or("a batch is not whole")?;
    }
    Ok(())
}
