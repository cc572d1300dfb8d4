//! DescribeGroups, ListGroups and DeleteGroups.

use std::borrow::Cow;
use std::collections::BTreeSet;

use super::Call;
use crate::state::groups::{GroupDeletion, GroupListing, GroupState, MemberDescription};
use crate::wire::kafka::ErrorCode;
use crate::wire::kafka::delete_groups::{
    DeletableGroupResult, DeleteGroupsRequest, DeleteGroupsResponse,
};
use crate::wire::kafka::describe_groups::{
    DescribeGroupsRequest, DescribeGroupsResponse, DescribedGroup, DescribedGroupMember,
};
use crate::wire::kafka::list_groups::{ListGroupsRequest, ListGroupsResponse, ListedGroup};

/// Since this version a group that does not exist is an error.
const NOT_FOUND_FROM_VERSION: i16 = 6;

/// Describes groups; one that does not exist is `Dead`.
pub(super) fn describe<'a>(
    call: &Call<'_>,
    request: &DescribeGroupsRequest<'a>,
) -> DescribeGroupsResponse<'a> {
    let mut seen = BTreeSet::new();
    let groups = request.groups.iter().filter(|group| seen.insert(**group));
    let group = groups.map(|group| {
        let description = call.broker.describe_group(group);
        let is_error =
            description.state == GroupState::Dead && call.version >= NOT_FOUND_FROM_VERSION;
        let message = || Cow::Owned(format!("there is no classic group {group}"));
        DescribedGroup {
            error_code: if is_error { ErrorCode::GroupIdNotFound.code() } else { 0 },
            error_message: is_error.then(message),
            group_id: Cow::Borrowed(*group),
            group_state: Cow::Borrowed(description.state.name()),
            protocol_type: Cow::Owned(description.protocol_type),
            protocol_data: Cow::Owned(description.protocol),
            members: description.members.into_iter().map(member).collect(),
            ..DescribedGroup::default()
        }
    });
    DescribeGroupsResponse { groups: group.collect(), ..DescribeGroupsResponse::default() }
}

/// Lists the groups in the states and of the types that are asked for.
pub(super) fn list(
    call: &Call<'_>,
    request: &ListGroupsRequest<'_>,
) -> ListGroupsResponse<'static> {
    let has = |wanted: &[&str], value: &str| {
        wanted.is_empty() || wanted.iter().any(|one| one.eq_ignore_ascii_case(value))
    };
    let wanted = |group: &GroupListing| {
        has(&request.states_filter, group.state.name())
            && has(&request.types_filter, group.kind.name())
    };
    let groups = call.broker.groups().into_iter().filter(wanted);
    let listed = groups.map(|group| ListedGroup {
        group_id: Cow::Owned(group.group),
        protocol_type: Cow::Owned(group.protocol_type),
        group_state: Cow::Borrowed(group.state.name()),
        group_type: Cow::Borrowed(group.kind.name()),
    });
    ListGroupsResponse { groups: listed.collect(), ..ListGroupsResponse::default() }
}

/// Deletes groups without members.
pub(super) fn delete<'a>(
    call: &Call<'_>,
    request: &DeleteGroupsRequest<'a>,
) -> DeleteGroupsResponse<'a> {
    let delete = |group: &&'a str| {
        let error = match call.broker.delete_group(group) {
            GroupDeletion::Deleted => ErrorCode::None,
            GroupDeletion::NotFound => ErrorCode::GroupIdNotFound,
            GroupDeletion::NotEmpty => ErrorCode::NonEmptyGroup,
        };
        DeletableGroupResult { group_id: Cow::Borrowed(*group), error_code: error.code() }
    };
    DeleteGroupsResponse {
        results: request.groups_names.iter().map(delete).collect(),
        ..DeleteGroupsResponse::default()
    }
}

fn member(member: MemberDescription) -> DescribedGroupMember<'static> {
    DescribedGroupMember {
        member_id: Cow::Owned(member.member_id),
        group_instance_id: member.instance_id.map(Cow::Owned),
        client_id: Cow::Owned(member.client_id),
        client_host: Cow::Owned(member.client_host),
        member_metadata: Cow::Owned(member.metadata),
        member_assignment: Cow::Owned(member.assignment),
    }
}
