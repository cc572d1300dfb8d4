//! What strangers send to the Kafka door, and many of them at once.

mod server_common;

use std::io::{Read, Write};
use std::num::NonZeroUsize;
use std::time::Duration;

use kafka_protocol::messages::{ApiVersionsRequest, FetchRequest, MetadataRequest, ProduceRequest};
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use server_common::{Client, batch, fetch, fetched, produce, produced, start, start_with};

/// A request for metadata of version 0, but with another key and version.
fn request_with(client: &mut Client, key: i16, version: i16) -> Vec<u8> {
    let mut frame = client.frame(0, &MetadataRequest::default().with_topics(Some(vec![])));
    frame[4..6].copy_from_slice(&key.to_be_bytes());
    frame[6..8].copy_from_slice(&version.to_be_bytes());
    frame
}

#[test]
fn what_is_no_kafka_is_closed_with_a_line_that_says_why() {
    let started = start();
    let mut frame = started.client();
    let cases: [(Vec<u8>, &str); 11] = [
        (b"GET / HTTP/1.1\r\nHost: a\r\n\r\n".to_vec(), "speaks HTTP"),
        (vec![0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3], "speaks TLS"),
        (vec![0x7f, 0xff, 0xff, 0xff], "2147483647 bytes"),
        (vec![0x80, 0, 0, 0], "-2147483648 bytes"),
        (vec![0xff; 100], "-1 bytes"),
        (vec![0, 0, 0, 0], "cannot be read"),
        (vec![0, 0, 0, 3, 0, 3, 0], "cannot be read"),
        (request_with(&mut frame, 4, 0), "no API has the key 4"),
        (request_with(&mut frame, 21, 0), "no API has the key 21"),
        (request_with(&mut frame, 3, 99), "Metadata version 99 is not supported"),
        (request_with(&mut frame, 0, 2), "Produce version 2 is not supported"),
    ];
    for (bytes, reason) in cases {
        let mut client = started.client();
        let peer = client.stream.local_addr().unwrap();
        client.stream.write_all(&bytes).unwrap();
        assert_eq!(client.read_to_end(), b"", "{reason}");
        // The log limits how many such lines there are in a second, so not each is there.
        let log = started.log();
        if let Some(line) = log.lines().find(|line| line.contains(&peer.to_string())) {
            assert!(line.contains(reason), "{line}");
        }
    }
    assert!(started.log().contains("speaks HTTP"), "{}", started.log());
    frame.check_alive();
}

#[test]
fn half_a_request_and_silence_are_closed() {
    let started = start_with(|config| config.idle_timeout = Duration::from_millis(500));
    let mut half = started.client();
    half.stream.write_all(&[0, 0, 1, 0, 0, 18]).unwrap();
    half.half_close();
    assert_eq!(half.read_to_end(), b"");
    assert!(started.log().contains("in the middle of a request"), "{}", started.log());

    let mut silent = started.client();
    assert_eq!(silent.read_to_end(), b"");
    let mut slow = started.client();
    slow.check_alive();
    slow.stream.write_all(&[0, 0]).unwrap();
    assert_eq!(slow.read_to_end(), b"");
    assert!(started.log().contains("connections.max.idle.ms"), "{}", started.log());

    // A client that waits for records is not idle.
    started.topic("t", 1);
    let topic = ("t", started.topic_id("t"));
    let mut waiting = started.client();
    assert_eq!(fetched(&waiting.call(12, &fetch(topic, &[(0, 0)], 1000))), [(0, vec![])]);
}

#[test]
fn what_came_before_a_mistake_is_answered() {
    let started = start();
    started.topic("t", 1);
    let topic = ("t", started.topic_id("t"));
    let mut client = started.client();
    let mut bytes = client.frame(9, &produce(topic, 0, -1, batch(&[b"a"])));
    bytes.extend(client.frame(9, &produce(topic, 0, -1, batch(&[b"b"]))));
    bytes.extend(request_with(&mut client, 77, 0));
    client.stream.write_all(&bytes).unwrap();
    for n in 0..2 {
        assert_eq!(produced(&client.receive_any::<ProduceRequest>(9).1), (0, n));
    }
    assert_eq!(client.read_to_end(), b"");

    // A client that sends no more is answered yet.
    let mut client = started.client();
    client.send(9, &produce(topic, 0, -1, batch(&[b"c"])));
    client.half_close();
    assert_eq!(produced(&client.receive::<ProduceRequest>(9)), (0, 2));
    assert_eq!(client.read_to_end(), b"");
}

#[test]
fn damaged_requests_do_no_harm() {
    let started = start();
    started.topic("t", 1);
    let topic = ("t", started.topic_id("t"));
    let mut random = SmallRng::seed_from_u64(7);
    let mut client = started.client();
    let good = [
        client.frame(9, &produce(topic, 0, -1, batch(&[b"a"]))),
        client.frame(12, &fetch(topic, &[(0, 0)], 0)),
        client.frame(4, &fetch(topic, &[(0, 0)], 0)),
        client.frame(12, &MetadataRequest::default()),
        client.frame(3, &ApiVersionsRequest::default()),
    ];
    for round in 0..400 {
        let mut bytes = good[round % good.len()].clone();
        for _ in 0..random.random_range(1..4) {
            // Not the length: that would only be a request that never ends.
            let at = random.random_range(4..bytes.len());
            bytes[at] = random.random();
        }
        let mut client = started.client();
        client.stream.write_all(&bytes).unwrap();
        client.half_close();
        client.read_to_end();
    }
    client.check_alive();
}

#[test]
fn a_slow_reader_stalls_nobody() {
    let started = start_with(|config| config.threads = NonZeroUsize::MIN);
    started.topic("t", 1);
    let topic = ("t", started.topic_id("t"));
    let mut producer = started.client();
    // Small batches are sent from memory, and large ones from the file.
    for size in [100, 20_000, 3, 900_000].repeat(3) {
        let answer = producer.call(9, &produce(topic, 0, -1, batch(&[&vec![1; size]])));
        assert_eq!(produced(&answer).0, 0);
    }
    let mut slow = started.client();
    let requests = 40;
    for _ in 0..requests {
        slow.send(12, &fetch(topic, &[(0, 0)], 10_000));
    }
    // Nothing of that is read yet, far more than the sockets can hold is to be sent, and the
    // only thread serves others.
    for n in 12..100 {
        let answer = producer.call(9, &produce(topic, 0, -1, batch(&[b"small"])));
        assert_eq!(produced(&answer), (0, n));
    }
    let mut first = None;
    for _ in 0..requests {
        let answer = fetched(&slow.receive_any::<FetchRequest>(12).1);
        assert!(!answer[0].1.is_empty());
        let first = first.get_or_insert(answer.clone());
        assert!(answer == *first, "an answer is not like the first one");
    }
}

#[test]
fn a_flood_of_requests_whose_answers_nobody_reads_is_held_back() {
    let started = start_with(|config| config.threads = NonZeroUsize::MIN);
    for n in 0..100 {
        started.topic(&format!("a-topic-with-a-name-of-some-length-{n}"), 10);
    }
    let mut flood = started.client();
    let frame = flood.frame(12, &MetadataRequest::default().with_topics(None));
    flood.stream.set_write_timeout(Some(Duration::from_millis(500))).unwrap();
    let mut written = 0;
    // The broker stops reading some time; 40 MB of answers belong to each MB of requests.
    while written < 64 << 20 {
        match flood.stream.write(&frame) {
            Ok(bytes) => written += bytes,
            Err(_) => break,
        }
    }
    assert!(written < 64 << 20, "the broker reads without end");
    started.client().check_alive();
}

#[test]
fn many_connections_are_served_and_too_many_refused() {
    let started = start_with(|config| {
        config.connections_max = 120;
        config.threads = NonZeroUsize::new(3).unwrap();
    });
    started.topic("t", 1);
    let topic = ("t", started.topic_id("t"));
    let mut clients: Vec<Client> = (0..120).map(|_| started.client()).collect();
    for client in &mut clients {
        client.check_alive();
    }
    let mut refused = started.client();
    assert_eq!(refused.read_to_end(), b"");
    assert!(started.log().contains("max.connections"), "{}", started.log());
    for client in &mut clients[..60] {
        client.send(12, &fetch(topic, &[(0, 0)], 600_000));
    }
    for client in &mut clients[60..] {
        client.send(9, &produce(topic, 0, -1, batch(&[b"a"])));
    }
    let mut offsets: Vec<i64> = clients[60..]
        .iter_mut()
        .map(|client| produced(&client.receive::<ProduceRequest>(9)).1)
        .collect();
    offsets.sort_unstable();
    assert!(offsets.into_iter().eq(0..60));
    for client in &mut clients[..60] {
        let answer = fetched(&client.receive::<FetchRequest>(12));
        assert!(answer[0].0 == 0 && !answer[0].1.is_empty(), "{answer:?}");
    }
    // The place of one that went is free for another.
    clients.pop();
    loop {
        let mut next = started.client();
        let frame = next.frame(0, &ApiVersionsRequest::default());
        let mut byte = [0];
        let sent = next.stream.write_all(&frame);
        if sent.is_ok() && next.stream.read(&mut byte).is_ok_and(|bytes| bytes == 1) {
            break;
        }
    }
}

#[test]
fn closing_ends_all_connections_and_can_be_repeated() {
    let started = start();
    started.topic("t", 1);
    let topic = ("t", started.topic_id("t"));
    let mut waiting = started.client();
    waiting.send(12, &fetch(topic, &[(0, 0)], 600_000));
    let mut idle = started.client();
    idle.check_alive();
    let address = started.address();
    started.server.close();
    started.server.close();
    assert_eq!(waiting.read_to_end(), b"");
    assert_eq!(idle.read_to_end(), b"");
    assert!(std::net::TcpStream::connect(address).is_err(), "somebody still listens");
}

#[test]
fn addresses_that_cannot_be_are_explained() {
    let started = start();
    let taken = started.address().port();
    let config = |host: &str, port| minka::ServerConfig {
        listen: (host.to_owned(), port),
        ..minka::ServerConfig::default()
    };
    let start = |config| minka::Server::start(started.broker.clone(), config);
    let error = start(config("127.0.0.1", taken)).unwrap_err();
    assert_eq!(error.kind(), minka::ErrorKind::Network);
    assert!(error.to_string().contains(&format!("127.0.0.1:{taken}")), "{error}");
    let error = start(config("no-such-host.invalid", 0)).unwrap_err();
    assert_eq!(error.kind(), minka::ErrorKind::Network);
    let error = start(config("0.0.0.0", 0)).unwrap_err();
    assert_eq!(error.kind(), minka::ErrorKind::InvalidConfig);
    // A second door to the same broker, by a name.
    let second = start(config("localhost", 0)).unwrap();
    Client::connect(second.kafka_address()).check_alive();
}
