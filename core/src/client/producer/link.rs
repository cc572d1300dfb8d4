//! The way to one broker: its connection, and the requests that are under way on it.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use mio::{Interest, Registry, Token};

use super::batch::Batch;
use super::delivery::Fate;
use super::verdict::{Verdict, judge};
use crate::client::backoff::Backoff;
use crate::client::config::ProducerConfig;
use crate::client::remote::connection::Connection;
use crate::engine::Acks;
use crate::error::{Error, ErrorKind, Result};
use crate::wire::kafka::ApiKey;
use crate::wire::kafka::produce::{
    ProducePartition, ProduceRequest, ProduceResponse, ProduceTopic,
};

/// The newest version that is spoken: later ones name topics by ID, and tell nothing more.
const PRODUCE_MAX: i16 = 12;
/// The first version with zstd.
const ZSTD_FROM: i16 = 7;
/// How many requests may be under way: what a broker remembers of an idempotent producer.
pub(super) const REQUESTS_MAX: usize = 5;

/// A broker that leads partitions.
#[derive(Debug)]
pub(super) struct Link {
    open: Option<Open>,
    /// Whether somebody is connecting.
    pub(super) connecting: bool,
    /// No connection is tried before.
    pub(super) retry_at: Option<Instant>,
    pub(super) backoff: Backoff,
    requests: VecDeque<InFlight>,
    /// Sent without an answer to come, until the socket has taken them.
    unanswered: Vec<Batch>,
}

#[derive(Debug)]
struct Open {
    connection: Connection,
    /// The same socket, as the poller knows it.
    _polled: mio::net::TcpStream,
    version: i16,
}

/// A request that is not answered.
#[derive(Debug)]
struct InFlight {
    correlation_id: i32,
    sent: Instant,
    batches: Vec<Batch>,
}

impl Link {
    pub(super) fn new(backoff: Backoff) -> Self {
        Self {
            open: None,
            connecting: false,
            retry_at: None,
            backoff,
            requests: VecDeque::new(),
            unanswered: Vec::new(),
        }
    }

    pub(super) fn is_open(&self) -> bool {
        self.open.is_some()
    }

    /// Whether nothing is under way.
    pub(super) fn is_idle(&self) -> bool {
        self.requests.is_empty() && self.unanswered.is_empty()
    }

    /// Whether another request may be sent.
    pub(super) fn has_room(&self) -> bool {
        self.open.is_some() && self.requests.len() < REQUESTS_MAX && self.unanswered.is_empty()
    }

    /// When the broker has to have answered.
    pub(super) fn due(&self, timeout: Duration) -> Option<Instant> {
        self.requests.front().map(|request| request.sent + timeout)
    }

    /// Takes a new connection into use.
    pub(super) fn opened(
        &mut self,
        mut connection: Connection,
        registry: &Registry,
        token: Token,
        config: &ProducerConfig,
    ) -> Result<()> {
        let version = connection.version(ApiKey::Produce, PRODUCE_MAX)?;
        let zstd = config.compression == crate::batch::compression::Codec::Zstd;
        if zstd && version < ZSTD_FROM {
            let text = "the broker is too old for zstd: choose another compression";
            return Err(Error::new(ErrorKind::Unsupported, text));
        }
        connection.set_nonblocking()?;
        let doing = |error: io::Error| Error::network("watching a connection", error);
        let stream = connection.stream().try_clone().map_err(doing)?;
        let mut polled = mio::net::TcpStream::from_std(stream);
        let interest = Interest::READABLE | Interest::WRITABLE;
        registry.register(&mut polled, token, interest).map_err(doing)?;
        self.open = Some(Open { connection, _polled: polled, version });
        self.retry_at = None;
        Ok(())
    }

    /// Sends batches in one request; those that cannot be encoded end in `over`.
    pub(super) fn send(
        &mut self,
        mut batches: Vec<Batch>,
        config: &ProducerConfig,
        over: &mut Vec<(Batch, Fate)>,
    ) -> Result<()> {
        batches.sort_by(|a, b| a.slot.topic().cmp(b.slot.topic()));
        let names = batches.iter().map(|batch| (batch.slot.topic().clone(), batch.slot.index()));
        let names: Vec<(Arc<str>, i32)> = names.collect();
        let mut topics: Vec<ProduceTopic<'_>> = Vec::new();
        let mut failed = Vec::new();
        for (at, (batch, (name, index))) in batches.iter_mut().zip(&names).enumerate() {
            batch.attempts += 1;
            let records = match batch.finish(config.compression) {
                Ok(bytes) => Some(bytes),
                Err(error) => {
                    failed.push((at, error));
                    continue;
                }
            };
            let partition = ProducePartition { index: *index, records };
            match topics.last_mut().filter(|topic| topic.name == &**name) {
                Some(topic) => topic.partitions.push(partition),
                None => topics.push(ProduceTopic {
                    name,
                    partitions: vec![partition],
                    ..ProduceTopic::default()
                }),
            }
        }
        let posted = self.post(topics, config);
        for (at, error) in failed.into_iter().rev() {
            over.push((batches.remove(at), Fate::Failed(error)));
        }
        match posted {
            Ok(Some(correlation_id)) => {
                let sent = Instant::now();
                self.requests.push_back(InFlight { correlation_id, sent, batches });
            }
            // They go back with everything else if the connection has failed.
            Ok(None) | Err(_) => self.unanswered.extend(batches),
        }
        posted.map(drop)?;
        self.push(over)
    }

    /// Puts a request into the connection. The ID of its answer, if there is to be one.
    fn post(
        &mut self,
        topics: Vec<ProduceTopic<'_>>,
        config: &ProducerConfig,
    ) -> Result<Option<i32>> {
        let Some(open) = self.open.as_mut().filter(|_| !topics.is_empty()) else {
            return Ok(None);
        };
        let acks = match config.acks {
            Acks::None => 0,
            Acks::Written => 1,
            Acks::Synced => -1,
        };
        let request = ProduceRequest {
            transactional_id: None,
            acks,
            timeout_ms: i32::try_from(config.request_timeout.as_millis()).unwrap_or(i32::MAX),
            topics,
        };
        let correlation_id = open.connection.post(open.version, &request, acks != 0)?;
        Ok((acks != 0).then_some(correlation_id))
    }

    /// Sends what the socket takes. What was to be sent without an answer is then over.
    pub(super) fn push(&mut self, over: &mut Vec<(Batch, Fate)>) -> Result<()> {
        let Some(open) = &mut self.open else {
            return Ok(());
        };
        if open.connection.push()? {
            let sent = || Fate::Stored { base_offset: None, first_id: None, append_time: -1 };
            over.extend(self.unanswered.drain(..).map(|batch| (batch, sent())));
        }
        Ok(())
    }

    /// Reads the answers that have arrived, and gives each batch with what it means.
    pub(super) fn receive(&mut self, mut each: impl FnMut(Batch, Verdict)) -> Result<()> {
        while let Some(open) = &mut self.open {
            let version = open.version;
            let Some(frame) = open.connection.receive_until(Instant::now())? else {
                break;
            };
            let answer = ProduceResponse::decode(&mut frame.reader(), version)?;
            let request = self.requests.pop_front_if(|oldest| {
                // The connection has checked the order already.
                oldest.correlation_id == frame.correlation_id()
            });
            let partitions = answer.responses.iter().flat_map(|topic| {
                let name = &*topic.name;
                topic.partitions.iter().map(move |partition| ((name, partition.index), partition))
            });
            let partitions: HashMap<_, _> = partitions.collect();
            for batch in request.into_iter().flat_map(|request| request.batches) {
                let topic = batch.slot.topic().clone();
                let verdict = match partitions.get(&(&*topic, batch.slot.index())) {
                    Some(answer) => judge(&topic, answer, batch.stamp.is_some(), batch.attempts),
                    None => Verdict::left_out(&topic),
                };
                each(batch, verdict);
            }
        }
        Ok(())
    }

    /// Gives up the connection. Returns the batches whose fate nobody knows.
    pub(super) fn close(&mut self) -> Vec<Batch> {
        self.open = None;
        let requests = self.requests.drain(..).flat_map(|request| request.batches);
        requests.chain(self.unanswered.drain(..)).collect()
    }
}
