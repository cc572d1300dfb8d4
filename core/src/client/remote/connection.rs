//! One connection to one broker, over which requests follow each other without waiting.

use std::collections::VecDeque;
use std::io::{self, ErrorKind as IoKind, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::{Duration, Instant};

use bytes::BytesMut;

pub(crate) use super::frame::Frame;
use crate::error::{Error, ErrorKind, Result};
use crate::limits::FRAME_BYTES_MAX;
use crate::wire::kafka::api_versions::{
    ApiVersion, ApiVersionsRequest, ApiVersionsResponse, MINKA,
};
use crate::wire::kafka::field::Message;
use crate::wire::kafka::frame::{next_frame, write_request};
use crate::wire::kafka::{ApiKey, ErrorCode};

/// The version of ApiVersions that is tried first; every broker can answer it.
const API_VERSIONS: i16 = 3;
/// How much is asked of the operating system at once, so that a broker that announces a large
/// frame and sends nothing costs no more than this.
const READ_BYTES_MAX: usize = 256 << 10;
/// What is asked for while nothing is known of the next frame.
const READ_BYTES_MIN: usize = 8 << 10;
/// How long a broker may take no bytes at all before the connection is given up.
const WRITE_TIMEOUT: Duration = Duration::from_secs(30);

/// A connection to a broker. Answers come in the order of the requests.
///
/// After an error it [is broken](Self::is_broken), except where a method says otherwise: nobody
/// knows then where in the stream the next answer begins.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: TcpStream,
    address: String,
    client_id: String,
    versions: Vec<ApiVersion>,
    next_correlation_id: i32,
    /// The requests that are not answered, oldest first.
    expected: VecDeque<(i32, ApiKey, i16)>,
    /// Bytes that have arrived, up to `filled`; zeros behind.
    inbox: BytesMut,
    filled: usize,
    /// Bytes to send, from `sent` on.
    outbox: Vec<u8>,
    sent: usize,
    broken: bool,
}

impl Connection {
    /// Connects to `host:port` and asks what the broker speaks.
    ///
    /// All addresses of the host are tried, until `deadline`; the name service may take longer.
    pub(crate) fn open(address: &str, client_id: &str, deadline: Instant) -> Result<Self> {
        let stream = connect(address, deadline)?;
        let mut connection = Self {
            stream,
            address: address.to_owned(),
            client_id: client_id.to_owned(),
            versions: Vec::new(),
            next_correlation_id: 0,
            expected: VecDeque::new(),
            inbox: BytesMut::new(),
            filled: 0,
            outbox: Vec::new(),
            sent: 0,
            broken: false,
        };
        connection.ask_versions(deadline)?;
        Ok(connection)
    }

    /// The highest version of `api`, up to `ours_max`, that both sides speak;
    /// [`ErrorKind::Unsupported`] if there is none. The connection stays good.
    pub(crate) fn version(&self, api: ApiKey, ours_max: i16) -> Result<i16> {
        let (ours_min, known_max) = api.accepted();
        let theirs = self.versions.iter().find(|theirs| theirs.api_key == api.key());
        let version = theirs.and_then(|theirs| {
            let version = theirs.max_version.min(ours_max).min(known_max);
            (version >= theirs.min_version && version >= ours_min).then_some(version)
        });
        version.ok_or_else(|| {
            Error::new(
                ErrorKind::Unsupported,
                format!(
                    "the broker at {} does not speak {api} in a version that minka knows \
                     ({ours_min} to {}): use a newer broker",
                    self.address,
                    ours_max.min(known_max)
                ),
            )
        })
    }

    /// Sends a request, and returns the correlation ID of its answer.
    pub(crate) fn send<M: Message>(&mut self, version: i16, request: &M) -> Result<i32> {
        let correlation_id = self.enqueue(version, request)?;
        self.expected.push_back((correlation_id, M::API, version));
        self.send_all()?;
        Ok(correlation_id)
    }

    /// Waits for the next answer. A deadline that passes is [`ErrorKind::Timeout`].
    pub(crate) fn receive(&mut self, deadline: Instant) -> Result<Frame> {
        match self.receive_until(deadline)? {
            Some(frame) => Ok(frame),
            None => Err(self.fail(Error::new(
                ErrorKind::Timeout,
                format!("the broker at {} did not answer in time", self.address),
            ))),
        }
    }

    /// Waits for the next answer; `None` if the deadline passes, after which the connection is as
    /// good as before.
    pub(crate) fn receive_until(&mut self, deadline: Instant) -> Result<Option<Frame>> {
        self.check()?;
        loop {
            if let Some(frame) = self.take_frame()? {
                return Ok(Some(frame));
            }
            let left = deadline.saturating_duration_since(Instant::now());
            // A timeout of zero would mean none.
            let timeout = left.max(Duration::from_micros(1));
            let read = self.stream.set_read_timeout(Some(timeout)).and_then(|()| self.fill());
            match read {
                Ok(()) => {}
                Err(error) if error.kind() == IoKind::Interrupted => {}
                Err(error) if is_not_yet(&error) && left.is_zero() => return Ok(None),
                Err(error) if is_not_yet(&error) => {}
                Err(error) => return Err(self.lost(error)),
            }
        }
    }

    /// Sends a request and waits for its answer. No other may be under way.
    pub(crate) fn call<M: Message>(
        &mut self,
        version: i16,
        request: &M,
        deadline: Instant,
    ) -> Result<Frame> {
        self.send(version, request)?;
        self.receive(deadline)
    }

    /// From here on nothing waits, except the methods that have a deadline.
    pub(crate) fn set_nonblocking(&mut self) -> Result<()> {
        self.stream.set_nonblocking(true).map_err(|error| self.lost(error))
    }

    /// Puts a request behind what is to be sent ([`Connection::push`]). Returns the correlation
    /// ID of its answer, which comes if the request is `answered`.
    pub(crate) fn post<M: Message>(
        &mut self,
        version: i16,
        request: &M,
        answered: bool,
    ) -> Result<i32> {
        let correlation_id = self.enqueue(version, request)?;
        if answered {
            self.expected.push_back((correlation_id, M::API, version));
        }
        Ok(correlation_id)
    }

    /// Sends what the socket takes at once. Whether that was all.
    pub(crate) fn push(&mut self) -> Result<bool> {
        self.check()?;
        loop {
            let rest = self.outbox.get(self.sent..).unwrap_or_default();
            if rest.is_empty() {
                self.outbox.clear();
                self.sent = 0;
                return Ok(true);
            }
            match self.stream.write(rest) {
                Ok(0) => return Err(self.lost(IoKind::WriteZero.into())),
                Ok(written) => self.sent += written,
                Err(error) if error.kind() == IoKind::Interrupted => {}
                Err(error) if is_not_yet(&error) => return Ok(false),
                Err(error) => return Err(self.lost(error)),
            }
        }
    }

    /// Whether an error has made it useless: it can only be dropped.
    pub(crate) fn is_broken(&self) -> bool {
        self.broken
    }

    /// The socket, for a poller, or to be shut down by another thread (which ends a wait).
    pub(crate) fn stream(&self) -> &TcpStream {
        &self.stream
    }

    fn check(&self) -> Result<()> {
        if self.broken {
            return Err(Error::new(
                ErrorKind::Network,
                format!("the connection to {} has failed before: open another", self.address),
            ));
        }
        Ok(())
    }

    /// Appends a request to what is to be sent.
    fn enqueue<M: Message>(&mut self, version: i16, request: &M) -> Result<i32> {
        self.check()?;
        let correlation_id = self.next_correlation_id;
        write_request(&mut self.outbox, version, correlation_id, Some(&self.client_id), request)?;
        self.next_correlation_id = correlation_id.wrapping_add(1);
        Ok(correlation_id)
    }

    fn send_all(&mut self) -> Result<()> {
        let written = self.stream.write_all(self.outbox.get(self.sent..).unwrap_or_default());
        self.outbox.clear();
        self.sent = 0;
        written.map_err(|error| self.lost(error))
    }

    /// The first frame in the inbox, if it has arrived completely.
    fn take_frame(&mut self) -> Result<Option<Frame>> {
        let arrived = self.inbox.get(..self.filled).unwrap_or_default();
        let found = next_frame(arrived, FRAME_BYTES_MAX);
        let Some(place) = found.map_err(|error| self.fail(error.into()))? else {
            return Ok(None);
        };
        self.filled -= place.end;
        let bytes = self.inbox.split_to(place.end).freeze().slice(place);
        let Some((correlation_id, api, version)) = self.expected.pop_front() else {
            return Err(self.garbled("an answer to no request"));
        };
        let frame = Frame::new(bytes, api, version).map_err(|error| self.fail(error))?;
        if frame.correlation_id() != correlation_id {
            return Err(self.garbled("an answer to another request"));
        }
        Ok(Some(frame))
    }

    /// Reads once, as far as the end of the frame that has begun.
    fn fill(&mut self) -> io::Result<()> {
        let announced = self.inbox.get(..self.filled).unwrap_or_default().first_chunk();
        let end = announced.map_or(0, |length| u32::from_be_bytes(*length) as usize + 4);
        let missing = end.saturating_sub(self.filled);
        let target = self.filled + missing.clamp(READ_BYTES_MIN, READ_BYTES_MAX);
        if self.inbox.len() < target {
            self.inbox.resize(target, 0);
        }
        let room = self.inbox.get_mut(self.filled..).unwrap_or_default();
        match self.stream.read(room)? {
            0 => Err(io::Error::new(IoKind::UnexpectedEof, "the broker closed the connection")),
            read => {
                self.filled += read;
                Ok(())
            }
        }
    }

    /// Asks what the broker speaks. One that does not know our version names its own.
    fn ask_versions(&mut self, deadline: Instant) -> Result<()> {
        let request = ApiVersionsRequest {
            client_software_name: MINKA,
            client_software_version: env!("CARGO_PKG_VERSION"),
        };
        let mut version = API_VERSIONS;
        loop {
            let frame = self.call(version, &request, deadline)?;
            let answer = ApiVersionsResponse::decode_or_fallback(&mut frame.reader(), version)
                .map_err(|error| self.fail(error.into()))?;
            if answer.error_code == ErrorCode::None.code() {
                self.versions = answer.api_keys;
                return Ok(());
            }
            let named = answer.api_keys.iter().find(|api| api.api_key == ApiKey::ApiVersions.key());
            // A broker that names no version knows 0.
            let lower = named.map_or(0, |named| named.max_version);
            if answer.error_code != ErrorCode::UnsupportedVersion.code() || lower >= version {
                let code = answer.error_code;
                let doing = format!("asking {} what it speaks", self.address);
                let refused = super::answer::check(code, None, doing).err();
                return Err(self.fail(refused.unwrap_or_else(|| self.unreadable())));
            }
            version = lower.max(0);
        }
    }

    fn unreadable(&self) -> Error {
        let text = format!("the broker at {} does not answer by the Kafka protocol", self.address);
        Error::new(ErrorKind::Network, text)
    }

    fn garbled(&mut self, what: &str) -> Error {
        let text = format!("the broker at {} sent {what}", self.address);
        self.fail(Error::new(ErrorKind::Network, text))
    }

    fn lost(&mut self, error: io::Error) -> Error {
        let doing = format!("talking to the broker at {}", self.address);
        self.fail(Error::network(doing, error))
    }

    fn fail(&mut self, error: Error) -> Error {
        self.broken = true;
        error
    }
}

/// Whether nothing had arrived yet.
fn is_not_yet(error: &io::Error) -> bool {
    matches!(error.kind(), IoKind::WouldBlock | IoKind::TimedOut)
}

fn connect(address: &str, deadline: Instant) -> Result<TcpStream> {
    let doing = || format!("connecting to {address}");
    let candidates = address.to_socket_addrs().map_err(|error| Error::network(doing(), error))?;
    let mut last = io::Error::new(IoKind::NotFound, "the host has no address");
    for candidate in candidates {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            last = io::Error::new(IoKind::TimedOut, "the time was up");
            break;
        }
        match TcpStream::connect_timeout(&candidate, left) {
            Ok(stream) => {
                let ready = stream
                    .set_nodelay(true)
                    .and_then(|()| stream.set_write_timeout(Some(WRITE_TIMEOUT)));
                return ready.map(|()| stream).map_err(|error| Error::network(doing(), error));
            }
            Err(error) => last = error,
        }
    }
    Err(Error::network(doing(), last))
}
