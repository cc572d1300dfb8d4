//! The frame of an answer about topics and their partitions, while it is being written.

use super::field::Encode;
use super::frame::FrameStart;
use super::header::ResponseHeader;
use super::writer::{EncodeError, TaggedFields, Writer};
use super::{ApiKey, Uuid};

/// What the writers of Produce, Fetch and ShareFetch answers have in common: a frame with a
/// header, topics that were announced, in each the partitions that it announced, and an end.
///
/// What stands before the topics, in the partitions and after the topics is theirs.
#[derive(Debug)]
pub(super) struct TopicsWriter<'w> {
    writer: Writer<'w>,
    frame: FrameStart,
    elsewhere: usize,
    topics_left: usize,
    partitions_left: usize,
    in_topic: bool,
}

impl<'w> TopicsWriter<'w> {
    /// Starts the frame that answers the request `correlation_id` of `api` by `version`.
    pub(super) fn begin(
        out: &'w mut Vec<u8>,
        api: ApiKey,
        version: i16,
        correlation_id: i32,
    ) -> Self {
        let frame = FrameStart::begin(out);
        let mut writer = Writer::new(out);
        ResponseHeader { correlation_id }.encode(&mut writer, api, version);
        Self { writer, frame, elsewhere: 0, topics_left: 0, partitions_left: 0, in_topic: false }
    }

    /// What follows is written here.
    pub(super) fn writer(&mut self) -> &mut Writer<'w> {
        &mut self.writer
    }

    /// Announces `count` topics.
    pub(super) fn topics(&mut self, count: usize) {
        self.writer.put_long_len(Some(count));
        self.topics_left = count;
    }

    /// Starts a topic with `partition_count` partitions, called by its `name` if there is one
    /// and else by its ID.
    pub(super) fn topic(&mut self, name: Option<&str>, topic_id: Uuid, partition_count: usize) {
        debug_assert!(self.topics_left > 0, "more topics than announced");
        self.end_topic();
        if name.is_some() {
            self.writer.put_string(name);
        } else {
            topic_id.write_to(&mut self.writer);
        }
        self.writer.put_long_len(Some(partition_count));
        self.topics_left = self.topics_left.saturating_sub(1);
        self.partitions_left = partition_count;
        self.in_topic = true;
    }

    /// Starts a partition of the topic that was started last.
    pub(super) fn partition(&mut self) -> &mut Writer<'w> {
        debug_assert!(self.partitions_left > 0, "more partitions than announced");
        self.partitions_left = self.partitions_left.saturating_sub(1);
        &mut self.writer
    }

    /// Leaves out `records_len` bytes of records, of which only the length is written. Says
    /// where in the vector they belong.
    pub(super) fn leave_out(&mut self, records_len: usize) -> usize {
        self.writer.put_long_len(Some(records_len));
        self.elsewhere = self.elsewhere.saturating_add(records_len);
        self.writer.position()
    }

    /// Ends the last topic.
    pub(super) fn end_topics(&mut self) -> &mut Writer<'w> {
        debug_assert_eq!(self.topics_left, 0, "fewer topics than announced");
        self.end_topic();
        &mut self.writer
    }

    /// Ends the frame, whose length counts what was left out. With an error, nothing of it
    /// stays in the vector.
    pub(super) fn finish(mut self) -> Result<(), EncodeError> {
        self.writer.put_tagged_fields(&TaggedFields::default());
        self.frame.finish(self.writer.into_inner(), self.elsewhere)
    }

    fn end_topic(&mut self) {
        debug_assert_eq!(self.partitions_left, 0, "fewer partitions than announced");
        if self.in_topic {
            self.writer.put_tagged_fields(&TaggedFields::default());
        }
    }
}
