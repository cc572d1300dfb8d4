//! Events: the changes of the broker's own state, as they are written into the log.
//!
//! An event is encoded with [postcard](https://postcard.jamesmunns.com/wire-format): the number
//! of the variant as a varint, then the fields in order, without names. So the order of variants
//! and the fields of a variant are the file format: **new variants are added at the end, and an
//! existing variant is never changed, moved or removed**. A field more means a new variant.

use serde::{Deserialize, Serialize};

use crate::clock::Millis;
use crate::error::{Error, ErrorKind, Result};

/// The ID of a topic: random, never all zeros, and never given to a second topic.
pub type TopicId = [u8; 16];

/// A change of the broker's own state.
///
/// Partition numbers are unique in a broker and never used again; the partitions that are made
/// together have consecutive numbers. Applying an event that speaks of something unknown (a
/// topic that was deleted meanwhile) changes nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    /// The broker was started: the first entry of a session.
    SessionStarted {
        /// The leader epoch of every partition during this session; grows with each session.
        epoch: u32,
        /// The cluster's ID, made up at the first start and kept.
        cluster_id: [u8; 16],
        /// Which start of the machine this is: while it stays the same, nothing that was
        /// written can be lost by the end of a process.
        boot_id: String,
        /// Whether a power cut may have taken the log's tail: then relaxed partitions go on
        /// behind every offset that somebody may have seen.
        ids_skipped: bool,
    },
    /// A topic was created.
    TopicCreated {
        /// The topic's name.
        name: String,
        /// The topic's ID.
        id: TopicId,
        /// The number of the topic's partition 0.
        first_partition: u32,
        /// How many partitions the topic has.
        partitions: u32,
        /// The settings that differ from the defaults, by their Kafka names.
        config: Vec<(String, String)>,
        /// When, in wall milliseconds.
        created_ms: Millis,
    },
    /// A topic's settings were changed.
    TopicConfigured {
        /// The topic.
        id: TopicId,
        /// All settings that differ from the defaults from now on.
        config: Vec<(String, String)>,
    },
    /// A topic got more partitions, behind those that it had.
    PartitionsAdded {
        /// The topic.
        id: TopicId,
        /// The number of the first new partition.
        first_partition: u32,
        /// How many are new.
        count: u32,
    },
    /// A topic was deleted, with its records and with what groups committed for it.
    TopicDeleted {
        /// The topic.
        id: TopicId,
    },
    /// Records before an offset were deleted, by retention or by request.
    LogStartMoved {
        /// The partition.
        partition: u32,
        /// The first offset that may still be read.
        offset: u64,
    },
    /// From here on the partition may show records that are not on the disk yet.
    PartitionRelaxed {
        /// The partition.
        partition: u32,
    },
    /// A group committed offsets.
    OffsetsCommitted {
        /// The group.
        group: String,
        /// What was committed, for each partition.
        entries: Vec<CommitEntry>,
        /// When, in wall milliseconds.
        committed_ms: Millis,
        /// When the offsets expire, in wall milliseconds, if the request said so.
        expires_ms: Option<Millis>,
    },
    /// Committed offsets expired or were deleted.
    OffsetsRemoved {
        /// The group.
        group: String,
        /// The partitions whose offsets are gone.
        partitions: Vec<u32>,
    },
    /// A group became stable (its leader's assignment is in) or empty, or a static member of a
    /// stable group came back. Replaces what was known of the group, apart from its offsets.
    GroupStable(Box<GroupRecord>),
    /// A group, of either kind, is gone, with its offsets.
    GroupRemoved {
        /// The group.
        group: String,
    },
    /// Producer IDs were set aside for handing out.
    ProducerIdsReserved {
        /// All IDs below this one may be in use.
        below: i64,
    },
    /// The broker was closed: everything before this is on the disk.
    SessionEnded,
    /// The members of a group are about to be told its new generation. If the group never
    /// becomes stable with it, it goes on with the one before after a restart, and the next one
    /// is higher than this.
    GenerationStarted {
        /// The group.
        group: String,
        /// The generation.
        generation: i32,
    },
    /// A group's settings were changed.
    GroupConfigured {
        /// The group, which need not exist.
        group: String,
        /// All settings that differ from the defaults from now on.
        config: Vec<(String, String)>,
    },
    /// Something changed in a consumer group (KIP-848): its members, what they want, what they
    /// are to have, or what they have. A group that was a classic one is none from here on.
    ConsumerGroupChanged(Box<ConsumerGroupChange>),
    /// A queue group begins with partitions, or begins again with them.
    QueueStarted {
        /// The group.
        group: String,
        /// The partitions, with the first offset that the group is to have.
        offsets: Vec<(u32, u64)>,
    },
    /// Records of a queue group were delivered, settled, or given up.
    QueueChanged {
        /// The group.
        group: String,
        /// The partition.
        partition: u32,
        /// What has changed, each offset once.
        ranges: Vec<QueueRange>,
    },
    /// A queue group has forgotten how far it was in partitions.
    QueueForgotten {
        /// The group.
        group: String,
        /// The partitions.
        partitions: Vec<u32>,
    },
}

/// Neighbouring records in [`Event::QueueChanged`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueueRange {
    /// The first offset.
    pub first: u64,
    /// How many offsets follow the first one.
    pub more: u64,
    /// What is known of these records from now on.
    pub state: QueueState,
}

/// What the log knows of a record of a queue group. Who holds the record is not known to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum QueueState {
    /// The record is to be delivered, or was delivered and not acknowledged.
    Available {
        /// How often it was delivered.
        count: u16,
    },
    /// The record is done for the group.
    Settled,
    /// The record is to go into the group's dead-letter topic.
    Burying {
        /// How often it was delivered.
        count: u16,
        /// Whether a member has rejected it; otherwise it was delivered too often.
        rejected: bool,
    },
}

/// One committed offset in [`Event::OffsetsCommitted`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommitEntry {
    /// The partition.
    pub partition: u32,
    /// The next offset that the group will read, as the client said it: kafkajs commits -1 and -2
    /// for the latest and the earliest.
    pub offset: i64,
    /// The leader epoch of the last record that the group read, or -1.
    pub leader_epoch: i32,
    /// What the client wants remembered with it; nothing and an empty text differ.
    pub metadata: Option<String>,
}

/// A group of consumers as the log keeps it: everything but its offsets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupRecord {
    /// The group's ID.
    pub group: String,
    /// How often the group has rebalanced; never goes back.
    pub generation: i32,
    /// What the group is for: `consumer`, `connect`, ...
    pub protocol_type: Option<String>,
    /// The protocol that all members agreed on; none while the group is empty.
    pub protocol: Option<String>,
    /// The member that computes the assignment; none while the group is empty.
    pub leader: Option<String>,
    /// The members, by their IDs in order; none means that the group is empty.
    pub members: Vec<MemberRecord>,
    /// When the group came into this state, in wall milliseconds.
    pub changed_ms: Millis,
}

/// A member of a [`GroupRecord`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberRecord {
    /// The member's ID, made up by the broker.
    pub id: String,
    /// `group.instance.id` of a static member.
    pub instance_id: Option<String>,
    /// What the client calls itself.
    pub client_id: String,
    /// Where the client connected from.
    pub client_host: String,
    /// How long the member may be silent, in milliseconds.
    pub session_timeout_ms: u32,
    /// How long the member may take to join again, in milliseconds.
    pub rebalance_timeout_ms: u32,
    /// The protocols that the member speaks, best first, with its metadata for each.
    pub protocols: Vec<(String, Vec<u8>)>,
    /// The member's share of the work, as its leader encoded it.
    pub assignment: Vec<u8>,
}

/// A change of a consumer group (KIP-848) in [`Event::ConsumerGroupChanged`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsumerGroupChange {
    /// The group's ID.
    pub group: String,
    /// The group's epoch; never goes back.
    pub epoch: i32,
    /// The epoch for which the members' targets were computed.
    pub target_epoch: i32,
    /// When, in wall milliseconds.
    pub changed_ms: Millis,
    /// The members that are new or have changed.
    pub members: Vec<ConsumerMemberRecord>,
    /// The IDs of the members that are gone.
    pub removed: Vec<String>,
}

/// A member of a consumer group (KIP-848).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsumerMemberRecord {
    /// The member's ID.
    pub id: String,
    /// `group.instance.id` of a static member.
    pub instance_id: Option<String>,
    /// Where the member is, as it says.
    pub rack_id: Option<String>,
    /// What the client calls itself.
    pub client_id: String,
    /// Where the client connected from.
    pub client_host: String,
    /// How long the member may take to give partitions up, in milliseconds.
    pub rebalance_timeout_ms: u32,
    /// The topics that it wants, in order.
    pub topics: Vec<String>,
    /// The regular expression that the names of further topics match.
    pub pattern: Option<String>,
    /// The assignor that it wants.
    pub assignor: Option<String>,
    /// The epoch that it was told last; -2 for a static member that has left for a while.
    pub epoch: i32,
    /// The epoch that it had before this one.
    pub previous_epoch: i32,
    /// The numbers of the partitions that it is to have, in order.
    pub target: Vec<u32>,
    /// The numbers of the partitions that it may have, in order.
    pub assigned: Vec<u32>,
    /// The numbers of the partitions that it has yet to give up, in order.
    pub revoking: Vec<u32>,
}

impl Event {
    /// The event's bytes, for an entry of the log.
    pub fn encode(&self) -> Vec<u8> {
        postcard::to_stdvec(self).expect("an event has no value that postcard cannot encode")
    }

    /// Reads an event back.
    ///
    /// # Errors
    /// `Damaged` where the bytes are no event, or more than one.
    pub fn decode(bytes: &[u8]) -> Result<Self> {
        match postcard::take_from_bytes(bytes) {
            Ok((event, [])) => Ok(event),
            Ok((_, rest)) => Err(damaged(format_args!("{} bytes follow it", rest.len()))),
            Err(error) => Err(damaged(error)),
        }
    }
}

fn damaged(why: impl std::fmt::Display) -> Error {
    let text = format!("an entry of the log holds no event that this version can read: {why}");
    Error::new(ErrorKind::Damaged, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queue_ranges() -> Vec<QueueRange> {
        let states = [
            QueueState::Available { count: 1 },
            QueueState::Settled,
            QueueState::Burying { count: 2, rejected: true },
        ];
        (5..).zip(states).map(|(first, state)| QueueRange { first, more: 0, state }).collect()
    }

    fn one_of_each() -> Vec<Event> {
        let member = MemberRecord {
            id: "m".into(),
            instance_id: Some("i".into()),
            client_id: "c".into(),
            client_host: "/127.0.0.1".into(),
            session_timeout_ms: 10_000,
            rebalance_timeout_ms: 300_000,
            protocols: vec![("range".into(), vec![1, 2])],
            assignment: vec![3],
        };
        let entry = CommitEntry {
            partition: 3,
            offset: -2,
            leader_epoch: -1,
            metadata: Some(String::new()),
        };
        vec![
            Event::SessionStarted {
                epoch: 2,
                cluster_id: [7; 16],
                boot_id: "b".into(),
                ids_skipped: true,
            },
            Event::TopicCreated {
                name: "t".into(),
                id: [1; 16],
                first_partition: 0,
                partitions: 3,
                config: vec![("retention.ms".into(), "1".into())],
                created_ms: 5,
            },
            Event::TopicConfigured { id: [1; 16], config: Vec::new() },
            Event::PartitionsAdded { id: [1; 16], first_partition: 3, count: 1 },
            Event::TopicDeleted { id: [1; 16] },
            Event::LogStartMoved { partition: 1, offset: 2 },
            Event::PartitionRelaxed { partition: 1 },
            Event::OffsetsCommitted {
                group: "g".into(),
                entries: vec![entry],
                committed_ms: -1,
                expires_ms: Some(9),
            },
            Event::OffsetsRemoved { group: "g".into(), partitions: vec![1, 2] },
            Event::GroupStable(Box::new(GroupRecord {
                group: "g".into(),
                generation: 4,
                protocol_type: Some("consumer".into()),
                protocol: Some("range".into()),
                leader: Some("m".into()),
                members: vec![member],
                changed_ms: 7,
            })),
            Event::GroupRemoved { group: "g".into() },
            Event::ProducerIdsReserved { below: 1000 },
            Event::SessionEnded,
            Event::GenerationStarted { group: "g".into(), generation: 5 },
            Event::GroupConfigured {
                group: "g".into(),
                config: vec![("share.delivery.count.limit".into(), "3".into())],
            },
            Event::ConsumerGroupChanged(Box::new(ConsumerGroupChange {
                group: "g".into(),
                epoch: 5,
                target_epoch: 4,
                changed_ms: 7,
                members: vec![ConsumerMemberRecord {
                    id: "m".into(),
                    pattern: Some("a.*".into()),
                    epoch: -2,
                    assigned: vec![1, 300],
                    ..ConsumerMemberRecord::default()
                }],
                removed: vec!["n".into()],
            })),
            Event::QueueStarted { group: "g".into(), offsets: vec![(1, 2)] },
            Event::QueueChanged { group: "g".into(), partition: 1, ranges: queue_ranges() },
            Event::QueueForgotten { group: "g".into(), partitions: vec![1] },
        ]
    }

    #[test]
    fn every_event_comes_back_as_it_was_and_keeps_its_number() {
        for (number, event) in one_of_each().into_iter().enumerate() {
            let bytes = event.encode();
            assert_eq!(usize::from(bytes[0]), number, "{event:?}");
            assert_eq!(Event::decode(&bytes).unwrap(), event);
        }
    }

    #[test]
    fn the_bytes_of_an_event_are_fixed() {
        let bytes = Event::LogStartMoved { partition: 300, offset: 5 }.encode();
        assert_eq!(bytes, [5, 0xac, 0x02, 5]);
    }

    #[test]
    fn cut_prolonged_and_foreign_bytes_are_damaged() {
        // An event without fields is one byte, and nothing is left of it when it is cut.
        for event in one_of_each() {
            let mut bytes = event.encode();
            bytes.push(0);
            assert_eq!(Event::decode(&bytes).unwrap_err().kind(), ErrorKind::Damaged);
            bytes.truncate(bytes.len() - 2);
            assert_eq!(Event::decode(&bytes).unwrap_err().kind(), ErrorKind::Damaged);
        }
        assert_eq!(Event::decode(&[]).unwrap_err().kind(), ErrorKind::Damaged);
        assert_eq!(Event::decode(&[99]).unwrap_err().kind(), ErrorKind::Damaged);
        let huge = [8, 0, 0xff, 0xff, 0xff, 0xff, 0x0f];
        assert_eq!(Event::decode(&huge).unwrap_err().kind(), ErrorKind::Damaged);
    }
}
