//! What a broker's error codes are to a program.

use std::fmt;

use crate::error::{Error, ErrorKind, Result};
use crate::wire::kafka::ErrorCode;

/// The kinds of the codes that have one; any other is [`ErrorKind::Internal`].
const KINDS: &[(ErrorCode, ErrorKind)] = &[
    (ErrorCode::OffsetOutOfRange, ErrorKind::OffsetOutOfRange),
    (ErrorCode::CorruptMessage, ErrorKind::CorruptBatch),
    (ErrorCode::UnknownTopicOrPartition, ErrorKind::UnknownTopicOrPartition),
    (ErrorCode::LeaderNotAvailable, ErrorKind::NotLeader),
    (ErrorCode::NotLeaderOrFollower, ErrorKind::NotLeader),
    (ErrorCode::RequestTimedOut, ErrorKind::Timeout),
    (ErrorCode::MessageTooLarge, ErrorKind::MessageTooLarge),
    (ErrorCode::OffsetMetadataTooLarge, ErrorKind::OffsetMetadataTooLarge),
    (ErrorCode::CoordinatorLoadInProgress, ErrorKind::CoordinatorUnavailable),
    (ErrorCode::CoordinatorNotAvailable, ErrorKind::CoordinatorUnavailable),
    (ErrorCode::NotCoordinator, ErrorKind::CoordinatorUnavailable),
    (ErrorCode::InvalidTopic, ErrorKind::InvalidTopic),
    (ErrorCode::RecordListTooLarge, ErrorKind::MessageTooLarge),
    (ErrorCode::InvalidRequiredAcks, ErrorKind::InvalidRequiredAcks),
    (ErrorCode::IllegalGeneration, ErrorKind::IllegalGeneration),
    (ErrorCode::InconsistentGroupProtocol, ErrorKind::InconsistentProtocol),
    (ErrorCode::InvalidGroupId, ErrorKind::InvalidGroupId),
    (ErrorCode::UnknownMemberId, ErrorKind::UnknownMember),
    (ErrorCode::InvalidSessionTimeout, ErrorKind::InvalidSessionTimeout),
    (ErrorCode::RebalanceInProgress, ErrorKind::RebalanceInProgress),
    (ErrorCode::InvalidTimestamp, ErrorKind::InvalidTimestamp),
    (ErrorCode::UnsupportedSaslMechanism, ErrorKind::UnsupportedMechanism),
    (ErrorCode::UnsupportedVersion, ErrorKind::Unsupported),
    (ErrorCode::TopicAlreadyExists, ErrorKind::TopicExists),
    (ErrorCode::InvalidPartitions, ErrorKind::InvalidPartitions),
    (ErrorCode::InvalidReplicationFactor, ErrorKind::InvalidReplicationFactor),
    (ErrorCode::InvalidReplicaAssignment, ErrorKind::InvalidReplicaAssignment),
    (ErrorCode::InvalidConfig, ErrorKind::InvalidConfig),
    (ErrorCode::InvalidRequest, ErrorKind::InvalidRequest),
    (ErrorCode::UnsupportedForMessageFormat, ErrorKind::UnsupportedFormat),
    (ErrorCode::PolicyViolation, ErrorKind::PolicyViolation),
    (ErrorCode::OutOfOrderSequenceNumber, ErrorKind::OutOfOrderSequence),
    (ErrorCode::InvalidProducerEpoch, ErrorKind::InvalidProducerEpoch),
    (ErrorCode::KafkaStorageError, ErrorKind::StorageFailed),
    (ErrorCode::SaslAuthenticationFailed, ErrorKind::AuthenticationFailed),
    (ErrorCode::FencedLeaderEpoch, ErrorKind::FencedLeaderEpoch),
    (ErrorCode::UnknownLeaderEpoch, ErrorKind::UnknownLeaderEpoch),
    (ErrorCode::UnsupportedCompressionType, ErrorKind::UnsupportedCompression),
    (ErrorCode::MemberIdRequired, ErrorKind::MemberIdRequired),
    (ErrorCode::GroupMaxSizeReached, ErrorKind::GroupFull),
    (ErrorCode::FencedInstanceId, ErrorKind::FencedInstance),
    (ErrorCode::InvalidRecord, ErrorKind::InvalidRecord),
    (ErrorCode::ProducerFenced, ErrorKind::InvalidProducerEpoch),
    (ErrorCode::UnknownTopicId, ErrorKind::UnknownTopicId),
    (ErrorCode::GroupIdNotFound, ErrorKind::GroupNotFound),
    (ErrorCode::NonEmptyGroup, ErrorKind::NonEmptyGroup),
    (ErrorCode::FencedMemberEpoch, ErrorKind::FencedMemberEpoch),
    (ErrorCode::StaleMemberEpoch, ErrorKind::StaleMemberEpoch),
    (ErrorCode::UnsupportedAssignor, ErrorKind::UnsupportedAssignor),
    (ErrorCode::UnreleasedInstanceId, ErrorKind::UnreleasedInstance),
    (ErrorCode::InvalidRegularExpression, ErrorKind::InvalidRegularExpression),
    (ErrorCode::InvalidRecordState, ErrorKind::InvalidRecordState),
    (ErrorCode::ShareSessionNotFound, ErrorKind::ShareSessionNotFound),
    (ErrorCode::InvalidShareSessionEpoch, ErrorKind::InvalidShareSessionEpoch),
    (ErrorCode::ShareSessionLimitReached, ErrorKind::ShareSessionLimitReached),
];

/// The kind of an error code.
pub(crate) fn kind_of(code: i16) -> ErrorKind {
    let found = KINDS.iter().find(|(known, _)| known.code() == code);
    found.map_or(ErrorKind::Internal, |(_, kind)| *kind)
}

/// Refuses an error code: with the broker's own words, if it sent any. `doing` reads like
/// "creating topic orders".
pub(crate) fn check(code: i16, words: Option<&str>, doing: impl fmt::Display) -> Result<()> {
    if code == ErrorCode::None.code() {
        return Ok(());
    }
    let kind = kind_of(code);
    let words = words.filter(|words| !words.is_empty());
    let reason = match (words, kind) {
        (Some(words), _) => words.to_owned(),
        (None, ErrorKind::Internal) => format!("the broker answered with error code {code}"),
        (None, kind) => format!("the broker answered with {kind:?} (error code {code})"),
    };
    Err(Error::new(kind, format!("{doing}: {reason}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_minka_sends_comes_back_as_the_kind_it_was() {
        for &(_, kind) in KINDS {
            let code = ErrorCode::from(kind);
            let same = kind_of(code.code());
            // These are the client's own; a broker of minka never has them.
            let own = matches!(
                kind,
                ErrorKind::NotLeader | ErrorKind::CoordinatorUnavailable | ErrorKind::Unsupported
            );
            assert!(same == kind || own, "{kind:?} became {same:?}");
        }
        assert_eq!(kind_of(-1), ErrorKind::Internal);
    }

    #[test]
    fn the_brokers_words_come_first() {
        assert!(check(0, Some("ignored"), "doing").is_ok());
        let error = check(36, Some("it is there"), "creating topic a").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TopicExists);
        assert_eq!(error.to_string(), "creating topic a: it is there");
        let error = check(3, None, "asking").unwrap_err();
        assert!(error.to_string().contains("error code 3"), "{error}");
    }
}
