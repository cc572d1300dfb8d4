//! The messages that a member holds, and what it says of each.

use std::collections::BTreeMap;
use std::ops::{Range, RangeInclusive};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::source::Acquired;
use crate::error::{Error, ErrorKind, Result};
use crate::wire::kafka::Uuid;
use crate::wire::kafka::share_fetch::{ACCEPT, GAP, RELEASE, RENEW};

// What is known of an offset besides the protocol's types of acknowledgement, which are what is to
// be sent.
/// It has not been returned by a poll yet.
const AHEAD: i8 = -1;
/// It has been returned.
const OPEN: i8 = -2;
/// It has been renewed: nothing is assumed of it.
const RENEWED: i8 = -3;
/// The broker has been told.
const SENT: i8 = -4;

/// Messages are forgotten when the broker has given them to others for as long as their lock.
const LOCKS_KEPT: u32 = 2;

/// Acknowledgements of neighbouring offsets of a partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::client::consumer) struct Marks {
    /// The broker that handed them out.
    pub(in crate::client::consumer) node: i32,
    pub(in crate::client::consumer) topic_id: Uuid,
    pub(in crate::client::consumer) partition: u32,
    pub(in crate::client::consumer) first: u64,
    /// The type for each offset.
    pub(in crate::client::consumer) types: Vec<i8>,
}

/// Everything that a member holds.
#[derive(Debug, Default)]
pub(super) struct Held {
    partitions: Vec<HeldPartition>,
}

#[derive(Debug)]
struct HeldPartition {
    node: i32,
    topic_id: Uuid,
    topic: Arc<str>,
    partition: u32,
    /// By their first offsets.
    windows: BTreeMap<u64, HeldWindow>,
}

#[derive(Debug)]
struct HeldWindow {
    states: Vec<i8>,
    /// Whether there may be something to send.
    is_marked: bool,
    forget_at: Instant,
    renewable: bool,
}

impl Held {
    /// Takes note of messages that were acquired. Their windows are not larger than can be
    /// remembered: whoever received them has seen to that.
    pub(super) fn acquire(&mut self, acquired: &Acquired) {
        let forget_at = Instant::now() + acquired.lock.min(Duration::from_secs(3600)) * LOCKS_KEPT;
        let partition = self.partition_mut(acquired);
        for window in &acquired.windows {
            partition.supersede(window.first, window.last);
            let count = usize::try_from(window.last - window.first).unwrap_or(0) + 1;
            let states = vec![AHEAD; count];
            let renewable = acquired.renewable;
            let held = HeldWindow { states, is_marked: false, forget_at, renewable };
            partition.windows.insert(window.first, held);
        }
    }

    /// Says that messages have been returned, and at which offsets there were none.
    pub(super) fn returned(
        &mut self,
        topic: &str,
        partition: u32,
        offsets: Range<u64>,
        gaps: &[RangeInclusive<u64>],
    ) {
        let Some(held) = self.find(topic, partition) else { return };
        held.change(offsets, |state| if state == AHEAD { OPEN } else { state });
        for gap in gaps {
            held.change(*gap.start()..gap.end().saturating_add(1), |state| match state {
                AHEAD | OPEN => GAP,
                state => state,
            });
        }
    }

    /// Gives back what has not been returned of these offsets.
    pub(super) fn release_ahead(&mut self, topic: &str, partition: u32, offsets: Range<u64>) {
        if let Some(held) = self.find(topic, partition) {
            held.change(offsets, |state| if state == AHEAD { RELEASE } else { state });
        }
    }

    /// Says what becomes of a message.
    pub(super) fn mark(
        &mut self,
        topic: &str,
        partition: u32,
        offset: u64,
        kind: i8,
    ) -> Result<()> {
        let window = self.find(topic, partition).and_then(|held| {
            let (first, window) = held.windows.range_mut(..=offset).next_back()?;
            let place = usize::try_from(offset - first).ok()?;
            (place < window.states.len()).then_some((window, place))
        });
        match window {
            Some((window, place)) if !matches!(window.states[place], AHEAD | GAP | SENT) => {
                if kind == RENEW && !window.renewable {
                    let text = "the broker cannot renew locks: Apache Kafka can since 4.2";
                    return Err(Error::new(ErrorKind::Unsupported, text));
                }
                window.states[place] = kind;
                window.is_marked = true;
                Ok(())
            }
            _ => Err(Error::new(
                ErrorKind::InvalidRecordState,
                format!(
                    "this consumer does not hold the record at offset {offset} of partition \
                     {partition} of topic {topic}: it has been acknowledged, or its lock is over \
                     and it will be delivered again"
                ),
            )),
        }
    }

    /// What is to be sent. With `accept_open`, messages of which nothing was said are accepted.
    pub(super) fn collect(&mut self, accept_open: bool) -> Vec<Marks> {
        let mut marks = Vec::new();
        for held in &mut self.partitions {
            held.collect(accept_open, &mut marks);
        }
        self.partitions.retain(|held| !held.windows.is_empty());
        marks
    }

    /// Forgets what a broker does not hold for this member any more.
    pub(super) fn lose(&mut self, node: i32) {
        self.partitions.retain(|held| held.node != node);
    }

    /// Forgets everything.
    pub(super) fn clear(&mut self) {
        self.partitions.clear();
    }

    fn partition_mut(&mut self, acquired: &Acquired) -> &mut HeldPartition {
        let is_it = |held: &HeldPartition| {
            held.partition == acquired.partition && held.topic_id == acquired.topic_id
        };
        let place = self.partitions.iter().position(is_it).unwrap_or_else(|| {
            self.partitions.push(HeldPartition {
                node: acquired.node,
                topic_id: acquired.topic_id,
                topic: acquired.topic.clone(),
                partition: acquired.partition,
                windows: BTreeMap::new(),
            });
            self.partitions.len() - 1
        });
        let held = &mut self.partitions[place];
        if held.node != acquired.node {
            // Its leader has changed; what the last one handed out is nobody's.
            held.node = acquired.node;
            held.windows.clear();
        }
        held
    }

    fn find(&mut self, topic: &str, partition: u32) -> Option<&mut HeldPartition> {
        let mut partitions = self.partitions.iter_mut();
        partitions.find(|held| held.partition == partition && *held.topic == *topic)
    }
}

impl HeldPartition {
    /// Forgets what was held of these offsets: they have been handed out anew.
    fn supersede(&mut self, first: u64, last: u64) {
        for (&begin, window) in self.windows.range_mut(..=last).rev() {
            let end = begin + window.states.len() as u64;
            if end <= first {
                break;
            }
            window.fill(begin, first..last.saturating_add(1), |_| SENT);
        }
        // One that begins at the same offset would be taken for the new one.
        if let Some(old) = self.windows.remove(&first) {
            let behind = last.saturating_add(1);
            let kept = old.states.get(usize::try_from(behind - first).unwrap_or(usize::MAX)..);
            if let Some(states) = kept.filter(|states| !states.is_empty()) {
                let states = states.to_vec();
                self.windows.insert(behind, HeldWindow { states, ..old });
            }
        }
    }

    fn change(&mut self, offsets: Range<u64>, change: impl Fn(i8) -> i8) {
        for (&begin, window) in self.windows.range_mut(..offsets.end).rev() {
            if begin + window.states.len() as u64 <= offsets.start {
                break;
            }
            window.fill(begin, offsets.clone(), &change);
        }
    }

    fn collect(&mut self, accept_open: bool, marks: &mut Vec<Marks>) {
        let now = Instant::now();
        for (&begin, window) in &mut self.windows {
            if !window.is_marked && !accept_open {
                continue;
            }
            window.is_marked = false;
            if accept_open {
                window.fill(
                    begin,
                    begin..u64::MAX,
                    |state| {
                        if state == OPEN { ACCEPT } else { state }
                    },
                );
                window.is_marked = false;
            }
            let states = window.states.chunk_by_mut(|a, b| (*a >= 0) == (*b >= 0));
            let mut offset = begin;
            for states in states {
                if states.first().is_some_and(|state| *state >= 0) {
                    marks.push(Marks {
                        node: self.node,
                        topic_id: self.topic_id,
                        partition: self.partition,
                        first: offset,
                        types: states.to_vec(),
                    });
                    for state in states.iter_mut() {
                        *state = if *state == RENEW { RENEWED } else { SENT };
                    }
                }
                offset += states.len() as u64;
            }
        }
        self.windows.retain(|_, window| {
            window.forget_at > now && window.states.iter().any(|state| *state != SENT)
        });
    }
}

impl HeldWindow {
    /// Changes those of its offsets that lie in `offsets`; it begins at `begin`.
    fn fill(&mut self, begin: u64, offsets: Range<u64>, change: impl Fn(i8) -> i8) {
        let place = |offset: u64| {
            let place = usize::try_from(offset.saturating_sub(begin)).unwrap_or(usize::MAX);
            place.min(self.states.len())
        };
        let places = place(offsets.start)..place(offsets.end);
        for state in &mut self.states[places] {
            *state = change(*state);
            self.is_marked |= *state >= 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::consumer::unpack::Window;
    use crate::wire::kafka::share_fetch::REJECT;

    fn acquired(node: i32, windows: &[(u64, u64)]) -> Acquired {
        let window = |&(first, last): &(u64, u64)| Window { first, last, delivery_count: 1 };
        Acquired {
            node,
            topic_id: Uuid([1; 16]),
            topic: "t".into(),
            partition: 0,
            batches: Vec::new(),
            windows: windows.iter().map(window).collect(),
            lock: Duration::from_secs(30),
            renewable: true,
        }
    }

    fn sent(held: &mut Held, accept_open: bool) -> Vec<(u64, Vec<i8>)> {
        held.collect(accept_open).into_iter().map(|marks| (marks.first, marks.types)).collect()
    }

    #[test]
    fn what_was_returned_is_accepted_or_what_was_said_of_it() {
        let mut held = Held::default();
        held.acquire(&acquired(1, &[(0, 4), (10, 11)]));
        assert_eq!(sent(&mut held, true), []);
        held.returned("t", 0, 0..11, &[3..=3]);
        held.mark("t", 0, 1, RELEASE).unwrap();
        held.mark("t", 0, 1, REJECT).unwrap();
        let expected = [(0, vec![ACCEPT, REJECT, ACCEPT, GAP, ACCEPT]), (10, vec![ACCEPT])];
        assert_eq!(sent(&mut held, true), expected);
        assert_eq!(sent(&mut held, true), []);
        held.returned("t", 0, 11..12, &[]);
        assert_eq!(sent(&mut held, true), [(11, vec![ACCEPT])]);
        assert!(held.partitions.is_empty());
    }

    #[test]
    fn only_marks_count_where_nothing_is_assumed() {
        let mut held = Held::default();
        held.acquire(&acquired(1, &[(0, 3)]));
        held.returned("t", 0, 0..4, &[2..=2]);
        assert_eq!(sent(&mut held, false), [(2, vec![GAP])]);
        held.mark("t", 0, 3, ACCEPT).unwrap();
        assert_eq!(sent(&mut held, false), [(3, vec![ACCEPT])]);
        held.mark("t", 0, 0, ACCEPT).unwrap();
        held.mark("t", 0, 1, ACCEPT).unwrap();
        assert_eq!(sent(&mut held, false), [(0, vec![ACCEPT, ACCEPT])]);
        assert!(held.partitions.is_empty());
    }

    #[test]
    fn what_is_not_held_cannot_be_marked() {
        let mut held = Held::default();
        let refused =
            |held: &mut Held, offset, kind| held.mark("t", 0, offset, kind).unwrap_err().kind();
        assert_eq!(refused(&mut held, 0, ACCEPT), ErrorKind::InvalidRecordState);
        held.acquire(&acquired(1, &[(5, 6)]));
        for offset in [0, 4, 5, 7, u64::MAX] {
            assert_eq!(refused(&mut held, offset, ACCEPT), ErrorKind::InvalidRecordState);
        }
        held.returned("t", 0, 5..7, &[]);
        held.mark("t", 0, 5, ACCEPT).unwrap();
        assert_eq!(sent(&mut held, false).len(), 1);
        assert_eq!(refused(&mut held, 5, ACCEPT), ErrorKind::InvalidRecordState);
        held.mark("t", 0, 6, ACCEPT).unwrap();
        held.lose(2);
        held.mark("t", 0, 6, ACCEPT).unwrap();
        held.lose(1);
        assert_eq!(refused(&mut held, 6, ACCEPT), ErrorKind::InvalidRecordState);
        let old = Acquired { renewable: false, ..acquired(1, &[(5, 6)]) };
        held.acquire(&old);
        held.returned("t", 0, 5..7, &[]);
        assert_eq!(refused(&mut held, 5, RENEW), ErrorKind::Unsupported);
    }

    #[test]
    fn what_was_renewed_is_held_until_something_is_said_of_it() {
        let mut held = Held::default();
        held.acquire(&acquired(1, &[(0, 1)]));
        held.returned("t", 0, 0..2, &[]);
        held.mark("t", 0, 0, RENEW).unwrap();
        assert_eq!(sent(&mut held, true), [(0, vec![RENEW, ACCEPT])]);
        assert_eq!(sent(&mut held, true), []);
        held.mark("t", 0, 0, RELEASE).unwrap();
        assert_eq!(sent(&mut held, true), [(0, vec![RELEASE])]);
    }

    #[test]
    fn what_is_handed_out_again_takes_the_place_of_what_was_held() {
        let mut held = Held::default();
        held.acquire(&acquired(1, &[(0, 9)]));
        held.returned("t", 0, 0..10, &[]);
        held.acquire(&acquired(1, &[(0, 2), (5, 6)]));
        assert_eq!(sent(&mut held, true), [(3, vec![ACCEPT; 2]), (7, vec![ACCEPT; 3])]);
        held.returned("t", 0, 0..6, &[]);
        assert_eq!(sent(&mut held, true), [(0, vec![ACCEPT; 3]), (5, vec![ACCEPT])]);
        held.release_ahead("t", 0, 0..10);
        assert_eq!(sent(&mut held, true), [(6, vec![RELEASE])]);
        assert!(held.partitions.is_empty());
    }
}
