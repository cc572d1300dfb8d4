//! What a stream leads to: a terminal with its colours and its size, or a pipe or file.

use std::io::IsTerminal;

/// What standard output or standard error leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Terminal {
    is_terminal: bool,
    colours: bool,
}

/// What a piece of text is, which gives it its colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Paint {
    Bad,
    Dim,
    Good,
    Strong,
    Warning,
}

impl Terminal {
    /// What standard output leads to.
    pub(crate) fn stdout() -> Self {
        Self::of(std::io::stdout().is_terminal())
    }

    /// What standard error leads to.
    pub(crate) fn stderr() -> Self {
        Self::of(std::io::stderr().is_terminal())
    }

    /// Colours are for terminals, unless the user wants none: see no-color.org.
    fn of(is_terminal: bool) -> Self {
        let unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
            || std::env::var_os("TERM").is_some_and(|value| value == "dumb");
        Self { is_terminal, colours: is_terminal && !unwanted }
    }

    /// A pipe or a file.
    #[cfg(test)]
    pub(crate) fn none() -> Self {
        Self { is_terminal: false, colours: false }
    }

    /// Whether a person looks at it.
    pub(crate) fn is_terminal(self) -> bool {
        self.is_terminal
    }

    /// The text, coloured where colours are wanted.
    pub(crate) fn paint(self, paint: Paint, text: &str) -> String {
        if !self.colours || text.is_empty() {
            return text.to_owned();
        }
        let code = match paint {
            Paint::Bad => "1;31",
            Paint::Dim => "2",
            Paint::Good => "32",
            Paint::Strong => "1",
            Paint::Warning => "33",
        };
        format!("\x1b[{code}m{text}\x1b[0m")
    }
}

/// Columns and lines of the terminal; what terminals usually have where it does not say.
pub(crate) fn size() -> (usize, usize) {
    let size = terminal_size::terminal_size();
    size.map_or((80, 24), |(columns, lines)| (columns.0.into(), lines.0.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_colours_that_are_wanted_are_written() {
        let coloured = Terminal { is_terminal: true, colours: true };
        assert_eq!(coloured.paint(Paint::Bad, "no"), "\x1b[1;31mno\x1b[0m");
        assert_eq!(coloured.paint(Paint::Bad, ""), "");
        assert_eq!(Terminal::none().paint(Paint::Bad, "no"), "no");
        assert!(!Terminal::none().is_terminal());
    }
}
