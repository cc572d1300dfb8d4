//! A member of a queue group: fetches records and accepts all of them with the next request.

use std::net::SocketAddr;

use minka::batch::BatchHeader;
use minka::wire::kafka::Uuid;
use minka::wire::kafka::share_fetch::{
    ACCEPT, AcknowledgementBatch, BATCH_OPTIMIZED, CLOSE_SESSION, OPEN_SESSION,
    ShareFetchPartition, ShareFetchRequest, ShareFetchResponse, ShareFetchTopic,
};
use minka::wire::kafka::share_group_heartbeat::{
    ShareGroupHeartbeatRequest, ShareGroupHeartbeatResponse,
};

use crate::Outcome;
use crate::client::{Client, refuse};

const HEARTBEAT_VERSION: i16 = 1;
const FETCH_VERSION: i16 = 2;
const LEAVE: i32 = -1;

/// A member that reads partition 0 of a topic over a connection of its own.
#[derive(Debug)]
pub(crate) struct Sharer {
    client: Client,
    group: String,
    member: String,
    topic: Uuid,
    epoch: i32,
    records_max: i32,
    bytes_max: i32,
    /// What was fetched last.
    held: Vec<AcknowledgementBatch>,
}

/// What an answer brought.
#[derive(Debug, Default)]
struct Answer {
    records: usize,
    held: Vec<AcknowledgementBatch>,
}

impl Sharer {
    /// Joins a group, to fetch so many records or bytes at a time.
    pub(crate) fn join(
        address: SocketAddr,
        (group, member): (&str, &str),
        (name, topic): (&str, Uuid),
        (records_max, bytes_max): (i32, i32),
    ) -> Outcome<Self> {
        let mut sharer = Self {
            client: Client::connect(address)?,
            group: group.to_owned(),
            member: member.to_owned(),
            topic,
            epoch: OPEN_SESSION,
            records_max,
            bytes_max,
            held: Vec::new(),
        };
        sharer.heartbeat(0, Some(vec![name]))?;
        Ok(sharer)
    }

    /// One request, which accepts what the last one brought and waits for at most `wait_ms`.
    /// Returns how many records it brought.
    pub(crate) fn fetch(&mut self, wait_ms: i32) -> Outcome<usize> {
        let first = self.epoch == OPEN_SESSION;
        let answer = self.call(self.epoch, wait_ms, first)?;
        self.epoch += 1;
        self.held = answer.held;
        Ok(answer.records)
    }

    /// Accepts what is left to accept, and leaves the group.
    pub(crate) fn leave(mut self) -> Outcome<()> {
        self.call(CLOSE_SESSION, 0, false)?;
        self.heartbeat(LEAVE, None)
    }

    fn call(&mut self, epoch: i32, wait_ms: i32, add: bool) -> Outcome<Answer> {
        let acknowledgement_batches = std::mem::take(&mut self.held);
        let partition = ShareFetchPartition { partition_index: 0, acknowledgement_batches };
        let named = add || !partition.acknowledgement_batches.is_empty();
        let topic = ShareFetchTopic { topic_id: self.topic, partitions: vec![partition] };
        let request = ShareFetchRequest {
            group_id: Some(&self.group),
            member_id: Some(&self.member),
            share_session_epoch: epoch,
            max_wait_ms: wait_ms,
            min_bytes: 1,
            max_bytes: self.bytes_max,
            max_records: self.records_max,
            batch_size: self.records_max,
            share_acquire_mode: BATCH_OPTIMIZED,
            topics: if named { vec![topic] } else { Vec::new() },
            ..ShareFetchRequest::default()
        };
        self.client.call(FETCH_VERSION, &request, |reader| {
            let answer = ShareFetchResponse::decode(reader, FETCH_VERSION)?;
            refuse(answer.error_code, answer.error_message.as_deref())?;
            let mut found = Answer::default();
            for partition in answer.responses.iter().flat_map(|topic| &topic.partitions) {
                refuse(partition.error_code, partition.error_message.as_deref())?;
                let words = partition.acknowledge_error_message.as_deref();
                refuse(partition.acknowledge_error_code, words)?;
                walk(partition.records.as_deref().unwrap_or_default())?;
                for range in &partition.acquired_records {
                    let records = range.last_offset - range.first_offset + 1;
                    found.records += usize::try_from(records)?;
                    found.held.push(AcknowledgementBatch {
                        first_offset: range.first_offset,
                        last_offset: range.last_offset,
                        acknowledge_types: vec![ACCEPT],
                    });
                }
            }
            Ok(found)
        })
    }

    fn heartbeat(&mut self, member_epoch: i32, topics: Option<Vec<&str>>) -> Outcome<()> {
        let request = ShareGroupHeartbeatRequest {
            group_id: &self.group,
            member_id: &self.member,
            member_epoch,
            rack_id: None,
            subscribed_topic_names: topics,
        };
        self.client.call(HEARTBEAT_VERSION, &request, |reader| {
            let answer = ShareGroupHeartbeatResponse::decode(reader, HEARTBEAT_VERSION)?;
            refuse(answer.error_code, answer.error_message.as_deref())
        })
    }
}

/// Looks at each batch, as every consumer has to.
fn walk(mut records: &[u8]) -> Outcome<()> {
    while !records.is_empty() {
        let header = BatchHeader::parse(records)?;
        records = records.get(header.size()..).ok_or("a batch is not whole")?;
    }
    Ok(())
}
