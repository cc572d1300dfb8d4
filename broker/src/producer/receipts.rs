//! What became of the messages: counted, and printed where somebody wants to see it.

use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use minka::ErrorKind;
use minka::client::Receipt;
use serde_json::json;

use crate::exit;
use crate::terminal::{Paint, Terminal};
use crate::text;

/// How many failed messages are told one by one.
const COMPLAINTS_MAX: u64 = 5;

/// How acknowledgements are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    /// Only counted.
    Silent,
    /// A line for people.
    Text(Terminal),
    /// A JSON object on a line.
    Json,
}

/// Counts messages from any thread.
#[derive(Debug)]
pub(super) struct Receipts {
    style: Style,
    out: Mutex<io::BufWriter<io::Stdout>>,
    began: Instant,
    sent: AtomicU64,
    sent_bytes: AtomicU64,
    acknowledged: AtomicU64,
    failed: AtomicU64,
    /// Whether no more messages are to be sent.
    stop: AtomicBool,
    /// Held while a message is counted and handed to the client.
    sending: Mutex<()>,
}

impl Receipts {
    /// Nothing has been sent yet.
    pub(super) fn new(style: Style) -> Self {
        Self {
            style,
            out: Mutex::new(io::BufWriter::new(io::stdout())),
            began: Instant::now(),
            sent: AtomicU64::new(0),
            sent_bytes: AtomicU64::new(0),
            acknowledged: AtomicU64::new(0),
            failed: AtomicU64::new(0),
            stop: AtomicBool::new(false),
            sending: Mutex::new(()),
        }
    }

    /// Counts a message and lets `send` send it, under its number: 0 for the first. `None` where
    /// no more are to be sent.
    pub(super) fn send<T>(&self, bytes: usize, send: impl FnOnce(u64) -> T) -> Option<T> {
        let _sending = self.sending.lock().unwrap_or_else(PoisonError::into_inner);
        if self.is_stopped() {
            return None;
        }
        self.sent_bytes.fetch_add(bytes as u64, Ordering::Relaxed);
        Some(send(self.sent.fetch_add(1, Ordering::Relaxed)))
    }

    /// Takes in what became of the message with this number.
    pub(super) fn done(&self, number: u64, result: minka::Result<Receipt>) {
        match result {
            Ok(receipt) => {
                self.acknowledged.fetch_add(1, Ordering::Relaxed);
                if self.style != Style::Silent {
                    // Who closed standard output does not want to know; the messages go on.
                    let _ = writeln!(self.out(), "{}", self.line(number, &receipt));
                }
            }
            Err(error) => {
                if self.failed.fetch_add(1, Ordering::Relaxed) < COMPLAINTS_MAX {
                    exit::warn(format_args!("a message was not delivered: {error}"));
                }
                if !concerns_one_message(error.kind()) {
                    self.stop();
                }
            }
        }
    }

    fn line(&self, number: u64, receipt: &Receipt) -> String {
        let Receipt { topic, partition, offset, id, timestamp } = receipt;
        match self.style {
            Style::Json => json!({
                "number": number,
                "id": id,
                "topic": &**topic,
                "partition": partition,
                "offset": offset,
                "time": text::time(*timestamp),
            })
            .to_string(),
            Style::Text(terminal) => {
                let mut place = format!("{topic}/{partition}");
                if let Some(offset) = offset {
                    place += &format!("@{offset}");
                }
                let place = terminal.paint(Paint::Dim, &place);
                match id {
                    Some(id) => format!("ID {id}  {place}"),
                    None => place,
                }
            }
            Style::Silent => String::new(),
        }
    }

    /// Sees to it that no more messages are sent; waits for one that is being sent.
    pub(super) fn close(&self) {
        self.stop();
        drop(self.sending.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// No more messages are to be sent. Does not wait, so that callbacks may call it.
    fn stop(&self) {
        self.stop.store(true, Ordering::Release);
    }

    /// Whether no more messages are to be sent.
    pub(super) fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Acquire)
    }

    /// Brings what was printed to where it goes.
    pub(super) fn flush(&self) {
        let _ = self.out().flush();
    }

    /// How many messages have come to their end.
    pub(super) fn finished(&self) -> u64 {
        self.acknowledged.load(Ordering::Relaxed) + self.failed.load(Ordering::Relaxed)
    }

    /// Whether every message that was sent has been acknowledged.
    pub(super) fn all_acknowledged(&self) -> bool {
        self.acknowledged.load(Ordering::Relaxed) == self.sent.load(Ordering::Relaxed)
            && self.failed.load(Ordering::Relaxed) == 0
    }

    /// Prints what became of all messages; `acknowledging` is whether the broker was asked to.
    pub(super) fn summarize(&self, json: bool, acknowledging: bool) {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let (sent, bytes) = (count(&self.sent), count(&self.sent_bytes));
        let (acknowledged, failed) = (count(&self.acknowledged), count(&self.failed));
        let time = self.began.elapsed();
        let line = if json {
            let seconds = (time.as_secs_f64() * 1e3).round() / 1e3;
            json!({
                "sent": sent,
                "acknowledged": if acknowledging { acknowledged } else { 0 },
                "failed": sent - acknowledged,
                "bytes": bytes,
                "seconds": seconds,
            })
            .to_string()
        } else {
            let mut line = format!("sent {}", text::count(sent, "message", "messages"));
            line += &match (acknowledging, failed.max(sent - acknowledged)) {
                (false, 0) => ", without acknowledgement".to_owned(),
                (_, 0) => ", all acknowledged".to_owned(),
                (_, lost) => {
                    format!(
                        ", {} acknowledged, {} NOT",
                        text::number(acknowledged),
                        text::number(lost)
                    )
                }
            };
            line + &speed(sent, bytes, time)
        };
        let _ = writeln!(self.out(), "{line}");
        self.flush();
    }

    fn out(&self) -> MutexGuard<'_, io::BufWriter<io::Stdout>> {
        self.out.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How fast that was, where it says anything.
fn speed(messages: u64, bytes: u64, time: Duration) -> String {
    if messages < 2 {
        return String::new();
    }
    format!(
        " ({}, {} messages a second, {} a second)",
        text::duration(time),
        text::number(text::per_second(messages, time)),
        text::bytes(text::per_second(bytes, time)),
    )
}

/// Whether the next message may well be delivered although this one was not.
pub(super) fn concerns_one_message(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::MessageTooLarge | ErrorKind::InvalidRecord | ErrorKind::InvalidTimestamp
    )
}
