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

    /// Whether the batch is too large for its topic.
    pub(super) fn is_too_large(&self) -> bool {
        let Self::Over(Fate::Failed(error)) = self else {
            return false;
        };
        error.kind() == ErrorKind::MessageTooLarge
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
                if part.is_first(&batch) {
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

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::*;
    use crate::client::producer::delivery::{Delivery, Slot};
    use crate::wire::kafka::produce::RecordError;

    fn answer(error_code: i16) -> ProducePartitionResponse<'static> {
        ProducePartitionResponse { error_code, base_offset: 5, ..Default::default() }
    }

    #[test]
    fn success_tells_where_and_a_duplicate_does_not() {
        let verdict = judge("t", &answer(0), true, 1);
        assert!(matches!(
            verdict,
            Verdict::Over(Fate::Stored { base_offset: Some(5), first_id: None, .. })
        ));
        let verdict = judge("t", &answer(46), true, 2);
        assert!(matches!(verdict, Verdict::Over(Fate::Stored { base_offset: None, .. })));
    }

    #[test]
    fn what_may_pass_is_sent_again() {
        for (code, asks, unknown) in [
            (3, true, true),
            (5, true, false),
            (6, true, false),
            (7, false, false),
            (19, false, false),
            (20, false, false),
            (56, true, false),
            (74, true, false),
        ] {
            match judge("t", &answer(code), true, 1) {
                Verdict::Again { refresh, unknown: gone, .. } => {
                    assert_eq!((refresh, gone), (asks, unknown), "{code}");
                }
                other => panic!("{code}: {other:?}"),
            }
        }
        assert!(matches!(judge("t", &answer(2), true, 1), Verdict::Again { .. }));
        for (code, attempts) in [(2, 3), (10, 1), (17, 1), (29, 1), (-1, 1), (9999, 1)] {
            let verdict = judge("t", &answer(code), true, attempts);
            assert!(matches!(verdict, Verdict::Over(Fate::Failed(_))), "{code}: {verdict:?}");
        }
    }

    #[test]
    fn a_gap_is_one_only_in_a_sequence() {
        for code in [45, 47, 59] {
            assert!(matches!(judge("t", &answer(code), true, 1), Verdict::Gap(_)), "{code}");
            assert!(matches!(judge("t", &answer(code), false, 1), Verdict::Over(_)), "{code}");
        }
    }

    #[test]
    fn a_bad_record_is_told_apart_from_the_others_of_its_batch() {
        let words = Some(Cow::Borrowed("it has no key"));
        let bad = RecordError { batch_index: 1, batch_index_error_message: words };
        let answer = ProducePartitionResponse { record_errors: vec![bad], ..answer(87) };
        let Verdict::Over(fate) = judge("t", &answer, true, 1) else { panic!("it is over") };
        let slot = Slot::new("t".into(), 0, None);
        slot.fill(0, 2, fate, Vec::new());
        let told = [0, 1].map(|index| {
            let error = Delivery::new(slot.clone(), index, 0).try_take().unwrap().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidRecord);
            error.to_string()
        });
        assert!(told[0].contains("another record of the same batch"), "{}", told[0]);
        assert_eq!(told[1], "it has no key");
    }
}
