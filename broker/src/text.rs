//! Numbers, sizes, times and durations: as people read and write them.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

/// A number with its thousands apart: 1,234,567.
pub(crate) fn number(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number of things, by the word for one and that for any other number.
pub(crate) fn count(count: u64, one: &str, more: &str) -> String {
    format!("{} {}", number(count), if count == 1 { one } else { more })
}

/// A number of bytes in the unit that suits it, such as 1.5 MB.
pub(crate) fn bytes(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["kB", "MB", "GB", "TB"];
    if bytes < 1000 {
        return format!("{bytes} B");
    }
    let mut value = bytes as f64 / 1000.0;
    let mut unit = 0;
    while value >= 999.95 && unit + 1 < UNITS.len() {
        value /= 1000.0;
        unit += 1;
    }
    format!("{value:.1} {}", UNITS[unit])
}

/// How many for each second, without a fraction.
pub(crate) fn per_second(count: u64, time: Duration) -> u64 {
    (count as f64 / time.as_secs_f64().max(1e-6)).round() as u64
}

/// A duration of a fraction of a second up to hours, in few characters.
pub(crate) fn duration(time: Duration) -> String {
    match time.as_secs() {
        0 if time.as_micros() < 1000 => format!("{} us", time.as_micros()),
        0 => format!("{:.1} ms", time.as_secs_f64() * 1e3),
        1..60 => format!("{:.1} s", time.as_secs_f64()),
        60..3600 => format!("{} min {} s", time.as_secs() / 60, time.as_secs() % 60),
        seconds => format!("{} h {} min", seconds / 3600, seconds / 60 % 60),
    }
}

/// A point in time, by milliseconds since 1970, in UTC: 2026-11-20T09:30:00.123Z.
pub(crate) fn time(millis: i64) -> String {
    Timestamp::from_millisecond(millis)
        .map(|time| time.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string())
        .unwrap_or_else(|_| millis.to_string())
}

/// Reads a point in time, such as 2026-11-20T09:30:00Z, as milliseconds since 1970.
pub(crate) fn parse_time(text: &str) -> Result<i64, String> {
    text.parse::<Timestamp>().map(Timestamp::as_millisecond).map_err(|_| {
        format!("{text:?} is not a time; it is written as 2026-11-20T09:30:00Z or with +02:00")
    })
}

/// Reads a duration, such as 500ms, 10s, 1m 30s or 2h.
pub(crate) fn parse_duration(text: &str) -> Result<Duration, String> {
    let read = text.parse::<SignedDuration>().ok().and_then(|read| Duration::try_from(read).ok());
    read.filter(|read| !read.is_zero())
        .ok_or_else(|| format!("{text:?} is not a duration; it is written as 500ms, 10s or 5m"))
}

/// Reads a number of bytes, such as 100, 64k or 1M.
pub(crate) fn parse_bytes(text: &str) -> Result<usize, String> {
    let wrong = || format!("{text:?} is not a size; it is written as 100, 64k (KiB) or 1M (MiB)");
    let (digits, unit) = match text.strip_suffix(['k', 'K', 'm', 'M']) {
        Some(digits) if text.ends_with(['k', 'K']) => (digits, 1 << 10),
        Some(digits) => (digits, 1 << 20),
        None => (text, 1),
    };
    let count: usize = digits.parse().map_err(|_| wrong())?;
    count.checked_mul(unit).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_sizes_are_written_for_people() {
        let numbers = [0, 999, 1000, 1_234_567].map(number);
        assert_eq!(
            (count(1, "batch", "batches"), count(1000, "x", "xs")),
            ("1 batch".into(), "1,000 xs".into())
        );
        assert_eq!(numbers, ["0", "999", "1,000", "1,234,567"]);
        let sizes = [0, 999, 1000, 1_550_000, 999_960, u64::MAX].map(bytes);
        assert_eq!(sizes, ["0 B", "999 B", "1.0 kB", "1.6 MB", "1.0 MB", "18446744.1 TB"]);
        assert_eq!(per_second(10, Duration::from_secs(4)), 3);
        assert_eq!(per_second(0, Duration::ZERO), 0);
    }

    #[test]
    fn times_are_written_and_read() {
        assert_eq!(time(1_795_167_000_123), "2026-11-20T09:30:00.123Z");
        assert_eq!(time(i64::MAX), i64::MAX.to_string());
        assert_eq!(parse_time("2026-11-20T11:30:00+02:00"), Ok(1_795_167_000_000));
        assert!(parse_time("yesterday").unwrap_err().contains("yesterday"));
        let durations = [300, 1_500, 2_500_000, 90_000_000, 3_720_000_000];
        let written = durations.map(|micros| duration(Duration::from_micros(micros)));
        assert_eq!(written, ["300 us", "1.5 ms", "2.5 s", "1 min 30 s", "1 h 2 min"]);
    }

    #[test]
    fn durations_and_sizes_are_read() {
        assert_eq!(parse_duration("1m 30s"), Ok(Duration::from_secs(90)));
        assert_eq!(parse_duration("500ms"), Ok(Duration::from_millis(500)));
        for text in ["", "0s", "-1s", "10", "soon"] {
            assert!(parse_duration(text).is_err(), "{text}");
        }
        let sizes = ["100", "64k", "1M"].map(parse_bytes);
        assert_eq!(sizes, [Ok(100), Ok(65_536), Ok(1 << 20)]);
        for text in ["", "k", "-1", "1 k", "1G", "99999999999999999999", "18446744073709551615M"] {
            assert!(parse_bytes(text).is_err(), "{text}");
        }
    }
}
