//! Sending: from the source through the client, until all is acknowledged or Ctrl-C.

use std::fs::File;
use std::io::{self, BufReader, IsTerminal, Write};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use minka::ErrorKind;
use minka::client::{Acks, Message, Producer};

use super::Options;
use super::receipts::{Receipts, Style, concerns_one_message};
use super::source::{Lines, MadeUp, Outgoing, Source};
use crate::exit::{Failure, Outcome};
use crate::signals;
use crate::terminal::Terminal;
use crate::text;

/// How often the progress is shown and a signal is looked for.
const TICK: Duration = Duration::from_millis(50);
/// How much longer than a message's time the end may take.
const END_MARGIN: Duration = Duration::from_secs(5);

/// Sends what the options say; fails unless everything was acknowledged.
pub(super) fn run(options: &Options) -> Outcome {
    let signal = signals::watch()
        .map_err(|error| Failure::new(format_args!("watching for Ctrl-C failed: {error}")))?;
    let by_hand = options.file.is_none()
        && options.count.is_none()
        && io::stdin().is_terminal()
        && Terminal::stdout().is_terminal();
    let source = source(options)?;
    // So that a broker that is not there is told at once, and not when messages expire.
    options.broker.admin()?;
    let receipts = Arc::new(Receipts::new(style(options, by_hand)));
    let producer = Arc::new(Producer::open(options.broker.target(), options.config())?);
    let sender = Sender { producer: producer.clone(), receipts: receipts.clone() };
    let (ended, end) = sync_channel(1);
    let address = Addressing::of(options);
    // The thread may be waiting for a line for ever, so nobody waits for its end.
    thread::spawn(move || {
        let result = match by_hand {
            true => sender.by_hand(source, &address),
            false => sender.all(source, &address),
        };
        // Where nobody receives any more, the program is on its way out.
        let _ = ended.send(result);
    });
    let bar = bar(options, by_hand);
    let read = wait(&end, &signal, &receipts, &bar);
    receipts.close();
    let flushed = flush(&producer, &receipts, &bar, options.timeout + END_MARGIN);
    bar.finish_and_clear();
    receipts.summarize(options.json, options.acks != Acks::None);
    read?;
    flushed?;
    Ok(if receipts.all_acknowledged() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What each message of one run has in common.
#[derive(Debug)]
struct Addressing {
    topic: String,
    partition: Option<u32>,
    key: Option<String>,
}

impl Addressing {
    fn of(options: &Options) -> Self {
        let Options { topic, partition, key, .. } = options;
        Self { topic: topic.clone(), partition: *partition, key: key.clone() }
    }

    fn message<'a>(&'a self, outgoing: &Outgoing<'a>) -> Message<'a> {
        let mut message = Message::new(&self.topic, outgoing.value);
        message.partition = self.partition;
        message.key = outgoing.key.or(self.key.as_deref().map(str::as_bytes));
        message
    }
}

/// The thread that reads the source and hands messages to the client.
#[derive(Debug)]
struct Sender {
    producer: Arc<Producer>,
    receipts: Arc<Receipts>,
}

/// What became of a message that was to be sent.
#[derive(Debug, PartialEq, Eq)]
enum Sent {
    OnItsWay,
    /// It cannot be sent; the next one may.
    Refused,
    /// It was not sent, and no other is to be.
    NoMore,
}

impl Sender {
    /// Sends everything without waiting for each.
    fn all(&self, mut source: Box<dyn Source + Send>, address: &Addressing) -> Result<(), Failure> {
        while !self.receipts.is_stopped() {
            let Some(outgoing) = source.next().map_err(reading)? else { break };
            if self.one(&outgoing, address, || {}) == Sent::NoMore {
                break;
            }
        }
        Ok(())
    }

    /// Prompts for each line and waits until it is acknowledged.
    fn by_hand(
        &self,
        mut source: Box<dyn Source + Send>,
        address: &Addressing,
    ) -> Result<(), Failure> {
        let (finished, finish) = channel();
        while !self.receipts.is_stopped() {
            let mut out = io::stdout();
            let prompted = out.write_all(b"> ").and_then(|()| out.flush());
            prompted.map_err(|error| Failure::output(&error))?;
            let Some(outgoing) = source.next().map_err(reading)? else {
                // Ctrl-D leaves the cursor behind the prompt.
                let _ = out.write_all(b"\n");
                break;
            };
            let finished = finished.clone();
            // Nobody receives any more when the program is on its way out.
            let tell = move || {
                let _ = finished.send(());
            };
            match self.one(&outgoing, address, tell) {
                Sent::NoMore => break,
                Sent::Refused => {}
                Sent::OnItsWay => drop(finish.recv()),
            }
            self.receipts.flush();
        }
        Ok(())
    }

    /// Sends one message; `then` is called when what is on its way has come to its end.
    fn one(
        &self,
        outgoing: &Outgoing<'_>,
        address: &Addressing,
        then: impl FnOnce() + Send + 'static,
    ) -> Sent {
        let sent = self.receipts.send(outgoing.value.len(), |number| {
            let receipts = self.receipts.clone();
            let done = move |result| {
                receipts.done(number, result);
                then();
            };
            let sent = self.producer.send_with(address.message(outgoing), done);
            sent.map_err(|error| (number, error))
        });
        match sent {
            None => Sent::NoMore,
            Some(Ok(())) => Sent::OnItsWay,
            Some(Err((number, error))) => {
                let goes_on = concerns_one_message(error.kind());
                self.receipts.done(number, Err(error));
                if goes_on { Sent::Refused } else { Sent::NoMore }
            }
        }
    }
}

fn reading(error: io::Error) -> Failure {
    Failure::new(format_args!("reading the messages failed: {error}"))
}

fn source(options: &Options) -> Result<Box<dyn Source + Send>, Failure> {
    let separator = options.key_separator.as_deref();
    Ok(match (&options.file, options.count) {
        (Some(path), _) => {
            let file = File::open(path).map_err(|error| {
                Failure::new(format_args!("opening {} failed: {error}", path.display()))
            })?;
            Box::new(Lines::new(BufReader::new(file), separator))
        }
        (None, Some(count)) => Box::new(MadeUp::new(count, options.size, options.rate)),
        (None, None) => Box::new(Lines::new(BufReader::new(io::stdin()), separator)),
    })
}

fn style(options: &Options, by_hand: bool) -> Style {
    match (options.json, options.verbose || by_hand) {
        (true, _) => Style::Json,
        (false, true) => Style::Text(Terminal::stdout()),
        (false, false) => Style::Silent,
    }
}

/// A bar on a terminal while many messages are sent.
fn bar(options: &Options, by_hand: bool) -> ProgressBar {
    let printed = (options.verbose || options.json) && Terminal::stdout().is_terminal();
    if by_hand || printed || !Terminal::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::with_draw_target(options.count, ProgressDrawTarget::stderr_with_hz(10));
    let template = match options.count {
        Some(_) => "{bar:30} {human_pos} of {human_len} messages, {rate} a second, {eta} left",
        None => "{spinner} {human_pos} messages, {rate} a second",
    };
    let style = ProgressStyle::with_template(template).expect("the template is well formed");
    let rate = |state: &ProgressState, out: &mut dyn std::fmt::Write| {
        let _ = out.write_str(&text::number(state.per_sec() as u64));
    };
    bar.with_style(style.with_key("rate", rate).progress_chars("=> "))
}

/// Waits until the source has come to its end, something makes it pointless to go on, or Ctrl-C.
fn wait(
    end: &Receiver<Result<(), Failure>>,
    signal: &Receiver<i32>,
    receipts: &Receipts,
    bar: &ProgressBar,
) -> Result<(), Failure> {
    loop {
        match end.recv_timeout(TICK) {
            Ok(result) => return result,
            Err(RecvTimeoutError::Disconnected) => {
                return Err(Failure::new("sending has ended because of a bug"));
            }
            Err(RecvTimeoutError::Timeout) => {}
        }
        show(receipts, bar);
        if signal.try_recv().is_ok() || receipts.is_stopped() {
            return Ok(());
        }
    }
}

/// Waits until what was sent is acknowledged or has failed.
fn flush(
    producer: &Producer,
    receipts: &Receipts,
    bar: &ProgressBar,
    timeout: Duration,
) -> Result<(), Failure> {
    let deadline = Instant::now() + timeout;
    loop {
        match producer.flush(TICK) {
            Ok(()) => return Ok(()),
            Err(error) if error.kind() == ErrorKind::Timeout && Instant::now() < deadline => {}
            Err(error) => return Err(error.into()),
        }
        show(receipts, bar);
    }
}

fn show(receipts: &Receipts, bar: &ProgressBar) {
    bar.set_position(receipts.finished());
    receipts.flush();
}
