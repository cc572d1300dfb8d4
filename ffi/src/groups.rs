//! Groups that an admin was told of.

use minka_core::client::{
    GroupDescription, GroupKind, GroupListing, GroupPartition, MemberDescription,
};

use crate::assignment::{at, minka_topic_partition};
use crate::boundary;
use crate::bytes::{minka_bytes, number, signed};
use crate::handle::{free_memory, output, pointed};
use crate::status::minka_status;

/// In a way that this version does not know.
pub const MINKA_GROUP_OTHER: i32 = 0;
/// Each message goes to one member (a share group, KIP-932).
pub const MINKA_GROUP_QUEUE: i32 = 1;
/// Each partition belongs to one member; the broker assigns them (KIP-848).
pub const MINKA_GROUP_PARTITIONS: i32 = 2;
/// Each partition belongs to one member; a member assigns them.
pub const MINKA_GROUP_CLASSIC: i32 = 3;

/// A list of groups. May be read by several threads at once.
#[derive(Debug)]
pub struct minka_groups {
    groups: Vec<GroupListing>,
}

/// A group with its members and where it is. May be read by several threads at once.
#[derive(Debug)]
pub struct minka_group_description {
    group: GroupListing,
    members: Vec<Member>,
    partitions: Vec<GroupPartition>,
}

/// A group. Its bytes are valid until what it was asked of is freed.
#[repr(C)]
#[derive(Debug)]
pub struct minka_group {
    /// Its name.
    pub name: minka_bytes,
    /// How it shares out its topics: MINKA_GROUP_...
    pub kind: i32,
    /// What it is doing, as Kafka calls it: "Stable", "Empty", ...
    pub state: minka_bytes,
}

/// A member of a group. Its bytes are valid until the description is freed.
#[repr(C)]
#[derive(Debug)]
pub struct minka_member {
    /// Its ID.
    pub id: minka_bytes,
    /// Its instance ID, if it is a static member; else NULL.
    pub instance_id: minka_bytes,
    /// What the client calls itself.
    pub client_id: minka_bytes,
    /// Where the client is.
    pub host: minka_bytes,
    /// The partitions that it has, by topic and number.
    pub assigned: *const minka_topic_partition,
    /// How many partitions it has.
    pub assigned_count: usize,
}

/// Where a group is in a partition. Its bytes are valid until the description is freed.
#[repr(C)]
#[derive(Debug)]
pub struct minka_group_partition {
    /// The topic.
    pub topic: minka_bytes,
    /// The partition.
    pub partition: i32,
    /// The offset that was committed: the next to be read. In a queue group everything before it is
    /// settled. -1 if none.
    pub committed: i64,
    /// The offset of the next record to become visible; -1 where there is no such partition.
    pub end: i64,
    /// How many records lie between the two; in a queue group without those that are settled. -1
    /// where one of them is.
    pub lag: i64,
    /// How many records are with members of a queue group; -1 where the broker does not tell it.
    pub in_flight: i64,
    /// How many records of a queue group wait for another delivery; -1 where the broker does not
    /// tell it.
    pub redelivered: i64,
}

/// How many there are; 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minka_groups_count(groups: *const minka_groups) -> usize {
    boundary::value(0, || {
        // SAFETY: the header says what callers must keep to.
        Ok(unsafe { pointed(groups, "groups") }?.groups.len())
    })
}

/// One of them.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minka_groups_get(
    groups: *const minka_groups,
    index: usize,
    group: *mut minka_group,
) -> minka_status {
    boundary::status(|| {
        // SAFETY: the header says what callers must keep to.
        let (groups, out) = unsafe { (pointed(groups, "groups")?, output(group, "group")?) };
        out.write(minka_group::of(at(&groups.groups, index)?));
        Ok(())
    })
}

/// Frees a list of groups; NULL is let be.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minka_groups_free(groups: *mut minka_groups) {
    // SAFETY: the header says what callers must keep to.
    unsafe { free_memory(groups) }
}

/// The group itself.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minka_group_description_group(
    description: *const minka_group_description,
    group: *mut minka_group,
) -> minka_status {
    boundary::status(|| {
        // SAFETY: the header says what callers must keep to.
        let (description, out) =
            unsafe { (pointed(description, "description")?, output(group, "group")?) };
        out.write(minka_group::of(&description.group));
        Ok(())
    })
}

/// How many members it has; 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minka_group_description_member_count(
    description: *const minka_group_description,
) -> usize {
    boundary::value(0, || {
        // SAFETY: the header says what callers must keep to.
        Ok(unsafe { pointed(description, "description") }?.members.len())
    })
}

/// One of its members.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minka_group_description_member(
    description: *const minka_group_description,
    index: usize,
    member: *mut minka_member,
) -> minka_status {
    boundary::status(|| {
        // SAFETY: the header says what callers must keep to.
        let (description, out) =
            unsafe { (pointed(description, "description")?, output(member, "member")?) };
        let Member { told, assigned } = at(&description.members, index)?;
        out.write(minka_member {
            id: minka_bytes::of(told.id.as_bytes()),
            instance_id: minka_bytes::of_text(told.instance_id.as_deref()),
            client_id: minka_bytes::of(told.client_id.as_bytes()),
            host: minka_bytes::of(told.host.as_bytes()),
            assigned: if assigned.is_empty() { std::ptr::null() } else { assigned.as_ptr() },
            assigned_count: assigned.len(),
        });
        Ok(())
    })
}

/// In how many partitions it has committed something or a member has them, or, in a queue group,
/// has begun to read; 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minka_group_description_partition_count(
    description: *const minka_group_description,
) -> usize {
    boundary::value(0, || {
        // SAFETY: the header says what callers must keep to.
        Ok(unsafe { pointed(description, "description") }?.partitions.len())
    })
}

/// Where it is in one of those partitions, which are in order.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minka_group_description_partition(
    description: *const minka_group_description,
    index: usize,
    partition: *mut minka_group_partition,
) -> minka_status {
    boundary::status(|| {
        // SAFETY: the header says what callers must keep to.
        let (description, out) =
            unsafe { (pointed(description, "description")?, output(partition, "partition")?) };
        let found = at(&description.partitions, index)?;
        out.write(minka_group_partition {
            topic: minka_bytes::of(found.topic.as_bytes()),
            partition: number(found.partition),
            committed: signed(found.committed),
            end: signed(found.end),
            lag: signed(found.lag),
            in_flight: signed(found.in_flight),
            redelivered: signed(found.redelivered),
        });
        Ok(())
    })
}

/// Frees a description of a group; NULL is let be.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minka_group_description_free(description: *mut minka_group_description) {
    // SAFETY: the header says what callers must keep to.
    unsafe { free_memory(description) }
}

/// A member, and its partitions as C has them: they point into what was told.
#[derive(Debug)]
struct Member {
    told: MemberDescription,
    assigned: Vec<minka_topic_partition>,
}

impl minka_groups {
    pub(crate) fn new(groups: Vec<GroupListing>) -> Self {
        Self { groups }
    }
}

impl minka_group_description {
    pub(crate) fn new(found: GroupDescription) -> Self {
        let members = found.members.into_iter().map(|told| {
            let assigned = told.assigned.iter().map(minka_topic_partition::of).collect();
            Member { told, assigned }
        });
        Self {
            members: members.collect(),
            group: GroupListing { name: found.name, kind: found.kind, state: found.state },
            partitions: found.partitions,
        }
    }
}

impl minka_group {
    fn of(group: &GroupListing) -> Self {
        let kind = match group.kind {
            GroupKind::Queue => MINKA_GROUP_QUEUE,
            GroupKind::Partitions => MINKA_GROUP_PARTITIONS,
            GroupKind::Classic => MINKA_GROUP_CLASSIC,
            _ => MINKA_GROUP_OTHER,
        };
        Self {
            name: minka_bytes::of(group.name.as_bytes()),
            kind,
            state: minka_bytes::of(group.state.as_bytes()),
        }
    }
}
