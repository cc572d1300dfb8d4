//! Dead letters: records that no member of a queue group is to have again go into a topic of
//! their own, with headers that say where they come from and why.

use std::ops::RangeInclusive;
use std::sync::Arc;

use bytes::Bytes;

use super::topics::LiveTopic;
use super::{Acks, EventKind, NewTopic, Produce, Shared, Ticket};
use crate::batch::builder::BatchBuilder;
use crate::batch::compression::Codec;
use crate::batch::header::{BatchHeader, HEADER_BYTES};
use crate::batch::records::{Header, Record, Records, unpack};
use crate::clock::Millis;
use crate::error::{ErrorKind, Result};
use crate::limits::BATCH_BYTES_MAX;
use crate::state::group_config::GroupSettings;
use crate::state::queues::{DeadLetter, DeadLetterReason};
use crate::state::topic::Topic;
use crate::state::topic_config::TopicConfig;
use crate::sys::event_log::Level;

/// How much larger than its record a dead letter may be: for the headers that are added.
const HEADERS_BYTES_MAX: u32 = 64 << 10;
/// Letters are gathered into batches of this many bytes, if one is not larger by itself.
const BATCH_BYTES: usize = 256 << 10;
/// How many bytes say how long a key or value is.
const LENGTH_BYTES_MAX: usize = 5;
/// How many bytes a letter has besides its key, its value and most of its headers.
const OWN_BYTES_MAX: usize = 128;

/// A batch that holds a record that is to be buried.
struct Source {
    header: BatchHeader,
    codec: Codec,
    /// Its records, uncompressed.
    records: Bytes,
    /// The ID of its first record.
    first_id: u64,
}

/// Letters that are on their way to the disk.
#[derive(Default)]
struct Burial {
    tickets: Vec<Arc<Ticket>>,
    /// The records that they are of.
    topic: Arc<str>,
    index: u32,
    offsets: Vec<u64>,
}

/// Where letters go, and what of them.
struct Grave {
    topic: Arc<LiveTopic>,
    /// Whether key, value and headers of the record go there too.
    copies: bool,
}

impl Shared {
    /// Buries what the queue groups have asked for. A letter is on the disk before its group is
    /// told: what a crash interrupts is buried once more, never lost.
    pub(super) fn bury(&self) {
        let letters = self.with_queues(|queues, _, _| queues.take_letters());
        let written: Vec<_> = letters
            .into_iter()
            .map(|(group, letter)| {
                let tickets = self.submit_letter(&group, &letter);
                (group, letter, tickets)
            })
            .collect();
        for (group, letter, tickets) in written {
            let buried = tickets.and_then(|burial| {
                let results = burial.tickets.iter().flat_map(|ticket| self.wait(ticket));
                results.collect::<Result<Vec<_>>>()?;
                self.tell_buried(&group, &letter, &burial);
                Ok(())
            });
            if let Err(error) = &buried {
                let text = format_args!(
                    "offset {} of partition number {} cannot go into the dead-letter topic of \
                     group {group}; that is tried again: {error}",
                    letter.first, letter.partition
                );
                self.events.log_limited(Level::Error, "failures to keep dead letters", text);
            }
            self.with_queues(|queues, now, out| match buried {
                Ok(_) => queues.queues.buried(&group, &letter, now, out),
                Err(_) => queues.queues.not_buried(&group, &letter, now, out),
            });
        }
    }

    /// Puts the records of a letter into the queue of what is to be written.
    fn submit_letter(&self, group: &str, letter: &DeadLetter) -> Result<Burial> {
        let (located, partition) = {
            let registry = self.registry();
            let located = registry.catalog.partition(letter.partition);
            let located = located.map(|(topic, index)| (topic.clone(), index));
            (located, registry.partition(letter.partition).cloned())
        };
        let (Some((source, index)), Some(partition)) = (located, partition) else {
            // The topic was deleted meanwhile.
            return Ok(Burial::default());
        };
        let grave = self.grave(&self.group_settings(group), &source)?;
        let bytes_max = BATCH_BYTES.min(grave.topic.topic.config.max_message_bytes as usize);
        let mut batch = BatchBuilder::new();
        // What fits compressed into its topic need not fit otherwise.
        let mut codec = Codec::None;
        let mut burial = Burial { topic: source.name.as_str().into(), index, ..Burial::default() };
        let mut next = letter.first;
        while next <= letter.last {
            let found = match self.find_batch(&partition, next) {
                Ok(found) => found.map(Source::open).transpose()?,
                // Retention was faster.
                Err(error) if error.kind() == ErrorKind::OffsetOutOfRange => None,
                Err(error) => return Err(error),
            };
            let wanted = next..=letter.last;
            next = found.as_ref().map_or(0, Source::end).max(next + 1);
            for record in found.iter().flat_map(|found| found.records(&wanted)) {
                let (found, offset, record) = record?;
                let headers = headers(group, &source.name, index, offset, letter);
                if !batch.is_empty() && batch.size() + bytes_of(&record, &headers) > bytes_max {
                    burial.tickets.push(self.submit_letters(&grave, index, codec, &mut batch)?);
                }
                codec = found.codec;
                found.copy(record, &headers, grave.copies, self.clock.wall(), &mut batch)?;
                burial.offsets.push(offset);
            }
        }
        if !batch.is_empty() {
            burial.tickets.push(self.submit_letters(&grave, index, codec, &mut batch)?);
        }
        Ok(burial)
    }

    fn tell_buried(&self, group: &Arc<str>, letter: &DeadLetter, burial: &Burial) {
        for offset in &burial.offsets {
            self.tell(EventKind::DeadLettered, |event| {
                event.topic = Some(burial.topic.clone());
                (event.partition, event.offset) = (Some(burial.index), Some(*offset));
                event.group = Some(group.clone());
                event.text = message(letter);
            });
        }
    }

    fn submit_letters(
        &self,
        grave: &Grave,
        index: u32,
        codec: Codec,
        batch: &mut BatchBuilder,
    ) -> Result<Arc<Ticket>> {
        let bytes = batch.finish(codec)?.to_vec().into();
        batch.clear();
        let ticket = Ticket::new(1, None);
        let topic = &grave.topic;
        let partition = &topic.partitions[index as usize % topic.partitions.len()];
        let produce =
            Produce { topic, partition, batch: bytes, acks: Acks::Synced, zstd_allowed: true };
        self.submit(produce, &ticket, 0)?;
        Ok(ticket)
    }

    /// The topic for dead letters of `source`; makes it where there is none.
    fn grave(&self, settings: &GroupSettings, source: &Topic) -> Result<Grave> {
        let (name, copies) = match &settings.dead_letter_topic {
            Some(name) => (name.clone(), settings.dead_letter_copy_record),
            None => (format!("{}.dlq", source.name), true),
        };
        if let Some(topic) = self.registry().get(&name).cloned() {
            return Ok(Grave { topic, copies });
        }
        let room = source.config.max_message_bytes.saturating_add(HEADERS_BYTES_MAX);
        let room = room.min(BATCH_BYTES_MAX).to_string();
        let config = TopicConfig::parse([("max.message.bytes", &room[..])])?;
        let partitions = Some(source.partition_count());
        self.create_topics(&[NewTopic { name: name.clone(), partitions, config }], false)
            .pop()
            .transpose()?;
        match self.registry().get(&name).cloned() {
            Some(topic) => Ok(Grave { topic, copies }),
            None => Err(super::topics::unknown(&name)),
        }
    }
}

impl Source {
    fn open((first_id, batch): (u64, Bytes)) -> Result<Self> {
        let header = BatchHeader::parse(&batch)?;
        let records = unpack(&header, &batch.slice(HEADER_BYTES..))?;
        Ok(Self { header, codec: header.codec()?, records, first_id })
    }

    /// The offset behind its last record.
    fn end(&self) -> u64 {
        self.header.last_offset().cast_unsigned().saturating_add(1)
    }

    /// The records that are wanted, each with its offset and this batch.
    fn records(
        &self,
        wanted: &RangeInclusive<u64>,
    ) -> impl Iterator<Item = Result<(&Self, u64, Record<'_>)>> {
        let base = self.header.base_offset.cast_unsigned();
        let records = Records::new(&self.records, self.header.record_count);
        let placed = records.map(move |record| {
            let record = record?;
            Ok((self, base.saturating_add_signed(record.offset_delta.into()), record))
        });
        placed.filter(|placed| placed.as_ref().map_or(true, |(_, at, _)| wanted.contains(at)))
    }

    /// Adds a record to `batch`, with headers behind its own.
    fn copy(
        &self,
        record: Record<'_>,
        added: &[(&'static str, String)],
        copies: bool,
        now: Millis,
        batch: &mut BatchBuilder,
    ) -> Result<()> {
        let id = self.first_id.saturating_add_signed(record.offset_delta.into());
        let timestamp = self.header.timestamp_of(record.timestamp_delta);
        let (id, timestamp) = (id.to_string(), timestamp.to_string());
        let mut headers: Vec<Header<'_>> = Vec::new();
        if copies {
            headers.extend(record.headers);
        }
        let own = [("minka.dlq.id", &id), ("minka.dlq.timestamp", &timestamp)];
        let added = added.iter().map(|(key, value)| (*key, value)).chain(own);
        headers.extend(
            added.map(|(key, value)| Header { key: key.as_bytes(), value: Some(value.as_bytes()) }),
        );
        let (key, value) = if copies { (record.key, record.value) } else { (None, None) };
        batch.append(now, key, value, &headers)
    }
}

/// How many bytes a letter has at most, with the headers that it is given.
fn bytes_of(record: &Record<'_>, added: &[(&'static str, String)]) -> usize {
    let bytes = |part: Option<&[u8]>| part.map_or(0, <[u8]>::len) + LENGTH_BYTES_MAX;
    let given = record.headers.map(|one| one.key.len() + LENGTH_BYTES_MAX + bytes(one.value));
    let added = added.iter().map(|(key, value)| key.len() + value.len() + 2 * LENGTH_BYTES_MAX);
    let headers = given.sum::<usize>() + added.sum::<usize>();
    bytes(record.key) + bytes(record.value) + headers + OWN_BYTES_MAX
}

/// Says where a record comes from and why it is here, as Kafka does (KIP-1191).
fn headers(
    group: &str,
    topic: &str,
    index: u32,
    offset: u64,
    letter: &DeadLetter,
) -> [(&'static str, String); 6] {
    [
        ("__dlq.errors.topic", topic.to_owned()),
        ("__dlq.errors.partition", index.to_string()),
        ("__dlq.errors.offset", offset.to_string()),
        ("__dlq.errors.group", group.to_owned()),
        ("__dlq.errors.delivery.count", letter.delivery_count.to_string()),
        ("__dlq.errors.message", message(letter)),
    ]
}

/// Why a record is not delivered again.
fn message(letter: &DeadLetter) -> String {
    match letter.reason {
        DeadLetterReason::Rejected => "a member rejected it".to_owned(),
        DeadLetterReason::LimitReached => {
            format!("it was delivered {} times and never accepted", letter.delivery_count)
        }
    }
}
