//! Writes the answer to a Produce request, topic by topic, straight into the bytes to be sent.

use super::field::Encode;
use super::produce::ProducePartitionResponse;
use super::topics_writer::TopicsWriter;
use super::writer::EncodeError;
use super::{ApiKey, Uuid};

/// An answer that is being written: [`topic`](Self::topic), the
/// [`partition`](Self::partition)s that it announced, the next topic, and at last
/// [`finish`](Self::finish).
#[derive(Debug)]
#[must_use = "the frame has no length until it is finished"]
pub struct ProduceResponseWriter<'w> {
    topics: TopicsWriter<'w>,
}

impl<'w> ProduceResponseWriter<'w> {
    /// Starts the frame that answers the request `correlation_id` of `version`, about
    /// `topic_count` topics.
    pub fn begin(
        out: &'w mut Vec<u8>,
        version: i16,
        correlation_id: i32,
        topic_count: usize,
    ) -> Self {
        let mut topics = TopicsWriter::begin(out, ApiKey::Produce, version, correlation_id);
        topics.topics(topic_count);
        Self { topics }
    }

    /// Starts a topic with `partition_count` partitions. Of its name and ID, the version decides
    /// which is written.
    pub fn topic(&mut self, name: &str, topic_id: Uuid, partition_count: usize) {
        let by_name = self.topics.writer().version() < 13;
        self.topics.topic(by_name.then_some(name), topic_id, partition_count);
    }

    /// Writes a partition of the topic that was started last.
    pub fn partition(&mut self, partition: &ProducePartitionResponse<'_>) {
        partition.write_to(self.topics.partition());
    }

    /// Ends the frame. Without an error, all of it is in the vector; with one, nothing of it.
    pub fn finish(mut self, throttle_time_ms: i32) -> Result<(), EncodeError> {
        throttle_time_ms.write_to(self.topics.end_topics());
        self.topics.finish()
    }
}
