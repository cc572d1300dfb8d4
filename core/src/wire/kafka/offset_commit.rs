//! OffsetCommit (key 8): stores a group's offsets.
//!
//! Versions 2 to 4 ask how long to keep them, 6 brings leader epochs, 7 static members, 8 is
//! flexible, 9 is for the members of KIP-848 groups too.

use std::borrow::Cow;

message! {
    /// Offsets to store.
    pub struct OffsetCommitRequest<'a> for OffsetCommit {
        /// The group.
        group_id: &'a str, [2..];
        /// The generation or member epoch, or -1 if the group does not manage members.
        generation_id_or_member_epoch: i32, [2..] = -1;
        /// The member's ID.
        member_id: &'a str, [2..];
        /// The static member's ID.
        group_instance_id: Option<&'a str>, [7..];
        /// How long to keep the offsets, in milliseconds, or -1 for the broker's default.
        retention_time_ms: i64, [2..=4] = -1;
        /// The topics.
        topics: Vec<OffsetCommitTopic<'a>>, [2..];
    }
}

message! {
    /// A topic's offsets.
    pub struct OffsetCommitTopic<'a> {
        /// Its name.
        name: &'a str, [2..];
        /// The partitions.
        partitions: Vec<OffsetCommitPartition<'a>>, [2..];
    }
}

message! {
    /// A partition's offset.
    pub struct OffsetCommitPartition<'a> {
        /// The partition's number.
        partition_index: i32, [2..];
        /// The offset of the next record to read.
        committed_offset: i64, [2..];
        /// The leader epoch of the last record that was read, or -1.
        committed_leader_epoch: i32, [6..] = -1;
        /// What the client wants to remember with it.
        committed_metadata: Option<&'a str>, [2..];
    }
}

message! {
    /// What became of the offsets.
    pub struct OffsetCommitResponse<'a> for OffsetCommit {
        /// How long the client should wait before its next request, in milliseconds.
        throttle_time_ms: i32, [3..];
        /// The topics.
        topics: Vec<OffsetCommitTopicResponse<'a>>, [2..];
    }
}

message! {
    /// What became of a topic's offsets.
    pub struct OffsetCommitTopicResponse<'a> {
        /// Its name.
        name: Cow<'a, str>, [2..];
        /// The partitions.
        partitions: Vec<OffsetCommitPartitionResponse>, [2..];
    }
}

message! {
    /// What became of a partition's offset.
    #[derive(Copy, Eq)]
    pub struct OffsetCommitPartitionResponse {
        /// The partition's number.
        partition_index: i32, [2..];
        /// The error, or 0.
        error_code: i16, [2..];
    }
}
