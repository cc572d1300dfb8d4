//! Consumer groups, scene by scene: what the members of a group are told.

#![expect(clippy::unwrap_used, reason = "a test ends where something is not as it should be")]

use minka::ErrorKind;
use minka::state::durable::DurableState;
use minka::state::event::{CommitEntry, Event};
use minka::state::groups::{
    Action, CommitRequest, Coordinator, GroupConfig, GroupDeletion, GroupState, JoinAnswer,
    JoinRequest, MemberKey, Now, ReplyId, SyncAnswer, SyncRequest,
};

const DELAY: i64 = 3000;
const SESSION: i32 = 10_000;
const REBALANCE: i32 = 60_000;

type Joined = (String, minka::Result<JoinAnswer>);

/// A coordinator with its clock, its log and the answers that have come out of it.
struct Scene {
    groups: Coordinator,
    config: GroupConfig,
    now: Now,
    log: DurableState,
    persisted: usize,
    joins: Vec<(ReplyId, Joined)>,
    syncs: Vec<(ReplyId, minka::Result<SyncAnswer>)>,
    next: u64,
}

impl Scene {
    fn new() -> Self {
        Self::with(GroupConfig::default())
    }

    fn without_delay() -> Self {
        Self::with(GroupConfig { initial_rebalance_delay_ms: 0, ..GroupConfig::default() })
    }

    fn with(config: GroupConfig) -> Self {
        let now = Now { steady: 1000, wall: 1_000_000 };
        Self {
            groups: Coordinator::restore(config, [], now),
            config,
            now,
            log: DurableState::default(),
            persisted: 0,
            joins: Vec::new(),
            syncs: Vec::new(),
            next: 0,
        }
    }

    /// The broker stops and starts again with what is in its log.
    fn restart(&mut self) {
        assert_eq!(self.groups.durable(), self.log.groups);
        self.now.steady = 0;
        self.groups = Coordinator::restore(self.config, self.log.groups.clone(), self.now);
    }

    fn take(&mut self, actions: Vec<Action>) {
        for action in actions {
            match action {
                Action::JoinReply { reply, member_id, answer } => {
                    self.joins.push((reply, (member_id, answer)));
                }
                Action::SyncReply { reply, answer } => self.syncs.push((reply, answer)),
                Action::Persist(event) => {
                    self.log.apply(&Event::decode(&event.encode()).unwrap());
                    self.persisted += 1;
                }
            }
        }
    }

    /// Lets time pass, with a tick at every deadline.
    fn pass(&mut self, ms: i64) {
        let end = self.now.steady + ms;
        loop {
            let step = self.groups.next_deadline().filter(|at| *at <= end).unwrap_or(end);
            let passed = (step - self.now.steady).max(0);
            self.now = Now { steady: self.now.steady + passed, wall: self.now.wall + passed };
            let mut out = Vec::new();
            self.groups.tick(self.now, &mut out);
            self.take(out);
            if self.now.steady == end && self.groups.next_deadline().is_none_or(|at| at > end) {
                return;
            }
        }
    }

    fn reply(&mut self) -> ReplyId {
        self.next += 1;
        ReplyId(self.next)
    }

    fn request(&mut self, member: &str) -> JoinRequest {
        let reply = self.reply();
        JoinRequest {
            reply,
            group: "g".into(),
            member_id: member.into(),
            instance_id: None,
            new_member_id: format!("m{}", reply.0),
            require_known_member_id: false,
            supports_skip_assignment: false,
            client_id: "client".into(),
            client_host: "/127.0.0.1".into(),
            session_timeout_ms: SESSION,
            rebalance_timeout_ms: REBALANCE,
            protocol_type: "consumer".into(),
            protocols: vec![("range".into(), b"topics".to_vec())],
        }
    }

    fn send(&mut self, request: JoinRequest) -> ReplyId {
        let (reply, mut out) = (request.reply, Vec::new());
        self.groups.join(request, self.now, &mut out);
        self.take(out);
        reply
    }

    fn join(&mut self, member: &str) -> ReplyId {
        let request = self.request(member);
        self.send(request)
    }

    fn join_static(&mut self, member: &str, instance: &str) -> ReplyId {
        let request = self.request(member);
        self.send(JoinRequest { instance_id: Some(instance.into()), ..request })
    }

    fn joined(&mut self, reply: ReplyId) -> Option<Joined> {
        let at = self.joins.iter().position(|(other, _)| *other == reply)?;
        Some(self.joins.remove(at).1)
    }

    fn welcome(&mut self, reply: ReplyId) -> (String, JoinAnswer) {
        let (member_id, answer) = self.joined(reply).expect("the join is answered");
        (member_id, answer.expect("the join is accepted"))
    }

    fn refusal(&mut self, reply: ReplyId) -> ErrorKind {
        self.joined(reply).expect("the join is answered").1.unwrap_err().kind()
    }

    fn sync(&mut self, member: &str, generation: i32, shares: &[(&str, &str)]) -> ReplyId {
        let reply = self.reply();
        let share = |(id, share): &(&str, &str)| ((*id).to_owned(), share.as_bytes().to_vec());
        let request = SyncRequest {
            reply,
            group: "g".into(),
            generation,
            member_id: member.into(),
            instance_id: None,
            protocol_type: Some("consumer".into()),
            protocol: None,
            assignments: shares.iter().map(share).collect(),
        };
        let mut out = Vec::new();
        self.groups.sync(request, self.now, &mut out);
        self.take(out);
        reply
    }

    fn synced(&mut self, reply: ReplyId) -> Option<Result<String, ErrorKind>> {
        let at = self.syncs.iter().position(|(other, _)| *other == reply)?;
        let answer = self.syncs.remove(at).1;
        let text = |answer: SyncAnswer| String::from_utf8(answer.assignment).unwrap();
        Some(answer.map(text).map_err(|error| error.kind()))
    }

    fn heartbeat(&mut self, member: &str, generation: i32) -> Result<(), ErrorKind> {
        let key = MemberKey { member_id: member, instance_id: None };
        let answer = self.groups.heartbeat("g", key, generation, self.now);
        answer.map_err(|error| error.kind())
    }

    fn leave(&mut self, members: &[(&str, Option<&str>)]) -> Vec<Result<(), ErrorKind>> {
        let keys: Vec<_> = members
            .iter()
            .map(|&(member_id, instance_id)| MemberKey { member_id, instance_id })
            .collect();
        let mut out = Vec::new();
        let results = self.groups.leave("g", &keys, self.now, &mut out).unwrap();
        self.take(out);
        results.into_iter().map(|result| result.map_err(|error| error.kind())).collect()
    }

    fn commit(&mut self, member: &str, generation: i32, offset: i64) -> Result<(), ErrorKind> {
        self.commit_for(member, generation, offset, None)
    }

    fn commit_for(
        &mut self,
        member_id: &str,
        generation: i32,
        offset: i64,
        retention_ms: Option<i64>,
    ) -> Result<(), ErrorKind> {
        let entries = [CommitEntry { partition: 3, offset, leader_epoch: 1, metadata: None }];
        let member = MemberKey { member_id, instance_id: None };
        let request =
            CommitRequest { group: "g", member, generation, entries: &entries, retention_ms };
        let mut out = Vec::new();
        let result = self.groups.commit(&request, self.now, &mut out);
        self.take(out);
        result.map(|results| assert!(results[0].is_ok())).map_err(|error| error.kind())
    }

    fn committed(&self) -> Option<i64> {
        self.groups.fetch_offsets("g")?.get(3).map(|committed| committed.offset)
    }

    fn state(&self) -> GroupState {
        self.groups.describe("g").state
    }

    /// A stable group of one new member, its leader.
    fn alone(&mut self) -> (String, i32) {
        let reply = self.join("");
        self.pass(DELAY);
        let (id, answer) = self.welcome(reply);
        let sync = self.sync(&id, answer.generation, &[(&id, "all")]);
        assert_eq!(self.synced(sync), Some(Ok("all".into())));
        (id, answer.generation)
    }

    /// A stable group of a leader and a follower.
    fn pair(&mut self) -> (String, String, i32) {
        let (a, b) = (self.join(""), self.join(""));
        self.pass(2 * DELAY);
        self.finish(a, b)
    }

    /// A stable group of two static members, `x` leading.
    fn static_pair(&mut self) -> (String, String, i32) {
        let (a, b) = (self.join_static("", "x"), self.join_static("", "y"));
        self.pass(2 * DELAY);
        self.finish(a, b)
    }

    fn finish(&mut self, a: ReplyId, b: ReplyId) -> (String, String, i32) {
        let ((a, answer), (b, _)) = (self.welcome(a), self.welcome(b));
        let generation = answer.generation;
        let (follower, leader) =
            (self.sync(&b, generation, &[]), self.sync(&a, generation, &[(&a, "1"), (&b, "2")]));
        assert_eq!(self.synced(leader), Some(Ok("1".into())));
        assert_eq!(self.synced(follower), Some(Ok("2".into())));
        assert_eq!(self.state(), GroupState::Stable);
        (a, b, generation)
    }
}

#[test]
fn members_that_come_together_share_the_first_generation() {
    let mut scene = Scene::new();
    let first = scene.join("");
    scene.pass(DELAY - 1);
    let second = scene.join("");
    assert!(scene.joined(first).is_none());
    scene.pass(DELAY + 1);
    let (a, to_leader) = scene.welcome(first);
    let (b, to_follower) = scene.welcome(second);
    assert_eq!((to_leader.generation, to_follower.generation), (1, 1));
    assert_eq!((&to_leader.leader, &to_follower.leader), (&a, &a));
    let listed: Vec<_> = to_leader.members.iter().map(|m| m.member_id.as_str()).collect();
    assert_eq!(listed, [a.as_str(), b.as_str()]);
    assert_eq!(to_leader.members[1].metadata, b"topics");
    assert!(to_follower.members.is_empty());
    assert_eq!((to_leader.protocol.as_str(), scene.persisted), ("range", 1));

    let waits = scene.sync(&b, 1, &[]);
    assert!(scene.synced(waits).is_none());
    let leads = scene.sync(&a, 1, &[(&b, "its share"), ("stranger", "x")]);
    assert_eq!(scene.synced(waits), Some(Ok("its share".into())));
    assert_eq!(scene.synced(leads), Some(Ok(String::new())));
    assert_eq!(scene.persisted, 2);
    assert_eq!((scene.heartbeat(&a, 1), scene.heartbeat(&b, 1)), (Ok(()), Ok(())));
    assert_eq!(scene.heartbeat(&a, 0), Err(ErrorKind::IllegalGeneration));
    assert_eq!(scene.heartbeat("c", 1), Err(ErrorKind::UnknownMember));
}

#[test]
fn the_initial_delay_grows_with_each_newcomer_up_to_the_rebalance_timeout() {
    let mut scene = Scene::new();
    let request = scene.request("");
    let first = scene.send(JoinRequest { rebalance_timeout_ms: 8000, ..request });
    for _ in 0..3 {
        scene.pass(2000);
        let request = scene.request("");
        scene.send(JoinRequest { rebalance_timeout_ms: 8000, ..request });
    }
    scene.pass(1999);
    assert!(scene.joined(first).is_none());
    scene.pass(1);
    assert_eq!(scene.welcome(first).1.members.len(), 4);
}

#[test]
fn an_event_stands_before_the_answers_that_rely_on_it() {
    let mut scene = Scene::without_delay();
    let reply = scene.join("");
    let (id, _) = scene.welcome(reply);
    let mut out = Vec::new();
    let request = SyncRequest {
        reply: ReplyId(99),
        group: "g".into(),
        generation: 1,
        member_id: id,
        instance_id: None,
        protocol_type: None,
        protocol: None,
        assignments: Vec::new(),
    };
    scene.groups.sync(request, scene.now, &mut out);
    assert!(matches!(out[..], [Action::Persist(_), Action::SyncReply { .. }]), "{out:?}");
}

#[test]
fn a_new_member_is_given_an_id_first_if_its_request_is_new_enough() {
    let mut scene = Scene::without_delay();
    let request = scene.request("");
    let reply = scene.send(JoinRequest { require_known_member_id: true, ..request });
    let (id, answer) = scene.joined(reply).unwrap();
    assert_eq!(answer.unwrap_err().kind(), ErrorKind::MemberIdRequired);
    assert_eq!(scene.heartbeat(&id, 0), Err(ErrorKind::UnknownMember));
    let again = scene.join(&id);
    assert_eq!(scene.welcome(again).0, id);

    let request = scene.request("");
    let instance_id = Some("x".to_owned());
    let fixed = JoinRequest { require_known_member_id: true, instance_id, ..request };
    let reply = scene.send(fixed);
    assert!(scene.joined(reply).is_none(), "a static member joins at once");
}

#[test]
fn an_id_that_nobody_uses_expires_with_its_group() {
    let mut scene = Scene::without_delay();
    let request = scene.request("");
    let reply = scene.send(JoinRequest { require_known_member_id: true, ..request });
    let (id, _) = scene.joined(reply).unwrap();
    assert_eq!(scene.state(), GroupState::Empty);
    scene.pass(i64::from(SESSION));
    assert_eq!((scene.state(), scene.persisted), (GroupState::Dead, 0));
    let late = scene.join(&id);
    assert_eq!(scene.refusal(late), ErrorKind::UnknownMember);
}

#[test]
fn a_rebalance_waits_for_an_id_that_was_handed_out() {
    let mut scene = Scene::without_delay();
    let (a, _) = scene.alone();
    let request = scene.request("");
    let reply = scene.send(JoinRequest { require_known_member_id: true, ..request });
    let (id, _) = scene.joined(reply).unwrap();
    assert_eq!(scene.state(), GroupState::Stable);
    let rejoin = scene.join(&a);
    assert!(scene.joined(rejoin).is_none());
    let join = scene.join(&id);
    assert_eq!(scene.welcome(rejoin).1.members.len(), 2);
    assert_eq!(scene.welcome(join).1.generation, 2);
}

#[test]
fn members_vote_for_a_protocol_that_all_speak() {
    let mut scene = Scene::new();
    let speak = |names: &[&str]| -> Vec<(String, Vec<u8>)> {
        names.iter().map(|name| ((*name).to_owned(), name.as_bytes().to_vec())).collect()
    };
    let mut replies = Vec::new();
    for names in [&["a", "b", "c"][..], &["c", "b"], &["d", "c", "b"]] {
        let request = scene.request("");
        replies.push(scene.send(JoinRequest { protocols: speak(names), ..request }));
    }
    let request = scene.request("");
    let stranger = scene.send(JoinRequest { protocols: speak(&["a"]), ..request });
    assert_eq!(scene.refusal(stranger), ErrorKind::InconsistentProtocol);
    let request = scene.request("");
    let connect = JoinRequest { protocol_type: "connect".into(), ..request };
    let connect = scene.send(JoinRequest { protocols: speak(&["c"]), ..connect });
    assert_eq!(scene.refusal(connect), ErrorKind::InconsistentProtocol);
    let request = scene.request("");
    let mute = scene.send(JoinRequest { protocols: Vec::new(), ..request });
    assert_eq!(scene.refusal(mute), ErrorKind::InconsistentProtocol);
    scene.pass(2 * DELAY);
    let (_, answer) = scene.welcome(replies[0]);
    assert_eq!((answer.protocol.as_str(), answer.members.len()), ("c", 3));
    assert_eq!(answer.members[2].metadata, b"c");
}

#[test]
fn a_newcomer_starts_a_rebalance_and_who_misses_it_is_dropped() {
    let mut scene = Scene::without_delay();
    let (a, b, generation) = {
        let (a, generation) = scene.alone();
        let (rejoin, newcomer) = (scene.join(&a), scene.join(""));
        assert_eq!(scene.welcome(rejoin).1.generation, generation + 1);
        // The leader was alone when it joined again, so the newcomer starts another rebalance.
        assert_eq!(scene.heartbeat(&a, generation + 1), Err(ErrorKind::RebalanceInProgress));
        let rejoin = scene.join(&a);
        scene.finish(rejoin, newcomer)
    };
    let newcomer = scene.join("");
    assert_eq!(scene.state(), GroupState::PreparingRebalance);
    let sync = scene.sync(&a, generation, &[]);
    assert_eq!(scene.synced(sync), Some(Err(ErrorKind::RebalanceInProgress)));
    let rejoin = scene.join(&a);
    for _ in 0..REBALANCE / 5000 {
        assert!(scene.joined(rejoin).is_none());
        assert_eq!(scene.heartbeat(&b, generation), Err(ErrorKind::RebalanceInProgress));
        scene.pass(5000);
    }
    assert_eq!(scene.welcome(rejoin).1.members.len(), 2);
    assert_eq!(scene.welcome(newcomer).1.generation, generation + 1);
    assert_eq!(scene.heartbeat(&b, generation), Err(ErrorKind::UnknownMember));
}

#[test]
fn the_leader_is_replaced_when_it_leaves_and_the_first_to_join_leads() {
    let mut scene = Scene::new();
    let (a, b, generation) = scene.pair();
    assert_eq!(scene.leave(&[(&a, None)]), [Ok(())]);
    assert_eq!(scene.heartbeat(&b, generation), Err(ErrorKind::RebalanceInProgress));
    let rejoin = scene.join(&b);
    let (id, answer) = scene.welcome(rejoin);
    assert_eq!((answer.leader, answer.generation, id), (b.clone(), generation + 1, b));
}

#[test]
fn a_silent_member_is_removed_and_commits_count_as_heartbeats() {
    let mut scene = Scene::new();
    let (a, b, generation) = scene.pair();
    for _ in 0..4 {
        scene.pass(i64::from(SESSION) / 2);
        assert_eq!(scene.commit(&a, generation, 7), Ok(()));
    }
    assert_eq!(scene.heartbeat(&b, generation), Err(ErrorKind::UnknownMember));
    assert_eq!(scene.heartbeat(&a, generation), Err(ErrorKind::RebalanceInProgress));
    let rejoin = scene.join(&a);
    assert_eq!(scene.welcome(rejoin).1.members.len(), 1);
}

#[test]
fn a_follower_waits_for_the_leader_until_a_rebalance_calls_it_back() {
    let mut scene = Scene::new();
    let (first, second) = (scene.join(""), scene.join(""));
    scene.pass(2 * DELAY);
    let ((a, _), (b, _)) = (scene.welcome(first), scene.welcome(second));
    let waits = scene.sync(&b, 1, &[]);
    scene.pass(i64::from(SESSION) - 1);
    assert_eq!(scene.heartbeat(&a, 1), Ok(()));
    scene.pass(2);
    assert!(scene.synced(waits).is_none(), "who waits for us does not time out");
    scene.join("");
    assert_eq!(scene.synced(waits), Some(Err(ErrorKind::RebalanceInProgress)));
}

#[test]
fn members_that_never_ask_for_their_shares_are_removed() {
    let mut scene = Scene::new();
    let (a, b, generation) = {
        let (a, b) = (scene.join(""), scene.join(""));
        scene.pass(2 * DELAY);
        (scene.welcome(a).0, scene.welcome(b).0, 1)
    };
    let sync = scene.sync(&a, generation, &[]);
    assert!(scene.synced(sync).is_some());
    for _ in 0..REBALANCE / 5000 {
        assert_eq!(scene.heartbeat(&a, generation), Ok(()));
        assert_eq!(scene.heartbeat(&b, generation), Ok(()));
        scene.pass(5000);
    }
    assert_eq!(scene.heartbeat(&b, generation), Err(ErrorKind::UnknownMember));
    assert_eq!(scene.heartbeat(&a, generation), Err(ErrorKind::RebalanceInProgress));
}

#[test]
fn a_member_that_repeats_its_join_learns_the_present_generation() {
    let mut scene = Scene::new();
    let (a, b, generation) = scene.pair();
    let repeated = scene.join(&b);
    let (_, answer) = scene.welcome(repeated);
    assert_eq!((answer.generation, answer.leader), (generation, a.clone()));
    assert_eq!(scene.state(), GroupState::Stable);
    let sync = scene.sync(&b, generation, &[]);
    assert_eq!(scene.synced(sync), Some(Ok("2".into())));
    scene.join(&a);
    assert_eq!(scene.state(), GroupState::PreparingRebalance, "the leader forces a rebalance");
}

#[test]
fn changed_metadata_starts_a_rebalance_and_a_repeated_join_replaces_the_first() {
    let mut scene = Scene::new();
    let (a, b, generation) = scene.pair();
    let request = scene.request(&b);
    let protocols = vec![("range".to_owned(), b"more".to_vec())];
    let first = scene.send(JoinRequest { protocols: protocols.clone(), ..request });
    assert_eq!(scene.state(), GroupState::PreparingRebalance);
    let request = scene.request(&b);
    let second = scene.send(JoinRequest { protocols, ..request });
    assert_eq!(scene.refusal(first), ErrorKind::RebalanceInProgress);
    let leader = scene.join(&a);
    assert_eq!(scene.welcome(leader).1.members[1].metadata, b"more");
    assert_eq!(scene.welcome(second).1.generation, generation + 1);
}

#[test]
fn a_restarted_static_follower_goes_on_without_a_rebalance() {
    let mut scene = Scene::new();
    let (a, b, generation) = scene.static_pair();
    let persisted = scene.persisted;
    let reply = scene.join_static("", "y");
    let (new, answer) = scene.welcome(reply);
    assert_eq!((answer.generation, answer.leader, answer.members.len()), (generation, a, 0));
    assert_eq!((scene.state(), scene.persisted), (GroupState::Stable, persisted + 1));
    let sync = scene.sync(&new, generation, &[]);
    assert_eq!(scene.synced(sync), Some(Ok("2".into())));

    let old = MemberKey { member_id: &b, instance_id: Some("y") };
    let fenced = scene.groups.heartbeat("g", old, generation, scene.now).unwrap_err();
    assert_eq!(fenced.kind(), ErrorKind::FencedInstance);
    let old = scene.join_static(&b, "y");
    assert_eq!(scene.refusal(old), ErrorKind::FencedInstance);
    assert_eq!(scene.leave(&[(&b, Some("y"))]), [Err(ErrorKind::FencedInstance)]);
    assert_eq!(scene.heartbeat(&b, generation), Err(ErrorKind::UnknownMember));
}

#[test]
fn a_restarted_static_leader_is_told_its_old_id_or_to_skip_the_assignment() {
    let mut scene = Scene::new();
    let (a, _, generation) = scene.static_pair();
    let reply = scene.join_static("", "x");
    let (second, answer) = scene.welcome(reply);
    assert_eq!((answer.leader, answer.generation), (a, generation));
    assert!(answer.members.is_empty() && !answer.skip_assignment);

    let request = scene.request("");
    let instance_id = Some("x".to_owned());
    let newer = JoinRequest { supports_skip_assignment: true, instance_id, ..request };
    let reply = scene.send(newer);
    let (third, answer) = scene.welcome(reply);
    assert_ne!(second, third);
    assert_eq!((&answer.leader, answer.members.len()), (&third, 2));
    assert!(answer.skip_assignment);
    let sync = scene.sync(&third, generation, &[]);
    assert_eq!(scene.synced(sync), Some(Ok("1".into())));
    assert_eq!(scene.state(), GroupState::Stable);
}

#[test]
fn a_restarted_static_member_starts_a_rebalance_where_shares_are_not_out_yet() {
    let mut scene = Scene::new();
    let (first, second) = (scene.join_static("", "x"), scene.join_static("", "y"));
    scene.pass(2 * DELAY);
    let ((_, _), (b, _)) = (scene.welcome(first), scene.welcome(second));
    let waits = scene.sync(&b, 1, &[]);
    let restarted = scene.join_static("", "y");
    assert_eq!(scene.synced(waits), Some(Err(ErrorKind::FencedInstance)));
    assert_eq!(scene.state(), GroupState::PreparingRebalance);
    let again = scene.join_static("", "y");
    assert_eq!(scene.refusal(restarted), ErrorKind::FencedInstance);
    assert!(scene.joined(again).is_none());
}

#[test]
fn a_static_member_that_needs_another_protocol_starts_a_rebalance() {
    let mut scene = Scene::without_delay();
    let reply = scene.join_static("", "x");
    let (a, _) = scene.welcome(reply);
    scene.sync(&a, 1, &[]);
    let request = scene.request("");
    let protocols = vec![("sticky".to_owned(), Vec::new())];
    let request = JoinRequest { instance_id: Some("x".into()), protocols, ..request };
    let reply = scene.send(request);
    let (_, answer) = scene.welcome(reply);
    assert_eq!((answer.generation, answer.protocol.as_str()), (2, "sticky"));
}

#[test]
fn static_members_keep_their_place_in_a_rebalance_that_they_miss() {
    let mut scene = Scene::new();
    let (a, _, generation) = scene.static_pair();
    let request = scene.request(&a);
    let again = JoinRequest { instance_id: Some("x".into()), ..request };
    let rejoin = scene.send(JoinRequest { rebalance_timeout_ms: 5000, ..again });
    assert!(scene.joined(rejoin).is_none());
    scene.pass(i64::from(SESSION) - 1);
    assert!(scene.joined(rejoin).is_none());
    scene.pass(1);
    let (_, answer) = scene.welcome(rejoin);
    assert_eq!((answer.generation, answer.members.len()), (generation + 1, 1));
}

#[test]
fn several_members_leave_at_once_by_id_or_by_instance() {
    let mut scene = Scene::new();
    let (a, _, generation) = scene.static_pair();
    let left = scene.leave(&[("", Some("y")), ("", Some("z")), (&a, Some("x")), ("q", None)]);
    let unknown = Err(ErrorKind::UnknownMember);
    assert_eq!(left, [Ok(()), unknown, Ok(()), unknown]);
    assert_eq!(scene.state(), GroupState::Empty);
    assert_eq!(scene.log.groups["g"].record.as_ref().unwrap().generation, generation + 1);
    let reply = scene.join("");
    scene.pass(DELAY);
    assert_eq!(scene.welcome(reply).1.generation, generation + 2);
    assert_eq!(scene.leave(&[("gone", None)]), [unknown]);
}

#[test]
fn only_members_of_the_present_generation_commit_while_there_are_members() {
    let mut scene = Scene::without_delay();
    assert_eq!(scene.commit("", 5, 1), Err(ErrorKind::IllegalGeneration));
    assert_eq!(scene.state(), GroupState::Dead);
    assert_eq!(scene.commit("", -1, 1), Ok(()));
    assert_eq!((scene.committed(), scene.state()), (Some(1), GroupState::Empty));
    assert_eq!(scene.commit("m", 5, 2), Err(ErrorKind::UnknownMember));

    let reply = scene.join("");
    let (id, answer) = scene.welcome(reply);
    let generation = answer.generation;
    assert_eq!(scene.commit(&id, generation, 2), Err(ErrorKind::RebalanceInProgress));
    scene.sync(&id, generation, &[]);
    assert_eq!(scene.commit("", -1, 2), Err(ErrorKind::UnknownMember));
    assert_eq!(scene.commit(&id, generation - 1, 2), Err(ErrorKind::IllegalGeneration));
    assert_eq!(scene.commit("m", generation, 2), Err(ErrorKind::UnknownMember));
    assert_eq!(scene.commit(&id, generation, 2), Ok(()));
    scene.join("");
    assert_eq!(scene.state(), GroupState::PreparingRebalance);
    assert_eq!(scene.commit(&id, generation, 3), Ok(()));
    assert_eq!(scene.committed(), Some(3));
}

#[test]
fn each_committed_offset_has_its_own_result() {
    let mut scene = Scene::new();
    let entry = |partition, metadata: String| CommitEntry {
        partition,
        offset: 1,
        leader_epoch: -1,
        metadata: Some(metadata),
    };
    let entries = [entry(1, String::new()), entry(2, "x".repeat(4097))];
    let member = MemberKey { member_id: "", instance_id: None };
    let request =
        CommitRequest { group: "g", member, generation: -1, entries: &entries, retention_ms: None };
    let mut out = Vec::new();
    let results = scene.groups.commit(&request, scene.now, &mut out).unwrap();
    assert!(results[0].is_ok());
    let refused = results[1].as_ref().unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::OffsetMetadataTooLarge);
    scene.take(out);
    let kept: Vec<_> = scene.groups.fetch_offsets("g").unwrap().iter().map(|(p, _)| p).collect();
    assert_eq!(kept, [1]);
    assert_eq!(scene.groups.durable(), scene.log.groups);
}

#[test]
fn limits_on_sessions_and_members() {
    let config = GroupConfig { members_max: 1, ..GroupConfig::default() };
    let mut scene = Scene::with(config);
    for session_timeout_ms in [5999, 1_800_001, -1] {
        let request = scene.request("");
        let reply = scene.send(JoinRequest { session_timeout_ms, ..request });
        assert_eq!(scene.refusal(reply), ErrorKind::InvalidSessionTimeout);
    }
    let request = scene.request("");
    let reply = scene.send(JoinRequest { group: String::new(), ..request });
    assert_eq!(scene.refusal(reply), ErrorKind::InvalidGroupId);
    let request = scene.request("");
    let protocols = vec![("p".to_owned(), Vec::new()); 101];
    let reply = scene.send(JoinRequest { protocols, ..request });
    assert_eq!(scene.refusal(reply), ErrorKind::InvalidRequest);
    assert_eq!(scene.state(), GroupState::Dead);

    let (a, generation) = scene.alone();
    let second = scene.join("");
    assert_eq!(scene.refusal(second), ErrorKind::GroupFull);
    assert_eq!(scene.heartbeat(&a, generation), Ok(()));
    let rejoin = scene.join(&a);
    assert_eq!(scene.welcome(rejoin).1.generation, generation + 1);
}

#[test]
fn after_a_restart_a_stable_group_goes_on() {
    let mut scene = Scene::new();
    let (a, b, generation) = scene.pair();
    assert_eq!(scene.commit(&b, generation, 42), Ok(()));
    scene.leave(&[(&b, None)]);
    scene.restart();
    assert_eq!(scene.state(), GroupState::Stable, "the departure was not in the log yet");
    assert_eq!(scene.committed(), Some(42));
    scene.pass(i64::from(SESSION) - 1);
    assert_eq!(scene.heartbeat(&a, generation), Ok(()));
    scene.pass(1);
    assert_eq!(scene.heartbeat(&a, generation), Err(ErrorKind::RebalanceInProgress));
    let rejoin = scene.join(&a);
    let (_, answer) = scene.welcome(rejoin);
    assert_eq!((answer.generation, answer.leader), (generation + 1, a.clone()));

    scene.restart();
    assert_eq!(scene.heartbeat(&a, generation), Ok(()), "it was not stable again");
    let rejoin = scene.join(&a);
    scene.pass(i64::from(SESSION));
    let (_, answer) = scene.welcome(rejoin);
    assert_eq!(answer.generation, generation + 2, "no generation means two sets of members");
}

#[test]
fn after_a_restart_an_empty_group_keeps_its_generation_and_static_members_are_known() {
    let mut scene = Scene::new();
    let (a, _, generation) = scene.static_pair();
    scene.restart();
    let reply = scene.join_static("", "y");
    let (_, answer) = scene.welcome(reply);
    assert_eq!((answer.generation, answer.leader), (generation, a));
    scene.leave(&[("", Some("x")), ("", Some("y"))]);
    scene.restart();
    assert_eq!(scene.state(), GroupState::Empty);
    let reply = scene.join("");
    scene.pass(DELAY);
    assert_eq!(scene.welcome(reply).1.generation, generation + 2);
}

#[test]
fn offsets_expire_a_week_after_the_group_became_empty_and_the_group_with_them() {
    const DAY: i64 = 24 * 3_600_000;
    let mut scene = Scene::new();
    let (a, generation) = scene.alone();
    assert_eq!(scene.commit(&a, generation, 9), Ok(()));
    for _ in 0..(8 * DAY / 9000) {
        scene.pass(9000);
        assert_eq!(scene.heartbeat(&a, generation), Ok(()));
    }
    assert_eq!(scene.committed(), Some(9), "nothing expires while there are members");
    scene.leave(&[(&a, None)]);
    scene.pass(7 * DAY - 1);
    assert_eq!(scene.committed(), Some(9));
    scene.pass(600_001);
    assert_eq!((scene.state(), scene.committed()), (GroupState::Dead, None));
    assert!(scene.log.groups.is_empty());
    assert_eq!(scene.groups.next_deadline(), None);
}

#[test]
fn a_client_may_say_how_long_its_offsets_are_kept() {
    let mut scene = Scene::new();
    assert_eq!(scene.commit_for("", -1, 5, Some(1_000_000)), Ok(()));
    scene.pass(999_999);
    assert_eq!(scene.committed(), Some(5));
    scene.pass(600_000);
    assert_eq!(scene.committed(), None);
    assert_eq!(scene.commit_for("", -1, 5, Some(i64::MAX)), Ok(()));
    scene.pass(30 * 24 * 3_600_000);
    assert_eq!(scene.committed(), Some(5));
}

#[test]
fn only_a_group_without_members_can_be_deleted() {
    let mut scene = Scene::new();
    let mut out = Vec::new();
    assert_eq!(scene.groups.delete_group("g", &mut out), GroupDeletion::NotFound);
    let (a, generation) = scene.alone();
    assert_eq!(scene.commit(&a, generation, 1), Ok(()));
    assert_eq!(scene.groups.delete_group("g", &mut out), GroupDeletion::NotEmpty);
    scene.leave(&[(&a, None)]);
    assert_eq!(scene.groups.delete_group("g", &mut out), GroupDeletion::Deleted);
    scene.take(out);
    assert_eq!((scene.state(), scene.committed()), (GroupState::Dead, None));
    assert!(scene.log.groups.is_empty());
}

#[test]
fn groups_are_listed_and_described() {
    let mut scene = Scene::new();
    let (a, b, _) = scene.pair();
    let stable = scene.groups.describe("g");
    assert_eq!((stable.protocol_type.as_str(), stable.protocol.as_str()), ("consumer", "range"));
    assert_eq!(stable.members[0].member_id, a);
    assert_eq!(stable.members[1].assignment, b"2");
    assert_eq!(stable.members[1].metadata, b"topics");
    assert_eq!(stable.members[1].client_host, "/127.0.0.1");
    scene.join(&a);
    let preparing = scene.groups.describe("g");
    assert_eq!((preparing.state.name(), preparing.protocol.as_str()), ("PreparingRebalance", ""));
    assert!(preparing.members.iter().all(|m| m.metadata.is_empty() && m.assignment.is_empty()));
    assert_eq!(preparing.members[1].member_id, b);
    let list: Vec<_> = scene.groups.list().collect();
    assert_eq!(list.len(), 1);
    assert_eq!((list[0].group.as_str(), list[0].state), ("g", GroupState::PreparingRebalance));
}

#[test]
fn a_lost_connection_keeps_its_member_for_a_session() {
    let mut scene = Scene::new();
    let (a, b, generation) = scene.pair();
    let lost = scene.join("");
    scene.groups.forget_reply(lost, scene.now);
    assert_eq!(scene.groups.describe("g").members.len(), 3);
    scene.pass(5000);
    assert_eq!(scene.heartbeat(&a, generation), Err(ErrorKind::RebalanceInProgress));
    let (rejoin_a, rejoin_b) = (scene.join(&a), scene.join(&b));
    assert_eq!(scene.welcome(rejoin_a).1.members.len(), 3, "it counts as joined");
    assert!(scene.joined(lost).is_none());
    assert_eq!(scene.welcome(rejoin_b).1.leader, a);
    let mut left = 3;
    for _ in 0..3 {
        scene.pass(5000);
        let beats = (scene.heartbeat(&a, generation + 1), scene.heartbeat(&b, generation + 1));
        left = scene.groups.describe("g").members.len();
        assert!(beats == (Ok(()), Ok(())) || left == 2);
    }
    assert_eq!(left, 2);
}

#[test]
fn a_member_without_a_connection_does_not_lead_if_another_can() {
    let mut scene = Scene::new();
    let lost = scene.join("");
    let other = scene.join("");
    scene.groups.forget_reply(lost, scene.now);
    scene.pass(2 * DELAY);
    let (id, answer) = scene.welcome(other);
    assert_eq!((answer.leader, answer.members.len()), (id, 2));
}

#[test]
fn a_deleted_topic_takes_its_offsets_along() {
    let mut scene = Scene::new();
    let config = minka::state::topic_config::TopicConfig::default();
    let created = scene.log.catalog.plan_create("t", [1; 16], 10, &config, 0).unwrap();
    scene.log.apply(&created);
    assert_eq!(scene.commit("", -1, 5), Ok(()));
    let deleted = scene.log.catalog.plan_delete("t").unwrap();
    let topic = std::sync::Arc::clone(scene.log.catalog.topic("t").unwrap());
    scene.log.apply(&deleted);
    scene.groups.topic_deleted(&topic);
    assert_eq!(scene.committed(), None);
    assert_eq!(scene.groups.durable(), scene.log.groups);
    scene.pass(600_000);
    assert_eq!(scene.state(), GroupState::Dead);
    assert_eq!(scene.groups.durable(), scene.log.groups);
}
