//! Topics and groups are managed.

use minka::ErrorKind;
use minka::client::{GroupKind, Message, NewTopic, ResetTo};

use crate::world::{Place, World, kind, send, values};

pub(crate) fn admin_topics(place: Place) {
    let world = World::new(place);
    let admin = world.admin();
    assert_eq!(admin.topics().unwrap(), []);
    let new = NewTopic::new("t").with_partitions(2).with_setting("retention.ms", "60000");
    admin.create_topic(&new).unwrap();
    assert_eq!(kind(admin.create_topic(&new)), ErrorKind::TopicExists);
    let names = || admin.topics().unwrap().into_iter().map(|t| (t.name, t.partitions));
    assert_eq!(names().collect::<Vec<_>>(), [("t".to_owned(), 2)]);

    send(&world.producer(), Message::new("t", b"v").with_partition(1)).unwrap();
    let described = admin.describe_topic("t").unwrap();
    let places = described.partitions.iter().map(|p| (p.index, p.start, p.end));
    assert_eq!(places.collect::<Vec<_>>(), [(0, 0, 0), (1, 0, 1)]);
    let retention = || {
        let settings = admin.describe_topic("t").unwrap().settings;
        let found = settings.into_iter().find(|setting| setting.name == "retention.ms").unwrap();
        (found.value, found.is_default)
    };
    assert_eq!(retention(), ("60000".to_owned(), false));
    admin.alter_topic("t", &[("retention.ms", Some("70000"))]).unwrap();
    assert_eq!(retention(), ("70000".to_owned(), false));
    admin.alter_topic("t", &[("retention.ms", None)]).unwrap();
    assert!(retention().1);

    admin.add_partitions("t", 3).unwrap();
    assert_eq!(admin.describe_topic("t").unwrap().partitions.len(), 3);
    assert_eq!(kind(admin.add_partitions("t", 3)), ErrorKind::InvalidPartitions);
    admin.delete_topic("t").unwrap();
    assert_eq!(kind(admin.describe_topic("t")), ErrorKind::UnknownTopicOrPartition);
    assert_eq!(kind(admin.delete_topic("t")), ErrorKind::UnknownTopicOrPartition);
    assert_eq!(names().count(), 0);
}

pub(crate) fn admin_groups(place: Place) {
    let world = World::new(place);
    let admin = world.admin();
    world.topic("t");
    world.send("t", &["a", "b"]);
    let mut member = world.member("g", "t");
    assert_eq!(values(&mut member, 2), ["a", "b"]);
    member.commit().unwrap();
    world.send("t", &["c"]);

    let listed = admin.groups().unwrap();
    let listed: Vec<_> = listed.into_iter().map(|group| (group.name, group.kind)).collect();
    assert_eq!(listed, [("g".to_owned(), GroupKind::Partitions)]);
    let described = admin.describe_group("g").unwrap();
    let member_description = &described.members[0];
    assert_eq!(described.members.len(), 1);
    assert_eq!(member_description.client_id, "minka");
    assert_eq!(member_description.assigned, [("t".to_owned(), 0)]);
    let partition = &described.partitions[0];
    assert_eq!((&*partition.topic, partition.partition), ("t", 0));
    assert_eq!((partition.committed, partition.end, partition.lag), (Some(2), Some(3), Some(1)));

    let reset = || admin.reset_group("g", "t", ResetTo::Earliest);
    assert_eq!(kind(reset()), ErrorKind::NonEmptyGroup);
    assert_eq!(kind(admin.delete_group("g")), ErrorKind::NonEmptyGroup);
    assert_eq!(values(&mut member, 1), ["c"]);
    member.close().unwrap();
    reset().unwrap();
    let mut member = world.member("g", "t");
    assert_eq!(values(&mut member, 3), ["a", "b", "c"]);
    member.close().unwrap();
    admin.delete_group("g").unwrap();
    assert_eq!(kind(admin.describe_group("g")), ErrorKind::GroupNotFound);
    assert_eq!(kind(admin.delete_group("g")), ErrorKind::GroupNotFound);
    assert_eq!(admin.groups().unwrap(), []);
}
