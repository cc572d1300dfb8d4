//! A broker that a consumer is tested on, in this process and behind an address.

#![allow(dead_code, reason = "every test uses a part of this")]
#![allow(clippy::unwrap_used, reason = "a test fails by a panic")]

pub(crate) mod fake;

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use bytes::Bytes;
use minka::batch::Codec;
use minka::batch::builder::BatchBuilder;
use minka::client::{Consumer, ConsumerConfig, Records, StartAt, Target};
use minka::engine::{Acks, Produce};
use minka::state::topic_config::TopicConfig;
use minka::sys::event_log::{EventLog, FILE_BYTES_DEFAULT, Level};
use minka::{Broker, Config, Result, Server, ServerConfig};
use tempfile::TempDir;

/// Nothing takes that long; a test that waits longer fails instead of hanging.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);
/// The timestamp of the first record; each one after it is a second later.
pub(crate) const TIME: i64 = 1_700_000_000_000;

/// A broker, and how a consumer is to reach it.
pub(crate) struct World {
    directory: TempDir,
    running: Mutex<Option<Running>>,
    proxy: Option<Proxy>,
    change: fn(&mut Config),
}

struct Running {
    broker: Arc<Broker>,
    server: Option<Server>,
}

impl World {
    /// A broker in this process.
    pub(crate) fn in_process() -> Self {
        Self::new(None, |_| {})
    }

    /// A broker behind an address that stays the same when it is started again.
    pub(crate) fn over_tcp() -> Self {
        Self::new(Some(Proxy::start()), |_| {})
    }

    /// The same with other settings of the broker.
    pub(crate) fn with(self, change: fn(&mut Config)) -> Self {
        self.stop();
        Self::new(self.proxy, change)
    }

    fn new(proxy: Option<Proxy>, change: fn(&mut Config)) -> Self {
        let directory = TempDir::new().unwrap();
        let world = Self { directory, running: Mutex::default(), proxy, change };
        world.start();
        world
    }

    pub(crate) fn start(&self) {
        let events =
            EventLog::open(self.directory.path(), Level::Debug, FILE_BYTES_DEFAULT, 1).unwrap();
        let mut config = Config {
            segment_bytes: 1 << 20,
            group_consumer_heartbeat_interval: Duration::from_millis(20),
            ..Config::default()
        };
        (self.change)(&mut config);
        let broker = Broker::open(self.directory.path(), config, Arc::new(events)).unwrap();
        let broker = Arc::new(broker);
        let server = self.proxy.as_ref().map(|proxy| {
            let local = "127.0.0.1".to_owned();
            let config = ServerConfig {
                listen: (local.clone(), 0),
                advertised: Some((local, proxy.address.port())),
                ..ServerConfig::default()
            };
            let server = Server::start(broker.clone(), config).unwrap();
            proxy.lead_to(Some(server.kafka_address()));
            server
        });
        *self.running.lock().unwrap() = Some(Running { broker, server });
    }

    /// Ends the broker, with all connections.
    pub(crate) fn stop(&self) {
        if let Some(proxy) = &self.proxy {
            proxy.lead_to(None);
        }
        let running = self.running.lock().unwrap().take().unwrap();
        drop(running.server);
        running.broker.close().unwrap();
    }

    pub(crate) fn is_remote(&self) -> bool {
        self.proxy.is_some()
    }

    pub(crate) fn broker(&self) -> Arc<Broker> {
        self.running.lock().unwrap().as_ref().unwrap().broker.clone()
    }

    pub(crate) fn target(&self) -> Target {
        match &self.proxy {
            Some(proxy) => Target::from(proxy.address.to_string()),
            None => Target::from(self.broker()),
        }
    }

    /// Leads all connections to nowhere, and new ones too, until `on` again.
    pub(crate) fn reachable(&self, on: bool) {
        let running = self.running.lock().unwrap();
        let server = running.as_ref().unwrap().server.as_ref().unwrap();
        self.proxy.as_ref().unwrap().lead_to(on.then(|| server.kafka_address()));
    }

    /// Ends all connections. The next ones work.
    pub(crate) fn cut_connections(&self) {
        self.proxy.as_ref().unwrap().cut();
    }

    pub(crate) fn topic(&self, name: &str, partitions: u32) {
        let new = minka::engine::NewTopic {
            name: name.to_owned(),
            partitions: Some(partitions),
            config: TopicConfig::default(),
        };
        for result in self.broker().create_topics(&[new], false) {
            result.unwrap();
        }
    }

    pub(crate) fn consumer(&self) -> Consumer {
        self.consumer_with(|_| {})
    }

    pub(crate) fn consumer_with(&self, change: impl FnOnce(&mut ConsumerConfig)) -> Consumer {
        let mut config = config();
        change(&mut config);
        Consumer::open(self.target(), config).unwrap()
    }

    /// A consumer that reads partition 0 of a topic.
    pub(crate) fn reader(&self, topic: &str, at: StartAt) -> Consumer {
        let mut consumer = self.consumer();
        consumer.assign(&[(topic, 0, at)]).unwrap();
        consumer
    }

    /// Appends records with these values to a partition as one batch. Returns the first offset.
    pub(crate) fn produce(&self, topic: &str, partition: i32, values: &[&str]) -> u64 {
        let values: Vec<_> = values.iter().map(|value| value.as_bytes()).collect();
        self.produce_batch(topic, partition, batch(&values, Codec::None)).unwrap()
    }

    pub(crate) fn produce_batch(&self, topic: &str, partition: i32, batch: Bytes) -> Result<u64> {
        let broker = self.broker();
        let live = broker.topic(topic).unwrap();
        let appended = broker.produce(Produce {
            partition: live.partition(partition).unwrap(),
            topic: &live,
            batch,
            acks: Acks::Synced,
            zstd_allowed: true,
        })?;
        Ok(appended.base_offset)
    }
}

/// Settings with which tests do not wait for long.
pub(crate) fn config() -> ConsumerConfig {
    ConsumerConfig {
        retry_backoff_min: Duration::from_millis(5),
        retry_backoff_max: Duration::from_millis(50),
        ..ConsumerConfig::default()
    }
}

/// A batch of records with these values, with keys and headers, a second after each other.
pub(crate) fn batch(values: &[&[u8]], codec: Codec) -> Bytes {
    let mut builder = BatchBuilder::new();
    let header = minka::batch::Header { key: b"h", value: Some(b"x") };
    for (number, value) in (0..).zip(values) {
        builder.append(TIME + 1000 * number, Some(b"key"), Some(value), &[header]).unwrap();
    }
    Bytes::copy_from_slice(builder.finish(codec).unwrap())
}

/// What a test looks at of a record.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Seen {
    pub(crate) partition: u32,
    pub(crate) offset: u64,
    pub(crate) value: String,
}

pub(crate) fn seen(records: &Records) -> Vec<Seen> {
    let seen = |record: minka::client::Record<'_>| Seen {
        partition: record.partition,
        offset: record.offset,
        value: String::from_utf8_lossy(record.value.unwrap_or_default()).into_owned(),
    };
    records.iter().map(seen).collect()
}

/// Polls until there are `count` records.
pub(crate) fn take(consumer: &mut Consumer, count: usize) -> Vec<Seen> {
    let deadline = Instant::now() + PATIENCE;
    let mut all = Vec::new();
    while all.len() < count {
        assert!(Instant::now() < deadline, "only {} of {count} records came", all.len());
        all.extend(seen(&consumer.poll(Duration::from_secs(1)).unwrap()));
    }
    assert_eq!(all.len(), count, "{all:?}");
    all
}

/// Polls until there are `count` records, and returns their values.
pub(crate) fn values(consumer: &mut Consumer, count: usize) -> Vec<String> {
    take(consumer, count).into_iter().map(|seen| seen.value).collect()
}

/// Polls until `done`, and returns everything that came.
pub(crate) fn poll_until(
    consumer: &mut Consumer,
    mut done: impl FnMut(&Consumer) -> bool,
) -> Vec<Seen> {
    let deadline = Instant::now() + PATIENCE;
    let mut all = Vec::new();
    while !done(consumer) {
        assert!(Instant::now() < deadline, "what was waited for did not come");
        all.extend(seen(&consumer.poll(Duration::from_millis(20)).unwrap()));
    }
    all
}

/// An address that leads to a broker, or to none.
pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    shared: Arc<ProxyShared>,
}

#[derive(Default)]
struct ProxyShared {
    upstream: Mutex<Option<SocketAddr>>,
    open: Mutex<Vec<TcpStream>>,
}

impl Proxy {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(ProxyShared::default());
        let theirs = shared.clone();
        thread::spawn(move || {
            for client in listener.incoming() {
                let Some(upstream) = *theirs.upstream.lock().unwrap() else { continue };
                if let (Ok(client), Ok(server)) = (client, TcpStream::connect(upstream)) {
                    theirs.join(client, server).unwrap();
                }
            }
        });
        Self { address, shared }
    }

    fn lead_to(&self, upstream: Option<SocketAddr>) {
        *self.shared.upstream.lock().unwrap() = upstream;
        if upstream.is_none() {
            self.cut();
        }
    }

    fn cut(&self) {
        for stream in self.shared.open.lock().unwrap().drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

impl ProxyShared {
    fn join(&self, client: TcpStream, server: TcpStream) -> io::Result<()> {
        client.set_nodelay(true)?;
        server.set_nodelay(true)?;
        let mut open = self.open.lock().unwrap();
        open.extend([client.try_clone()?, server.try_clone()?]);
        let (client2, server2) = (client.try_clone()?, server.try_clone()?);
        thread::spawn(move || copy(client, server));
        thread::spawn(move || copy(server2, client2));
        Ok(())
    }
}

fn copy(mut from: TcpStream, mut to: TcpStream) {
    let mut buffer = vec![0; 64 << 10];
    while let Ok(read @ 1..) = from.read(&mut buffer) {
        if to.write_all(&buffer[..read]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Both);
    let _ = from.shutdown(Shutdown::Both);
}
