//! Tables: with lines on a terminal, as plain aligned columns in a pipe.

use std::fmt::Write as _;

use comfy_table::{CellAlignment, ContentArrangement, presets};

use crate::terminal::{self, Terminal};

/// Rows under headings. A heading that begins with `>` is that of a column of numbers, which
/// stand on the right.
#[derive(Debug)]
pub(crate) struct Table {
    headings: Vec<&'static str>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table without rows.
    pub(crate) fn new(headings: &[&'static str]) -> Self {
        Self { headings: headings.to_vec(), rows: Vec::new() }
    }

    /// Adds a row, which has a cell for each heading.
    pub(crate) fn row<const N: usize>(&mut self, cells: [String; N]) {
        debug_assert_eq!(N, self.headings.len(), "a row has as many cells as there are headings");
        self.rows.push(cells.into());
    }

    /// The table's text, with a line break at its end.
    pub(crate) fn render(&self, terminal: Terminal) -> String {
        if terminal.is_terminal() { self.with_lines() } else { self.plain() }
    }

    fn heading(&self, column: usize) -> (&'static str, bool) {
        let heading = self.headings[column];
        heading.strip_prefix('>').map_or((heading, false), |heading| (heading, true))
    }

    fn with_lines(&self) -> String {
        let mut table = comfy_table::Table::new();
        table
            .load_style(presets::UTF8_FULL_CONDENSED)
            .set_content_arrangement(ContentArrangement::Dynamic)
            .set_width(u16::try_from(terminal::size().0).unwrap_or(80))
            .set_header((0..self.headings.len()).map(|column| self.heading(column).0));
        for row in &self.rows {
            table.add_row(row);
        }
        for (at, column) in table.column_iter_mut().enumerate() {
            if self.heading(at).1 {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        format!("{table}\n")
    }

    fn plain(&self) -> String {
        let headings: Vec<String> =
            (0..self.headings.len()).map(|column| self.heading(column).0.to_owned()).collect();
        let rows = || std::iter::once(&headings).chain(&self.rows);
        let widths: Vec<usize> = (0..headings.len())
            .map(|column| rows().map(|row| row[column].chars().count()).max().unwrap_or(0))
            .collect();
        let mut text = String::new();
        for row in rows() {
            let mut line = String::new();
            for (column, cell) in row.iter().enumerate() {
                let width = widths[column];
                let _ = match self.heading(column).1 {
                    true => write!(line, "{cell:>width$}  "),
                    false => write!(line, "{cell:<width$}  "),
                };
            }
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_and_lines_have_no_blanks_at_their_ends() {
        let mut table = Table::new(&["NAME", ">LAG", "HOST"]);
        table.row(["a".into(), "12,000".into(), "here".into()]);
        table.row(["longer".into(), "7".into(), String::new()]);
        let text = table.render(Terminal::none());
        assert_eq!(text, "NAME       LAG  HOST\na       12,000  here\nlonger       7\n");
    }

    #[test]
    fn a_terminal_gets_lines() {
        let mut table = Table::new(&["NAME", ">LAG"]);
        table.row(["a".into(), "7".into()]);
        let text = table.with_lines();
        assert!(text.contains('\u{2502}') && text.contains("NAME"), "{text}");
    }
}
