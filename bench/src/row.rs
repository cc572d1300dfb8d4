//! A line of the table.

use std::fmt;

use crate::turns::Figures;

/// The names of the columns, as wide as a [`Row`] prints them.
pub(crate) const HEADINGS: &str = "\
measurement                                                      minka         peer   ratio         goal  \
        range";

/// What is wanted of a figure.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Goal {
    /// minka's figure is at least this part of its peer's.
    Share(f64),
    /// minka's figure is at most this, whatever the peer's is.
    AtMost(f64),
    /// minka's figure is at most so many times its peer's.
    Times(f64),
    /// Nothing: the line is there to explain others.
    None,
}

/// What a figure counts.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Unit {
    /// Bytes in a second, of clock or of processor.
    BytesPerSecond,
    /// Records, messages and the like in a second, of clock or of processor.
    PerSecond,
    /// Seconds.
    Seconds,
    /// Bytes.
    Bytes,
    /// Things.
    Count,
}

/// A measured figure beside its peer's.
#[derive(Debug)]
pub(crate) struct Row {
    name: String,
    unit: Unit,
    figures: Figures,
    goal: Goal,
}

impl Row {
    pub(crate) fn new(name: impl Into<String>, unit: Unit, figures: Figures, goal: Goal) -> Self {
        Self { name: name.into(), unit, figures, goal }
    }

    fn verdict(&self) -> &'static str {
        let reached = match self.goal {
            Goal::Share(least) => self.figures.ratio().is_some_and(|ratio| ratio >= least),
            Goal::AtMost(most) => self.figures.minka() <= most,
            Goal::Times(most) => self.figures.ratio().is_some_and(|ratio| ratio <= most),
            Goal::None => return "",
        };
        if reached { "ok" } else { "missed" }
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let minka = self.unit.text(self.figures.minka());
        let dash = || "-".to_owned();
        let peer = self.figures.peer().map_or_else(dash, |at| self.unit.text(at));
        let ratio = self.figures.ratio().map_or_else(dash, |ratio| format!("{ratio:.2}"));
        let goal = match self.goal {
            Goal::Share(least) => format!(">= {least:.2}"),
            Goal::AtMost(most) => format!("<= {}", self.unit.text(most)),
            Goal::Times(most) => format!("<= {most:.2} x"),
            Goal::None => dash(),
        };
        let range =
            self.figures.range().map_or_else(dash, |(low, high)| format!("{low:.2}..{high:.2}"));
        let (name, verdict) = (&self.name, self.verdict());
        let line = format!(
            "{name:<56} {minka:>13} {peer:>12} {ratio:>7} {goal:>12} {range:>14}  {verdict}"
        );
        f.write_str(line.trim_end())
    }
}

impl Unit {
    fn text(self, value: f64) -> String {
        match self {
            Self::BytesPerSecond => format!("{}B/s", scaled(value)),
            Self::PerSecond => format!("{}/s", scaled(value)),
            Self::Bytes => format!("{}B", scaled(value)),
            Self::Count => scaled(value).trim_end().to_owned(),
            Self::Seconds if value < 1e-3 => format!("{:.1} us", value * 1e6),
            Self::Seconds if value < 1.0 => format!("{:.2} ms", value * 1e3),
            Self::Seconds => format!("{value:.2} s"),
        }
    }
}

/// The value with three digits and the prefix for thousands, millions or milliards.
fn scaled(value: f64) -> String {
    let (value, prefix) = match value.abs() {
        at if at >= 1e9 => (value / 1e9, "G"),
        at if at >= 1e6 => (value / 1e6, "M"),
        at if at >= 1e3 => (value / 1e3, "k"),
        _ => (value, ""),
    };
    let digits = if value.abs() >= 100.0 { 0 } else { 2 - usize::from(value.abs() >= 10.0) };
    format!("{value:.digits$} {prefix}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_what_was_reached_and_what_was_missed() {
        let figures = Figures::new(vec![90.0, 80.0, 99.0], vec![100.0, 100.0, 110.0]);
        let line = |goal| Row::new("x", Unit::PerSecond, figures.clone(), goal).to_string();
        assert!(line(Goal::Share(0.9)).ends_with("ok"));
        assert!(line(Goal::Share(0.91)).ends_with("missed"));
        assert!(line(Goal::AtMost(89.0)).ends_with("missed"));
        assert!(line(Goal::Times(0.9)).ends_with("ok"));
        assert!(line(Goal::Times(0.89)).ends_with("missed"));
        assert!(line(Goal::None).ends_with("0.80..0.90"));
    }

    #[test]
    fn figures_are_short_whatever_their_size() {
        assert_eq!(Unit::BytesPerSecond.text(3.456e9), "3.46 GB/s");
        assert_eq!(Unit::PerSecond.text(12_345.0), "12.3 k/s");
        assert_eq!(Unit::Seconds.text(0.0123), "12.30 ms");
        assert_eq!(Unit::Count.text(7.0), "7.00");
    }
}
