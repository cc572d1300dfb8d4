//! Writes the answer to a Produce request, topic by topic, straight into the bytes to be sent.

use super::field::Encode;
use super::frame::FrameStart;
use super::header::ResponseHeader;
use super::produce::ProducePartitionResponse;
use super::writer::{EncodeError, TaggedFields, Writer};
use super::{ApiKey, Uuid};

/// An answer that is being written: [`topic`](Self::topic), the
/// [`partition`](Self::partition)s that it announced, the next topic, and at last
/// [`finish`](Self::finish).
#[derive(Debug)]
#[must_use = "the frame has no length until it is finished"]
pub struct ProduceResponseWriter<'w> {
    writer: Writer<'w>,
    frame: FrameStart,
    topics_left: usize,
    partitions_left: usize,
    in_topic: bool,
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
        let frame = FrameStart::begin(out);
        let mut writer = Writer::new(out);
        ResponseHeader { correlation_id }.encode(&mut writer, ApiKey::Produce, version);
        writer.put_long_len(Some(topic_count));
        Self { writer, frame, topics_left: topic_count, partitions_left: 0, in_topic: false }
    }

    /// Starts a topic with `partition_count` partitions. Of its name and ID, the version decides
    /// which is written.
    pub fn topic(&mut self, name: &str, topic_id: Uuid, partition_count: usize) {
        debug_assert!(self.topics_left > 0, "more topics than announced");
        self.end_topic();
        if self.writer.version() >= 13 {
            topic_id.write_to(&mut self.writer);
        } else {
            self.writer.put_string(Some(name));
        }
        self.writer.put_long_len(Some(partition_count));
        self.topics_left = self.topics_left.saturating_sub(1);
        self.partitions_left = partition_count;
        self.in_topic = true;
    }

    /// Writes a partition of the topic that was started last.
    pub fn partition(&mut self, partition: &ProducePartitionResponse<'_>) {
        debug_assert!(self.partitions_left > 0, "more partitions than announced");
        partition.write_to(&mut self.writer);
        self.partitions_left = self.partitions_left.saturating_sub(1);
    }

    /// Ends the frame. Without an error, all of it is in the vector; with one, nothing of it.
    pub fn finish(mut self, throttle_time_ms: i32) -> Result<(), EncodeError> {
        debug_assert_eq!(self.topics_left, 0, "fewer topics than announced");
        self.end_topic();
        throttle_time_ms.write_to(&mut self.writer);
        self.writer.put_tagged_fields(&TaggedFields::default());
        self.frame.finish(self.writer.into_inner(), 0)
    }

    fn end_topic(&mut self) {
        debug_assert_eq!(self.partitions_left, 0, "fewer partitions than announced");
        if self.in_topic {
            self.writer.put_tagged_fields(&TaggedFields::default());
        }
    }
}
