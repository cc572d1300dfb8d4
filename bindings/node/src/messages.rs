//! Messages in one piece of memory, as `lib/messages.js` writes them, all little-endian:
//!
//! topic as an index into the list of topics (u32), partition (i32, -1: none), timestamp in ms
//! (f64, NaN: now), key, value, number of headers (u32), and of each header the key and the value.
//! A key or value is its length (i32, -1: null) and its bytes.

use minka::Result;
use minka::client::{Header, Message};

use crate::error::invalid;

/// Messages that are to be sent.
#[derive(Debug)]
pub(crate) struct Messages {
    pub(crate) topics: Vec<String>,
    pub(crate) bytes: Vec<u8>,
    pub(crate) count: u32,
}

/// Reads what JavaScript wrote. Nothing is believed: what is broken is an error.
struct Reader<'a>(&'a [u8]);

impl Messages {
    /// Hands each message to `each`, by its index; an error of one does not hold up the others.
    pub(crate) fn for_each(&self, mut each: impl FnMut(u32, Result<Message<'_>>)) {
        let mut reader = Reader(&self.bytes);
        let mut headers: Vec<(&[u8], Option<&[u8]>)> = Vec::new();
        for index in 0..self.count {
            headers.clear();
            let Some((topic, mut message)) = reader.message(&mut headers) else {
                (index..self.count).for_each(|index| each(index, Err(invalid("broken message"))));
                return;
            };
            let Some(topic) = self.topics.get(topic) else {
                each(index, Err(invalid("a message of no topic")));
                continue;
            };
            let headers = headers.iter().map(|&(key, value)| Header { key, value });
            let headers: Vec<Header<'_>> = headers.collect();
            message.topic = topic;
            each(index, Ok(Message { headers: &headers, ..message }));
        }
    }
}

impl<'a> Reader<'a> {
    fn message(
        &mut self,
        headers: &mut Vec<(&'a [u8], Option<&'a [u8]>)>,
    ) -> Option<(usize, Message<'a>)> {
        let topic = u32::from_le_bytes(self.array()?);
        let partition = i32::from_le_bytes(self.array()?);
        let timestamp = f64::from_le_bytes(self.array()?);
        let key = self.field()?;
        let value = self.field()?;
        for _ in 0..u32::from_le_bytes(self.array()?) {
            headers.push((self.field()?.unwrap_or_default(), self.field()?));
        }
        #[expect(clippy::cast_possible_truncation, reason = "a cast of a float is clamped")]
        let timestamp = (!timestamp.is_nan()).then_some(timestamp as i64);
        let partition = u32::try_from(partition).ok();
        let message = Message { topic: "", partition, key, value, headers: &[], timestamp };
        Some((usize::try_from(topic).ok()?, message))
    }

    fn field(&mut self) -> Option<Option<&'a [u8]>> {
        let length = i32::from_le_bytes(self.array()?);
        let Ok(length) = usize::try_from(length) else { return Some(None) };
        let (field, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(Some(field))
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (array, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*array)
    }
}
