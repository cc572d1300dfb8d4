//! Sending records.

use std::ffi::c_void;
use std::time::{Duration, Instant};

use minka_core::client::{Delivery, Header, Message, Producer, ProducerConfig, Receipt};
use minka_core::{Error, ErrorKind, Result};

use crate::broker::{minka_broker, target};
use crate::bytes::{minka_bytes, minka_header, number, signed, timeout};
use crate::config::minka_config;
use crate::handle::{Handle, Life, free, give, invalid, open, output, pointed, slice};
use crate::status::{MINKA_OK, minka_status};
use crate::{boundary, last_error};

/// Sends records. Any number of threads may use one at the same time.
#[derive(Debug)]
pub struct minka_producer {
    life: Life,
    producer: Producer,
    /// How long it waits for room at most (`max.block.ms`).
    block_max: Duration,
}

/// A record to be sent. Begin with MINKA_MESSAGE_INIT: then what is not set is as it should be.
#[repr(C)]
#[derive(Debug)]
pub struct minka_message {
    /// The topic.
    pub topic: minka_bytes,
    /// The partition; -1 to choose it by the key.
    pub partition: i32,
    /// The key, or null. Records with the same key go to the same partition.
    pub key: minka_bytes,
    /// The value, or null.
    pub value: minka_bytes,
    /// The headers, in order.
    pub headers: *const minka_header,
    /// How many headers there are.
    pub header_count: usize,
    /// In milliseconds since 1970-01-01 UTC; -1 for now.
    pub timestamp: i64,
}

/// Where a record ended up.
#[repr(C)]
#[derive(Debug)]
pub struct minka_receipt {
    /// The topic: the bytes of the message itself; in a delivery report, valid until it returns.
    pub topic: minka_bytes,
    /// The partition.
    pub partition: i32,
    /// The offset in the partition; -1 where the broker did not tell it: with acks=0, and for a
    /// record that it knew already.
    pub offset: i64,
    /// The record's unique ID in minka's log; -1 where the broker does not tell it.
    pub id: i64,
    /// The record's timestamp as it is stored: its own, or the time of the append where the topic
    /// keeps that.
    pub timestamp: i64,
}

/// Told once what became of a record: with MINKA_OK where it was stored; else `receipt` is NULL and
/// minka_last_error() has the sentence.
///
/// It is called on the producer's own thread or, on a broker in this process, also on a thread that
/// is in a call of this producer. Others wait meanwhile, so it should be short. It may send: then a
/// full buffer is an error at once. It may not wait for a record, flush or close: that is
/// MINKA_INVALID_REQUEST. It may not leave by longjmp or an exception.
pub type minka_delivery_fn = Option<
    unsafe extern "C" fn(
        userdata: *mut c_void,
        status: minka_status,
        receipt: *const minka_receipt,
    ),
>;

/// Opens a producer: of a broker in this process, or, with `broker` NULL, of those behind
/// `bootstrap_servers`, "HOST:PORT" with commas between several. It connects to nothing yet.
///
/// Its settings have their Kafka names: client.id, acks, enable.idempotence, linger.ms, batch.size,
/// compression.type, buffer.memory, max.block.ms, delivery.timeout.ms, request.timeout.ms,
/// retry.backoff.ms, retry.backoff.max.ms, security.protocol, sasl.mechanism, sasl.username,
/// sasl.password. `config` may be NULL. MINKA_INVALID_CONFIG names what cannot be.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minka_producer_open(
    broker: *const minka_broker,
    bootstrap_servers: minka_bytes,
    config: *const minka_config,
    producer: *mut *mut minka_producer,
) -> minka_status {
    boundary::status(|| {
        let mut settings = ProducerConfig::default();
        // SAFETY: the header says what callers must keep to.
        let (out, target) =
            unsafe { (output(producer, "producer")?, target(broker, bootstrap_servers)?) };
        // SAFETY: as above.
        unsafe { minka_config::of_client(config, |name, value| settings.set(name, value)) }?;
        let life = Life::begin("producer")?;
        let block_max = settings.block_max;
        give(out, minka_producer { life, producer: Producer::open(target, settings)?, block_max });
        Ok(())
    })
}

/// Sends a record and waits until it is stored. `receipt` may be NULL. After MINKA_TIMEOUT the
/// record may still be stored; after any other error it is not. Part of the time, but no longer
/// than max.block.ms, may be waiting for room in the buffer, or to hear of the topic.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minka_producer_send(
    producer: *const minka_producer,
    message: *const minka_message,
    timeout_ms: i64,
    receipt: *mut minka_receipt,
) -> minka_status {
    boundary::status(|| {
        // SAFETY: the header says what callers must keep to.
        let (producer, message) =
            unsafe { (open(producer, "producer")?, pointed(message, "message")?) };
        let mut headers = Vec::new();
        // SAFETY: as above.
        let record = unsafe { message.read(&mut headers) }?;
        let wait = timeout(timeout_ms);
        let deadline = Instant::now() + wait;
        let delivery = producer.producer.send_within(record, wait.min(producer.block_max))?;
        let stored = delivery.wait(deadline.saturating_duration_since(Instant::now()))?;
        if !receipt.is_null() {
            // SAFETY: as above.
            unsafe { output(receipt, "receipt") }?
                .write(minka_receipt { topic: message.topic, ..minka_receipt::of(&stored) });
        }
        Ok(())
    })
}

/// Sends many records and waits until they are stored: they go in batches, so this takes little
/// longer than sending one. Those of a partition are stored in the order in which they stand.
///
/// `receipts` and `statuses` have room for `count`, or are NULL. Each record has its status, and a
/// receipt where that is MINKA_OK. Answers MINKA_OK where all are, else the status of the first one
/// that is not. `timeout_ms` is for all together.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minka_producer_send_many(
    producer: *const minka_producer,
    messages: *const minka_message,
    count: usize,
    timeout_ms: i64,
    receipts: *mut minka_receipt,
    statuses: *mut minka_status,
) -> minka_status {
    boundary::status(|| {
        // SAFETY: the header says what callers must keep to.
        let (producer, messages) =
            unsafe { (open(producer, "producer")?, slice(messages, count, "messages")?) };
        let wait = timeout(timeout_ms);
        let deadline = Instant::now() + wait;
        let sent = producer.send_all(messages, wait.min(producer.block_max), deadline);
        let mut first = None;
        for (at, (message, delivery)) in messages.iter().zip(sent).enumerate() {
            let left = deadline.saturating_duration_since(Instant::now());
            let result = delivery.and_then(|delivery| delivery.wait(left));
            if !statuses.is_null() {
                let status = result.as_ref().map_or_else(|error| error.kind() as _, |_| MINKA_OK);
                // SAFETY: the header asks for room for `count`.
                unsafe { statuses.add(at).write(status) };
            }
            match result {
                Ok(stored) if !receipts.is_null() => {
                    let receipt =
                        minka_receipt { topic: message.topic, ..minka_receipt::of(&stored) };
                    // SAFETY: as above.
                    unsafe { receipts.add(at).write(receipt) };
                }
                Ok(_) => {}
                Err(error) => first = first.or(Some(error)),
            }
        }
        first.map_or(Ok(()), Err)
    })
}

/// Sends a record without waiting for it, and has `callback` told what becomes of it, once, unless
/// this fails. `callback` may be NULL. Everything in `message` is copied. Waits for max.block.ms at
/// most: for room in the buffer, or to hear of a topic that was not sent to before.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minka_producer_send_async(
    producer: *const minka_producer,
    message: *const minka_message,
    callback: minka_delivery_fn,
    userdata: *mut c_void,
) -> minka_status {
    boundary::status(|| {
        // SAFETY: the header says what callers must keep to.
        let (producer, message) =
            unsafe { (open(producer, "producer")?, pointed(message, "message")?) };
        let mut headers = Vec::new();
        // SAFETY: as above.
        let message = unsafe { message.read(&mut headers) }?;
        match callback {
            None => producer.producer.send(message).map(drop),
            Some(callback) => {
                let report = Report { callback, userdata };
                producer.producer.send_with(message, move |result| report.tell(result))
            }
        }
    })
}

/// Waits until every record that was sent before is stored or has failed, and its callback has
/// returned. MINKA_TIMEOUT if that takes longer; that records failed is told by their own reports.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minka_producer_flush(
    producer: *const minka_producer,
    timeout_ms: i64,
) -> minka_status {
    boundary::status(|| {
        // SAFETY: the header says what callers must keep to.
        let producer = unsafe { open(producer, "producer") }?;
        producer.producer.flush(timeout(timeout_ms))
    })
}

/// Takes no more records, waits as minka_producer_flush() does, and ends the producer. What is not
/// stored by then fails with MINKA_CLOSED. May be called while other threads are in calls of this
/// producer; closing again does nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minka_producer_close(
    producer: *mut minka_producer,
    timeout_ms: i64,
) -> minka_status {
    boundary::status(|| {
        // SAFETY: the header says what callers must keep to.
        let producer = unsafe { pointed(producer, "producer") }?;
        if producer.life.end()? { producer.producer.close(timeout(timeout_ms)) } else { Ok(()) }
    })
}

/// Frees a producer; NULL is let be. One that was not closed is closed first, for 5 seconds at
/// most.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minka_producer_free(producer: *mut minka_producer) {
    // SAFETY: the header says what callers must keep to.
    unsafe { free(producer) }
}

impl Handle for minka_producer {
    fn life(&self) -> &Life {
        &self.life
    }
}

impl minka_producer {
    /// Sends records, one behind another. When one cannot be sent and the time is over, neither
    /// are the others.
    fn send_all(
        &self,
        messages: &[minka_message],
        block_max: Duration,
        deadline: Instant,
    ) -> Vec<Result<Delivery>> {
        let mut late = false;
        let send = |message: &minka_message| {
            if late {
                let text = "the time was over before the record was sent";
                return Err(Error::new(ErrorKind::Timeout, text));
            }
            let mut headers = Vec::new();
            // SAFETY: what a message points to is there for as long as the message itself.
            let sent = unsafe { message.read(&mut headers) };
            let sent = sent.and_then(|message| self.producer.send_within(message, block_max));
            late = sent.is_err() && Instant::now() >= deadline;
            sent
        };
        messages.iter().map(send).collect()
    }
}

impl minka_message {
    /// The record that a caller gave. Its headers need room, which is taken only if there are any.
    ///
    /// # Safety
    /// What it points to is there, and nobody changes it, for as long as `'a`.
    unsafe fn read<'a>(&'a self, headers: &'a mut Vec<Header<'a>>) -> Result<Message<'a>> {
        // SAFETY: the caller says so.
        let (topic, key, value, given) = unsafe {
            (
                self.topic.text("message.topic")?,
                self.key.nullable("message.key")?,
                self.value.nullable("message.value")?,
                slice(self.headers, self.header_count, "message.headers")?,
            )
        };
        for header in given {
            // SAFETY: the caller says so.
            headers.push(unsafe { header.read() }?);
        }
        let partition = match self.partition {
            -1 => None,
            given => Some(given.try_into().map_err(|_| {
                invalid("message.partition", "is negative, and not -1, which is by the key")
            })?),
        };
        let timestamp = match self.timestamp {
            -1 => None,
            0.. => Some(self.timestamp),
            _ => return Err(invalid("message.timestamp", "is negative, and not -1, which is now")),
        };
        Ok(Message { topic, partition, key, value, headers, timestamp })
    }
}

impl minka_receipt {
    fn of(stored: &Receipt) -> Self {
        Self {
            topic: minka_bytes::of(stored.topic.as_bytes()),
            partition: number(stored.partition),
            offset: signed(stored.offset),
            id: signed(stored.id),
            timestamp: stored.timestamp,
        }
    }
}

/// Who is told what became of a record.
struct Report {
    callback: unsafe extern "C" fn(*mut c_void, minka_status, *const minka_receipt),
    userdata: *mut c_void,
}

// SAFETY: the pointer is only handed to the program's function, which the header says is called
// from another thread.
unsafe impl Send for Report {}

impl Report {
    fn tell(&self, result: Result<Receipt>) {
        let receipt = result.as_ref().map(minka_receipt::of);
        let (status, receipt) = match &receipt {
            Ok(receipt) => (MINKA_OK, std::ptr::from_ref(receipt)),
            Err(error) => (last_error::keep(error), std::ptr::null()),
        };
        // SAFETY: the header asks for a function that can be called with this userdata; the
        // receipt is there until it returns.
        unsafe { (self.callback)(self.userdata, status, receipt) }
    }
}
