//! OffsetFetch (key 9): gives a group's offsets.
//!
//! Since version 2 null asks for all topics, 5 brings leader epochs, 6 is flexible, 7 can wait
//! for transactions, 8 asks for many groups, 9 is for the members of KIP-848 groups too.

use std::borrow::Cow;

message! {
    /// Asks for offsets.
    pub struct OffsetFetchRequest<'a> for OffsetFetch {
        /// The group, in versions that ask for one.
        group_id: &'a str, [1..=7];
        /// The topics, or null for all, in versions that ask for one group.
        topics: Option<Vec<OffsetFetchTopic<'a>>>, [1..=7] nullable [2..] = Some(Vec::new());
        /// The groups, in versions that ask for many.
        groups: Vec<OffsetFetchGroup<'a>>, [8..];
        /// Whether offsets of open transactions are an error.
        require_stable: bool, [7..];
    }
}

message! {
    /// A group that is asked about.
    pub struct OffsetFetchGroup<'a> {
        /// The group.
        group_id: &'a str, [8..];
        /// The member's ID, in a KIP-848 group.
        member_id: Option<&'a str>, [9..];
        /// The member's epoch, in a KIP-848 group, or -1.
        member_epoch: i32, [9..] = -1;
        /// The topics, or null for all.
        topics: Option<Vec<OffsetFetchTopic<'a>>>, [8..];
    }
}

message! {
    /// A topic that is asked about.
    pub struct OffsetFetchTopic<'a> {
        /// Its name.
        name: &'a str, [1..];
        /// The partitions.
        partition_indexes: Vec<i32>, [1..];
    }
}

message! {
    /// Offsets.
    pub struct OffsetFetchResponse<'a> for OffsetFetch {
        /// How long the client should wait before its next request, in milliseconds.
        throttle_time_ms: i32, [3..];
        /// The topics, in versions that ask for one group.
        topics: Vec<OffsetFetchTopicResponse<'a>>, [1..=7];
        /// The error of the whole request, or 0, in versions that ask for one group.
        error_code: i16, [2..=7];
        /// The groups, in versions that ask for many.
        groups: Vec<OffsetFetchGroupResponse<'a>>, [8..];
    }
}

message! {
    /// A group's offsets.
    pub struct OffsetFetchGroupResponse<'a> {
        /// The group.
        group_id: Cow<'a, str>, [8..];
        /// The topics.
        topics: Vec<OffsetFetchTopicResponse<'a>>, [8..];
        /// The error, or 0.
        error_code: i16, [8..];
    }
}

message! {
    /// A topic's offsets.
    pub struct OffsetFetchTopicResponse<'a> {
        /// Its name.
        name: Cow<'a, str>, [1..];
        /// The partitions.
        partitions: Vec<OffsetFetchPartitionResponse<'a>>, [1..];
    }
}

message! {
    /// A partition's offset.
    pub struct OffsetFetchPartitionResponse<'a> {
        /// The partition's number.
        partition_index: i32, [1..];
        /// The offset, or -1 if the group has none.
        committed_offset: i64, [1..];
        /// The leader epoch that was stored with it, or -1.
        committed_leader_epoch: i32, [5..] = -1;
        /// What the client stored with it.
        metadata: Option<Cow<'a, str>>, [1..];
        /// The error, or 0.
        error_code: i16, [1..];
    }
}
