//! Faults that a test asks for: the n-th call of an API fails, is late, or its connection ends.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use nix::errno::Errno;

use super::Broker;
use crate::error::{Error, ErrorKind, Result};
use crate::sys::watched::{DiskCall, Watch};

/// A fault to come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// What it happens to: an API by its Kafka name (`Produce`, `Fetch`, `OffsetCommit`, ...), or
    /// the disk: `disk.write`, `disk.sync`, `disk.read`. Capitals do not matter.
    ///
    /// A request of the Kafka door counts as one call, and so does what a client in this process
    /// would have sent as one. Reads and writes of the disk are counted whatever they are for;
    /// but what leaves by `sendfile` is not read by the broker, and so not counted.
    pub at: String,
    /// The call from now on with which it begins: 1 is the next.
    pub nth: u64,
    /// How many calls it happens to from there on; `u64::MAX` for all.
    pub times: u64,
    /// What happens.
    pub effect: Effect,
}

/// What a fault does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Effect {
    /// The call does nothing and fails with this error. On the disk this is an I/O error whatever
    /// the kind. Clients behind an address try again what can be; those of this process tell it.
    Error(ErrorKind),
    /// The call takes this much longer.
    Delay(Duration),
    /// The connection ends before the request is looked at. In this process: `Network`.
    DropRequest,
    /// The request is handled, and the connection ends in place of the answer.
    DropAnswer,
}

/// The APIs that can fail with an error: their answers have room for it.
const FAILING: &[&str] = &[
    "ConsumerGroupHeartbeat",
    "CreateTopics",
    "DeleteTopics",
    "Fetch",
    "FindCoordinator",
    "Heartbeat",
    "InitProducerId",
    "JoinGroup",
    "LeaveGroup",
    "ListOffsets",
    "Metadata",
    "OffsetCommit",
    "OffsetFetch",
    "Produce",
    "ShareAcknowledge",
    "ShareFetch",
    "ShareGroupHeartbeat",
    "SyncGroup",
];

/// The APIs that can only be late or lose their connection.
const OTHERS: &[&str] = &[
    "AlterConfigs",
    "AlterShareGroupOffsets",
    "ApiVersions",
    "ConsumerGroupDescribe",
    "CreatePartitions",
    "DeleteGroups",
    "DeleteRecords",
    "DeleteShareGroupOffsets",
    "DescribeCluster",
    "DescribeConfigs",
    "DescribeGroups",
    "DescribeShareGroupOffsets",
    "IncrementalAlterConfigs",
    "ListConfigResources",
    "ListGroups",
    "OffsetDelete",
    "SaslAuthenticate",
    "SaslHandshake",
    "ShareGroupDescribe",
];

/// The calls of the disk.
const DISK_READ: &str = "disk.read";
const DISK_SYNC: &str = "disk.sync";
const DISK_WRITE: &str = "disk.write";
const DISK: &[&str] = &[DISK_READ, DISK_SYNC, DISK_WRITE];

/// The faults that are to come.
#[derive(Debug, Default)]
pub(super) struct Faults {
    /// Whether there is any. SYNC: it only says whether to look, under the lock.
    any: AtomicBool,
    state: Mutex<State>,
    closed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    armed: Vec<Armed>,
    closed: bool,
}

/// A fault, and how many calls it has seen.
#[derive(Debug)]
struct Armed {
    fault: Fault,
    seen: u64,
}

impl Broker {
    /// Has a fault happen. Clients on the Kafka door and in this process see it alike. Where
    /// several are asked for at one place, each counts for itself, and of those that strike at
    /// once the first does.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidRequest`] for a name that is none, or an effect that it cannot have.
    pub fn inject(&self, fault: Fault) -> Result<()> {
        fault.check()?;
        let faults = &self.shared.faults;
        let mut state = faults.lock();
        state.armed.push(Armed { fault, seen: 0 });
        faults.any.store(true, Ordering::Relaxed);
        Ok(())
    }

    /// Takes back all faults that are to come.
    pub fn clear_faults(&self) {
        let faults = &self.shared.faults;
        let mut state = faults.lock();
        state.armed.clear();
        faults.any.store(false, Ordering::Relaxed);
    }

    /// Counts a call of an API, and says what happens to it.
    pub(crate) fn strike(&self, api: impl FnOnce() -> &'static str) -> Option<Effect> {
        let faults = &self.shared.faults;
        if faults.any.load(Ordering::Relaxed) { faults.strike(api()) } else { None }
    }

    /// Counts a call of a client in this process, and lets a delay pass. `true` says that the call
    /// is to be done, but that its answer is lost.
    ///
    /// # Errors
    /// What the call fails with.
    pub(crate) fn meet_fault(&self, api: &str) -> Result<bool> {
        match self.shared.faults.strike(api) {
            None => Ok(false),
            Some(Effect::Error(kind)) => Err(asked_for(kind, api)),
            Some(Effect::Delay(delay)) => match self.shared.faults.pause(delay) {
                true => Ok(false),
                false => Err(Error::new(ErrorKind::Closed, "the broker has been closed")),
            },
            Some(Effect::DropRequest) => Err(lost(api)),
            Some(Effect::DropAnswer) => Ok(true),
        }
    }

    /// Does a call of a client in this process, unless a fault has it end otherwise.
    ///
    /// # Errors
    /// What the fault is, and those of the call.
    pub(crate) fn call_as<T>(&self, api: &str, call: impl FnOnce() -> Result<T>) -> Result<T> {
        if self.meet_fault(api)? {
            drop(call());
            return Err(lost(api));
        }
        call()
    }
}

/// The error that was asked for.
pub(crate) fn asked_for(kind: ErrorKind, api: &str) -> Error {
    Error::new(kind, format!("{api} fails, since that was asked for"))
}

/// What a client in this process gets in place of a connection that ends.
pub(crate) fn lost(api: &str) -> Error {
    let text = format!("the connection ended before the answer to {api}, as was asked for");
    Error::new(ErrorKind::Network, text)
}

impl Faults {
    /// Counts a call, and says what happens to it. One load where nothing was asked for.
    pub(super) fn strike(&self, at: &str) -> Option<Effect> {
        if !self.any.load(Ordering::Relaxed) {
            return None;
        }
        let mut state = self.lock();
        let mut struck = None;
        state.armed.retain_mut(|armed| {
            if !armed.fault.at.eq_ignore_ascii_case(at) {
                return true;
            }
            armed.seen += 1;
            let Fault { nth, times, effect, .. } = armed.fault;
            if armed.seen >= nth && struck.is_none() {
                struck = Some(effect);
            }
            armed.seen < nth.saturating_add(times - 1)
        });
        self.any.store(!state.armed.is_empty(), Ordering::Relaxed);
        struck
    }

    /// Waits, but not for longer than the broker is open; `false` says that it was closed.
    pub(super) fn pause(&self, delay: Duration) -> bool {
        let state = self.lock();
        let is_open = |state: &mut State| !state.closed;
        let waited = self.closed.wait_timeout_while(state, delay, is_open);
        !waited.unwrap_or_else(PoisonError::into_inner).0.closed
    }

    /// Lets everybody go on who is held up.
    pub(super) fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        state.armed.clear();
        self.any.store(false, Ordering::Relaxed);
        self.closed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Watch for Faults {
    fn before(&self, call: DiskCall<'_>) -> io::Result<()> {
        let at = match call {
            DiskCall::Read => DISK_READ,
            DiskCall::Write(_) => DISK_WRITE,
            DiskCall::Sync => DISK_SYNC,
        };
        match self.strike(at) {
            Some(Effect::Error(_)) => return Err(Errno::EIO.into()),
            // A broker that closes has the rest of its work done.
            Some(Effect::Delay(delay)) => {
                self.pause(delay);
            }
            _ => {}
        }
        Ok(())
    }
}

impl Fault {
    /// Refuses what cannot be ([`ErrorKind::InvalidRequest`]).
    pub fn check(&self) -> Result<()> {
        let refuse = |text: String| Err(Error::new(ErrorKind::InvalidRequest, text));
        let at = &self.at;
        let is_of = |names: &[&str]| names.iter().any(|name| name.eq_ignore_ascii_case(at));
        if !is_of(FAILING) && !is_of(OTHERS) && !is_of(DISK) {
            let names: Vec<&str> = [DISK, FAILING, OTHERS].concat();
            return refuse(format!(
                "there is nothing called {at:?} that a fault could happen to: name one of {}",
                names.join(", ")
            ));
        }
        if self.nth == 0 || self.times == 0 {
            return refuse("a fault's nth and times count from 1".to_owned());
        }
        match self.effect {
            Effect::Error(_) if is_of(OTHERS) => {
                refuse(format!("{at} can only be late or lose its connection, not fail"))
            }
            Effect::DropRequest | Effect::DropAnswer if is_of(DISK) => {
                refuse(format!("{at} has no connection that could end"))
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(at: &str, nth: u64, times: u64, effect: Effect) -> Fault {
        Fault { at: at.to_owned(), nth, times, effect }
    }

    fn armed(all: &[Fault]) -> Faults {
        let faults = Faults::default();
        for fault in all {
            fault.check().unwrap();
            faults.lock().armed.push(Armed { fault: fault.clone(), seen: 0 });
        }
        faults.any.store(true, Ordering::Relaxed);
        faults
    }

    #[test]
    fn a_fault_strikes_from_the_nth_call_on_as_often_as_asked() {
        let drops = Effect::DropRequest;
        let faults = armed(&[fault("produce", 2, 2, drops)]);
        assert_eq!(faults.strike("Fetch"), None);
        let found = [(); 5].map(|()| faults.strike("Produce"));
        assert_eq!(found, [None, Some(drops), Some(drops), None, None]);
        assert!(!faults.any.load(Ordering::Relaxed), "nothing is left to look for");

        let for_ever = armed(&[fault("Fetch", 1, u64::MAX, drops)]);
        assert!((0..100).all(|_| for_ever.strike("Fetch") == Some(drops)));
    }

    #[test]
    fn faults_at_one_place_count_for_themselves() {
        let (first, second) = (Effect::DropRequest, Effect::DropAnswer);
        let faults = armed(&[fault("Fetch", 2, 1, first), fault("Fetch", 1, 3, second)]);
        let found = [(); 4].map(|()| faults.strike("Fetch"));
        assert_eq!(found, [Some(second), Some(first), Some(second), None]);
    }

    #[test]
    fn what_cannot_be_is_refused() {
        let error = Effect::Error(ErrorKind::Timeout);
        for (fault, says) in [
            (
                fault("Prodce", 1, 1, error),
                "name one of disk.read, disk.sync, disk.write, Consumer",
            ),
            (fault("", 1, 1, error), "there is nothing called \"\""),
            (fault("ListGroups", 1, 1, error), "ListGroups can only be late"),
            (fault("disk.sync", 1, 1, Effect::DropAnswer), "disk.sync has no connection"),
            (fault("Fetch", 0, 1, error), "count from 1"),
            (fault("Fetch", 1, 0, error), "count from 1"),
        ] {
            let error = fault.check().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidRequest);
            assert!(error.to_string().contains(says), "{error}");
        }
        fault("DISK.SYNC", 1, u64::MAX, error).check().unwrap();
        fault("apiversions", u64::MAX, u64::MAX, Effect::DropRequest).check().unwrap();
    }

    #[test]
    fn who_is_held_up_goes_on_when_the_broker_closes() {
        let faults = Faults::default();
        assert!(faults.pause(Duration::from_millis(1)));
        std::thread::scope(|scope| {
            let held = scope.spawn(|| faults.pause(Duration::MAX));
            faults.close();
            assert!(!held.join().unwrap());
        });
    }
}
