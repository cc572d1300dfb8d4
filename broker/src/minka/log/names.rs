//! The names of topics by the numbers of their partitions, also of topics that are gone.

use std::collections::{BTreeMap, HashMap};

use minka::log::snapshot;
use minka::state::durable::DurableState;
use minka::state::event::{Event, TopicId};
use minka::sys::storage::Storage;

/// Which topic a partition number belongs to. Numbers are never given to a second topic.
#[derive(Debug, Default)]
pub(super) struct Names {
    /// Partitions that were made together, by the number of the first.
    runs: BTreeMap<u32, Run>,
    /// Name and number of partitions of each topic.
    topics: HashMap<TopicId, (String, u32)>,
}

#[derive(Debug)]
struct Run {
    topic: String,
    /// The index of the first partition in its topic.
    index: u32,
    count: u32,
}

impl Names {
    /// What the snapshots in the directory know, and the highest ID that one of them knows to
    /// have been on the disk. A snapshot that cannot be read is passed over: the entries of the
    /// log tell most of it again.
    pub(super) fn of_snapshots(storage: &dyn Storage) -> minka::Result<(Self, u64)> {
        let mut names = Self::default();
        let mut known = 0;
        for id in snapshot::list(storage)?.into_iter().rev() {
            let Ok(Some(snapshot)) = snapshot::read(storage, id) else { continue };
            let Ok(state) = DurableState::from_bytes(&snapshot.state) else { continue };
            known = known.max(snapshot.id);
            for topic in state.catalog.topics() {
                for run in topic.runs() {
                    names.add(topic.id, &topic.name, run.first, run.count);
                }
            }
        }
        Ok((names, known))
    }

    /// Takes in what an entry of the log says.
    pub(super) fn apply(&mut self, event: &Event) {
        match event {
            Event::TopicCreated { name, id, first_partition, partitions, .. } => {
                self.add(*id, name, *first_partition, *partitions);
            }
            Event::PartitionsAdded { id, first_partition, count } => {
                if let Some((name, _)) = self.topics.get(id) {
                    self.add(*id, &name.clone(), *first_partition, *count);
                }
            }
            _ => {}
        }
    }

    fn add(&mut self, id: TopicId, name: &str, first: u32, count: u32) {
        if self.runs.contains_key(&first) {
            return;
        }
        let (_, partitions) = self.topics.entry(id).or_insert_with(|| (name.to_owned(), 0));
        self.runs.insert(first, Run { topic: name.to_owned(), index: *partitions, count });
        *partitions = partitions.saturating_add(count);
    }

    /// The topic and the partition's index in it.
    pub(super) fn of(&self, partition: u32) -> Option<(&str, u32)> {
        let (first, run) = self.runs.range(..=partition).next_back()?;
        let within = partition - first;
        (within < run.count).then(|| (run.topic.as_str(), run.index + within))
    }

    /// Where a record is, for people.
    pub(super) fn place(&self, partition: u32) -> String {
        match self.of(partition) {
            Some((topic, index)) => format!("{topic}/{index}"),
            None => format!("(partition number {partition})"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn partitions_are_known_by_name_whatever_is_told_twice() {
        let mut names = Names::default();
        let created = Event::TopicCreated {
            name: "t".into(),
            id: [1; 16],
            first_partition: 4,
            partitions: 2,
            config: Vec::new(),
            created_ms: 0,
        };
        let added = Event::PartitionsAdded { id: [1; 16], first_partition: 9, count: 1 };
        for event in [&created, &added, &created, &added, &Event::TopicDeleted { id: [1; 16] }] {
            names.apply(event);
        }
        assert_eq!(names.of(5), Some(("t", 1)));
        assert_eq!(names.of(9), Some(("t", 2)));
        assert_eq!((names.of(3), names.of(6), names.of(10)), (None, None, None));
        assert_eq!(names.place(4), "t/0");
        assert_eq!(names.place(6), "(partition number 6)");
    }
}
