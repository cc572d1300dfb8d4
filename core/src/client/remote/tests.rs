//! Connections and clusters against a broker's door, and against peers that misbehave.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use super::cluster::{Cluster, ClusterOptions};
use super::connection::Connection;
use crate::client::backoff::Backoff;
use crate::engine::{Broker, Config};
use crate::error::{Error, ErrorKind};
use crate::server::{Server, ServerConfig};
use crate::sys::event_log::{EventLog, FILE_BYTES_DEFAULT, Level};
use crate::wire::kafka::ApiKey;
use crate::wire::kafka::find_coordinator::GROUP;
use crate::wire::kafka::metadata::{MetadataRequest, MetadataRequestTopic, MetadataResponse};

struct Started {
    server: Server,
    _directory: tempfile::TempDir,
}

fn start(auto_create_topics: bool) -> Started {
    let directory = tempfile::tempdir().unwrap();
    let events = EventLog::open(directory.path(), Level::Debug, FILE_BYTES_DEFAULT, 1).unwrap();
    let config = Config { auto_create_topics, ..Config::default() };
    let broker = Broker::open(directory.path(), config, Arc::new(events)).unwrap();
    let config = ServerConfig { listen: ("127.0.0.1".to_owned(), 0), ..ServerConfig::default() };
    Started { server: Server::start(Arc::new(broker), config).unwrap(), _directory: directory }
}

impl Started {
    fn address(&self) -> String {
        self.server.kafka_address().to_string()
    }

    fn cluster(&self) -> Cluster {
        Cluster::new(&self.address(), options()).unwrap()
    }
}

fn options() -> ClusterOptions {
    ClusterOptions {
        client_id: "test".to_owned(),
        create_topics: true,
        request_timeout: Duration::from_secs(30),
        backoff: Backoff::new(Duration::from_millis(1), Duration::from_millis(10)),
        credentials: None,
    }
}

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(30)
}

fn ask_about<'a>(name: &'a str) -> MetadataRequest<'a> {
    let topic = MetadataRequestTopic { name: Some(name), ..Default::default() };
    MetadataRequest { topics: Some(vec![topic]), ..MetadataRequest::default() }
}

/// A peer that gives its connections to `behave`, one after another. Leaves with the test.
fn peer(mut behave: impl FnMut(std::net::TcpStream) + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    thread::spawn(move || listener.incoming().flatten().for_each(&mut behave));
    address
}

fn opened(address: &str) -> Error {
    Connection::open(address, "test", soon()).unwrap_err()
}

#[test]
fn answers_come_in_the_order_of_their_requests() {
    let started = start(true);
    let mut connection = Connection::open(&started.address(), "test", soon()).unwrap();
    assert!(connection.stream().nodelay().unwrap());
    let version = connection.version(ApiKey::Metadata, i16::MAX).unwrap();
    assert_eq!(version, 13);
    assert_eq!(connection.version(ApiKey::Metadata, 4).unwrap(), 4);
    let error = connection.version(ApiKey::Metadata, -1).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    let names = ["a", "b", "c"];
    let sent = names.map(|name| connection.send(version, &ask_about(name)).unwrap());
    for (name, sent) in names.iter().zip(sent) {
        let frame = connection.receive(soon()).unwrap();
        assert_eq!(frame.correlation_id(), sent);
        let answer = MetadataResponse::decode(&mut frame.reader(), version).unwrap();
        assert_eq!(answer.topics[0].name.as_deref(), Some(*name));
        let borrowed = answer.topics[0].name.as_ref().unwrap().as_bytes();
        assert_eq!(frame.part(borrowed), name.as_bytes());
    }
}

#[test]
fn a_wait_that_finds_nothing_does_no_harm_and_a_deadline_does() {
    let started = start(true);
    let mut connection = Connection::open(&started.address(), "test", soon()).unwrap();
    assert!(connection.receive_until(Instant::now()).unwrap().is_none());
    connection.call(12, &ask_about("a"), soon()).unwrap();
    let error = connection.receive(Instant::now()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert!(connection.is_broken());
    let error = connection.call(12, &ask_about("a"), soon()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Network);
}

#[test]
fn a_broker_that_goes_breaks_the_connection() {
    let started = start(true);
    let mut connection = Connection::open(&started.address(), "test", soon()).unwrap();
    drop(started);
    let error = connection.receive(soon()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Network);
    assert!(connection.is_broken());
}

#[test]
fn a_peer_that_speaks_something_else_is_refused() {
    let other = |answer: &'static [u8]| {
        peer(move |mut stream| {
            let mut request = [0; 64];
            let _ = stream.read(&mut request);
            let _ = stream.write_all(answer);
        })
    };
    let error = opened(&other(b"HTTP/1.1 400 Bad Request\r\n\r\n"));
    assert!(error.to_string().contains("Kafka protocol"), "{error}");
    // 100 MiB are announced and never come: refused at the end, and nothing reserved for it.
    assert_eq!(opened(&other(&[6, 0, 0, 0, 1])).kind(), ErrorKind::Network);
    // An answer to another request, and one that ends in its middle.
    assert_eq!(opened(&other(&[0, 0, 0, 4, 0, 0, 0, 9])).kind(), ErrorKind::Network);
    assert_eq!(opened(&other(&[0, 0, 0, 5, 0, 0, 0, 0, 0])).kind(), ErrorKind::InvalidRequest);
}

#[test]
fn a_broker_that_does_not_know_our_version_is_asked_by_its_own() {
    let address = peer(|mut stream| {
        let mut answers: [&[u8]; 2] = [
            // Error 35 in the layout of version 0, and the one entry: ApiVersions 0 to 1.
            &[0, 0, 0, 16, 0, 0, 0, 0, 0, 35, 0, 0, 0, 1, 0, 18, 0, 0, 0, 1],
            // By version 1: no error, Metadata 0 to 5, no throttling.
            &[0, 0, 0, 20, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1, 0, 3, 0, 0, 0, 5, 0, 0, 0, 0],
        ];
        for (answer, version) in answers.iter_mut().zip([3, 1]) {
            let mut length = [0; 4];
            stream.read_exact(&mut length).unwrap();
            let mut request = vec![0; u32::from_be_bytes(length) as usize];
            stream.read_exact(&mut request).unwrap();
            assert_eq!(request[..4], [0, 18, 0, version]);
            stream.write_all(answer).unwrap();
        }
    });
    let connection = Connection::open(&address, "test", soon()).unwrap();
    assert_eq!(connection.version(ApiKey::Metadata, 12).unwrap(), 5);
    let error = connection.version(ApiKey::Produce, 12).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
}

#[test]
fn a_cluster_tells_topics_leaders_and_coordinators() {
    let started = start(true);
    let cluster = started.cluster();
    assert_eq!(cluster.cached("a"), None);
    let topic = cluster.topic("a", soon()).unwrap();
    assert_eq!((&*topic.name, topic.partitions.len()), ("a", 1));
    assert!(!topic.id.is_zero());
    let leader = topic.partitions[0].unwrap();
    assert_eq!(cluster.cached("a"), Some(topic.clone()));
    cluster.forget("a");
    assert_eq!(cluster.cached("a"), None);
    assert_eq!(cluster.refresh(&["a"], soon()).unwrap().remove(0).unwrap(), topic);
    assert_eq!(cluster.coordinator(GROUP, "group", soon()).unwrap(), leader);
    let mut connection = cluster.connect_node(leader, soon()).unwrap();
    connection.call(12, &ask_about("a"), soon()).unwrap();
    let error = cluster.connect_node(leader + 1, soon()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::BrokerUnavailable);
}

#[test]
fn an_unknown_topic_is_an_error_where_none_is_created() {
    let started = start(false);
    let options = ClusterOptions { create_topics: false, ..options() };
    let cluster = Cluster::new(&started.address(), options).unwrap();
    let error = cluster.topic("a", soon()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnknownTopicOrPartition);
    let error = cluster.topic("not a name", soon()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidTopic);
}

#[test]
fn a_lost_connection_is_opened_again() {
    let started = start(true);
    let gone = peer(drop);
    let bootstrap = format!("{gone}, {}", started.address());
    let cluster = Cluster::new(&bootstrap, options()).unwrap();
    cluster.topic("a", soon()).unwrap();
    let address = started.server.kafka_address();
    let Started { server, _directory } = started;
    drop(server);
    let events = EventLog::open(_directory.path(), Level::Debug, FILE_BYTES_DEFAULT, 1).unwrap();
    let broker = Broker::open(_directory.path(), Config::default(), Arc::new(events)).unwrap();
    let listen = (address.ip().to_string(), address.port());
    let config = ServerConfig { listen, ..ServerConfig::default() };
    let _server = Server::start(Arc::new(broker), config).unwrap();
    cluster.topic("b", soon()).unwrap();
}

#[test]
fn no_broker_is_an_error_when_the_time_is_up_or_the_client_closes() {
    // Nobody listens where a listener has just been.
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let cluster = Cluster::new(&address, options()).unwrap();
    let deadline = Instant::now() + Duration::from_millis(50);
    let error = cluster.topic("a", deadline).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::BrokerUnavailable);
    let waiting = thread::spawn({
        let cluster = cluster.clone();
        move || cluster.topic("a", soon()).unwrap_err()
    });
    cluster.stop();
    assert_eq!(waiting.join().unwrap().kind(), ErrorKind::Closed);
}

#[test]
fn what_is_no_address_is_refused() {
    for text in ["", "host", "host:", ":9092", "host:0", "host:99999", "a:1,b"] {
        let error = Cluster::new(text, options()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidConfig, "{text}");
    }
    assert!(Cluster::new("a:1, [::1]:2", options()).is_ok());
}
