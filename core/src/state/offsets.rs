//! The offsets that one group has committed.

use std::collections::BTreeMap;
use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::clock::Millis;
use crate::error::{Error, ErrorKind, Result};
use crate::state::event::CommitEntry;

/// The largest metadata that a commit may carry, in bytes (`offset.metadata.max.bytes`).
pub const OFFSET_METADATA_BYTES_MAX: usize = 4096;

/// One committed offset.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommittedOffset {
    /// The next offset that the group will read, as the client said it.
    pub offset: i64,
    /// The leader epoch of the last record that the group read, or -1.
    pub leader_epoch: i32,
    /// What the client wants remembered with it; nothing and an empty text differ.
    pub metadata: Option<String>,
    /// When it was committed, in wall milliseconds.
    pub committed_ms: Millis,
    /// When it expires, in wall milliseconds, if the client said so (OffsetCommit 2 to 4).
    pub expires_ms: Option<Millis>,
}

/// The offsets that one group has committed, by partition number.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupOffsets {
    by_partition: BTreeMap<u32, CommittedOffset>,
}

/// Checks what a client wants to commit.
///
/// # Errors
/// `OffsetMetadataTooLarge`.
pub fn check_entry(entry: &CommitEntry) -> Result<()> {
    match &entry.metadata {
        Some(text) if text.len() > OFFSET_METADATA_BYTES_MAX => Err(Error::new(
            ErrorKind::OffsetMetadataTooLarge,
            format!(
                "the metadata of an offset has {} bytes; {OFFSET_METADATA_BYTES_MAX} are allowed",
                text.len()
            ),
        )),
        _ => Ok(()),
    }
}

impl GroupOffsets {
    /// What was committed for a partition.
    pub fn get(&self, partition: u32) -> Option<&CommittedOffset> {
        self.by_partition.get(&partition)
    }

    /// All committed offsets, by partition number in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (u32, &CommittedOffset)> {
        self.by_partition.iter().map(|(&partition, committed)| (partition, committed))
    }

    /// Whether nothing is committed.
    pub fn is_empty(&self) -> bool {
        self.by_partition.is_empty()
    }

    /// Takes a commit in.
    pub fn commit(
        &mut self,
        entries: &[CommitEntry],
        committed_ms: Millis,
        expires_ms: Option<Millis>,
    ) {
        for entry in entries {
            let committed = CommittedOffset {
                offset: entry.offset,
                leader_epoch: entry.leader_epoch,
                metadata: entry.metadata.clone(),
                committed_ms,
                expires_ms,
            };
            self.by_partition.insert(entry.partition, committed);
        }
    }

    /// Forgets the offsets of some partitions.
    pub fn remove(&mut self, partitions: &[u32]) {
        for partition in partitions {
            self.by_partition.remove(partition);
        }
    }

    /// Forgets the offsets of consecutive partitions, whose topic was deleted.
    pub fn remove_run(&mut self, run: Range<u32>) {
        while let Some((&partition, _)) = self.by_partition.range(run.clone()).next() {
            self.by_partition.remove(&partition);
        }
    }

    /// The partitions whose offsets have expired in a group that has no members (KIP-211): at
    /// the time that the client said, else `retention_ms` after the commit or after
    /// `empty_since_wall`, whatever was later.
    pub fn expired(
        &self,
        wall_now: Millis,
        retention_ms: Millis,
        empty_since_wall: Millis,
    ) -> Vec<u32> {
        let due = |committed: &CommittedOffset| {
            let last_use = committed.committed_ms.max(empty_since_wall);
            committed.expires_ms.unwrap_or(last_use.saturating_add(retention_ms))
        };
        self.iter().filter(|(_, committed)| due(committed) <= wall_now).map(|(p, _)| p).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(partition: u32, offset: i64, metadata: Option<&str>) -> CommitEntry {
        CommitEntry { partition, offset, leader_epoch: 3, metadata: metadata.map(str::to_owned) }
    }

    #[test]
    fn a_commit_is_kept_as_it_came_and_replaced_by_the_next() {
        let mut offsets = GroupOffsets::default();
        offsets.commit(&[entry(1, 10, Some("")), entry(2, 20, None)], 5, None);
        offsets.commit(&[entry(2, 15, Some("x"))], 6, Some(9));
        let first = offsets.get(1).unwrap();
        assert_eq!((first.offset, first.leader_epoch), (10, 3));
        assert_eq!((first.metadata.as_deref(), first.committed_ms), (Some(""), 5));
        assert_eq!(offsets.get(2).unwrap().offset, 15);
        assert_eq!(offsets.get(2).unwrap().expires_ms, Some(9));
        assert!(offsets.get(3).is_none());
    }

    #[test]
    fn metadata_has_a_limit() {
        check_entry(&entry(1, 1, Some(&"x".repeat(4096)))).unwrap();
        let error = check_entry(&entry(1, 1, Some(&"x".repeat(4097)))).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::OffsetMetadataTooLarge);
    }

    #[test]
    fn offsets_expire_after_the_last_use_or_when_the_client_said() {
        let mut offsets = GroupOffsets::default();
        offsets.commit(&[entry(1, 1, None)], 100, None);
        offsets.commit(&[entry(2, 1, None)], 500, None);
        offsets.commit(&[entry(3, 1, None)], 100, Some(2000));
        assert_eq!(offsets.expired(1099, 1000, 0), []);
        assert_eq!(offsets.expired(1100, 1000, 0), [1]);
        assert_eq!(offsets.expired(1100, 1000, 200), []);
        assert_eq!(offsets.expired(1500, 1000, 200), [1, 2]);
        assert_eq!(offsets.expired(2000, 1_000_000, 0), [3]);
    }

    #[test]
    fn a_deleted_topic_takes_its_offsets_along() {
        let mut offsets = GroupOffsets::default();
        let entries: Vec<_> = [1, 5, 6, 7, 9].map(|partition| entry(partition, 0, None)).into();
        offsets.commit(&entries, 0, None);
        offsets.remove_run(5..8);
        offsets.remove(&[9, 10]);
        assert_eq!(offsets.iter().map(|(partition, _)| partition).collect::<Vec<_>>(), [1]);
        offsets.remove_run(0..u32::MAX);
        assert!(offsets.is_empty());
    }
}
