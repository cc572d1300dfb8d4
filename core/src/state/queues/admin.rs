//! What an administrator sees of queue groups and does to them.

use crate::error::{Error, ErrorKind, Result};
use crate::state::event::Event;
use crate::state::groups::{GroupDeletion, GroupState, Now};
use crate::state::queues::registry::Queues;
use crate::state::queues::types::{Action, QueueDescription, QueueListing, QueueOffsets};

impl Queues {
    /// A group with its members; `Dead` where there is no such group.
    pub fn describe(&self, group: &str) -> QueueDescription {
        match self.groups.get(group) {
            Some(found) => found.describe(),
            None => QueueDescription { state: GroupState::Dead, epoch: 0, members: Vec::new() },
        }
    }

    /// Whether there is a group with this ID.
    pub fn has(&self, group: &str) -> bool {
        self.groups.contains_key(group)
    }

    /// All groups, by ID in order.
    pub fn list(&self) -> impl Iterator<Item = QueueListing> + '_ {
        self.groups
            .values()
            .map(|group| QueueListing { group: group.id.to_string(), state: group.state() })
    }

    /// How far a group is, by partition in order; none where there is no such group.
    pub fn offsets(&self, group: &str) -> Option<Vec<QueueOffsets>> {
        self.groups.get(group).map(|found| found.offsets())
    }

    /// Deletes a group that has no members, with its offsets.
    pub fn delete(&mut self, group: &str, out: &mut Vec<Action>) -> GroupDeletion {
        match self.groups.get(group) {
            None => GroupDeletion::NotFound,
            Some(found) if !found.members.is_empty() => GroupDeletion::NotEmpty,
            Some(_) => {
                self.remove(group, out);
                GroupDeletion::Deleted
            }
        }
    }

    /// Lets a group without members begin anew with partitions, at these offsets. A group that
    /// does not exist comes into being.
    ///
    /// # Errors
    /// `InvalidRequest` for an empty ID, `NonEmptyGroup`.
    pub fn reset_offsets(
        &mut self,
        group: &str,
        offsets: &[(u32, u64)],
        now: Now,
        out: &mut Vec<Action>,
    ) -> Result<()> {
        if group.is_empty() {
            let text = "a group needs an ID that is not empty";
            return Err(Error::new(ErrorKind::InvalidRequest, text));
        }
        self.check_no_members(group)?;
        self.found(group);
        self.turn(group, now, out, |group, turn| group.restart(offsets.to_vec(), turn));
        Ok(())
    }

    /// Lets a group without members forget how far it was in partitions: it begins with them as
    /// with new ones.
    ///
    /// # Errors
    /// `NonEmptyGroup`.
    pub fn forget_offsets(
        &mut self,
        group: &str,
        partitions: &[u32],
        now: Now,
        out: &mut Vec<Action>,
    ) -> Result<()> {
        self.check_no_members(group)?;
        self.turn(group, now, out, |group, turn| {
            partitions.iter().for_each(|number| group.forget(*number));
            if group.is_logged() {
                let (group_id, partitions) = (group.id.to_string(), partitions.to_vec());
                group.persist(Event::QueueForgotten { group: group_id, partitions }, turn);
            }
        });
        Ok(())
    }

    fn check_no_members(&self, group: &str) -> Result<()> {
        match self.groups.get(group) {
            Some(found) if !found.members.is_empty() => {
                let text = format!(
                    "the group {group:?} has {} members: stop them before its offsets are changed",
                    found.members.len()
                );
                Err(Error::new(ErrorKind::NonEmptyGroup, text))
            }
            _ => Ok(()),
        }
    }
}
