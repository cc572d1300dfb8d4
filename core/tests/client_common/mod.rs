//! A broker that clients can be opened on in both ways: in this process, and over a socket.

#![allow(dead_code, reason = "every test uses a part of this")]
#![allow(clippy::unwrap_used, reason = "a test fails by a panic")]

pub(crate) mod disk;
pub(crate) mod proxy;

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use minka::batch::compression::decompress;
use minka::batch::header::{BatchHeader, HEADER_BYTES};
use minka::batch::records::Records;
use minka::client::{Codec, Target};
use minka::clock::SystemClock;
use minka::engine::NewTopic;
use minka::limits::DECOMPRESSED_BYTES_MAX;
use minka::state::topic_config::TopicConfig;
use minka::sys::event_log::{EventLog, FILE_BYTES_DEFAULT, Level};
use minka::{Broker, Config, Server, ServerConfig};
use tempfile::TempDir;

use disk::{Gate, stopping_disk};
use proxy::Proxy;

/// Nothing takes that long; a test that waits longer fails instead of hanging.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Which way a client takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    InProcess,
    Socket,
}

/// A broker, its door if it has one, and its directory.
pub(crate) struct Bed {
    pub(crate) way: Way,
    pub(crate) broker: Arc<Broker>,
    server: Option<Server>,
    address: Option<SocketAddr>,
    config: Config,
    directory: TempDir,
}

/// A record, as the engine has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stored {
    pub(crate) offset: u64,
    pub(crate) timestamp: i64,
    pub(crate) key: Option<Vec<u8>>,
    pub(crate) value: Option<Vec<u8>>,
    pub(crate) headers: Vec<(Vec<u8>, Option<Vec<u8>>)>,
}

impl Bed {
    pub(crate) fn new(way: Way) -> Self {
        Self::with(way, |_| {})
    }

    pub(crate) fn with(way: Way, change: impl FnOnce(&mut Config)) -> Self {
        let directory = TempDir::new().unwrap();
        let mut config =
            Config { group_initial_rebalance_delay: Duration::ZERO, ..Config::default() };
        change(&mut config);
        let broker = open(directory.path(), &config);
        let server = (way == Way::Socket).then(|| serve(&broker, 0, None));
        let address = server.as_ref().map(Server::kafka_address);
        Self { way, broker, server, address, config, directory }
    }

    /// A broker on a disk that can be stopped.
    pub(crate) fn on_stopping_disk(way: Way) -> (Self, Arc<Gate>) {
        let directory = TempDir::new().unwrap();
        let (disk, gate) = stopping_disk(directory.path());
        let config = Config::default();
        let broker = Broker::open_on(
            disk,
            Arc::new(SystemClock::default()),
            config.clone(),
            events(directory.path()),
        );
        let broker = Arc::new(broker.unwrap());
        let server = (way == Way::Socket).then(|| serve(&broker, 0, None));
        let address = server.as_ref().map(Server::kafka_address);
        (Self { way, broker, server, address, config, directory }, gate)
    }

    /// A broker whose clients come through a proxy that cuts their connections.
    pub(crate) fn behind_proxy(seed: u64) -> (Self, Proxy) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let directory = TempDir::new().unwrap();
        let config = Config::default();
        let broker = open(directory.path(), &config);
        let server = serve(&broker, 0, Some(listener.local_addr().unwrap()));
        let address = server.kafka_address();
        let proxy = Proxy::start(listener, address, seed);
        let (server, address) = (Some(server), Some(proxy.address()));
        (Self { way: Way::Socket, broker, server, address, config, directory }, proxy)
    }

    /// What a client is opened on.
    pub(crate) fn target(&self) -> Target {
        match self.address {
            Some(address) => address.to_string().into(),
            None => (&self.broker).into(),
        }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address.unwrap()
    }

    /// Ends door and broker.
    pub(crate) fn stop(&mut self) {
        drop(self.server.take());
        self.broker.close().unwrap();
    }

    /// Opens broker and door again, on the same data and port.
    pub(crate) fn start(&mut self) {
        self.broker = open(self.directory.path(), &self.config);
        self.server = self.address.map(|address| serve(&self.broker, address.port(), None));
    }

    /// What broker.log says.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.directory.path().join("broker.log")).unwrap()
    }

    pub(crate) fn topic(&self, name: &str, partitions: u32) {
        self.topic_with(name, partitions, TopicConfig::default());
    }

    pub(crate) fn topic_with(&self, name: &str, partitions: u32, config: TopicConfig) {
        let new = NewTopic { name: name.to_owned(), partitions: Some(partitions), config };
        self.broker.create_topics(&[new], false).remove(0).unwrap();
    }

    /// All records of a partition.
    pub(crate) fn stored(&self, topic: &str, partition: i32) -> Vec<Stored> {
        self.batches(topic, partition).into_iter().flat_map(|(_, records)| records).collect()
    }

    /// All values of a partition, as text.
    pub(crate) fn values(&self, topic: &str, partition: i32) -> Vec<String> {
        let value = |record: Stored| String::from_utf8(record.value.unwrap()).unwrap();
        self.stored(topic, partition).into_iter().map(value).collect()
    }

    /// All batches of a partition: how they are compressed, and their records.
    pub(crate) fn batches(&self, topic: &str, partition: i32) -> Vec<(Codec, Vec<Stored>)> {
        let live = self.broker.topic(topic).unwrap();
        let partition = live.partition(partition).unwrap();
        let mut batches = Vec::new();
        let mut offset = partition.log_start();
        while offset < partition.high_watermark() {
            let mut pieces = Vec::new();
            self.broker.read(partition, offset, 1 << 20, true, &mut pieces).unwrap();
            for piece in pieces {
                let bytes = piece.read().unwrap();
                let mut rest = &bytes[..];
                while !rest.is_empty() {
                    let header = BatchHeader::parse(rest).unwrap();
                    let (batch, after) = rest.split_at(header.size());
                    batches.push((header.codec().unwrap(), records(&header, batch)));
                    offset = header.last_offset() as u64 + 1;
                    rest = after;
                }
            }
        }
        batches
    }
}

fn records(header: &BatchHeader, batch: &[u8]) -> Vec<Stored> {
    let section = &batch[HEADER_BYTES..];
    let plain = match header.codec().unwrap() {
        Codec::None => section.to_vec(),
        codec => decompress(codec, section, DECOMPRESSED_BYTES_MAX).unwrap(),
    };
    let owned = |bytes: Option<&[u8]>| bytes.map(<[u8]>::to_vec);
    let records = Records::new(&plain, header.record_count).map(|record| {
        let record = record.unwrap();
        Stored {
            offset: (header.base_offset + i64::from(record.offset_delta)) as u64,
            timestamp: header.base_timestamp + record.timestamp_delta,
            key: owned(record.key),
            value: owned(record.value),
            headers: record.headers.map(|h| (h.key.to_vec(), owned(h.value))).collect(),
        }
    });
    records.collect()
}

fn events(directory: &Path) -> Arc<EventLog> {
    Arc::new(EventLog::open(directory, Level::Debug, FILE_BYTES_DEFAULT, 1).unwrap())
}

fn open(directory: &Path, config: &Config) -> Arc<Broker> {
    Arc::new(Broker::open(directory, config.clone(), events(directory)).unwrap())
}

fn serve(broker: &Arc<Broker>, port: u16, advertised: Option<SocketAddr>) -> Server {
    let config = ServerConfig {
        listen: ("127.0.0.1".to_owned(), port),
        advertised: advertised.map(|address| (address.ip().to_string(), address.port())),
        ..ServerConfig::default()
    };
    Server::start(broker.clone(), config).unwrap()
}

/// Runs each scene in both ways.
#[macro_export]
macro_rules! scenes {
    ($($scene:ident),* $(,)?) => {
        mod in_process {
            $( #[test] fn $scene() { super::$scene($crate::client_common::Way::InProcess); } )*
        }
        mod over_a_socket {
            $( #[test] fn $scene() { super::$scene($crate::client_common::Way::Socket); } )*
        }
    };
}
