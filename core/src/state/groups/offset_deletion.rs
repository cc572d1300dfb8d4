//! Deleting committed offsets by request.

use std::collections::BTreeSet;

use crate::state::event::Event;
use crate::state::groups::Coordinator;
use crate::state::groups::group::Group;
use crate::state::groups::types::{Action, GroupState};

/// What became of a request to delete committed offsets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OffsetDeletion {
    /// For each partition: whether its offset is gone. The others are of topics that members
    /// of the group subscribe to.
    Done(Vec<bool>),
    /// There is no such group.
    NotFound,
    /// The group has members, and it is not known what they subscribe to.
    NotEmpty,
}

impl Coordinator {
    /// Deletes what a group committed for some partitions, each given with its topic. What the
    /// group's members subscribe to stays.
    pub fn delete_offsets(
        &mut self,
        group: &str,
        partitions: &[(u32, &str)],
        out: &mut Vec<Action>,
    ) -> OffsetDeletion {
        let Some(group) = self.group_mut(group) else {
            return OffsetDeletion::NotFound;
        };
        let Some(subscribed) = group.subscribed_topics() else {
            return OffsetDeletion::NotEmpty;
        };
        let may_go = |(_, topic): &(u32, &str)| !subscribed.contains(*topic);
        let done = partitions.iter().map(may_go).collect();
        let gone = partitions.iter().filter(|partition| may_go(partition));
        let gone: Vec<u32> = gone
            .map(|(partition, _)| *partition)
            .filter(|partition| group.offsets.get(*partition).is_some())
            .collect();
        if !gone.is_empty() {
            group.offsets.remove(&gone);
            let event = Event::OffsetsRemoved { group: group.id.to_string(), partitions: gone };
            out.push(Action::Persist(event));
        }
        OffsetDeletion::Done(done)
    }
}

impl Group {
    /// The topics that members subscribe to; `None` where that is not known.
    fn subscribed_topics(&self) -> Option<BTreeSet<String>> {
        let mut topics = BTreeSet::new();
        if self.state == GroupState::Empty {
            return Some(topics);
        }
        if self.protocol_type.as_deref() != Some("consumer") {
            return None;
        }
        for member in self.members.values() {
            for (_, metadata) in &member.protocols {
                topics.extend(subscription(metadata)?);
            }
        }
        Some(topics)
    }
}

/// The topics of a subscription as consumers encode it (`ConsumerProtocolSubscription` of
/// Kafka): a version, a count, and names. What comes behind them differs between clients and
/// is not looked at.
fn subscription(metadata: &[u8]) -> Option<Vec<String>> {
    let (_version, rest) = metadata.split_first_chunk::<2>()?;
    let (count, mut rest) = rest.split_first_chunk::<4>()?;
    let count = u32::try_from(i32::from_be_bytes(*count)).ok()?;
    let mut topics = Vec::new();
    for _ in 0..count {
        let (len, behind) = rest.split_first_chunk::<2>()?;
        let len = usize::try_from(i16::from_be_bytes(*len)).ok()?;
        let (name, behind) = behind.split_at_checked(len)?;
        topics.push(String::from_utf8(name.to_vec()).ok()?);
        rest = behind;
    }
    Some(topics)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subscription_is_read_as_far_as_it_names_topics() {
        let read = |bytes: &[u8]| subscription(bytes);
        assert_eq!(read(&[0, 0, 0, 0, 0, 0]), Some(Vec::new()));
        let two = [0, 1, 0, 0, 0, 2, 0, 1, b'a', 0, 2, b'b', b'c', 9, 9, 9];
        assert_eq!(read(&two), Some(vec!["a".to_owned(), "bc".to_owned()]));
        for len in 0..13 {
            assert_eq!(read(&two[..len]), None, "{len}");
        }
        assert_eq!(read(&[0, 0, 0xff, 0xff, 0xff, 0xff]), None);
        assert_eq!(read(&[0, 0, 0, 0, 0, 1, 0xff, 0xff]), None);
        assert_eq!(read(&[0, 0, 0, 0, 0, 1, 0, 1, 0xff]), None);
        assert_eq!(read(&[0, 0, 0x7f, 0xff, 0xff, 0xff, 0, 0, 0, 0]), None);
    }
}
