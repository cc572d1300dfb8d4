//! Random lives of consumer groups: clients join, sync, fall silent, lose their connections and
//! come back in every order, and the broker stops in between. Whatever happens, some things hold.

#![expect(clippy::unwrap_used, reason = "a test ends where something is not as it should be")]

use std::collections::{BTreeMap, BTreeSet};

use minka::ErrorKind;
use minka::state::durable::DurableState;
use minka::state::event::{CommitEntry, Event};
use minka::state::groups::{
    Action, CommitRequest, Coordinator, GroupConfig, GroupState, JoinAnswer, JoinRequest,
    MemberKey, Now, ReplyId, SyncRequest,
};
use proptest::prelude::*;

const CLIENTS: usize = 6;
const GROUPS: [&str; 2] = ["g", "h"];

#[derive(Debug, Clone, Copy)]
enum Step {
    Join(usize),
    Sync(usize),
    Heartbeat(usize),
    Commit(usize),
    Leave(usize),
    /// The client loses its connection, and its memory as well if it is told so.
    Disconnect(usize, bool),
    /// The client answers whatever it was told last, as a well-behaved one does.
    Follow(usize),
    Pass(u16),
    RestartBroker,
    Delete(usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let client = 0..CLIENTS;
    let step = prop_oneof![
        3 => client.clone().prop_map(Step::Join),
        2 => client.clone().prop_map(Step::Sync),
        2 => client.clone().prop_map(Step::Heartbeat),
        1 => client.clone().prop_map(Step::Commit),
        1 => client.clone().prop_map(Step::Leave),
        1 => (client.clone(), any::<bool>()).prop_map(|(client, all)| Step::Disconnect(client, all)),
        20 => client.prop_map(Step::Follow),
        4 => (0..15_000_u16).prop_map(Step::Pass),
        1 => Just(Step::RestartBroker),
        1 => (0..GROUPS.len()).prop_map(Step::Delete),
    ];
    prop::collection::vec(step, 1..250)
}

/// A client as it knows itself.
#[derive(Debug, Default)]
struct Client {
    member_id: String,
    generation: i32,
    /// The last answer to a join that it has not synced for yet.
    to_sync: Option<JoinAnswer>,
    leads: bool,
    waits_for: Option<ReplyId>,
}

struct World {
    groups: Coordinator,
    config: GroupConfig,
    now: Now,
    log: DurableState,
    clients: Vec<Client>,
    /// Who waits for which answer. Each comes once, and none for a lost connection.
    open: BTreeMap<ReplyId, usize>,
    /// The last generation that each group has announced.
    announced: BTreeMap<String, i32>,
    /// The generations with which groups came back from the log.
    restored: BTreeMap<String, i32>,
    next: u64,
}

/// Odd clients are static members; the first half is in one group, the rest in the other.
fn instance(client: usize) -> Option<String> {
    (client % 2 == 1).then(|| format!("i{client}"))
}

fn group(client: usize) -> &'static str {
    GROUPS[client * GROUPS.len() / CLIENTS]
}

impl World {
    fn new(initial_rebalance_delay_ms: u32, members_max: usize) -> Self {
        let config =
            GroupConfig { initial_rebalance_delay_ms, members_max, ..GroupConfig::default() };
        let now = Now { steady: 0, wall: 50 };
        Self {
            groups: Coordinator::restore(config, [], now),
            config,
            now,
            log: DurableState::default(),
            clients: (0..CLIENTS).map(|_| Client::default()).collect(),
            open: BTreeMap::new(),
            announced: BTreeMap::new(),
            restored: BTreeMap::new(),
            next: 0,
        }
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Join(client) => self.join(client),
            Step::Sync(client) => self.sync(client),
            Step::Heartbeat(client) => self.heartbeat(client),
            Step::Commit(client) => self.commit(client),
            Step::Leave(client) => self.leave(client),
            Step::Disconnect(client, all) => self.disconnect(client, all),
            Step::Follow(client) if self.clients[client].waits_for.is_some() => {}
            Step::Follow(client) if self.clients[client].to_sync.is_some() => self.sync(client),
            Step::Follow(client) if self.clients[client].generation > 0 => self.heartbeat(client),
            Step::Follow(client) => self.join(client),
            Step::Pass(ms) => self.pass(i64::from(ms)),
            Step::RestartBroker => self.restart_broker(),
            Step::Delete(group) => {
                let mut out = Vec::new();
                self.groups.delete_group(GROUPS[group], &mut out);
                self.take(out);
            }
        }
        self.check();
    }

    fn reply(&mut self, client: usize) -> ReplyId {
        self.next += 1;
        let reply = ReplyId(self.next);
        self.open.insert(reply, client);
        self.clients[client].waits_for = Some(reply);
        reply
    }

    fn join(&mut self, client: usize) {
        let reply = self.reply(client);
        let speaks: &[&str] = if self.next.is_multiple_of(3) { &["b", "a"] } else { &["a", "b"] };
        let metadata = vec![u8::try_from(self.next % 2).unwrap()];
        let request = JoinRequest {
            reply,
            group: group(client).into(),
            member_id: self.clients[client].member_id.clone(),
            instance_id: instance(client),
            new_member_id: format!("c{client}-{}", self.next),
            require_known_member_id: client.is_multiple_of(4),
            supports_skip_assignment: client == 1,
            client_id: format!("c{client}"),
            client_host: "h".into(),
            session_timeout_ms: 6000 + i32::try_from(client).unwrap() * 1000,
            rebalance_timeout_ms: i32::try_from(client).unwrap() * 3000,
            protocol_type: "consumer".into(),
            protocols: speaks.iter().map(|name| ((*name).into(), metadata.clone())).collect(),
        };
        let mut out = Vec::new();
        self.groups.join(request, self.now, &mut out);
        self.take(out);
    }

    fn sync(&mut self, client: usize) {
        let reply = self.reply(client);
        let known = &mut self.clients[client];
        let members = known.to_sync.take().map(|answer| answer.members).unwrap_or_default();
        let share = |id: String| (id.clone(), id.into_bytes());
        let request = SyncRequest {
            reply,
            group: group(client).into(),
            generation: known.generation,
            member_id: known.member_id.clone(),
            instance_id: instance(client),
            protocol_type: None,
            protocol: None,
            assignments: members.into_iter().map(|member| share(member.member_id)).collect(),
        };
        let mut out = Vec::new();
        self.groups.sync(request, self.now, &mut out);
        self.take(out);
    }

    fn heartbeat(&mut self, client: usize) {
        let instance_id = instance(client);
        let known = &self.clients[client];
        let key = MemberKey { member_id: &known.member_id, instance_id: instance_id.as_deref() };
        let answer = self.groups.heartbeat(group(client), key, known.generation, self.now);
        self.react(client, answer.err().map(|error| error.kind()));
    }

    fn commit(&mut self, client: usize) {
        let instance_id = instance(client);
        let known = &self.clients[client];
        let entries = [CommitEntry {
            partition: 1,
            offset: self.next as i64,
            leader_epoch: 0,
            metadata: None,
        }];
        let member = MemberKey { member_id: &known.member_id, instance_id: instance_id.as_deref() };
        let generation = if known.generation == 0 { -1 } else { known.generation };
        let request = CommitRequest {
            group: group(client),
            member,
            generation,
            entries: &entries,
            retention_ms: None,
        };
        let mut out = Vec::new();
        let result = self.groups.commit(&request, self.now, &mut out);
        assert_eq!(result.is_ok(), !out.is_empty(), "what is accepted is in the log");
        self.take(out);
    }

    fn leave(&mut self, client: usize) {
        self.disconnect(client, false);
        let known = std::mem::take(&mut self.clients[client]);
        let instance_id = instance(client);
        let key = MemberKey { member_id: &known.member_id, instance_id: instance_id.as_deref() };
        let mut out = Vec::new();
        self.groups.leave(group(client), &[key], self.now, &mut out).unwrap();
        self.take(out);
    }

    fn disconnect(&mut self, client: usize, forgets: bool) {
        let lost: Vec<_> = self.open.iter().filter(|(_, c)| **c == client).map(|o| *o.0).collect();
        for reply in lost {
            self.open.remove(&reply);
            self.groups.forget_reply(reply, self.now);
        }
        self.clients[client].waits_for = None;
        if forgets {
            self.clients[client] = Client::default();
        }
    }

    fn restart_broker(&mut self) {
        let bytes = self.log.to_bytes();
        self.log = DurableState::from_bytes(&bytes).unwrap();
        self.now.steady = 0;
        self.groups = Coordinator::restore(self.config, self.log.groups.clone(), self.now);
        self.open.clear();
        self.clients.iter_mut().for_each(|client| client.waits_for = None);
        self.restored = self.log.groups.keys().map(|id| (id.clone(), self.logged(id))).collect();
    }

    /// The generation of a group that the log has; 0 for none.
    fn logged(&self, id: &str) -> i32 {
        let record = self.log.groups.get(id).and_then(|group| group.record.as_ref());
        record.map_or(0, |record| record.generation)
    }

    fn pass(&mut self, ms: i64) {
        let end = self.now.steady + ms;
        for ticks in 0.. {
            assert!(ticks < 10_000, "time stands still");
            let step = self.groups.next_deadline().filter(|at| *at <= end).unwrap_or(end);
            let passed = (step - self.now.steady).max(0);
            self.now = Now { steady: self.now.steady + passed, wall: self.now.wall + passed };
            let mut out = Vec::new();
            self.groups.tick(self.now, &mut out);
            self.take(out);
            if self.groups.next_deadline().is_none_or(|at| at > end) && step == end {
                return;
            }
        }
    }

    fn take(&mut self, actions: Vec<Action>) {
        for action in actions {
            match action {
                Action::JoinReply { reply, member_id, answer } => {
                    let Some(client) = self.answered(reply) else {
                        continue;
                    };
                    match answer {
                        Ok(answer) => self.welcome(client, member_id, answer),
                        Err(error) if error.kind() == ErrorKind::MemberIdRequired => {
                            self.clients[client].member_id = member_id;
                        }
                        Err(error) => self.react(client, Some(error.kind())),
                    }
                }
                Action::SyncReply { reply, answer } => {
                    let Some(client) = self.answered(reply) else {
                        continue;
                    };
                    if let Ok(answer) = &answer {
                        let own = self.clients[client].member_id.as_bytes();
                        let share = &answer.assignment;
                        assert!(share.is_empty() || share == own || instance(client).is_some());
                    }
                    self.react(client, answer.err().map(|error| error.kind()));
                }
                Action::Persist(event) => {
                    if let Event::GroupRemoved { group } = &event {
                        self.announced.remove(group);
                        self.restored.remove(group);
                    }
                    self.log.apply(&Event::decode(&event.encode()).unwrap());
                }
            }
        }
    }

    /// Who gets this answer; none if it has asked again meanwhile.
    fn answered(&mut self, reply: ReplyId) -> Option<usize> {
        let client = self.open.remove(&reply).expect("an answer that somebody waits for, once");
        let known = &mut self.clients[client];
        let is_last = known.waits_for == Some(reply);
        if is_last {
            known.waits_for = None;
        }
        is_last.then_some(client)
    }

    fn welcome(&mut self, client: usize, member_id: String, answer: JoinAnswer) {
        let (id, generation) = (group(client), answer.generation);
        let last = self.announced.entry(id.into()).or_default();
        let goes_on = self.restored.get(id) == Some(&generation);
        assert!(generation >= *last || goes_on, "{generation} after {last}");
        *last = generation.max(*last);
        let known = &mut self.clients[client];
        known.leads = answer.leader == member_id;
        assert_eq!(known.leads, !answer.members.is_empty(), "only the leader sees the members");
        known.member_id = member_id;
        known.generation = answer.generation;
        known.to_sync = Some(answer);
    }

    fn react(&mut self, client: usize, refusal: Option<ErrorKind>) {
        let known = &mut self.clients[client];
        match refusal {
            None => {}
            Some(ErrorKind::RebalanceInProgress) => {
                (known.generation, known.to_sync) = (0, None);
            }
            Some(_) => *known = Client { waits_for: known.waits_for, ..Client::default() },
        }
    }

    /// What always holds.
    fn check(&mut self) {
        assert_eq!(self.groups.durable(), self.log.groups, "the log has what the broker has");
        for id in GROUPS {
            let described = self.groups.describe(id);
            let members: BTreeSet<_> = described.members.iter().map(|m| &m.member_id).collect();
            let present = match described.state {
                GroupState::CompletingRebalance => self.announced.get(id).copied(),
                _ => Some(self.logged(id)),
            };
            let leads = |client: &&Client| {
                client.leads
                    && Some(client.generation) == present
                    && members.contains(&client.member_id)
            };
            let settled =
                matches!(described.state, GroupState::Stable | GroupState::CompletingRebalance);
            if settled {
                assert!(self.clients.iter().filter(leads).count() <= 1, "two leaders");
                assert!(!members.is_empty());
                assert!(members.len() <= self.config.members_max, "too many members");
            }
            if described.state == GroupState::Empty {
                assert!(members.is_empty());
            }
        }
    }

    /// All members of a stable group may heartbeat. Heartbeats change sessions, so this ends it.
    fn check_heartbeats(&mut self) {
        for id in GROUPS {
            let described = self.groups.describe(id);
            let generation = self.logged(id);
            for member in described.members.iter().filter(|_| described.state == GroupState::Stable)
            {
                let instance_id = member.instance_id.as_deref();
                let key = MemberKey { member_id: &member.member_id, instance_id };
                self.groups.heartbeat(id, key, generation, self.now).unwrap();
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_clients_do_their_groups_stay_sound(
        delay in prop_oneof![Just(0_u32), Just(3000)],
        members_max in prop_oneof![Just(2_usize), Just(usize::MAX)],
        steps in steps(),
    ) {
        let mut world = World::new(delay, members_max);
        for step in steps {
            world.step(step);
        }
        world.check_heartbeats();
        world.pass(3_600_000);
        world.check();
        assert!(world.open.is_empty(), "joins and syncs without an answer: {:?}", world.open);
        for id in GROUPS {
            assert!(world.groups.describe(id).members.is_empty(), "nobody has been heard of");
        }
    }

    #[test]
    fn well_behaved_clients_reach_a_stable_group(steps in steps()) {
        let mut world = World::new(0, usize::MAX);
        for step in steps {
            world.step(step);
        }
        (0..CLIENTS).for_each(|client| world.disconnect(client, false));
        for _ in 0..60 {
            (0..CLIENTS).for_each(|client| world.step(Step::Follow(client)));
            world.pass(1000);
        }
        for id in GROUPS {
            let described = world.groups.describe(id);
            assert_eq!(described.state, GroupState::Stable);
            assert_eq!(described.members.len(), CLIENTS / GROUPS.len());
        }
        world.check_heartbeats();
    }
}
