//! Answers that say an error which a test asked for, without anything being done.

use std::borrow::Cow;

use super::{Call, Refusal, metadata};
use crate::error::Error;
use crate::wire::kafka::consumer_group_heartbeat::ConsumerGroupHeartbeatResponse;
use crate::wire::kafka::create_topics::{
    CreatableTopicResult, CreateTopicsRequest, CreateTopicsResponse,
};
use crate::wire::kafka::delete_topics::{
    DeletableTopicResult, DeleteTopicsRequest, DeleteTopicsResponse,
};
use crate::wire::kafka::fetch::{
    FetchPartitionResponse, FetchRequest, FetchResponse, FetchTopicResponse,
};
use crate::wire::kafka::find_coordinator::{
    Coordinator, FindCoordinatorRequest, FindCoordinatorResponse,
};
use crate::wire::kafka::heartbeat::HeartbeatResponse;
use crate::wire::kafka::init_producer_id::InitProducerIdResponse;
use crate::wire::kafka::join_group::{JoinGroupRequest, JoinGroupResponse};
use crate::wire::kafka::leave_group::LeaveGroupResponse;
use crate::wire::kafka::list_offsets::{
    ListOffsetsPartitionResponse, ListOffsetsRequest, ListOffsetsResponse, ListOffsetsTopicResponse,
};
use crate::wire::kafka::metadata::{MetadataRequest, MetadataResponse, MetadataTopic};
use crate::wire::kafka::offset_commit::{
    OffsetCommitPartitionResponse, OffsetCommitRequest, OffsetCommitResponse,
    OffsetCommitTopicResponse,
};
use crate::wire::kafka::offset_fetch::{
    OffsetFetchGroupResponse, OffsetFetchPartitionResponse, OffsetFetchRequest,
    OffsetFetchResponse, OffsetFetchTopicResponse,
};
use crate::wire::kafka::request::Request;
use crate::wire::kafka::share_acknowledge::ShareAcknowledgeResponse;
use crate::wire::kafka::share_fetch::ShareFetchResponse;
use crate::wire::kafka::share_group_heartbeat::ShareGroupHeartbeatResponse;
use crate::wire::kafka::sync_group::SyncGroupResponse;

/// The error, as answers have it.
struct Failure {
    code: i16,
    text: String,
}

/// Answers any request that can fail, but Produce.
pub(super) fn answer(
    call: &Call<'_>,
    request: &Request<'_>,
    error: &Error,
    out: &mut Vec<u8>,
) -> Result<(), Refusal> {
    let failure = Failure { code: super::code(error), text: error.to_string() };
    match request {
        Request::Fetch(request) => call.write(out, &failure.fetch(request)),
        Request::ListOffsets(request) => call.write(out, &failure.list_offsets(request)),
        Request::Metadata(request) => call.write(out, &failure.metadata(call, request)),
        Request::OffsetCommit(request) => call.write(out, &failure.offset_commit(request)),
        Request::OffsetFetch(request) => call.write(out, &failure.offset_fetch(request)),
        Request::FindCoordinator(request) => call.write(out, &failure.find_coordinator(request)),
        Request::JoinGroup(request) => call.write(out, &failure.join_group(request)),
        Request::DeleteTopics(request) => call.write(out, &failure.delete_topics(request)),
        Request::CreateTopics(request) => call.write(out, &failure.create_topics(request)),
        other => failure.whole(call, other, out),
    }
}

impl Failure {
    fn text(&self) -> Option<Cow<'static, str>> {
        Some(Cow::Owned(self.text.clone()))
    }

    /// Answers that have one error for everything.
    fn whole(
        &self,
        call: &Call<'_>,
        request: &Request<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), Refusal> {
        let error_code = self.code;
        let error_message = self.text();
        match request {
            Request::SyncGroup(_) => {
                call.write(out, &SyncGroupResponse { error_code, ..SyncGroupResponse::default() })
            }
            Request::Heartbeat(_) => {
                call.write(out, &HeartbeatResponse { error_code, ..HeartbeatResponse::default() })
            }
            Request::LeaveGroup(_) => {
                call.write(out, &LeaveGroupResponse { error_code, ..LeaveGroupResponse::default() })
            }
            Request::InitProducerId(_) => {
                let rest = InitProducerIdResponse::default();
                call.write(out, &InitProducerIdResponse { error_code, ..rest })
            }
            Request::ConsumerGroupHeartbeat(_) => {
                let rest = ConsumerGroupHeartbeatResponse::default();
                let answer = ConsumerGroupHeartbeatResponse { error_code, error_message, ..rest };
                call.write(out, &answer)
            }
            Request::ShareGroupHeartbeat(_) => {
                let rest = ShareGroupHeartbeatResponse::default();
                let answer = ShareGroupHeartbeatResponse { error_code, error_message, ..rest };
                call.write(out, &answer)
            }
            Request::ShareFetch(_) => {
                let rest = ShareFetchResponse::default();
                call.write(out, &ShareFetchResponse { error_code, error_message, ..rest })
            }
            Request::ShareAcknowledge(_) => {
                let rest = ShareAcknowledgeResponse::default();
                call.write(out, &ShareAcknowledgeResponse { error_code, error_message, ..rest })
            }
            // Nobody can ask for that; the client learns of it in the only way that is left.
            _ => Err(Refusal(self.text.clone())),
        }
    }

    fn fetch<'a>(&self, request: &FetchRequest<'a>) -> FetchResponse<'a> {
        let partition = |partition_index| FetchPartitionResponse {
            partition_index,
            error_code: self.code,
            high_watermark: -1,
            records: Some(Cow::Borrowed(&[])),
            ..FetchPartitionResponse::default()
        };
        let topics = request.topics.iter().map(|topic| FetchTopicResponse {
            topic: Cow::Borrowed(topic.topic),
            topic_id: topic.topic_id,
            partitions: topic.partitions.iter().map(|one| partition(one.partition)).collect(),
        });
        FetchResponse { responses: topics.collect(), ..FetchResponse::default() }
    }

    fn list_offsets<'a>(&self, request: &ListOffsetsRequest<'a>) -> ListOffsetsResponse<'a> {
        let partition = |partition_index| ListOffsetsPartitionResponse {
            partition_index,
            error_code: self.code,
            ..ListOffsetsPartitionResponse::default()
        };
        let topics = request.topics.iter().map(|topic| ListOffsetsTopicResponse {
            name: Cow::Borrowed(topic.name),
            partitions: topic.partitions.iter().map(|one| partition(one.partition_index)).collect(),
        });
        ListOffsetsResponse { topics: topics.collect(), ..ListOffsetsResponse::default() }
    }

    /// The brokers are told as ever: a client without any would give up.
    fn metadata<'a>(
        &self,
        call: &'a Call<'_>,
        request: &MetadataRequest<'a>,
    ) -> MetadataResponse<'a> {
        let everything = MetadataRequest { topics: None, ..MetadataRequest::default() };
        let nothing = MetadataRequest { topics: Some(Vec::new()), ..MetadataRequest::default() };
        let asks_for_all = request.asks_for_all(call.version);
        let mut answer = metadata::answer(call, if asks_for_all { &everything } else { &nothing });
        if !asks_for_all {
            let asked = request.topics.iter().flatten();
            let topics = asked.map(|asked| MetadataTopic {
                name: asked.name.map(Cow::Borrowed),
                topic_id: asked.topic_id,
                ..MetadataTopic::default()
            });
            answer.topics = topics.collect();
        }
        for topic in &mut answer.topics {
            topic.error_code = self.code;
            topic.partitions.clear();
        }
        answer.error_code = self.code;
        answer
    }

    fn offset_commit<'a>(&self, request: &OffsetCommitRequest<'a>) -> OffsetCommitResponse<'a> {
        let partition = |partition_index| OffsetCommitPartitionResponse {
            partition_index,
            error_code: self.code,
        };
        let topics = request.topics.iter().map(|topic| OffsetCommitTopicResponse {
            name: Cow::Borrowed(topic.name),
            partitions: topic.partitions.iter().map(|one| partition(one.partition_index)).collect(),
        });
        OffsetCommitResponse { topics: topics.collect(), ..OffsetCommitResponse::default() }
    }

    fn offset_fetch<'a>(&self, request: &OffsetFetchRequest<'a>) -> OffsetFetchResponse<'a> {
        let partition = |&partition_index: &i32| OffsetFetchPartitionResponse {
            partition_index,
            committed_offset: -1,
            metadata: Some(Cow::Borrowed("")),
            error_code: self.code,
            ..OffsetFetchPartitionResponse::default()
        };
        // The versions before the error of the whole answer have it in each partition.
        let topics = request.topics.iter().flatten().map(|topic| OffsetFetchTopicResponse {
            name: Cow::Borrowed(topic.name),
            partitions: topic.partition_indexes.iter().map(partition).collect(),
        });
        let groups = request.groups.iter().map(|group| OffsetFetchGroupResponse {
            group_id: Cow::Borrowed(group.group_id),
            topics: Vec::new(),
            error_code: self.code,
        });
        OffsetFetchResponse {
            topics: topics.collect(),
            error_code: self.code,
            groups: groups.collect(),
            ..OffsetFetchResponse::default()
        }
    }

    fn find_coordinator<'a>(
        &self,
        request: &FindCoordinatorRequest<'a>,
    ) -> FindCoordinatorResponse<'a> {
        let coordinators = request.coordinator_keys.iter().map(|key| Coordinator {
            key: Cow::Borrowed(key),
            node_id: -1,
            port: -1,
            error_code: self.code,
            error_message: self.text(),
            ..Coordinator::default()
        });
        FindCoordinatorResponse {
            error_code: self.code,
            error_message: self.text(),
            node_id: -1,
            port: -1,
            coordinators: coordinators.collect(),
            ..FindCoordinatorResponse::default()
        }
    }

    fn join_group<'a>(&self, request: &JoinGroupRequest<'a>) -> JoinGroupResponse<'a> {
        JoinGroupResponse {
            error_code: self.code,
            protocol_name: Some(Cow::Borrowed("")),
            member_id: Cow::Borrowed(request.member_id),
            ..JoinGroupResponse::default()
        }
    }

    fn create_topics<'a>(&self, request: &CreateTopicsRequest<'a>) -> CreateTopicsResponse<'a> {
        let topics = request.topics.iter().map(|topic| CreatableTopicResult {
            name: Cow::Borrowed(topic.name),
            error_code: self.code,
            error_message: self.text(),
            ..CreatableTopicResult::default()
        });
        CreateTopicsResponse { topics: topics.collect(), ..CreateTopicsResponse::default() }
    }

    fn delete_topics<'a>(&self, request: &DeleteTopicsRequest<'a>) -> DeleteTopicsResponse<'a> {
        let result = |name: Option<&'a str>, topic_id| DeletableTopicResult {
            name: name.map(Cow::Borrowed),
            topic_id,
            error_code: self.code,
            error_message: self.text(),
        };
        let states = request.topics.iter().map(|topic| result(topic.name, topic.topic_id));
        let names = request.topic_names.iter().map(|name| result(Some(name), Default::default()));
        DeleteTopicsResponse {
            responses: states.chain(names).collect(),
            ..DeleteTopicsResponse::default()
        }
    }
}
