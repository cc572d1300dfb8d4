//! What the log's entries say, taken into the broker's state.

use crate::batch::header::BatchHeader;
use crate::error::Result;
use crate::log::entry::Entry;
use crate::log::replay::Replay;
use crate::state::durable::DurableState;
use crate::state::event::Event;
use crate::state::partition::AppendedBatch;
use crate::state::producers::ProducerStamp;

/// The state that the entries so far add up to.
#[derive(Debug, Default)]
pub(super) struct State(pub(super) DurableState);

impl State {
    fn appended(&mut self, segment: u64, entry: &Entry, batch: &AppendedBatch) {
        self.0.batch_appended(entry.partition, batch, entry.written);
        if let Some(partition) = self.0.partitions.get_mut(&entry.partition) {
            partition.lies_in(segment);
        }
    }
}

impl Replay for State {
    fn state(&mut self, _entry: &Entry, event: &[u8]) -> Result<()> {
        self.0.apply(&Event::decode(event)?);
        Ok(())
    }

    fn batch(&mut self, segment: u64, entry: &Entry, header: &BatchHeader) -> Result<()> {
        let producer = (header.producer_id >= 0).then(|| {
            let (id, epoch) = (header.producer_id, header.producer_epoch);
            ProducerStamp::new(id, epoch, header.base_sequence, entry.count)
        });
        let batch = AppendedBatch {
            base_offset: header.base_offset.cast_unsigned(),
            offsets: entry.count,
            timestamp: header.max_timestamp,
            producer,
        };
        self.appended(segment, entry, &batch);
        Ok(())
    }

    fn lost(&mut self, segment: u64, entry: &Entry) -> Result<()> {
        let batch = AppendedBatch {
            base_offset: self.next_offset(entry.partition),
            offsets: entry.count,
            timestamp: -1,
            producer: None,
        };
        self.appended(segment, entry, &batch);
        Ok(())
    }

    fn next_offset(&self, partition: u32) -> u64 {
        self.0.partitions.get(&partition).map_or(0, |partition| partition.next_offset)
    }

    fn segment_before(&self, partition: u32, segment: u64) -> Option<u64> {
        self.0.partitions.get(&partition)?.segment_before(segment)
    }
}
