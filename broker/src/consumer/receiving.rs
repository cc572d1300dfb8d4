//! Receiving: poll, print, accept what was printed, until Ctrl-C, `--count` or a closed pipe.

use std::io::{self, Write};
use std::os::fd::AsFd;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use minka::ErrorKind;
use minka::client::{Admin, Consumer, NewTopic, Records, StartAt};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::Options;
use super::line::Style;
use crate::exit::{self, Failure, Outcome};
use crate::signals;
use crate::terminal::Terminal;
use crate::text;

/// How long one poll waits; then it is looked whether the output is still read.
const POLL: Duration = Duration::from_millis(500);
/// How long to wait before trying again where the broker is away.
const AWAY: Duration = Duration::from_millis(500);

/// The setting of a queue group that says where it begins.
const QUEUE_START: &str = "share.auto.offset.reset";

/// Why receiving ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Asked,
    Counted,
    /// Nobody reads the output any more.
    PipeClosed,
}

/// Prints what the options say.
pub(super) fn run(options: &Options) -> Outcome {
    // So that a broker that is not there is told at once.
    prepare(&options.broker.admin()?, options)?;
    let mut consumer = Consumer::open(options.broker.target(), options.config())?;
    let topics: Vec<&str> = options.topic.iter().map(String::as_str).collect();
    consumer.subscribe(&topics)?;
    let stop = stop_at_signal(&consumer)?;
    let mut receiver = Receiver {
        consumer,
        partitions: options.partitions,
        style: Style::of(options),
        left: options.count.unwrap_or(u64::MAX),
        printed: 0,
        away: false,
        lines: Vec::new(),
    };
    let ended = receiver.receive(&stop);
    let printed = receiver.printed;
    // What was printed is accepted also where something failed behind it.
    let closed = receiver.consumer.close();
    let end = ended?;
    match closed {
        Err(error) if is_unconfirmed(error.kind()) => exit::warn(format_args!(
            "the broker has not confirmed everything that was printed, so some of it may be \
             delivered again: {error}"
        )),
        closed => closed?,
    }
    if end != End::PipeClosed && Terminal::stderr().is_terminal() {
        let _ = writeln!(io::stderr(), "received {}", text::count(printed, "message", "messages"));
    }
    Ok(ExitCode::SUCCESS)
}

/// Makes sure that the topics exist, as a producer would, so that nothing is missed that is sent
/// to them from now on; and that a new queue group begins where it is to.
fn prepare(admin: &Admin, options: &Options) -> Result<(), Failure> {
    for topic in &options.topic {
        match admin.describe_topic(topic) {
            Err(error) if error.kind() == ErrorKind::UnknownTopicOrPartition => {
                create(admin, topic)?;
            }
            found => drop(found?),
        }
    }
    if options.from_beginning && !options.partitions {
        admin.alter_group(&options.group, &[(QUEUE_START, Some("earliest"))])?;
    }
    Ok(())
}

fn create(admin: &Admin, topic: &str) -> Result<(), Failure> {
    match admin.create_topic(&NewTopic::new(topic)) {
        Ok(_) => {}
        // Somebody else was quicker.
        Err(error) if error.kind() == ErrorKind::TopicExists => {}
        Err(error) => return Err(error.into()),
    }
    if Terminal::stderr().is_terminal() {
        let _ = writeln!(io::stderr(), "created the topic {topic}, which was not there yet");
    }
    Ok(())
}

/// Sets the flag and ends a poll that waits, at SIGINT and SIGTERM.
fn stop_at_signal(consumer: &Consumer) -> Result<Arc<AtomicBool>, Failure> {
    let signal = signals::watch()
        .map_err(|error| Failure::new(format_args!("watching for Ctrl-C failed: {error}")))?;
    let stop = Arc::new(AtomicBool::new(false));
    let (waker, flag) = (consumer.waker(), stop.clone());
    thread::spawn(move || {
        if signal.recv().is_ok() {
            flag.store(true, Ordering::Release);
            waker.wake();
        }
    });
    Ok(stop)
}

/// Polls, prints and accepts.
#[derive(Debug)]
struct Receiver {
    consumer: Consumer,
    /// Whether the group shares partitions, not messages.
    partitions: bool,
    style: Style,
    /// How many messages are still to be printed.
    left: u64,
    printed: u64,
    /// Whether it was said that the broker is away.
    away: bool,
    lines: Vec<u8>,
}

impl Receiver {
    fn receive(&mut self, stop: &AtomicBool) -> Result<End, Failure> {
        while !stop.load(Ordering::Acquire) {
            if self.left == 0 {
                return Ok(End::Counted);
            }
            if is_closed(&io::stdout()) {
                return Ok(End::PipeClosed);
            }
            let records = match self.consumer.poll(POLL) {
                Ok(records) => records,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) if error.kind().is_retriable() => {
                    if !self.away {
                        exit::warn(format_args!("{error}; trying again until it is back"));
                    }
                    self.away = true;
                    thread::sleep(AWAY);
                    continue;
                }
                Err(error) => return Err(error.into()),
            };
            self.away = false;
            if !records.is_empty() && !self.print(&records)? {
                return Ok(End::PipeClosed);
            }
        }
        Ok(End::Asked)
    }

    /// Prints the records, and says to the group which of them were. Returns whether the output
    /// is still read.
    fn print(&mut self, records: &Records) -> Result<bool, Failure> {
        let wanted = usize::try_from(self.left).unwrap_or(usize::MAX);
        self.lines.clear();
        for record in records.iter().take(wanted) {
            self.style.push(&mut self.lines, &record);
        }
        let mut out = io::stdout().lock();
        let written = out.write_all(&self.lines).and_then(|()| out.flush());
        let printed = if written.is_ok() { wanted.min(records.len()) } else { 0 };
        match self.partitions {
            true => self.commit(records, printed)?,
            false => self.accept(records, printed)?,
        }
        self.printed += printed as u64;
        self.left -= printed as u64;
        match written {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
            Err(error) => Err(Failure::output(&error)),
        }
    }

    /// Accepts what was printed; the rest goes back to the group at once.
    fn accept(&mut self, records: &Records, printed: usize) -> Result<(), Failure> {
        for (at, record) in records.iter().enumerate() {
            let marked = match at < printed {
                true => self.consumer.accept(&record),
                false => self.consumer.release(&record),
            };
            match marked {
                // It took too long, or the broker was away: the group gets the message again.
                Err(error) if error.kind() == ErrorKind::InvalidRecordState => {}
                marked => marked?,
            }
        }
        Ok(())
    }

    /// Commits the positions behind what was printed.
    fn commit(&mut self, records: &Records, printed: usize) -> Result<(), Failure> {
        let rest: Vec<_> = records.iter().skip(printed).collect();
        for record in rest.iter().rev() {
            let at = StartAt::Offset(record.offset);
            self.consumer.seek(record.topic, record.partition, at)?;
        }
        Ok(self.consumer.commit()?)
    }
}

/// Whether the end of a consumer failed because what it accepted did not come through in time.
fn is_unconfirmed(kind: ErrorKind) -> bool {
    kind.is_retriable() || kind == ErrorKind::InvalidRecordState
}

/// Whether the reader of a pipe has gone.
fn is_closed(out: &impl AsFd) -> bool {
    let mut watched = [PollFd::new(out.as_fd(), PollFlags::empty())];
    let polled = poll(&mut watched, PollTimeout::ZERO);
    polled.is_ok() && watched[0].revents().is_some_and(|found| found.contains(PollFlags::POLLERR))
}
