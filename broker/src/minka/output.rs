//! What a command prints: a sentence or a table for people, or JSON for programs.

use std::io::{self, Write};

use serde_json::Value;

use crate::exit::Failure;
use crate::table::Table;
use crate::terminal::Terminal;

/// Standard output, and whether it is to be JSON.
#[derive(Debug, Clone, Copy)]
pub(super) struct Output {
    json: bool,
}

impl Output {
    /// Output as `--json` says.
    pub(super) fn new(json: bool) -> Self {
        Self { json }
    }

    /// Whether it is to be JSON.
    pub(super) fn is_json(self) -> bool {
        self.json
    }

    /// Says what was done.
    pub(super) fn done(self, sentence: &str, json: Value) -> Result<(), Failure> {
        if self.json { self.json(json) } else { self.text(&format!("{sentence}\n")) }
    }

    /// Prints a table or the same as JSON.
    pub(super) fn table(self, table: impl FnOnce() -> Table, json: Value) -> Result<(), Failure> {
        if self.json { self.json(json) } else { self.text(&table().render(Terminal::stdout())) }
    }

    /// Prints JSON on one line.
    pub(super) fn json(self, json: Value) -> Result<(), Failure> {
        self.text(&format!("{json}\n"))
    }

    /// Prints a text; who closed the pipe does not want it.
    pub(super) fn text(self, text: &str) -> Result<(), Failure> {
        let mut out = io::stdout().lock();
        match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Failure::output(&error)),
            _ => Ok(()),
        }
    }
}
