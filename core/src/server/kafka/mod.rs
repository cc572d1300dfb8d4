//! The Kafka protocol: from a request to the engine and back.
//!
//! One file per API, or per family of APIs. Handlers hold no state of the broker.

mod alter_configs;
mod api_versions;
mod cluster;
mod configs;
mod consumer_groups;
mod create_topics;
mod deletions;
mod faulted;
mod fetch;
mod find_coordinator;
mod group_admin;
mod groups;
mod init_producer_id;
mod list_offsets;
mod login;
mod metadata;
mod offset_commit;
mod offset_fetch;
mod produce;
mod share_acknowledge;
mod share_acks;
mod share_fetch;
mod share_groups;
mod share_offsets;
mod topic_admin;

use std::net::SocketAddr;
use std::sync::Arc;

pub(super) use fetch::ParkedFetch;
pub(super) use groups::{ParkedJoin, ParkedSync};
pub(super) use login::{Applicant, Login, Step};
pub(super) use offset_commit::ParkedCommit;
pub(super) use produce::{PendingProduce, refuse as refuse_produce, submit as submit_produce};
pub(super) use share_acknowledge::ParkedAcknowledge;
pub(super) use share_fetch::ParkedShareFetch;

use super::config::ServerConfig;
use super::pending::{Parked, State};
use super::share_session::ShareSessions;
use crate::engine::{Broker, EventKind};
use crate::error::Error;
use crate::sys::event_log::EventLog;
use crate::wire::kafka::api_versions::MINKA;
use crate::wire::kafka::field::Message;
use crate::wire::kafka::header::RequestHeader;
use crate::wire::kafka::request::Request;
use crate::wire::kafka::{ApiKey, DecodeError, EncodeError, ErrorCode, Reader, frame};

/// The ID of the one broker that there is.
const NODE_ID: i32 = 1;

/// The APIs that are served.
const SERVED: &[ApiKey] = &[
    ApiKey::Produce,
    ApiKey::Fetch,
    ApiKey::ListOffsets,
    ApiKey::Metadata,
    ApiKey::OffsetCommit,
    ApiKey::OffsetFetch,
    ApiKey::FindCoordinator,
    ApiKey::JoinGroup,
    ApiKey::Heartbeat,
    ApiKey::LeaveGroup,
    ApiKey::SyncGroup,
    ApiKey::DescribeGroups,
    ApiKey::ListGroups,
    ApiKey::ApiVersions,
    ApiKey::CreateTopics,
    ApiKey::DeleteTopics,
    ApiKey::DeleteRecords,
    ApiKey::InitProducerId,
    ApiKey::DescribeConfigs,
    ApiKey::AlterConfigs,
    ApiKey::CreatePartitions,
    ApiKey::DeleteGroups,
    ApiKey::IncrementalAlterConfigs,
    ApiKey::OffsetDelete,
    ApiKey::DescribeCluster,
    ApiKey::ConsumerGroupHeartbeat,
    ApiKey::ConsumerGroupDescribe,
    ApiKey::ListConfigResources,
    ApiKey::ShareGroupHeartbeat,
    ApiKey::ShareGroupDescribe,
    ApiKey::ShareFetch,
    ApiKey::ShareAcknowledge,
    ApiKey::DescribeShareGroupOffsets,
    ApiKey::AlterShareGroupOffsets,
    ApiKey::DeleteShareGroupOffsets,
];

/// What all connections of the Kafka door share.
#[derive(Debug)]
pub(super) struct Door {
    broker: Arc<Broker>,
    host: String,
    port: u16,
    cluster_id: String,
    frame_bytes_max: usize,
    lenient_replication: bool,
}

/// Why a connection cannot go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal(pub(super) String);

/// What became of a request.
#[derive(Debug)]
pub(super) enum Handled {
    /// The answer has been written.
    Answered,
    /// The answer has been written, and the client has said whether it is minka's own.
    Introduced {
        /// Whether it is.
        is_minka: bool,
    },
    /// The answer has to wait.
    Parked(Parked),
}

/// A request and who asks.
struct Call<'a> {
    state: &'a State<'a>,
    door: &'a Door,
    broker: &'a Broker,
    peer: SocketAddr,
    version: i16,
    correlation_id: i32,
    client_id: &'a str,
}

impl Door {
    pub(super) fn new(
        broker: Arc<Broker>,
        (host, port): (String, u16),
        config: &ServerConfig,
    ) -> Self {
        Self {
            cluster_id: broker.cluster_id(),
            broker,
            host,
            port,
            frame_bytes_max: config.frame_bytes_max,
            lenient_replication: config.lenient_replication,
        }
    }

    pub(super) fn broker(&self) -> &Broker {
        &self.broker
    }

    pub(super) fn events(&self) -> &EventLog {
        self.broker.events()
    }

    /// Tells programs what happened to a client's connection.
    pub(super) fn tell(&self, kind: EventKind, client: SocketAddr) {
        self.broker.tell(kind, |event| event.client = Some(client.to_string().into()));
    }

    pub(super) fn frame_bytes_max(&self) -> usize {
        self.frame_bytes_max
    }
}

impl From<DecodeError> for Refusal {
    fn from(error: DecodeError) -> Self {
        Self(Error::from(error).to_string())
    }
}

impl From<EncodeError> for Refusal {
    fn from(error: EncodeError) -> Self {
        Self(error.to_string())
    }
}

/// Handles any request but Produce; all before it have been answered.
pub(super) fn dispatch(
    state: &State<'_>,
    peer: SocketAddr,
    header: &RequestHeader<'_>,
    reader: &mut Reader<'_>,
    sessions: &mut ShareSessions,
    out: &mut Vec<u8>,
) -> Result<Handled, Refusal> {
    let call = Call::new(state, peer, header);
    if header.api == ApiKey::ApiVersions && !header.api.accepts(header.version) {
        api_versions::refuse_version(&call, out)?;
        return Ok(Handled::Answered);
    }
    if !SERVED.contains(&header.api) {
        return Err(DecodeError::UnknownApi(header.api.key()).into());
    }
    let request = Request::decode(header, reader)?;
    match &request {
        Request::ShareFetch(request) => {
            Ok(Handled::Parked(share_fetch::start(&call, request, sessions)))
        }
        Request::ShareAcknowledge(request) => {
            Ok(Handled::Parked(share_acknowledge::start(&call, request, sessions)))
        }
        request => call.handle(request, out),
    }
}

/// Answers any request but Produce with an error, and does nothing; as [`dispatch`].
pub(super) fn refuse(
    state: &State<'_>,
    peer: SocketAddr,
    header: &RequestHeader<'_>,
    reader: &mut Reader<'_>,
    error: &Error,
    out: &mut Vec<u8>,
) -> Result<(), Refusal> {
    let request = Request::decode(header, reader)?;
    faulted::answer(&Call::new(state, peer, header), &request, error, out)
}

impl<'a> Call<'a> {
    fn new(state: &'a State<'a>, peer: SocketAddr, header: &RequestHeader<'a>) -> Self {
        Self {
            state,
            door: state.door,
            broker: state.door.broker(),
            peer,
            version: header.version,
            correlation_id: header.correlation_id,
            client_id: header.client_id.unwrap_or_default(),
        }
    }
}

impl Call<'_> {
    fn handle(&self, request: &Request<'_>, out: &mut Vec<u8>) -> Result<Handled, Refusal> {
        match request {
            Request::Fetch(request) => return Ok(Handled::Parked(fetch::start(self, request))),
            Request::OffsetCommit(request) => return offset_commit::start(self, request, out),
            Request::JoinGroup(request) => return groups::join(self, request, out),
            Request::SyncGroup(request) => return Ok(groups::sync(self, request)),
            Request::ListOffsets(r) => self.write(out, &list_offsets::answer(self, r)),
            Request::Metadata(r) => self.write(out, &metadata::answer(self, r)),
            Request::OffsetFetch(r) => self.write(out, &offset_fetch::answer(self, r)),
            Request::FindCoordinator(r) => self.write(out, &find_coordinator::answer(self, r)),
            Request::Heartbeat(r) => self.write(out, &groups::heartbeat(self, r)),
            Request::LeaveGroup(r) => self.write(out, &groups::leave(self, r)),
            Request::DescribeGroups(r) => self.write(out, &group_admin::describe(self, r)),
            Request::ListGroups(r) => self.write(out, &group_admin::list(self, r)),
            Request::DeleteGroups(r) => self.write(out, &group_admin::delete(self, r)),
            Request::ApiVersions(r) => {
                self.write(out, &api_versions::answer(self, r))?;
                return Ok(Handled::Introduced { is_minka: r.client_software_name == MINKA });
            }
            Request::CreateTopics(r) => self.write(out, &create_topics::answer(self, r)),
            Request::DeleteTopics(r) => self.write(out, &topic_admin::delete(self, r)),
            Request::CreatePartitions(r) => self.write(out, &topic_admin::grow(self, r)),
            Request::InitProducerId(r) => self.write(out, &init_producer_id::answer(self, r)),
            Request::DescribeConfigs(r) => self.write(out, &configs::answer(self, r)),
            Request::DescribeCluster(r) => self.write(out, &cluster::answer(self, r)),
            Request::ConsumerGroupHeartbeat(r) => {
                self.write(out, &consumer_groups::heartbeat(self, r))
            }
            Request::ConsumerGroupDescribe(r) => {
                self.write(out, &consumer_groups::describe(self, r))
            }
            Request::AlterConfigs(r) => self.write(out, &alter_configs::replace(self, r)),
            Request::IncrementalAlterConfigs(r) => {
                self.write(out, &alter_configs::incremental(self, r))
            }
            Request::ListConfigResources(r) => self.write(out, &alter_configs::list(self, r)),
            Request::DeleteRecords(r) => self.write(out, &deletions::records(self, r)),
            Request::OffsetDelete(r) => self.write(out, &deletions::offsets(self, r)),
            Request::ShareGroupHeartbeat(r) => self.write(out, &share_groups::heartbeat(self, r)),
            Request::ShareGroupDescribe(r) => self.write(out, &share_groups::describe(self, r)),
            Request::DescribeShareGroupOffsets(r) => {
                self.write(out, &share_offsets::describe(self, r))
            }
            Request::AlterShareGroupOffsets(r) => self.write(out, &share_offsets::alter(self, r)),
            Request::DeleteShareGroupOffsets(r) => self.write(out, &share_offsets::delete(self, r)),
            // These have ways of their own, or are not served.
            Request::Produce(_)
            | Request::SaslHandshake(_)
            | Request::SaslAuthenticate(_)
            | Request::OffsetForLeaderEpoch(_)
            | Request::ShareFetch(_)
            | Request::ShareAcknowledge(_) => {
                return Err(Refusal("a request came the wrong way".to_owned()));
            }
        }?;
        Ok(Handled::Answered)
    }

    /// Appends an answer.
    fn write<M: Message>(&self, out: &mut Vec<u8>, answer: &M) -> Result<(), Refusal> {
        Ok(frame::write_response(out, self.version, self.correlation_id, answer)?)
    }

    /// Checks a leader epoch that a client knows; -1 where it knows none.
    fn check_leader_epoch(&self, known: i32) -> Result<(), ErrorCode> {
        check_leader_epoch(self.broker, known)
    }
}

fn check_leader_epoch(broker: &Broker, known: i32) -> Result<(), ErrorCode> {
    match u32::try_from(known) {
        Ok(known) if known < broker.leader_epoch() => Err(ErrorCode::FencedLeaderEpoch),
        Ok(known) if known > broker.leader_epoch() => Err(ErrorCode::UnknownLeaderEpoch),
        _ => Ok(()),
    }
}

/// The leader epoch as the protocol has it.
fn leader_epoch(broker: &Broker) -> i32 {
    i32::try_from(broker.leader_epoch()).unwrap_or(i32::MAX)
}

/// The error's number.
fn code(error: &Error) -> i16 {
    ErrorCode::from(error.kind()).code()
}

/// The number that says how a result is, 0 for good.
fn result_code<T>(result: &Result<T, Error>) -> i16 {
    result.as_ref().err().map_or(0, code)
}

/// An offset as the protocol has it.
fn signed(offset: u64) -> i64 {
    i64::try_from(offset).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{Effect, Fault};

    #[test]
    fn faults_can_be_asked_for_by_the_name_of_each_api() {
        for api in SERVED {
            let effect = Effect::DropAnswer;
            let fault = Fault { at: api.name().to_owned(), nth: 1, times: 1, effect };
            fault.check().unwrap();
        }
    }
}
