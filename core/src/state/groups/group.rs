//! One group: its members, and what they wait for.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::clock::Millis;
use crate::error::{Error, ErrorKind, Result};
use crate::state::durable::DurableGroup;
use crate::state::event::{Event, GroupRecord};
use crate::state::groups::consumer::ConsumerGroup;
use crate::state::groups::member::{Member, Waiting};
use crate::state::groups::types::{
    Action, GroupConfig, GroupDescription, GroupState, JoinAnswer, MemberKey, Now, ReplyId,
    SyncAnswer,
};
use crate::state::membership::MemberChange;
use crate::state::offsets::GroupOffsets;

/// What a step of a group may look at and write to, besides the group.
#[derive(Debug)]
pub(super) struct Turn<'a> {
    pub(super) now: Now,
    pub(super) config: &'a GroupConfig,
    pub(super) out: &'a mut Vec<Action>,
    /// Who came and who went.
    pub(super) changes: &'a mut Vec<MemberChange>,
}

#[derive(Debug)]
pub(super) struct Group {
    pub(super) id: Arc<str>,
    pub(super) state: GroupState,
    /// The present generation.
    pub(super) generation: i32,
    /// The highest generation that members were ever told. Higher than the present one where the
    /// broker was stopped before the group became stable.
    pub(super) announced: i32,
    pub(super) protocol_type: Option<String>,
    /// The protocol of the present generation.
    pub(super) protocol: Option<String>,
    pub(super) leader: Option<String>,
    /// By ID. The order decides where Kafka takes any member, so that every run decides alike.
    pub(super) members: BTreeMap<String, Member>,
    /// The IDs of static members, by their instance IDs.
    pub(super) statics: BTreeMap<String, String>,
    /// IDs that were handed out and not used yet, with the steady time when they expire.
    pub(super) pending: BTreeMap<String, Millis>,
    /// While the group is `PreparingRebalance`: until when.
    pub(super) rebalance: Option<Rebalance>,
    /// Until when all members have to ask for their shares, in steady milliseconds.
    pub(super) sync_deadline: Option<Millis>,
    pub(super) offsets: GroupOffsets,
    /// What makes the group a consumer group (KIP-848). What is said above of members is that of
    /// an empty group then.
    pub(super) consumer: Option<Box<ConsumerGroup>>,
    /// What the log has of the group, besides its offsets.
    pub(super) record: Option<GroupRecord>,
    /// Whether the log has anything of the group.
    pub(super) logged: bool,
}

/// How long a rebalance waits for members, in steady milliseconds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rebalance {
    pub(super) deadline: Millis,
    /// The first rebalance of an empty group waits for its whole delay, even if all are there.
    pub(super) initial: Option<InitialDelay>,
}

/// How the first rebalance of an empty group may be prolonged.
#[derive(Debug, Clone, Copy)]
pub(super) struct InitialDelay {
    /// Whether a member has come since the deadline was set.
    pub(super) member_added: bool,
    /// By how much the deadline may move altogether, in milliseconds.
    pub(super) left_ms: Millis,
}

impl Group {
    pub(super) fn new(id: Arc<str>) -> Self {
        Self {
            id,
            state: GroupState::Empty,
            generation: 0,
            announced: 0,
            protocol_type: None,
            protocol: None,
            leader: None,
            members: BTreeMap::new(),
            statics: BTreeMap::new(),
            pending: BTreeMap::new(),
            rebalance: None,
            sync_deadline: None,
            offsets: GroupOffsets::default(),
            consumer: None,
            record: None,
            logged: false,
        }
    }

    /// The group as the log has it; its members' sessions start again.
    pub(super) fn restored(id: Arc<str>, durable: DurableGroup, now: Now) -> Self {
        let mut group = Self::new(id);
        group.logged = true;
        group.offsets = durable.offsets;
        group.announced = durable.generation;
        if let Some(record) = durable.record {
            group.record = Some(record.clone());
            group.generation = record.generation;
            group.protocol_type = record.protocol_type;
            group.protocol = record.protocol;
            group.leader = record.leader;
            for member in record.members {
                group.insert(Member::restored(member, now));
            }
            if !group.members.is_empty() {
                group.state = GroupState::Stable;
            }
        }
        group
    }

    /// The durable part of the group.
    pub(super) fn durable(&self) -> DurableGroup {
        DurableGroup {
            generation: self.announced,
            record: self.record.clone(),
            offsets: self.offsets.clone(),
        }
    }

    pub(super) fn insert(&mut self, member: Member) {
        if let Some(instance_id) = &member.instance_id {
            self.statics.insert(instance_id.clone(), member.id.clone());
        }
        self.members.insert(member.id.clone(), member);
    }

    /// Checks that the sender is a member, and a static one not replaced by another.
    pub(super) fn check_member(&self, key: MemberKey<'_>) -> Result<()> {
        if let Some(instance_id) = key.instance_id {
            match self.statics.get(instance_id) {
                Some(present) if present != key.member_id => return Err(self.fenced(instance_id)),
                Some(_) => {}
                None => return Err(unknown_member(&self.id, key.member_id)),
            }
        }
        if self.members.contains_key(key.member_id) {
            Ok(())
        } else {
            Err(unknown_member(&self.id, key.member_id))
        }
    }

    /// Checks that the sender is a member of the present generation.
    pub(super) fn check_generation(&self, key: MemberKey<'_>, generation: i32) -> Result<()> {
        self.check_member(key)?;
        if generation == self.generation {
            return Ok(());
        }
        let text = format!(
            "group {} is in generation {}, not {generation}: member {} has to join again",
            self.id, self.generation, key.member_id
        );
        Err(Error::new(ErrorKind::IllegalGeneration, text))
    }

    pub(super) fn rebalance_in_progress(&self) -> Error {
        let text = format!("group {} is rebalancing: its members have to join again", self.id);
        Error::new(ErrorKind::RebalanceInProgress, text)
    }

    pub(super) fn fenced(&self, instance_id: &str) -> Error {
        let text = format!(
            "another member of group {} has taken over the instance ID {instance_id}",
            self.id
        );
        Error::new(ErrorKind::FencedInstance, text)
    }

    pub(super) fn is_leader(&self, member_id: &str) -> bool {
        self.leader.as_deref() == Some(member_id)
    }

    /// What a member of the present generation is told when it joins.
    pub(super) fn join_answer(&self, member_id: &str) -> JoinAnswer {
        let protocol = self.protocol.clone().unwrap_or_default();
        let members = if self.is_leader(member_id) {
            self.members.values().map(|member| member.for_leader(&protocol)).collect()
        } else {
            Vec::new()
        };
        JoinAnswer {
            generation: self.generation,
            protocol_type: self.protocol_type.clone().unwrap_or_default(),
            protocol,
            leader: self.leader.clone().unwrap_or_default(),
            skip_assignment: false,
            members,
        }
    }

    /// A member's share.
    pub(super) fn sync_answer(&self, member: &Member) -> SyncAnswer {
        SyncAnswer {
            protocol_type: self.protocol_type.clone().unwrap_or_default(),
            protocol: self.protocol.clone().unwrap_or_default(),
            assignment: member.assignment.clone(),
        }
    }

    /// Writes the group into the log.
    pub(super) fn persist(&mut self, turn: &mut Turn<'_>) {
        let record = GroupRecord {
            group: self.id.to_string(),
            generation: self.generation,
            protocol_type: self.protocol_type.clone(),
            protocol: self.protocol.clone(),
            leader: self.leader.clone(),
            members: self.members.values().map(Member::record).collect(),
            changed_ms: turn.now.wall,
        };
        self.record = Some(record.clone());
        self.logged = true;
        turn.out.push(Action::Persist(Event::GroupStable(Box::new(record))));
    }

    pub(super) fn describe(&self) -> GroupDescription {
        let protocol = self.protocol.as_deref().filter(|_| self.state == GroupState::Stable);
        GroupDescription {
            state: self.state,
            protocol_type: self.protocol_type.clone().unwrap_or_default(),
            protocol: protocol.unwrap_or_default().to_owned(),
            members: self.members.values().map(|member| member.describe(protocol)).collect(),
        }
    }

    /// Whether nothing would be lost with the group.
    pub(super) fn is_vacant(&self) -> bool {
        self.is_empty() && self.pending.is_empty() && self.offsets.is_empty()
    }

    /// Whether the group has no members of either kind.
    pub(super) fn is_empty(&self) -> bool {
        self.state == GroupState::Empty && self.consumer.as_ref().is_none_or(|c| c.is_empty())
    }
}

impl Turn<'_> {
    pub(super) fn join_reply(
        &mut self,
        waiting: Waiting,
        member_id: &str,
        answer: Result<JoinAnswer>,
    ) {
        if let Waiting::For(reply) = waiting {
            let member_id = member_id.to_owned();
            self.out.push(Action::JoinReply { reply, member_id, answer });
        }
    }

    pub(super) fn sync_reply(&mut self, waiting: Waiting, answer: Result<SyncAnswer>) {
        if let Waiting::For(reply) = waiting {
            self.out.push(Action::SyncReply { reply, answer });
        }
    }

    /// Notes that a member came or went.
    pub(super) fn note_member(&mut self, group: &Arc<str>, member: (&str, &str), joined: bool) {
        let (member_id, client_id) = (member.0.to_owned(), member.1.to_owned());
        self.changes.push(MemberChange { group: Arc::clone(group), member_id, client_id, joined });
    }

    pub(super) fn refuse_join(&mut self, reply: ReplyId, member_id: &str, error: Error) {
        self.join_reply(Waiting::For(reply), member_id, Err(error));
    }
}

pub(super) fn unknown_member(group: &str, member_id: &str) -> Error {
    let text = format!("group {group} has no member {member_id:?}: join it again");
    Error::new(ErrorKind::UnknownMember, text)
}
