//! One look at a broker: its topics and groups at a moment.

use std::time::{Duration, Instant};

use minka::ErrorKind;
use minka::client::{Admin, GroupKind};

/// What there was.
#[derive(Debug)]
pub(super) struct Look {
    pub(super) at: Instant,
    pub(super) topics: Vec<TopicLook>,
    pub(super) groups: Vec<GroupLook>,
}

/// A topic.
#[derive(Debug)]
pub(super) struct TopicLook {
    pub(super) name: String,
    pub(super) partitions: usize,
    /// The messages that are there, and those that ever were.
    pub(super) messages: u64,
    pub(super) ever: u64,
}

/// A group.
#[derive(Debug)]
pub(super) struct GroupLook {
    pub(super) name: String,
    pub(super) kind: GroupKind,
    pub(super) state: String,
    pub(super) members: usize,
    pub(super) lag: u64,
    pub(super) in_flight: u64,
}

impl Look {
    /// Looks now.
    pub(super) fn at(admin: &Admin) -> minka::Result<Self> {
        let at = Instant::now();
        let mut topics = Vec::new();
        for topic in admin.topics()? {
            let topic = match admin.describe_topic(&topic.name) {
                Ok(topic) => topic,
                // It was deleted meanwhile.
                Err(error) if error.kind() == ErrorKind::UnknownTopicOrPartition => continue,
                Err(error) => return Err(error),
            };
            topics.push(TopicLook {
                partitions: topic.partitions.len(),
                messages: topic.partitions.iter().map(|p| p.end.saturating_sub(p.start)).sum(),
                ever: topic.partitions.iter().map(|p| p.end).sum(),
                name: topic.name,
            });
        }
        let mut groups = Vec::new();
        for group in admin.groups()? {
            let group = admin.describe_group(&group.name)?;
            groups.push(GroupLook {
                kind: group.kind,
                state: group.state,
                members: group.members.len(),
                lag: group.partitions.iter().filter_map(|p| p.lag).sum(),
                in_flight: group.partitions.iter().filter_map(|p| p.in_flight).sum(),
                name: group.name,
            });
        }
        Ok(Self { at, topics, groups })
    }

    /// How many messages a second came to a topic since `before`; 0 where that is not known.
    pub(super) fn rate(&self, topic: &TopicLook, before: Option<&Self>) -> u64 {
        let Some(before) = before else { return 0 };
        let time = self.at.saturating_duration_since(before.at).max(Duration::from_millis(1));
        let ever =
            before.topics.iter().find(|old| old.name == topic.name).map_or(0, |old| old.ever);
        (topic.ever.saturating_sub(ever) as f64 / time.as_secs_f64()).round() as u64
    }

    /// How many messages a second came to all topics.
    pub(super) fn rate_of_all(&self, before: Option<&Self>) -> u64 {
        self.topics.iter().map(|topic| self.rate(topic, before)).sum()
    }

    /// What all groups have still to handle.
    pub(super) fn lag(&self) -> u64 {
        self.groups.iter().map(|group| group.lag).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_what_came_since_the_look_before() {
        let topic =
            |name: &str, ever| TopicLook { name: name.into(), partitions: 1, messages: ever, ever };
        let at = Instant::now();
        let look = |at, topics| Look { at, topics, groups: Vec::new() };
        let before = look(at, vec![topic("a", 100)]);
        let now = look(at + Duration::from_secs(2), vec![topic("a", 300), topic("new", 10)]);
        assert_eq!(now.rate(&now.topics[0], Some(&before)), 100);
        assert_eq!(now.rate_of_all(Some(&before)), 105);
        assert_eq!(now.rate_of_all(None), 0);
        // A topic that was deleted and created again begins at 0.
        let again = look(at + Duration::from_secs(3), vec![topic("a", 5)]);
        assert_eq!(again.rate_of_all(Some(&now)), 0);
    }
}
