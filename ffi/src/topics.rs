//! Topics that an admin was told of.

use minka_core::client::{PartitionDescription, Setting, TopicDescription, TopicListing};

use crate::assignment::at;
use crate::boundary;
use crate::bytes::{minka_bytes, number, signed};
use crate::handle::{free_memory, output, pointed};
use crate::status::minka_status;

/// A list of topics. May be read by several threads at once.
#[derive(Debug)]
pub struct minka_topics {
    topics: Vec<TopicListing>,
}

/// A topic with its partitions and settings. May be read by several threads at once.
#[derive(Debug)]
pub struct minka_topic_description {
    topic: TopicListing,
    partitions: Vec<PartitionDescription>,
    settings: Vec<Setting>,
}

/// A topic. Its bytes are valid until what it was asked of is freed.
#[repr(C)]
#[derive(Debug)]
pub struct minka_topic {
    /// Its name.
    pub name: minka_bytes,
    /// Its ID, as Kafka shows it: 22 characters.
    pub id: minka_bytes,
    /// How many partitions it has.
    pub partition_count: i32,
}

/// A partition of a topic.
#[repr(C)]
#[derive(Debug)]
pub struct minka_partition {
    /// Its number.
    pub index: i32,
    /// The first offset that can be read.
    pub start: i64,
    /// The offset of the next record to become visible.
    pub end: i64,
}

/// A setting of a topic. Its bytes are valid until the description is freed.
#[repr(C)]
#[derive(Debug)]
pub struct minka_setting {
    /// Its name.
    pub name: minka_bytes,
    /// Its value; empty where the broker keeps it secret.
    pub value: minka_bytes,
    /// Whether the topic was given none of its own.
    pub is_default: bool,
}

/// How many there are; 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minka_topics_count(topics: *const minka_topics) -> usize {
    boundary::value(0, || {
        // SAFETY: the header says what callers must keep to.
        Ok(unsafe { pointed(topics, "topics") }?.topics.len())
    })
}

/// One of them.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minka_topics_get(
    topics: *const minka_topics,
    index: usize,
    topic: *mut minka_topic,
) -> minka_status {
    boundary::status(|| {
        // SAFETY: the header says what callers must keep to.
        let (topics, out) = unsafe { (pointed(topics, "topics")?, output(topic, "topic")?) };
        out.write(minka_topic::of(at(&topics.topics, index)?));
        Ok(())
    })
}

/// Frees a list of topics; NULL is let be.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minka_topics_free(topics: *mut minka_topics) {
    // SAFETY: the header says what callers must keep to.
    unsafe { free_memory(topics) }
}

/// The topic itself.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minka_topic_description_topic(
    description: *const minka_topic_description,
    topic: *mut minka_topic,
) -> minka_status {
    boundary::status(|| {
        // SAFETY: the header says what callers must keep to.
        let (description, out) =
            unsafe { (pointed(description, "description")?, output(topic, "topic")?) };
        out.write(minka_topic::of(&description.topic));
        Ok(())
    })
}

/// One of its partitions, of which it has as many as minka_topic_description_topic() says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minka_topic_description_partition(
    description: *const minka_topic_description,
    index: usize,
    partition: *mut minka_partition,
) -> minka_status {
    boundary::status(|| {
        // SAFETY: the header says what callers must keep to.
        let (description, out) =
            unsafe { (pointed(description, "description")?, output(partition, "partition")?) };
        let found = at(&description.partitions, index)?;
        out.write(minka_partition {
            index: number(found.index),
            start: signed(Some(found.start)),
            end: signed(Some(found.end)),
        });
        Ok(())
    })
}

/// How many settings there are; 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minka_topic_description_setting_count(
    description: *const minka_topic_description,
) -> usize {
    boundary::value(0, || {
        // SAFETY: the header says what callers must keep to.
        Ok(unsafe { pointed(description, "description") }?.settings.len())
    })
}

/// One of its settings, which are in the order of their names.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minka_topic_description_setting(
    description: *const minka_topic_description,
    index: usize,
    setting: *mut minka_setting,
) -> minka_status {
    boundary::status(|| {
        // SAFETY: the header says what callers must keep to.
        let (description, out) =
            unsafe { (pointed(description, "description")?, output(setting, "setting")?) };
        let found = at(&description.settings, index)?;
        out.write(minka_setting {
            name: minka_bytes::of(found.name.as_bytes()),
            value: minka_bytes::of(found.value.as_bytes()),
            is_default: found.is_default,
        });
        Ok(())
    })
}

/// Frees a description of a topic; NULL is let be.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minka_topic_description_free(description: *mut minka_topic_description) {
    // SAFETY: the header says what callers must keep to.
    unsafe { free_memory(description) }
}

impl minka_topics {
    pub(crate) fn new(topics: Vec<TopicListing>) -> Self {
        Self { topics }
    }
}

impl minka_topic_description {
    pub(crate) fn new(found: TopicDescription) -> Self {
        let partitions = u32::try_from(found.partitions.len()).unwrap_or(u32::MAX);
        Self {
            topic: TopicListing { name: found.name, id: found.id, partitions },
            partitions: found.partitions,
            settings: found.settings,
        }
    }
}

impl minka_topic {
    fn of(topic: &TopicListing) -> Self {
        Self {
            name: minka_bytes::of(topic.name.as_bytes()),
            id: minka_bytes::of(topic.id.as_bytes()),
            partition_count: number(topic.partitions),
        }
    }
}
