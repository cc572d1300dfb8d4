//! A Kafka client that does what is to be measured and nothing else.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::thread;

use minka::limits::FRAME_BYTES_MAX;
use minka::wire::kafka::field::Message;
use minka::wire::kafka::frame::{next_frame, write_request};
use minka::wire::kafka::header::ResponseHeader;
use minka::wire::kafka::produce::{
    ProducePartition, ProduceRequest, ProduceResponse, ProduceTopic,
};
use minka::wire::kafka::{ApiKey, Reader};

use crate::Outcome;

/// The version of Produce requests; that of most clients.
pub(crate) const PRODUCE_VERSION: i16 = 11;

/// A connection to a broker.
#[derive(Debug)]
pub(crate) struct Client {
    stream: TcpStream,
    inbox: Inbox,
}

/// What has arrived.
#[derive(Debug)]
struct Inbox {
    bytes: Vec<u8>,
    start: usize,
    end: usize,
}

/// Produce requests as they go over the wire, and how many of them there are.
#[derive(Debug, Clone)]
pub(crate) struct Requests {
    bytes: Vec<u8>,
    count: usize,
}

impl Client {
    pub(crate) fn connect(address: SocketAddr) -> Outcome<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, inbox: Inbox { bytes: vec![0; 1 << 20], start: 0, end: 0 } })
    }

    /// Sends a request and gives its answer to `read`, without the header.
    pub(crate) fn call<M: Message, T>(
        &mut self,
        version: i16,
        request: &M,
        read: impl FnOnce(&mut Reader<'_>) -> Outcome<T>,
    ) -> Outcome<T> {
        let mut out = Vec::new();
        write_request(&mut out, version, 0, Some("minka-bench"), request)?;
        self.stream.write_all(&out)?;
        let frame = self.inbox.frame(&mut self.stream)?;
        let mut reader = Reader::new(frame);
        ResponseHeader::decode(&mut reader, M::API, version)?;
        read(&mut reader)
    }

    /// Sends `requests` again and again, `times` in all, while it reads the answers, of which
    /// none may be an error.
    pub(crate) fn produce(&mut self, requests: &Requests, times: usize) -> Outcome<()> {
        let mut stream = self.stream.try_clone()?;
        thread::scope(|scope| {
            let sender = scope.spawn(move || -> Outcome<()> {
                for _ in 0..times {
                    stream.write_all(&requests.bytes)?;
                }
                Ok(())
            });
            for _ in 0..times * requests.count {
                check(self.inbox.frame(&mut self.stream)?)?;
            }
            sender.join().map_err(|_| "the sender panicked")?
        })
    }
}

impl Requests {
    /// `count` requests to append `batch` to partition 0 of `topic`.
    pub(crate) fn new(topic: &str, acks: i16, batch: &[u8], count: usize) -> Outcome<Self> {
        let request = ProduceRequest {
            transactional_id: None,
            acks,
            timeout_ms: 30_000,
            topics: vec![ProduceTopic {
                name: topic,
                partitions: vec![ProducePartition { index: 0, records: Some(batch) }],
                ..ProduceTopic::default()
            }],
        };
        let mut bytes = Vec::new();
        for id in (0..).take(count) {
            write_request(&mut bytes, PRODUCE_VERSION, id, Some("minka-bench"), &request)?;
        }
        Ok(Self { bytes, count })
    }

    pub(crate) fn count(&self) -> usize {
        self.count
    }

    /// How many bytes they are.
    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }
}

/// Fails where the answer to a Produce request has an error.
fn check(frame: &[u8]) -> Outcome<()> {
    let mut reader = Reader::new(frame);
    ResponseHeader::decode(&mut reader, ApiKey::Produce, PRODUCE_VERSION)?;
    let answer = ProduceResponse::decode(&mut reader, PRODUCE_VERSION)?;
    for partition in answer.responses.iter().flat_map(|topic| &topic.partitions) {
        refuse(partition.error_code, partition.error_message.as_deref())?;
    }
    Ok(())
}

/// An error code other than 0 as an error.
pub(crate) fn refuse(code: i16, message: Option<&str>) -> Outcome<()> {
    match code {
        0 => Ok(()),
        _ => Err(format!("the broker refuses with {code}: {}", message.unwrap_or("")).into()),
    }
}

impl Inbox {
    /// The next frame's content.
    fn frame(&mut self, stream: &mut TcpStream) -> Outcome<&[u8]> {
        loop {
            let held = &self.bytes[self.start..self.end];
            if let Some(range) = next_frame(held, FRAME_BYTES_MAX)? {
                let (from, to) = (self.start + range.start, self.start + range.end);
                self.start = to;
                return Ok(&self.bytes[from..to]);
            }
            self.bytes.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
            if self.end == self.bytes.len() {
                self.bytes.resize(self.bytes.len() * 2, 0);
            }
            match stream.read(&mut self.bytes[self.end..])? {
                0 => return Err("the broker closed the connection".into()),
                length => self.end += length,
            }
        }
    }
}
