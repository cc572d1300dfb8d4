//! IncrementalAlterConfigs, AlterConfigs and ListConfigResources.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};

use super::{Call, NODE_ID, code};
use crate::error::{Error, ErrorKind, Result};
use crate::state::setting::ConfigChange;
use crate::wire::kafka::ErrorCode;
use crate::wire::kafka::alter_configs::{
    AlterConfigsRequest, AlterConfigsResource, AlterConfigsResponse, AlterConfigsResult,
};
use crate::wire::kafka::describe_configs::{BROKER, GROUP, TOPIC};
use crate::wire::kafka::incremental_alter_configs::{
    APPEND, ConfigChange as WireChange, DELETE, IncrementalAlterConfigsRequest,
    IncrementalAlterConfigsResource, IncrementalAlterConfigsResponse, SET, SUBTRACT,
};
use crate::wire::kafka::list_config_resources::{
    CLIENT_METRICS, ConfigResource, ListConfigResourcesRequest, ListConfigResourcesResponse,
};

/// The resource type of a broker's loggers, of which there are none.
const BROKER_LOGGER: i8 = 8;

/// Since this version the request says which types to list.
const TYPES_FROM_VERSION: i16 = 1;

/// A resource and what is to become of it.
type Asked<'a> = (i8, &'a str, Result<Vec<ConfigChange<'a>>>);

/// Changes settings one by one.
pub(super) fn incremental<'a>(
    call: &Call<'_>,
    request: &IncrementalAlterConfigsRequest<'a>,
) -> IncrementalAlterConfigsResponse<'a> {
    let asked = request.resources.iter().map(|resource: &IncrementalAlterConfigsResource<'a>| {
        let names = resource.configs.iter().map(|config| config.name);
        let changes = check_names(names)
            .and_then(|()| resource.configs.iter().map(change).collect::<Result<Vec<_>>>());
        (resource.resource_type, resource.resource_name, changes)
    });
    IncrementalAlterConfigsResponse {
        responses: alter_all(call, asked.collect(), request.validate_only),
        ..IncrementalAlterConfigsResponse::default()
    }
}

/// Replaces all settings: what is not in the request goes back to its default.
pub(super) fn replace<'a>(
    call: &Call<'_>,
    request: &AlterConfigsRequest<'a>,
) -> AlterConfigsResponse<'a> {
    let asked = request.resources.iter().map(|resource: &AlterConfigsResource<'a>| {
        let names = resource.configs.iter().map(|config| config.name);
        let set = resource.configs.iter().map(|config| given(config.name, config.value));
        let set = set.map(|given| given.map(|(name, value)| ConfigChange::Set(name, value)));
        let changes = check_names(names)
            .and_then(|()| std::iter::once(Ok(ConfigChange::Reset)).chain(set).collect());
        (resource.resource_type, resource.resource_name, changes)
    });
    AlterConfigsResponse {
        responses: alter_all(call, asked.collect(), request.validate_only),
        ..AlterConfigsResponse::default()
    }
}

/// Lists what has settings. Version 0 asks for client metrics only, which there are none of.
pub(super) fn list(
    call: &Call<'_>,
    request: &ListConfigResourcesRequest,
) -> ListConfigResourcesResponse<'static> {
    let all = [TOPIC, BROKER, BROKER_LOGGER, CLIENT_METRICS, GROUP];
    let types: BTreeSet<i8> = match &request.resource_types[..] {
        _ if call.version < TYPES_FROM_VERSION => [CLIENT_METRICS].into(),
        [] => all.into(),
        types => types.iter().copied().collect(),
    };
    if types.iter().any(|asked| !all.contains(asked)) {
        let error_code = ErrorCode::UnsupportedVersion.code();
        return ListConfigResourcesResponse { error_code, ..Default::default() };
    }
    let names = |resource_type: i8| -> Vec<String> {
        match resource_type {
            TOPIC => call.broker.topics().iter().map(|live| live.topic.name.clone()).collect(),
            BROKER => vec![NODE_ID.to_string()],
            GROUP => call.broker.configured_groups(),
            _ => Vec::new(),
        }
    };
    let resources = types.into_iter().flat_map(|resource_type| {
        names(resource_type)
            .into_iter()
            .map(move |name| ConfigResource { resource_name: Cow::Owned(name), resource_type })
    });
    ListConfigResourcesResponse { config_resources: resources.collect(), ..Default::default() }
}

fn alter_all<'a>(
    call: &Call<'_>,
    asked: Vec<Asked<'a>>,
    validate_only: bool,
) -> Vec<AlterConfigsResult<'a>> {
    let mut times: HashMap<(i8, &str), u32> = HashMap::new();
    for (resource_type, name, _) in &asked {
        *times.entry((*resource_type, *name)).or_default() += 1;
    }
    let result = |(resource_type, name, changes): Asked<'a>| {
        let changed = if times.get(&(resource_type, name)).is_some_and(|times| *times > 1) {
            Err(invalid("the request names this resource more than once".to_owned()))
        } else {
            changes.and_then(|changes| alter(call, (resource_type, name), &changes, validate_only))
        };
        let error = changed.err();
        AlterConfigsResult {
            error_code: error.as_ref().map_or(0, code),
            error_message: error.map(|error| Cow::Owned(error.to_string())),
            resource_type,
            resource_name: Cow::Borrowed(name),
        }
    };
    asked.into_iter().map(result).collect()
}

fn alter(
    call: &Call<'_>,
    (resource_type, name): (i8, &str),
    changes: &[ConfigChange<'_>],
    validate_only: bool,
) -> Result<()> {
    match resource_type {
        TOPIC => call.broker.configure_topic(name, changes, validate_only),
        GROUP => call.broker.configure_group(name, changes, validate_only),
        BROKER => Err(invalid(
            "the settings of the broker cannot be changed while it runs: start it with others"
                .to_owned(),
        )),
        other => Err(invalid(format!("resources of type {other} have no settings here"))),
    }
}

fn change<'a>(asked: &WireChange<'a>) -> Result<ConfigChange<'a>> {
    let value = || given(asked.name, asked.value).map(|(_, value)| value);
    Ok(match asked.config_operation {
        SET => ConfigChange::Set(asked.name, value()?),
        DELETE => ConfigChange::Delete(asked.name),
        APPEND => ConfigChange::Append(asked.name, value()?),
        SUBTRACT => ConfigChange::Subtract(asked.name, value()?),
        other => {
            return Err(invalid(format!("{} is to be changed by operation {other}", asked.name)));
        }
    })
}

fn given<'a>(name: &'a str, value: Option<&'a str>) -> Result<(&'a str, &'a str)> {
    let value = value.ok_or_else(|| {
        invalid(format!("{name} is given no value: delete it if the default is meant"))
    })?;
    Ok((name, value))
}

/// What two changes of one setting would mean depends on their order: Kafka refuses it too.
fn check_names<'a>(names: impl Iterator<Item = &'a str>) -> Result<()> {
    let mut seen = BTreeSet::new();
    for name in names {
        if !seen.insert(name) {
            return Err(invalid(format!("the request changes {name} more than once")));
        }
    }
    Ok(())
}

fn invalid(text: String) -> Error {
    Error::new(ErrorKind::InvalidRequest, text)
}
