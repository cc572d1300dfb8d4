//! The catalog: which topics there are, and which partition number belongs to which topic.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::clock::Millis;
use crate::error::{Error, ErrorKind, Result};
use crate::limits::PARTITIONS_PER_TOPIC_MAX;
use crate::state::event::{Event, TopicId};
use crate::state::topic::{Run, Topic, check_name};
use crate::state::topic_config::TopicConfig;

/// All topics of a broker. Costs memory for each topic, not for each partition.
///
/// An event that a `plan_` made is for the catalog as it is: whoever plans appends the event and
/// applies it before the next one is planned.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Stored", into = "Stored")]
pub struct Catalog {
    by_name: BTreeMap<String, Arc<Topic>>,
    by_id: HashMap<TopicId, Arc<Topic>>,
    /// Who owns the run of partition numbers that starts at the key.
    runs: BTreeMap<u32, Owner>,
    /// The lowest partition number that was never given out.
    next_partition: u32,
}

/// Which topics and partitions a [`Catalog`] has, for telling whether these have changed.
///
/// What comes takes partition numbers, which are never given out again; between two such changes
/// topics can only go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CatalogVersion {
    next_partition: u32,
    topics: usize,
}

/// Whose a run of partition numbers is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Owner {
    topic: TopicId,
    count: u32,
    /// The index in the topic of the run's first partition.
    index: u32,
}

impl Catalog {
    /// The topic of this name.
    pub fn topic(&self, name: &str) -> Option<&Arc<Topic>> {
        self.by_name.get(name)
    }

    /// The topic with this ID.
    pub fn topic_by_id(&self, id: &TopicId) -> Option<&Arc<Topic>> {
        self.by_id.get(id)
    }

    /// The topic that a partition number belongs to, and the partition's index there.
    pub fn partition(&self, number: u32) -> Option<(&Arc<Topic>, u32)> {
        let (first, owner) = self.runs.range(..=number).next_back()?;
        let within = number - first;
        if within >= owner.count {
            return None;
        }
        Some((self.by_id.get(&owner.topic)?, owner.index + within))
    }

    /// A value that is another one whenever topics or partitions have come or gone meanwhile.
    pub fn version(&self) -> CatalogVersion {
        CatalogVersion { next_partition: self.next_partition, topics: self.by_name.len() }
    }

    /// All topics, by name in order.
    pub fn topics(&self) -> impl ExactSizeIterator<Item = &Arc<Topic>> {
        self.by_name.values()
    }

    /// The event that creates a topic; `config` is validated and has only what was given.
    ///
    /// # Errors
    /// `InvalidTopic` for a bad name, `TopicExists`, `InvalidPartitions` where `partitions` is 0
    /// or too large.
    pub fn plan_create(
        &self,
        name: &str,
        id: TopicId,
        partitions: u32,
        config: &TopicConfig,
        wall_now: Millis,
    ) -> Result<Event> {
        check_name(name)?;
        if self.by_name.contains_key(name) {
            let text = format!("a topic {name:?} exists already");
            return Err(Error::new(ErrorKind::TopicExists, text));
        }
        if id == [0; 16] || self.by_id.contains_key(&id) {
            let text = format!("the ID for the new topic {name:?} is not a fresh one");
            return Err(Error::new(ErrorKind::Internal, text));
        }
        self.check_partitions(partitions, partitions)?;
        Ok(Event::TopicCreated {
            name: name.to_owned(),
            id,
            first_partition: self.next_partition,
            partitions,
            config: config.overrides().to_vec(),
            created_ms: wall_now,
        })
    }

    /// The event that gives a topic new settings instead of those it has.
    ///
    /// # Errors
    /// `UnknownTopicOrPartition`.
    pub fn plan_configure(&self, name: &str, config: &TopicConfig) -> Result<Event> {
        let id = self.existing(name)?.id;
        Ok(Event::TopicConfigured { id, config: config.overrides().to_vec() })
    }

    /// The event that makes a topic have `partitions` partitions altogether.
    ///
    /// # Errors
    /// `UnknownTopicOrPartition`; `InvalidPartitions` where that are not more than it has.
    pub fn plan_add_partitions(&self, name: &str, partitions: u32) -> Result<Event> {
        let topic = self.existing(name)?;
        let present = topic.partition_count();
        let Some(count) = partitions.checked_sub(present).filter(|&count| count > 0) else {
            let text = format!(
                "topic {name:?} has {present} partitions; their number can only grow, \
                 and {partitions} is not more"
            );
            return Err(Error::new(ErrorKind::InvalidPartitions, text));
        };
        self.check_partitions(partitions, count)?;
        Ok(Event::PartitionsAdded { id: topic.id, first_partition: self.next_partition, count })
    }

    /// The event that deletes a topic.
    ///
    /// # Errors
    /// `UnknownTopicOrPartition`.
    pub fn plan_delete(&self, name: &str) -> Result<Event> {
        Ok(Event::TopicDeleted { id: self.existing(name)?.id })
    }

    /// Takes an event in. Events that do not speak of topics, or of topics that are not here,
    /// change nothing.
    pub fn apply(&mut self, event: &Event) {
        match event {
            Event::TopicCreated { name, id, first_partition, partitions, config, created_ms } => {
                let run = Run { first: *first_partition, count: *partitions };
                let config = TopicConfig::stored(config);
                let taken = self.by_name.contains_key(name) || self.by_id.contains_key(id);
                if !taken && self.take_run(run, *id, 0) {
                    self.put(Topic::new(name.clone(), *id, vec![run], config, *created_ms));
                }
            }
            Event::TopicConfigured { id, config } => {
                if let Some(topic) = self.by_id.get(id) {
                    let mut topic = Topic::clone(topic);
                    topic.config = TopicConfig::stored(config);
                    self.put(topic);
                }
            }
            Event::PartitionsAdded { id, first_partition, count } => {
                let Some(topic) = self.by_id.get(id).cloned() else {
                    return;
                };
                let run = Run { first: *first_partition, count: *count };
                if self.take_run(run, *id, topic.partition_count()) {
                    self.put(topic.with_run(run));
                }
            }
            Event::TopicDeleted { id } => {
                let Some(topic) = self.by_id.remove(id) else {
                    return;
                };
                self.by_name.remove(&topic.name);
                for run in topic.runs() {
                    self.runs.remove(&run.first);
                }
            }
            _ => {}
        }
    }

    fn existing(&self, name: &str) -> Result<&Arc<Topic>> {
        self.by_name.get(name).ok_or_else(|| {
            let text = format!("there is no topic {name:?}");
            Error::new(ErrorKind::UnknownTopicOrPartition, text)
        })
    }

    /// Checks that a topic may have `total` partitions, `added` of them new.
    fn check_partitions(&self, total: u32, added: u32) -> Result<()> {
        let problem = if !(1..=PARTITIONS_PER_TOPIC_MAX).contains(&total) {
            format!("a topic has 1 to {PARTITIONS_PER_TOPIC_MAX} partitions, not {total}")
        } else if self.next_partition.checked_add(added).is_none() {
            "this broker has given out all of its partition numbers".to_owned()
        } else {
            return Ok(());
        };
        Err(Error::new(ErrorKind::InvalidPartitions, problem))
    }

    /// Makes a run of fresh partition numbers a topic's. Refuses what no `plan_` would give out,
    /// so that no event, whatever it holds, can make two topics share a partition.
    fn take_run(&mut self, run: Run, topic: TopicId, index: u32) -> bool {
        let Some(end) = run.first.checked_add(run.count) else {
            return false;
        };
        if run.count == 0 || run.first < self.next_partition {
            return false;
        }
        self.next_partition = end;
        self.runs.insert(run.first, Owner { topic, count: run.count, index });
        true
    }

    fn put(&mut self, topic: Topic) {
        let topic = Arc::new(topic);
        self.by_id.insert(topic.id, Arc::clone(&topic));
        self.by_name.insert(topic.name.clone(), topic);
    }
}

/// A catalog in a snapshot.
#[derive(Serialize, Deserialize)]
struct Stored {
    topics: Vec<StoredTopic>,
    next_partition: u32,
}

#[derive(Serialize, Deserialize)]
struct StoredTopic {
    name: String,
    id: TopicId,
    runs: Vec<(u32, u32)>,
    config: Vec<(String, String)>,
    created_ms: Millis,
}

impl From<Catalog> for Stored {
    fn from(catalog: Catalog) -> Self {
        let stored = |topic: &Arc<Topic>| StoredTopic {
            name: topic.name.clone(),
            id: topic.id,
            runs: topic.runs().iter().map(|run| (run.first, run.count)).collect(),
            config: topic.config.overrides().to_vec(),
            created_ms: topic.created_ms,
        };
        Self {
            topics: catalog.topics().map(stored).collect(),
            next_partition: catalog.next_partition,
        }
    }
}

impl TryFrom<Stored> for Catalog {
    type Error = &'static str;

    fn try_from(stored: Stored) -> std::result::Result<Self, Self::Error> {
        let mut runs: Vec<_> = stored.topics.iter().flat_map(|topic| &topic.runs).collect();
        runs.sort_unstable();
        let mut free_from = 0;
        for &&(first, count) in &runs {
            let end = first.checked_add(count).filter(|_| count > 0 && first >= free_from);
            free_from = end.ok_or("partition numbers overlap")?;
        }
        if free_from > stored.next_partition {
            return Err("the next partition number is in use");
        }
        let mut catalog = Self { next_partition: stored.next_partition, ..Self::default() };
        for topic in stored.topics {
            let mut topic_runs = Vec::with_capacity(topic.runs.len());
            let mut index = 0;
            for (first, count) in topic.runs {
                topic_runs.push(Run { first, count });
                catalog.runs.insert(first, Owner { topic: topic.id, count, index });
                index += count;
            }
            let config = TopicConfig::stored(&topic.config);
            catalog.put(Topic::new(topic.name, topic.id, topic_runs, config, topic.created_ms));
        }
        Ok(catalog)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn create(catalog: &mut Catalog, name: &str, id: u8, partitions: u32) {
        let config = TopicConfig::default();
        let event = catalog.plan_create(name, [id; 16], partitions, &config, 5).unwrap();
        catalog.apply(&event);
    }

    fn place(catalog: &Catalog, number: u32) -> Option<(&str, u32)> {
        catalog.partition(number).map(|(topic, index)| (topic.name.as_str(), index))
    }

    fn kind<T: std::fmt::Debug>(result: Result<T>) -> ErrorKind {
        result.unwrap_err().kind()
    }

    #[test]
    fn topics_are_found_by_name_by_id_and_by_partition() {
        let mut catalog = Catalog::default();
        create(&mut catalog, "a", 1, 3);
        create(&mut catalog, "b", 2, 100_000);
        let more = catalog.plan_add_partitions("a", 5).unwrap();
        catalog.apply(&more);
        assert_eq!(catalog.topic("a").unwrap().partition_count(), 5);
        assert_eq!(catalog.topic_by_id(&[2; 16]).unwrap().name, "b");
        assert_eq!(place(&catalog, 2), Some(("a", 2)));
        assert_eq!(place(&catalog, 3), Some(("b", 0)));
        assert_eq!(place(&catalog, 100_002), Some(("b", 99_999)));
        assert_eq!(place(&catalog, 100_004), Some(("a", 4)));
        assert_eq!(place(&catalog, 100_005), None);
        assert_eq!(catalog.runs.len(), 3);
    }

    #[test]
    fn a_name_comes_back_with_new_partitions_after_deletion() {
        let mut catalog = Catalog::default();
        create(&mut catalog, "a", 1, 3);
        let before = Arc::clone(catalog.topic("a").unwrap());
        let event = catalog.plan_delete("a").unwrap();
        catalog.apply(&event);
        catalog.apply(&event);
        assert_eq!((catalog.topics().len(), place(&catalog, 1)), (0, None));
        create(&mut catalog, "a", 2, 1);
        assert_eq!(place(&catalog, 3), Some(("a", 0)));
        assert_eq!(before.partition_numbers().collect::<Vec<_>>(), [0, 1, 2]);
    }

    #[test]
    fn settings_change_as_a_whole() {
        let mut catalog = Catalog::default();
        create(&mut catalog, "a", 1, 1);
        let config = TopicConfig::parse([("retention.ms", "9")]).unwrap();
        catalog.apply(&catalog.plan_configure("a", &config).unwrap());
        assert_eq!(catalog.topic("a").unwrap().config.retention_ms, Some(9));
        assert_eq!(catalog.topic_by_id(&[1; 16]).unwrap().config, config);
    }

    #[test]
    fn refusals() {
        let mut catalog = Catalog::default();
        create(&mut catalog, "a", 1, 2);
        let config = TopicConfig::default();
        let plan = |name, id, count| kind(catalog.plan_create(name, [id; 16], count, &config, 0));
        assert_eq!(plan("a/b", 2, 1), ErrorKind::InvalidTopic);
        assert_eq!(plan("a", 2, 1), ErrorKind::TopicExists);
        assert_eq!(plan("b", 2, 0), ErrorKind::InvalidPartitions);
        assert_eq!(plan("b", 2, 100_001), ErrorKind::InvalidPartitions);
        assert_eq!(plan("b", 1, 1), ErrorKind::Internal);
        assert_eq!(kind(catalog.plan_add_partitions("a", 2)), ErrorKind::InvalidPartitions);
        assert_eq!(kind(catalog.plan_add_partitions("a", 0)), ErrorKind::InvalidPartitions);
        assert_eq!(kind(catalog.plan_delete("b")), ErrorKind::UnknownTopicOrPartition);
        assert_eq!(kind(catalog.plan_configure("b", &config)), ErrorKind::UnknownTopicOrPartition);
        catalog.next_partition = u32::MAX - 1;
        assert_eq!(kind(catalog.plan_add_partitions("a", 4)), ErrorKind::InvalidPartitions);
    }

    #[test]
    fn events_that_contradict_the_catalog_change_nothing() {
        let mut catalog = Catalog::default();
        create(&mut catalog, "a", 1, 2);
        let before = catalog.clone();
        for first_partition in [0, 1, u32::MAX] {
            catalog.apply(&Event::PartitionsAdded { id: [1; 16], first_partition, count: 2 });
        }
        catalog.apply(&Event::PartitionsAdded { id: [9; 16], first_partition: 2, count: 2 });
        catalog.apply(&Event::TopicDeleted { id: [9; 16] });
        assert_eq!(catalog, before);
    }

    #[test]
    fn a_snapshot_with_impossible_partition_numbers_is_refused() {
        let read = |next_partition, runs: &[(u32, u32)]| {
            let topic = StoredTopic {
                name: "a".into(),
                id: [1; 16],
                runs: runs.to_vec(),
                config: Vec::new(),
                created_ms: 0,
            };
            let bytes = postcard::to_stdvec(&Stored { topics: vec![topic], next_partition });
            postcard::from_bytes::<Catalog>(&bytes.unwrap())
        };
        assert!(read(5, &[(3, 2), (0, 3)]).is_ok());
        for runs in [&[(0, 3), (2, 2)][..], &[(0, 0)], &[(0, 6)], &[(u32::MAX, 1)]] {
            assert!(read(5, runs).is_err(), "{runs:?}");
        }
    }

    #[test]
    fn a_snapshot_keeps_everything_and_partition_numbers_are_not_used_again() {
        let mut catalog = Catalog::default();
        create(&mut catalog, "a", 1, 2);
        create(&mut catalog, "b", 2, 2);
        catalog.apply(&catalog.plan_add_partitions("a", 7).unwrap());
        catalog.apply(&catalog.plan_delete("b").unwrap());
        let bytes = postcard::to_stdvec(&catalog).unwrap();
        let mut back: Catalog = postcard::from_bytes(&bytes).unwrap();
        assert_eq!(back, catalog);
        create(&mut back, "c", 3, 1);
        assert_eq!(back.topic("c").unwrap().partition_number(0), Some(9));
    }
}
