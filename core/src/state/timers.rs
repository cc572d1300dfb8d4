//! When which of many things has something to do.

use std::collections::{BTreeMap, BTreeSet};

use crate::clock::Millis;

/// A timer for each thing that has something to do, in steady milliseconds. One that is too early
/// does no harm: what it calls looks for itself.
#[derive(Debug)]
pub(super) struct Timers<K> {
    by_time: BTreeSet<(Millis, K)>,
    by_key: BTreeMap<K, Millis>,
}

impl<K> Default for Timers<K> {
    fn default() -> Self {
        Self { by_time: BTreeSet::new(), by_key: BTreeMap::new() }
    }
}

impl<K: Ord + Clone> Timers<K> {
    /// Makes sure that `key` is called at `deadline` or before.
    pub(super) fn set(&mut self, key: &K, deadline: Millis) {
        match self.by_key.get_mut(key) {
            Some(timer) if *timer <= deadline => return,
            Some(timer) => {
                let old = std::mem::replace(timer, deadline);
                self.by_time.remove(&(old, key.clone()));
            }
            None => drop(self.by_key.insert(key.clone(), deadline)),
        }
        self.by_time.insert((deadline, key.clone()));
    }

    /// Takes a timer away.
    pub(super) fn remove(&mut self, key: &K) {
        if let Some(timer) = self.by_key.remove(key) {
            self.by_time.remove(&(timer, key.clone()));
        }
    }

    /// The first whose time has come; its timer is gone with this.
    pub(super) fn pop_due(&mut self, now: Millis) -> Option<K> {
        self.by_time.first().filter(|(deadline, _)| *deadline <= now)?;
        let (_, key) = self.by_time.pop_first()?;
        self.by_key.remove(&key);
        Some(key)
    }

    /// All whose time has come; their timers are gone with this.
    pub(super) fn take_due(&mut self, now: Millis) -> Vec<K> {
        std::iter::from_fn(|| self.pop_due(now)).collect()
    }

    /// When the first of them is due.
    pub(super) fn next(&self) -> Option<Millis> {
        self.by_time.first().map(|(deadline, _)| *deadline)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_called_once_at_its_earliest_deadline() {
        let mut timers = Timers::default();
        timers.set(&"a", 9);
        timers.set(&"b", 7);
        timers.set(&"a", 5);
        timers.set(&"a", 8);
        assert_eq!(timers.next(), Some(5));
        assert_eq!(timers.pop_due(4), None);
        assert_eq!(timers.take_due(6), ["a"]);
        timers.set(&"a", 9);
        timers.remove(&"b");
        assert_eq!(timers.take_due(9), ["a"]);
        assert_eq!(timers.next(), None);
    }
}
