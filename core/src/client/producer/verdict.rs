//! What a broker's answer about a batch means.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Instant;

use super::batch::Batch;
use super::delivery::Fate;
use super::part::Part;
use crate::client::remote::answer;
use crate::error::{Error, ErrorKind};
use crate::wire::kafka::ErrorCode;
use crate::wire::kafka::produce::ProducePartitionResponse;

/// Fewer replicas than the topic wants are in sync; the batch is not stored, or is.
const NOT_ENOUGH_REPLICAS: i16 = 19;
const NOT_ENOUGH_REPLICAS_AFTER_APPEND: i16 = 20;
/// The leader has no listener for the one that the client came through.
const LISTENER_NOT_FOUND: i16 = 72;

/// What to do with a batch.
#[derive(Debug)]
pub(super) enum Verdict {
    /// It is decided.
    Over(Fate),
    /// Send it again.
    Again {
        /// What was wrong.
        error: Error,
        /// Whether to ask first who leads the partition.
        refresh: bool,
        /// Whether the broker says that there is no such partition.
        unknown: bool,
    },
    /// The broker has not got what comes before it.
    Gap(Error),
}

impl Verdict {
    /// For a batch that the answer says nothing about.
    pub(super) fn left_out(topic: &str) -> Self {
        let text = format!("the broker's answer leaves out a partition of topic {topic}");
        Self::Again { error: Error::new(ErrorKind::Network, text), refresh: true, unknown: false }
    }

    /// Does with a batch what it means, and notes in `stale` what is to be asked about. A batch
    /// that is over comes back; any other waits in its partition.
    pub(super) fn apply(
        self,
        part: &mut Part,
        batch: Batch,
        now: Instant,
        stale: &mut BTreeSet<Arc<str>>,
    ) -> Option<(Batch, Fate)> {
        match self {
            Self::Over(fate) => {
                if matches!(fate, Fate::Stored { .. }) {
                    part.succeeded();
                }
                Some((batch, fate))
            }
            Self::Again { error, refresh, unknown } => {
                part.trouble = Some(error.to_string());
                if unknown {
                    part.unknown_since.get_or_insert(now);
                }
                if refresh {
                    stale.insert(part.topic.clone());
                }
                part.put_back(batch);
                part.delay(now);
                None
            }
            Self::Gap(error) => {
                part.trouble = Some(error.to_string());
                // Behind a batch that waits to be sent again, a gap is no surprise.
                if part.is_first(batch.number) {
                    part.restart_sequence();
                    part.delay(now);
                }
                part.put_back(batch);
                None
            }
        }
    }
}

/// Judges an answer about a batch of `topic`; `stamped` if it has a sequence number.
pub(super) fn judge(
    topic: &str,
    answer: &ProducePartitionResponse<'_>,
    stamped: bool,
    attempts: u32,
) -> Verdict {
    let code = answer.error_code;
    let doing = format_args!("sending to partition {} of topic {topic}", answer.index);
    let Err(error) = answer::check(code, answer.error_message.as_deref(), doing) else {
        return Verdict::Over(stored(answer));
    };
    let is = |known: &[ErrorCode]| known.iter().any(|known| known.code() == code);
    if is(&[ErrorCode::DuplicateSequenceNumber]) {
        // It was stored so long ago that the broker does not know where.
        return Verdict::Over(Fate::Stored { base_offset: None, first_id: None, append_time: -1 });
    }
    let gap = [
        ErrorCode::OutOfOrderSequenceNumber,
        ErrorCode::UnknownProducerId,
        ErrorCode::InvalidProducerEpoch,
    ];
    if stamped && is(&gap) {
        return Verdict::Gap(error);
    }
    let unknown = is(&[ErrorCode::UnknownTopicOrPartition, ErrorCode::UnknownTopicId]);
    let moved = is(&[
        ErrorCode::LeaderNotAvailable,
        ErrorCode::NotLeaderOrFollower,
        ErrorCode::FencedLeaderEpoch,
        ErrorCode::UnknownLeaderEpoch,
        ErrorCode::KafkaStorageError,
    ]);
    let refresh = unknown || moved || code == LISTENER_NOT_FOUND;
    let busy = is(&[ErrorCode::RequestTimedOut, ErrorCode::ThrottlingQuotaExceeded])
        || [NOT_ENOUGH_REPLICAS, NOT_ENOUGH_REPLICAS_AFTER_APPEND].contains(&code);
    // Damage on the way may be gone the next time; damage that stays is somebody's bug.
    let damaged = is(&[ErrorCode::CorruptMessage]) && attempts < 3;
    if refresh || busy || damaged {
        return Verdict::Again { error, refresh, unknown };
    }
    Verdict::Over(refused(answer, error))
}

fn stored(answer: &ProducePartitionResponse<'_>) -> Fate {
    Fate::Stored {
        base_offset: u64::try_from(answer.base_offset).ok(),
        first_id: u64::try_from(answer.first_record_id).ok().filter(|id| *id > 0),
        append_time: answer.log_append_time_ms,
    }
}

fn refused(answer: &ProducePartitionResponse<'_>, error: Error) -> Fate {
    if answer.record_errors.is_empty() {
        return Fate::Failed(error);
    }
    let records = answer.record_errors.iter().map(|record| {
        let words = record.batch_index_error_message.as_deref();
        let index = u32::try_from(record.batch_index).unwrap_or(u32::MAX);
        (index, words.map_or_else(|| error.to_string(), str::to_owned))
    });
    Fate::Refused { records: records.collect(), error }
}
