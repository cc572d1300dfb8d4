//! Managing a cluster behind an address: topics. Groups are in `groups.rs`.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::types::{
    BrokerDescription, ClusterDescription, GroupDescription, GroupListing, NewTopic,
    PartitionDescription, ResetTo, Setting, TopicDescription, TopicListing,
};
use super::{Resource, Way, left_out};
use crate::client::config::AdminConfig;
use crate::client::remote::answer;
use crate::client::remote::cluster::{Cluster, ClusterOptions};
use crate::error::{Error, ErrorKind, Result};
use crate::wire::kafka::create_partitions::{
    CreatePartitionsRequest, CreatePartitionsResponse, CreatePartitionsTopic,
};
use crate::wire::kafka::create_topics::{
    CreatableTopic, CreatableTopicConfig, CreateTopicsRequest, CreateTopicsResponse,
};
use crate::wire::kafka::delete_topics::{
    DeleteTopicState, DeleteTopicsRequest, DeleteTopicsResponse,
};
use crate::wire::kafka::describe_configs::{
    DescribeConfigsRequest, DescribeConfigsResource, DescribeConfigsResponse, GROUP, TOPIC,
};
use crate::wire::kafka::incremental_alter_configs::{
    ConfigChange, DELETE, IncrementalAlterConfigsRequest, IncrementalAlterConfigsResource,
    IncrementalAlterConfigsResponse, SET,
};
use crate::wire::kafka::list_offsets::{
    EARLIEST, LATEST, ListOffsetsPartition, ListOffsetsRequest, ListOffsetsResponse,
    ListOffsetsTopic,
};
use crate::wire::kafka::metadata::{MetadataRequest, MetadataResponse};

/// The newest versions that are spoken here.
const METADATA_MAX: i16 = 12;
const CREATE_TOPICS_MAX: i16 = 7;
const DELETE_TOPICS_MAX: i16 = 6;
const CREATE_PARTITIONS_MAX: i16 = 3;
const DESCRIBE_CONFIGS_MAX: i16 = 4;
const ALTER_CONFIGS_MAX: i16 = 1;
const LIST_OFFSETS_MAX: i16 = 8;
/// The source of a setting that the topic was given.
const FROM_TOPIC: i8 = 1;

/// A cluster behind an address.
#[derive(Debug)]
pub(super) struct Remote {
    pub(super) cluster: Cluster,
    config: AdminConfig,
}

impl Remote {
    pub(super) fn new(address: &str, config: AdminConfig) -> Result<Self> {
        let options = ClusterOptions {
            client_id: config.client_id.clone(),
            create_topics: false,
            request_timeout: config.request_timeout,
            backoff: config.backoff(),
            credentials: config.credentials.clone(),
        };
        Ok(Self { cluster: Cluster::new(address, options)?, config })
    }

    /// The deadline of a call that begins now.
    pub(super) fn deadline(&self) -> Instant {
        let now = Instant::now();
        now.checked_add(self.config.timeout).unwrap_or(now + Duration::from_secs(3600))
    }

    fn timeout_ms(&self) -> i32 {
        i32::try_from(self.config.request_timeout.as_millis()).unwrap_or(i32::MAX)
    }

    /// The offsets that `timestamp` asks for in partitions of a topic, -1 where there is none.
    /// Each partition's leader is asked.
    pub(super) fn offsets(
        &self,
        topic: &str,
        partitions: &[u32],
        timestamp: i64,
        deadline: Instant,
    ) -> Result<Vec<(u32, i64)>> {
        let ask = || self.offsets_once(topic, partitions, timestamp, deadline);
        self.cluster.retry(deadline, || {
            ask().inspect_err(|_| {
                // Another broker may lead by now.
                self.cluster.forget(topic);
            })
        })
    }

    fn offsets_once(
        &self,
        topic: &str,
        partitions: &[u32],
        timestamp: i64,
        deadline: Instant,
    ) -> Result<Vec<(u32, i64)>> {
        let meta = self.cluster.topic(topic, deadline)?;
        let mut by_leader: BTreeMap<i32, Vec<ListOffsetsPartition>> = BTreeMap::new();
        for &index in partitions {
            let leader = meta.partitions.get(index as usize).ok_or_else(|| {
                let text = format!("topic {topic} has no partition {index}");
                Error::new(ErrorKind::UnknownTopicOrPartition, text)
            })?;
            let leader = leader.ok_or_else(|| {
                let text = format!("partition {index} of topic {topic} has no leader at present");
                Error::new(ErrorKind::NotLeader, text)
            })?;
            by_leader.entry(leader).or_default().push(ListOffsetsPartition {
                partition_index: i32::try_from(index).unwrap_or(i32::MAX),
                current_leader_epoch: -1,
                timestamp,
            });
        }
        let mut found = Vec::new();
        for (leader, partitions) in by_leader {
            let topics = vec![ListOffsetsTopic { name: topic, partitions }];
            let request = ListOffsetsRequest { topics, ..ListOffsetsRequest::default() };
            let (frame, version) =
                self.cluster.ask_node(leader, LIST_OFFSETS_MAX, &request, deadline)?;
            let answer = ListOffsetsResponse::decode(&mut frame.reader(), version)?;
            for one in answer.topics.iter().flat_map(|topic| &topic.partitions) {
                let doing = format_args!("asking for offsets of topic {topic}");
                answer::check(one.error_code, None, doing)?;
                found.push((u32::try_from(one.partition_index).unwrap_or(u32::MAX), one.offset));
            }
        }
        found.sort_unstable();
        Ok(found)
    }

    /// All partitions of a topic, and the ID that the cluster knows it by, as of now.
    pub(super) fn partitions_of(
        &self,
        topic: &str,
        deadline: Instant,
    ) -> Result<(String, Vec<u32>)> {
        self.cluster.forget(topic);
        let meta = self.cluster.topic(topic, deadline)?;
        let count = u32::try_from(meta.partitions.len()).unwrap_or(u32::MAX);
        Ok((meta.id.to_string(), (0..count).collect()))
    }

    fn settings(&self, topic: &str, deadline: Instant) -> Result<Vec<Setting>> {
        let resource = DescribeConfigsResource {
            resource_type: TOPIC,
            resource_name: topic,
            configuration_keys: None,
        };
        let request = DescribeConfigsRequest { resources: vec![resource], ..Default::default() };
        let (frame, version) = self.cluster.ask(DESCRIBE_CONFIGS_MAX, &request, deadline)?;
        let answer = DescribeConfigsResponse::decode(&mut frame.reader(), version)?;
        let result = answer.results.first().ok_or_else(|| left_out(topic))?;
        let doing = format_args!("asking for the settings of topic {topic}");
        answer::check(result.error_code, result.error_message.as_deref(), doing)?;
        let mut settings: Vec<Setting> = result
            .configs
            .iter()
            .map(|config| Setting {
                name: config.name.to_string(),
                value: config.value.as_deref().unwrap_or_default().to_owned(),
                is_default: config.config_source != FROM_TOPIC,
            })
            .collect();
        settings.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(settings)
    }
}

impl Way for Remote {
    fn check_open(&self) -> Result<()> {
        Ok(())
    }

    fn create_topics(&self, topics: &[NewTopic]) -> Result<Vec<Result<()>>> {
        let asked = topics.iter().map(|topic| CreatableTopic {
            name: &topic.name,
            num_partitions: partitions_of(topic),
            replication_factor: -1,
            assignments: Vec::new(),
            configs: topic
                .settings
                .iter()
                .map(|(name, value)| CreatableTopicConfig { name, value: Some(value) })
                .collect(),
        });
        let request = CreateTopicsRequest {
            topics: asked.collect(),
            timeout_ms: self.timeout_ms(),
            validate_only: false,
        };
        let (frame, version) = self.cluster.ask(CREATE_TOPICS_MAX, &request, self.deadline())?;
        let answer = CreateTopicsResponse::decode(&mut frame.reader(), version)?;
        let result = |topic: &NewTopic| {
            let found = answer.topics.iter().find(|one| one.name == topic.name);
            let one = found.ok_or_else(|| left_out(&topic.name))?;
            let doing = format_args!("creating topic {}", topic.name);
            answer::check(one.error_code, one.error_message.as_deref(), doing)
        };
        Ok(topics.iter().map(result).collect())
    }

    fn delete_topic(&self, name: &str) -> Result<()> {
        let request = DeleteTopicsRequest {
            topics: vec![DeleteTopicState { name: Some(name), ..DeleteTopicState::default() }],
            topic_names: vec![name],
            timeout_ms: self.timeout_ms(),
        };
        let (frame, version) = self.cluster.ask(DELETE_TOPICS_MAX, &request, self.deadline())?;
        let answer = DeleteTopicsResponse::decode(&mut frame.reader(), version)?;
        let one = answer.responses.first().ok_or_else(|| left_out(name))?;
        let doing = format_args!("deleting topic {name}");
        answer::check(one.error_code, one.error_message.as_deref(), doing)?;
        self.cluster.forget(name);
        Ok(())
    }

    fn topics(&self) -> Result<Vec<TopicListing>> {
        let request = MetadataRequest { topics: None, ..MetadataRequest::default() };
        let (frame, version) = self.cluster.ask(METADATA_MAX, &request, self.deadline())?;
        let answer = MetadataResponse::decode(&mut frame.reader(), version)?;
        let listed = answer.topics.iter().filter(|topic| !topic.is_internal);
        let listed = listed.map(|topic| TopicListing {
            name: topic.name.as_deref().unwrap_or_default().to_owned(),
            id: topic.topic_id.to_string(),
            partitions: u32::try_from(topic.partitions.len()).unwrap_or(u32::MAX),
        });
        let mut listed: Vec<TopicListing> = listed.collect();
        listed.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(listed)
    }

    fn describe_topic(&self, name: &str) -> Result<TopicDescription> {
        let deadline = self.deadline();
        let (id, partitions) = self.partitions_of(name, deadline)?;
        let starts = self.offsets(name, &partitions, EARLIEST, deadline)?;
        let ends = self.offsets(name, &partitions, LATEST, deadline)?;
        let partitions = starts.iter().zip(&ends).map(|(start, end)| PartitionDescription {
            index: start.0,
            start: u64::try_from(start.1).unwrap_or(0),
            end: u64::try_from(end.1).unwrap_or(0),
        });
        Ok(TopicDescription {
            name: name.to_owned(),
            id,
            partitions: partitions.collect(),
            settings: self.settings(name, deadline)?,
        })
    }

    fn add_partitions(&self, name: &str, count: u32) -> Result<()> {
        let count = i32::try_from(count).unwrap_or(i32::MAX);
        let topics = vec![CreatePartitionsTopic { name, count, assignments: None }];
        let timeout_ms = self.timeout_ms();
        let request = CreatePartitionsRequest { topics, timeout_ms, validate_only: false };
        let (frame, version) =
            self.cluster.ask(CREATE_PARTITIONS_MAX, &request, self.deadline())?;
        let answer = CreatePartitionsResponse::decode(&mut frame.reader(), version)?;
        let one = answer.results.first().ok_or_else(|| left_out(name))?;
        let doing = format_args!("adding partitions to topic {name}");
        answer::check(one.error_code, one.error_message.as_deref(), doing)?;
        self.cluster.forget(name);
        Ok(())
    }

    fn alter<'a>(&self, what: Resource<'a>, changes: &[(&'a str, Option<&'a str>)]) -> Result<()> {
        let (resource_type, resource_name) = match what {
            Resource::Topic(name) => (TOPIC, name),
            Resource::Group(name) => (GROUP, name),
        };
        let change = |&(name, value): &(&'a str, Option<&'a str>)| {
            let config_operation = if value.is_some() { SET } else { DELETE };
            ConfigChange { name, config_operation, value }
        };
        let configs = changes.iter().map(change).collect();
        let resource = IncrementalAlterConfigsResource { resource_type, resource_name, configs };
        let request =
            IncrementalAlterConfigsRequest { resources: vec![resource], validate_only: false };
        let (frame, version) = self.cluster.ask(ALTER_CONFIGS_MAX, &request, self.deadline())?;
        let answer = IncrementalAlterConfigsResponse::decode(&mut frame.reader(), version)?;
        let one = answer.responses.first().ok_or_else(|| left_out(resource_name))?;
        let doing = format_args!("changing the settings of {resource_name}");
        answer::check(one.error_code, one.error_message.as_deref(), doing)
    }

    fn groups(&self) -> Result<Vec<GroupListing>> {
        self.list_groups()
    }

    fn describe_group(&self, name: &str) -> Result<GroupDescription> {
        self.describe(name)
    }

    fn reset_group(&self, name: &str, topic: &str, to: ResetTo) -> Result<()> {
        self.reset(name, topic, to)
    }

    fn delete_group(&self, name: &str) -> Result<()> {
        self.delete(name)
    }

    fn cluster(&self) -> Result<ClusterDescription> {
        let request = MetadataRequest { topics: Some(Vec::new()), ..MetadataRequest::default() };
        let (frame, version) = self.cluster.ask(METADATA_MAX, &request, self.deadline())?;
        let answer = MetadataResponse::decode(&mut frame.reader(), version)?;
        let brokers = answer.brokers.iter().map(|broker| BrokerDescription {
            id: broker.node_id,
            host: broker.host.to_string(),
            port: u16::try_from(broker.port).unwrap_or(0),
        });
        let mut brokers: Vec<BrokerDescription> = brokers.collect();
        brokers.sort_by_key(|broker| broker.id);
        let id = answer.cluster_id.as_deref().unwrap_or_default().to_owned();
        Ok(ClusterDescription { id, brokers })
    }

    fn stop(&self) {
        self.cluster.stop();
    }
}

/// How many partitions a topic asks for: -1 leaves it to the broker, and what is too many for
/// the protocol is too many for any broker.
fn partitions_of(topic: &NewTopic) -> i32 {
    topic.partitions.map_or(-1, |count| i32::try_from(count).unwrap_or(i32::MAX))
}
