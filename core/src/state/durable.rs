//! The durable state: everything that the log's events and batches add up to.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::clock::Millis;
use crate::error::{Error, ErrorKind, Result};
use crate::state::catalog::Catalog;
use crate::state::event::{ConsumerGroupChange, ConsumerMemberRecord, Event, GroupRecord};
use crate::state::offsets::GroupOffsets;
use crate::state::partition::{AppendedBatch, PartitionState};
use crate::state::queues::DurableQueue;

/// The first byte of a snapshot's content. Versions before this one stay readable.
///
/// Format 2 has three maps more at the end than format 1: settings of groups, consumer groups and
/// queue groups.
const FORMAT: u8 = 2;
/// How three empty maps are encoded, which is what a broker of format 1 had.
const ADDED_IN_2: [u8; 3] = [0; 3];

/// The state of a broker as its log has it.
///
/// Recovery fills it from the newest snapshot and the entries behind that, in their order; the
/// engine then takes it apart.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DurableState {
    /// The leader epoch of the last session; 0 before the first.
    pub epoch: u32,
    /// The cluster's ID; zeros before the first session.
    pub cluster_id: [u8; 16],
    /// During which start of the machine the last session ran.
    pub boot_id: String,
    /// Whether the last session ended cleanly: then nothing of it can have been lost.
    pub ended: bool,
    /// All producer IDs below this one may be in use.
    pub next_producer_id: i64,
    /// The topics.
    pub catalog: Catalog,
    /// The partitions, by number. One that nothing has happened to yet is not here.
    pub partitions: BTreeMap<u32, PartitionState>,
    /// The groups, by their IDs.
    pub groups: BTreeMap<String, DurableGroup>,
    /// The settings that groups were given, whether or not they exist, by their IDs.
    pub group_configs: BTreeMap<String, Vec<(String, String)>>,
    /// What is special about those groups that are consumer groups (KIP-848), by their IDs.
    pub consumer_groups: BTreeMap<String, DurableConsumerGroup>,
    /// The queue groups, by their IDs.
    pub queues: BTreeMap<String, DurableQueue>,
}

/// The durable part of a group.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DurableGroup {
    /// The highest generation that its members were ever told.
    pub generation: i32,
    /// Its members when it was last stable or empty; none if it only ever committed offsets.
    pub record: Option<GroupRecord>,
    /// What it has committed.
    pub offsets: GroupOffsets,
}

/// The durable part of a consumer group (KIP-848), but for its offsets.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DurableConsumerGroup {
    /// The group's epoch.
    pub epoch: i32,
    /// The epoch for which the members' targets were computed.
    pub target_epoch: i32,
    /// When something changed last, in wall milliseconds.
    pub changed_ms: Millis,
    /// The members, by their IDs.
    pub members: BTreeMap<String, ConsumerMemberRecord>,
}

/// By how much the epochs of consumer groups grow where some may have been lost. Members that
/// were told one of those must not find that it means something else now.
const EPOCHS_SKIPPED: i32 = 1000;

impl DurableConsumerGroup {
    fn apply(&mut self, change: &ConsumerGroupChange) {
        self.epoch = change.epoch;
        self.target_epoch = change.target_epoch;
        self.changed_ms = change.changed_ms;
        for id in &change.removed {
            self.members.remove(id);
        }
        for member in &change.members {
            self.members.insert(member.id.clone(), member.clone());
        }
    }
}

impl DurableState {
    /// Takes an event of the log in.
    pub fn apply(&mut self, event: &Event) {
        match event {
            Event::SessionStarted { epoch, cluster_id, boot_id, ids_skipped } => {
                self.epoch = self.epoch.max(*epoch);
                self.boot_id.clone_from(boot_id);
                self.ended = false;
                self.cluster_id = *cluster_id;
                self.partitions.values_mut().for_each(|p| p.session_started(*ids_skipped));
                for group in self.consumer_groups.values_mut().filter(|_| *ids_skipped) {
                    group.epoch = group.epoch.saturating_add(EPOCHS_SKIPPED);
                }
            }
            Event::TopicDeleted { id } => {
                self.remove_partitions_of(id);
                self.catalog.apply(event);
            }
            Event::TopicCreated { .. }
            | Event::TopicConfigured { .. }
            | Event::PartitionsAdded { .. } => self.catalog.apply(event),
            Event::LogStartMoved { partition, offset } => {
                self.with_partition(*partition, |p| p.log_start_moved(*offset));
            }
            Event::PartitionRelaxed { partition } => {
                self.with_partition(*partition, PartitionState::relax);
            }
            Event::SessionEnded => self.ended = true,
            Event::ProducerIdsReserved { below } => {
                self.next_producer_id = self.next_producer_id.max(*below);
            }
            Event::OffsetsCommitted { .. }
            | Event::OffsetsRemoved { .. }
            | Event::GroupStable(_)
            | Event::ConsumerGroupChanged(_)
            | Event::GenerationStarted { .. }
            | Event::GroupRemoved { .. }
            | Event::GroupConfigured { .. } => self.apply_to_group(event),
            Event::QueueStarted { .. }
            | Event::QueueChanged { .. }
            | Event::QueueForgotten { .. } => self.apply_to_queue(event),
        }
    }

    /// Takes an event of a group in, of any kind; others change nothing.
    fn apply_to_group(&mut self, event: &Event) {
        match event {
            Event::OffsetsCommitted { group, entries, committed_ms, expires_ms } => {
                let group = self.groups.entry(group.clone()).or_default();
                group.offsets.commit(entries, *committed_ms, *expires_ms);
            }
            Event::OffsetsRemoved { group, partitions } => {
                if let Some(group) = self.groups.get_mut(group) {
                    group.offsets.remove(partitions);
                }
            }
            Event::GroupStable(record) => {
                let group = self.groups.entry(record.group.clone()).or_default();
                group.generation = group.generation.max(record.generation);
                group.record = Some(GroupRecord::clone(record));
                self.consumer_groups.remove(&record.group);
            }
            Event::ConsumerGroupChanged(change) => {
                let group = self.groups.entry(change.group.clone()).or_default();
                group.generation = group.generation.max(change.epoch);
                group.record = None;
                self.consumer_groups.entry(change.group.clone()).or_default().apply(change);
            }
            Event::GenerationStarted { group, generation } => {
                let group = self.groups.entry(group.clone()).or_default();
                group.generation = group.generation.max(*generation);
            }
            Event::GroupRemoved { group } => {
                self.groups.remove(group);
                self.consumer_groups.remove(group);
                self.queues.remove(group);
            }
            Event::GroupConfigured { group, config } if config.is_empty() => {
                self.group_configs.remove(group);
            }
            Event::GroupConfigured { group, config } => {
                self.group_configs.insert(group.clone(), config.clone());
            }
            _ => {}
        }
    }

    /// Takes an event of what a queue group has done in; others change nothing.
    fn apply_to_queue(&mut self, event: &Event) {
        match event {
            Event::QueueStarted { group, offsets } => {
                let exists = |partition| self.catalog.partition(partition).is_some();
                self.queues.entry(group.clone()).or_default().start(offsets, exists);
            }
            Event::QueueChanged { group, partition, ranges } => {
                if let Some(queue) = self.queues.get_mut(group) {
                    queue.change(*partition, ranges);
                }
            }
            Event::QueueForgotten { group, partitions } => {
                if let Some(queue) = self.queues.get_mut(group) {
                    queue.forget(partitions);
                }
            }
            _ => {}
        }
    }

    /// Takes a batch of the log in; `wall_now` as in
    /// [`Producers::record`](crate::state::producers::Producers::record). Batches of deleted
    /// topics change nothing.
    pub fn batch_appended(&mut self, partition: u32, batch: &AppendedBatch, wall_now: Millis) {
        self.with_partition(partition, |p| p.batch_appended(batch, wall_now));
    }

    /// The state as bytes, for a snapshot. They carry no checksum.
    pub fn to_bytes(&self) -> Vec<u8> {
        postcard::to_extend(self, vec![FORMAT])
            .expect("the state has no value that postcard cannot encode")
    }

    /// Reads a snapshot back.
    ///
    /// # Errors
    /// `FormatTooNew` for a snapshot of a later version, `Damaged` where it cannot be read.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let damaged = |why: String| {
            Error::new(ErrorKind::Damaged, format!("the snapshot of the state is damaged: {why}"))
        };
        let (&format, content) =
            bytes.split_first().ok_or_else(|| damaged("it is empty".to_owned()))?;
        if format > FORMAT {
            let text = format!(
                "the snapshot of the state has format {format}, this version reads up to {FORMAT}: \
                 open the data with the version that wrote it, or a newer one"
            );
            return Err(Error::new(ErrorKind::FormatTooNew, text));
        }
        let completed;
        let content = if format == 1 {
            completed = [content, &ADDED_IN_2].concat();
            &completed[..]
        } else {
            content
        };
        match postcard::take_from_bytes(content) {
            Ok((state, [])) if format >= 1 => Ok(state),
            Ok((_, rest)) => {
                Err(damaged(format!("format {format}, {} bytes too many", rest.len())))
            }
            Err(error) => Err(damaged(error.to_string())),
        }
    }

    fn with_partition(&mut self, number: u32, change: impl FnOnce(&mut PartitionState)) {
        if self.catalog.partition(number).is_some() {
            change(self.partitions.entry(number).or_default());
        }
    }

    fn remove_partitions_of(&mut self, id: &[u8; 16]) {
        let Some(topic) = self.catalog.topic_by_id(id) else {
            return;
        };
        for run in topic.runs() {
            let numbers = run.first..run.first + run.count;
            while let Some((&number, _)) = self.partitions.range(numbers.clone()).next() {
                self.partitions.remove(&number);
            }
            for group in self.groups.values_mut() {
                group.offsets.remove_run(numbers.clone());
            }
            for queue in self.queues.values_mut() {
                queue.remove_run(numbers.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::UNSYNCED_IDS_MAX;
    use crate::state::event::{CommitEntry, QueueRange, QueueState};
    use crate::state::producers::ProducerStamp;
    use crate::state::topic_config::TopicConfig;

    fn batch(base_offset: u64, offsets: u32) -> AppendedBatch {
        let producer = Some(ProducerStamp::new(9, 0, 0, offsets));
        AppendedBatch { base_offset, offsets, timestamp: 1, producer }
    }

    fn commit(group: &str, partition: u32) -> Event {
        let entry = CommitEntry { partition, offset: 4, leader_epoch: 1, metadata: None };
        Event::OffsetsCommitted {
            group: group.into(),
            entries: vec![entry],
            committed_ms: 1,
            expires_ms: None,
        }
    }

    fn configured(group: &str, config: &[(&str, &str)]) -> Event {
        let config = config.iter().map(|(name, value)| (name.to_string(), value.to_string()));
        Event::GroupConfigured { group: group.into(), config: config.collect() }
    }

    fn consumer_group(epoch: i32) -> Event {
        let member = ConsumerMemberRecord {
            id: "m".into(),
            epoch,
            assigned: vec![1, 5],
            ..ConsumerMemberRecord::default()
        };
        Event::ConsumerGroupChanged(Box::new(ConsumerGroupChange {
            group: "c".into(),
            epoch,
            target_epoch: epoch,
            changed_ms: 1,
            members: vec![member],
            removed: Vec::new(),
        }))
    }

    fn example() -> DurableState {
        let mut state = DurableState::default();
        state.apply(&Event::SessionStarted {
            epoch: 1,
            cluster_id: [5; 16],
            boot_id: String::new(),
            ids_skipped: false,
        });
        for (name, id) in [("a", 1), ("b", 2)] {
            let config = TopicConfig::parse([("retention.ms", "5")]).unwrap();
            let created = state.catalog.plan_create(name, [id; 16], 3, &config, 1).unwrap();
            state.apply(&created);
        }
        state.batch_appended(1, &batch(0, 10), 1);
        state.batch_appended(4, &batch(0, 20), 1);
        state.apply(&Event::PartitionRelaxed { partition: 4 });
        state.apply(&Event::LogStartMoved { partition: 1, offset: 4 });
        state.apply(&commit("g", 1));
        state.apply(&commit("g", 5));
        let record = GroupRecord {
            group: "g".into(),
            generation: 3,
            protocol_type: Some("consumer".into()),
            protocol: None,
            leader: None,
            members: Vec::new(),
            changed_ms: 1,
        };
        state.apply(&Event::GroupStable(Box::new(record)));
        state.apply(&Event::GenerationStarted { group: "g".into(), generation: 4 });
        state.apply(&Event::ProducerIdsReserved { below: 1000 });
        state.apply(&configured("g", &[("minka.retry.backoff.ms", "7")]));
        state.apply(&configured("h", &[("minka.retry.backoff.ms", "8")]));
        state.apply(&configured("h", &[]));
        state.apply(&consumer_group(5));
        state.apply(&Event::QueueStarted { group: "q".into(), offsets: vec![(1, 4), (5, 0)] });
        let delivered = QueueState::Available { count: 1 };
        let ranges = vec![QueueRange { first: 4, more: 2, state: delivered }];
        state.apply(&Event::QueueChanged { group: "q".into(), partition: 5, ranges });
        state
    }

    #[test]
    fn events_and_batches_add_up() {
        let state = example();
        assert_eq!((state.epoch, state.cluster_id, state.next_producer_id), (1, [5; 16], 1000));
        let one = &state.partitions[&1];
        assert_eq!((one.log_start, one.next_offset, one.relaxed), (4, 10, false));
        assert!(state.partitions[&4].relaxed && state.partitions.len() == 2);
        assert_eq!(state.groups["g"].offsets.get(5).unwrap().offset, 4);
        assert_eq!(state.groups["g"].record.as_ref().unwrap().generation, 3);
        assert_eq!(state.groups["g"].generation, 4);
        assert_eq!(state.group_configs.len(), 1);
        assert_eq!(state.group_configs["g"][0].1, "7");
    }

    #[test]
    fn a_snapshot_gives_the_same_state_back() {
        let state = example();
        assert_eq!(DurableState::from_bytes(&state.to_bytes()).unwrap(), state);
        let empty = DurableState::default();
        assert_eq!(DurableState::from_bytes(&empty.to_bytes()).unwrap(), empty);
    }

    #[test]
    fn a_damaged_or_newer_snapshot_is_refused() {
        let bytes = example().to_bytes();
        let kind = |bytes: &[u8]| DurableState::from_bytes(bytes).unwrap_err().kind();
        for len in 0..bytes.len() {
            assert_eq!(kind(&bytes[..len]), ErrorKind::Damaged, "length {len}");
        }
        assert_eq!(kind(&[&bytes[..], &[0]].concat()), ErrorKind::Damaged);
        assert_eq!(kind(&[&[0], &bytes[1..]].concat()), ErrorKind::Damaged);
        assert_eq!(kind(&[&[FORMAT + 1], &bytes[1..]].concat()), ErrorKind::FormatTooNew);
    }

    #[test]
    fn a_snapshot_of_format_1_is_read_as_one_without_what_came_later() {
        let mut state = example();
        (state.group_configs, state.consumer_groups) = Default::default();
        state.queues.clear();
        let bytes = state.to_bytes();
        let old = [&[1], &bytes[1..bytes.len() - ADDED_IN_2.len()]].concat();
        assert_eq!(DurableState::from_bytes(&old).unwrap(), state);
    }

    #[test]
    fn a_deleted_topic_takes_its_partitions_and_committed_offsets_along() {
        let mut state = example();
        let deleted = state.catalog.plan_delete("b").unwrap();
        state.apply(&deleted);
        assert_eq!(state.partitions.keys().copied().collect::<Vec<_>>(), [1]);
        let left: Vec<_> = state.groups["g"].offsets.iter().map(|(p, _)| p).collect();
        assert_eq!(left, [1]);
        let mut only = DurableQueue::default();
        only.start(&[(1, 4)], |_| true);
        assert_eq!(state.queues["q"], only);
        state.batch_appended(4, &batch(20, 1), 1);
        state.apply(&Event::PartitionRelaxed { partition: 4 });
        assert_eq!(state.partitions.len(), 1);
    }

    #[test]
    fn after_a_power_cut_relaxed_partitions_skip_offsets() {
        let mut state = example();
        state.apply(&Event::SessionStarted {
            epoch: 2,
            cluster_id: [5; 16],
            boot_id: String::new(),
            ids_skipped: true,
        });
        assert_eq!(state.epoch, 2);
        assert_eq!(state.partitions[&1].next_offset, 10);
        assert_eq!(state.partitions[&4].next_offset, 20 + UNSYNCED_IDS_MAX);
        assert!(!state.partitions[&4].relaxed);
    }

    #[test]
    fn a_consumer_group_is_what_its_changes_add_up_to_until_it_is_a_classic_one() {
        let mut state = example();
        state.apply(&consumer_group(6));
        let Event::ConsumerGroupChanged(mut change) = consumer_group(7) else {
            unreachable!("that is what it makes");
        };
        (change.members, change.removed) = (Vec::new(), vec!["m".into()]);
        let before = state.consumer_groups["c"].clone();
        assert_eq!((before.epoch, before.members["m"].epoch), (6, 6));
        state.apply(&Event::ConsumerGroupChanged(change));
        let after = &state.consumer_groups["c"];
        assert_eq!((after.epoch, after.members.len(), state.groups["c"].generation), (7, 0, 7));
        let record = GroupRecord {
            group: "c".into(),
            generation: 7,
            protocol_type: None,
            protocol: None,
            leader: None,
            members: Vec::new(),
            changed_ms: 1,
        };
        state.apply(&Event::GroupStable(Box::new(record)));
        assert!(state.consumer_groups.is_empty() && state.groups["c"].record.is_some());
        state.apply(&consumer_group(8));
        assert!(state.groups["c"].record.is_none());
        state.apply(&Event::GroupRemoved { group: "c".into() });
        assert!(state.consumer_groups.is_empty());
    }

    #[test]
    fn groups_and_offsets_go_away() {
        let mut state = example();
        state.apply(&Event::OffsetsRemoved { group: "g".into(), partitions: vec![1] });
        assert!(state.groups["g"].offsets.get(1).is_none());
        state.apply(&Event::GroupRemoved { group: "g".into() });
        assert!(!state.groups.contains_key("g"));
        let queue = state.queues["q"].clone();
        state.apply(&Event::QueueForgotten { group: "q".into(), partitions: vec![5] });
        assert_ne!(state.queues["q"], queue);
        state.apply(&Event::GroupRemoved { group: "q".into() });
        assert!(state.queues.is_empty());
    }
}
