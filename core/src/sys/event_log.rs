//! `broker.log`: what the broker did, in lines for people; bounded, and never in the way.
//!
//! A line is the time in UTC, a level and a sentence:
//!
//! ```text
//! 2026-11-21T02:14:17.123Z INFO  topic orders created with 3 partitions
//! ```
//!
//! When the file is full it becomes `broker.log.1`, that one `broker.log.2`, and so on up to
//! the number that is kept.

use std::fmt::{self, Write as _};
use std::fs::{File, OpenOptions, remove_file, rename};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::clock::{Clock, Millis, SystemClock};
use crate::error::{Error, ErrorKind, Result};

/// The file's name in the data directory.
pub const FILE_NAME: &str = "broker.log";
/// The file's largest size in bytes, unless it is said otherwise.
pub const FILE_BYTES_DEFAULT: u64 = 1024 * 1024;
/// How many full files are kept, unless it is said otherwise.
pub const KEPT_FILES_DEFAULT: u32 = 3;
/// Where a sentence is cut, in bytes.
pub const LINE_BYTES_MAX: usize = 1024;
/// How many lines of one class are written in [`CLASS_WINDOW_MS`]; the others are counted.
pub const CLASS_LINES_MAX: u32 = 5;
/// See [`CLASS_LINES_MAX`].
pub const CLASS_WINDOW_MS: i64 = 1_000;

/// How much a line matters. What is less than the log's level is not written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Something failed that somebody has to look at.
    Error,
    /// Something is wrong that the broker can live with.
    Warn,
    /// What the broker did that people want to know about.
    Info,
    /// What helps to find out why.
    Debug,
}

/// The event log of a broker. All methods may be called from any thread.
pub struct EventLog {
    level: Level,
    writer: Option<Mutex<Writer>>,
}

struct Writer {
    path: PathBuf,
    file: File,
    size: u64,
    bytes_max: u64,
    kept: u32,
    clock: Box<dyn Clock>,
    classes: Vec<Class>,
    /// How many lines could not be written since the last that could, and why.
    lost: Option<(u64, io::Error)>,
}

/// How much was said of one thing in the window that began last.
struct Class {
    name: &'static str,
    began: Millis,
    written: u32,
    left_out: u64,
}

impl EventLog {
    /// Opens [`FILE_NAME`] in `directory`, behind the lines that are there.
    ///
    /// A file has at most `bytes_max` bytes, or one line; `kept` full ones are kept. Fails with
    /// `StorageFailed`. There should be one log for a file: open it after the directory's lock.
    pub fn open(directory: &Path, level: Level, bytes_max: u64, kept: u32) -> Result<Self> {
        Self::with_clock(directory, level, bytes_max, kept, Box::new(SystemClock::default()))
    }

    /// A log that writes nothing.
    pub fn none() -> Self {
        Self { level: Level::Error, writer: None }
    }

    /// Whether lines of `level` are written: a caller may save himself the work.
    pub fn is_on(&self, level: Level) -> bool {
        self.writer.is_some() && level <= self.level
    }

    /// Writes a line.
    ///
    /// It never fails: a line that cannot be written is counted, and the next that can says so.
    /// Control characters are escaped and [`LINE_BYTES_MAX`] holds, so that foreign text
    /// is safe.
    pub fn log(&self, level: Level, text: fmt::Arguments<'_>) {
        if let Some(mut writer) = self.writer(level) {
            let now = writer.clock.steady();
            writer.sum_up(now);
            writer.write(level, text);
        }
    }

    /// Writes a line of which a stranger can cause any number, such as one about a connection.
    ///
    /// Of one `class` at most [`CLASS_LINES_MAX`] are written in [`CLASS_WINDOW_MS`]; then
    /// one more line says how many were left out.
    pub fn log_limited(&self, level: Level, class: &'static str, text: fmt::Arguments<'_>) {
        if let Some(mut writer) = self.writer(level) {
            let now = writer.clock.steady();
            writer.sum_up(now);
            if writer.admit(class, now) {
                writer.write(level, text);
            }
        }
    }

    fn with_clock(
        directory: &Path,
        level: Level,
        bytes_max: u64,
        kept: u32,
        clock: Box<dyn Clock>,
    ) -> Result<Self> {
        let path = directory.join(FILE_NAME);
        let (file, size) = open_to_append(&path)
            .map_err(|source| Error::storage(format_args!("opening {}", path.display()), source))?;
        let classes = Vec::new();
        let writer = Writer { path, file, size, bytes_max, kept, clock, classes, lost: None };
        Ok(Self { level, writer: Some(Mutex::new(writer)) })
    }

    /// A panic of another thread inside the writer loses its line, and no more.
    fn writer(&self, level: Level) -> Option<MutexGuard<'_, Writer>> {
        let writer = self.writer.as_ref().filter(|_| level <= self.level)?;
        Some(writer.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Writer {
    /// Whether one more line of `class` is to be written.
    fn admit(&mut self, name: &'static str, now: Millis) -> bool {
        let known = self.classes.iter().position(|class| class.name == name);
        let at = known.unwrap_or_else(|| {
            self.classes.push(Class { name, began: now, written: 0, left_out: 0 });
            self.classes.len() - 1
        });
        let class = &mut self.classes[at];
        if class.written < CLASS_LINES_MAX {
            class.written += 1;
            return true;
        }
        class.left_out += 1;
        false
    }

    /// Forgets the classes whose window is over, and says what was left out of them.
    fn sum_up(&mut self, now: Millis) {
        let is_over = |class: &Class| now.saturating_sub(class.began) >= CLASS_WINDOW_MS;
        while let Some(at) = self.classes.iter().position(is_over) {
            let Class { name, left_out, .. } = self.classes.swap_remove(at);
            if left_out > 0 {
                self.write(Level::Warn, format_args!("{left_out} more lines about {name}"));
            }
        }
    }

    fn write(&mut self, level: Level, text: fmt::Arguments<'_>) {
        let mut lines = String::new();
        let now = self.clock.wall();
        if let Some((count, error)) = &self.lost {
            let text = format_args!("{count} lines before this one were lost: {error}");
            push_line(&mut lines, now, Level::Error, text);
        }
        push_line(&mut lines, now, level, text);
        match self.append(lines.as_bytes()) {
            Ok(()) => self.lost = None,
            Err(error) => {
                let before = self.lost.as_ref().map_or(0, |(count, _)| *count);
                self.lost = Some((before + 1, error));
            }
        }
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        let len = bytes.len() as u64;
        if self.size > 0 && self.size.saturating_add(len) > self.bytes_max {
            self.rotate()?;
        }
        if let Err(error) = self.file.write_all(bytes) {
            // Cuts a line that was written in part; where this fails too, the line stays torn.
            let _ = self.file.set_len(self.size);
            return Err(error);
        }
        self.size += len;
        Ok(())
    }

    fn rotate(&mut self) -> io::Result<()> {
        if self.kept == 0 {
            self.file.set_len(0)?;
            self.size = 0;
            return Ok(());
        }
        for number in (1..self.kept).rev() {
            unless_missing(rename(self.full(number), self.full(number + 1)))?;
        }
        unless_missing(rename(&self.path, self.full(1)))?;
        (self.file, self.size) = open_to_append(&self.path)?;
        // Where fewer are kept than before, one too many may be left.
        unless_missing(remove_file(self.full(self.kept + 1)))
    }

    /// The path of a full file: 1 is the one that became full last.
    fn full(&self, number: u32) -> PathBuf {
        self.path.with_file_name(format!("{FILE_NAME}.{number}"))
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.sum_up(Millis::MAX);
    }
}

impl Level {
    /// The name, in capitals.
    pub fn name(self) -> &'static str {
        match self {
            Self::Error => "ERROR",
            Self::Warn => "WARN",
            Self::Info => "INFO",
            Self::Debug => "DEBUG",
        }
    }
}

impl FromStr for Level {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let all = [Self::Error, Self::Warn, Self::Info, Self::Debug];
        all.into_iter().find(|level| level.name().eq_ignore_ascii_case(text)).ok_or_else(|| {
            Error::new(
                ErrorKind::InvalidConfig,
                format!("{text:?} is no log level: use error, warn, info or debug"),
            )
        })
    }
}

impl fmt::Debug for EventLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventLog").field("level", &self.level).finish_non_exhaustive()
    }
}

/// Text on its way into a line: without control characters, and cut where it is too long.
struct Sentence<'a> {
    line: &'a mut String,
    left: usize,
}

impl fmt::Write for Sentence<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for c in text.chars() {
            let start = self.line.len();
            if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') {
                self.line.extend(c.escape_default());
            } else {
                self.line.push(c);
            }
            let Some(left) = self.left.checked_sub(self.line.len() - start) else {
                self.line.truncate(start);
                self.line.push_str("...");
                return Err(fmt::Error);
            };
            self.left = left;
        }
        Ok(())
    }
}

fn push_line(lines: &mut String, now: Millis, level: Level, text: fmt::Arguments<'_>) {
    push_time(lines, now);
    lines.push_str(match level {
        Level::Error => " ERROR ",
        Level::Warn => " WARN  ",
        Level::Info => " INFO  ",
        Level::Debug => " DEBUG ",
    });
    // An error here means that the sentence was cut, or that a `Display` gave up half-way.
    let _ = Sentence { line: lines, left: LINE_BYTES_MAX }.write_fmt(text);
    lines.push('\n');
}

/// Appends a time like `2026-11-21T02:14:17.123Z`, between the years 1970 and 9999.
fn push_time(line: &mut String, time: Millis) {
    const DAY: Millis = 86_400_000;
    const END_OF_9999: Millis = 253_402_300_799_999;
    let time = time.clamp(0, END_OF_9999);
    let (mut day, rest) = (time / DAY, time % DAY);
    let is_leap = |year: i64| year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let mut year = 1970;
    while day >= 365 + i64::from(is_leap(year)) {
        day -= 365 + i64::from(is_leap(year));
        year += 1;
    }
    let february = 28 + i64::from(is_leap(year));
    let mut month = 1;
    for length in [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30] {
        if day < length {
            break;
        }
        day -= length;
        month += 1;
    }
    let (hour, minute) = (rest / 3_600_000, rest / 60_000 % 60);
    let (second, milli) = (rest / 1_000 % 60, rest % 1_000);
    // Writing to a string does not fail.
    let _ = write!(
        line,
        "{year}-{month:02}-{:02}T{hour:02}:{minute:02}:{second:02}.{milli:03}Z",
        day + 1
    );
}

fn open_to_append(path: &Path) -> io::Result<(File, u64)> {
    let file = OpenOptions::new().append(true).create(true).open(path)?;
    let size = file.metadata()?.len();
    Ok((file, size))
}

fn unless_missing(result: io::Result<()>) -> io::Result<()> {
    result.or_else(|error| match error.kind() {
        io::ErrorKind::NotFound => Ok(()),
        _ => Err(error),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicI64, Ordering};

    use tempfile::TempDir;

    /// 2026-11-21T02:14:17.123Z.
    const NOW: Millis = 1_795_227_257_123;

    /// Both readings are [`NOW`] and what a test adds.
    #[derive(Debug, Clone, Default)]
    struct TestClock(Arc<AtomicI64>);

    impl Clock for TestClock {
        fn wall(&self) -> Millis {
            NOW + self.0.load(Ordering::SeqCst)
        }
        fn steady(&self) -> Millis {
            self.wall()
        }
    }

    fn log_in(directory: &TempDir, bytes_max: u64, kept: u32) -> (EventLog, TestClock) {
        let clock = TestClock::default();
        let given = Box::new(clock.clone());
        let log = EventLog::with_clock(directory.path(), Level::Info, bytes_max, kept, given);
        (log.unwrap(), clock)
    }

    fn read(directory: &TempDir, name: &str) -> String {
        fs::read_to_string(directory.path().join(name)).unwrap()
    }

    /// The sentences of a file, without their times.
    fn sentences(directory: &TempDir, name: &str) -> Vec<String> {
        read(directory, name).lines().map(|line| line[25..].to_owned()).collect()
    }

    #[test]
    fn lines_have_a_time_and_a_level_and_follow_those_of_the_last_start() {
        let directory = TempDir::new().unwrap();
        for start in 1..3 {
            let (log, _) = log_in(&directory, 1_000, 1);
            log.log(Level::Info, format_args!("start {start}"));
            log.log(Level::Error, format_args!("failed"));
            log.log(Level::Debug, format_args!("not of interest"));
            assert!(log.is_on(Level::Info) && !log.is_on(Level::Debug));
        }
        let time = "2026-11-21T02:14:17.123Z";
        assert_eq!(
            read(&directory, FILE_NAME),
            format!(
                "{time} INFO  start 1\n{time} ERROR failed\n\
                 {time} INFO  start 2\n{time} ERROR failed\n"
            )
        );
    }

    #[test]
    fn dates_are_those_of_the_calendar() {
        for (time, expected) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (-5, "1970-01-01T00:00:00.000Z"),
            (951_782_399_999, "2000-02-28T23:59:59.999Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (951_868_800_000, "2000-03-01T00:00:00.000Z"),
            (1_735_689_599_000, "2024-12-31T23:59:59.000Z"),
            (NOW, "2026-11-21T02:14:17.123Z"),
            (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
            (Millis::MAX, "9999-12-31T23:59:59.999Z"),
        ] {
            let mut line = String::new();
            push_time(&mut line, time);
            assert_eq!(line, expected);
        }
    }

    #[test]
    fn full_files_move_on_and_the_oldest_goes() {
        let directory = TempDir::new().unwrap();
        let (log, _) = log_in(&directory, 80, 2);
        for n in 0..7 {
            log.log(Level::Info, format_args!("line {n}"));
        }
        assert_eq!(sentences(&directory, "broker.log"), ["INFO  line 6"]);
        assert_eq!(sentences(&directory, "broker.log.1"), ["INFO  line 4", "INFO  line 5"]);
        assert_eq!(sentences(&directory, "broker.log.2"), ["INFO  line 2", "INFO  line 3"]);
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 3);
        drop(log);

        let (log, _) = log_in(&directory, 40, 0);
        log.log(Level::Info, format_args!("alone"));
        assert_eq!(sentences(&directory, "broker.log"), ["INFO  alone"]);
    }

    #[test]
    fn lines_that_are_lost_are_counted_and_said() {
        let directory = TempDir::new().unwrap();
        let obstacle = directory.path().join("broker.log.1");
        fs::create_dir(&obstacle).unwrap();
        let (log, _) = log_in(&directory, 80, 1);
        for n in 0..5 {
            log.log(Level::Info, format_args!("line {n}"));
        }
        assert_eq!(sentences(&directory, "broker.log"), ["INFO  line 0", "INFO  line 1"]);
        fs::remove_dir(&obstacle).unwrap();
        log.log(Level::Info, format_args!("line 5"));
        let lines = sentences(&directory, "broker.log");
        assert!(lines[0].starts_with("ERROR 3 lines before this one were lost: "), "{lines:?}");
        assert_eq!(lines[1..], ["INFO  line 5"]);
    }

    #[test]
    fn foreign_text_can_neither_make_lines_nor_long_ones() {
        let directory = TempDir::new().unwrap();
        let (log, _) = log_in(&directory, 10_000, 1);
        log.log(Level::Info, format_args!("a\nb\x1b[31m\u{2028}\u{e9}"));
        log.log(Level::Info, format_args!("{}{}", "x".repeat(LINE_BYTES_MAX), "no room"));
        log.log(Level::Info, format_args!("{}\u{e9}", "x".repeat(LINE_BYTES_MAX - 1)));
        let lines = sentences(&directory, FILE_NAME);
        assert_eq!(lines[0], "INFO  a\\nb\\u{1b}[31m\\u{2028}\u{e9}");
        assert_eq!(lines[1], format!("INFO  {}...", "x".repeat(LINE_BYTES_MAX)));
        assert_eq!(lines[2], format!("INFO  {}...", "x".repeat(LINE_BYTES_MAX - 1)));
        assert_eq!(lines.len(), 3);
    }

    #[test]
    fn what_strangers_cause_is_written_a_few_times_and_then_counted() {
        let directory = TempDir::new().unwrap();
        let (log, clock) = log_in(&directory, 10_000, 1);
        let knock = |n| log.log_limited(Level::Warn, "bad frames", format_args!("bad frame {n}"));
        (0..100).for_each(knock);
        log.log_limited(Level::Info, "logins", format_args!("a login"));
        clock.0.store(CLASS_WINDOW_MS, Ordering::SeqCst);
        knock(100);
        let lines = sentences(&directory, FILE_NAME);
        let few = CLASS_LINES_MAX as usize;
        assert_eq!(lines[few - 1], format!("WARN  bad frame {}", few - 1));
        assert_eq!(
            lines[few..],
            ["INFO  a login", "WARN  95 more lines about bad frames", "WARN  bad frame 100"]
        );
        (0..10).for_each(knock);
        drop(log);
        let lines = sentences(&directory, FILE_NAME);
        assert_eq!(lines.last().unwrap(), "WARN  6 more lines about bad frames");
    }

    #[test]
    fn no_log_takes_lines_and_writes_none() {
        let log = EventLog::none();
        assert!(!log.is_on(Level::Error));
        log.log(Level::Error, format_args!("nobody reads this"));
        assert_eq!("Warn".parse::<Level>().unwrap(), Level::Warn);
        let error = "loud".parse::<Level>().unwrap_err();
        assert_eq!(error.to_string(), "\"loud\" is no log level: use error, warn, info or debug");
    }
}
