//! DeleteTopics (key 20): deletes topics.
//!
//! Version 4 is flexible, 5 tells errors in words, 6 can name topics by ID.

use std::borrow::Cow;

use super::Uuid;

message! {
    /// Topics to delete.
    pub struct DeleteTopicsRequest<'a> for DeleteTopics {
        /// The topics, in versions that know topic IDs.
        topics: Vec<DeleteTopicState<'a>>, [6..];
        /// The topics' names, in versions that do not.
        topic_names: Vec<&'a str>, [1..=5];
        /// How long the broker may take, in milliseconds.
        timeout_ms: i32, [1..];
    }
}

message! {
    /// A topic to delete, by name or by ID.
    pub struct DeleteTopicState<'a> {
        /// Its name, or null if it is named by ID.
        name: Option<&'a str>, [6..];
        /// Its ID, or zero.
        topic_id: Uuid, [6..];
    }
}

message! {
    /// What became of the topics.
    pub struct DeleteTopicsResponse<'a> for DeleteTopics {
        /// How long the client should wait before its next request, in milliseconds.
        throttle_time_ms: i32, [1..];
        /// The topics.
        responses: Vec<DeletableTopicResult<'a>>, [1..];
    }
}

message! {
    /// What became of a topic.
    pub struct DeletableTopicResult<'a> {
        /// Its name; null if it was named by an ID that is not known.
        name: Option<Cow<'a, str>>, [1..] nullable [6..];
        /// Its ID, or zero.
        topic_id: Uuid, [6..];
        /// The error, or 0.
        error_code: i16, [1..];
        /// The error in words.
        error_message: Option<Cow<'a, str>>, [5..];
    }
}
