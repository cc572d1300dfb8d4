//! Settings of topics and groups through the Kafka door: changed, listed, described, acted on.

mod server_common;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use kafka_protocol::messages::describe_configs_request::DescribeConfigsResource;
use kafka_protocol::messages::describe_configs_response::DescribeConfigsResourceResult;
use kafka_protocol::messages::{
    AlterConfigsRequest, DescribeConfigsRequest, IncrementalAlterConfigsRequest,
    ListConfigResourcesRequest, alter_configs_request, incremental_alter_configs_request,
};
use minka::state::group_config::{GroupSettings, ShareAutoOffsetReset};
use minka::state::setting::ConfigChange;
use minka::sys::event_log::EventLog;
use minka::{Broker, Config};
use server_common::{Client, PATIENCE, batch, produce, produced, start, text};

const TOPIC: i8 = 2;
const BROKER: i8 = 4;
const GROUP: i8 = 32;

const SET: i8 = 0;
const DELETE: i8 = 1;
const APPEND: i8 = 2;
const SUBTRACT: i8 = 3;

/// A change: its setting, operation and value.
type Change<'a> = (&'a str, i8, Option<&'a str>);

/// A resource: its type and name.
type Resource<'a> = (i8, &'a str);

fn changes(resources: &[(Resource<'_>, &[Change<'_>])]) -> IncrementalAlterConfigsRequest {
    use incremental_alter_configs_request::{AlterConfigsResource, AlterableConfig};
    let resource = |((kind, name), changes): &(Resource<'_>, &[Change<'_>])| {
        let config = |(name, operation, value): &Change<'_>| {
            AlterableConfig::default()
                .with_name(text(name))
                .with_config_operation(*operation)
                .with_value(value.map(text))
        };
        AlterConfigsResource::default()
            .with_resource_type(*kind)
            .with_resource_name(text(name))
            .with_configs(changes.iter().map(config).collect())
    };
    IncrementalAlterConfigsRequest::default()
        .with_resources(resources.iter().map(resource).collect())
}

/// Changes one resource. Returns the error's number and sentence.
fn change(client: &mut Client, resource: Resource<'_>, wanted: &[Change<'_>]) -> (i16, String) {
    let answer = client.call(1, &changes(&[(resource, wanted)]));
    let [result] = &answer.responses[..] else { panic!("{answer:?}") };
    assert_eq!((result.resource_type, &*result.resource_name), resource);
    let message = result.error_message.as_deref().unwrap_or_default();
    assert_eq!(result.error_code == 0, message.is_empty());
    (result.error_code, message.to_owned())
}

/// The settings of a resource: the value of each and where it comes from.
fn describe(client: &mut Client, (kind, name): Resource<'_>) -> BTreeMap<String, (String, i8)> {
    let resource = DescribeConfigsResource::default()
        .with_resource_type(kind)
        .with_resource_name(text(name))
        .with_configuration_keys(None);
    let request = DescribeConfigsRequest::default().with_resources(vec![resource]);
    let mut results = client.call(4, &request).results;
    assert_eq!((results.len(), results[0].error_code), (1, 0));
    let setting = |config: DescribeConfigsResourceResult| {
        assert!(!config.read_only);
        (
            config.name.to_string(),
            (config.value.unwrap_or_default().to_string(), config.config_source),
        )
    };
    results.remove(0).configs.into_iter().map(setting).collect()
}

fn value(text: &str, source: i8) -> (String, i8) {
    (text.to_owned(), source)
}

#[test]
fn settings_of_topics_are_changed_one_by_one() {
    let started = start();
    started.topic("t", 1);
    let mut client = started.client();
    let topic = (TOPIC, "t");
    for version in 0..=1 {
        let wanted: &[Change<'_>] =
            &[("retention.ms", SET, Some("1234")), ("segment.ms", SET, Some("5"))];
        let check = changes(&[(topic, wanted)]).with_validate_only(true);
        assert_eq!(client.call(version, &check).responses[0].error_code, 0);
        assert_eq!(describe(&mut client, topic)["segment.ms"], value("604800000", 5));
        let answer = client.call(version, &changes(&[(topic, wanted)]));
        assert_eq!(answer.responses[0].error_code, 0);
        let settings = describe(&mut client, topic);
        assert_eq!(settings["retention.ms"], value("1234", 1));
        assert_eq!(settings["segment.ms"], value("5", 1));
        let back: &[Change<'_>] = &[("segment.ms", DELETE, None), ("retention.ms", DELETE, None)];
        let answer = client.call(version, &changes(&[(topic, back)]));
        assert_eq!(answer.responses[0].error_code, 0);
        assert_eq!(describe(&mut client, topic)["retention.ms"], value("604800000", 5));
    }
    let throttled = "leader.replication.throttled.replicas";
    assert_eq!(change(&mut client, topic, &[(throttled, APPEND, Some("0:1,1:1"))]).0, 0);
    assert_eq!(change(&mut client, topic, &[(throttled, SUBTRACT, Some("0:1"))]).0, 0);
    assert_eq!(describe(&mut client, topic)[throttled], value("1:1", 1));
}

#[test]
fn each_resource_has_its_own_error_and_one_error_changes_nothing_of_it() {
    let started = start();
    started.topic("t", 1);
    let mut client = started.client();
    for (resource, wanted, error_code, says) in [
        ((TOPIC, "t"), ("retention.ms", SET, Some("soon")), 40, "retention.ms: \"soon\" is not"),
        ((TOPIC, "t"), ("cleanup.policy", APPEND, Some("compact")), 40, "compaction is not there"),
        ((TOPIC, "t"), ("retention.ms", APPEND, Some("5")), 40, "retention.ms is no list"),
        ((TOPIC, "t"), ("retention", SET, Some("5")), 40, "knows no topic setting"),
        ((TOPIC, "t"), ("retention.ms", SET, None), 42, "delete it if the default is meant"),
        ((TOPIC, "t"), ("retention.ms", 9, Some("5")), 42, "operation 9"),
        ((TOPIC, "t"), ("segment.ms", SET, Some("5")), 42, "changes segment.ms more than once"),
        ((TOPIC, "missing"), ("retention.ms", SET, Some("5")), 3, "no topic \"missing\""),
        ((GROUP, "g"), ("share.delivery.count.limit", SET, Some("0")), 40, "from 1 to 32767"),
        ((GROUP, ""), ("share.delivery.count.limit", SET, Some("1")), 24, "give its ID"),
        ((BROKER, "1"), ("num.partitions", SET, Some("5")), 42, "cannot be changed while it runs"),
        ((8, "1"), ("root", SET, Some("DEBUG")), 42, "resources of type 8"),
    ] {
        // What stands before the mistake is not done either.
        let good = (resource.0 == TOPIC).then_some(("segment.ms", SET, Some("7")));
        let all: Vec<Change<'_>> = good.into_iter().chain([wanted]).collect();
        let (code, message) = change(&mut client, resource, &all);
        assert_eq!(code, error_code, "{wanted:?}: {message}");
        assert!(message.contains(says), "{wanted:?}: {message}");
        assert_eq!(describe(&mut client, (TOPIC, "t"))["segment.ms"], value("604800000", 5));
    }
    let five: &[Change<'_>] = &[("segment.ms", SET, Some("5"))];
    let twice = changes(&[
        ((TOPIC, "t"), five),
        ((GROUP, "t"), &[("share.heartbeat.interval.ms", SET, Some("5"))]),
        ((TOPIC, "t"), five),
    ]);
    let codes: Vec<i16> =
        client.call(1, &twice).responses.iter().map(|result| result.error_code).collect();
    assert_eq!(codes, [42, 0, 42]);
}

#[test]
fn alter_configs_replaces_everything() {
    use alter_configs_request::{AlterConfigsResource, AlterableConfig};
    let started = start();
    started.topic("t", 1);
    let mut client = started.client();
    let request = |name, value: Option<&str>| {
        let config = AlterableConfig::default().with_name(text(name)).with_value(value.map(text));
        AlterConfigsRequest::default().with_resources(vec![
            AlterConfigsResource::default()
                .with_resource_type(TOPIC)
                .with_resource_name(text("t"))
                .with_configs(vec![config]),
        ])
    };
    for version in 0..=2 {
        for (name, other) in [("retention.ms", "segment.ms"), ("segment.ms", "retention.ms")] {
            let answer = client.call(version, &request(name, Some("77")).with_validate_only(true));
            assert_eq!(answer.responses[0].error_code, 0);
            assert_eq!(describe(&mut client, (TOPIC, "t"))[name], value("604800000", 5));
            let answer = client.call(version, &request(name, Some("77")));
            assert_eq!(answer.responses[0].error_code, 0);
            let settings = describe(&mut client, (TOPIC, "t"));
            assert_eq!(settings[name], value("77", 1));
            assert_eq!(settings[other], value("604800000", 5));
        }
        assert_eq!(
            client.call(version, &request("retention.ms", None)).responses[0].error_code,
            42
        );
        let answer = client.call(version, &request("retention.ms", Some("-5")));
        assert_eq!(answer.responses[0].error_code, 40);
        let after = describe(&mut client, (TOPIC, "t"));
        assert_eq!(after["segment.ms"], value("77", 1));
        client.call(version, &AlterConfigsRequest::default());
        let nothing = request("segment.ms", Some("1")).with_resources(vec![
            AlterConfigsResource::default().with_resource_type(TOPIC).with_resource_name(text("t")),
        ]);
        assert_eq!(client.call(version, &nothing).responses[0].error_code, 0);
        assert_eq!(describe(&mut client, (TOPIC, "t"))["segment.ms"], value("604800000", 5));
    }
}

#[test]
fn a_change_acts_on_the_running_broker() {
    let started = start();
    started.topic("t", 1);
    let mut client = started.client();
    let topic = ("t", started.topic_id("t"));
    let send = |client: &mut Client| {
        produced(&client.call(9, &produce(topic, 0, -1, batch(&[b"a value"]))))
    };
    assert_eq!(send(&mut client), (0, 0));
    assert_eq!(change(&mut client, (TOPIC, "t"), &[("max.message.bytes", SET, Some("50"))]).0, 0);
    assert_eq!(send(&mut client).0, 10);
    assert_eq!(change(&mut client, (TOPIC, "t"), &[("max.message.bytes", DELETE, None)]).0, 0);
    assert_eq!(send(&mut client), (0, 1));

    // The records are older than a millisecond, and retention does not wait for its next round.
    let partition = started.broker.topic("t").unwrap().partitions[0].clone();
    assert_eq!(partition.log_start(), 0);
    assert_eq!(change(&mut client, (TOPIC, "t"), &[("retention.ms", SET, Some("1"))]).0, 0);
    let deadline = Instant::now() + PATIENCE;
    while partition.log_start() < 2 {
        assert!(Instant::now() < deadline, "retention does not follow the change");
        std::thread::park_timeout(Duration::from_millis(5));
    }
}

#[test]
fn settings_of_groups_are_kept_whether_or_not_there_is_a_group() {
    let started = start();
    let mut client = started.client();
    let group = (GROUP, "workers");
    let defaults = describe(&mut client, group);
    assert_eq!(defaults["share.auto.offset.reset"], value("latest", 5));
    let wanted: &[Change<'_>] = &[
        ("share.auto.offset.reset", SET, Some("by_duration:PT1H")),
        ("minka.retry.backoff.ms", SET, Some("7")),
    ];
    let check = changes(&[(group, wanted)]).with_validate_only(true);
    assert_eq!(client.call(1, &check).responses[0].error_code, 0);
    assert_eq!(describe(&mut client, group), defaults);
    assert_eq!(change(&mut client, group, wanted), (0, String::new()));
    let settings = describe(&mut client, group);
    assert_eq!(settings["share.auto.offset.reset"], value("by_duration:PT1H", 8));
    assert_eq!(settings["share.delivery.count.limit"], value("5", 5));
    assert_eq!(describe(&mut client, (GROUP, "others")), defaults);
    let now = started.broker.group_settings("workers");
    assert_eq!(now.share_auto_offset_reset, ShareAutoOffsetReset::ByDuration(3_600_000));
    assert_eq!(now.retry_backoff_ms, 7);

    // A crash leaves what is in the log, a close leaves a snapshot as well.
    let crashed = tempfile::TempDir::new().unwrap();
    let log = "mensajes.log";
    std::fs::copy(started.directory.path().join(log), crashed.path().join(log)).unwrap();
    let closed = started.directory;
    drop((client, started.server));
    started.broker.close().unwrap();
    drop(started.broker);
    for directory in [crashed, closed] {
        let events = Arc::new(EventLog::none());
        let broker = Broker::open(directory.path(), Config::default(), events).unwrap();
        assert_eq!(broker.group_settings("workers"), now);
        assert_eq!(broker.configured_groups(), ["workers"]);
        broker.configure_group("workers", &[ConfigChange::Reset], false).unwrap();
        assert_eq!(broker.group_settings("workers"), GroupSettings::default());
        assert!(broker.configured_groups().is_empty());
    }
}

#[test]
fn what_has_settings_is_listed() {
    let started = start();
    started.topic("a", 1);
    started.topic("b", 1);
    let mut client = started.client();
    let limit = [("share.delivery.count.limit", SET, Some("3"))];
    assert_eq!(change(&mut client, (GROUP, "workers"), &limit).0, 0);
    let mut list = |version, types: &[i8]| {
        let request = ListConfigResourcesRequest::default().with_resource_types(types.to_vec());
        let answer = client.call(version, &request);
        let found = answer.config_resources.iter();
        let found: Vec<(i8, String)> =
            found.map(|found| (found.resource_type, found.resource_name.to_string())).collect();
        (answer.error_code, found)
    };
    let resource = |kind: i8, name: &str| (kind, name.to_owned());
    // Version 0 asks for client metrics only.
    assert_eq!(list(0, &[]), (0, Vec::new()));
    assert_eq!(list(1, &[GROUP]), (0, vec![resource(GROUP, "workers")]));
    assert_eq!(list(1, &[16]), (0, Vec::new()));
    let all = [(TOPIC, "a"), (TOPIC, "b"), (BROKER, "1"), (GROUP, "workers")];
    let all: Vec<_> = all.iter().map(|(kind, name)| resource(*kind, name)).collect();
    assert_eq!(list(1, &[]), (0, all));
    assert_eq!(list(1, &[GROUP, 77]), (35, Vec::new()));

    assert_eq!(
        change(&mut started.client(), (GROUP, "workers"), &[(limit[0].0, DELETE, None)]).0,
        0
    );
    assert_eq!(list(1, &[GROUP]), (0, Vec::new()));
}

#[test]
fn settings_of_groups_explain_themselves_if_they_are_asked_to() {
    let started = start();
    let mut client = started.client();
    let resource = DescribeConfigsResource::default()
        .with_resource_type(GROUP)
        .with_resource_name(text("g"))
        .with_configuration_keys(Some(vec![text("minka.retry.backoff.ms")]));
    let request = DescribeConfigsRequest::default().with_resources(vec![resource]);
    for (asked, version) in [(false, 4), (true, 4), (true, 3)] {
        let request = request.clone().with_include_documentation(asked).with_include_synonyms(true);
        let answer = client.call(version, &request);
        let [setting] = &answer.results[0].configs[..] else { panic!("{answer:?}") };
        let says = setting.documentation.as_deref().unwrap_or_default();
        assert_eq!(says.contains("minka's own"), asked);
        assert_eq!((setting.config_type, setting.synonyms.len()), (3, 1));
    }
}
