//! A broker in this process.

use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use minka_core::client::Target;
use minka_core::engine::{Effect, Fault};
use minka_core::{Broker, Embedded, Error, ErrorKind, Result};

use crate::boundary;
use crate::bytes::{minka_bytes, timeout};
use crate::config::minka_config;
use crate::handle::{Handle, Life, free, give, invalid, open, output, pointed};
use crate::status::{kind, minka_status};

/// A broker in this process. Any number of threads may use it.
#[derive(Debug)]
pub struct minka_broker {
    life: Life,
    embedded: Embedded,
    /// As it was asked for: what was given out stays where it is.
    servers: OnceLock<String>,
}

/// The call does nothing and fails with the error `value`. On the disk this is an I/O error
/// whatever the number.
pub const MINKA_EFFECT_ERROR: i32 = 1;
/// The call takes `value` milliseconds longer.
pub const MINKA_EFFECT_DELAY: i32 = 2;
/// The connection ends before the request is looked at. In this process: MINKA_NETWORK.
pub const MINKA_EFFECT_DROP_REQUEST: i32 = 3;
/// The request is handled, and the connection ends in place of the answer.
pub const MINKA_EFFECT_DROP_ANSWER: i32 = 4;

/// A fault to come.
#[repr(C)]
#[derive(Debug)]
pub struct minka_fault {
    /// What it happens to: an API by its Kafka name ("Produce", "Fetch", "OffsetCommit", ...), or
    /// the disk: "disk.write", "disk.sync", "disk.read".
    pub at: minka_bytes,
    /// The call from now on with which it begins: 1 is the next.
    pub nth: u64,
    /// How many calls it happens to from there on; UINT64_MAX for all.
    pub times: u64,
    /// What happens: MINKA_EFFECT_...
    pub effect: i32,
    /// The error, or the milliseconds.
    pub value: i64,
}

/// Opens a broker. Its settings are those of the program `broker`, by the same names, such as
/// "num.partitions", and:
///
///   data       the data directory; without it everything is in memory, and gone when it is closed
///   copy-of    a data directory that a broker in memory begins with a copy of
///   kafka      HOST:PORT of the Kafka door; port 0 takes a free one; without it there is none
///   advertise  HOST:PORT that clients are told
///   log-level  what broker.log tells: error, warn, info or debug
///
/// `config` may be NULL: a broker in memory. MINKA_INVALID_CONFIG names the setting;
/// MINKA_DIRECTORY_LOCKED, MINKA_STORAGE_FAILED, MINKA_DAMAGED, MINKA_NETWORK.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minka_broker_open(
    config: *const minka_config,
    broker: *mut *mut minka_broker,
) -> minka_status {
    boundary::status(|| {
        // SAFETY: the header says what callers must keep to.
        let (out, (settings, hooks)) =
            unsafe { (output(broker, "broker")?, minka_config::of_broker(config)?) };
        let life = Life::begin("broker")?;
        let embedded = Embedded::open(&settings, hooks)?;
        give(out, minka_broker { life, embedded, servers: OnceLock::new() });
        Ok(())
    })
}

/// Opens the Kafka door, at `address` as "HOST:PORT", of a broker that has none. Port 0 takes a
/// free one; minka_broker_bootstrap_servers() says which.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minka_broker_listen(
    broker: *const minka_broker,
    address: minka_bytes,
) -> minka_status {
    boundary::status(|| {
        // SAFETY: the header says what callers must keep to.
        let (broker, address) = unsafe { (open(broker, "broker")?, address.text("address")?) };
        broker.embedded.listen(address).map(drop)
    })
}

/// Where Kafka clients connect to, as "HOST:PORT"; NULL without a Kafka door. Valid until the
/// broker is freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minka_broker_bootstrap_servers(
    broker: *const minka_broker,
    servers: *mut minka_bytes,
) -> minka_status {
    boundary::status(|| {
        // SAFETY: the header says what callers must keep to.
        let (broker, out) = unsafe { (open(broker, "broker")?, output(servers, "servers")?) };
        // A door that is open stays where it is.
        let known = match broker.servers.get() {
            Some(known) => Some(known),
            None => {
                let found = broker.embedded.bootstrap_servers();
                found.map(|found| broker.servers.get_or_init(|| found))
            }
        };
        out.write(minka_bytes::of_text(known.map(String::as_str)));
        Ok(())
    })
}

/// Moves the broker's clock forward by `by_ms`. When this returns, everything that was due by then
/// has happened: locks, sessions, rests and retention that ran out, dead letters. Only the
/// broker's own time moves: how long a client waits for an answer does not.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minka_broker_advance_clock(
    broker: *const minka_broker,
    by_ms: i64,
) -> minka_status {
    boundary::status(|| {
        // SAFETY: the header says what callers must keep to.
        let broker = unsafe { open(broker, "broker") }?;
        let by = u64::try_from(by_ms).map_err(|_| invalid("by_ms", "is negative"))?;
        broker.core().advance_clock(Duration::from_millis(by))
    })
}

/// Has a fault happen. Clients on the network and in this process see it alike.
/// MINKA_INVALID_REQUEST for a place that is none, or an effect that it cannot have.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minka_broker_fault(
    broker: *const minka_broker,
    fault: *const minka_fault,
) -> minka_status {
    boundary::status(|| {
        // SAFETY: the header says what callers must keep to.
        let (broker, fault) = unsafe { (open(broker, "broker")?, pointed(fault, "fault")?) };
        // SAFETY: as above.
        let at = unsafe { fault.at.text("fault.at") }?.to_owned();
        let effect = fault.read_effect()?;
        let fault = Fault { at, nth: fault.nth, times: fault.times, effect };
        broker.core().inject(fault)
    })
}

/// Takes back all faults that are to come.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minka_broker_clear_faults(broker: *const minka_broker) -> minka_status {
    boundary::status(|| {
        // SAFETY: the header says what callers must keep to.
        let broker = unsafe { open(broker, "broker") }?;
        broker.core().clear_faults();
        Ok(())
    })
}

/// Ends all connections of the Kafka door; it goes on accepting new ones.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minka_broker_drop_connections(
    broker: *const minka_broker,
) -> minka_status {
    boundary::status(|| {
        // SAFETY: the header says what callers must keep to.
        let broker = unsafe { open(broker, "broker") }?;
        broker.embedded.drop_connections();
        Ok(())
    })
}

/// Copies what the broker holds into a directory, which must be empty or absent: a data directory
/// as any other. Others may use the broker meanwhile; what was acknowledged before the call is in
/// the copy.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minka_broker_snapshot(
    broker: *const minka_broker,
    directory: minka_bytes,
) -> minka_status {
    boundary::status(|| {
        // SAFETY: the header says what callers must keep to.
        let (broker, directory) =
            unsafe { (open(broker, "broker")?, directory.text("directory")?) };
        if directory.is_empty() {
            return Err(invalid("directory", "is empty"));
        }
        broker.core().snapshot(Path::new(directory))
    })
}

/// Waits until the lag of `group`, or with NULL of all groups, is zero: everything that is visible
/// is committed, or settled in a queue group. MINKA_TIMEOUT, whose sentence says what is left;
/// MINKA_GROUP_NOT_FOUND.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minka_broker_wait_until_idle(
    broker: *const minka_broker,
    group: minka_bytes,
    timeout_ms: i64,
) -> minka_status {
    boundary::status(|| {
        // SAFETY: the header says what callers must keep to.
        let (broker, group) = unsafe { (open(broker, "broker")?, group.nullable_text("group")?) };
        broker.core().wait_until_idle(group, timeout(timeout_ms))
    })
}

/// Closes the Kafka door, then the broker: what was acknowledged is on the disk. Calls of its
/// clients in this process end with MINKA_CLOSED. Closing again does nothing. May be called while
/// other threads are in calls of this broker.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minka_broker_close(broker: *mut minka_broker) -> minka_status {
    boundary::status(|| {
        // SAFETY: the header says what callers must keep to.
        let broker = unsafe { pointed(broker, "broker") }?;
        if broker.life.end()? { broker.embedded.close() } else { Ok(()) }
    })
}

/// Frees a broker, and closes it if need be; NULL is let be. Its clients in this process may be
/// freed before or after it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minka_broker_free(broker: *mut minka_broker) {
    // SAFETY: the header says what callers must keep to.
    unsafe { free(broker) }
}

impl Handle for minka_broker {
    fn life(&self) -> &Life {
        &self.life
    }
}

impl minka_broker {
    pub(crate) fn core(&self) -> &Arc<Broker> {
        self.embedded.broker()
    }
}

impl minka_fault {
    fn read_effect(&self) -> Result<Effect> {
        let value = self.value;
        match self.effect {
            MINKA_EFFECT_ERROR => {
                let found = i32::try_from(value).ok().and_then(kind);
                let none = || invalid("fault.value", "is not the number of an error");
                found.map(Effect::Error).ok_or_else(none)
            }
            MINKA_EFFECT_DELAY => {
                let ms = u64::try_from(value);
                let ms = ms.map_err(|_| invalid("fault.value", "is a negative time"))?;
                Ok(Effect::Delay(Duration::from_millis(ms)))
            }
            MINKA_EFFECT_DROP_REQUEST => Ok(Effect::DropRequest),
            MINKA_EFFECT_DROP_ANSWER => Ok(Effect::DropAnswer),
            _ => Err(invalid("fault.effect", "is none of MINKA_EFFECT_...")),
        }
    }
}

/// What a client is opened on: a broker, or addresses.
///
/// # Safety
/// As [`open`] and [`minka_bytes::text`].
pub(crate) unsafe fn target(broker: *const minka_broker, bootstrap: minka_bytes) -> Result<Target> {
    // SAFETY: the caller says so.
    let bootstrap = unsafe { bootstrap.nullable_text("bootstrap_servers") }?;
    match (broker.is_null(), bootstrap) {
        (false, None | Some("")) => {
            // SAFETY: the caller says so.
            let broker = unsafe { open(broker, "broker") }?;
            Ok(Target::Broker(broker.core().clone()))
        }
        (true, Some(addresses)) => Ok(Target::Address(addresses.to_owned())),
        (true, None) => {
            let text = "a client needs a broker of this process or bootstrap_servers";
            Err(Error::new(ErrorKind::InvalidRequest, text))
        }
        (false, Some(_)) => {
            let text = "a client has a broker of this process or bootstrap_servers, not both";
            Err(Error::new(ErrorKind::InvalidRequest, text))
        }
    }
}
