//! The thread that keeps a member in its group, and does for it what has to be asked of the
//! group's coordinator.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::coordinator::{Answer, Asked, Assigned, Beat, Coordinator, Fault, Member, Position};
use super::reply::Reply;
use crate::client::backoff::Backoff;
use crate::client::consumer::config::ConsumerConfig;
use crate::client::consumer::signal::Signal;
use crate::error::{Error, ErrorKind, Result};
use crate::wire::kafka::Uuid;

/// How long the last heartbeat, which leaves the group, may take.
const LEAVE_PATIENCE: Duration = Duration::from_secs(2);

/// A member of a group, as the application's thread sees it.
#[derive(Debug)]
pub(in crate::client::consumer) struct Membership {
    shared: Arc<Shared>,
}

/// What the group wants of the member.
#[derive(Debug, Default)]
pub(in crate::client::consumer) struct Update {
    /// Whether all partitions are lost: others may have them already.
    pub(in crate::client::consumer) lost: bool,
    /// The partitions that the member is to have.
    pub(in crate::client::consumer) target: Option<Vec<Assigned>>,
}

#[derive(Debug)]
struct Shared {
    signal: Arc<Signal>,
    poll_interval_max: Duration,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug)]
struct State {
    polled_at: Instant,
    is_polling: bool,
    /// When the thread wakes up by itself.
    sleeps_until: Instant,
    closing: bool,
    ended: bool,
    topics: Vec<Arc<str>>,
    topics_changed: bool,
    owned: Vec<Assigned>,
    owned_changed: bool,
    update: Update,
    orders: VecDeque<Order>,
    failure: Option<Error>,
}

/// Something that the coordinator is to be asked.
#[derive(Debug, Clone)]
struct Order {
    what: What,
    deadline: Instant,
}

#[derive(Debug, Clone)]
enum What {
    Commit(Vec<Position>, Reply<Result<()>>),
    LookUp(Vec<Assigned>, Reply<Result<Vec<Option<u64>>>>),
}

impl Membership {
    /// Joins the group: not before this returns, but soon.
    pub(in crate::client::consumer) fn start(
        coordinator: Box<dyn Coordinator>,
        member_id: String,
        topics: Vec<Arc<str>>,
        config: &ConsumerConfig,
        signal: Arc<Signal>,
    ) -> Result<Self> {
        let state = State {
            polled_at: Instant::now(),
            is_polling: false,
            sleeps_until: Instant::now(),
            closing: false,
            ended: false,
            topics,
            topics_changed: true,
            owned: Vec::new(),
            owned_changed: true,
            update: Update::default(),
            orders: VecDeque::new(),
            failure: None,
        };
        let shared = Arc::new(Shared {
            signal,
            poll_interval_max: config.poll_interval_max,
            state: Mutex::new(state),
            changed: Condvar::new(),
        });
        let mut thread = Thread {
            shared: shared.clone(),
            coordinator,
            member_id,
            epoch: 0,
            beat_at: Instant::now(),
            delayed_until: Instant::now(),
            backoff: Backoff::new(config.retry_backoff_min, config.retry_backoff_max),
            reason: String::new(),
            request_timeout: config.request_timeout,
        };
        let builder = thread::Builder::new().name("minka-member".to_owned());
        builder.spawn(move || thread.run()).map_err(|error| {
            Error::new(ErrorKind::Internal, format!("no thread could be started: {error}"))
        })?;
        Ok(Self { shared })
    }

    /// Says that the application polls, or that it works on what a poll returned. Fails if the
    /// member cannot be in the group.
    pub(in crate::client::consumer) fn polling(&self, is_polling: bool) -> Result<()> {
        let mut state = self.shared.lock();
        let changes = is_polling != state.is_polling;
        state.is_polling = is_polling;
        state.polled_at = Instant::now();
        // The thread looks after who does not poll; mostly it wakes in time for that by itself.
        let poll_by = state.polled_at + self.shared.poll_interval_max;
        if changes && (is_polling || poll_by < state.sleeps_until) {
            self.shared.changed.notify_all();
        }
        state.failure.clone().map_or(Ok(()), Err)
    }

    /// What the group wants that it did not want before.
    pub(in crate::client::consumer) fn take_update(&self) -> Option<Update> {
        let mut state = self.shared.lock();
        let update = std::mem::take(&mut state.update);
        (update.lost || update.target.is_some()).then_some(update)
    }

    /// Whether all partitions were lost since the last update was taken.
    pub(in crate::client::consumer) fn is_lost(&self) -> bool {
        self.shared.lock().update.lost
    }

    /// Says which partitions the member has now. Does nothing if they were lost meanwhile.
    pub(in crate::client::consumer) fn confirm(&self, owned: Vec<Assigned>) {
        let mut state = self.shared.lock();
        if !state.update.lost {
            state.owned = owned;
            state.owned_changed = true;
            self.shared.changed.notify_all();
        }
    }

    /// Wants other topics.
    pub(in crate::client::consumer) fn subscribe(&self, topics: Vec<Arc<str>>) {
        let mut state = self.shared.lock();
        state.topics = topics;
        state.topics_changed = true;
        self.shared.changed.notify_all();
    }

    /// Commits positions; the signal is notified when the reply is there.
    pub(super) fn commit(&self, positions: Vec<Position>, deadline: Instant) -> Reply<Result<()>> {
        let reply = Reply::default();
        self.order(Order { what: What::Commit(positions, reply.clone()), deadline });
        reply
    }

    /// Looks up what the group has committed; as [`Membership::commit`].
    pub(super) fn look_up(
        &self,
        partitions: Vec<Assigned>,
        deadline: Instant,
    ) -> Reply<Result<Vec<Option<u64>>>> {
        let reply = Reply::default();
        self.order(Order { what: What::LookUp(partitions, reply.clone()), deadline });
        reply
    }

    /// Leaves the group, and waits until that is done or takes too long.
    pub(in crate::client::consumer) fn leave(&self) {
        let mut state = self.shared.lock();
        state.closing = true;
        self.shared.changed.notify_all();
        let deadline = Instant::now() + LEAVE_PATIENCE;
        while !state.ended && Instant::now() < deadline {
            state = self.shared.wait(state, deadline);
        }
    }

    fn order(&self, order: Order) {
        let mut state = self.shared.lock();
        if state.ended || state.failure.is_some() {
            let closed = || Error::new(ErrorKind::Closed, "the member has left its group");
            order.fail(&state.failure.clone().unwrap_or_else(closed));
        } else if state.update.lost {
            // What it is about belongs to others by now: it must not be said in a new epoch.
            order.fail(&lost());
        } else {
            state.orders.push_back(order);
        }
        self.shared.changed.notify_all();
    }
}

impl Drop for Membership {
    fn drop(&mut self) {
        self.leave();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // Each change under the lock is whole before anything that could panic.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State>, until: Instant) -> MutexGuard<'a, State> {
        let left = until.saturating_duration_since(Instant::now());
        self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0
    }
}

/// What the thread keeps for itself.
#[derive(Debug)]
struct Thread {
    shared: Arc<Shared>,
    coordinator: Box<dyn Coordinator>,
    member_id: String,
    /// 0 while it has to join.
    epoch: i32,
    beat_at: Instant,
    /// Nothing is asked before, since the last answer was no good.
    delayed_until: Instant,
    backoff: Backoff,
    /// Why the last try failed.
    reason: String,
    request_timeout: Duration,
}

/// What is to be done next.
enum Task {
    Beat,
    Order(Order),
    /// The application does not poll: its partitions are for others.
    StepDown,
    End,
}

impl Thread {
    fn run(&mut self) {
        // Also after a panic nobody waits for this thread for long.
        let _ended = Ended(self.shared.clone());
        loop {
            let outcome = match self.next() {
                Task::Beat => self.beat(),
                Task::Order(order) => self.carry_out(order),
                Task::StepDown => {
                    self.leave();
                    self.lose();
                    self.wait_for_poll();
                    Ok(())
                }
                Task::End => {
                    self.leave();
                    return;
                }
            };
            match outcome {
                Ok(()) => {}
                Err(Fault::Fenced) => self.lose(),
                Err(fault @ (Fault::Stale | Fault::Later(_))) => {
                    if let Fault::Later(error) = fault {
                        self.reason = error.to_string();
                    }
                    self.delayed_until = Instant::now() + self.backoff.next_delay();
                    self.beat_at = self.delayed_until;
                }
                Err(Fault::Fatal(error)) => {
                    self.fail(error);
                    return;
                }
            }
        }
    }

    fn next(&self) -> Task {
        let mut state = self.shared.lock();
        loop {
            if state.closing {
                return Task::End;
            }
            let now = Instant::now();
            let poll_by = state.polled_at + self.shared.poll_interval_max;
            if !state.is_polling && now >= poll_by {
                return Task::StepDown;
            }
            if state.orders.front().is_some_and(|order| now >= order.deadline)
                && let Some(order) = state.orders.pop_front()
            {
                return Task::Order(order);
            }
            let mut until = self.delayed_until;
            if now >= self.delayed_until {
                let has_news = state.owned_changed || state.topics_changed;
                if has_news || now >= self.beat_at {
                    return Task::Beat;
                }
                if let Some(order) = state.orders.pop_front() {
                    return Task::Order(order);
                }
                until = self.beat_at;
            }
            let order_by = state.orders.front().map_or(until, |order| order.deadline);
            let until = until.min(order_by);
            let until = if state.is_polling { until } else { until.min(poll_by) };
            state.sleeps_until = until;
            state = self.shared.wait(state, until);
        }
    }

    fn beat(&mut self) -> Asked<()> {
        let mut state = self.shared.lock();
        let is_joining = self.epoch == 0;
        let topics = std::mem::take(&mut state.topics_changed) || is_joining;
        let owned = std::mem::take(&mut state.owned_changed) || is_joining;
        let topics = topics.then(|| state.topics.clone());
        let owned = owned.then(|| state.owned.clone());
        drop(state);
        let beat = Beat {
            member: Member { id: &self.member_id, epoch: self.epoch },
            topics: topics.as_deref(),
            owned: owned.as_deref(),
            rebalance_timeout: self.shared.poll_interval_max,
        };
        let answer = self.coordinator.heartbeat(&beat, Instant::now() + self.request_timeout);
        match answer {
            Ok(answer) => {
                self.take_answer(answer);
                Ok(())
            }
            Err(fault) => {
                // Nobody knows what of it has arrived: the next heartbeat says everything again.
                let mut state = self.shared.lock();
                (state.topics_changed, state.owned_changed) = (true, true);
                Err(fault)
            }
        }
    }

    fn take_answer(&mut self, answer: Answer) {
        if let Some(id) = answer.member_id {
            self.member_id = id;
        }
        self.epoch = answer.epoch;
        self.beat_at = Instant::now() + answer.interval;
        self.backoff.reset();
        if let Some(target) = answer.assignment {
            self.shared.lock().update.target = Some(target);
            self.shared.signal.notify();
        }
    }

    fn carry_out(&mut self, order: Order) -> Asked<()> {
        let now = Instant::now();
        if now >= order.deadline {
            let text = "the group's coordinator could not be asked in time; the last try";
            order.fail(&Error::new(ErrorKind::Timeout, format!("{text}: {}", self.reason)));
            self.shared.signal.notify();
            return Ok(());
        }
        let deadline = order.deadline.min(now + self.request_timeout);
        let member = Member { id: &self.member_id, epoch: self.epoch };
        let outcome = match &order.what {
            What::Commit(positions, reply) => {
                let done = self.coordinator.commit(member, positions, deadline);
                done.map(|()| reply.put(Ok(())))
            }
            What::LookUp(partitions, reply) => {
                let found = self.coordinator.committed(member, partitions, deadline);
                found.map(|found| reply.put(Ok(found)))
            }
        };
        match outcome {
            Ok(()) => self.backoff.reset(),
            // An answer that says no is about this order, not about the membership.
            Err(Fault::Fatal(error)) => order.fail(&error),
            Err(Fault::Fenced) => {
                order.fail(&lost());
                self.shared.signal.notify();
                return Err(Fault::Fenced);
            }
            Err(fault @ (Fault::Stale | Fault::Later(_))) => {
                self.shared.lock().orders.push_front(order);
                return Err(fault);
            }
        }
        self.shared.signal.notify();
        Ok(())
    }

    /// Takes note that the group gives the partitions to others. Joins again.
    fn lose(&mut self) {
        self.epoch = 0;
        self.beat_at = Instant::now();
        let mut state = self.shared.lock();
        state.update = Update { lost: true, target: None };
        state.owned.clear();
        for order in state.orders.drain(..) {
            order.fail(&lost());
        }
        drop(state);
        self.shared.signal.notify();
    }

    fn wait_for_poll(&self) {
        let mut state = self.shared.lock();
        while !state.is_polling && !state.closing {
            state = self.shared.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn leave(&mut self) {
        if self.epoch > 0 {
            let beat = Beat {
                member: Member { id: &self.member_id, epoch: -1 },
                topics: None,
                owned: None,
                rebalance_timeout: self.shared.poll_interval_max,
            };
            // Whom the group does not hear from it drops by itself, only later.
            let _ = self.coordinator.heartbeat(&beat, Instant::now() + LEAVE_PATIENCE);
            self.epoch = 0;
        }
    }

    fn fail(&mut self, error: Error) {
        let mut state = self.shared.lock();
        for order in state.orders.drain(..) {
            order.fail(&error);
        }
        state.failure = Some(error);
        drop(state);
        self.shared.signal.notify();
    }
}

impl Order {
    fn fail(&self, error: &Error) {
        match &self.what {
            What::Commit(_, reply) => reply.put(Err(error.clone())),
            What::LookUp(_, reply) => reply.put(Err(error.clone())),
        }
    }
}

struct Ended(Arc<Shared>);

impl Drop for Ended {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.ended = true;
        let error = state.failure.clone();
        let error = error.unwrap_or_else(|| Error::new(ErrorKind::Closed, "the member has left"));
        for order in state.orders.drain(..) {
            order.fail(&error);
        }
        self.0.changed.notify_all();
    }
}

fn lost() -> Error {
    Error::new(
        ErrorKind::UnknownMember,
        "the group has given this member's partitions to others, since it did not hear from it in \
         time: what was not committed will be delivered again",
    )
}

/// A new ID for a member, as Kafka's own clients make them: 22 characters.
pub(in crate::client::consumer) fn new_member_id() -> Result<String> {
    let mut id = [0; 16];
    getrandom::fill(&mut id).map_err(|error| {
        Error::new(ErrorKind::Internal, format!("the system gave no random numbers: {error}"))
    })?;
    // Version 4, variant 1 (RFC 9562 section 5.4). The first bit is clear so that the text does
    // not begin with a dash, which programs would take for an option.
    id[0] &= 0x7f;
    id[6] = id[6] & 0x0f | 0x40;
    id[8] = id[8] & 0x3f | 0x80;
    Ok(Uuid(id).to_string())
}
