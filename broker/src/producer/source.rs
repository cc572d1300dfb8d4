//! Where messages come from: lines, or made up.

use std::io::{self, BufRead};
use std::ops::Range;
use std::time::{Duration, Instant};

/// One message to be sent.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Outgoing<'a> {
    pub(super) key: Option<&'a [u8]>,
    pub(super) value: &'a [u8],
}

/// Gives one message after another.
pub(super) trait Source {
    /// The next message; `None` after the last one. May wait for it.
    fn next(&mut self) -> io::Result<Option<Outgoing<'_>>>;
}

/// The lines of a text, without their line breaks.
#[derive(Debug)]
pub(super) struct Lines<R> {
    text: R,
    separator: Option<Vec<u8>>,
    line: Vec<u8>,
}

impl<R: BufRead> Lines<R> {
    /// The lines of `text`; what stands in one before `separator` is its key.
    pub(super) fn new(text: R, separator: Option<&str>) -> Self {
        Self { text, separator: separator.map(|s| s.as_bytes().to_vec()), line: Vec::new() }
    }
}

impl<R: BufRead> Source for Lines<R> {
    fn next(&mut self) -> io::Result<Option<Outgoing<'_>>> {
        self.line.clear();
        if self.text.read_until(b'\n', &mut self.line)? == 0 {
            return Ok(None);
        }
        if self.line.last() == Some(&b'\n') {
            self.line.pop();
        }
        Ok(Some(split(&self.line, self.separator.as_deref())))
    }
}

/// A line as key and value. One without the separator has no key.
fn split<'a>(line: &'a [u8], separator: Option<&[u8]>) -> Outgoing<'a> {
    let found = separator.and_then(|separator| {
        let at = line.windows(separator.len()).position(|window| window == separator)?;
        Some((&line[..at], &line[at + separator.len()..]))
    });
    match found {
        Some((key, value)) => Outgoing { key: Some(key), value },
        None => Outgoing { key: None, value: line },
    }
}

/// Messages that consist of their number and letters that follow from it, so that a reader can
/// tell whether one is missing, comes twice or was changed.
#[derive(Debug)]
pub(super) struct MadeUp {
    numbers: Range<u64>,
    size: usize,
    /// When sending began, and the time between two messages.
    pace: Option<(Instant, Duration)>,
    value: Vec<u8>,
}

impl MadeUp {
    /// Messages number 0 to `count` - 1, of `size` bytes, `rate` a second.
    pub(super) fn new(count: u64, size: usize, rate: Option<u32>) -> Self {
        let pace = rate.map(|rate| (Instant::now(), Duration::from_secs(1) / rate));
        Self { numbers: 0..count, size, pace, value: Vec::new() }
    }
}

impl Source for MadeUp {
    fn next(&mut self) -> io::Result<Option<Outgoing<'_>>> {
        let Some(number) = self.numbers.next() else {
            return Ok(None);
        };
        if let Some((began, interval)) = self.pace {
            let due = began + Duration::from_secs_f64(interval.as_secs_f64() * number as f64);
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
        }
        made_up(number, self.size, &mut self.value);
        Ok(Some(Outgoing { key: None, value: &self.value }))
    }
}

/// The made-up message with this number: the number, a blank, and letters up to the size.
fn made_up(number: u64, size: usize, value: &mut Vec<u8>) {
    value.clear();
    value.extend_from_slice(number.to_string().as_bytes());
    if value.len() < size {
        value.push(b' ');
    }
    let letters = (b'a'..=b'z').cycle().skip((number % 26) as usize);
    value.extend(letters.take(size.saturating_sub(value.len())));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(source: &mut dyn Source) -> Vec<(Option<String>, String)> {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let mut found = Vec::new();
        while let Some(message) = source.next().unwrap() {
            found.push((message.key.map(text), text(message.value)));
        }
        found
    }

    #[test]
    fn lines_are_split_at_the_first_separator() {
        let text = &b"a::b::c\nno separator\n\n::empty key\nlast"[..];
        let found = all(&mut Lines::new(text, Some("::")));
        let pair = |key: &str, value: &str| (Some(key.to_owned()), value.to_owned());
        let alone = |value: &str| (None, value.to_owned());
        let expected = [
            pair("a", "b::c"),
            alone("no separator"),
            alone(""),
            pair("", "empty key"),
            alone("last"),
        ];
        assert_eq!(found, expected);
        assert_eq!(all(&mut Lines::new(&b"a::b\r\n"[..], None)), [alone("a::b\r")]);
    }

    #[test]
    fn made_up_messages_have_their_number_and_size() {
        let found: Vec<String> =
            all(&mut MadeUp::new(3, 8, None)).into_iter().map(|(_, value)| value).collect();
        assert_eq!(found, ["0 abcdef", "1 bcdefg", "2 cdefgh"]);
        let mut value = Vec::new();
        for (number, size, expected) in
            [(25, 6, "25 zab"), (123, 2, "123"), (123, 4, "123 "), (7, 0, "7")]
        {
            made_up(number, size, &mut value);
            assert_eq!(value, expected.as_bytes());
        }
    }
}
