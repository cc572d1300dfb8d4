//! A thread of the server: its poller, its connections, and whose turn it is.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use mio::event::Event;
use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};
use slab::Slab;

use super::config::ServerConfig;
use super::connection::{Closing, Connection, Turn};
use super::input::Chunk;
use super::kafka::Door;
use super::listener;
use super::mailbox::Mailbox;
use crate::engine::{EventKind, Wake};
use crate::sys::event_log::Level;

/// The token of the mailbox's waker.
pub(super) const WAKER: Token = Token(usize::MAX);
const LISTENER: Token = Token(usize::MAX - 1);
/// The low bits of a token say where in the slab a connection is, the others tell connections
/// apart that were there one after another.
const PLACE_BITS: u32 = usize::BITS / 2;
const EVENTS_AT_ONCE: usize = 256;
const ACCEPTS_AT_ONCE: usize = 64;
/// How long accepting pauses after it failed, for want of file descriptors as a rule.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// Connections are looked at for idleness this many times in their idle timeout.
const SWEEPS_PER_TIMEOUT: u32 = 4;
/// A shorter one would keep the thread busy with looking.
const IDLE_TIMEOUT_MIN: Duration = Duration::from_millis(20);

/// A thread's part of the server.
#[derive(Debug)]
pub(super) struct Worker {
    door: Arc<Door>,
    poll: Poll,
    mailbox: Arc<Mailbox>,
    wake: Arc<dyn Wake>,
    connections: Slab<Connection>,
    /// How many connections there were: the next one's high bits of the token.
    generation: usize,
    chunk: Chunk,
    /// The connections whose turn it is, by place.
    ready: Vec<usize>,
    /// When connections want a turn that nothing else gives them, at the latest; by token.
    timers: BinaryHeap<Reverse<(Instant, usize)>>,
    next_sweep: Instant,
    idle_timeout: Duration,
    acceptor: Option<Acceptor>,
    /// How many connections all threads have.
    open: Arc<AtomicUsize>,
    open_max: usize,
}

/// The listening socket, and who gets what it accepts.
#[derive(Debug)]
pub(super) struct Acceptor {
    listener: TcpListener,
    mailboxes: Arc<[Arc<Mailbox>]>,
    next: usize,
    ready: bool,
    /// Until when accepting pauses.
    paused_until: Option<Instant>,
}

impl Acceptor {
    /// Hands what comes to the threads behind `mailboxes`, in turn.
    pub(super) fn new(listener: TcpListener, mailboxes: Arc<[Arc<Mailbox>]>) -> Self {
        Self { listener, mailboxes, next: 0, ready: true, paused_until: None }
    }
}

/// Says, even in a panic, that the thread has ended.
struct Gone(Arc<Mailbox>);

impl Drop for Gone {
    fn drop(&mut self) {
        self.0.gone();
    }
}

impl Worker {
    pub(super) fn new(
        door: Arc<Door>,
        poll: Poll,
        mailbox: Arc<Mailbox>,
        config: &ServerConfig,
        open: Arc<AtomicUsize>,
    ) -> Self {
        Self {
            door,
            poll,
            wake: mailbox.clone(),
            mailbox,
            connections: Slab::new(),
            generation: 0,
            chunk: Chunk::default(),
            ready: Vec::new(),
            timers: BinaryHeap::new(),
            next_sweep: Instant::now(),
            idle_timeout: config.idle_timeout.max(IDLE_TIMEOUT_MIN),
            acceptor: None,
            open,
            open_max: config.connections_max,
        }
    }

    /// Makes this the thread that accepts connections.
    pub(super) fn accept_from(&mut self, mut acceptor: Acceptor) -> io::Result<()> {
        let registry = self.poll.registry();
        registry.register(&mut acceptor.listener, LISTENER, Interest::READABLE)?;
        self.acceptor = Some(acceptor);
        Ok(())
    }

    /// Serves until the mailbox says that it is time to end.
    pub(super) fn run(mut self) {
        let _gone = Gone(self.mailbox.clone());
        let mut events = Events::with_capacity(EVENTS_AT_ONCE);
        let (mut tokens, mut sockets) = (Vec::new(), Vec::new());
        loop {
            let timeout = self.timeout();
            if let Err(error) = self.poll.poll(&mut events, timeout)
                && error.kind() != io::ErrorKind::Interrupted
            {
                let text = format_args!("a thread of the Kafka listener ends: {error}");
                self.door.events().log(Level::Error, text);
                break;
            }
            let now = Instant::now();
            for event in &events {
                self.note(event);
            }
            let (drops, ends) = self.mailbox.empty(&mut tokens, &mut sockets);
            if ends {
                break;
            }
            for token in tokens.drain(..) {
                self.make_ready(token);
            }
            for socket in sockets.drain(..) {
                self.add(socket, now);
            }
            if drops {
                self.drop_connections();
            }
            self.fire_timers(now);
            self.accept(now);
            self.take_turns(now);
            self.sweep(now);
        }
        for (_, connection) in &mut self.connections {
            connection.release(&self.door, &self.wake);
            self.door.tell(EventKind::Disconnected, connection.peer());
        }
    }

    /// How long the poller may sleep.
    fn timeout(&self) -> Option<Duration> {
        let accepts = |acceptor: &Acceptor| acceptor.ready && acceptor.paused_until.is_none();
        if !self.ready.is_empty()
            || self.acceptor.as_ref().is_some_and(accepts)
            || !self.mailbox.sleep()
        {
            return Some(Duration::ZERO);
        }
        let timer = self.timers.peek().map(|Reverse((when, _))| *when);
        let accept = self.acceptor.as_ref().and_then(|acceptor| acceptor.paused_until);
        let sweep = (!self.connections.is_empty()).then_some(self.next_sweep);
        let next = timer.into_iter().chain(accept).chain(sweep).min()?;
        Some(next.saturating_duration_since(Instant::now()))
    }

    fn note(&mut self, event: &Event) {
        match event.token() {
            WAKER => {}
            LISTENER => {
                if let Some(acceptor) = &mut self.acceptor {
                    acceptor.ready = true;
                }
            }
            Token(token) => {
                if let Some(connection) = self.connections.get_mut(place(token))
                    && connection.token() == token
                {
                    connection.note(event);
                    self.make_ready(token);
                }
            }
        }
    }

    /// Gives a connection a turn, if it is still there.
    fn make_ready(&mut self, token: usize) {
        if let Some(connection) = self.connections.get_mut(place(token))
            && connection.token() == token
            && !std::mem::replace(&mut connection.is_ready, true)
        {
            self.ready.push(place(token));
        }
    }

    fn add(&mut self, socket: TcpStream, now: Instant) {
        let entry = self.connections.vacant_entry();
        let token = entry.key() | self.generation << PLACE_BITS;
        self.generation = self.generation.wrapping_add(1);
        let both = Interest::READABLE | Interest::WRITABLE;
        // Where this fails, the peer has gone already.
        if let Ok(connection) = Connection::new(socket, token, &self.door, now) {
            let connection = entry.insert(connection);
            let registry = self.poll.registry();
            if connection.register(registry, Token(token), both).is_ok() {
                self.door.tell(EventKind::Connected, connection.peer());
                return;
            }
            self.connections.remove(place(token));
        }
        self.open.fetch_sub(1, Ordering::Relaxed);
    }

    fn fire_timers(&mut self, now: Instant) {
        while let Some(Reverse((when, token))) = self.timers.peek().copied() {
            if when > now {
                break;
            }
            self.timers.pop();
            if let Some(connection) = self.connections.get_mut(place(token))
                && connection.token() == token
            {
                connection.timer = None;
                self.make_ready(token);
            }
        }
    }

    /// A turn for every connection that is ready; the queue is drained once for all of them.
    fn take_turns(&mut self, now: Instant) {
        let ready = std::mem::take(&mut self.ready);
        let mut submitted = false;
        for &place in &ready {
            let mut turn = Turn {
                door: &self.door,
                wake: &self.wake,
                chunk: &mut self.chunk,
                now,
                submitted: &mut submitted,
            };
            if let Some(connection) = self.connections.get_mut(place) {
                connection.is_ready = false;
                connection.work(&mut turn);
            }
        }
        if submitted {
            self.door.broker().drain();
        }
        for place in ready {
            self.finish(place, now);
        }
    }

    fn finish(&mut self, place: usize, now: Instant) {
        let Some(connection) = self.connections.get_mut(place) else {
            return;
        };
        let mut submitted = false;
        let mut turn = Turn {
            door: &self.door,
            wake: &self.wake,
            chunk: &mut self.chunk,
            now,
            submitted: &mut submitted,
        };
        connection.finish(&mut turn);
        if let Some(closing) = connection.closing() {
            self.close(place, closing);
            return;
        }
        if connection.wants_turn() {
            connection.is_ready = true;
            self.ready.push(place);
        }
        if let Some(deadline) = connection.deadline()
            && connection.timer.is_none_or(|timer| deadline < timer)
        {
            connection.timer = Some(deadline);
            self.timers.push(Reverse((deadline, connection.token())));
        }
    }

    fn close(&mut self, place: usize, closing: Closing) {
        let mut connection = self.connections.remove(place);
        connection.release(&self.door, &self.wake);
        connection.deregister(self.poll.registry());
        self.open.fetch_sub(1, Ordering::Relaxed);
        let peer = connection.peer();
        self.door.tell(EventKind::Disconnected, peer);
        let (level, reason) = match closing {
            Closing::Quietly => return,
            Closing::Because(level, reason) => (level, reason),
        };
        let text = format_args!("closed the connection of {peer}: {reason}");
        let class = "connections that were closed";
        self.door.events().log_limited(level, class, text);
    }

    /// Closes all connections, also those whose requests have not been looked at yet.
    fn drop_connections(&mut self) {
        let waiting = self.mailbox.take_drops();
        let places: Vec<usize> = self.connections.iter().map(|(place, _)| place).collect();
        for place in places {
            self.close(place, Closing::Quietly);
        }
        self.ready.clear();
        drop(waiting);
    }

    /// Closes the connections on which nothing has moved for too long.
    fn sweep(&mut self, now: Instant) {
        if now < self.next_sweep {
            return;
        }
        self.next_sweep = now + self.idle_timeout / SWEEPS_PER_TIMEOUT;
        let idle = |connection: &Connection| connection.idle_for(now) >= self.idle_timeout;
        let places: Vec<usize> = self
            .connections
            .iter()
            .filter_map(|(place, connection)| idle(connection).then_some(place))
            .collect();
        for place in places {
            let reason = "nothing was heard of the peer for connections.max.idle.ms";
            self.close(place, Closing::Because(Level::Info, reason.to_owned()));
        }
    }

    fn accept(&mut self, now: Instant) {
        let Some(acceptor) = &mut self.acceptor else {
            return;
        };
        if acceptor.paused_until.is_some_and(|until| until > now) {
            return;
        }
        acceptor.paused_until = None;
        for _ in 0..ACCEPTS_AT_ONCE {
            if !acceptor.ready {
                return;
            }
            match acceptor.listener.accept() {
                Ok((socket, peer)) => {
                    if self.open.fetch_add(1, Ordering::Relaxed) >= self.open_max {
                        self.open.fetch_sub(1, Ordering::Relaxed);
                        let text = format_args!(
                            "refused the connection of {peer}: there are {} already, as many as \
                             max.connections allows",
                            self.open_max
                        );
                        let class = "connections that were refused";
                        self.door.events().log_limited(Level::Warn, class, text);
                    } else if listener::prepare(&socket).is_err() || !acceptor.hand_out(socket) {
                        self.open.fetch_sub(1, Ordering::Relaxed);
                    }
                }
                Err(error) => match error.kind() {
                    io::ErrorKind::WouldBlock => acceptor.ready = false,
                    io::ErrorKind::Interrupted | io::ErrorKind::ConnectionAborted => {}
                    _ => {
                        acceptor.paused_until = Some(now + ACCEPT_PAUSE);
                        let text = format_args!("accepting a connection failed: {error}");
                        let class = "failures to accept a connection";
                        self.door.events().log_limited(Level::Error, class, text);
                        return;
                    }
                },
            }
        }
    }
}

impl Acceptor {
    /// Gives a connection to the next thread that is alive; `false` if there is none.
    fn hand_out(&mut self, mut socket: TcpStream) -> bool {
        for _ in 0..self.mailboxes.len() {
            let mailbox = &self.mailboxes[self.next];
            self.next = (self.next + 1) % self.mailboxes.len();
            match mailbox.deliver(socket) {
                Ok(()) => return true,
                Err(back) => socket = back,
            }
        }
        false
    }
}

fn place(token: usize) -> usize {
    token & (usize::MAX >> (usize::BITS - PLACE_BITS))
}
