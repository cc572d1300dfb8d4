//! Latencies, gathered by several threads and shown as a table.

use std::time::Duration;

use hdrhistogram::Histogram;
use serde_json::{Value, json};

use crate::table::Table;
use crate::text;

/// The longest latency that is told apart from longer ones, in microseconds.
const LONGEST: u64 = 3600 * 1_000_000;
/// What is shown: half of all were quicker than the first, and so on.
const SHOWN: [(&str, f64); 4] = [("p50", 50.0), ("p90", 90.0), ("p99", 99.0), ("p99.9", 99.9)];

/// How long something took, many times, to three digits.
#[derive(Debug, Clone)]
pub(super) struct Latencies {
    micros: Histogram<u64>,
}

impl Latencies {
    /// None yet.
    pub(super) fn new() -> Self {
        let micros = Histogram::new_with_bounds(1, LONGEST, 3);
        Self { micros: micros.expect("the bounds of the histogram are in order") }
    }

    /// Takes one in.
    pub(super) fn record(&mut self, latency: Duration) {
        self.micros.saturating_record(u64::try_from(latency.as_micros()).unwrap_or(LONGEST));
    }

    /// Takes those of another thread in.
    pub(super) fn add(&mut self, other: &Self) {
        self.micros.add(&other.micros).expect("all histograms here have the same bounds");
    }

    /// For programs, in microseconds.
    pub(super) fn json(&self) -> Value {
        let mut object = json!({ "count": self.micros.len(), "min": self.micros.min() });
        for (name, percentile) in SHOWN {
            object[name] = self.micros.value_at_percentile(percentile).into();
        }
        object["max"] = self.micros.max().into();
        object
    }

    /// Adds a row: what it is, how many, and the percentiles.
    pub(super) fn row(&self, what: &str, table: &mut Table) {
        let time = |micros| text::duration(Duration::from_micros(micros));
        let at = |percentile| time(self.micros.value_at_percentile(percentile));
        let [p50, p90, p99, p999] = SHOWN.map(|(_, percentile)| at(percentile));
        table.row([
            what.to_owned(),
            text::number(self.micros.len()),
            p50,
            p90,
            p99,
            p999,
            time(self.micros.max()),
        ]);
    }

    /// A table for rows of latencies.
    pub(super) fn table() -> Table {
        Table::new(&["UNTIL", ">MESSAGES", ">P50", ">P90", ">P99", ">P99.9", ">MAX"])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::terminal::Terminal;

    #[test]
    fn percentiles_are_those_of_all_threads_together() {
        let (mut one, mut other) = (Latencies::new(), Latencies::new());
        (1..=500).for_each(|ms| one.record(Duration::from_millis(ms)));
        (501..=1000).for_each(|ms| other.record(Duration::from_millis(ms)));
        other.record(Duration::from_secs(86_400));
        one.add(&other);
        let json = one.json();
        assert_eq!(json["count"], 1001);
        let p50 = json["p50"].as_u64().unwrap();
        assert!((499_000..=502_000).contains(&p50), "{json}");
        let mut table = Latencies::table();
        one.row("of all", &mut table);
        let text = table.render(Terminal::none());
        assert!(text.contains("1,001  50") && text.contains("1 h 0 min"), "{text}");
    }
}
