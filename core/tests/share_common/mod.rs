//! A member of a share group that speaks through another codec.

#![allow(dead_code, reason = "every test uses a part of this")]
#![allow(clippy::unwrap_used, reason = "a test fails by a panic")]

use std::net::SocketAddr;

use bytes::Bytes;
use kafka_protocol::messages::share_acknowledge_request::{
    AcknowledgePartition, AcknowledgeTopic, AcknowledgementBatch,
};
use kafka_protocol::messages::share_fetch_request::{self, FetchPartition, FetchTopic};
use kafka_protocol::messages::{
    ShareAcknowledgeRequest, ShareAcknowledgeResponse, ShareFetchRequest, ShareFetchResponse,
    ShareGroupHeartbeatRequest, ShareGroupHeartbeatResponse,
};

use crate::server_common::{Client, hex, text, topic_name};

pub(crate) const GAP: i8 = 0;
pub(crate) const ACCEPT: i8 = 1;
pub(crate) const RELEASE: i8 = 2;
pub(crate) const REJECT: i8 = 3;

/// First offset, last offset, types.
pub(crate) type Ack<'a> = (i64, i64, &'a [i8]);

/// What a partition of an answer says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) partition: i32,
    pub(crate) error: i16,
    pub(crate) acknowledge_error: i16,
    /// First offset, last offset, delivery count.
    pub(crate) acquired: Vec<(i64, i64, i16)>,
    pub(crate) records: Bytes,
}

/// A member with a connection of its own, which reads one topic.
pub(crate) struct Member {
    pub(crate) client: Client,
    pub(crate) group: String,
    pub(crate) id: String,
    pub(crate) topic: [u8; 16],
    /// The epoch of its next heartbeat.
    pub(crate) epoch: i32,
    /// The epoch of the next request of its session.
    pub(crate) session: i32,
    pub(crate) max_records: i32,
    pub(crate) max_bytes: i32,
}

impl Member {
    pub(crate) fn new(address: SocketAddr, group: &str, id: &str, topic: [u8; 16]) -> Self {
        Self::over(Client::connect(address), (group, id), topic)
    }

    pub(crate) fn over(client: Client, (group, id): (&str, &str), topic: [u8; 16]) -> Self {
        Self {
            client,
            group: group.to_owned(),
            id: id.to_owned(),
            topic,
            epoch: 0,
            session: 0,
            max_records: 500,
            max_bytes: 50 << 20,
        }
    }

    /// A member that has joined its group.
    pub(crate) fn joined(
        address: SocketAddr,
        (group, id): (&str, &str),
        (topic, topic_id): (&str, [u8; 16]),
    ) -> Self {
        let mut member = Self::new(address, group, id, topic_id);
        let answer = member.beat(Some(&[topic]));
        assert_eq!(answer.error_code, 0, "{answer:?}");
        member
    }

    /// Sends a heartbeat with its epoch.
    pub(crate) fn beat(&mut self, topics: Option<&[&str]>) -> ShareGroupHeartbeatResponse {
        let answer = self.client.call(1, &self.beat_request(topics));
        if answer.error_code == 0 {
            self.epoch = answer.member_epoch;
        }
        answer
    }

    pub(crate) fn beat_request(&self, topics: Option<&[&str]>) -> ShareGroupHeartbeatRequest {
        let topics = topics.map(|names| names.iter().map(|name| topic_name(name)).collect());
        ShareGroupHeartbeatRequest::default()
            .with_group_id(text(&self.group).into())
            .with_member_id(text(&self.id))
            .with_member_epoch(self.epoch)
            .with_subscribed_topic_names(topics)
    }

    pub(crate) fn leave(&mut self) {
        self.epoch = -1;
        assert_eq!(self.beat(None).error_code, 0);
    }

    /// A ShareFetch request that adds partitions to the session, and acknowledges.
    pub(crate) fn fetch_request(
        &self,
        partitions: &[i32],
        acks: &[(i32, &[Ack<'_>])],
        max_wait_ms: i32,
    ) -> ShareFetchRequest {
        let batch = |&(first, last, types): &Ack<'_>| {
            share_fetch_request::AcknowledgementBatch::default()
                .with_first_offset(first)
                .with_last_offset(last)
                .with_acknowledge_types(types.to_vec())
        };
        let new = partitions.iter().map(|index| (*index, Vec::new()));
        let acks = acks.iter().map(|(index, acks)| (*index, acks.iter().map(batch).collect()));
        let rows = new.chain(acks).map(|(index, batches)| {
            FetchPartition::default()
                .with_partition_index(index)
                .with_acknowledgement_batches(batches)
        });
        let rows: Vec<_> = rows.collect();
        let topic = FetchTopic::default()
            .with_topic_id(hex(self.topic).parse().unwrap())
            .with_partitions(rows);
        let topics = if topic.partitions.is_empty() { Vec::new() } else { vec![topic] };
        ShareFetchRequest::default()
            .with_group_id(Some(text(&self.group).into()))
            .with_member_id(Some(text(&self.id)))
            .with_share_session_epoch(self.session)
            .with_max_wait_ms(max_wait_ms)
            .with_min_bytes(1)
            .with_max_bytes(self.max_bytes)
            .with_max_records(self.max_records)
            .with_batch_size(self.max_records)
            .with_topics(topics)
    }

    pub(crate) fn fetch(
        &mut self,
        partitions: &[i32],
        acks: &[(i32, &[Ack<'_>])],
        max_wait_ms: i32,
    ) -> ShareFetchResponse {
        let request = self.fetch_request(partitions, acks, max_wait_ms);
        let answer = self.client.call(1, &request);
        self.went(answer.error_code);
        answer
    }

    /// What it gets of partition 0, without waiting.
    pub(crate) fn take(&mut self) -> Vec<(i64, i64, i16)> {
        let new: &[i32] = if self.session == 0 { &[0] } else { &[] };
        let rows = rows(&self.fetch(new, &[], 0));
        rows.into_iter().flat_map(|row| row.acquired).collect()
    }

    /// What it gets of partition 0 when it asks again and again: who asks leaves something for
    /// others that may come.
    pub(crate) fn take_all(&mut self) -> Vec<(i64, i64, i16)> {
        let mut all: Vec<(i64, i64, i16)> = Vec::new();
        loop {
            let got = self.take();
            if got.is_empty() {
                return all;
            }
            for range in got {
                match all.last_mut() {
                    Some(last) if last.1 + 1 == range.0 && last.2 == range.2 => last.1 = range.1,
                    _ => all.push(range),
                }
            }
        }
    }

    /// Acknowledges; the error of the request and those of its partitions.
    pub(crate) fn acknowledge(&mut self, acks: &[(i32, &[Ack<'_>])]) -> (i16, Vec<i16>) {
        let answer = self.client.call(1, &self.acknowledge_request(acks));
        self.went(answer.error_code);
        (answer.error_code, acknowledged(&answer))
    }

    pub(crate) fn acknowledge_request(
        &self,
        acks: &[(i32, &[Ack<'_>])],
    ) -> ShareAcknowledgeRequest {
        let batch = |&(first, last, types): &Ack<'_>| {
            AcknowledgementBatch::default()
                .with_first_offset(first)
                .with_last_offset(last)
                .with_acknowledge_types(types.to_vec())
        };
        let rows = acks.iter().map(|(index, acks)| {
            AcknowledgePartition::default()
                .with_partition_index(*index)
                .with_acknowledgement_batches(acks.iter().map(batch).collect())
        });
        let topic = AcknowledgeTopic::default()
            .with_topic_id(hex(self.topic).parse().unwrap())
            .with_partitions(rows.collect());
        ShareAcknowledgeRequest::default()
            .with_group_id(Some(text(&self.group).into()))
            .with_member_id(Some(text(&self.id)))
            .with_share_session_epoch(self.session)
            .with_topics(vec![topic])
    }

    fn went(&mut self, error_code: i16) {
        if error_code == 0 && self.session >= 0 {
            self.session += 1;
        }
    }
}

/// The errors of an answer's partitions.
pub(crate) fn acknowledged(answer: &ShareAcknowledgeResponse) -> Vec<i16> {
    let rows = answer.responses.iter().flat_map(|topic| &topic.partitions);
    let code = |row: &kafka_protocol::messages::share_acknowledge_response::PartitionData| {
        assert_eq!(row.error_message.is_some(), row.error_code != 0);
        row.error_code
    };
    rows.map(code).collect()
}

/// The partitions of an answer without an error of its own.
pub(crate) fn rows(answer: &ShareFetchResponse) -> Vec<Row> {
    assert_eq!(answer.error_code, 0, "{answer:?}");
    let partitions = answer.responses.iter().flat_map(|topic| &topic.partitions);
    let row = |row: &kafka_protocol::messages::share_fetch_response::PartitionData| Row {
        partition: row.partition_index,
        error: row.error_code,
        acknowledge_error: row.acknowledge_error_code,
        acquired: row
            .acquired_records
            .iter()
            .map(|range| (range.first_offset, range.last_offset, range.delivery_count))
            .collect(),
        records: row.records.clone().unwrap_or_default(),
    };
    partitions.map(row).collect()
}
