//! What is wrong is said, and nothing breaks.

use std::collections::BTreeMap;

use minka::client::{Message, NewTopic, StartAt};
use minka::engine::{Effect, Fault, Hooks};
use minka::{Embedded, ErrorKind};

use crate::list;
use crate::world::{Place, World, kind, send, values};

/// Rust itself refuses much of what other languages have to: there is no NULL, and no negative
/// partition.
pub(crate) fn wrong_arguments(place: Place) {
    let world = World::new(place);
    world.topic("t");
    let producer = world.producer();
    for topic in ["", "no name", "..", "a/b", &"n".repeat(250)] {
        let message = Message::new(topic, b"v");
        assert_eq!(kind(send(&producer, message)), ErrorKind::InvalidTopic, "{topic:?}");
        let created = world.admin().create_topic(&NewTopic::new(topic));
        assert_eq!(kind(created), ErrorKind::InvalidTopic, "{topic:?}");
        let mut consumer = world.consumer(&[("group.id", "g")]);
        assert_eq!(kind(consumer.subscribe(&[topic])), ErrorKind::InvalidTopic, "{topic:?}");
        let assigned = consumer.assign(&[(topic, 0, StartAt::Earliest)]);
        assert_eq!(kind(assigned), ErrorKind::InvalidTopic, "{topic:?}");
    }
    for partition in [1, u32::MAX] {
        let message = Message::new("t", b"v").with_partition(partition);
        assert_eq!(kind(send(&producer, message)), ErrorKind::UnknownTopicOrPartition);
    }
    let none = NewTopic::new("u").with_partitions(0);
    assert_eq!(kind(world.admin().create_topic(&none)), ErrorKind::InvalidPartitions);
    let odd = NewTopic::new("u").with_setting("no.such.setting", "1");
    assert_eq!(kind(world.admin().create_topic(&odd)), ErrorKind::InvalidConfig);
    consumers(&world);
    settings(&world);
    assert_eq!(send(&producer, Message::new("t", b"v")).unwrap().offset, Some(0));
    assert_eq!(values(&mut world.reader("t"), 1), ["v"]);
}

fn consumers(world: &World) {
    let mut consumer = world.consumer(&[]);
    assert_eq!(kind(consumer.poll(crate::world::MOMENT)), ErrorKind::InvalidRequest);
    assert_eq!(kind(consumer.subscribe(&["t"])), ErrorKind::InvalidConfig);
    assert_eq!(kind(consumer.commit()), ErrorKind::InvalidRequest);
    let twice = [("t", 0, StartAt::Earliest), ("t", 0, StartAt::Latest)];
    assert_eq!(kind(consumer.assign(&twice)), ErrorKind::InvalidRequest);
    consumer.assign(&twice[..1]).unwrap();
    assert_eq!(kind(consumer.seek("t", 1, StartAt::Earliest)), ErrorKind::InvalidRequest);
    let settings = [("group.id", "g"), ("group.type", "queue")];
    let mut worker = world.consumer(&settings);
    worker.subscribe(&["t"]).unwrap();
    assert_eq!(kind(worker.pause("t", 0)), ErrorKind::InvalidRequest);
}

fn settings(world: &World) {
    let refused = |settings| kind(world.try_consumer(settings));
    assert_eq!(refused(&[("group.id", "")]), ErrorKind::InvalidConfig);
    assert_eq!(refused(&[("group.id", "g"), ("group.type", "pair")]), ErrorKind::InvalidConfig);
    assert_eq!(refused(&[("max.poll.records", "0")]), ErrorKind::InvalidConfig);
    assert_eq!(refused(&[("max.poll.records", "many")]), ErrorKind::InvalidConfig);
    for (name, value) in [("no.such.setting", "1"), ("num.partitions", "x"), ("kafka", "nowhere")] {
        let error = Embedded::open(&[(name, value)], Hooks::default()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidConfig, "{error}");
        assert!(error.to_string().contains(name), "{error}");
    }
    let mut config = minka::client::ProducerConfig::default();
    let error = config.set("linger.sm", "5").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidConfig, "{error}");
    assert!(error.to_string().contains("linger.sm"), "{error}");
    assert_eq!(kind(config.set("acks", "2")), ErrorKind::InvalidConfig);
    let fault = |at: &str, nth, effect| {
        world.broker().inject(Fault { at: at.to_owned(), nth, times: 1, effect })
    };
    assert_eq!(kind(fault("Brew", 1, Effect::DropAnswer)), ErrorKind::InvalidRequest);
    assert_eq!(kind(fault("disk.sync", 1, Effect::DropAnswer)), ErrorKind::InvalidRequest);
}

pub(crate) fn errors_are_the_same(place: Place) {
    let kinds: BTreeMap<_, _> = ErrorKind::ALL.iter().map(|kind| (kind.name(), *kind)).collect();
    assert_eq!(kinds.len(), ErrorKind::ALL.len(), "a name occurs twice");
    for (number, name, is_retriable) in list::errors() {
        let kind = kinds[name];
        assert_eq!((kind.number(), kind.is_retriable()), (number, is_retriable), "{name}");
        assert_eq!(ErrorKind::from_number(number), Some(kind));
        assert_eq!(ErrorKind::from_name(name), Some(kind));
    }
    // A few of them, as they come from a broker.
    let world = World::new(place);
    let admin = world.admin();
    let unknown = kind(admin.describe_topic("missing"));
    assert_eq!((unknown.number(), unknown.name()), (20, "UNKNOWN_TOPIC_OR_PARTITION"));
    world.topic("t");
    let exists = kind(admin.create_topic(&NewTopic::new("t")));
    assert_eq!((exists.number(), exists.name()), (22, "TOPIC_EXISTS"));
    let group = kind(admin.describe_group("missing"));
    assert_eq!((group.number(), group.name()), (74, "GROUP_NOT_FOUND"));
}
