//! A broker, and clients of it by either way.

use std::sync::Arc;
use std::time::{Duration, Instant};

use minka::client::{
    Admin, AdminConfig, Consumer, ConsumerConfig, Message, NewTopic, Producer, ProducerConfig,
    Receipt, StartAt, Target,
};
use minka::engine::Hooks;
use minka::{Broker, Embedded, ErrorKind, Result};

/// Nothing takes that long; a test that waits longer fails instead of hanging.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);
/// How long something is waited for that must not come.
pub(crate) const MOMENT: Duration = Duration::from_millis(50);

/// The way that clients take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    InProcess,
    Socket,
}

/// Settings by name.
pub(crate) type Settings<'a> = &'a [(&'a str, &'a str)];

/// A broker in memory, and the way to it.
pub(crate) struct World {
    pub(crate) place: Place,
    pub(crate) embedded: Embedded,
}

/// A record of one's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Got {
    pub(crate) topic: String,
    pub(crate) partition: u32,
    pub(crate) offset: u64,
    pub(crate) timestamp: i64,
    pub(crate) key: Option<Vec<u8>>,
    pub(crate) value: Option<Vec<u8>>,
    pub(crate) headers: Vec<(Vec<u8>, Option<Vec<u8>>)>,
    pub(crate) delivery_count: u32,
}

impl World {
    pub(crate) fn new(place: Place) -> Self {
        Self::with(place, &[])
    }

    /// With these settings of the broker beside those for the way.
    pub(crate) fn with(place: Place, settings: Settings<'_>) -> Self {
        Self::with_hooks(place, settings, Hooks::default())
    }

    pub(crate) fn with_hooks(place: Place, settings: Settings<'_>, hooks: Hooks) -> Self {
        let mut settings = settings.to_vec();
        if place == Place::Socket {
            settings.push(("kafka", "127.0.0.1:0"));
        }
        Self { place, embedded: Embedded::open(&settings, hooks).unwrap() }
    }

    pub(crate) fn broker(&self) -> &Arc<Broker> {
        self.embedded.broker()
    }

    /// What clients are opened on.
    pub(crate) fn target(&self) -> Target {
        match self.place {
            Place::InProcess => self.broker().into(),
            Place::Socket => self.embedded.bootstrap_servers().unwrap().into(),
        }
    }

    pub(crate) fn admin(&self) -> Admin {
        Admin::open(self.target(), AdminConfig::default()).unwrap()
    }

    /// Creates a topic with one partition.
    pub(crate) fn topic(&self, name: &str) {
        self.admin().create_topic(&NewTopic::new(name).with_partitions(1)).unwrap();
    }

    /// Has a queue group begin with the first record, and redeliver at once.
    pub(crate) fn queue_group(&self, name: &str, settings: Settings<'_>) {
        let always = [("share.auto.offset.reset", "earliest"), ("minka.retry.backoff.ms", "0")];
        let all = always.iter().chain(settings);
        let changes: Vec<_> = all.map(|&(name, value)| (name, Some(value))).collect();
        self.admin().alter_group(name, &changes).unwrap();
    }

    pub(crate) fn producer(&self) -> Producer {
        self.producer_with(&[])
    }

    pub(crate) fn producer_with(&self, settings: Settings<'_>) -> Producer {
        let mut config = ProducerConfig::default();
        for (name, value) in settings {
            config.set(name, value).unwrap();
        }
        Producer::open(self.target(), config).unwrap()
    }

    /// Sends records with these values to partition 0, each in a batch of its own.
    pub(crate) fn send(&self, topic: &str, values: &[&str]) {
        let producer = self.producer();
        for value in values {
            send(&producer, Message::new(topic, value.as_bytes()).with_partition(0)).unwrap();
        }
    }

    pub(crate) fn consumer(&self, settings: Settings<'_>) -> Consumer {
        self.try_consumer(settings).unwrap()
    }

    pub(crate) fn try_consumer(&self, settings: Settings<'_>) -> Result<Consumer> {
        let mut config = ConsumerConfig::default();
        for (name, value) in settings {
            config.set(name, value)?;
        }
        Consumer::open(self.target(), config)
    }

    /// A consumer that reads partition 0 of a topic from the start.
    pub(crate) fn reader(&self, topic: &str) -> Consumer {
        let mut consumer = self.consumer(&[]);
        consumer.assign(&[(topic, 0, StartAt::Earliest)]).unwrap();
        consumer
    }

    /// A member of a queue group that has subscribed to a topic, and says what is done itself.
    pub(crate) fn worker(&self, group: &str, topic: &str) -> Consumer {
        let mut consumer = self.consumer(&[
            ("group.id", group),
            ("group.type", "queue"),
            ("enable.auto.commit", "false"),
        ]);
        consumer.subscribe(&[topic]).unwrap();
        consumer
    }

    /// A member of a partition group that has subscribed to a topic.
    pub(crate) fn member(&self, group: &str, topic: &str) -> Consumer {
        let mut consumer = self.consumer(&[("group.id", group), ("group.type", "partitions")]);
        consumer.subscribe(&[topic]).unwrap();
        consumer
    }

    /// Waits until a group has as many members.
    pub(crate) fn wait_for_members(&self, group: &str, count: usize) {
        let admin = self.admin();
        let deadline = Instant::now() + PATIENCE;
        while members(&admin, group) != count {
            assert!(Instant::now() < deadline, "group {group} does not get {count} members");
            std::thread::yield_now();
        }
    }
}

/// How many members a group has; none if there is no such group.
pub(crate) fn members(admin: &Admin, group: &str) -> usize {
    match admin.describe_group(group) {
        Ok(described) => described.members.len(),
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::GroupNotFound, "{error}");
            0
        }
    }
}

/// Sends a record and waits for its receipt.
pub(crate) fn send(producer: &Producer, message: Message<'_>) -> Result<Receipt> {
    producer.send(message)?.wait(PATIENCE)
}

/// What a poll returns.
pub(crate) fn poll(consumer: &mut Consumer, timeout: Duration) -> Result<Vec<Got>> {
    let records = consumer.poll(timeout)?;
    let owned = |bytes: Option<&[u8]>| bytes.map(<[u8]>::to_vec);
    let got = records.iter().map(|record| Got {
        topic: record.topic.to_owned(),
        partition: record.partition,
        offset: record.offset,
        timestamp: record.timestamp,
        key: owned(record.key),
        value: owned(record.value),
        headers: record.headers.map(|h| (h.key.to_vec(), owned(h.value))).collect(),
        delivery_count: record.delivery_count,
    });
    Ok(got.collect())
}

/// Polls until there are `count` records.
pub(crate) fn take(consumer: &mut Consumer, count: usize) -> Vec<Got> {
    let deadline = Instant::now() + PATIENCE;
    let mut all = Vec::new();
    while all.len() < count {
        assert!(Instant::now() < deadline, "only {} of {count} records came", all.len());
        all.extend(poll(consumer, Duration::from_secs(1)).unwrap());
    }
    assert_eq!(all.len(), count);
    all
}

/// Polls until there are `count` records, and returns their values as text.
pub(crate) fn values(consumer: &mut Consumer, count: usize) -> Vec<String> {
    take(consumer, count).iter().map(Got::text).collect()
}

/// Fails if something comes.
pub(crate) fn nothing_comes(consumer: &mut Consumer) {
    assert_eq!(poll(consumer, MOMENT).unwrap(), []);
}

/// The kind of the error that a call must have.
pub(crate) fn kind<T>(result: Result<T>) -> ErrorKind {
    match result {
        Ok(_) => panic!("there was no error"),
        Err(error) => error.kind(),
    }
}

impl Got {
    /// The value as text; empty for none.
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.value.clone().unwrap_or_default()).unwrap()
    }
}
