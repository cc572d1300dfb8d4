//! A topic: its name, ID and settings, and where its partitions are.

use crate::clock::Millis;
use crate::error::{Error, ErrorKind, Result};
use crate::limits::TOPIC_NAME_BYTES_MAX;
use crate::state::event::TopicId;
use crate::state::topic_config::TopicConfig;

/// A topic at one moment. A change makes a new `Topic`; who holds an old one keeps seeing it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Topic {
    /// The topic's name.
    pub name: String,
    /// The topic's ID.
    pub id: TopicId,
    /// The topic's settings.
    pub config: TopicConfig,
    /// When the topic was created, in wall milliseconds.
    pub created_ms: Millis,
    runs: Vec<Run>,
}

/// Partitions that were made together and have consecutive numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Run {
    /// The number of the first partition.
    pub first: u32,
    /// How many there are.
    pub count: u32,
}

impl Topic {
    pub(crate) fn new(
        name: String,
        id: TopicId,
        runs: Vec<Run>,
        config: TopicConfig,
        created_ms: Millis,
    ) -> Self {
        Self { name, id, config, created_ms, runs }
    }

    pub(crate) fn with_run(&self, run: Run) -> Self {
        let mut topic = self.clone();
        topic.runs.push(run);
        topic
    }

    /// How many partitions the topic has.
    pub fn partition_count(&self) -> u32 {
        self.runs.iter().map(|run| run.count).sum()
    }

    /// The broker-wide number of the topic's partition `index`.
    pub fn partition_number(&self, mut index: u32) -> Option<u32> {
        for run in &self.runs {
            if index < run.count {
                return Some(run.first + index);
            }
            index -= run.count;
        }
        None
    }

    /// The numbers of all partitions, in the order of their indexes.
    pub fn partition_numbers(&self) -> impl Iterator<Item = u32> + '_ {
        self.runs.iter().flat_map(|run| run.first..run.first + run.count)
    }

    /// The runs of partition numbers, in the order of the partitions' indexes.
    pub fn runs(&self) -> &[Run] {
        &self.runs
    }
}

/// Checks a topic's name by Kafka's rules: 1 to 249 of the characters a-z, A-Z, 0-9, `.`, `_`
/// and `-`, but neither `.` nor `..`.
///
/// # Errors
/// `InvalidTopic`, saying what is wrong with the name.
pub fn check_name(name: &str) -> Result<()> {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    let problem = if name.is_empty() {
        "a topic needs a name"
    } else if name.len() > TOPIC_NAME_BYTES_MAX {
        "a topic name has at most 249 characters"
    } else if matches!(name, "." | "..") {
        "neither . nor .. can be a topic name"
    } else if !name.bytes().all(legal) {
        "a topic name has only the characters a-z, A-Z, 0-9, '.', '_' and '-'"
    } else {
        return Ok(());
    };
    let shown: String = name.chars().take(TOPIC_NAME_BYTES_MAX).collect();
    Err(Error::new(ErrorKind::InvalidTopic, format!("{problem}, not {shown:?}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_kafkas_rules() {
        for name in ["a", "A-Z_0.9", "...", "__consumer_offsets", &"x".repeat(249)] {
            check_name(name).unwrap();
        }
        for name in ["", ".", "..", "a b", "a/b", "caf\u{e9}", "a\0", &"x".repeat(250)] {
            assert_eq!(check_name(name).unwrap_err().kind(), ErrorKind::InvalidTopic, "{name:?}");
        }
    }

    #[test]
    fn partitions_are_found_across_runs() {
        let first = Run { first: 10, count: 3 };
        let topic = Topic::new("t".into(), [1; 16], vec![first], TopicConfig::default(), 0);
        let topic = topic.with_run(Run { first: 70, count: 2 });
        assert_eq!(topic.partition_count(), 5);
        assert_eq!(topic.partition_numbers().collect::<Vec<_>>(), [10, 11, 12, 70, 71]);
        let numbers: Vec<_> = (0..6).map(|index| topic.partition_number(index)).collect();
        assert_eq!(numbers, [Some(10), Some(11), Some(12), Some(70), Some(71), None]);
    }
}
