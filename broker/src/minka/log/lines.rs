//! Entries of the log as lines: for people, or as JSON.

use std::collections::VecDeque;
use std::io::{self, Write};

use minka::batch::compression::{Codec, decompress};
use minka::batch::header::{BatchHeader, HEADER_BYTES};
use minka::batch::records::{Record, Records};
use minka::limits::DECOMPRESSED_BYTES_MAX;
use minka::log::entry::{Entry, Kind};
use minka::log::scan::Visit;
use minka::log::segment::Segment;
use minka::state::event::Event;
use minka::{Error, ErrorKind, Result};
use serde_json::{Map, Value, json};

use super::names::Names;
use crate::show;
use crate::terminal::{Paint, Terminal};
use crate::text;

/// What is printed.
#[derive(Debug)]
pub(super) struct Filter {
    /// Records of these topics; of all if there are none.
    pub(super) topics: Vec<String>,
    /// Changes of the broker's state too.
    pub(super) state: bool,
}

/// How it is printed.
#[derive(Debug, Clone, Copy)]
pub(super) enum Style {
    Text(Terminal),
    Json,
}

/// Prints each entry that it is shown.
#[derive(Debug)]
pub(super) struct Lines<W: Write> {
    out: io::BufWriter<W>,
    names: Names,
    filter: Filter,
    style: Style,
    /// How many lines are held back, and those that are: the newest so far. None are any more
    /// once the log was read to its end.
    held: Option<(usize, VecDeque<String>)>,
    failed: Option<io::Error>,
}

/// A record with what its batch says of it.
struct Placed<'a> {
    id: u64,
    partition: u32,
    offset: i64,
    timestamp: i64,
    record: Record<'a>,
}

impl<W: Write> Lines<W> {
    /// Prints into `out`, of what is there at first only the `last` lines.
    pub(super) fn new(
        out: W,
        names: Names,
        filter: Filter,
        style: Style,
        last: Option<usize>,
    ) -> Self {
        let held = last.map(|last| (last, VecDeque::new()));
        Self { out: io::BufWriter::new(out), names, filter, style, held, failed: None }
    }

    /// Writes what was held back, and brings all lines so far to where they go.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        if let Some(error) = self.failed.take() {
            return Err(error);
        }
        for line in self.held.take().into_iter().flat_map(|(_, lines)| lines) {
            writeln!(self.out, "{line}")?;
        }
        self.out.flush()
    }

    fn line(&mut self, line: String) -> Result<()> {
        match &mut self.held {
            Some((last, lines)) => {
                lines.push_back(line);
                if lines.len() > *last {
                    lines.pop_front();
                }
            }
            None => {
                if let Err(error) = writeln!(self.out, "{line}") {
                    self.failed = Some(error);
                    return Err(Error::new(ErrorKind::Closed, "standard output is closed"));
                }
            }
        }
        Ok(())
    }

    fn state(&mut self, entry: &Entry, payload: &[u8]) -> Result<()> {
        let event = Event::decode(payload);
        if let Ok(event) = &event {
            self.names.apply(event);
        }
        if !self.filter.state {
            return Ok(());
        }
        let (name, fields) = match event.as_ref().map(serde_json::to_value) {
            Ok(Ok(Value::Object(object))) => {
                object.into_iter().next().unwrap_or((String::new(), Value::Null))
            }
            // An event without fields is its name alone.
            Ok(Ok(Value::String(name))) => (name, json!({})),
            Ok(_) => ("Unknown".to_owned(), Value::Null),
            Err(error) => ("Unreadable".to_owned(), json!({ "error": error.to_string() })),
        };
        let fields = with_ids(fields);
        let line = match self.style {
            Style::Json => json!({
                "id": entry.first_id,
                "time": text::time(entry.written),
                "state": name,
                "fields": fields,
            })
            .to_string(),
            Style::Text(terminal) => {
                let head = Head { id: entry.first_id, time: entry.written, place: &name };
                format!("{}{}", head.text(terminal), fields_text(&fields)).trim_end().to_owned()
            }
        };
        self.line(line)
    }

    fn batch(&mut self, entry: &Entry, payload: &[u8]) -> Result<()> {
        let topics = &self.filter.topics;
        let topic = self.names.of(entry.partition).map(|(topic, _)| topic);
        if !topics.is_empty() && !topic.is_some_and(|topic| topics.iter().any(|t| t == topic)) {
            return Ok(());
        }
        if let Err(error) = self.records(entry, payload) {
            if self.failed.is_some() {
                return Err(error);
            }
            // The bytes are what the producer sent: nobody can read them, here or as a consumer.
            let place = self.names.place(entry.partition);
            let head = Head { id: entry.first_id, time: entry.written, place: &place };
            let line = match self.style {
                Style::Json => {
                    json!({ "id": entry.first_id, "error": error.to_string() }).to_string()
                }
                Style::Text(terminal) => {
                    let text = terminal.paint(Paint::Bad, &error.to_string());
                    format!("{}{text}", head.text(terminal))
                }
            };
            self.line(line)?;
        }
        Ok(())
    }

    fn records(&mut self, entry: &Entry, batch: &[u8]) -> Result<()> {
        let header = BatchHeader::parse(batch)?;
        let packed = &batch[HEADER_BYTES..];
        let unpacked;
        let bytes = match header.codec()? {
            Codec::None => packed,
            codec => {
                unpacked = decompress(codec, packed, DECOMPRESSED_BYTES_MAX)?;
                &unpacked[..]
            }
        };
        for record in Records::new(bytes, header.record_count) {
            let record = record?;
            let delta = i64::from(record.offset_delta);
            let timestamp = header.timestamp_of(record.timestamp_delta);
            let placed = Placed {
                id: entry.first_id.saturating_add_signed(delta),
                partition: entry.partition,
                offset: header.base_offset.saturating_add(delta),
                timestamp,
                record,
            };
            let line = match self.style {
                Style::Json => self.record_json(&placed),
                Style::Text(terminal) => self.record_text(&placed, terminal),
            };
            self.line(line)?;
        }
        Ok(())
    }

    fn record_text(&self, placed: &Placed<'_>, terminal: Terminal) -> String {
        let place = format!("{}@{}", self.names.place(placed.partition), placed.offset);
        let head = Head { id: placed.id, time: placed.timestamp, place: &place };
        let shown = |bytes: Option<&[u8]>| bytes.map_or_else(|| "-".to_owned(), show::printable);
        let key = shown(placed.record.key);
        let key = terminal.paint(Paint::Strong, &format!("{key:<8}"));
        format!("{}{key}  {}", head.text(terminal), shown(placed.record.value))
    }

    fn record_json(&self, placed: &Placed<'_>) -> String {
        let Placed { id, partition, offset, timestamp, record } = placed;
        let mut object = Map::new();
        object.insert("id".into(), (*id).into());
        object.insert("time".into(), text::time(*timestamp).into());
        match self.names.of(*partition) {
            Some((topic, index)) => {
                object.insert("topic".into(), topic.into());
                object.insert("partition".into(), index.into());
            }
            None => drop(object.insert("partition_number".into(), (*partition).into())),
        }
        object.insert("offset".into(), (*offset).into());
        show::insert_content(&mut object, (record.key, record.value), record.headers);
        Value::Object(object).to_string()
    }
}

/// What every line begins with.
struct Head<'a> {
    id: u64,
    time: i64,
    place: &'a str,
}

impl Head<'_> {
    fn text(&self, terminal: Terminal) -> String {
        let Self { id, time, place } = self;
        let dim = terminal.paint(Paint::Dim, &format!("{id:>8}  {}", text::time(*time)));
        format!("{dim}  {place:<20}  ")
    }
}

/// The fields with each ID of 16 bytes as text.
fn with_ids(mut fields: Value) -> Value {
    for (name, value) in fields.as_object_mut().into_iter().flatten() {
        if let ("id" | "topic_id" | "cluster_id", Value::Array(bytes)) = (name.as_str(), &*value) {
            let byte = |byte: &Value| format!("{:02x}", byte.as_u64().unwrap_or(0));
            *value = bytes.iter().map(byte).collect::<String>().into();
        }
    }
    fields
}

/// An event's fields on one line: `name=mensajes partitions=3`.
fn fields_text(fields: &Value) -> String {
    let Value::Object(object) = fields else {
        return fields.to_string();
    };
    let words: Vec<String> = object
        .iter()
        .map(|(name, value)| match value {
            Value::String(text) if !text.contains([' ', '"']) && !text.is_empty() => {
                format!("{name}={}", show::printable(text.as_bytes()))
            }
            other => format!("{name}={other}"),
        })
        .collect();
    words.join(" ")
}

impl<W: Write> Visit for Lines<W> {
    fn entry(&mut self, _: &Segment, entry: &Entry, _: u64, payload: &[u8]) -> Result<()> {
        match entry.kind {
            Kind::State => self.state(entry, payload),
            Kind::Data => self.batch(entry, payload),
        }
    }

    fn damaged(&mut self, _: &Segment, bytes: (u64, u64), entry: Option<&Entry>) -> Result<()> {
        let line = match self.style {
            Style::Json => {
                json!({ "damaged_bytes": bytes.1 - bytes.0, "id": entry.map(|e| e.first_id) })
                    .to_string()
            }
            Style::Text(terminal) => {
                let text = format!("DAMAGED: {} bytes; see minka log --check", bytes.1 - bytes.0);
                terminal.paint(Paint::Bad, &text)
            }
        };
        self.line(line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry() -> Entry {
        Entry {
            kind: Kind::State,
            length: 0,
            first_id: 7,
            count: 1,
            written: 0,
            partition: 0,
            epoch: 1,
            synced_below: 7,
        }
    }

    fn printed(style: Style, last: Option<usize>, events: &[Event]) -> String {
        let mut out = Vec::new();
        let filter = Filter { topics: Vec::new(), state: true };
        let mut lines = Lines::new(&mut out, Names::default(), filter, style, last);
        for event in events {
            lines.state(&entry(), &event.encode()).unwrap();
        }
        lines.state(&entry(), &[0xff]).unwrap();
        lines.flush().unwrap();
        drop(lines);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn changes_of_the_state_are_told_with_their_fields() {
        let events = [Event::SessionEnded, Event::GroupRemoved { group: "a group".into() }];
        let text = printed(Style::Text(Terminal::none()), None, &events);
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[0].ends_with("SessionEnded"), "{text}");
        assert!(lines[1].ends_with(r#"GroupRemoved          group="a group""#), "{text}");
        assert!(lines[2].contains("Unreadable"), "{text}");
        let text = printed(Style::Json, Some(2), &events);
        let first: Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
        assert_eq!(first["state"], "GroupRemoved");
        assert_eq!(first["fields"]["group"], "a group");
        assert_eq!(text.lines().count(), 2);
    }
}
