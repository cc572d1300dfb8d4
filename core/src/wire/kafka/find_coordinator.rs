//! FindCoordinator (key 10): which broker looks after a group or transaction.
//!
//! Version 1 brings transactions, 3 is flexible, 4 asks for many keys at once, 6 brings share
//! groups.

use std::borrow::Cow;

/// The key type of a consumer group.
pub const GROUP: i8 = 0;
/// The key type of a transactional ID.
pub const TRANSACTION: i8 = 1;
/// The key type of a share group's partition (version 6).
pub const SHARE: i8 = 2;

message! {
    /// Asks for coordinators.
    pub struct FindCoordinatorRequest<'a> for FindCoordinator {
        /// The key, in versions that ask for one.
        key: &'a str, [0..=3];
        /// What the keys are: [`GROUP`], [`TRANSACTION`] or [`SHARE`].
        key_type: i8, [1..];
        /// The keys, in versions that ask for many.
        coordinator_keys: Vec<&'a str>, [4..];
    }
}

message! {
    /// The coordinators.
    pub struct FindCoordinatorResponse<'a> for FindCoordinator {
        /// How long the client should wait before its next request, in milliseconds.
        throttle_time_ms: i32, [1..];
        /// The error, or 0, in versions that ask for one key, as all up to `port`.
        error_code: i16, [0..=3];
        /// The error in words.
        error_message: Option<Cow<'a, str>>, [1..=3] = Some(Cow::Borrowed(""));
        /// The broker's ID.
        node_id: i32, [0..=3];
        /// The host to connect to.
        host: Cow<'a, str>, [0..=3];
        /// The port to connect to.
        port: i32, [0..=3];
        /// The coordinators, in versions that ask for many keys.
        coordinators: Vec<Coordinator<'a>>, [4..];
    }
}

message! {
    /// The coordinator of one key.
    pub struct Coordinator<'a> {
        /// The key.
        key: Cow<'a, str>, [4..];
        /// The broker's ID.
        node_id: i32, [4..];
        /// The host to connect to.
        host: Cow<'a, str>, [4..];
        /// The port to connect to.
        port: i32, [4..];
        /// The error, or 0.
        error_code: i16, [4..];
        /// The error in words.
        error_message: Option<Cow<'a, str>>, [4..];
    }
}
