//! The acknowledgements of a ShareFetch or ShareAcknowledge request, on their way to the disk.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Call;
use crate::engine::{Broker, Ticket};
use crate::error::{Error, ErrorKind};
use crate::state::queues::{AckBatch, AckKind};
use crate::wire::kafka::Uuid;
use crate::wire::kafka::share_fetch::AcknowledgementBatch;

/// The version of ShareFetch and of ShareAcknowledge that brings renewal.
const RENEW_FROM_VERSION: i16 = 2;

/// The first and the last offset, and the kinds.
type Batch = (u64, u64, Vec<AckKind>);

/// What became of the acknowledgements of each partition.
pub(super) type Results = BTreeMap<(Uuid, i32), Option<Error>>;

/// Acknowledgements that hold when the ticket does.
#[derive(Debug, Default)]
pub(super) struct Acknowledging {
    ticket: Option<Arc<Ticket>>,
    results: Results,
}

impl Acknowledging {
    /// Takes the acknowledgements of partitions in, for a member of a group.
    pub(super) fn start<'r>(
        call: &Call<'_>,
        (group, member): (&str, &str),
        partitions: impl Iterator<Item = ((Uuid, i32), &'r [AcknowledgementBatch])>,
    ) -> Self {
        let mut results = Results::new();
        let mut good = Vec::new();
        for ((topic, index), batches) in partitions.filter(|(_, batches)| !batches.is_empty()) {
            let taken = number(call.broker, topic, index).and_then(|number| {
                let batches = batches.iter().map(|asked| batch(asked, call.version));
                Ok((number, batches.collect::<Result<_, _>>()?))
            });
            match taken {
                Ok(asked) => good.push(((topic, index), asked)),
                Err(error) => drop(results.insert((topic, index), Some(error))),
            }
        }
        if good.is_empty() {
            return Self { ticket: None, results };
        }
        let (places, good): (Vec<_>, Vec<_>) = good.into_iter().unzip();
        let asked: Vec<(u32, Vec<AckBatch<'_>>)> = good
            .iter()
            .map(|(number, batches): &(u32, Vec<Batch>)| {
                let batches = batches.iter().map(|(first, last, kinds)| AckBatch {
                    first: *first,
                    last: *last,
                    kinds,
                });
                (*number, batches.collect())
            })
            .collect();
        let wake = (call.state.wake.clone(), call.state.token);
        let (outcomes, ticket) = call.broker.acknowledge_queue(group, member, &asked, Some(wake));
        call.broker.drain();
        results.extend(places.into_iter().zip(outcomes.into_iter().map(Result::err)));
        Self { ticket: Some(ticket), results }
    }

    /// What they wait for, if for anything.
    pub(super) fn ticket(&self) -> Option<&Ticket> {
        self.ticket.as_deref()
    }

    /// The results, once they hold.
    pub(super) fn results(&mut self, broker: &Broker) -> Option<Results> {
        if let Some(ticket) = &self.ticket {
            let written = broker.outcome(ticket)?;
            if let Some(failure) = written.into_iter().find_map(Result::err) {
                self.results.values_mut().for_each(|result| *result = Some(failure.clone()));
            }
        }
        Some(std::mem::take(&mut self.results))
    }
}

fn number(broker: &Broker, topic: Uuid, index: i32) -> Result<u32, Error> {
    let live = broker.topic_by_id(&topic.0).ok_or_else(|| {
        Error::new(ErrorKind::UnknownTopicId, format!("no topic has the ID {topic}"))
    })?;
    Ok(live.partition(index)?.number())
}

fn batch(batch: &AcknowledgementBatch, version: i16) -> Result<Batch, Error> {
    let offset = |offset: i64| u64::try_from(offset).map_err(|_| invalid("an offset is negative"));
    let kinds = batch.acknowledge_types.iter().map(|&kind| {
        AckKind::from_number(kind)
            .filter(|kind| *kind != AckKind::Renew || version >= RENEW_FROM_VERSION)
            .ok_or_else(|| invalid("there is no such type of acknowledgement"))
    });
    let kinds = kinds.collect::<Result<_, _>>()?;
    Ok((offset(batch.first_offset)?, offset(batch.last_offset)?, kinds))
}

fn invalid(text: &str) -> Error {
    Error::new(ErrorKind::InvalidRequest, text)
}
