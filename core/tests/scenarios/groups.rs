//! Partition groups, and reading partitions by hand.

use minka::ErrorKind;
use minka::client::{Message, NewTopic, StartAt};

use crate::world::{Place, World, kind, nothing_comes, send, values};

pub(crate) fn partition_group_commits(place: Place) {
    let world = World::new(place);
    world.topic("t");
    world.send("t", &["a", "b"]);
    let mut member = world.member("g", "t");
    assert_eq!(values(&mut member, 2), ["a", "b"]);
    assert_eq!(member.committed("t", 0).unwrap(), None);
    member.commit().unwrap();
    assert_eq!(member.committed("t", 0).unwrap(), Some(2));
    member.close().unwrap();
    world.send("t", &["c"]);
    let mut member = world.member("g", "t");
    assert_eq!(values(&mut member, 1), ["c"]);
    // Closing commits what was returned.
    member.close().unwrap();
    world.send("t", &["d"]);
    assert_eq!(values(&mut world.member("g", "t"), 1), ["d"]);
}

pub(crate) fn assign_seek_pause(place: Place) {
    const TIME: i64 = 1_700_000_000_000;
    let world = World::new(place);
    world.admin().create_topic(&NewTopic::new("t").with_partitions(2)).unwrap();
    let producer = world.producer();
    for (number, value) in (0..).zip(["a", "b", "c", "d"]) {
        let message = Message::new("t", value.as_bytes()).with_partition(0);
        send(&producer, message.with_timestamp(TIME + 1000 * number)).unwrap();
    }
    send(&producer, Message::new("t", b"other").with_partition(1)).unwrap();

    let mut consumer = world.consumer(&[]);
    consumer.assign(&[("t", 0, StartAt::Offset(2))]).unwrap();
    assert_eq!(consumer.assignment(), [("t".to_owned(), 0)]);
    assert_eq!(consumer.position("t", 0).unwrap(), Some(2));
    assert_eq!(values(&mut consumer, 2), ["c", "d"]);
    assert_eq!(consumer.position("t", 0).unwrap(), Some(4));
    consumer.seek("t", 0, StartAt::Time(TIME + 1000)).unwrap();
    assert_eq!(values(&mut consumer, 3), ["b", "c", "d"]);
    consumer.seek("t", 0, StartAt::Offset(3)).unwrap();
    assert_eq!(values(&mut consumer, 1), ["d"]);
    consumer.seek("t", 0, StartAt::Latest).unwrap();
    nothing_comes(&mut consumer);

    consumer.assign(&[("t", 0, StartAt::Earliest), ("t", 1, StartAt::Earliest)]).unwrap();
    consumer.pause("t", 0).unwrap();
    assert_eq!(values(&mut consumer, 1), ["other"]);
    nothing_comes(&mut consumer);
    consumer.resume("t", 0).unwrap();
    assert_eq!(values(&mut consumer, 4), ["a", "b", "c", "d"]);
    assert_eq!(kind(consumer.pause("t", 2)), ErrorKind::InvalidRequest);
}

pub(crate) fn replay_from_the_start(place: Place) {
    let world = World::new(place);
    world.topic("t");
    let text: Vec<String> = (0..50).map(|number| number.to_string()).collect();
    world.send("t", &text.iter().map(String::as_str).collect::<Vec<_>>());
    let mut consumers = [world.reader("t"), world.reader("t")];
    for _ in 0..2 {
        for consumer in &mut consumers {
            assert_eq!(values(consumer, 50), text);
            nothing_comes(consumer);
            consumer.seek("t", 0, StartAt::Earliest).unwrap();
        }
    }
}
