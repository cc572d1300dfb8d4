//! Topics, configurations and the cluster through the Kafka door.

mod server_common;

use kafka_protocol::messages::create_partitions_request::{
    CreatePartitionsAssignment, CreatePartitionsTopic,
};
use kafka_protocol::messages::create_topics_request::{
    CreatableReplicaAssignment, CreatableTopic, CreatableTopicConfig,
};
use kafka_protocol::messages::delete_topics_request::DeleteTopicState;
use kafka_protocol::messages::describe_configs_request::DescribeConfigsResource;
use kafka_protocol::messages::{
    ApiVersionsRequest, CreatePartitionsRequest, CreateTopicsRequest, DeleteTopicsRequest,
    DescribeClusterRequest, DescribeConfigsRequest,
};
use server_common::{batch, hex, produce, produced, start, start_with, text, topic_name};

fn new(name: &str, partitions: i32, replicas: i16) -> CreatableTopic {
    CreatableTopic::default()
        .with_name(topic_name(name))
        .with_num_partitions(partitions)
        .with_replication_factor(replicas)
}

fn create(topics: Vec<CreatableTopic>) -> CreateTopicsRequest {
    CreateTopicsRequest::default().with_topics(topics).with_timeout_ms(10_000)
}

#[test]
fn what_is_advertised_is_served() {
    let started = start();
    let mut client = started.client();
    let request = ApiVersionsRequest::default()
        .with_client_software_name(text("tests"))
        .with_client_software_version(text("1.0"));
    for version in 0..=4 {
        let answer = client.call(version, &request);
        assert_eq!(answer.error_code, 0);
        let keys: Vec<i16> = answer.api_keys.iter().map(|api| api.api_key).collect();
        let expected = [
            0, 1, 2, 3, 8, 9, 10, 11, 12, 13, 14, 15, 16, 18, 19, 20, 21, 22, 32, 33, 37, 42, 44,
            47, 60, 68, 69, 74, 76, 77, 78, 79, 90, 91, 92,
        ];
        assert_eq!(keys, expected);
        let produce = &answer.api_keys[0];
        assert_eq!((produce.min_version, produce.max_version), (0, 13));
        let finalized = answer.finalized_features.iter();
        let levels: Vec<_> = finalized.map(|f| (&*f.name, f.max_version_level)).collect();
        let features = [("group.version", 1), ("share.version", 1)];
        assert_eq!(levels, if version >= 3 { &features[..] } else { &[] });
        // Clients before version 4 do not take a lowest version of 0.
        let supported = answer.supported_features.iter();
        let ranges: Vec<_> = supported.map(|f| (f.min_version, f.max_version)).collect();
        assert_eq!(ranges, if version >= 4 { vec![(0, 1); 2] } else { vec![] });
    }
    let wrong = request.with_client_software_name(text("not a name"));
    assert_eq!(client.call(3, &wrong).error_code, 42);
}

#[test]
fn a_newer_api_versions_request_is_answered_in_the_oldest_layout() {
    let started = start();
    let mut client = started.client();
    let mut frame = client.frame(3, &ApiVersionsRequest::default());
    frame[7] = 9;
    std::io::Write::write_all(&mut client.stream, &frame).unwrap();
    let expected = [0, 0, 0, 1, 0, 35, 0, 0, 0, 1, 0, 18, 0, 0, 0, 4];
    assert_eq!(&client.receive_frame()[..], expected);
    client.check_alive();
}

#[test]
fn topics_are_created_as_they_are_asked_for() {
    let started = start();
    let mut client = started.client();
    for version in 2..=7 {
        let name = |what: &str| format!("{what}{version}");
        let config = |name, value: &str| {
            CreatableTopicConfig::default().with_name(text(name)).with_value(Some(text(value)))
        };
        let assigned = (0..2).map(|index| {
            CreatableReplicaAssignment::default()
                .with_partition_index(index)
                .with_broker_ids(vec![1.into()])
        });
        let answer = client.call(
            version,
            &create(vec![
                new(&name("plain"), 3, 1),
                new(&name("replicated"), 1, 3),
                new(&name("assigned"), -1, -1).with_assignments(assigned.collect()),
                new(&name("configured"), 1, 1).with_configs(vec![config("retention.ms", "1000")]),
                new("not a name", 1, 1),
                new(&name("none"), 0, 1),
                new(&name("negative"), -2, 1),
                new(&name("no_replicas"), 1, 0),
                new(&name("unknown"), 1, 1).with_configs(vec![config("colour", "red")]),
                new(&name("wrong"), 1, 1).with_configs(vec![config("retention.ms", "long")]),
                new(&name("twice"), 1, 1),
                new(&name("twice"), 2, 1),
            ]),
        );
        let codes: Vec<i16> = answer.topics.iter().map(|topic| topic.error_code).collect();
        assert_eq!(codes, [0, 0, 0, 0, 17, 37, 37, 38, 40, 40, 42, 42], "{version}");
        let messages = answer.topics.iter().map(|topic| topic.error_message.is_some());
        assert!(messages.eq(codes.iter().map(|code| *code != 0)));
        if version >= 5 {
            let plain = &answer.topics[0];
            assert_eq!((plain.num_partitions, plain.replication_factor), (3, 1));
            assert_eq!(answer.topics[2].num_partitions, 2);
            let configs = answer.topics[3].configs.as_ref().unwrap();
            let retention = configs.iter().find(|config| *config.name == *"retention.ms").unwrap();
            assert_eq!(retention.value, Some(text("1000")));
            assert_eq!(retention.config_source, 1);
        }
        if version >= 7 {
            let id = answer.topics[0].topic_id.into_bytes();
            assert_eq!(id, started.topic_id(&name("plain")));
        }
        // They can be used at once.
        let topic = name("plain");
        let request = produce((&topic, [0; 16]), 2, -1, batch(&[b"a"]));
        assert_eq!(produced(&client.call(9, &request)), (0, 0));
        let again = client.call(version, &create(vec![new(&name("plain"), 1, 1)]));
        assert_eq!(again.topics[0].error_code, 36);
    }
    let request = create(vec![new("default", -1, -1)]).with_validate_only(true);
    let answer = client.call(7, &request);
    assert_eq!((answer.topics[0].error_code, answer.topics[0].num_partitions), (0, 1));
    assert!(started.broker.topic("default").is_none());
}

#[test]
fn a_strict_broker_has_no_replicas_to_give() {
    let started = start_with(|config| config.lenient_replication = false);
    let answer = started.client().call(7, &create(vec![new("a", 1, 3), new("b", 1, 1)]));
    let codes: Vec<i16> = answer.topics.iter().map(|topic| topic.error_code).collect();
    assert_eq!(codes, [38, 0]);
}

#[test]
fn topics_are_deleted_by_name_and_by_id() {
    let started = start();
    let mut client = started.client();
    for version in 1..=5 {
        started.topic("t", 1);
        let request = DeleteTopicsRequest::default()
            .with_topic_names(vec![topic_name("t"), topic_name("missing")]);
        let answer = client.call(version, &request);
        let codes: Vec<i16> = answer.responses.iter().map(|topic| topic.error_code).collect();
        assert_eq!(codes, [0, 3]);
    }
    started.topic("a", 1);
    started.topic("b", 1);
    let id = started.topic_id("b");
    let by_id = |id| {
        let id = hex(id).parse().unwrap();
        DeleteTopicState::default().with_name(None).with_topic_id(id)
    };
    let request = DeleteTopicsRequest::default().with_topics(vec![
        DeleteTopicState::default().with_name(Some(topic_name("a"))),
        by_id(id),
        by_id([7; 16]),
    ]);
    let answer = client.call(6, &request);
    let codes: Vec<i16> = answer.responses.iter().map(|topic| topic.error_code).collect();
    assert_eq!(codes, [0, 0, 100]);
    assert_eq!(answer.responses[1].name, Some(topic_name("b")));
    assert_eq!(answer.responses[2].topic_id.into_bytes(), [7; 16]);
    assert!(started.broker.topics().is_empty());
    started.topic("b", 1);
    assert_ne!(started.topic_id("b"), id, "a topic that comes again is another topic");
}

#[test]
fn topics_grow_but_do_not_shrink() {
    let started = start();
    started.topic("t", 2);
    let mut client = started.client();
    let grow = |name, count| {
        let topic = CreatePartitionsTopic::default()
            .with_name(topic_name(name))
            .with_count(count)
            .with_assignments(None);
        CreatePartitionsRequest::default().with_topics(vec![topic])
    };
    for (n, version) in (0..=3).enumerate() {
        let count = i32::try_from(n).unwrap() + 3;
        let check = grow("t", count).with_validate_only(true);
        assert_eq!(client.call(version, &check).results[0].error_code, 0);
        assert_eq!(client.call(version, &grow("t", count)).results[0].error_code, 0);
        assert_eq!(started.broker.topic("t").unwrap().partitions.len(), n + 3);
        for validate_only in [true, false] {
            let request = grow("t", 1).with_validate_only(validate_only);
            assert_eq!(client.call(version, &request).results[0].error_code, 37);
            let request = grow("missing", 5).with_validate_only(validate_only);
            assert_eq!(client.call(version, &request).results[0].error_code, 3);
        }
    }
}

#[test]
fn a_client_assigns_every_new_partition_or_none() {
    let started = start();
    started.topic("t", 1);
    let mut client = started.client();
    let mut grow = |count, brokers: &[usize], validate_only| {
        let assign =
            |&n: &usize| CreatePartitionsAssignment::default().with_broker_ids(vec![1.into(); n]);
        let topic = CreatePartitionsTopic::default()
            .with_name(topic_name("t"))
            .with_count(count)
            .with_assignments(Some(brokers.iter().map(assign).collect()));
        let request = CreatePartitionsRequest::default()
            .with_topics(vec![topic])
            .with_validate_only(validate_only);
        client.call(3, &request).results[0].error_code
    };
    for validate_only in [true, false] {
        assert_eq!(grow(2, &[1, 1], validate_only), 39);
        assert_eq!(grow(3, &[1], validate_only), 39);
        assert_eq!(grow(2, &[], validate_only), 39);
        assert_eq!(grow(2, &[0], validate_only), 38);
        assert_eq!(grow(1, &[1], validate_only), 37);
    }
    assert_eq!(started.broker.topic("t").unwrap().partitions.len(), 1);
    assert_eq!(grow(3, &[1, 1], false), 0);
    assert_eq!(started.broker.topic("t").unwrap().partitions.len(), 3);
}

#[test]
fn configurations_are_described() {
    let started = start();
    started.topic("t", 1);
    let mut client = started.client();
    let resource = |kind, name, keys: Option<&[&str]>| {
        DescribeConfigsResource::default()
            .with_resource_type(kind)
            .with_resource_name(text(name))
            .with_configuration_keys(keys.map(|keys| keys.iter().map(|key| text(key)).collect()))
    };
    for version in 1..=4 {
        let request =
            DescribeConfigsRequest::default().with_include_synonyms(true).with_resources(vec![
                resource(2, "t", None),
                resource(2, "t", None),
                resource(4, "1", Some(&["num.partitions", "no.such.key"])),
                resource(2, "missing", None),
                resource(4, "2", None),
                resource(9, "t", None),
            ]);
        let answer = client.call(version, &request);
        let codes: Vec<i16> = answer.results.iter().map(|result| result.error_code).collect();
        assert_eq!(codes, [0, 0, 3, 42, 42]);
        let configs = &answer.results[0].configs;
        for expected in [
            "cleanup.policy",
            "max.message.bytes",
            "message.timestamp.type",
            "min.insync.replicas",
            "retention.bytes",
            "retention.ms",
            "segment.bytes",
        ] {
            let found = configs.iter().find(|config| *config.name == *expected).unwrap();
            assert_eq!((found.config_source, found.synonyms.len()), (5, 1));
        }
        let broker = &answer.results[1].configs;
        assert_eq!((broker.len(), &broker[0].value), (1, &Some(text("1"))));
    }
}

#[test]
fn the_cluster_is_described() {
    let started = start();
    let mut client = started.client();
    for version in 0..=1 {
        let request = DescribeClusterRequest::default().with_endpoint_type(1);
        let answer = client.call(version, &request);
        assert_eq!((answer.error_code, answer.controller_id), (0, 1.into()));
        assert_eq!(&*answer.cluster_id, started.broker.cluster_id());
        let port = i32::from(started.address().port());
        assert_eq!((answer.brokers.len(), answer.brokers[0].port), (1, port));
    }
    let request = DescribeClusterRequest::default().with_endpoint_type(2);
    assert_eq!(client.call(1, &request).error_code, 42);
}
