//! Idempotent producers against a model that remembers every batch and follows the rules
//! literally.

use std::collections::BTreeMap;

use minka::ErrorKind;
use minka::state::producers::{ProducerStamp, Producers, Verdict};
use proptest::prelude::*;

const CIRCLE: i64 = 1 << 31;

/// All batches of one producer: epoch, first and last sequence number, base offset.
type History = Vec<(i16, i32, i32, u64)>;

fn verdict(history: &History, stamp: ProducerStamp) -> Result<Verdict, ErrorKind> {
    let Some(&(epoch, _, last, _)) = history.last() else {
        return Ok(Verdict::Append);
    };
    if stamp.epoch < epoch {
        return Err(ErrorKind::InvalidProducerEpoch);
    }
    if stamp.epoch > epoch {
        let starts_anew = stamp.first_sequence == 0;
        return if starts_anew { Ok(Verdict::Append) } else { Err(ErrorKind::OutOfOrderSequence) };
    }
    let same_epoch = history.iter().rev().take_while(|batch| batch.0 == epoch);
    for &(_, first, last, base_offset) in same_epoch.take(5) {
        if (first, last) == (stamp.first_sequence, stamp.last_sequence) {
            return Ok(Verdict::Duplicate { base_offset, timestamp: 0 });
        }
    }
    if i64::from(stamp.first_sequence) == (i64::from(last) + 1) % CIRCLE {
        return Ok(Verdict::Append);
    }
    Err(ErrorKind::OutOfOrderSequence)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Mostly batches that follow or repeat others, near the end of the circle of numbers.
    #[test]
    fn producers_agree_with_their_history(
        steps in prop::collection::vec((0..3_i64, 0..8_i16, -8..3_i64, 1..4_u32), 1..200)
    ) {
        let mut producers = Producers::default();
        let mut histories: BTreeMap<i64, History> = BTreeMap::new();
        for (base_offset, (id, newer, shift, records)) in (0_u64..).zip(steps) {
            let history = histories.entry(id).or_default();
            let (epoch, next) = history.last().map_or((5, CIRCLE - 10), |batch| {
                (batch.0, (i64::from(batch.2) + 1) % CIRCLE)
            });
            let (epoch, first) = match newer {
                0 => (epoch - 1, next),
                1 => (epoch + 1, 0),
                2 => (epoch + 1, next),
                _ => (epoch, (next + shift.min(1) + CIRCLE) % CIRCLE),
            };
            let stamp = ProducerStamp::new(id, epoch, i32::try_from(first).unwrap(), records);
            let got = producers.check(stamp).map_err(|error| error.kind());
            assert_eq!(got, verdict(history, stamp), "{stamp:?} after {history:?}");
            if got == Ok(Verdict::Append) {
                producers.record(stamp, base_offset, 0, 0);
                history.push((epoch, stamp.first_sequence, stamp.last_sequence, base_offset));
            }
        }
        let bytes = postcard::to_stdvec(&producers).unwrap();
        assert_eq!(postcard::from_bytes::<Producers>(&bytes).unwrap(), producers);
    }
}
