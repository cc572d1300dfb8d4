//! Writes the answer to a Fetch request, with the records or with gaps where they belong.

use super::fetch::AbortedTransaction;
use super::field::Encode;
use super::topics_writer::TopicsWriter;
use super::writer::{EncodeError, TaggedFields};
use super::{ApiKey, Uuid};

/// What an answer says before its first topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FetchResponseHead {
    /// The correlation ID of the request that is answered.
    pub correlation_id: i32,
    /// How long the client should wait before its next request, in milliseconds.
    pub throttle_time_ms: i32,
    /// The error of the whole request, or 0. Not written before version 7.
    pub error_code: i16,
    /// The fetch session, or 0. Not written before version 7.
    pub session_id: i32,
}

/// What an answer says of a partition before its records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FetchPartitionHead<'p> {
    /// The partition's number.
    pub partition_index: i32,
    /// The error, or 0.
    pub error_code: i16,
    /// The offset after the last record that may be read.
    pub high_watermark: i64,
    /// The offset before which all transactions are complete, or -1.
    pub last_stable_offset: i64,
    /// The partition's first offset, or -1. Not written before version 5.
    pub log_start_offset: i64,
    /// The transactions among the records that were aborted; `None` where nobody asks.
    pub aborted_transactions: Option<&'p [AbortedTransaction]>,
}

impl Default for FetchPartitionHead<'_> {
    fn default() -> Self {
        Self {
            partition_index: 0,
            error_code: 0,
            high_watermark: -1,
            last_stable_offset: -1,
            log_start_offset: -1,
            aborted_transactions: None,
        }
    }
}

/// An answer that is being written: [`topic`](Self::topic), the partitions that it announced,
/// the next topic, and at last [`finish`](Self::finish).
///
/// A partition's records are copied by [`partition`](Self::partition), or left out by
/// [`partition_without_records`](Self::partition_without_records), which says where in the
/// vector they belong: whoever sends the frame sends that many bytes from elsewhere, such as a
/// file, when it gets there. The frame's length counts them. Records are never null, and no
/// other replica is ever recommended.
#[derive(Debug)]
#[must_use = "the frame has no length until it is finished"]
pub struct FetchResponseWriter<'w> {
    topics: TopicsWriter<'w>,
}

impl<'w> FetchResponseWriter<'w> {
    /// Starts the frame that answers a request of `version`, about `topic_count` topics.
    pub fn begin(
        out: &'w mut Vec<u8>,
        version: i16,
        head: FetchResponseHead,
        topic_count: usize,
    ) -> Self {
        let mut topics = TopicsWriter::begin(out, ApiKey::Fetch, version, head.correlation_id);
        let writer = topics.writer();
        head.throttle_time_ms.write_to(writer);
        if version >= 7 {
            head.error_code.write_to(writer);
            head.session_id.write_to(writer);
        }
        topics.topics(topic_count);
        Self { topics }
    }

    /// Starts a topic with `partition_count` partitions. Of its name and ID, the version decides
    /// which is written.
    pub fn topic(&mut self, name: &str, topic_id: Uuid, partition_count: usize) {
        let by_name = self.topics.writer().version() < 13;
        self.topics.topic(by_name.then_some(name), topic_id, partition_count);
    }

    /// Writes a partition of the topic that was started last, with its records.
    pub fn partition(&mut self, head: &FetchPartitionHead<'_>, records: &[u8]) {
        self.partition_head(head);
        let writer = self.topics.writer();
        writer.put_bytes(Some(records));
        writer.put_tagged_fields(&TaggedFields::default());
    }

    /// Writes a partition of the topic that was started last without its records, which are
    /// `records_len` bytes and belong at the returned position of the vector.
    pub fn partition_without_records(
        &mut self,
        head: &FetchPartitionHead<'_>,
        records_len: usize,
    ) -> usize {
        self.partition_head(head);
        let position = self.topics.leave_out(records_len);
        self.topics.writer().put_tagged_fields(&TaggedFields::default());
        position
    }

    /// Ends the frame. Without an error, all of it but the records that were left out is in the
    /// vector; with one, nothing of it.
    pub fn finish(mut self) -> Result<(), EncodeError> {
        self.topics.end_topics();
        self.topics.finish()
    }

    fn partition_head(&mut self, head: &FetchPartitionHead<'_>) {
        let writer = self.topics.partition();
        head.partition_index.write_to(writer);
        head.error_code.write_to(writer);
        head.high_watermark.write_to(writer);
        head.last_stable_offset.write_to(writer);
        if writer.version() >= 5 {
            head.log_start_offset.write_to(writer);
        }
        writer.put_long_len(head.aborted_transactions.map(<[_]>::len));
        for transaction in head.aborted_transactions.unwrap_or_default() {
            transaction.write_to(writer);
        }
        if writer.version() >= 11 {
            // The preferred read replica: librdkafka drops the records if there is one.
            (-1_i32).write_to(writer);
        }
    }
}
