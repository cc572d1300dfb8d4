//! The requests of a connection that have been taken on and not been answered yet.
//!
//! They are either any number of Produce requests, or one of another kind.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use super::kafka::{
    Door, ParkedAcknowledge, ParkedCommit, ParkedFetch, ParkedJoin, ParkedShareFetch, ParkedSync,
    PendingProduce, Refusal,
};
use super::outbox::Outbox;
use crate::engine::{Peer, Progress, Ticket, Wake};

/// A connection without pending requests keeps room for this many.
const KEPT_PLACES_MAX: usize = 64;

/// The requests that wait for their answers, oldest first.
#[derive(Debug, Default)]
pub(super) struct Pending {
    produces: VecDeque<PendingProduce>,
    /// How many bytes the frames of `produces` have.
    bytes: usize,
    parked: Option<Parked>,
    /// Whether a wake has been asked for, for the oldest of `produces`.
    watched: bool,
}

/// A request that waits for something to happen, and holds up those behind it.
#[derive(Debug)]
pub(super) enum Parked {
    Fetch(Box<ParkedFetch>),
    Commit(Box<ParkedCommit>),
    Join(Box<ParkedJoin>),
    Sync(Box<ParkedSync>),
    ShareFetch(Box<ParkedShareFetch>),
    Acknowledge(Box<ParkedAcknowledge>),
}

/// What answering needs to know.
pub(super) struct State<'a> {
    pub(super) door: &'a Door,
    pub(super) wake: &'a Arc<dyn Wake>,
    pub(super) token: usize,
    pub(super) now: Instant,
    /// Where the client is.
    pub(super) address: SocketAddr,
    /// The user that was let in.
    pub(super) user: Option<Arc<str>>,
    /// Whether the client is minka's own, which is told more than Kafka's protocol has.
    pub(super) is_minka: bool,
}

impl State<'_> {
    /// Who is on the other side, as hooks see it.
    pub(super) fn peer<'a>(&'a self, client_id: &'a str) -> Peer<'a> {
        Peer { client_id, user: self.user.as_deref(), address: Some(self.address) }
    }

    /// Asks to be woken when the results of a written ticket hold. `true` if they do already.
    fn watch(&self, ticket: &Ticket, watched: &mut bool) -> bool {
        // A ticket that is still queued wakes by itself when it is written.
        if *watched || ticket.progress() == Progress::Queued {
            return false;
        }
        *watched = self.door.broker().watch_outcome(ticket, self.wake, self.token);
        !*watched
    }
}

impl Parked {
    /// Answers if that can be done.
    fn answer(&mut self, state: &State<'_>, outbox: &mut Outbox) -> Result<bool, Refusal> {
        match self {
            Self::Fetch(fetch) => fetch.answer(state, outbox),
            Self::Commit(commit) => commit.answer(state, outbox),
            Self::Join(join) => join.answer(outbox),
            Self::Sync(sync) => sync.answer(outbox),
            Self::ShareFetch(fetch) => fetch.answer(state, outbox),
            Self::Acknowledge(acknowledge) => acknowledge.answer(state, outbox),
        }
    }

    /// The ticket that the answer waits for, if that is what it waits for.
    fn ticket(&self) -> Option<&Ticket> {
        match self {
            Self::Commit(commit) => Some(commit.ticket()),
            Self::ShareFetch(fetch) => fetch.ticket(),
            Self::Acknowledge(acknowledge) => acknowledge.ticket(),
            Self::Fetch(_) | Self::Join(_) | Self::Sync(_) => None,
        }
    }
}

impl Pending {
    pub(super) fn push_produce(&mut self, produce: PendingProduce) {
        self.bytes += produce.bytes();
        self.produces.push_back(produce);
    }

    pub(super) fn park(&mut self, parked: Parked) {
        debug_assert!(self.is_empty(), "it would be answered before those before it");
        self.watched = false;
        self.parked = Some(parked);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.produces.is_empty() && self.parked.is_none()
    }

    pub(super) fn is_parked(&self) -> bool {
        self.parked.is_some()
    }

    /// Whether one waits for records that will then be its client's own.
    pub(super) fn acquires(&self) -> bool {
        matches!(self.parked, Some(Parked::ShareFetch(_)))
    }

    pub(super) fn requests(&self) -> usize {
        self.produces.len()
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        match &self.parked {
            Some(Parked::Fetch(fetch)) => Some(fetch.deadline()),
            Some(Parked::ShareFetch(fetch)) => Some(fetch.deadline()),
            _ => None,
        }
    }

    /// Answers those that can be answered.
    pub(super) fn answer(&mut self, state: &State<'_>, outbox: &mut Outbox) -> Result<(), Refusal> {
        self.answer_produces(state, outbox)?;
        let Some(mut parked) = self.parked.take() else {
            return Ok(());
        };
        while !parked.answer(state, outbox)? {
            let holds = |ticket| state.watch(ticket, &mut self.watched);
            if !parked.ticket().is_some_and(holds) {
                self.parked = Some(parked);
                break;
            }
        }
        Ok(())
    }

    /// Nobody waits for the answers any more.
    pub(super) fn release(&mut self, door: &Door, wake: &Arc<dyn Wake>, token: usize) {
        self.produces.clear();
        match self.parked.take() {
            Some(Parked::Fetch(mut fetch)) => fetch.unwatch(wake, token),
            Some(Parked::Join(join)) => join.release(door),
            Some(Parked::Sync(sync)) => sync.release(door),
            Some(Parked::ShareFetch(mut fetch)) => fetch.release(door.broker()),
            Some(Parked::Commit(_) | Parked::Acknowledge(_)) | None => {}
        }
    }

    fn answer_produces(&mut self, state: &State<'_>, outbox: &mut Outbox) -> Result<(), Refusal> {
        while let Some(oldest) = self.produces.front() {
            if let Some(results) = state.door.broker().outcome(oldest.ticket()) {
                oldest.answer(&results, outbox.buffer())?;
                self.bytes -= oldest.bytes();
                self.produces.pop_front();
                self.watched = false;
            } else if !state.watch(oldest.ticket(), &mut self.watched) {
                return Ok(());
            }
        }
        if self.produces.capacity() > KEPT_PLACES_MAX {
            self.produces = VecDeque::new();
        }
        Ok(())
    }
}
