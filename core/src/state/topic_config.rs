//! A topic's settings, under the names that Kafka gave them.

use crate::error::Result;
use crate::limits::BATCH_BYTES_MAX;
use crate::state::setting::{self, Accepts, ConfigChange, ConfigEntry, Setting};
use Accepts::{Bool, CleanupPolicy, Fraction, Int, Long, OneOf, ThrottledReplicas};

/// A topic's settings: what minka acts on as fields, everything else as remembered text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicConfig {
    /// `retention.ms`: how old records may become, in milliseconds; `None` is unlimited.
    pub retention_ms: Option<u64>,
    /// `retention.bytes`: how large a partition may become, in bytes; `None` is unlimited.
    pub retention_bytes: Option<u64>,
    /// `max.message.bytes`: the largest record batch, in bytes.
    pub max_message_bytes: u32,
    /// `message.timestamp.type`: whose clock gives the records' timestamps.
    pub timestamp_type: TimestampType,
    /// `message.timestamp.before.max.ms`: how far a record's timestamp may lie in the past.
    pub timestamp_before_max_ms: i64,
    /// `message.timestamp.after.max.ms`: how far a record's timestamp may lie in the future.
    pub timestamp_after_max_ms: i64,
    /// The settings that were given, by name in order.
    overrides: Vec<(String, String)>,
}

/// Whose clock gives the records' timestamps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimestampType {
    /// The producer's, when it made the record.
    CreateTime,
    /// The broker's, when it appended the batch.
    LogAppendTime,
}

const INT_MAX: i64 = i32::MAX as i64;
const COMPRESSIONS: &[&str] = &["uncompressed", "zstd", "lz4", "snappy", "gzip", "producer"];

/// Every setting: name, default, accepted values; sorted by name. Those that are no fields of
/// [`TopicConfig`] speak of files, replicas or compaction that minka does not have. Tools send
/// them, nothing that a client can observe depends on them, so they are only remembered.
const SETTINGS: &[Setting] = &[
    Setting::kafkas("cleanup.policy", "delete", CleanupPolicy),
    Setting::kafkas("compression.gzip.level", "-1", Int(-1, 9)),
    Setting::kafkas("compression.lz4.level", "9", Int(1, 17)),
    Setting::kafkas("compression.type", "producer", OneOf(COMPRESSIONS)),
    Setting::kafkas("compression.zstd.level", "3", Int(-131_072, 22)),
    Setting::kafkas("delete.retention.ms", "86400000", Long(0)),
    Setting::kafkas("file.delete.delay.ms", "60000", Long(0)),
    Setting::kafkas("flush.messages", "9223372036854775807", Long(1)),
    Setting::kafkas("flush.ms", "9223372036854775807", Long(0)),
    Setting::kafkas("follower.replication.throttled.replicas", "", ThrottledReplicas),
    Setting::kafkas("index.interval.bytes", "4096", Int(0, INT_MAX)),
    Setting::kafkas("leader.replication.throttled.replicas", "", ThrottledReplicas),
    Setting::kafkas("local.retention.bytes", "-2", Long(-2)),
    Setting::kafkas("local.retention.ms", "-2", Long(-2)),
    Setting::kafkas("max.compaction.lag.ms", "9223372036854775807", Long(1)),
    Setting::kafkas("max.message.bytes", "1048588", Int(0, BATCH_BYTES_MAX as i64)),
    Setting::kafkas("message.timestamp.after.max.ms", "3600000", Long(0)),
    Setting::kafkas("message.timestamp.before.max.ms", "9223372036854775807", Long(0)),
    Setting::kafkas(
        "message.timestamp.type",
        "CreateTime",
        OneOf(&["CreateTime", "LogAppendTime"]),
    ),
    Setting::kafkas("min.cleanable.dirty.ratio", "0.5", Fraction),
    Setting::kafkas("min.compaction.lag.ms", "0", Long(0)),
    Setting::kafkas("min.insync.replicas", "1", Int(1, INT_MAX)),
    Setting::kafkas("preallocate", "false", Bool),
    Setting::kafkas("remote.storage.enable", "false", OneOf(&["false"])),
    Setting::kafkas("retention.bytes", "-1", Long(-1)),
    Setting::kafkas("retention.ms", "604800000", Long(-1)),
    Setting::kafkas("segment.bytes", "1073741824", Int(14, INT_MAX)),
    Setting::kafkas("segment.index.bytes", "10485760", Int(4, INT_MAX)),
    Setting::kafkas("segment.jitter.ms", "0", Long(0)),
    Setting::kafkas("segment.ms", "604800000", Long(1)),
    Setting::kafkas("unclean.leader.election.enable", "false", Bool),
];

impl Default for TopicConfig {
    fn default() -> Self {
        Self {
            retention_ms: Some(604_800_000),
            retention_bytes: None,
            max_message_bytes: crate::limits::BATCH_BYTES_MAX_DEFAULT,
            timestamp_type: TimestampType::CreateTime,
            timestamp_before_max_ms: i64::MAX,
            timestamp_after_max_ms: 3_600_000,
            overrides: Vec::new(),
        }
    }
}

impl TopicConfig {
    /// The settings with the given values, and defaults for the rest. Of a name given twice the
    /// last value counts.
    ///
    /// # Errors
    /// `InvalidConfig` for an unknown name or a value that the setting does not accept.
    pub fn parse<'a>(given: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Self> {
        let set = given.into_iter().map(|(name, value)| ConfigChange::Set(name, value));
        Self::default().altered(&set.collect::<Vec<_>>())
    }

    /// These settings after some changes.
    ///
    /// # Errors
    /// `InvalidConfig` for an unknown name or a value that the setting does not accept.
    pub fn altered(&self, changes: &[ConfigChange<'_>]) -> Result<Self> {
        let overrides = setting::altered(&self.overrides, changes, "topic", SETTINGS)?;
        Ok(Self::stored(&overrides))
    }

    /// The settings that an event of the log holds. What this version does not know or accept
    /// (a newer one may have written it) is kept as it is and not acted on.
    pub(crate) fn stored(overrides: &[(String, String)]) -> Self {
        let mut config = Self { overrides: overrides.to_vec(), ..Self::default() };
        for (name, value) in setting::accepted(SETTINGS, overrides) {
            config.act_on(name, value);
        }
        config
    }

    /// The settings that were given for this topic, by name in order.
    pub fn overrides(&self) -> &[(String, String)] {
        &self.overrides
    }

    /// All settings that minka knows, by name in order, with the values they have here.
    pub fn entries(&self) -> impl Iterator<Item = ConfigEntry<'_>> {
        setting::entries(SETTINGS, &self.overrides)
    }

    /// Takes over a value that its setting accepts.
    fn act_on(&mut self, name: &str, value: &str) {
        let number = value.parse::<i64>().unwrap_or_default();
        match name {
            "retention.ms" => self.retention_ms = u64::try_from(number).ok(),
            "retention.bytes" => self.retention_bytes = u64::try_from(number).ok(),
            "max.message.bytes" => {
                self.max_message_bytes = u32::try_from(number).unwrap_or(BATCH_BYTES_MAX);
            }
            "message.timestamp.before.max.ms" => self.timestamp_before_max_ms = number,
            "message.timestamp.after.max.ms" => self.timestamp_after_max_ms = number,
            "message.timestamp.type" if value == "LogAppendTime" => {
                self.timestamp_type = TimestampType::LogAppendTime;
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;
    use crate::state::setting::ConfigType;

    #[test]
    fn settings_are_sorted_and_their_defaults_are_accepted_and_are_the_fields_defaults() {
        assert!(SETTINGS.windows(2).all(|pair| pair[0].name < pair[1].name));
        let mut config = TopicConfig::parse(SETTINGS.iter().map(|s| (s.name, s.default))).unwrap();
        assert!(config.entries().all(|entry| !entry.is_default));
        config.overrides.clear();
        assert_eq!(config, TopicConfig::default());
        assert!(config.entries().all(|entry| entry.is_default));
    }

    #[test]
    fn what_minka_acts_on_becomes_a_field() {
        let config = TopicConfig::parse([
            ("retention.ms", "-1"),
            ("retention.bytes", " 5000 "),
            ("max.message.bytes", "77"),
            ("message.timestamp.type", "LogAppendTime"),
            ("message.timestamp.before.max.ms", "10"),
            ("message.timestamp.after.max.ms", "11"),
        ])
        .unwrap();
        assert_eq!((config.retention_ms, config.retention_bytes), (None, Some(5000)));
        assert_eq!(config.max_message_bytes, 77);
        assert_eq!(config.timestamp_type, TimestampType::LogAppendTime);
        assert_eq!((config.timestamp_before_max_ms, config.timestamp_after_max_ms), (10, 11));
        let given: Vec<_> = config.entries().filter(|e| !e.is_default).map(|e| e.name).collect();
        assert_eq!(given.len(), 6);
        let bytes = config.entries().find(|e| e.name == "retention.bytes").unwrap();
        assert_eq!((bytes.value, bytes.config_type), ("5000", ConfigType::Long));
    }

    #[test]
    fn what_kafka_tools_send_is_remembered() {
        let given = [
            ("min.insync.replicas", "2"),
            ("compression.type", "lz4"),
            ("segment.ms", "1000"),
            ("cleanup.policy", "delete"),
        ];
        let config = TopicConfig::parse(given).unwrap();
        for (name, value) in given {
            assert_eq!(config.entries().find(|e| e.name == name).unwrap().value, value);
        }
        let changes =
            [ConfigChange::Delete("segment.ms"), ConfigChange::Delete("compression.type")];
        let cleared = config.altered(&changes).unwrap();
        let left: Vec<_> = cleared.overrides().iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(left, ["cleanup.policy", "min.insync.replicas"]);
    }

    #[test]
    fn refusals_name_the_setting_and_the_reason() {
        for (name, value, says) in [
            ("cleanup.policy", "compact", "compaction is not there yet"),
            ("cleanup.policy", "delete, compact", "compaction is not there yet"),
            ("cleanup.policy", "", "only delete"),
            ("retention.ms", "-2", "from -1"),
            ("retention.ms", "a week", "whole number"),
            ("max.message.bytes", "100663297", "to 100663296"),
            ("segment.bytes", "4294967296", "whole number"),
            ("preallocate", "yes", "neither true nor false"),
            ("min.cleanable.dirty.ratio", "NaN", "0 to 1"),
            ("remote.storage.enable", "true", "only false"),
            ("message.timestamp.type", "createtime", "only CreateTime, LogAppendTime"),
            ("retention", "1", "knows no topic setting"),
        ] {
            let error = TopicConfig::parse([(name, value)]).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidConfig);
            let text = error.to_string();
            assert!(text.contains(says) && text.contains(name), "{name}={value}: {text}");
        }
    }

    #[test]
    fn stored_settings_of_another_version_are_kept_but_not_acted_on() {
        let stored = [
            ("retention.ms".to_owned(), "soon".to_owned()),
            ("some.new.setting".to_owned(), "1".to_owned()),
        ];
        let config = TopicConfig::stored(&stored);
        assert_eq!(config.retention_ms, TopicConfig::default().retention_ms);
        assert_eq!(config.overrides(), stored);
        let three = config.altered(&[ConfigChange::Set("segment.ms", "5")]).unwrap();
        assert_eq!(three.overrides().len(), 3);
        let less = three.altered(&[ConfigChange::Delete("some.new.setting")]).unwrap();
        assert_eq!(less.overrides().len(), 2);
    }

    #[test]
    fn changes_are_made_one_after_the_other_and_all_or_none() {
        use ConfigChange::{Append, Delete, Reset, Set, Subtract};
        let config = TopicConfig::parse([("retention.ms", "5"), ("segment.ms", "6")]).unwrap();
        let after = |changes: &[ConfigChange<'_>]| config.altered(changes).unwrap();
        assert_eq!(after(&[]), config);
        assert_eq!(after(&[Set("retention.ms", "7")]).retention_ms, Some(7));
        assert_eq!(after(&[Delete("retention.ms")]).retention_ms, Some(604_800_000));
        assert_eq!(after(&[Delete("preallocate")]), config);
        let reset = after(&[Reset, Set("retention.bytes", "9")]);
        assert_eq!(reset.overrides(), [("retention.bytes".to_owned(), "9".to_owned())]);

        let throttled = "leader.replication.throttled.replicas";
        let list = after(&[Append(throttled, "0:1, 1:1"), Append(throttled, "1:1,2:1")]);
        let value = |config: &TopicConfig| {
            config.entries().find(|entry| entry.name == throttled).unwrap().value.to_owned()
        };
        assert_eq!(value(&list), "0:1,1:1,2:1");
        let list = list.altered(&[Subtract(throttled, "2:1,0:1,9:9")]).unwrap();
        assert_eq!(value(&list), "1:1");
        // The list that a topic has without one of its own counts as well.
        assert_eq!(after(&[Append("cleanup.policy", "delete")]).overrides().len(), 3);

        for (change, says) in [
            (Append("retention.ms", "1"), "is no list"),
            (Append("cleanup.policy", "compact"), "compaction is not there yet"),
            (Subtract("cleanup.policy", "delete"), "only delete"),
            (Delete("retention"), "no topic setting"),
            (Append("retention", "1"), "no topic setting"),
        ] {
            let error = config.altered(&[Set("retention.ms", "8"), change]).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidConfig);
            assert!(error.to_string().contains(says), "{change:?}: {error}");
        }
    }
}
