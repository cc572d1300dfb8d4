//! A broker with a Kafka door, and a client that speaks through another codec.

#![allow(dead_code, reason = "every test uses a part of this")]
#![allow(clippy::unwrap_used, reason = "a test fails by a panic")]

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use kafka_protocol::messages::{
    ApiKey, ApiVersionsRequest, FetchRequest, FetchResponse, ProduceRequest, ProduceResponse,
    RequestHeader, ResponseHeader, TopicName, fetch_request, produce_request,
};
use kafka_protocol::protocol::{Decodable, Encodable, HeaderVersion, Request, StrBytes};
use minka::batch::builder::BatchBuilder;
use minka::batch::compression::Codec;
use minka::batch::header::BatchHeader;
use minka::batch::records::Records;
use minka::state::topic_config::TopicConfig;
use minka::sys::event_log::{EventLog, FILE_BYTES_DEFAULT, Level};
use minka::{Broker, Config, Server, ServerConfig};
use tempfile::TempDir;

/// Nothing takes that long; a test that waits longer fails instead of hanging.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// A broker, its door and its directory.
pub(crate) struct Started {
    pub(crate) server: Server,
    pub(crate) broker: Arc<Broker>,
    pub(crate) directory: TempDir,
}

/// A connection of a client.
pub(crate) struct Client {
    pub(crate) stream: TcpStream,
    correlation_id: i32,
}

pub(crate) fn start() -> Started {
    start_with(|_| {})
}

pub(crate) fn start_with(change: impl FnOnce(&mut ServerConfig)) -> Started {
    let directory = TempDir::new().unwrap();
    let events = EventLog::open(directory.path(), Level::Debug, FILE_BYTES_DEFAULT, 1).unwrap();
    let config = Config { group_initial_rebalance_delay: Duration::ZERO, ..Config::default() };
    let broker = Broker::open(directory.path(), config, Arc::new(events)).unwrap();
    let broker = Arc::new(broker);
    let mut config =
        ServerConfig { listen: ("127.0.0.1".to_owned(), 0), ..ServerConfig::default() };
    change(&mut config);
    let server = Server::start(broker.clone(), config).unwrap();
    Started { server, broker, directory }
}

impl Started {
    pub(crate) fn address(&self) -> SocketAddr {
        self.server.kafka_address()
    }

    pub(crate) fn client(&self) -> Client {
        Client::connect(self.address())
    }

    /// Creates a topic without a client.
    pub(crate) fn topic(&self, name: &str, partitions: u32) {
        let new = minka::engine::NewTopic {
            name: name.to_owned(),
            partitions: Some(partitions),
            config: TopicConfig::default(),
        };
        for result in self.broker.create_topics(&[new], false) {
            result.unwrap();
        }
    }

    pub(crate) fn topic_id(&self, name: &str) -> [u8; 16] {
        self.broker.topic(name).unwrap().topic.id
    }

    /// What broker.log says.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.directory.path().join("broker.log")).unwrap()
    }
}

impl Client {
    pub(crate) fn connect(address: SocketAddr) -> Self {
        Self::over(TcpStream::connect(address).unwrap())
    }

    pub(crate) fn over(stream: TcpStream) -> Self {
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream, correlation_id: 0 }
    }

    /// Sends a request and waits for its answer.
    pub(crate) fn call<R: Request>(&mut self, version: i16, request: &R) -> R::Response {
        self.send(version, request);
        self.receive::<R>(version)
    }

    /// Sends a request.
    pub(crate) fn send<R: Request>(&mut self, version: i16, request: &R) {
        let frame = self.frame(version, request);
        self.stream.write_all(&frame).unwrap();
    }

    /// The bytes of a request, with its length.
    pub(crate) fn frame<R: Request>(&mut self, version: i16, request: &R) -> Vec<u8> {
        self.correlation_id += 1;
        let header = RequestHeader::default()
            .with_request_api_key(R::KEY)
            .with_request_api_version(version)
            .with_correlation_id(self.correlation_id)
            .with_client_id(Some(text("test")));
        let mut body = BytesMut::new();
        let header_version = ApiKey::try_from(R::KEY).unwrap().request_header_version(version);
        header.encode(&mut body, header_version).unwrap();
        request.encode(&mut body, version).unwrap();
        let mut frame = i32::try_from(body.len()).unwrap().to_be_bytes().to_vec();
        frame.extend_from_slice(&body);
        frame
    }

    /// Waits for the answer to the last request.
    pub(crate) fn receive<R: Request>(&mut self, version: i16) -> R::Response {
        let (correlation_id, answer) = self.receive_any::<R>(version);
        assert_eq!(correlation_id, self.correlation_id);
        answer
    }

    /// Waits for an answer. Returns whose it is, too.
    pub(crate) fn receive_any<R: Request>(&mut self, version: i16) -> (i32, R::Response) {
        let mut bytes = self.receive_frame();
        let header_version = R::Response::header_version(version);
        let header = ResponseHeader::decode(&mut bytes, header_version).unwrap();
        let answer = R::Response::decode(&mut bytes, version).unwrap();
        assert!(bytes.is_empty(), "{} bytes are left over", bytes.len());
        (header.correlation_id, answer)
    }

    /// Waits for the bytes of an answer, without its length.
    pub(crate) fn receive_frame(&mut self) -> Bytes {
        let mut length = [0; 4];
        self.stream.read_exact(&mut length).unwrap();
        let mut bytes = vec![0; usize::try_from(i32::from_be_bytes(length)).unwrap()];
        self.stream.read_exact(&mut bytes).unwrap();
        bytes.into()
    }

    /// Waits until the broker closes the connection. Returns what it sent before.
    pub(crate) fn read_to_end(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        match self.stream.read_to_end(&mut bytes) {
            Ok(_) => bytes,
            Err(error) if error.kind() == ErrorKind::ConnectionReset => bytes,
            Err(error) => panic!("the broker did not close the connection: {error}"),
        }
    }

    pub(crate) fn half_close(&self) {
        self.stream.shutdown(Shutdown::Write).unwrap();
    }

    /// Sends something else and sees that the connection works.
    pub(crate) fn check_alive(&mut self) {
        let answer = self.call(0, &ApiVersionsRequest::default());
        assert_eq!(answer.error_code, 0);
    }
}

pub(crate) fn text(text: &str) -> StrBytes {
    StrBytes::from_string(text.to_owned())
}

pub(crate) fn topic_name(name: &str) -> TopicName {
    text(name).into()
}

/// A batch of records with these values.
pub(crate) fn batch(values: &[&[u8]]) -> Bytes {
    let mut builder = BatchBuilder::new();
    for value in values {
        builder.append(1_700_000_000_000, None, Some(value), &[]).unwrap();
    }
    Bytes::copy_from_slice(builder.finish(Codec::None).unwrap())
}

/// The values of records in batches.
pub(crate) fn values(mut batches: &[u8]) -> Vec<Vec<u8>> {
    let mut values = Vec::new();
    while !batches.is_empty() {
        let header = BatchHeader::parse(batches).unwrap();
        let (batch, rest) = batches.split_at(header.size());
        for record in Records::new(&batch[61..], header.record_count) {
            values.push(record.unwrap().value.unwrap().to_vec());
        }
        batches = rest;
    }
    values
}

/// A Produce request for one partition. From version 13 on the topic is named by its ID.
pub(crate) fn produce(
    topic: (&str, [u8; 16]),
    partition: i32,
    acks: i16,
    records: Bytes,
) -> ProduceRequest {
    let data = produce_request::PartitionProduceData::default()
        .with_index(partition)
        .with_records(Some(records));
    let topic = produce_request::TopicProduceData::default()
        .with_name(topic_name(topic.0))
        .with_topic_id(hex(topic.1).parse().unwrap())
        .with_partition_data(vec![data]);
    ProduceRequest::default().with_acks(acks).with_timeout_ms(10_000).with_topic_data(vec![topic])
}

/// Error and base offset of the one partition of an answer.
pub(crate) fn produced(answer: &ProduceResponse) -> (i16, i64) {
    let partition = &answer.responses[0].partition_responses[0];
    (partition.error_code, partition.base_offset)
}

/// A Fetch request for some partitions and offsets of one topic.
pub(crate) fn fetch(
    topic: (&str, [u8; 16]),
    partitions: &[(i32, i64)],
    max_wait_ms: i32,
) -> FetchRequest {
    let partitions = partitions.iter().map(|&(partition, offset)| {
        fetch_request::FetchPartition::default()
            .with_partition(partition)
            .with_fetch_offset(offset)
            .with_partition_max_bytes(1 << 20)
    });
    let topic = fetch_request::FetchTopic::default()
        .with_topic(topic_name(topic.0))
        .with_topic_id(hex(topic.1).parse().unwrap())
        .with_partitions(partitions.collect());
    FetchRequest::default()
        .with_replica_id((-1).into())
        .with_max_wait_ms(max_wait_ms)
        .with_min_bytes(1)
        .with_max_bytes(50 << 20)
        .with_session_epoch(-1)
        .with_topics(vec![topic])
}

/// Error and records of every partition of an answer.
pub(crate) fn fetched(answer: &FetchResponse) -> Vec<(i16, Vec<Vec<u8>>)> {
    let partitions = answer.responses.iter().flat_map(|topic| &topic.partitions);
    partitions
        .map(|partition| {
            let records = partition.records.as_ref().expect("records are never null");
            (partition.error_code, values(records))
        })
        .collect()
}

/// A topic's ID, as text that the other codec reads.
pub(crate) fn hex(id: [u8; 16]) -> String {
    id.iter().map(|byte| format!("{byte:02x}")).collect()
}
