//! Consuming: assigned partitions, partition groups, queue groups.

use std::sync::{Mutex, TryLockError};

use minka_core::client::{Acknowledgement, Consumer, ConsumerConfig, StartAt, Waker};
use minka_core::{Error, ErrorKind, Result};

use crate::assignment::minka_assignment;
use crate::batch::minka_batch;
use crate::boundary;
use crate::broker::{minka_broker, target};
use crate::bytes::{minka_bytes, offset, partition, signed, timeout};
use crate::config::minka_config;
use crate::handle::{Handle, Life, free, give, invalid, open, output, pointed, slice};
use crate::status::minka_status;

/// Consumes records. Belongs to one thread at a time: a call while another thread is in one is
/// MINKA_INVALID_REQUEST. Only minka_consumer_wake() and minka_consumer_close() may be called at
/// any time by any thread.
#[derive(Debug)]
pub struct minka_consumer {
    life: Life,
    waker: Waker,
    consumer: Mutex<Option<Consumer>>,
}

/// With the first record that is there.
pub const MINKA_START_EARLIEST: i32 = 0;
/// With the next record that comes.
pub const MINKA_START_LATEST: i32 = 1;
/// With the first record of the time `value` or later, in milliseconds since 1970-01-01 UTC; where
/// there is none, with the next that comes.
pub const MINKA_START_TIME: i32 = 2;
/// With the record of the offset `value`, or the nearest that is there.
pub const MINKA_START_OFFSET: i32 = 3;

/// The message has been dealt with: no member of the group gets it again.
pub const MINKA_ACCEPT: i32 = 1;
/// The message is for somebody else, or for later: it is delivered again, to any member, with a
/// higher delivery count.
pub const MINKA_RELEASE: i32 = 2;
/// The message cannot be dealt with: no member gets it again.
pub const MINKA_REJECT: i32 = 3;
/// The message takes longer: its lock begins anew. It is held until something else is said of
/// it.
pub const MINKA_RENEW: i32 = 4;

/// Where to begin.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct minka_start {
    /// MINKA_START_...
    pub kind: i32,
    /// The time or the offset, if `kind` asks for one.
    pub value: i64,
}

/// A partition, and where to begin in it.
#[repr(C)]
#[derive(Debug)]
pub struct minka_partition_start {
    /// The topic.
    pub topic: minka_bytes,
    /// The partition.
    pub partition: i32,
    /// Where to begin.
    pub start: minka_start,
}

/// Opens a consumer: of a broker in this process, or, with `broker` NULL, of those behind
/// `bootstrap_servers`, "HOST:PORT" with commas between several. It connects to nothing yet, and
/// reads nothing until minka_consumer_subscribe() or minka_consumer_assign().
///
/// Its settings have their Kafka names: client.id, group.id, auto.offset.reset (earliest, latest,
/// or a time as time:1700000000000), max.poll.records, fetch.max.bytes,
/// max.partition.fetch.bytes, fetch.max.wait.ms, enable.auto.commit, auto.commit.interval.ms,
/// max.poll.interval.ms, request.timeout.ms, retry.backoff.ms, retry.backoff.max.ms,
/// security.protocol, sasl.mechanism, sasl.username, sasl.password; and group.type: queue (each
/// message goes to one member, which acknowledges it), as it is by default, or partitions (each
/// partition belongs to one member). `config` may be NULL. MINKA_INVALID_CONFIG names what cannot
/// be.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minka_consumer_open(
    broker: *const minka_broker,
    bootstrap_servers: minka_bytes,
    config: *const minka_config,
    consumer: *mut *mut minka_consumer,
) -> minka_status {
    boundary::status(|| {
        let mut settings = ConsumerConfig::default();
        // SAFETY: the header says what callers must keep to.
        let (out, target) =
            unsafe { (output(consumer, "consumer")?, target(broker, bootstrap_servers)?) };
        // SAFETY: as above.
        unsafe { minka_config::of_client(config, |name, value| settings.set(name, value)) }?;
        let life = Life::begin("consumer")?;
        let consumer = Consumer::open(target, settings)?;
        let waker = consumer.waker();
        give(out, minka_consumer { life, waker, consumer: Mutex::new(Some(consumer)) });
        Ok(())
    })
}

/// Joins the group of the setting group.id, to read these topics with its other members. A topic
/// that does not exist is waited for; it is not created. Who is a member already wants these topics
/// from now on, instead of those before.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minka_consumer_subscribe(
    consumer: *mut minka_consumer,
    topics: *const minka_bytes,
    topic_count: usize,
) -> minka_status {
    boundary::status(|| {
        // SAFETY: the header says what callers must keep to.
        let (consumer, topics) =
            unsafe { (open(consumer, "consumer")?, slice(topics, topic_count, "topics")?) };
        // SAFETY: as above.
        let names = topics.iter().map(|topic| unsafe { topic.text("topics[]") });
        let names = names.collect::<Result<Vec<&str>>>()?;
        consumer.with(|consumer| consumer.subscribe(&names))
    })
}

/// Reads these partitions, each from where it says, instead of those before. What does not exist is
/// waited for; it is not created.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minka_consumer_assign(
    consumer: *mut minka_consumer,
    partitions: *const minka_partition_start,
    partition_count: usize,
) -> minka_status {
    boundary::status(|| {
        // SAFETY: the header says what callers must keep to.
        let (consumer, given) = unsafe {
            (open(consumer, "consumer")?, slice(partitions, partition_count, "partitions")?)
        };
        let partitions = given.iter().map(|one| {
            // SAFETY: as above.
            let topic = unsafe { one.topic.text("partitions[].topic") }?;
            Ok((topic, partition(one.partition)?, one.start.read()?))
        });
        let partitions = partitions.collect::<Result<Vec<_>>>()?;
        consumer.with(|consumer| consumer.assign(&partitions))
    })
}

/// Waits for records: at most max.poll.records of them; none when the time is over. The batch is
/// freed by minka_batch_free().
///
/// What the poll before returned counts as done now, unless enable.auto.commit is false: its
/// positions are committed, its messages accepted in a queue group. MINKA_INTERRUPTED after
/// minka_consumer_wake(), MINKA_CLOSED when the consumer or its broker is closed meanwhile; any
/// other error concerns one partition: the next poll tries it again and returns what others have.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minka_consumer_poll(
    consumer: *mut minka_consumer,
    timeout_ms: i64,
    batch: *mut *mut minka_batch,
) -> minka_status {
    boundary::status(|| {
        // SAFETY: the header says what callers must keep to.
        let (consumer, out) = unsafe { (open(consumer, "consumer")?, output(batch, "batch")?) };
        let records = consumer.with(|consumer| consumer.poll(timeout(timeout_ms)))?;
        give(out, minka_batch::new(records));
        Ok(())
    })
}

/// Ends the poll that waits with MINKA_INTERRUPTED; if none does, the next one ends so at once. May
/// be called at any time by any thread until the consumer is freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minka_consumer_wake(consumer: *const minka_consumer) -> minka_status {
    boundary::status(|| {
        // SAFETY: the header says what callers must keep to.
        let consumer = unsafe { open(consumer, "consumer") }?;
        consumer.waker.wake();
        Ok(())
    })
}

/// Says that what was returned is done, and waits until the broker has that.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minka_consumer_commit(consumer: *mut minka_consumer) -> minka_status {
    boundary::status(|| {
        // SAFETY: the header says what callers must keep to.
        let consumer = unsafe { open(consumer, "consumer") }?;
        consumer.with(Consumer::commit)
    })
}

/// The position that the group has committed for a partition of this member; -1 if none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minka_consumer_committed(
    consumer: *mut minka_consumer,
    topic: minka_bytes,
    partition: i32,
    committed: *mut i64,
) -> minka_status {
    boundary::status(|| {
        // SAFETY: the header says what callers must keep to.
        let (place, out) =
            unsafe { (Place::read(consumer, topic, partition)?, output(committed, "committed")?) };
        out.write(signed(place.with(|c, topic, partition| c.committed(topic, partition))?));
        Ok(())
    })
}

/// Says what becomes of a message of a queue group: MINKA_ACCEPT, MINKA_RELEASE, MINKA_REJECT or
/// MINKA_RENEW. The broker is told with the next poll or commit. MINKA_INVALID_RECORD_STATE where
/// this consumer does not hold the message, or not any more.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minka_consumer_acknowledge(
    consumer: *mut minka_consumer,
    topic: minka_bytes,
    partition: i32,
    offset: i64,
    what: i32,
) -> minka_status {
    boundary::status(|| {
        // SAFETY: the header says what callers must keep to.
        let place = unsafe { Place::read(consumer, topic, partition) }?;
        let offset = self::offset(offset)?;
        let what = match what {
            MINKA_ACCEPT => Acknowledgement::Accept,
            MINKA_RELEASE => Acknowledgement::Release,
            MINKA_REJECT => Acknowledgement::Reject,
            MINKA_RENEW => Acknowledgement::Renew,
            _ => return Err(invalid("what", "is none of MINKA_ACCEPT and its like")),
        };
        place
            .with(|consumer, topic, partition| consumer.acknowledge(topic, partition, offset, what))
    })
}

/// Goes on elsewhere in a partition. What was fetched of it is dropped.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minka_consumer_seek(
    consumer: *mut minka_consumer,
    topic: minka_bytes,
    partition: i32,
    start: minka_start,
) -> minka_status {
    boundary::status(|| {
        // SAFETY: the header says what callers must keep to.
        let place = unsafe { Place::read(consumer, topic, partition) }?;
        let at = start.read()?;
        place.with(|consumer, topic, partition| consumer.seek(topic, partition, at))
    })
}

/// Returns no more records of a partition until minka_consumer_resume().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minka_consumer_pause(
    consumer: *mut minka_consumer,
    topic: minka_bytes,
    partition: i32,
) -> minka_status {
    boundary::status(|| {
        // SAFETY: the header says what callers must keep to.
        let place = unsafe { Place::read(consumer, topic, partition) }?;
        place.with(Consumer::pause)
    })
}

/// Goes on with a partition where it was paused.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minka_consumer_resume(
    consumer: *mut minka_consumer,
    topic: minka_bytes,
    partition: i32,
) -> minka_status {
    boundary::status(|| {
        // SAFETY: the header says what callers must keep to.
        let place = unsafe { Place::read(consumer, topic, partition) }?;
        place.with(Consumer::resume)
    })
}

/// The offset of the next record that a poll will return of a partition; -1 until the broker has
/// said where it begins.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minka_consumer_position(
    consumer: *mut minka_consumer,
    topic: minka_bytes,
    partition: i32,
    position: *mut i64,
) -> minka_status {
    boundary::status(|| {
        // SAFETY: the header says what callers must keep to.
        let (place, out) =
            unsafe { (Place::read(consumer, topic, partition)?, output(position, "position")?) };
        out.write(signed(place.with(Consumer::position)?));
        Ok(())
    })
}

/// The partitions that are read at present. Freed by minka_assignment_free().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minka_consumer_assignment(
    consumer: *mut minka_consumer,
    assignment: *mut *mut minka_assignment,
) -> minka_status {
    boundary::status(|| {
        // SAFETY: the header says what callers must keep to.
        let (consumer, out) =
            unsafe { (open(consumer, "consumer")?, output(assignment, "assignment")?) };
        give(out, minka_assignment::new(consumer.with(|consumer| Ok(consumer.assignment()))?));
        Ok(())
    })
}

/// How many acknowledgements came too late, or over a connection that was lost, since this consumer
/// subscribed to a queue group: those messages are delivered again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minka_consumer_acknowledged_too_late(
    consumer: *mut minka_consumer,
    count: *mut u64,
) -> minka_status {
    boundary::status(|| {
        // SAFETY: the header says what callers must keep to.
        let (consumer, out) = unsafe { (open(consumer, "consumer")?, output(count, "count")?) };
        out.write(consumer.with(|consumer| Ok(consumer.acknowledged_too_late()))?);
        Ok(())
    })
}

/// Closes a consumer: what was returned is done, unless enable.auto.commit is false, and a member
/// leaves its group at once. A poll in which another thread waits ends with MINKA_CLOSED, and this
/// waits for it. Closing again does nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minka_consumer_close(consumer: *mut minka_consumer) -> minka_status {
    boundary::status(|| {
        // SAFETY: the header says what callers must keep to.
        let consumer = unsafe { pointed(consumer, "consumer") }?;
        if !consumer.life.end()? {
            return Ok(());
        }
        consumer.waker.wake();
        // After a panic nobody knows what was done, so nothing is committed.
        let taken = consumer.consumer.lock().map(|mut inner| inner.take());
        match taken {
            Ok(inner) => inner.map_or(Ok(()), Consumer::close),
            Err(_) => Err(broken()),
        }
    })
}

/// Frees a consumer; NULL is let be. One that was not closed is closed first, for 2 seconds at
/// most.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minka_consumer_free(consumer: *mut minka_consumer) {
    // SAFETY: the header says what callers must keep to.
    unsafe { free(consumer) }
}

impl Handle for minka_consumer {
    fn life(&self) -> &Life {
        &self.life
    }
}

impl minka_consumer {
    /// Calls what belongs to one thread at a time.
    fn with<T>(&self, call: impl FnOnce(&mut Consumer) -> Result<T>) -> Result<T> {
        let mut inner = match self.consumer.try_lock() {
            Ok(inner) => inner,
            Err(TryLockError::Poisoned(_)) => return Err(broken()),
            // Who closes it holds the lock, too.
            Err(TryLockError::WouldBlock) if self.life.is_closed() => {
                return Err(self.life.closed());
            }
            Err(TryLockError::WouldBlock) => {
                let text = "another thread is in a call of this consumer: one at a time may use it";
                return Err(Error::new(ErrorKind::InvalidRequest, text));
            }
        };
        let consumer = inner.as_mut().ok_or_else(|| self.life.closed())?;
        call(consumer).map_err(|error| {
            // It was woken to be closed.
            let closing = error.kind() == ErrorKind::Interrupted && self.life.is_closed();
            if closing { self.life.closed() } else { error }
        })
    }
}

#[cold]
fn broken() -> Error {
    let text = "a bug ended an earlier call of this consumer, which cannot be used any more";
    Error::new(ErrorKind::Internal, text)
}

impl minka_start {
    pub(crate) fn read(self) -> Result<StartAt> {
        match self.kind {
            MINKA_START_EARLIEST => Ok(StartAt::Earliest),
            MINKA_START_LATEST => Ok(StartAt::Latest),
            MINKA_START_TIME => Ok(StartAt::Time(self.value)),
            MINKA_START_OFFSET => Ok(StartAt::Offset(offset(self.value)?)),
            _ => Err(invalid("start.kind", "is none of MINKA_START_...")),
        }
    }
}

/// A consumer, and a partition that it is asked about.
struct Place<'a> {
    consumer: &'a minka_consumer,
    topic: &'a str,
    partition: u32,
}

impl<'a> Place<'a> {
    /// # Safety
    /// As [`open`] and [`minka_bytes::text`].
    unsafe fn read(
        consumer: *const minka_consumer,
        topic: minka_bytes,
        number: i32,
    ) -> Result<Self> {
        // SAFETY: the caller says so.
        let (consumer, topic) = unsafe { (open(consumer, "consumer")?, topic.text("topic")?) };
        Ok(Self { consumer, topic, partition: partition(number)? })
    }

    fn with<T>(&self, call: impl FnOnce(&mut Consumer, &'a str, u32) -> Result<T>) -> Result<T> {
        self.consumer.with(|consumer| call(consumer, self.topic, self.partition))
    }
}
