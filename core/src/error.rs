//! The one error type: what went wrong, as a kind with a fixed number and a sentence for people.

use std::fmt;

/// A result whose error is [`Error`].
pub type Result<T> = std::result::Result<T, Error>;

/// An error of minka: a kind that programs match on and a sentence that people read.
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    message: String,
    source: Option<std::io::Error>,
}

/// Makes the enum and, from the same lines, the list of all kinds and their names.
macro_rules! kinds {
    (
        $(#[$of_enum:meta])*
        pub enum ErrorKind { $($(#[$of_kind:meta])* $kind:ident = $number:literal,)* }
    ) => {
        $(#[$of_enum])*
        pub enum ErrorKind { $($(#[$of_kind])* $kind = $number,)* }

        impl ErrorKind {
            /// All kinds, by number in order.
            pub const ALL: &'static [Self] = &[$(Self::$kind),*];

            /// The name in capitals, such as `UNKNOWN_TOPIC_OR_PARTITION`; never changes.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$kind => {
                        const LETTERS: [u8; capitals_len(stringify!($kind))] =
                            capitals(stringify!($kind));
                        const { text(&LETTERS) }
                    })*
                }
            }
        }
    };
}

kinds! {
/// What went wrong. The numbers are the same in every language and never change their meaning.
///
/// New kinds may be added: a `match` needs a wildcard arm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[repr(i32)]
pub enum ErrorKind {
    /// A bug in minka, or a panic caught at a boundary.
    Internal = 1,
    /// The request cannot be understood or contradicts itself.
    InvalidRequest = 2,
    /// An operation took longer than its caller allows.
    Timeout = 3,
    /// The circular queue stayed full for as long as the caller was willing to wait.
    QueueFull = 4,
    /// The broker or handle has been closed.
    Closed = 5,
    /// Reading or writing a file failed; the log refuses appends until it is opened again.
    StorageFailed = 6,
    /// Stored bytes do not match their checksum.
    Damaged = 7,
    /// Another process, or another broker of this one, has the data directory open.
    DirectoryLocked = 8,
    /// The data was written by a newer minka.
    FormatTooNew = 9,
    /// A value of the configuration is not acceptable.
    InvalidConfig = 10,
    /// A socket could not be bound, or a connection failed.
    Network = 11,
    /// Another thread ended the wait.
    Interrupted = 12,
    /// The broker does not speak what is needed for this.
    Unsupported = 13,
    /// The broker that was asked does not lead the partition, or nobody does at present.
    NotLeader = 14,
    /// The group's coordinator is not available, or has moved.
    CoordinatorUnavailable = 15,
    /// No broker could be reached.
    BrokerUnavailable = 16,

    /// No topic has this name, or the topic has no such partition.
    UnknownTopicOrPartition = 20,
    /// No topic has this ID.
    UnknownTopicId = 21,
    /// A topic of this name exists.
    TopicExists = 22,
    /// The name is not a legal topic name.
    InvalidTopic = 23,
    /// The number of partitions is out of range.
    InvalidPartitions = 24,
    /// More replicas are asked for than there are brokers.
    InvalidReplicationFactor = 25,
    /// The offset is before the log start offset or past the end.
    OffsetOutOfRange = 26,
    /// The leader epoch is older than the broker's.
    FencedLeaderEpoch = 27,
    /// The leader epoch is newer than the broker's.
    UnknownLeaderEpoch = 28,
    /// The topic may not be changed in this way.
    PolicyViolation = 29,
    /// Partitions are assigned to brokers in a way that cannot be.
    InvalidReplicaAssignment = 30,

    /// A record batch fails its checksum or its lengths.
    CorruptBatch = 40,
    /// A record batch is well formed but breaks a rule.
    InvalidRecord = 41,
    /// A timestamp is out of the range that the topic accepts.
    InvalidTimestamp = 42,
    /// A record batch is larger than the topic accepts.
    MessageTooLarge = 43,
    /// The compression is unknown, or not allowed in this version of the request.
    UnsupportedCompression = 44,
    /// The batch is in a format older than version 2.
    UnsupportedFormat = 45,
    /// `acks` is none of 0, 1 and -1.
    InvalidRequiredAcks = 46,
    /// A producer's sequence number leaves a gap.
    OutOfOrderSequence = 47,
    /// A newer producer has taken over this producer ID.
    InvalidProducerEpoch = 48,

    /// The group ID is empty or not legal.
    InvalidGroupId = 60,
    /// The member does not belong to the group.
    UnknownMember = 61,
    /// The member's generation is not the group's.
    IllegalGeneration = 62,
    /// The group is rebalancing: the member has to join again.
    RebalanceInProgress = 63,
    /// The member shares no protocol with the group.
    InconsistentProtocol = 64,
    /// The member must join again with the ID that it was just given.
    MemberIdRequired = 65,
    /// Another member has taken over this static member's instance ID.
    FencedInstance = 66,
    /// The session timeout is outside the broker's limits.
    InvalidSessionTimeout = 67,
    /// The group has as many members as it may have.
    GroupFull = 68,
    /// The offset's metadata is too large.
    OffsetMetadataTooLarge = 69,
    /// The member's epoch is not its newest.
    StaleMemberEpoch = 70,
    /// The broker does not know the assignor that a member asks for.
    UnsupportedAssignor = 71,
    /// Another member holds the instance ID and has not given it up.
    UnreleasedInstance = 72,
    /// The regular expression of a subscription is not valid.
    InvalidRegularExpression = 73,
    /// There is no such group, or it is of another kind.
    GroupNotFound = 74,

    /// The member does not hold the record, or not any more.
    InvalidRecordState = 80,
    /// The share session is not known.
    ShareSessionNotFound = 81,
    /// The share session's epoch is not the next one.
    InvalidShareSessionEpoch = 82,
    /// There are as many share sessions as there may be.
    ShareSessionLimitReached = 83,
    /// The member's epoch is not the one that the group knows: it has to join again.
    FencedMemberEpoch = 84,
    /// The group has members, and what was asked for needs a group without.
    NonEmptyGroup = 85,

    /// The broker did not let the user in.
    AuthenticationFailed = 90,
    /// The broker does not let anybody in by this SASL mechanism.
    UnsupportedMechanism = 91,
    /// The broker wants a login, and the client has no user name and password.
    AuthenticationRequired = 92,
    /// A hook of the program that embeds the broker failed.
    HookFailed = 93,
}
}

impl Error {
    /// An error of `kind` with a sentence that says what happened and what to do.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), source: None }
    }

    /// A failed operation on a file or directory; `doing` reads like "writing mensajes.log".
    pub fn storage(doing: impl fmt::Display, source: std::io::Error) -> Self {
        Self {
            kind: ErrorKind::StorageFailed,
            message: format!("{doing} failed: {source}"),
            source: Some(source),
        }
    }

    /// A failed operation on a socket; `doing` reads like "listening on 127.0.0.1:9092".
    pub fn network(doing: impl fmt::Display, source: std::io::Error) -> Self {
        Self {
            kind: ErrorKind::Network,
            message: format!("{doing} failed: {source}"),
            source: Some(source),
        }
    }

    /// What went wrong, for programs.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The same error, with what was being done put before its sentence.
    #[must_use]
    pub fn context(mut self, doing: impl fmt::Display) -> Self {
        self.message = format!("{doing}: {}", self.message);
        self
    }
}

impl Clone for Error {
    /// Copies the kind and the sentence. The operating system's error cannot be copied; its
    /// text is part of the sentence.
    fn clone(&self) -> Self {
        Self { kind: self.kind, message: self.message.clone(), source: None }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_ref().map(|source| source as _)
    }
}

impl ErrorKind {
    /// The number; never changes its meaning.
    pub fn number(self) -> i32 {
        self as i32
    }

    /// The kind with this number.
    pub fn from_number(number: i32) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.number() == number)
    }

    /// The kind with this name, in capitals.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.name() == name)
    }

    /// Whether what gave this error will not work again until it is opened anew.
    pub fn is_fatal(self) -> bool {
        matches!(
            self,
            Self::Internal
                | Self::Closed
                | Self::StorageFailed
                | Self::Damaged
                | Self::FormatTooNew
        )
    }

    /// Whether the same call may succeed later without anything being changed.
    pub fn is_retriable(self) -> bool {
        matches!(
            self,
            Self::Timeout
                | Self::QueueFull
                | Self::Network
                | Self::Interrupted
                | Self::NotLeader
                | Self::CoordinatorUnavailable
                | Self::BrokerUnavailable
                | Self::RebalanceInProgress
                | Self::MemberIdRequired
                | Self::HookFailed
        )
    }
}

/// How long the name of a kind is in capitals.
const fn capitals_len(name: &str) -> usize {
    let (bytes, mut at, mut len) = (name.as_bytes(), 0, 0);
    while at < bytes.len() {
        len += if at > 0 && bytes[at].is_ascii_uppercase() { 2 } else { 1 };
        at += 1;
    }
    len
}

/// The name of a kind in capitals, with `_` between its words.
const fn capitals<const LEN: usize>(name: &str) -> [u8; LEN] {
    let (bytes, mut at, mut len) = (name.as_bytes(), 0, 0);
    let mut letters = [b'_'; LEN];
    while at < bytes.len() {
        if at > 0 && bytes[at].is_ascii_uppercase() {
            len += 1;
        }
        letters[len] = bytes[at].to_ascii_uppercase();
        len += 1;
        at += 1;
    }
    letters
}

const fn text(letters: &[u8]) -> &str {
    match std::str::from_utf8(letters) {
        Ok(text) => text,
        Err(_) => panic!("a name of Rust that is ASCII"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_a_number_and_a_name_of_its_own() {
        assert!(ErrorKind::ALL.windows(2).all(|pair| pair[0].number() < pair[1].number()));
        for kind in ErrorKind::ALL.iter().copied() {
            assert_eq!(ErrorKind::from_number(kind.number()), Some(kind));
            assert_eq!(ErrorKind::from_name(kind.name()), Some(kind));
            assert_eq!(kind.name().replace('_', ""), format!("{kind:?}").to_uppercase());
            assert!(!(kind.is_fatal() && kind.is_retriable()), "{kind:?}");
        }
        assert_eq!(ErrorKind::Internal.name(), "INTERNAL");
        assert_eq!(ErrorKind::UnknownTopicOrPartition.name(), "UNKNOWN_TOPIC_OR_PARTITION");
        assert_eq!(ErrorKind::from_number(0), None);
        assert_eq!(ErrorKind::from_name("Internal"), None);
        assert!(ErrorKind::StorageFailed.is_fatal());
    }
}
