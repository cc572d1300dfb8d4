//! When something may be asked for again.

use std::time::Instant;

use crate::client::backoff::Backoff;

/// Something that is asked for, one time at once, with a growing delay where it fails.
#[derive(Debug)]
pub(super) struct Timer {
    under_way: bool,
    not_before: Option<Instant>,
    backoff: Backoff,
}

impl Timer {
    pub(super) fn new(backoff: Backoff) -> Self {
        Self { under_way: false, not_before: None, backoff }
    }

    /// Whether to ask now; then it is under way.
    pub(super) fn may_begin(&mut self, now: Instant) -> bool {
        let may = !self.under_way && self.not_before.is_none_or(|at| at <= now);
        self.under_way |= may;
        may
    }

    /// It is over, and was `good` or has to be asked for again.
    pub(super) fn done(&mut self, now: Instant, good: bool) {
        self.under_way = false;
        if good {
            self.backoff.reset();
        }
        self.not_before = Some(now + self.backoff.next_delay());
    }

    /// When it may be asked for, unless it is under way.
    pub(super) fn next(&self, now: Instant) -> Option<Instant> {
        self.not_before.or(Some(now)).filter(|_| !self.under_way)
    }
}
