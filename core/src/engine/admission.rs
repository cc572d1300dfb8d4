//! Asking the admission hook about what producers send.

use super::asking::{Asking, Fate, rewrite};
use super::hooks::{Peer, Verdict};
use super::{Broker, Produce};
use crate::batch::header::BatchHeader;
use crate::error::{Error, ErrorKind};

/// Why a batch is not taken.
#[derive(Debug, Clone)]
pub struct Refused {
    /// The error of the batch.
    pub error: Error,
    /// The records because of which it is refused, by their place in the batch, in order, and
    /// what is wrong with each; none where it is refused as a whole.
    pub records: Vec<(u32, String)>,
}

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        Self { error, records: Vec::new() }
    }
}

impl Broker {
    /// Asks the admission hook, if there is one, about each record of a batch that `peer` sends,
    /// and puts another batch in its place if one of them changes. A door calls this before it
    /// submits the batch; what the broker writes itself is not asked about.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidRecord`] where the hook refuses a record: nothing of the batch may be
    /// appended then. Otherwise what [`Broker::submit`] says of the batch.
    pub fn admit(&self, peer: Peer<'_>, produce: &mut Produce<'_>) -> Result<(), Refused> {
        let Some(hook) = &self.config().hooks.admission else {
            return Ok(());
        };
        // A batch that could not be appended is not worth asking about, nor safe to look into.
        super::append::check_batch(produce, self.clock().wall())?;
        let topic = produce.topic;
        let index =
            topic.partitions.iter().position(|at| at.number() == produce.partition.number());
        let asking = Asking {
            hook: &**hook,
            name: "admission",
            events: self.events(),
            peer,
            topic: &topic.topic.name,
            partition: index.and_then(|index| u32::try_from(index).ok()).unwrap_or_default(),
        };
        let header = BatchHeader::parse(&produce.batch)?;
        let mut records = Vec::new();
        let changed =
            rewrite(&produce.batch, &header, |record| match asking.ask(record, &header, None) {
                Verdict::Pass => Fate::Keep,
                Verdict::Change(changed) => Fate::Change(changed),
                Verdict::Refuse(reason) | Verdict::Fail(reason) => {
                    records.push((record.offset_delta.cast_unsigned(), reason));
                    Fate::Keep
                }
            })?;
        if let Some((first, reason)) = records.first() {
            let text = format!(
                "{} of the {} records of a batch were refused; record {first}: {reason}",
                records.len(),
                header.record_count
            );
            return Err(Refused { error: Error::new(ErrorKind::InvalidRecord, text), records });
        }
        if let Some(batch) = changed {
            produce.batch = batch;
        }
        Ok(())
    }
}
