//! Reads a Produce request without allocating anything.

use std::ops::Range;

use super::reader::{DecodeError, Reader};
use super::{ApiKey, Uuid};

/// A Produce request in its frame.
///
/// All of it has been checked when [`ProduceView::decode`] returns: the topics and partitions
/// that it gives afterwards are those that were counted, and none is left out.
#[derive(Debug, Clone)]
pub struct ProduceView<'a> {
    /// The transactional ID, if the producer has one.
    pub transactional_id: Option<&'a str>,
    /// When to answer: 0 never, 1 when written, -1 when safe. May be any other number.
    pub acks: i16,
    /// How long the broker may take, in milliseconds.
    pub timeout_ms: i32,
    topics: Topics<'a>,
}

/// A topic to append to.
#[derive(Debug, Clone)]
pub struct TopicView<'a> {
    /// Its name; empty since version 13.
    pub name: &'a str,
    /// Its ID; zero before version 13.
    pub topic_id: Uuid,
    partitions: Partitions<'a>,
}

/// A partition to append to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartitionView<'a> {
    /// The partition's number.
    pub index: i32,
    /// What should be one record batch.
    pub records: Option<&'a [u8]>,
    /// Where `records` lies in the message that the reader was made for. Empty if it is null.
    pub range: Range<usize>,
}

/// The topics of a request, in its order.
#[derive(Debug, Clone)]
pub struct Topics<'a> {
    reader: Reader<'a>,
    left: usize,
}

/// The partitions of a topic, in the request's order.
#[derive(Debug, Clone)]
pub struct Partitions<'a> {
    reader: Reader<'a>,
    left: usize,
}

impl<'a> ProduceView<'a> {
    /// Reads and checks the body of a request of `version`. Bytes that follow it are left alone.
    pub fn decode(reader: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        if !ApiKey::Produce.accepts(version) {
            return Err(DecodeError::UnsupportedVersion(ApiKey::Produce, version));
        }
        reader.set_version(ApiKey::Produce, version);
        let transactional_id = reader.string()?;
        let acks = reader.int16()?;
        let timeout_ms = reader.int32()?;
        let topic_count = reader.array_count(1)?.ok_or(DecodeError::UnexpectedNull)?;
        let topics = Topics { reader: reader.clone(), left: topic_count };
        for _ in 0..topic_count {
            let topic = TopicView::read_head(reader)?;
            topic.skip_rest(reader)?;
        }
        reader.skip_tagged_fields()?;
        Ok(Self { transactional_id, acks, timeout_ms, topics })
    }

    /// The topics, in the request's order.
    pub fn topics(&self) -> Topics<'a> {
        self.topics.clone()
    }
}

impl<'a> TopicView<'a> {
    /// The partitions, in the request's order.
    pub fn partitions(&self) -> Partitions<'a> {
        self.partitions.clone()
    }

    /// Reads what stands before the first partition.
    fn read_head(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        let by_id = reader.version() >= 13;
        let name = if by_id { Some("") } else { reader.string()? };
        let name = name.ok_or(DecodeError::UnexpectedNull)?;
        let topic_id = if by_id { Uuid(reader.array()?) } else { Uuid::ZERO };
        let left = reader.array_count(1)?.ok_or(DecodeError::UnexpectedNull)?;
        Ok(Self { name, topic_id, partitions: Partitions { reader: reader.clone(), left } })
    }

    /// Reads over the partitions and what follows them.
    fn skip_rest(&self, reader: &mut Reader<'a>) -> Result<(), DecodeError> {
        for _ in 0..self.partitions.left {
            PartitionView::read(reader)?;
        }
        reader.skip_tagged_fields()
    }
}

impl<'a> PartitionView<'a> {
    fn read(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        let index = reader.int32()?;
        let records = reader.bytes()?;
        let end = reader.position();
        let range = end - records.map_or(0, <[u8]>::len)..end;
        reader.skip_tagged_fields()?;
        Ok(Self { index, records, range })
    }
}

impl<'a> Iterator for Topics<'a> {
    type Item = TopicView<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        let topic = TopicView::read_head(&mut self.reader).ok()?;
        if self.left > 0 {
            topic.skip_rest(&mut self.reader).ok()?;
        }
        Some(topic)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl ExactSizeIterator for Topics<'_> {}

impl<'a> Iterator for Partitions<'a> {
    type Item = PartitionView<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        PartitionView::read(&mut self.reader).ok()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl ExactSizeIterator for Partitions<'_> {}
