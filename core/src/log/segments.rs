//! The set of segments, in the order of the log.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use super::segment::Segment;
use super::sidecar::Sidecar;

/// A segment of the set, with its sidecar once it has one.
#[derive(Debug)]
pub struct Member {
    /// The segment.
    pub segment: Arc<Segment>,
    /// Its extents on disk; without one they are in memory.
    pub sidecar: OnceLock<Sidecar>,
}

/// The segments as they were at one moment, by first ID. Their files stay readable for as long
/// as somebody holds the set, also after they have been cleaned away.
pub type Set = BTreeMap<u64, Arc<Member>>;

/// The set of segments: read by everybody, changed by rotation and cleaner.
#[derive(Debug, Default)]
pub struct Segments {
    set: RwLock<Arc<Set>>,
}

impl Member {
    /// A member without a sidecar.
    pub fn new(segment: Arc<Segment>) -> Self {
        Self { segment, sidecar: OnceLock::new() }
    }
}

impl Segments {
    /// The segments as they are now.
    pub fn snapshot(&self) -> Arc<Set> {
        self.set.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Adds a segment.
    pub fn add(&self, member: Member) {
        self.change(|set| {
            set.insert(member.segment.first_id(), Arc::new(member));
        });
    }

    /// Puts `new` in the place of the segments that begin with `old`.
    pub fn replace(&self, old: &[u64], new: Option<Member>) {
        self.change(|set| {
            for first_id in old {
                set.remove(first_id);
            }
            if let Some(member) = new {
                set.insert(member.segment.first_id(), Arc::new(member));
            }
        });
    }

    fn change(&self, change: impl FnOnce(&mut Set)) {
        // A panic between lock and unlock can only come from an allocation; the set is whole.
        let mut set = self.set.write().unwrap_or_else(PoisonError::into_inner);
        let mut next = Set::clone(&set);
        change(&mut next);
        *set = Arc::new(next);
    }
}

/// The segment whose range holds `id`.
pub fn holding(set: &Set, id: u64) -> Option<&Arc<Member>> {
    set.range(..=id).next_back().map(|(_, member)| member).filter(|m| id < m.segment.end_id())
}
