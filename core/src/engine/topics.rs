//! Topics: the live ones, and creating, changing and deleting them.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLockReadGuard, RwLockWriteGuard};

use super::partition::{Inner, Partition};
use super::ticket::{Appended, Ticket};
use super::{Broker, EventKind, Shared};
use crate::error::{Error, ErrorKind, Result};
use crate::state::catalog::Catalog;
use crate::state::event::{Event, TopicId};
use crate::state::setting::ConfigChange;
use crate::state::topic::Topic;
use crate::state::topic_config::TopicConfig;
use crate::sys::event_log::Level;

/// A topic and its live partitions, by index.
#[derive(Debug)]
pub struct LiveTopic {
    /// Its name, ID and settings, as they were when this was asked for.
    pub topic: Arc<Topic>,
    /// Its partitions.
    pub partitions: Vec<Arc<Partition>>,
}

/// All live topics.
#[derive(Debug, Default)]
pub(super) struct Registry {
    pub(super) catalog: Catalog,
    live: HashMap<String, Arc<LiveTopic>>,
}

/// A topic to be created.
#[derive(Debug, Clone)]
pub struct NewTopic {
    /// Its name.
    pub name: String,
    /// How many partitions; `None` for the broker's default.
    pub partitions: Option<u32>,
    /// Its settings.
    pub config: TopicConfig,
}

impl LiveTopic {
    /// The partition with this index.
    pub fn partition(&self, index: i32) -> Result<&Arc<Partition>> {
        usize::try_from(index).ok().and_then(|index| self.partitions.get(index)).ok_or_else(|| {
            Error::new(
                ErrorKind::UnknownTopicOrPartition,
                format!(
                    "topic {} has no partition {index}; it has {}",
                    self.topic.name,
                    self.partitions.len()
                ),
            )
        })
    }
}

impl Registry {
    /// Makes the topics of a recovered catalog live; `known` gives what is known of a partition.
    pub(super) fn recovered(catalog: Catalog, mut known: impl FnMut(u32) -> Inner) -> Self {
        let live = catalog
            .topics()
            .map(|topic| {
                let numbers = topic.partition_numbers();
                let partitions = numbers.map(|n| Partition::new(n, known(n))).collect();
                let live = LiveTopic { topic: topic.clone(), partitions };
                (topic.name.clone(), Arc::new(live))
            })
            .collect();
        Self { catalog, live }
    }

    pub(super) fn get(&self, name: &str) -> Option<&Arc<LiveTopic>> {
        self.live.get(name)
    }

    fn by_id(&self, id: &TopicId) -> Option<&Arc<LiveTopic>> {
        self.live.get(&self.catalog.topic_by_id(id)?.name)
    }

    /// The partition with this broker-wide number.
    pub(super) fn partition(&self, number: u32) -> Option<&Arc<Partition>> {
        let (topic, index) = self.catalog.partition(number)?;
        self.live.get(&topic.name)?.partitions.get(index as usize)
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &Arc<LiveTopic>> {
        self.live.values()
    }

    fn apply(&mut self, event: &Event) {
        if let Event::TopicDeleted { id } = event
            && let Some(topic) = self.catalog.topic_by_id(id)
            && let Some(gone) = self.live.remove(&topic.name)
        {
            gone.partitions.iter().for_each(|partition| partition.delete());
        }
        self.catalog.apply(event);
        let id = match event {
            Event::TopicCreated { id, .. }
            | Event::TopicConfigured { id, .. }
            | Event::PartitionsAdded { id, .. } => id,
            _ => return,
        };
        let Some(topic) = self.catalog.topic_by_id(id).cloned() else {
            return;
        };
        let old = self.live.get(&topic.name).map(|live| live.partitions.clone());
        let mut partitions = old.unwrap_or_default();
        let new = topic.partition_numbers().skip(partitions.len());
        partitions.extend(new.map(|number| Partition::new(number, Inner::default())));
        self.live.insert(topic.name.clone(), Arc::new(LiveTopic { topic, partitions }));
    }
}

impl Shared {
    /// See [`Broker::create_topics`].
    pub(super) fn create_topics(
        &self,
        topics: &[NewTopic],
        validate_only: bool,
    ) -> Vec<Result<Arc<Topic>>> {
        let _admin = self.admin.lock().unwrap_or_else(PoisonError::into_inner);
        let ticket = Ticket::new(topics.len(), None);
        let create = |(slot, new)| self.create_topic(new, validate_only, &ticket, slot);
        let created: Vec<_> = (0..).zip(topics).map(create).collect();
        let written = self.wait(&ticket);
        let with_outcome = |(created, written): (Result<Arc<Topic>>, Result<Appended>)| {
            let topic = created?;
            written?;
            Ok(topic)
        };
        let results: Vec<_> = created.into_iter().zip(written).map(with_outcome).collect();
        for topic in results.iter().flatten().filter(|_| !validate_only) {
            let (name, count) = (&topic.name, topic.partition_count());
            let text = format_args!("created topic {name} with {count} partitions");
            self.events.log(Level::Info, text);
            self.tell_topic(EventKind::TopicCreated, name, Some(count));
        }
        results
    }

    fn tell_topic(&self, kind: EventKind, name: &str, partitions: Option<u32>) {
        self.tell(kind, |event| (event.topic, event.partition) = (Some(name.into()), partitions));
    }

    /// Plans a topic and submits its event under a slot of the ticket, which is filled in any case.
    fn create_topic(
        &self,
        new: &NewTopic,
        validate_only: bool,
        ticket: &Arc<Ticket>,
        slot: u32,
    ) -> Result<Arc<Topic>> {
        let partitions = new.partitions.unwrap_or(self.config.default_partitions);
        let planned = random_id().and_then(|id| {
            let now = self.clock.wall();
            let catalog = &self.registry().catalog;
            Ok((id, catalog.plan_create(&new.name, id, partitions, &new.config, now)?))
        });
        let (id, event) = match planned {
            Ok((id, event)) if !validate_only => (id, event),
            planned => {
                ticket.complete(slot, Ok(Appended::default()), 0);
                let event = planned?.1;
                let mut catalog = Catalog::default();
                catalog.apply(&event);
                return catalog.topic(&new.name).cloned().ok_or_else(|| unknown(&new.name));
            }
        };
        // The event is in the queue before anybody can see the topic, so that whatever is written
        // to the topic comes behind it in the log.
        self.submit_event(&event, Some((ticket.clone(), slot)));
        let mut registry = self.registry_mut();
        registry.apply(&event);
        registry.catalog.topic_by_id(&id).cloned().ok_or_else(|| unknown(&new.name))
    }

    pub(super) fn registry(&self) -> RwLockReadGuard<'_, Registry> {
        // Readers see a registry that is whole: it is changed by single inserts and removals.
        self.registry.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn registry_mut(&self) -> RwLockWriteGuard<'_, Registry> {
        self.registry.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Broker {
    /// The topic of this name, if there is one.
    pub fn topic(&self, name: &str) -> Option<Arc<LiveTopic>> {
        self.shared.registry().get(name).cloned()
    }

    /// The topic with this ID, if there is one.
    pub fn topic_by_id(&self, id: &TopicId) -> Option<Arc<LiveTopic>> {
        self.shared.registry().by_id(id).cloned()
    }

    /// All topics, by name in order.
    pub fn topics(&self) -> Vec<Arc<LiveTopic>> {
        let registry = self.shared.registry();
        registry.catalog.topics().filter_map(|topic| registry.get(&topic.name)).cloned().collect()
    }

    /// The topic of this name; creates it if it does not exist and the broker may do so.
    pub fn topic_or_create(&self, name: &str) -> Result<Arc<LiveTopic>> {
        if let Some(topic) = self.topic(name) {
            return Ok(topic);
        }
        if !self.shared.config.auto_create_topics {
            return Err(unknown(name));
        }
        let new =
            NewTopic { name: name.to_owned(), partitions: None, config: TopicConfig::default() };
        match self.create_topics(&[new], false).pop() {
            Some(Err(error)) if error.kind() != ErrorKind::TopicExists => Err(error),
            _ => self.topic(name).ok_or_else(|| unknown(name)),
        }
    }

    /// Creates topics, all with one sync; a result for each. When this returns, those created can
    /// be used and survive a power cut. With `validate_only` nothing is created.
    pub fn create_topics(
        &self,
        topics: &[NewTopic],
        validate_only: bool,
    ) -> Vec<Result<Arc<Topic>>> {
        self.shared.create_topics(topics, validate_only)
    }

    /// Changes the settings of a topic, all or none. When this returns, they hold for what comes
    /// and survive a power cut. With `validate_only` nothing is changed.
    ///
    /// # Errors
    /// `UnknownTopicOrPartition`, `InvalidConfig`.
    pub fn configure_topic(
        &self,
        name: &str,
        changes: &[ConfigChange<'_>],
        validate_only: bool,
    ) -> Result<()> {
        let shared = &*self.shared;
        let _admin = shared.admin.lock().unwrap_or_else(PoisonError::into_inner);
        let live = self.topic(name).ok_or_else(|| unknown(name))?;
        let before = &live.topic.config;
        let config = before.altered(changes)?;
        if validate_only || config == *before {
            return Ok(());
        }
        let event = shared.registry().catalog.plan_configure(name, &config)?;
        shared.append_events(std::slice::from_ref(&event))?;
        shared.registry_mut().apply(&event);
        shared.events.log(Level::Info, format_args!("changed the settings of topic {name}"));
        shared.tell_topic(EventKind::TopicChanged, name, None);
        let kept = |config: &TopicConfig| (config.retention_ms, config.retention_bytes);
        if kept(&config) != kept(before) {
            shared.keeper.clean_soon();
        }
        Ok(())
    }

    /// Deletes a topic with its records and what groups committed for it.
    pub fn delete_topic(&self, name: &str) -> Result<()> {
        let shared = &*self.shared;
        let _admin = shared.admin.lock().unwrap_or_else(PoisonError::into_inner);
        let gone = self.topic(name).ok_or_else(|| unknown(name))?;
        let event = shared.registry().catalog.plan_delete(name)?;
        shared.append_events(std::slice::from_ref(&event))?;
        shared.registry_mut().apply(&event);
        shared.forget_offsets(&gone.topic);
        shared.forget_queues(&gone.topic);
        shared.events.log(Level::Info, format_args!("deleted topic {name}"));
        shared.tell_topic(EventKind::TopicDeleted, name, None);
        shared.keeper.clean_soon();
        Ok(())
    }

    /// Gives a topic more partitions: as many as it then has in all.
    pub fn add_partitions(&self, name: &str, partitions: u32) -> Result<()> {
        let shared = &*self.shared;
        let _admin = shared.admin.lock().unwrap_or_else(PoisonError::into_inner);
        let event = shared.registry().catalog.plan_add_partitions(name, partitions)?;
        shared.append_events(std::slice::from_ref(&event))?;
        shared.registry_mut().apply(&event);
        shared.tell_topic(EventKind::PartitionsAdded, name, Some(partitions));
        Ok(())
    }
}

/// The error for a topic that does not exist.
pub(super) fn unknown(name: &str) -> Error {
    Error::new(
        ErrorKind::UnknownTopicOrPartition,
        format!("there is no topic {name:?}; create it first"),
    )
}

/// A random ID, which is never all zeros: that stands for "no topic" in the protocol.
pub(super) fn random_id() -> Result<[u8; 16]> {
    let mut id = [0; 16];
    getrandom::fill(&mut id).map_err(|error| {
        Error::new(ErrorKind::Internal, format!("the system gave no random numbers: {error}"))
    })?;
    // Version 4, variant 1 (RFC 9562 section 5.4).
    id[6] = id[6] & 0x0f | 0x40;
    id[8] = id[8] & 0x3f | 0x80;
    Ok(id)
}
