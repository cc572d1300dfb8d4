//! A topic's settings, under the names that Kafka gave them.

use crate::error::{Error, ErrorKind, Result};
use crate::limits::BATCH_BYTES_MAX;

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

/// The type of a setting, with the numbers that DescribeConfigs gives them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i8)]
pub enum ConfigType {
    /// `true` or `false`.
    Boolean = 1,
    /// Text.
    String = 2,
    /// A whole number of 32 bits.
    Int = 3,
    /// A whole number of 64 bits.
    Long = 5,
    /// A number.
    Double = 6,
    /// Texts, separated by commas.
    List = 7,
}

/// One setting of a topic, as CreateTopics and DescribeConfigs answer it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConfigEntry<'a> {
    /// The setting's name.
    pub name: &'static str,
    /// Its value.
    pub value: &'a str,
    /// Whether the value is the default and was not given for this topic.
    pub is_default: bool,
    /// The type of the value.
    pub config_type: ConfigType,
}

/// What values a setting may have.
#[derive(Debug, Clone, Copy)]
enum Accepts {
    Bool,
    Int(i64, i64),
    Long(i64),
    Fraction,
    OneOf(&'static [&'static str]),
    CleanupPolicy,
    ThrottledReplicas,
}

use Accepts::{Bool, CleanupPolicy, Fraction, Int, Long, OneOf, ThrottledReplicas};

const INT_MAX: i64 = i32::MAX as i64;
const COMPRESSIONS: &[&str] = &["uncompressed", "zstd", "lz4", "snappy", "gzip", "producer"];

/// Every setting: name, default, accepted values; sorted by name. Those that are no fields of
/// [`TopicConfig`] speak of files, replicas or compaction that minka does not have. Tools send
/// them, nothing that a client can observe depends on them, so they are only remembered.
const SETTINGS: &[(&str, &str, Accepts)] = &[
    ("cleanup.policy", "delete", CleanupPolicy),
    ("compression.gzip.level", "-1", Int(-1, 9)),
    ("compression.lz4.level", "9", Int(1, 17)),
    ("compression.type", "producer", OneOf(COMPRESSIONS)),
    ("compression.zstd.level", "3", Int(-131_072, 22)),
    ("delete.retention.ms", "86400000", Long(0)),
    ("file.delete.delay.ms", "60000", Long(0)),
    ("flush.messages", "9223372036854775807", Long(1)),
    ("flush.ms", "9223372036854775807", Long(0)),
    ("follower.replication.throttled.replicas", "", ThrottledReplicas),
    ("index.interval.bytes", "4096", Int(0, INT_MAX)),
    ("leader.replication.throttled.replicas", "", ThrottledReplicas),
    ("local.retention.bytes", "-2", Long(-2)),
    ("local.retention.ms", "-2", Long(-2)),
    ("max.compaction.lag.ms", "9223372036854775807", Long(1)),
    ("max.message.bytes", "1048588", Int(0, BATCH_BYTES_MAX as i64)),
    ("message.timestamp.after.max.ms", "3600000", Long(0)),
    ("message.timestamp.before.max.ms", "9223372036854775807", Long(0)),
    ("message.timestamp.type", "CreateTime", OneOf(&["CreateTime", "LogAppendTime"])),
    ("min.cleanable.dirty.ratio", "0.5", Fraction),
    ("min.compaction.lag.ms", "0", Long(0)),
    ("min.insync.replicas", "1", Int(1, INT_MAX)),
    ("preallocate", "false", Bool),
    ("remote.storage.enable", "false", OneOf(&["false"])),
    ("retention.bytes", "-1", Long(-1)),
    ("retention.ms", "604800000", Long(-1)),
    ("segment.bytes", "1073741824", Int(14, INT_MAX)),
    ("segment.index.bytes", "10485760", Int(4, INT_MAX)),
    ("segment.jitter.ms", "0", Long(0)),
    ("segment.ms", "604800000", Long(1)),
    ("unclean.leader.election.enable", "false", Bool),
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
        Self::default().changed(given.into_iter().map(|(name, value)| (name, Some(value))))
    }

    /// These settings with some changed; `None` goes back to the default.
    ///
    /// # Errors
    /// `InvalidConfig` for an unknown name or a value that the setting does not accept.
    pub fn changed<'a>(
        &self,
        changes: impl IntoIterator<Item = (&'a str, Option<&'a str>)>,
    ) -> Result<Self> {
        let mut overrides = self.overrides.clone();
        for (name, value) in changes {
            let (_, _, accepts) = setting(name).ok_or_else(|| {
                invalid(format!("minka knows no topic setting that is called {name:?}"))
            })?;
            let place = overrides.binary_search_by(|(other, _)| other.as_str().cmp(name));
            match (value, place) {
                (Some(value), place) => {
                    let value = value.trim().to_owned();
                    accepts.check(&value).map_err(|error| error.context(name))?;
                    match place {
                        Ok(at) => overrides[at].1 = value,
                        Err(at) => overrides.insert(at, (name.to_owned(), value)),
                    }
                }
                (None, Ok(at)) => drop(overrides.remove(at)),
                (None, Err(_)) => {}
            }
        }
        Ok(Self::stored(&overrides))
    }

    /// The settings that an event of the log holds. What this version does not know or accept
    /// (a newer one may have written it) is kept as it is and not acted on.
    pub(crate) fn stored(overrides: &[(String, String)]) -> Self {
        let mut config = Self { overrides: overrides.to_vec(), ..Self::default() };
        for (name, value) in overrides {
            if setting(name).is_some_and(|(_, _, accepts)| accepts.check(value).is_ok()) {
                config.act_on(name, value);
            }
        }
        config
    }

    /// The settings that were given for this topic, by name in order.
    pub fn overrides(&self) -> &[(String, String)] {
        &self.overrides
    }

    /// All settings that minka knows, by name in order, with the values they have here.
    pub fn entries(&self) -> impl Iterator<Item = ConfigEntry<'_>> {
        SETTINGS.iter().map(|&(name, default, accepts)| {
            let given = self.overrides.iter().find(|(other, _)| other == name);
            let value = given.map_or(default, |(_, value)| value);
            ConfigEntry { name, value, is_default: given.is_none(), config_type: accepts.name() }
        })
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

impl Accepts {
    fn check(self, value: &str) -> Result<()> {
        match self {
            Bool if matches!(value, "true" | "false") => Ok(()),
            Bool => Err(invalid(format!("{value:?} is neither true nor false"))),
            Int(min, max) => whole_number(value, min, max),
            Long(min) => whole_number(value, min, i64::MAX),
            Fraction if value.parse().is_ok_and(|part: f64| (0.0..=1.0).contains(&part)) => Ok(()),
            Fraction => Err(invalid(format!("{value:?} is not a number from 0 to 1"))),
            OneOf(values) if values.contains(&value) => Ok(()),
            OneOf(values) => {
                Err(invalid(format!("{value:?} is not accepted, only {}", values.join(", "))))
            }
            CleanupPolicy => cleanup_policy(value),
            ThrottledReplicas => Ok(()),
        }
    }

    fn name(self) -> ConfigType {
        match self {
            Bool => ConfigType::Boolean,
            Int(..) => ConfigType::Int,
            Long(_) => ConfigType::Long,
            Fraction => ConfigType::Double,
            OneOf(["false"]) => ConfigType::Boolean,
            OneOf(_) => ConfigType::String,
            CleanupPolicy | ThrottledReplicas => ConfigType::List,
        }
    }
}

fn setting(name: &str) -> Option<(&'static str, &'static str, Accepts)> {
    let at = SETTINGS.binary_search_by(|(other, ..)| (*other).cmp(name)).ok()?;
    Some(SETTINGS[at])
}

fn whole_number(value: &str, min: i64, max: i64) -> Result<()> {
    match value.parse::<i64>() {
        Ok(number) if (min..=max).contains(&number) => Ok(()),
        _ => Err(invalid(format!("{value:?} is not a whole number from {min} to {max}"))),
    }
}

fn cleanup_policy(value: &str) -> Result<()> {
    let mut policies = value.split(',').map(str::trim);
    if policies.clone().any(|policy| policy == "compact") {
        let text = "compaction is not there yet, create the topic with cleanup.policy=delete";
        return Err(invalid(text.to_owned()));
    }
    if policies.all(|policy| policy == "delete") {
        return Ok(());
    }
    Err(invalid(format!("{value:?} is not accepted, only delete")))
}

fn invalid(text: String) -> Error {
    Error::new(ErrorKind::InvalidConfig, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_sorted_and_their_defaults_are_accepted_and_are_the_fields_defaults() {
        assert!(SETTINGS.windows(2).all(|pair| pair[0].0 < pair[1].0));
        let mut config = TopicConfig::parse(SETTINGS.iter().map(|s| (s.0, s.1))).unwrap();
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
        let cleared = config.changed([("segment.ms", None), ("compression.type", None)]).unwrap();
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
        assert_eq!(config.changed([("segment.ms", Some("5"))]).unwrap().overrides().len(), 3);
    }
}
