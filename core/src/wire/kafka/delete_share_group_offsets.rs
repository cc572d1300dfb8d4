//! DeleteShareGroupOffsets (key 92): lets a share group without members forget topics.

use std::borrow::Cow;

use super::Uuid;

message! {
    /// Topics to forget.
    pub struct DeleteShareGroupOffsetsRequest<'a> for DeleteShareGroupOffsets {
        /// The group.
        group_id: &'a str, [0..];
        /// The topics.
        topics: Vec<DeleteShareGroupOffsetsTopic<'a>>, [0..];
    }
}

message! {
    /// A topic to forget.
    pub struct DeleteShareGroupOffsetsTopic<'a> {
        /// Its name.
        topic_name: &'a str, [0..];
    }
}

message! {
    /// What became of it.
    pub struct DeleteShareGroupOffsetsResponse<'a> for DeleteShareGroupOffsets {
        /// How long the client should wait before its next request, in milliseconds.
        throttle_time_ms: i32, [0..];
        /// The error of the whole request, or 0.
        error_code: i16, [0..];
        /// The error in words.
        error_message: Option<Cow<'a, str>>, [0..];
        /// The topics.
        responses: Vec<DeleteShareGroupOffsetsTopicResult<'a>>, [0..];
    }
}

message! {
    /// What became of a topic.
    pub struct DeleteShareGroupOffsetsTopicResult<'a> {
        /// Its name.
        topic_name: Cow<'a, str>, [0..];
        /// Its ID.
        topic_id: Uuid, [0..];
        /// The error, or 0.
        error_code: i16, [0..];
        /// The error in words.
        error_message: Option<Cow<'a, str>>, [0..];
    }
}
