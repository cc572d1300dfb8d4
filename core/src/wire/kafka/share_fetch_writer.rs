//! Writes the answer to a ShareFetch request, with the records or with gaps where they belong.

use super::field::Encode;
use super::produce::LeaderIdAndEpoch;
use super::share_fetch::AcquiredRecords;
use super::topics_writer::TopicsWriter;
use super::writer::{EncodeError, TaggedFields, Writer};
use super::{ApiKey, Uuid};

/// What an answer says before its first topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ShareFetchResponseHead<'h> {
    /// The correlation ID of the request that is answered.
    pub correlation_id: i32,
    /// How long the client should wait before its next request, in milliseconds.
    pub throttle_time_ms: i32,
    /// The error of the whole request, or 0.
    pub error_code: i16,
    /// The error in words.
    pub error_message: Option<&'h str>,
    /// How long the records are locked, in milliseconds.
    pub acquisition_lock_timeout_ms: i32,
}

/// What an answer says of a partition besides its records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ShareFetchPartitionHead<'p> {
    /// The partition's number.
    pub partition_index: i32,
    /// The error of the fetch, or 0.
    pub error_code: i16,
    /// That error in words.
    pub error_message: Option<&'p str>,
    /// The error of the acknowledgements, or 0.
    pub acknowledge_error_code: i16,
    /// That error in words.
    pub acknowledge_error_message: Option<&'p str>,
    /// The records that were acquired, in the order of their offsets.
    pub acquired_records: &'p [AcquiredRecords],
}

/// An answer that is being written: [`topic`](Self::topic), the partitions that it announced,
/// the next topic, and at last [`finish`](Self::finish).
///
/// A partition's records are copied by [`partition`](Self::partition), or left out by
/// [`partition_without_records`](Self::partition_without_records), which says where in the
/// vector they belong: whoever sends the frame sends that many bytes from elsewhere, such as a
/// file, when it gets there. The frame's length counts them. Records are never null (Kafka sends
/// null where nothing was acquired, and its clients take an empty set for the same), and no
/// other broker is ever named as a leader.
#[derive(Debug)]
#[must_use = "the frame has no length until it is finished"]
pub struct ShareFetchResponseWriter<'w> {
    topics: TopicsWriter<'w>,
}

impl<'w> ShareFetchResponseWriter<'w> {
    /// Starts the frame that answers a request of `version`, about `topic_count` topics.
    pub fn begin(
        out: &'w mut Vec<u8>,
        version: i16,
        head: &ShareFetchResponseHead<'_>,
        topic_count: usize,
    ) -> Self {
        let mut topics = TopicsWriter::begin(out, ApiKey::ShareFetch, version, head.correlation_id);
        let writer = topics.writer();
        head.throttle_time_ms.write_to(writer);
        head.error_code.write_to(writer);
        writer.put_string(head.error_message);
        head.acquisition_lock_timeout_ms.write_to(writer);
        topics.topics(topic_count);
        Self { topics }
    }

    /// Starts a topic with `partition_count` partitions.
    pub fn topic(&mut self, topic_id: Uuid, partition_count: usize) {
        self.topics.topic(None, topic_id, partition_count);
    }

    /// Writes a partition of the topic that was started last, with its records.
    pub fn partition(&mut self, head: &ShareFetchPartitionHead<'_>, records: &[u8]) {
        write_head(self.topics.partition(), head);
        self.topics.writer().put_bytes(Some(records));
        write_acquired(self.topics.writer(), head.acquired_records);
    }

    /// Writes a partition of the topic that was started last without its records, which are
    /// `records_len` bytes and belong at the returned position of the vector.
    pub fn partition_without_records(
        &mut self,
        head: &ShareFetchPartitionHead<'_>,
        records_len: usize,
    ) -> usize {
        write_head(self.topics.partition(), head);
        let position = self.topics.leave_out(records_len);
        write_acquired(self.topics.writer(), head.acquired_records);
        position
    }

    /// Ends the frame. Without an error, all of it but the records that were left out is in the
    /// vector; with one, nothing of it.
    pub fn finish(mut self) -> Result<(), EncodeError> {
        // No other broker is named, so that there is no address to give.
        self.topics.end_topics().put_long_len(Some(0));
        self.topics.finish()
    }
}

fn write_head(writer: &mut Writer<'_>, head: &ShareFetchPartitionHead<'_>) {
    head.partition_index.write_to(writer);
    head.error_code.write_to(writer);
    writer.put_string(head.error_message);
    head.acknowledge_error_code.write_to(writer);
    writer.put_string(head.acknowledge_error_message);
    LeaderIdAndEpoch::default().write_to(writer);
}

fn write_acquired(writer: &mut Writer<'_>, acquired: &[AcquiredRecords]) {
    writer.put_long_len(Some(acquired.len()));
    for range in acquired {
        range.write_to(writer);
    }
    writer.put_tagged_fields(&TaggedFields::default());
}
