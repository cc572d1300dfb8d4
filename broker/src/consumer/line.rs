//! A message as one line of output.

use minka::client::Record;
use serde_json::{Map, Value};

use super::Options;
use crate::show;
use crate::terminal::{Paint, Terminal};
use crate::text;

/// How messages are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    /// The value's bytes.
    Value,
    /// Place, key and value for people.
    Text(Terminal),
    /// A JSON object.
    Json,
}

impl Style {
    /// What the options, and where the output goes, ask for.
    pub(super) fn of(options: &Options) -> Self {
        let terminal = Terminal::stdout();
        match (options.json, options.verbose || terminal.is_terminal()) {
            (true, _) => Self::Json,
            (false, true) => Self::Text(terminal),
            (false, false) => Self::Value,
        }
    }

    /// Appends the message's line.
    pub(super) fn push(self, out: &mut Vec<u8>, record: &Record<'_>) {
        match self {
            Self::Value => show::push_line(out, record.value.unwrap_or_default()),
            Self::Text(terminal) => {
                let Record { topic, partition, offset, .. } = record;
                let mut place = format!("{topic}/{partition}@{offset}");
                if record.delivery_count > 1 {
                    place += &format!(" ({}.)", record.delivery_count);
                }
                let key = record.key.map(show::printable).unwrap_or_default();
                let value = record.value.map_or_else(|| "-".to_owned(), show::printable);
                out.extend_from_slice(terminal.paint(Paint::Dim, &place).as_bytes());
                out.extend_from_slice(b"  ");
                if !key.is_empty() {
                    out.extend_from_slice(terminal.paint(Paint::Strong, &key).as_bytes());
                    out.extend_from_slice(b"  ");
                }
                out.extend_from_slice(value.as_bytes());
                out.push(b'\n');
            }
            Self::Json => {
                out.extend_from_slice(json(record).to_string().as_bytes());
                out.push(b'\n');
            }
        }
    }
}

fn json(record: &Record<'_>) -> Value {
    let mut object = Map::new();
    object.insert("topic".into(), record.topic.into());
    object.insert("partition".into(), record.partition.into());
    object.insert("offset".into(), record.offset.into());
    object.insert("time".into(), text::time(record.timestamp).into());
    object.insert("delivery_count".into(), record.delivery_count.into());
    show::insert_content(&mut object, (record.key, record.value), record.headers);
    Value::Object(object)
}
