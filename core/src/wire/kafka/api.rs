//! The APIs of the Kafka protocol that minka can speak, and their versions.

use std::fmt;

use super::api_versions::ApiVersion;

/// An API of the protocol. The number is its key on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
#[repr(i16)]
pub enum ApiKey {
    /// Appends record batches.
    Produce = 0,
    /// Reads record batches.
    Fetch = 1,
    /// Finds offsets by timestamp.
    ListOffsets = 2,
    /// Lists brokers, topics and partitions.
    Metadata = 3,
    /// Stores a group's offsets.
    OffsetCommit = 8,
    /// Gives a group's offsets.
    OffsetFetch = 9,
    /// Says which broker looks after a group or transaction.
    FindCoordinator = 10,
    /// Joins a group.
    JoinGroup = 11,
    /// Says that a member is alive.
    Heartbeat = 12,
    /// Leaves a group.
    LeaveGroup = 13,
    /// Distributes the leader's assignment in a group.
    SyncGroup = 14,
    /// Describes classic groups.
    DescribeGroups = 15,
    /// Lists groups.
    ListGroups = 16,
    /// Chooses how to log in.
    SaslHandshake = 17,
    /// Lists APIs and their versions.
    ApiVersions = 18,
    /// Creates topics.
    CreateTopics = 19,
    /// Deletes topics.
    DeleteTopics = 20,
    /// Deletes the records before an offset.
    DeleteRecords = 21,
    /// Gives out a producer ID.
    InitProducerId = 22,
    /// Says where a leader epoch ends.
    OffsetForLeaderEpoch = 23,
    /// Gives the configuration of topics and brokers.
    DescribeConfigs = 32,
    /// Replaces the configuration of topics and groups.
    AlterConfigs = 33,
    /// Logs in.
    SaslAuthenticate = 36,
    /// Gives topics more partitions.
    CreatePartitions = 37,
    /// Deletes empty groups.
    DeleteGroups = 42,
    /// Changes settings of topics and groups one by one.
    IncrementalAlterConfigs = 44,
    /// Deletes a group's offsets.
    OffsetDelete = 47,
    /// Lists the brokers.
    DescribeCluster = 60,
    /// Keeps a member in a group of KIP-848.
    ConsumerGroupHeartbeat = 68,
    /// Describes groups of KIP-848.
    ConsumerGroupDescribe = 69,
    /// Lists what has a configuration.
    ListConfigResources = 74,
    /// Keeps a member in a share group.
    ShareGroupHeartbeat = 76,
    /// Describes share groups.
    ShareGroupDescribe = 77,
    /// Acquires records for a member of a share group.
    ShareFetch = 78,
    /// Acknowledges records of a share group.
    ShareAcknowledge = 79,
    /// Tells from where share groups have records to deliver.
    DescribeShareGroupOffsets = 90,
    /// Says from where a share group goes on.
    AlterShareGroupOffsets = 91,
    /// Lets a share group forget topics.
    DeleteShareGroupOffsets = 92,
}

/// What minka knows of the versions of an API.
#[derive(Debug, Clone, Copy)]
struct Versions {
    api: ApiKey,
    name: &'static str,
    /// The versions that are advertised...
    advertised: (i16, i16),
    /// ...of which those before this one are refused.
    accepted_from: i16,
    /// The first version with compact lengths and tagged fields.
    flexible_from: i16,
}

/// One row per API, in the order of their keys.
///
/// `Produce` is advertised from version 0 although 0 to 2 are refused: librdkafka before 2.11.1
/// takes a broker without version 0 for one that cannot compress (KAFKA-18659).
const TABLE: &[Versions] = &[
    row(ApiKey::Produce, "Produce", (0, 13), 3, 9),
    row(ApiKey::Fetch, "Fetch", (4, 17), 4, 12),
    row(ApiKey::ListOffsets, "ListOffsets", (1, 10), 1, 6),
    row(ApiKey::Metadata, "Metadata", (0, 13), 0, 9),
    row(ApiKey::OffsetCommit, "OffsetCommit", (2, 9), 2, 8),
    row(ApiKey::OffsetFetch, "OffsetFetch", (1, 9), 1, 6),
    row(ApiKey::FindCoordinator, "FindCoordinator", (0, 6), 0, 3),
    row(ApiKey::JoinGroup, "JoinGroup", (0, 9), 0, 6),
    row(ApiKey::Heartbeat, "Heartbeat", (0, 4), 0, 4),
    row(ApiKey::LeaveGroup, "LeaveGroup", (0, 5), 0, 4),
    row(ApiKey::SyncGroup, "SyncGroup", (0, 5), 0, 4),
    row(ApiKey::DescribeGroups, "DescribeGroups", (0, 6), 0, 5),
    row(ApiKey::ListGroups, "ListGroups", (0, 5), 0, 3),
    row(ApiKey::SaslHandshake, "SaslHandshake", (0, 1), 0, 2),
    row(ApiKey::ApiVersions, "ApiVersions", (0, 4), 0, 3),
    row(ApiKey::CreateTopics, "CreateTopics", (2, 7), 2, 5),
    row(ApiKey::DeleteTopics, "DeleteTopics", (1, 6), 1, 4),
    row(ApiKey::DeleteRecords, "DeleteRecords", (0, 2), 0, 2),
    row(ApiKey::InitProducerId, "InitProducerId", (0, 5), 0, 2),
    row(ApiKey::OffsetForLeaderEpoch, "OffsetForLeaderEpoch", (2, 4), 2, 4),
    row(ApiKey::DescribeConfigs, "DescribeConfigs", (1, 4), 1, 4),
    row(ApiKey::AlterConfigs, "AlterConfigs", (0, 2), 0, 2),
    row(ApiKey::SaslAuthenticate, "SaslAuthenticate", (0, 2), 0, 2),
    row(ApiKey::CreatePartitions, "CreatePartitions", (0, 3), 0, 2),
    row(ApiKey::DeleteGroups, "DeleteGroups", (0, 2), 0, 2),
    row(ApiKey::IncrementalAlterConfigs, "IncrementalAlterConfigs", (0, 1), 0, 1),
    row(ApiKey::OffsetDelete, "OffsetDelete", (0, 0), 0, 1),
    row(ApiKey::DescribeCluster, "DescribeCluster", (0, 1), 0, 0),
    row(ApiKey::ConsumerGroupHeartbeat, "ConsumerGroupHeartbeat", (0, 1), 0, 0),
    row(ApiKey::ConsumerGroupDescribe, "ConsumerGroupDescribe", (0, 1), 0, 0),
    row(ApiKey::ListConfigResources, "ListConfigResources", (0, 1), 0, 0),
    row(ApiKey::ShareGroupHeartbeat, "ShareGroupHeartbeat", (1, 1), 1, 1),
    row(ApiKey::ShareGroupDescribe, "ShareGroupDescribe", (1, 1), 1, 1),
    row(ApiKey::ShareFetch, "ShareFetch", (1, 2), 1, 1),
    row(ApiKey::ShareAcknowledge, "ShareAcknowledge", (1, 2), 1, 1),
    row(ApiKey::DescribeShareGroupOffsets, "DescribeShareGroupOffsets", (0, 1), 0, 0),
    row(ApiKey::AlterShareGroupOffsets, "AlterShareGroupOffsets", (0, 0), 0, 0),
    row(ApiKey::DeleteShareGroupOffsets, "DeleteShareGroupOffsets", (0, 0), 0, 0),
];

const fn row(
    api: ApiKey,
    name: &'static str,
    advertised: (i16, i16),
    accepted_from: i16,
    flexible_from: i16,
) -> Versions {
    Versions { api, name, advertised, accepted_from, flexible_from }
}

impl ApiKey {
    /// Every API that minka can speak, in the order of their keys.
    pub fn all() -> impl Iterator<Item = Self> {
        TABLE.iter().map(|row| row.api)
    }

    /// The API with this key, if minka knows it.
    pub fn from_key(key: i16) -> Option<Self> {
        Self::all().find(|api| api.key() == key)
    }

    /// The key on the wire.
    pub const fn key(self) -> i16 {
        self as i16
    }

    /// Its name in Kafka's message definitions.
    pub fn name(self) -> &'static str {
        self.row().name
    }

    /// The first and the last version that a client is told of.
    pub fn advertised(self) -> (i16, i16) {
        self.row().advertised
    }

    /// The first and the last version that can be read and written.
    pub fn accepted(self) -> (i16, i16) {
        let row = self.row();
        (row.accepted_from, row.advertised.1)
    }

    /// Whether this version can be read and written.
    pub fn accepts(self, version: i16) -> bool {
        let (first, last) = self.accepted();
        (first..=last).contains(&version)
    }

    /// Whether this version has compact lengths and tagged fields (KIP-482).
    pub fn is_flexible(self, version: i16) -> bool {
        version >= self.row().flexible_from
    }

    /// The version of the header that stands before a request of this version.
    pub fn request_header_version(self, version: i16) -> i16 {
        if self.is_flexible(version) { 2 } else { 1 }
    }

    /// The version of the header that stands before an answer of this version.
    ///
    /// That of `ApiVersions` is always 0: a client reads it before it can know what the broker
    /// understands.
    pub fn response_header_version(self, version: i16) -> i16 {
        i16::from(self != Self::ApiVersions && self.is_flexible(version))
    }

    /// The list that the answer to `ApiVersions` gives, if these are the APIs that are served.
    pub fn advertise(served: &[Self]) -> Vec<ApiVersion> {
        Self::all()
            .filter(|api| served.contains(api))
            .map(|api| {
                let (min_version, max_version) = api.advertised();
                ApiVersion { api_key: api.key(), min_version, max_version }
            })
            .collect()
    }

    fn row(self) -> &'static Versions {
        TABLE.iter().find(|row| row.api == self).expect("every API has a row")
    }
}

impl fmt::Display for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_order_and_agrees_with_itself() {
        let keys: Vec<i16> = ApiKey::all().map(ApiKey::key).collect();
        assert!(keys.is_sorted_by(|a, b| a < b), "{keys:?}");
        for api in ApiKey::all() {
            assert_eq!(ApiKey::from_key(api.key()), Some(api));
            assert_eq!(format!("{api:?}"), api.name());
            let ((first, last), (accepted, _)) = (api.advertised(), api.accepted());
            assert!(first <= accepted && accepted <= last, "{api}");
        }
        assert_eq!(ApiKey::from_key(4), None);
    }

    #[test]
    fn produce_is_advertised_from_0_and_accepted_from_3() {
        let list = ApiKey::advertise(&[ApiKey::ApiVersions, ApiKey::Produce]);
        let produce = ApiVersion { api_key: 0, min_version: 0, max_version: 13 };
        let api_versions = ApiVersion { api_key: 18, min_version: 0, max_version: 4 };
        assert_eq!(list, [produce, api_versions]);
        assert!(!ApiKey::Produce.accepts(2));
        assert!(ApiKey::Produce.accepts(3) && ApiKey::Produce.accepts(13));
        assert!(!ApiKey::Produce.accepts(14) && !ApiKey::Produce.accepts(-1));
    }

    #[test]
    fn headers_follow_the_flexible_versions_but_for_api_versions() {
        assert_eq!(ApiKey::Metadata.request_header_version(8), 1);
        assert_eq!(ApiKey::Metadata.response_header_version(8), 0);
        assert_eq!(ApiKey::Metadata.request_header_version(9), 2);
        assert_eq!(ApiKey::Metadata.response_header_version(9), 1);
        assert_eq!(ApiKey::ApiVersions.request_header_version(3), 2);
        assert_eq!(ApiKey::ApiVersions.response_header_version(3), 0);
    }
}
