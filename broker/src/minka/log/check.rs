//! `minka log --check`: whether everything is as it was written, and what is not.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use minka::Result;
use minka::batch::header::BatchHeader;
use minka::log::entry::{Entry, Kind};
use minka::log::scan::Visit;
use minka::log::segment::{self, Segment};
use minka::state::event::Event;
use serde::Serialize;

use super::names::Names;
use crate::terminal::{Paint, Terminal};
use crate::text;

/// What was verified so far. The checksums are compared by who shows it the entries.
#[derive(Debug)]
pub(super) struct Check {
    names: Names,
    segments: BTreeSet<u64>,
    batches: u64,
    records: u64,
    events: u64,
    bytes: u64,
    damaged: Vec<Damage>,
}

/// Bytes that are not as they were written.
#[derive(Debug, Serialize)]
struct Damage {
    file: String,
    from: u64,
    to: u64,
    what: String,
}

/// The whole result, as JSON.
#[derive(Debug, Serialize)]
struct Summary<'a> {
    segments: usize,
    batches: u64,
    records: u64,
    events: u64,
    bytes: u64,
    torn_bytes: u64,
    damaged: &'a [Damage],
}

impl Check {
    /// Nothing is verified yet.
    pub(super) fn new(names: Names) -> Self {
        Self {
            names,
            segments: BTreeSet::new(),
            batches: 0,
            records: 0,
            events: 0,
            bytes: 0,
            damaged: Vec::new(),
        }
    }

    /// Whether everything was as it was written.
    pub(super) fn is_sound(&self) -> bool {
        self.damaged.is_empty()
    }

    /// The result for programs.
    pub(super) fn json(&self, torn_bytes: u64) -> String {
        let summary = Summary {
            segments: self.segments.len(),
            batches: self.batches,
            records: self.records,
            events: self.events,
            bytes: self.bytes,
            torn_bytes,
            damaged: &self.damaged,
        };
        let text = serde_json::to_string(&summary).expect("the summary has no map with odd keys");
        format!("{text}\n")
    }

    /// The result for people.
    pub(super) fn text(&self, torn_bytes: u64, terminal: Terminal) -> String {
        let mut text = String::new();
        for Damage { file, from, to, what } in &self.damaged {
            let label = terminal.paint(Paint::Bad, "DAMAGED");
            let _ = writeln!(text, "{label} {file}: bytes {from} to {to} held {what}");
        }
        if torn_bytes > 0 {
            let _ = writeln!(
                text,
                "the last {torn_bytes} bytes are no whole entry: they are being written just now, \
                 or their writing was cut off and the broker's next start cuts them; nothing \
                 says that they were ever on the disk"
            );
        }
        let _ = writeln!(
            text,
            "checked {} in {}: {} in {}, {}",
            text::bytes(self.bytes),
            text::count(self.segments.len() as u64, "file", "files"),
            text::count(self.records, "record", "records"),
            text::count(self.batches, "batch", "batches"),
            text::count(self.events, "change of state", "changes of state"),
        );
        let verdict = match self.damaged.len() {
            0 if torn_bytes > 0 => {
                terminal.paint(Paint::Good, "everything else is as it was written")
            }
            0 => terminal.paint(Paint::Good, "everything is as it was written"),
            1 => terminal.paint(Paint::Bad, "1 place is damaged"),
            places => terminal.paint(Paint::Bad, &format!("{places} places are damaged")),
        };
        let _ = writeln!(text, "{verdict}");
        text
    }

    fn damage(&mut self, segment: &Segment, bytes: (u64, u64), what: String) {
        let file = match segment.is_sealed() {
            true => segment::sealed_name(segment.first_id()),
            false => segment::ACTIVE.to_owned(),
        };
        self.damaged.push(Damage { file, from: bytes.0, to: bytes.1, what });
    }
}

impl Visit for Check {
    fn entry(
        &mut self,
        segment: &Segment,
        entry: &Entry,
        position: u64,
        payload: &[u8],
    ) -> Result<()> {
        self.segments.insert(segment.first_id());
        self.bytes += entry.total_bytes();
        let readable = match entry.kind {
            Kind::Data => {
                self.batches += 1;
                self.records += u64::from(entry.count);
                BatchHeader::parse(payload).map(drop)
            }
            Kind::State => {
                self.events += 1;
                Event::decode(payload).map(|event| self.names.apply(&event))
            }
        };
        if let Err(error) = readable {
            let bytes = (position, position + entry.total_bytes());
            self.damage(segment, bytes, format!("an entry that cannot be read: {error}"));
        }
        Ok(())
    }

    fn damaged(
        &mut self,
        segment: &Segment,
        bytes: (u64, u64),
        entry: Option<&Entry>,
    ) -> Result<()> {
        self.segments.insert(segment.first_id());
        let what = match entry {
            Some(entry) if entry.kind == Kind::Data => format!(
                "{} records of {} (IDs {} to {})",
                entry.count,
                self.names.place(entry.partition),
                entry.first_id,
                entry.end_id() - 1
            ),
            Some(entry) => format!("a change of the broker's state (ID {})", entry.first_id),
            None => "entries that cannot be told any more".to_owned(),
        };
        self.damage(segment, bytes, what);
        Ok(())
    }
}
