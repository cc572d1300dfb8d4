//! Producing and fetching through the Kafka door.

mod server_common;

use std::io::Write;
use std::time::Instant;

use bytes::Bytes;
use kafka_protocol::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::{
    ApiVersionsRequest, FetchRequest, InitProducerIdRequest, ListOffsetsRequest, MetadataRequest,
    ProduceRequest,
};
use server_common::{
    Client, PATIENCE, Started, batch, fetch, fetched, hex, produce, produced, start, start_with,
    text, topic_name,
};

const UNKNOWN_TOPIC: i16 = 3;
const NO_ID: [u8; 16] = [0; 16];

fn topic<'a>(started: &Started, name: &'a str) -> (&'a str, [u8; 16]) {
    (name, started.topic_id(name))
}

#[test]
fn what_is_produced_is_fetched_in_every_version() {
    let started = start();
    let mut client = started.client();
    for version in 3..=13 {
        let name = format!("t{version}");
        started.topic(&name, 2);
        let topic = topic(&started, &name);
        for (n, acks) in [(0, 1), (1, -1)] {
            let records = batch(&[b"one", b"two"]);
            let answer = client.call(version, &produce(topic, 1, acks, records));
            assert_eq!(produced(&answer), (0, n * 2), "produce {version}");
        }
        for version in 4..=17 {
            let answer = client.call(version, &fetch(topic, &[(1, 1)], 10_000));
            let all: [&[u8]; 4] = [b"one", b"two", b"one", b"two"];
            // Whole batches: the first begins before the offset.
            assert_eq!(fetched(&answer), [(0, all.map(<[u8]>::to_vec).to_vec())], "{version}");
            let partition = &answer.responses[0].partitions[0];
            assert_eq!((partition.partition_index, partition.high_watermark), (1, 4));
            assert_eq!(partition.last_stable_offset, 4);
            assert_eq!(partition.preferred_read_replica, -1);
            assert_eq!((answer.error_code, answer.session_id), (0, 0));
        }
    }
}

#[test]
fn minkas_own_client_is_told_the_ids_of_records_and_others_are_not() {
    let started = start();
    started.topic("t", 1);
    let topic = topic(&started, "t");
    let mut before = 0;
    for (name, is_minka) in [("minka", true), ("apache-kafka-java", false), ("minka2", false)] {
        let mut client = started.client();
        let introduction = ApiVersionsRequest::default()
            .with_client_software_name(text(name))
            .with_client_software_version(text("1.0"));
        for (version, introduced) in [(9, false), (8, true), (9, true), (13, true)] {
            if introduced {
                assert_eq!(client.call(3, &introduction).error_code, 0);
            }
            let answer = client.call(version, &produce(topic, 0, -1, batch(&[b"one", b"two"])));
            assert_eq!(produced(&answer).0, 0);
            let tags = &answer.responses[0].partition_responses[0].unknown_tagged_fields;
            let told = is_minka && introduced && version >= 9;
            assert_eq!(tags.len(), usize::from(told), "{name} {version}");
            if told {
                let id = i64::from_be_bytes(tags[&10_000][..].try_into().unwrap());
                assert!(id >= before + 2, "{id} behind {before}");
                before = id;
            }
        }
        let missing = client.call(9, &produce(("missing", NO_ID), 0, -1, batch(&[b"one"])));
        let missing = &missing.responses[0].partition_responses[0];
        assert_eq!((missing.error_code, missing.unknown_tagged_fields.len()), (UNKNOWN_TOPIC, 0));
        // Who introduces himself without a name is anybody.
        client.call(0, &ApiVersionsRequest::default());
        let answer = client.call(9, &produce(topic, 0, -1, batch(&[b"one"])));
        assert!(answer.responses[0].partition_responses[0].unknown_tagged_fields.is_empty());
    }
    assert!(before > 0);
}

#[test]
fn large_batches_come_back_as_they_were() {
    let started = start();
    started.topic("t", 1);
    let topic = topic(&started, "t");
    let mut client = started.client();
    let large: Vec<Vec<u8>> = (0..6_u8)
        .map(|n| vec![n; [10, 30_000, 900_000, 100, 600_000, 1][usize::from(n)]])
        .collect();
    // All of them are sent before the first answer is read.
    for value in &large {
        client.send(9, &produce(topic, 0, -1, batch(&[value])));
    }
    for n in 1..=6 {
        let (correlation_id, answer) = client.receive_any::<ProduceRequest>(9);
        assert_eq!((correlation_id, produced(&answer)), (n, (0, i64::from(n) - 1)));
    }
    let mut all = Vec::new();
    while all.len() < large.len() {
        let answer = client.call(12, &fetch(topic, &[(0, all.len() as i64)], 10_000));
        let [(0, values)] = &fetched(&answer)[..] else { panic!("{answer:?}") };
        assert!(!values.is_empty());
        all.extend(values.clone());
    }
    assert!(all == large);
}

#[test]
fn pipelined_requests_are_answered_in_their_order() {
    let started = start();
    started.topic("t", 3);
    let topic = topic(&started, "t");
    let mut client = started.client();
    let mut bytes = Vec::new();
    for n in 0..1500_i32 {
        let value = n.to_be_bytes();
        let acks = if n % 3 == 0 { 1 } else { -1 };
        let frame = client.frame(9, &produce(topic, n % 3, acks, batch(&[&value])));
        bytes.extend(frame);
    }
    let listing = client.frame(1, &list_offsets(0, -1));
    bytes.extend(listing);
    bytes.extend(client.frame(9, &produce(topic, 0, -1, batch(&[b"last"]))));
    client.stream.write_all(&bytes).unwrap();
    for n in 0..1500 {
        let (correlation_id, answer) = client.receive_any::<ProduceRequest>(9);
        assert_eq!(correlation_id, n + 1);
        assert_eq!(produced(&answer), (0, i64::from(n / 3)));
    }
    // What stands between sees all that stands before it, and nothing that stands behind it.
    let (correlation_id, answer) = client.receive_any::<ListOffsetsRequest>(1);
    assert_eq!(correlation_id, 1501);
    assert_eq!(answer.topics[0].partitions[0].offset, 500);
    assert_eq!(produced(&client.receive::<ProduceRequest>(9)), (0, 500));
}

#[test]
fn without_acknowledgement_there_is_no_answer_and_an_error_ends_the_connection() {
    let started = start();
    started.topic("t", 1);
    let topic = topic(&started, "t");
    let mut client = started.client();
    client.send(9, &produce(topic, 0, 0, batch(&[b"a"])));
    let answer = client.call(9, &produce(topic, 0, -1, batch(&[b"b"])));
    assert_eq!(produced(&answer), (0, 1));
    client.send(9, &produce(topic, 0, -1, batch(&[b"c"])));
    client.send(9, &produce(("missing", NO_ID), 0, 0, batch(&[b"d"])));
    // What was before the error is answered yet.
    assert_eq!(produced(&client.receive_any::<ProduceRequest>(9).1), (0, 2));
    assert_eq!(client.read_to_end(), b"");
    assert!(started.log().contains("acks=0"), "{}", started.log());
}

#[test]
fn errors_are_told_for_each_partition() {
    let started = start();
    started.topic("t", 1);
    let topic = topic(&started, "t");
    let mut client = started.client();
    let mut damaged = batch(&[b"a"]).to_vec();
    *damaged.last_mut().unwrap() ^= 1;
    let mut old = batch(&[b"a"]).to_vec();
    old[16] = 1;
    for (request, version, expected) in [
        (produce(("missing", NO_ID), 0, -1, batch(&[b"a"])), 9, UNKNOWN_TOPIC),
        (produce(("", [7; 16]), 0, -1, batch(&[b"a"])), 13, 100),
        (produce(topic, 1, -1, batch(&[b"a"])), 9, UNKNOWN_TOPIC),
        (produce(topic, -1, -1, batch(&[b"a"])), 9, UNKNOWN_TOPIC),
        (produce(topic, 0, 2, batch(&[b"a"])), 9, 21),
        (produce(topic, 0, -1, damaged.into()), 9, 2),
        (produce(topic, 0, -1, old.into()), 9, 43),
        (produce(topic, 0, 1, Bytes::new()), 9, 2),
        (produce(topic, 0, -1, batch(&[&[0; 1_100_000]])), 9, 10),
    ] {
        let answer = client.call(version, &request);
        assert_eq!(produced(&answer), (expected, -1), "{answer:?}");
        let message = &answer.responses[0].partition_responses[0].error_message;
        assert!(message.is_some(), "{answer:?}");
    }
    let answer = client.call(9, &produce(topic, 0, -1, batch(&[b"good"])));
    assert_eq!(produced(&answer), (0, 0));

    for (request, version, expected) in [
        (fetch(("missing", NO_ID), &[(0, 0)], 10_000), 12, UNKNOWN_TOPIC),
        (fetch(("", [7; 16]), &[(0, 0)], 10_000), 13, 100),
        (fetch(topic, &[(9, 0)], 10_000), 12, UNKNOWN_TOPIC),
        (fetch(topic, &[(0, 2)], 10_000), 12, 1),
        (fetch(topic, &[(0, -1)], 10_000), 12, 1),
    ] {
        let began = Instant::now();
        let answer = client.call(version, &request);
        assert_eq!(fetched(&answer), [(expected, vec![])]);
        assert!(began.elapsed() < PATIENCE / 5, "an error has to be told at once");
    }
    let answer = client.call(13, &fetch(("", [7; 16]), &[(0, 0)], 10_000));
    assert_eq!(answer.responses[0].topic_id.into_bytes(), [7; 16], "the ID is echoed");
}

#[test]
fn leader_epochs_and_fetch_sessions_are_checked() {
    let started = start();
    started.topic("t", 1);
    let topic = topic(&started, "t");
    let mut client = started.client();
    let epoch = i32::try_from(started.broker.leader_epoch()).unwrap();
    for (known, expected) in [(epoch - 1, 74), (epoch + 1, 75), (epoch, 0), (-1, 0)] {
        let mut request = fetch(topic, &[(0, 0)], 0);
        request.topics[0].partitions[0].current_leader_epoch = known;
        assert_eq!(fetched(&client.call(12, &request)), [(expected, vec![])]);
        let mut request = list_offsets(0, -1);
        request.topics[0].partitions[0].current_leader_epoch = known;
        assert_eq!(client.call(4, &request).topics[0].partitions[0].error_code, expected);
    }
    for (session, session_epoch, expected) in [(5, 1, 70), (5, -1, 70), (0, 3, 71), (0, 0, 0)] {
        let mut request = fetch(topic, &[(0, 0)], 0);
        request.session_id = session;
        request.session_epoch = session_epoch;
        let answer = client.call(12, &request);
        assert_eq!((answer.error_code, answer.session_id), (expected, 0));
    }
}

#[test]
fn a_long_poll_is_woken_by_what_it_waits_for() {
    let started = start_with(|config| config.threads = 2.try_into().unwrap());
    started.topic("t", 3);
    let topic = topic(&started, "t");
    for acks in [1, -1] {
        let mut consumers: Vec<Client> = (0..4).map(|_| started.client()).collect();
        let end = if acks == 1 { 0 } else { 1 };
        for consumer in &mut consumers {
            let minutes = 600_000;
            consumer.send(12, &fetch(topic, &[(0, 0), (1, 0), (2, end)], minutes));
            // It is still the broker's turn, and another client is served meanwhile.
        }
        let mut producer = started.client();
        let answer = producer.call(9, &produce(topic, 2, acks, batch(&[b"news"])));
        assert_eq!(produced(&answer), (0, end));
        for consumer in &mut consumers {
            let answer = consumer.receive::<FetchRequest>(12);
            let news = (0, vec![b"news".to_vec()]);
            assert_eq!(fetched(&answer), [(0, vec![]), (0, vec![]), news]);
        }
    }
}

#[test]
fn a_long_poll_waits_for_as_many_bytes_as_it_asks_for() {
    let started = start();
    started.topic("t", 2);
    let topic = topic(&started, "t");
    let mut consumer = started.client();
    let mut request = fetch(topic, &[(0, 0), (1, 0)], 600_000);
    let one = batch(&[b"a record"]);
    request.min_bytes = i32::try_from(one.len()).unwrap() * 3;
    consumer.send(12, &request);
    let mut producer = started.client();
    for partition in [0, 1, 0] {
        producer.call(9, &produce(topic, partition, -1, one.clone()));
    }
    let counts: Vec<usize> = fetched(&consumer.receive::<FetchRequest>(12))
        .iter()
        .map(|(_, values)| values.len())
        .collect();
    assert_eq!(counts, [2, 1]);
}

#[test]
fn a_long_poll_ends_in_time_and_when_its_topic_is_deleted() {
    let started = start();
    started.topic("t", 1);
    let topic = topic(&started, "t");
    let mut client = started.client();
    assert_eq!(fetched(&client.call(12, &fetch(topic, &[(0, 0)], 30))), [(0, vec![])]);
    client.send(12, &fetch(topic, &[(0, 0)], 600_000));
    // Another connection of the same client works meanwhile.
    started.client().check_alive();
    started.broker.delete_topic("t").unwrap();
    assert_eq!(fetched(&client.receive::<FetchRequest>(12)), [(UNKNOWN_TOPIC, vec![])]);
}

#[test]
fn records_are_read_while_more_are_written_behind_them() {
    let started = start_with(|config| config.threads = 2.try_into().unwrap());
    started.topic("t", 1);
    let topic = topic(&started, "t");
    let count = 2000_usize;
    let address = started.address();
    let consumers: Vec<_> = (0..2)
        .map(|_| {
            std::thread::spawn(move || {
                let mut client = Client::connect(address);
                let mut seen = 0;
                while seen < count {
                    let offset = i64::try_from(seen).unwrap();
                    let answer = client.call(12, &fetch(topic, &[(0, offset)], 10_000));
                    let [(error, values)] = &fetched(&answer)[..] else { panic!("{answer:?}") };
                    assert_eq!(*error, 0, "at {seen}");
                    seen += values.len();
                }
                seen
            })
        })
        .collect();
    let mut producer = started.client();
    for n in 0..count {
        let acks = if n % 2 == 0 { 1 } else { -1 };
        producer.send(9, &produce(topic, 0, acks, batch(&[b"a record"])));
    }
    for consumer in consumers {
        assert_eq!(consumer.join().unwrap(), count);
    }
}

#[test]
fn only_the_first_batch_of_an_answer_may_be_above_the_limits() {
    let started = start();
    started.topic("t", 2);
    let topic = topic(&started, "t");
    let mut client = started.client();
    for partition in [0, 0, 1] {
        client.call(9, &produce(topic, partition, -1, batch(&[&[1; 5000]])));
    }
    for (whole, each) in [(10, 1 << 20), (1 << 20, 10), (0, 0)] {
        let mut request = fetch(topic, &[(0, 0), (1, 0)], 10_000);
        request.max_bytes = whole;
        for partition in &mut request.topics[0].partitions {
            partition.partition_max_bytes = each;
        }
        let counts: Vec<usize> =
            fetched(&client.call(12, &request)).iter().map(|(_, values)| values.len()).collect();
        assert_eq!(counts, [1, 0], "max_bytes {whole}, partition_max_bytes {each}");
    }
}

#[test]
fn metadata_names_the_broker_and_its_topics() {
    let started = start_with(|config| config.advertised = Some(("kafka.example".to_owned(), 0)));
    started.topic("b", 2);
    started.topic("a", 1);
    let port = i32::from(started.address().port());
    let mut client = started.client();
    let named = |name: &str| {
        let topic = MetadataRequestTopic::default().with_name(Some(topic_name(name)));
        MetadataRequest::default().with_topics(Some(vec![topic]))
    };
    for version in 0..=13 {
        let all = if version == 0 { Some(vec![]) } else { None };
        let answer = client.call(version, &MetadataRequest::default().with_topics(all));
        let broker = &answer.brokers[0];
        let address = (broker.node_id, broker.host.to_string(), broker.port);
        assert_eq!(address, (1.into(), "kafka.example".to_owned(), port));
        if version >= 1 {
            assert_eq!(answer.controller_id, 1);
        }
        if version >= 2 {
            assert_eq!(answer.cluster_id.as_ref().unwrap().len(), 22);
        }
        let names: Vec<String> =
            answer.topics.iter().map(|topic| topic.name.as_ref().unwrap().to_string()).collect();
        assert_eq!(names, ["a", "b"]);
        let partition = &answer.topics[1].partitions[1];
        assert_eq!((partition.partition_index, partition.leader_id), (1, 1.into()));
        if version >= 1 {
            let none = MetadataRequest::default().with_topics(Some(vec![]));
            assert!(client.call(version, &none).topics.is_empty());
        }
        let created = client.call(version, &named(&format!("new{version}")));
        assert_eq!((created.topics[0].error_code, created.topics[0].partitions.len()), (0, 1));
        let wrong = client.call(version, &named("not a name"));
        assert_eq!(wrong.topics[0].error_code, 17);
        started.broker.delete_topic(&format!("new{version}")).unwrap();
    }
    let request = named("missing").with_allow_auto_topic_creation(false);
    assert_eq!(client.call(4, &request).topics[0].error_code, UNKNOWN_TOPIC);

    let by_id = |id: [u8; 16]| {
        let id = hex(id).parse().unwrap();
        let topic = MetadataRequestTopic::default().with_topic_id(id).with_name(None);
        MetadataRequest::default().with_topics(Some(vec![topic]))
    };
    let found = client.call(12, &by_id(started.topic_id("b")));
    assert_eq!(found.topics[0].name, Some(topic_name("b")));
    let missing = client.call(12, &by_id([9; 16]));
    assert_eq!(missing.topics[0].error_code, 100);
    assert_eq!(missing.topics[0].topic_id.into_bytes(), [9; 16]);
}

#[test]
fn offsets_are_found_by_time() {
    let started = start();
    started.topic("t", 1);
    let topic = topic(&started, "t");
    let mut client = started.client();
    for _ in 0..2 {
        client.call(9, &produce(topic, 0, -1, batch(&[b"a", b"b"])));
    }
    for version in 1..=10 {
        for (time, offset, timestamp) in [
            (-1, 4, -1),
            (-2, 0, -1),
            (-3, 0, 1_700_000_000_000),
            (1_600_000_000_000, 0, 1_700_000_000_000),
            (1_800_000_000_000, -1, -1),
        ] {
            let answer = client.call(version, &list_offsets(0, time));
            let found = &answer.topics[0].partitions[0];
            assert_eq!(
                (found.error_code, found.offset, found.timestamp),
                (0, offset, timestamp),
                "{time} in version {version}"
            );
        }
        let missing = client.call(version, &list_offsets(7, -1));
        assert_eq!(missing.topics[0].partitions[0].error_code, UNKNOWN_TOPIC);
    }
}

#[test]
fn every_producer_gets_an_id_of_its_own() {
    let started = start();
    let mut client = started.client();
    let mut ids = Vec::new();
    for version in 0..=5 {
        let request = InitProducerIdRequest::default().with_transactional_id(None);
        let answer = client.call(version, &request);
        assert_eq!((answer.error_code, answer.producer_epoch), (0, 0));
        ids.push(answer.producer_id.0);
        let request = InitProducerIdRequest::default()
            .with_transactional_id(Some(text("t").into()))
            .with_transaction_timeout_ms(1000);
        assert_eq!(client.call(version, &request).error_code, 53);
    }
    ids.dedup();
    assert_eq!(ids.len(), 6);
}

fn list_offsets(partition: i32, time: i64) -> ListOffsetsRequest {
    let partition =
        ListOffsetsPartition::default().with_partition_index(partition).with_timestamp(time);
    let topic =
        ListOffsetsTopic::default().with_name(topic_name("t")).with_partitions(vec![partition]);
    ListOffsetsRequest::default().with_replica_id((-1).into()).with_topics(vec![topic])
}
