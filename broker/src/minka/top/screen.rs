//! Where looks are shown: on a terminal in place, in a pipe a line for each.

use std::io::{self, Write};

use serde_json::{Value, json};

use super::look::Look;
use crate::exit::Failure;
use crate::minka::group::kind;
use crate::show;
use crate::table::Table;
use crate::terminal::{self, Paint, Terminal};
use crate::text;

/// To a screen of its own without a cursor, and back to what was there before.
const ENTER: &str = "\x1b[?1049h\x1b[?25l";
const LEAVE: &str = "\x1b[?25h\x1b[?1049l";
const HOME: &str = "\x1b[H\x1b[J";

/// Shows looks on standard output.
#[derive(Debug)]
pub(super) struct Screen {
    terminal: Terminal,
    json: bool,
    target: String,
}

impl Screen {
    /// On a terminal, this takes the whole of it until the value is dropped.
    pub(super) fn open(json: bool, target: String) -> Self {
        let screen = Self { terminal: Terminal::stdout(), json, target };
        if screen.in_place() {
            let _ = io::stdout().write_all(ENTER.as_bytes());
        }
        screen
    }

    fn in_place(&self) -> bool {
        self.terminal.is_terminal() && !self.json
    }

    /// Shows what there is; returns whether somebody still looks at it.
    pub(super) fn show(&self, look: &Look, before: Option<&Look>) -> Result<bool, Failure> {
        if self.json {
            return self.write(&format!("{}\n", json(look, before)));
        }
        if !self.in_place() {
            return self.write(&line(look, before));
        }
        let head = format!(
            "minka at {}   {}   {} messages/s   lag {}   Ctrl-C ends",
            self.target,
            now(),
            text::number(look.rate_of_all(before)),
            text::number(look.lag()),
        );
        let mut text = format!("{}\n\n", self.terminal.paint(Paint::Strong, &head));
        text += &topics(look, before).render(self.terminal);
        if !look.groups.is_empty() {
            text += "\n";
            text += &groups(look).render(self.terminal);
        }
        let lines = terminal::size().1.saturating_sub(1);
        let shown: Vec<&str> = text.lines().take(lines).collect();
        self.write(&format!("{HOME}{}", shown.join("\n")))
    }

    /// Says that the broker does not answer.
    pub(super) fn away(&self, error: &minka::Error) -> Result<bool, Failure> {
        if self.json {
            return self.write(&format!("{}\n", json!({ "error": error.to_string() })));
        }
        let home = if self.in_place() { HOME } else { "" };
        let text = self.terminal.paint(Paint::Warning, &format!("the broker is away: {error}"));
        self.write(&format!("{home}{text}\n"))
    }

    fn write(&self, text: &str) -> Result<bool, Failure> {
        let mut out = io::stdout().lock();
        match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
            Err(error) => Err(Failure::output(&error)),
        }
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        if self.in_place() {
            let _ = io::stdout().write_all(LEAVE.as_bytes());
        }
    }
}

fn now() -> String {
    let now = jiff::Timestamp::now().as_millisecond();
    text::time(now)
}

fn topics(look: &Look, before: Option<&Look>) -> Table {
    let mut table = Table::new(&["TOPIC", ">PARTITIONS", ">MESSAGES", ">MESSAGES/S"]);
    for topic in &look.topics {
        table.row([
            topic.name.clone(),
            text::number(topic.partitions as u64),
            text::number(topic.messages),
            text::number(look.rate(topic, before)),
        ]);
    }
    table
}

fn groups(look: &Look) -> Table {
    let mut table = Table::new(&["GROUP", "KIND", "STATE", ">MEMBERS", ">LAG", ">IN FLIGHT"]);
    for group in &look.groups {
        table.row([
            show::printable(group.name.as_bytes()),
            kind(group.kind).to_owned(),
            group.state.clone(),
            text::number(group.members as u64),
            text::number(group.lag),
            text::number(group.in_flight),
        ]);
    }
    table
}

fn line(look: &Look, before: Option<&Look>) -> String {
    let members: usize = look.groups.iter().map(|group| group.members).sum();
    format!(
        "{}  {} topics  {} messages/s  {} groups  {} members  lag {}\n",
        now(),
        text::number(look.topics.len() as u64),
        text::number(look.rate_of_all(before)),
        text::number(look.groups.len() as u64),
        text::number(members as u64),
        text::number(look.lag()),
    )
}

fn json(look: &Look, before: Option<&Look>) -> Value {
    let topics = look.topics.iter().map(|topic| {
        json!({
            "name": topic.name,
            "partitions": topic.partitions,
            "messages": topic.messages,
            "messages_per_second": look.rate(topic, before),
        })
    });
    let groups = look.groups.iter().map(|group| {
        json!({
            "name": group.name,
            "kind": kind(group.kind),
            "state": group.state,
            "members": group.members,
            "lag": group.lag,
            "in_flight": group.in_flight,
        })
    });
    json!({
        "time": now(),
        "messages_per_second": look.rate_of_all(before),
        "lag": look.lag(),
        "topics": topics.collect::<Value>(),
        "groups": groups.collect::<Value>(),
    })
}
