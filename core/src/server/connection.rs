//! A connection: its socket, what has arrived, what is pending, and what is to be sent.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use mio::event::Event;
use mio::net::TcpStream;
use mio::{Interest, Registry, Token};

use super::input::{Chunk, Input};
use super::kafka::{
    Applicant, Door, Handled, Login, Refusal, Step, dispatch, refuse, refuse_produce,
    submit_produce,
};
use super::outbox::{Outbox, Sent};
use super::pending::{Pending, State};
use super::share_session::ShareSessions;
use crate::engine::{Effect, Wake, asked_for};
use crate::sys::event_log::Level;
use crate::wire::kafka::header::RequestHeader;
use crate::wire::kafka::{ApiKey, Reader};

/// What a turn reads at most...
const READ_BYTES_PER_TURN: usize = 256 << 10;
/// ...and handles at most: so many Produce requests, or so many others.
const WORK_PER_TURN: usize = 1024;
const WORK_OF_PRODUCE: usize = 1;
const WORK_OF_OTHERS: usize = 16;
/// With more than this pending or unsent, nothing more is taken on.
const PENDING_REQUESTS_MAX: usize = 1000;
const PENDING_BYTES_MAX: usize = 16 << 20;
const UNSENT_BYTES_MAX: usize = 1 << 20;
/// How long the connection of somebody who was not let in is kept.
const REFUSED_FOR: Duration = Duration::from_millis(100);

/// A client's connection. It belongs to one thread.
#[derive(Debug)]
pub(super) struct Connection {
    socket: TcpStream,
    peer: SocketAddr,
    token: usize,
    input: Input,
    /// A request that waits until all before it are answered, or until a delay is over.
    held: Option<Held>,
    /// Until when it waits in any case.
    held_until: Option<Instant>,
    /// Whether the answer to the request that is under way is lost, and the connection with it.
    loses_answer: bool,
    pending: Pending,
    share_sessions: ShareSessions,
    outbox: Outbox,
    login: Login,
    /// Until when the connection of somebody who was not let in is kept, so that trying
    /// passwords takes time; and why it is closed then.
    refused: Option<(Instant, Closing)>,
    /// Whether the client is minka's own.
    is_minka: bool,
    readable: bool,
    writable: bool,
    /// Whether the peer sends no more; there may be bytes to read yet.
    read_closed: bool,
    /// Why the connection is to be closed, once it is: as soon as what came before is answered.
    closing: Option<Closing>,
    /// Whether the peer cannot be sent anything any more.
    is_dead: bool,
    /// When something was received or sent last.
    moved: Instant,
    /// Whether it is in the thread's list of connections that are ready.
    pub(super) is_ready: bool,
    /// When the thread's timer for it fires.
    pub(super) timer: Option<Instant>,
}

/// A request, and what a test wants to happen to it, once that is known.
#[derive(Debug)]
struct Held {
    frame: Bytes,
    effect: Option<Option<Effect>>,
}

/// How a connection ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Closing {
    /// As connections do.
    Quietly,
    /// In a way that people may want to know about.
    Because(Level, String),
}

/// What a connection needs of its thread for a turn.
pub(super) struct Turn<'a> {
    pub(super) door: &'a Door,
    pub(super) wake: &'a Arc<dyn Wake>,
    pub(super) chunk: &'a mut Chunk,
    pub(super) now: Instant,
    /// Whether something was submitted since the queue was drained last.
    pub(super) submitted: &'a mut bool,
}

impl Turn<'_> {
    /// Writes what has been submitted in this turn.
    pub(super) fn drain(&mut self) {
        if std::mem::take(self.submitted) {
            self.door.broker().drain();
        }
    }
}

impl Connection {
    pub(super) fn new(
        socket: TcpStream,
        token: usize,
        door: &Door,
        now: Instant,
    ) -> io::Result<Self> {
        Ok(Self {
            peer: socket.peer_addr()?,
            socket,
            token,
            input: Input::default(),
            held: None,
            held_until: None,
            loses_answer: false,
            pending: Pending::default(),
            share_sessions: ShareSessions::default(),
            outbox: Outbox::default(),
            login: Login::new(door.broker()),
            refused: None,
            is_minka: false,
            readable: false,
            writable: true,
            read_closed: false,
            closing: None,
            is_dead: false,
            moved: now,
            is_ready: false,
            timer: None,
        })
    }

    pub(super) fn register(
        &mut self,
        registry: &Registry,
        token: Token,
        interest: Interest,
    ) -> io::Result<()> {
        registry.register(&mut self.socket, token, interest)
    }

    pub(super) fn deregister(&mut self, registry: &Registry) {
        // Closing the socket does the same; this only fails where it has been done.
        let _ = registry.deregister(&mut self.socket);
    }

    pub(super) fn token(&self) -> usize {
        self.token
    }

    pub(super) fn peer(&self) -> SocketAddr {
        self.peer
    }

    /// Takes in what the poller says. It says so once, so it is remembered.
    pub(super) fn note(&mut self, event: &Event) {
        self.readable |= event.is_readable();
        self.writable |= event.is_writable();
        if event.is_read_closed() || event.is_error() {
            self.read_closed = true;
            self.readable = true;
        }
    }

    /// The first half of a turn: reads, and submits what is to be appended. What was submitted
    /// is to be drained before [`Connection::finish`].
    pub(super) fn work(&mut self, turn: &mut Turn<'_>) {
        if let Err(closing) = self.try_work(turn) {
            self.closing.get_or_insert(closing);
        }
    }

    /// The second half: answers what can be answered, and sends.
    pub(super) fn finish(&mut self, turn: &mut Turn<'_>) {
        if let Err(closing) = self.answer(turn) {
            // What is behind a request that cannot be answered cannot be answered either.
            self.pending.release(turn.door, turn.wake, self.token);
            self.closing.get_or_insert(closing);
        }
        if let Some((_, closing)) = self.refused.take_if(|(until, _)| *until <= turn.now) {
            self.is_dead = true;
            self.closing.get_or_insert(closing);
        }
        if let Err(closing) = self.send(turn.now) {
            self.is_dead = true;
            self.closing.get_or_insert(closing);
        }
        if self.pending.is_parked() {
            self.input.settle();
        }
    }

    /// Why the connection is to be closed now, if it is.
    pub(super) fn closing(&mut self) -> Option<Closing> {
        if self.is_dead || (self.pending.is_empty() && self.outbox.is_empty()) {
            self.closing.take()
        } else {
            None
        }
    }

    /// Whether it could go on at once.
    pub(super) fn wants_turn(&self) -> bool {
        let unsent = self.writable && !self.outbox.is_empty();
        let more = self.input.may_have_frame() || self.readable || self.held.is_some();
        unsent || (more && self.may_take_on())
    }

    /// When it wants a turn that nothing else may give it.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let refused = self.refused.as_ref().map(|(until, _)| *until);
        self.pending.deadline().into_iter().chain(refused).chain(self.held_until).min()
    }

    /// For how long nothing has moved, while nothing was to be done for the peer.
    pub(super) fn idle_for(&self, now: Instant) -> Duration {
        if self.pending.is_empty() {
            now.saturating_duration_since(self.moved)
        } else {
            Duration::ZERO
        }
    }

    /// Takes back what was asked for in its name. Nothing else may be done with it afterwards.
    pub(super) fn release(&mut self, door: &Door, wake: &Arc<dyn Wake>) {
        self.pending.release(door, wake, self.token);
        self.share_sessions.close_all(door.broker());
    }

    fn try_work(&mut self, turn: &mut Turn<'_>) -> Result<(), Closing> {
        self.answer(turn)?;
        if self.read_closed && self.pending.is_parked() {
            // Nobody is there to be answered; what waits for the answer must not go on waiting.
            self.is_dead = true;
            return Err(Closing::Quietly);
        }
        self.held_until.take_if(|until| *until <= turn.now);
        let mut bytes_left = READ_BYTES_PER_TURN;
        let mut work_left = WORK_PER_TURN;
        while work_left > 0 && self.may_take_on() {
            if let Some(held) = self.next_request(turn.door)? {
                let work = self.handle(held, turn)?;
                work_left = work_left.saturating_sub(work);
            } else if self.readable && bytes_left > 0 {
                let bytes = self.receive(turn)?;
                bytes_left = bytes_left.saturating_sub(bytes);
            } else {
                break;
            }
        }
        if self.read_closed && self.pending.acquires() {
            // Its end came with the request. Others may have what would go to nobody.
            self.is_dead = true;
            return Err(Closing::Quietly);
        }
        Ok(())
    }

    /// Whether another request may be taken on.
    fn may_take_on(&self) -> bool {
        let held_up = self.held.is_some() && !self.pending.is_empty();
        self.closing.is_none()
            && self.refused.is_none()
            && !held_up
            && self.held_until.is_none()
            && !self.pending.is_parked()
            && self.pending.requests() < PENDING_REQUESTS_MAX
            && self.pending.bytes() < PENDING_BYTES_MAX
            && self.outbox.memory() < UNSENT_BYTES_MAX
    }

    fn next_request(&mut self, door: &Door) -> Result<Option<Held>, Closing> {
        if self.held.is_some() {
            return Ok(self.held.take());
        }
        let frame = self.input.next_frame(self.login.frame_bytes_max(door.frame_bytes_max()));
        let frame = frame.map_err(|error| Closing::Because(Level::Warn, error.to_string()))?;
        Ok(frame.map(|frame| Held { frame, effect: None }))
    }

    fn receive(&mut self, turn: &mut Turn<'_>) -> Result<usize, Closing> {
        match self.input.receive(&mut self.socket, turn.chunk) {
            Ok(arrived) if arrived.bytes == 0 => Err(self.ended()),
            Ok(arrived) => {
                self.moved = turn.now;
                // After the peer's end there is no other event, so reading goes on to that end.
                self.readable = arrived.more || self.read_closed;
                Ok(arrived.bytes)
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                self.readable = false;
                Ok(0)
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(0),
            Err(_) => {
                self.is_dead = true;
                Err(Closing::Quietly)
            }
        }
    }

    fn ended(&self) -> Closing {
        if self.input.is_empty() {
            return Closing::Quietly;
        }
        let reason = "the peer ended it in the middle of a request";
        Closing::Because(Level::Info, reason.to_owned())
    }

    /// Handles a request, or holds it until those before it are answered. Returns how much work
    /// that was.
    fn handle(&mut self, held: Held, turn: &mut Turn<'_>) -> Result<usize, Closing> {
        let Held { frame, effect } = held;
        if self.login.wants_token() {
            let (applicant, out) = (self.applicant(turn), self.outbox.buffer());
            let step = self.login.answer_token(applicant, &frame, out).map_err(refused)?;
            self.note_login(step, turn.now);
            return Ok(WORK_OF_OTHERS);
        }
        let mut reader = Reader::new(&frame);
        let header = RequestHeader::decode(&mut reader).map_err(refused)?;
        if !self.login.admits(header.api) {
            let reason = format!("it asked for {} before it logged in", header.api);
            return Err(Closing::Because(Level::Warn, reason));
        }
        let strike = || turn.door.broker().strike(|| header.api.name());
        let effect = effect.unwrap_or_else(strike);
        match effect {
            Some(Effect::DropRequest) => return Err(Closing::Quietly),
            Some(Effect::Delay(delay)) => {
                self.held_until = Some(turn.now.checked_add(delay).unwrap_or(turn.now));
                self.held = Some(Held { frame, effect: Some(None) });
                return Ok(WORK_OF_OTHERS);
            }
            _ => {}
        }
        if header.api == ApiKey::Produce {
            return self.handle_produce(&frame, &header, &mut reader, effect, turn);
        }
        if !self.pending.is_empty() {
            self.held = Some(Held { frame, effect: Some(effect) });
            return Ok(WORK_OF_OTHERS);
        }
        self.handle_alone(&header, &mut reader, effect, turn)?;
        Ok(WORK_OF_OTHERS)
    }

    /// Handles a request that is not Produce; all before it have been answered.
    fn handle_alone(
        &mut self,
        header: &RequestHeader<'_>,
        reader: &mut Reader<'_>,
        effect: Option<Effect>,
        turn: &mut Turn<'_>,
    ) -> Result<(), Closing> {
        self.loses_answer = effect == Some(Effect::DropAnswer);
        let mut lost = Vec::new();
        if self.login.answers(header.api) {
            let applicant = self.applicant(turn);
            let out = if self.loses_answer { &mut lost } else { self.outbox.buffer() };
            let step = self.login.answer(applicant, header, reader, out);
            self.note_login(step.map_err(refused)?, turn.now);
            return if self.loses_answer { Err(Closing::Quietly) } else { Ok(()) };
        }
        turn.drain();
        let state = self.state(turn);
        if let Some(Effect::Error(kind)) = effect {
            let (error, out) = (asked_for(kind, header.api.name()), self.outbox.buffer());
            return refuse(&state, self.peer, header, reader, &error, out).map_err(refused);
        }
        let sessions = &mut self.share_sessions;
        let out = if self.loses_answer { &mut lost } else { self.outbox.buffer() };
        match dispatch(&state, self.peer, header, reader, sessions, out).map_err(refused)? {
            Handled::Introduced { is_minka } => self.is_minka = is_minka,
            Handled::Parked(parked) => self.pending.park(parked),
            Handled::Answered if !self.loses_answer => return Ok(()),
            Handled::Answered => {}
        }
        self.answer(turn)
    }

    fn handle_produce(
        &mut self,
        frame: &Bytes,
        header: &RequestHeader<'_>,
        reader: &mut Reader<'_>,
        effect: Option<Effect>,
        turn: &mut Turn<'_>,
    ) -> Result<usize, Closing> {
        let produce = match effect {
            Some(Effect::Error(kind)) => {
                refuse_produce(frame, header, reader, &asked_for(kind, header.api.name()))
            }
            _ => submit_produce(&self.state(turn), frame, header, reader),
        };
        let produce = produce.map_err(refused)?;
        *turn.submitted = true;
        if effect == Some(Effect::DropAnswer) {
            return Err(Closing::Quietly);
        }
        self.pending.push_produce(produce.telling_ids(self.is_minka));
        Ok(WORK_OF_PRODUCE)
    }

    fn applicant<'t>(&self, turn: &'t Turn<'_>) -> Applicant<'t> {
        Applicant { broker: turn.door.broker(), address: self.peer }
    }

    /// Keeps the connection of somebody who was not let in for a while, and then closes it.
    fn note_login(&mut self, step: Step, now: Instant) {
        if let Err(reason) = step {
            let reason = format!("a login was refused: {reason}");
            self.refused = Some((now + REFUSED_FOR, Closing::Because(Level::Warn, reason)));
        }
    }

    fn state<'t>(&self, turn: &'t Turn<'_>) -> State<'t> {
        let Turn { door, wake, now, .. } = *turn;
        State {
            door,
            wake,
            token: self.token,
            now,
            address: self.peer,
            user: self.login.user().cloned(),
            is_minka: self.is_minka,
        }
    }

    /// Answers what can be answered, in order.
    fn answer(&mut self, turn: &mut Turn<'_>) -> Result<(), Closing> {
        let state = self.state(turn);
        if !self.loses_answer {
            return self.pending.answer(&state, &mut self.outbox).map_err(refused);
        }
        self.pending.answer(&state, &mut Outbox::default()).map_err(refused)?;
        if self.pending.is_empty() { Err(Closing::Quietly) } else { Ok(()) }
    }

    fn send(&mut self, now: Instant) -> Result<(), Closing> {
        if !self.writable || self.outbox.is_empty() {
            return Ok(());
        }
        let mut bytes = 0;
        let sent = self.outbox.send(&mut self.socket, &mut bytes);
        if bytes > 0 {
            self.moved = now;
        }
        match sent {
            Ok(Sent::All | Sent::Paused) => Ok(()),
            Ok(Sent::Blocked) => {
                self.writable = false;
                Ok(())
            }
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                let reason = "the log is shorter than its index says; see the lines above";
                Err(Closing::Because(Level::Error, reason.to_owned()))
            }
            Err(_) => Err(Closing::Quietly),
        }
    }
}

fn refused(refusal: impl Into<Refusal>) -> Closing {
    let Refusal(reason) = refusal.into();
    Closing::Because(Level::Warn, reason)
}
