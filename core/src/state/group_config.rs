//! A group's settings, under the names that Kafka gave them (KIP-848, 932, 1191 and 1240), and a
//! few of minka's own, whose names begin with `minka.`.

use crate::error::Result;
use crate::state::setting::{self, Accepts, ConfigChange, ConfigEntry, Setting, invalid};
use Accepts::{Bool, Int, OneOf, ShareOffsetReset, TopicOrNone};

/// A group's settings.
///
/// They hold for a group whether or not it exists: they may be given before its first member
/// comes, and stay when it is deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupSettings {
    /// `share.auto.offset.reset`: where a share group begins in a partition that is new to it.
    pub share_auto_offset_reset: ShareAutoOffsetReset,
    /// `share.record.lock.duration.ms`: for how long an acquired record is a member's own.
    pub share_record_lock_duration_ms: u32,
    /// `share.session.timeout.ms`: how long a member of a share group may be silent.
    pub share_session_timeout_ms: u32,
    /// `share.heartbeat.interval.ms`: how often a member of a share group should be heard of.
    pub share_heartbeat_interval_ms: u32,
    /// `share.isolation.level`: whether records of open and aborted transactions are delivered.
    pub share_isolation_level: IsolationLevel,
    /// `share.delivery.count.limit`: how often a record is delivered before it is given up.
    pub share_delivery_count_limit: u16,
    /// `share.partition.max.record.locks`: how many records of a partition may be on their way
    /// at a time.
    pub share_partition_max_record_locks: u32,
    /// `consumer.session.timeout.ms`: how long a member of a consumer group may be silent.
    pub consumer_session_timeout_ms: u32,
    /// `consumer.heartbeat.interval.ms`: how often a member of a consumer group should be heard
    /// of.
    pub consumer_heartbeat_interval_ms: u32,
    /// `errors.deadletterqueue.topic.name`: the topic for records that were given up, if they are
    /// kept.
    pub dead_letter_topic: Option<String>,
    /// `errors.deadletterqueue.copy.record.enable`: whether key, value and headers of a record go
    /// there too, and not only where it came from and why.
    pub dead_letter_copy_record: bool,
    /// `minka.dead.letter.enable`: whether records that were given up go, whole, to a topic that is
    /// named after theirs, with `.dlq` behind it; it is made if it is not there.
    pub dead_letter_enable: bool,
    /// `minka.retry.backoff.ms`: how long a released record rests before its second delivery; as
    /// long again before each further one, doubled each time.
    pub retry_backoff_ms: u32,
    /// `minka.retry.backoff.max.ms`: how long a released record rests at most.
    pub retry_backoff_max_ms: u32,
    /// The settings that were given, by name in order.
    overrides: Vec<(String, String)>,
}

/// Where a share group begins in a partition that is new to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ShareAutoOffsetReset {
    /// Behind the last record.
    Latest,
    /// At the first record.
    Earliest,
    /// At the first record that is at most so many milliseconds old.
    ByDuration(u64),
}

/// Which records are delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IsolationLevel {
    /// All.
    ReadUncommitted,
    /// None of transactions that are open or were aborted.
    ReadCommitted,
}

const INT_MAX: i64 = i32::MAX as i64;
const HOUR_MS: i64 = 3_600_000;
const ISOLATION_LEVELS: &[&str] = &["read_uncommitted", "read_committed"];

/// Every setting: name, default, accepted values, what it means; sorted by name.
const SETTINGS: &[Setting] = &[
    Setting::documented(
        "consumer.heartbeat.interval.ms",
        "5000",
        Int(1, INT_MAX),
        "How often a member of a consumer group is told to send a heartbeat.",
    ),
    Setting::documented(
        "consumer.session.timeout.ms",
        "45000",
        Int(1, INT_MAX),
        "How long a member of a consumer group may be silent before its partitions go to others.",
    ),
    Setting::documented(
        "errors.deadletterqueue.copy.record.enable",
        "false",
        Bool,
        "Whether a record in the dead-letter queue has the key, value and headers of the record \
         that was given up. Without it there is only where that came from and why it is there.",
    ),
    Setting::documented(
        "errors.deadletterqueue.topic.name",
        "",
        TopicOrNone,
        "The topic that takes the records which members of a share group rejected, or which were \
         delivered too often. Without one they are passed over.",
    ),
    Setting::documented(
        "minka.dead.letter.enable",
        "false",
        Bool,
        "Whether records that members of a share group rejected, or which were delivered too \
         often, go to the topic of their topic's name with .dlq behind it, with key, value and \
         headers. Where errors.deadletterqueue.topic.name is set, they go there instead. This \
         setting is minka's own.",
    ),
    Setting::documented(
        "minka.retry.backoff.max.ms",
        "60000",
        Int(0, INT_MAX),
        "How long a record that was released rests at most before it is delivered again. This \
         setting is minka's own.",
    ),
    Setting::documented(
        "minka.retry.backoff.ms",
        "100",
        Int(0, INT_MAX),
        "How long a record that was released rests before its second delivery; twice as long \
         before each further one. This setting is minka's own.",
    ),
    Setting::documented(
        "share.auto.offset.reset",
        "latest",
        ShareOffsetReset,
        "Where a share group begins in a partition that is new to it: latest, earliest, or \
         by_duration: and an ISO 8601 duration such as PT1H, for records of that age at most.",
    ),
    Setting::documented(
        "share.delivery.count.limit",
        "5",
        Int(1, i16::MAX as i64),
        "How often a record is delivered to a share group before it is given up.",
    ),
    Setting::documented(
        "share.heartbeat.interval.ms",
        "5000",
        Int(1, INT_MAX),
        "How often a member of a share group is told to send a heartbeat.",
    ),
    Setting::documented(
        "share.isolation.level",
        "read_uncommitted",
        OneOf(ISOLATION_LEVELS),
        "Whether a share group is given records of transactions that are open or were aborted.",
    ),
    Setting::documented(
        "share.partition.max.record.locks",
        "100000",
        Int(1, 100_000),
        "How many records of a partition may be on their way to members of a share group. Kafka's \
         default is 2000.",
    ),
    Setting::documented(
        "share.record.lock.duration.ms",
        "30000",
        Int(1000, HOUR_MS),
        "How long a member of a share group may work on a record before others get it. Kafka \
         allows 15000 to 60000.",
    ),
    Setting::documented(
        "share.session.timeout.ms",
        "45000",
        Int(1, INT_MAX),
        "How long a member of a share group may be silent before its records go to others.",
    ),
];

impl Default for GroupSettings {
    fn default() -> Self {
        Self {
            share_auto_offset_reset: ShareAutoOffsetReset::Latest,
            share_record_lock_duration_ms: 30_000,
            share_session_timeout_ms: 45_000,
            share_heartbeat_interval_ms: 5_000,
            share_isolation_level: IsolationLevel::ReadUncommitted,
            share_delivery_count_limit: 5,
            share_partition_max_record_locks: 100_000,
            consumer_session_timeout_ms: 45_000,
            consumer_heartbeat_interval_ms: 5_000,
            dead_letter_topic: None,
            dead_letter_copy_record: false,
            dead_letter_enable: false,
            retry_backoff_ms: 100,
            retry_backoff_max_ms: 60_000,
            overrides: Vec::new(),
        }
    }
}

impl GroupSettings {
    /// The settings with the given values, and defaults for the rest. Of a name given twice the
    /// last value counts.
    ///
    /// # Errors
    /// `InvalidConfig` for an unknown name, a value that the setting does not accept, or values
    /// that contradict each other.
    pub fn parse<'a>(given: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Self> {
        let set = given.into_iter().map(|(name, value)| ConfigChange::Set(name, value));
        Self::default().altered(&set.collect::<Vec<_>>())
    }

    /// These settings after some changes.
    ///
    /// # Errors
    /// As [`GroupSettings::parse`].
    pub fn altered(&self, changes: &[ConfigChange<'_>]) -> Result<Self> {
        let overrides = setting::altered(&self.overrides, changes, "group", SETTINGS)?;
        let settings = Self::stored(&overrides);
        settings.check()?;
        Ok(settings)
    }

    /// The settings that an event of the log holds. What this version does not know or accept
    /// (a newer one may have written it) is kept as it is and not acted on.
    pub(crate) fn stored(overrides: &[(String, String)]) -> Self {
        let mut settings = Self { overrides: overrides.to_vec(), ..Self::default() };
        for (name, value) in setting::accepted(SETTINGS, overrides) {
            settings.act_on(name, value);
        }
        settings
    }

    /// The settings that were given for this group, by name in order.
    pub fn overrides(&self) -> &[(String, String)] {
        &self.overrides
    }

    /// Whether records that were given up go into a topic.
    pub fn buries(&self) -> bool {
        self.dead_letter_enable || self.dead_letter_topic.is_some()
    }

    /// All settings that minka knows, by name in order, with the values they have here.
    pub fn entries(&self) -> impl Iterator<Item = ConfigEntry<'_>> {
        setting::entries(SETTINGS, &self.overrides)
    }

    /// Checks what no setting can know of the others.
    fn check(&self) -> Result<()> {
        for (of, heartbeat, session) in [
            ("share", self.share_heartbeat_interval_ms, self.share_session_timeout_ms),
            ("consumer", self.consumer_heartbeat_interval_ms, self.consumer_session_timeout_ms),
        ] {
            if heartbeat >= session {
                return Err(invalid(format!(
                    "{of}.session.timeout.ms ({session}) must be more than \
                     {of}.heartbeat.interval.ms ({heartbeat})"
                )));
            }
        }
        if self.retry_backoff_ms > self.retry_backoff_max_ms {
            return Err(invalid(format!(
                "minka.retry.backoff.max.ms ({}) must not be less than minka.retry.backoff.ms ({})",
                self.retry_backoff_max_ms, self.retry_backoff_ms
            )));
        }
        Ok(())
    }

    /// Takes over a value that its setting accepts.
    fn act_on(&mut self, name: &str, value: &str) {
        let number = value.parse::<u32>().unwrap_or_default();
        match name {
            "consumer.heartbeat.interval.ms" => self.consumer_heartbeat_interval_ms = number,
            "consumer.session.timeout.ms" => self.consumer_session_timeout_ms = number,
            "errors.deadletterqueue.copy.record.enable" => {
                self.dead_letter_copy_record = value == "true";
            }
            "minka.dead.letter.enable" => {
                self.dead_letter_enable = value == "true";
            }
            "errors.deadletterqueue.topic.name" => {
                self.dead_letter_topic = (!value.is_empty()).then(|| value.to_owned());
            }
            "minka.retry.backoff.max.ms" => self.retry_backoff_max_ms = number,
            "minka.retry.backoff.ms" => self.retry_backoff_ms = number,
            "share.auto.offset.reset" => self.share_auto_offset_reset = offset_reset(value),
            "share.delivery.count.limit" => {
                self.share_delivery_count_limit = u16::try_from(number).unwrap_or(u16::MAX);
            }
            "share.heartbeat.interval.ms" => self.share_heartbeat_interval_ms = number,
            "share.isolation.level" if value == "read_committed" => {
                self.share_isolation_level = IsolationLevel::ReadCommitted;
            }
            "share.partition.max.record.locks" => self.share_partition_max_record_locks = number,
            "share.record.lock.duration.ms" => self.share_record_lock_duration_ms = number,
            "share.session.timeout.ms" => self.share_session_timeout_ms = number,
            _ => {}
        }
    }
}

fn offset_reset(value: &str) -> ShareAutoOffsetReset {
    let duration = value.strip_prefix("by_duration:").and_then(setting::duration_ms);
    match duration {
        Some(age_ms) => ShareAutoOffsetReset::ByDuration(age_ms),
        None if value == "earliest" => ShareAutoOffsetReset::Earliest,
        None => ShareAutoOffsetReset::Latest,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    #[test]
    fn settings_are_sorted_and_their_defaults_are_accepted_and_are_the_fields_defaults() {
        assert!(SETTINGS.windows(2).all(|pair| pair[0].name < pair[1].name));
        let mut settings =
            GroupSettings::parse(SETTINGS.iter().map(|s| (s.name, s.default))).unwrap();
        assert!(settings.entries().all(|entry| !entry.is_default));
        settings.overrides.clear();
        assert_eq!(settings, GroupSettings::default());
        assert!(settings.entries().all(|entry| entry.is_default));
    }

    #[test]
    fn the_document_has_every_setting_with_its_default_and_its_meaning() {
        let document = include_str!("../../../docs/settings.md");
        let document = document.split_once("\n## Groups\n").unwrap().1;
        let rows: Vec<&str> = document.lines().filter(|line| line.starts_with("| `")).collect();
        assert_eq!(rows.len(), SETTINGS.len());
        for (setting, row) in SETTINGS.iter().zip(rows) {
            let (name, default) = (setting.name, setting.default);
            let meaning = setting.documentation.unwrap();
            let value = if default.is_empty() { "nothing" } else { &format!("`{default}`") };
            assert!(row.starts_with(&format!("| `{name}` | {value} | ")), "{row}");
            assert!(row.ends_with(&format!(" | {meaning} |")), "{row}");
        }
    }

    #[test]
    fn every_setting_becomes_its_field() {
        let settings = GroupSettings::parse([
            ("consumer.heartbeat.interval.ms", "1"),
            ("consumer.session.timeout.ms", "2"),
            ("errors.deadletterqueue.copy.record.enable", "true"),
            ("errors.deadletterqueue.topic.name", "dlq.orders"),
            ("minka.dead.letter.enable", "true"),
            ("minka.retry.backoff.max.ms", "4"),
            ("minka.retry.backoff.ms", "3"),
            ("share.auto.offset.reset", "by_duration:PT1H"),
            ("share.delivery.count.limit", "6"),
            ("share.heartbeat.interval.ms", "7"),
            ("share.isolation.level", "read_committed"),
            ("share.partition.max.record.locks", "8"),
            ("share.record.lock.duration.ms", " 3600000 "),
            ("share.session.timeout.ms", "9"),
        ])
        .unwrap();
        assert_eq!(settings.overrides().len(), SETTINGS.len());
        let expected = GroupSettings {
            share_auto_offset_reset: ShareAutoOffsetReset::ByDuration(3_600_000),
            share_record_lock_duration_ms: 3_600_000,
            share_session_timeout_ms: 9,
            share_heartbeat_interval_ms: 7,
            share_isolation_level: IsolationLevel::ReadCommitted,
            share_delivery_count_limit: 6,
            share_partition_max_record_locks: 8,
            consumer_session_timeout_ms: 2,
            consumer_heartbeat_interval_ms: 1,
            dead_letter_topic: Some("dlq.orders".to_owned()),
            dead_letter_copy_record: true,
            dead_letter_enable: true,
            retry_backoff_ms: 3,
            retry_backoff_max_ms: 4,
            overrides: settings.overrides.clone(),
        };
        assert_eq!(settings, expected);
        let earliest = GroupSettings::parse([("share.auto.offset.reset", "earliest")]).unwrap();
        assert_eq!(earliest.share_auto_offset_reset, ShareAutoOffsetReset::Earliest);
    }

    #[test]
    fn refusals_name_the_setting_and_the_reason() {
        for (name, value, says) in [
            ("share.auto.offset.reset", "none", "only latest, earliest and by_duration:"),
            ("share.auto.offset.reset", "by_duration:-PT1H", "PT1H30M or P7D"),
            ("share.record.lock.duration.ms", "999", "from 1000 to 3600000"),
            ("share.isolation.level", "serializable", "only read_uncommitted, read_committed"),
            ("share.delivery.count.limit", "0", "from 1"),
            ("share.session.timeout.ms", "5000", "must be more than share.heartbeat.interval.ms"),
            ("consumer.heartbeat.interval.ms", "45000", "consumer.session.timeout.ms (45000)"),
            ("minka.retry.backoff.ms", "60001", "must not be less than minka.retry.backoff.ms"),
            ("errors.deadletterqueue.topic.name", "a/b", "a topic name has only"),
            ("errors.deadletterqueue.copy.record.enable", "yes", "neither true nor false"),
            ("retention.ms", "1", "knows no group setting"),
        ] {
            let error = GroupSettings::parse([(name, value)]).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidConfig);
            let text = error.to_string();
            assert!(text.contains(says) && text.contains(name), "{name}={value}: {text}");
        }
    }

    #[test]
    fn stored_settings_of_another_version_are_kept_but_not_acted_on() {
        let stored = [
            ("share.delivery.count.limit".to_owned(), "often".to_owned()),
            ("some.new.setting".to_owned(), "1".to_owned()),
        ];
        let settings = GroupSettings::stored(&stored);
        assert_eq!(settings.share_delivery_count_limit, 5);
        assert_eq!(settings.overrides(), stored);
    }
}
