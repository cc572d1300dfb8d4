//! What goes into consumer groups and what comes out.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::state::catalog::Catalog;
use crate::state::event::{ConsumerMemberRecord, TopicId};
use crate::state::groups::types::GroupState;
use crate::state::topic::Topic;

/// A ConsumerGroupHeartbeat request. What has not changed since the last one is `None`.
#[derive(Debug, Clone, Copy)]
pub struct ConsumerHeartbeat<'a> {
    /// The group.
    pub group: &'a str,
    /// The member's ID, made by its client or, for version 0, by the caller.
    pub member_id: &'a str,
    /// The member's epoch; 0 to join, -1 to leave, -2 if a static member leaves for a while.
    pub epoch: i32,
    /// `group.instance.id` of a static member.
    pub instance_id: Option<&'a str>,
    /// Where the member is, as it says.
    pub rack_id: Option<&'a str>,
    /// What the client calls itself.
    pub client_id: &'a str,
    /// Where the client connected from.
    pub client_host: &'a str,
    /// How long the member may take to give partitions up, in milliseconds.
    pub rebalance_timeout_ms: Option<u32>,
    /// The topics that it wants.
    pub topics: Option<&'a [&'a str]>,
    /// The regular expression that the names of further topics match; empty for none.
    pub pattern: Option<&'a str>,
    /// The assignor that it wants.
    pub assignor: Option<&'a str>,
    /// The partitions that it has, by topic.
    pub owned: Option<&'a [(TopicId, Vec<i32>)]>,
}

/// The answer to a heartbeat.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsumerAnswer {
    /// The member's epoch from now on.
    pub epoch: i32,
    /// How often the member is to heartbeat, in milliseconds.
    pub heartbeat_interval_ms: u32,
    /// All partitions that the member may have; `None` if they are the same as before.
    pub assignment: Option<Vec<TopicShare>>,
}

/// Partitions of one topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicShare {
    /// The topic.
    pub topic: Arc<Topic>,
    /// The indexes of the partitions in the topic.
    pub partitions: Vec<u32>,
}

/// A consumer group with its members.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsumerGroupDescription {
    /// What the group is doing.
    pub state: GroupState,
    /// The group's epoch.
    pub epoch: i32,
    /// The epoch for which the target was computed.
    pub target_epoch: i32,
    /// The assignor that computes the target.
    pub assignor: &'static str,
    /// The members, by ID in order.
    pub members: Vec<ConsumerMemberDescription>,
}

/// A member in a [`ConsumerGroupDescription`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsumerMemberDescription {
    /// What is known of the member.
    pub member: ConsumerMemberRecord,
    /// What it has, and what it has yet to give up.
    pub assigned: Vec<TopicShare>,
    /// What it is to have.
    pub target: Vec<TopicShare>,
}

impl TopicShare {
    /// Partition numbers, by topic, in the order of the topics' names. What belongs to no topic
    /// any more is left out.
    pub(super) fn of(numbers: &[u32], catalog: &Catalog) -> Vec<Self> {
        let mut shares: BTreeMap<&str, Self> = BTreeMap::new();
        for (topic, index) in numbers.iter().filter_map(|&number| catalog.partition(number)) {
            let share = shares
                .entry(&topic.name)
                .or_insert_with(|| Self { topic: Arc::clone(topic), partitions: Vec::new() });
            share.partitions.push(index);
        }
        shares.into_values().collect()
    }
}
