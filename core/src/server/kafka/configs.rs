//! DescribeConfigs: the settings of topics and groups, and some of the broker's.

use std::borrow::Cow;
use std::collections::BTreeSet;

use super::{Call, NODE_ID, code};
use crate::error::{Error, ErrorKind, Result};
use crate::state::setting::{ConfigEntry, ConfigType};
use crate::wire::kafka::describe_configs::{
    BROKER, ConfigSynonym, DescribeConfigsRequest, DescribeConfigsResource,
    DescribeConfigsResponse, DescribeConfigsResult, DescribedConfig, GROUP, TOPIC,
};

/// Where a value comes from: the topic, the group, the broker's own settings, or nowhere.
const FROM_TOPIC: i8 = 1;
const FROM_GROUP: i8 = 8;
const FROM_BROKER: i8 = 4;
const FROM_DEFAULT: i8 = 5;

/// Describes the resources that are asked for.
pub(super) fn answer<'a>(
    call: &Call<'_>,
    request: &DescribeConfigsRequest<'a>,
) -> DescribeConfigsResponse<'a> {
    let mut seen = BTreeSet::new();
    let first = |asked: &&DescribeConfigsResource<'a>| {
        seen.insert((asked.resource_type, asked.resource_name))
    };
    let result = |asked: &DescribeConfigsResource<'a>| {
        let (configs, error) = match describe(call, asked, request) {
            Ok(configs) => (configs, None),
            Err(error) => (Vec::new(), Some(error)),
        };
        DescribeConfigsResult {
            error_code: error.as_ref().map_or(0, code),
            error_message: error.map(|error| Cow::Owned(error.to_string())),
            resource_type: asked.resource_type,
            resource_name: Cow::Borrowed(asked.resource_name),
            configs,
        }
    };
    DescribeConfigsResponse {
        results: request.resources.iter().filter(first).map(result).collect(),
        ..DescribeConfigsResponse::default()
    }
}

/// Where a topic's value comes from.
pub(super) fn source(entry: &ConfigEntry<'_>) -> i8 {
    if entry.is_default { FROM_DEFAULT } else { FROM_TOPIC }
}

fn describe(
    call: &Call<'_>,
    asked: &DescribeConfigsResource<'_>,
    request: &DescribeConfigsRequest<'_>,
) -> Result<Vec<DescribedConfig<'static>>> {
    let mut configs = match asked.resource_type {
        TOPIC => of_topic(call, asked.resource_name)?,
        BROKER => of_broker(call, asked.resource_name)?,
        GROUP => of_group(call, asked.resource_name),
        other => {
            let text = format!("resources of type {other} have no settings here");
            return Err(Error::new(ErrorKind::InvalidRequest, text));
        }
    };
    if let Some(keys) = &asked.configuration_keys {
        let keys: BTreeSet<&str> = keys.iter().copied().collect();
        configs.retain(|config| keys.contains(&*config.name));
    }
    if !request.include_documentation {
        configs.iter_mut().for_each(|config| config.documentation = None);
    }
    if request.include_synonyms {
        for config in &mut configs {
            config.synonyms.push(ConfigSynonym {
                name: config.name.clone(),
                value: config.value.clone(),
                source: config.config_source,
            });
        }
    }
    Ok(configs)
}

fn of_topic(call: &Call<'_>, name: &str) -> Result<Vec<DescribedConfig<'static>>> {
    let live = call.broker.topic(name).ok_or_else(|| {
        let text = format!("there is no topic {name:?}");
        Error::new(ErrorKind::UnknownTopicOrPartition, text)
    })?;
    let config = |entry: ConfigEntry<'_>| described(&entry, source(&entry));
    Ok(live.topic.config.entries().map(config).collect())
}

/// A group has settings before it has members, so that there is none without.
fn of_group(call: &Call<'_>, name: &str) -> Vec<DescribedConfig<'static>> {
    let config = |entry: ConfigEntry<'_>| {
        described(&entry, if entry.is_default { FROM_DEFAULT } else { FROM_GROUP })
    };
    call.broker.group_settings(name).entries().map(config).collect()
}

fn described(entry: &ConfigEntry<'_>, config_source: i8) -> DescribedConfig<'static> {
    DescribedConfig {
        name: Cow::Borrowed(entry.name),
        value: Some(Cow::Owned(entry.value.to_owned())),
        config_source,
        config_type: entry.config_type as i8,
        documentation: entry.documentation.map(Cow::Borrowed),
        ..DescribedConfig::default()
    }
}

fn of_broker(call: &Call<'_>, name: &str) -> Result<Vec<DescribedConfig<'static>>> {
    if !name.is_empty() && name != NODE_ID.to_string() {
        return Err(Error::new(
            ErrorKind::InvalidRequest,
            format!("there is no broker {name}: the only one is {NODE_ID}"),
        ));
    }
    let config = call.broker.config();
    let millis = |duration: std::time::Duration| duration.as_millis().to_string();
    let minutes = (config.offsets_retention.as_secs() / 60).to_string();
    let settings = [
        ("auto.create.topics.enable", config.auto_create_topics.to_string(), ConfigType::Boolean),
        ("broker.id", NODE_ID.to_string(), ConfigType::Int),
        ("default.replication.factor", "1".to_owned(), ConfigType::Int),
        (
            "group.consumer.heartbeat.interval.ms",
            millis(config.group_consumer_heartbeat_interval),
            ConfigType::Int,
        ),
        (
            "group.consumer.session.timeout.ms",
            millis(config.group_consumer_session_timeout),
            ConfigType::Int,
        ),
        (
            "group.initial.rebalance.delay.ms",
            millis(config.group_initial_rebalance_delay),
            ConfigType::Int,
        ),
        ("group.max.session.timeout.ms", millis(config.group_session_timeout_max), ConfigType::Int),
        ("group.max.size", config.group_size_max.to_string(), ConfigType::Int),
        ("group.min.session.timeout.ms", millis(config.group_session_timeout_min), ConfigType::Int),
        ("log.segment.bytes", config.segment_bytes.to_string(), ConfigType::Long),
        ("min.insync.replicas", "1".to_owned(), ConfigType::Int),
        ("num.partitions", config.default_partitions.to_string(), ConfigType::Int),
        ("offsets.retention.minutes", minutes, ConfigType::Int),
    ];
    let described = settings.map(|(name, value, config_type)| DescribedConfig {
        name: Cow::Borrowed(name),
        value: Some(Cow::Owned(value)),
        read_only: true,
        config_source: FROM_BROKER,
        config_type: config_type as i8,
        ..DescribedConfig::default()
    });
    Ok(described.into())
}
