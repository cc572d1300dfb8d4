//! A line of offsets in which neighbours of the same state are one range.

use std::collections::BTreeMap;

/// What is known of an offset.
pub(super) trait RangeState: Copy + Eq {
    /// Nothing has happened to it.
    const FRESH: Self;
    /// Nothing will happen to it any more.
    const SETTLED: Self;
}

/// Sees the ranges come and go, to keep books on them.
pub(super) trait Watch<S> {
    /// There is a range that was not there.
    fn added(&mut self, first: u64, last: u64, state: S);
    /// A range is not there any more.
    fn removed(&mut self, first: u64, last: u64, state: S);
}

impl<S> Watch<S> for () {
    fn added(&mut self, _: u64, _: u64, _: S) {}
    fn removed(&mut self, _: u64, _: u64, _: S) {}
}

/// The states of the offsets from `start` to below `next`, without a hole.
///
/// What is before `start` is settled, what is from `next` on is fresh: the first range is never
/// settled, and the last one never fresh. Neighbours never have the same state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ranges<S> {
    start: u64,
    next: u64,
    /// The last offset and the state, by the first offset.
    map: BTreeMap<u64, (u64, S)>,
}

impl<S: RangeState> Ranges<S> {
    pub(super) fn new(start: u64) -> Self {
        Self { start, next: start, map: BTreeMap::new() }
    }

    pub(super) fn start(&self) -> u64 {
        self.start
    }

    pub(super) fn next(&self) -> u64 {
        self.next
    }

    pub(super) fn len(&self) -> usize {
        self.map.len()
    }

    /// The range that begins at this offset: its last offset and its state.
    pub(super) fn starting_at(&self, first: u64) -> Option<(u64, S)> {
        self.map.get(&first).copied()
    }

    /// All ranges in order: first offset, last offset, state.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u64, u64, S)> + '_ {
        self.map.iter().map(|(&first, &(last, state))| (first, last, state))
    }

    /// What lies between two offsets, cut off there.
    pub(super) fn pieces(&self, first: u64, last: u64) -> impl Iterator<Item = (u64, u64, S)> + '_ {
        let before = self.map.range(..first).next_back();
        let from = before.filter(|(_, (end, _))| *end >= first).map_or(first, |(&from, _)| from);
        self.map
            .range(from..)
            .map_while(move |(&from, &(to, state))| {
                (from <= last).then(|| (from.max(first), to.min(last), state))
            })
            .filter(|(from, to, _)| from <= to)
    }

    /// Gives the offsets from `first` to `last` a state. They may lie behind `next`; not before
    /// `start`.
    pub(super) fn set(&mut self, first: u64, last: u64, state: S, watch: &mut impl Watch<S>) {
        debug_assert!(self.start <= first && first <= last && last < u64::MAX);
        if first > self.next {
            self.insert(self.next, first - 1, S::FRESH, watch);
        }
        let (mut first, mut last) = (first, last);
        self.cut_left(&mut first, &mut last, state, watch);
        while let Some((&from, &(to, present))) = self.map.range(first..=last + 1).next() {
            if from > last && present != state {
                break;
            }
            self.remove(from, watch);
            if to > last && present == state {
                last = to;
            } else if to > last {
                self.insert(last + 1, to, present, watch);
                break;
            }
        }
        self.insert(first, last, state, watch);
        self.trim(watch);
    }

    /// Makes room for a range where an older one begins before it: joins the two, or cuts the
    /// older one.
    fn cut_left(&mut self, first: &mut u64, last: &mut u64, state: S, watch: &mut impl Watch<S>) {
        let Some((&from, &(to, present))) = self.map.range(..*first).next_back() else {
            return;
        };
        if present == state && to + 1 >= *first {
            self.remove(from, watch);
            (*first, *last) = (from, to.max(*last));
        } else if to >= *first {
            self.remove(from, watch);
            self.insert(from, *first - 1, present, watch);
            if to > *last {
                self.insert(*last + 1, to, present, watch);
            }
        }
    }

    /// Takes what is settled off the front and what is fresh off the end.
    fn trim(&mut self, watch: &mut impl Watch<S>) {
        let front = self.map.first_key_value().map(|(&first, &(last, state))| (first, last, state));
        if let Some((first, last, state)) = front
            && state == S::SETTLED
        {
            self.remove(first, watch);
            self.start = last + 1;
        }
        let back = self.map.last_key_value().map(|(&first, &(_, state))| (first, state));
        if let Some((first, state)) = back
            && state == S::FRESH
        {
            self.remove(first, watch);
            self.next = first;
        }
    }

    fn insert(&mut self, first: u64, last: u64, state: S, watch: &mut impl Watch<S>) {
        self.map.insert(first, (last, state));
        self.next = self.next.max(last + 1);
        watch.added(first, last, state);
    }

    fn remove(&mut self, first: u64, watch: &mut impl Watch<S>) {
        if let Some((last, state)) = self.map.remove(&first) {
            watch.removed(first, last, state);
        }
    }
}
