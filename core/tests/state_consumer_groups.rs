//! Consumer groups in which the broker assigns (KIP-848), scene by scene: what members are told.

#![expect(clippy::unwrap_used, reason = "a test ends where something is not as it should be")]

use minka::ErrorKind;
use minka::state::durable::DurableState;
use minka::state::event::{CommitEntry, Event, TopicId};
use minka::state::groups::{
    Action, CommitRequest, ConsumerAnswer, ConsumerHeartbeat, Coordinator, GroupConfig,
    GroupDeletion, GroupKind, GroupState, JoinRequest, MemberKey, Now, ReplyId,
};
use minka::state::topic_config::TopicConfig;

const SESSION: i64 = 45_000;
const REBALANCE: u32 = 60_000;

/// Partitions as (topic, index).
type Places = Vec<(String, u32)>;
/// What a member is told: its epoch and, if they are news, its partitions.
type Told = Result<(i32, Option<Places>), ErrorKind>;

/// A coordinator with its topics, its clock and its log.
struct Scene {
    groups: Coordinator,
    config: GroupConfig,
    now: Now,
    log: DurableState,
    persisted: usize,
}

/// What a member says that has nothing new to say.
const KEEP_ALIVE: ConsumerHeartbeat<'_> = ConsumerHeartbeat {
    group: "g",
    member_id: "",
    epoch: 0,
    instance_id: None,
    rack_id: None,
    client_id: "client",
    client_host: "/127.0.0.1",
    rebalance_timeout_ms: None,
    topics: None,
    pattern: None,
    assignor: None,
    owned: None,
};

fn joining<'a>(member_id: &'a str, topics: &'a [&'a str]) -> ConsumerHeartbeat<'a> {
    ConsumerHeartbeat {
        member_id,
        rebalance_timeout_ms: Some(REBALANCE),
        topics: Some(topics),
        owned: Some(&[]),
        ..KEEP_ALIVE
    }
}

fn places(topic: &str, indexes: impl IntoIterator<Item = u32>) -> Places {
    indexes.into_iter().map(|index| (topic.to_owned(), index)).collect()
}

impl Scene {
    /// A broker with the topic `t`, which has four partitions.
    fn new() -> Self {
        Self::with(GroupConfig { initial_rebalance_delay_ms: 0, ..GroupConfig::default() })
    }

    fn with(config: GroupConfig) -> Self {
        let now = Now { steady: 1000, wall: 1_000_000 };
        let groups = Coordinator::restore(config, [], now);
        let mut scene = Self { groups, config, now, log: DurableState::default(), persisted: 0 };
        scene.create("t", 4);
        scene
    }

    fn create(&mut self, name: &str, partitions: u32) {
        let id = [u8::try_from(self.log.catalog.topics().len() + 1).unwrap(); 16];
        let config = TopicConfig::default();
        let event = self.log.catalog.plan_create(name, id, partitions, &config, 0).unwrap();
        self.log.apply(&event);
    }

    fn id(&self, topic: &str) -> TopicId {
        self.log.catalog.topic(topic).unwrap().id
    }

    /// The broker is killed and starts again with what is in its log.
    fn restart(&mut self) {
        self.check_log();
        self.log = DurableState::from_bytes(&self.log.to_bytes()).unwrap();
        self.now.steady = 0;
        self.groups = Coordinator::restore(self.config, self.log.groups.clone(), self.now);
        self.groups.restore_consumers(self.log.consumer_groups.clone(), self.now);
        self.check_log();
    }

    fn check_log(&self) {
        assert_eq!(self.groups.durable(), self.log.groups);
        assert_eq!(self.groups.durable_consumers(), self.log.consumer_groups);
    }

    fn take(&mut self, actions: Vec<Action>) {
        for action in actions {
            if let Action::Persist(event) = action {
                self.log.apply(&Event::decode(&event.encode()).unwrap());
                self.persisted += 1;
            }
        }
        self.check_log();
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

    fn send(&mut self, request: &ConsumerHeartbeat<'_>) -> minka::Result<ConsumerAnswer> {
        let mut out = Vec::new();
        let answer = self.groups.consumer_heartbeat(request, &self.log.catalog, self.now, &mut out);
        self.take(out);
        answer
    }

    fn tell(&mut self, request: &ConsumerHeartbeat<'_>) -> Told {
        let answer = self.send(request).map_err(|error| error.kind())?;
        assert_eq!(answer.heartbeat_interval_ms, 5000);
        let places = answer.assignment.map(|shares| {
            let of_topic = |share: &minka::state::groups::TopicShare| {
                places(&share.topic.name, share.partitions.iter().copied())
            };
            shares.iter().flat_map(of_topic).collect()
        });
        Ok((answer.epoch, places))
    }

    fn join(&mut self, member_id: &str) -> (i32, Places) {
        let (epoch, places) = self.tell(&joining(member_id, &["t"])).unwrap();
        (epoch, places.expect("who joins is told what it may have"))
    }

    /// A member that has nothing new to say.
    fn beat(&mut self, member_id: &str, epoch: i32) -> Told {
        self.tell(&ConsumerHeartbeat { member_id, epoch, ..KEEP_ALIVE })
    }

    /// A member that says which partitions of `t` it has.
    fn has(&mut self, member_id: &str, epoch: i32, indexes: &[i32]) -> Told {
        let owned = [(self.id("t"), indexes.to_vec())];
        self.tell(&ConsumerHeartbeat { member_id, epoch, owned: Some(&owned), ..KEEP_ALIVE })
    }

    fn join_static(&mut self, member_id: &str, instance_id: &str) -> Told {
        let instance_id = Some(instance_id);
        self.tell(&ConsumerHeartbeat { instance_id, ..joining(member_id, &["t"]) })
    }

    fn beat_static(&mut self, member_id: &str, instance_id: &str, epoch: i32) -> Told {
        let instance_id = Some(instance_id);
        self.tell(&ConsumerHeartbeat { member_id, instance_id, epoch, ..KEEP_ALIVE })
    }

    fn state(&self) -> GroupState {
        self.groups.list().next().expect("there is a group").state
    }

    fn commit(&mut self, member_id: &str, epoch: i32) -> Result<(), ErrorKind> {
        let entries = [CommitEntry { partition: 0, offset: 5, leader_epoch: 0, metadata: None }];
        let request = CommitRequest {
            group: "g",
            member: MemberKey { member_id, instance_id: None },
            generation: epoch,
            entries: &entries,
            retention_ms: None,
        };
        let mut out = Vec::new();
        let result = self.groups.commit(&request, self.now, &mut out);
        self.take(out);
        result.map(drop).map_err(|error| error.kind())
    }

    fn join_classic(&mut self) -> Vec<Action> {
        let request = JoinRequest {
            reply: ReplyId(1),
            group: "g".into(),
            member_id: String::new(),
            instance_id: None,
            new_member_id: "classic".into(),
            require_known_member_id: false,
            supports_skip_assignment: false,
            client_id: "client".into(),
            client_host: "/127.0.0.1".into(),
            session_timeout_ms: 10_000,
            rebalance_timeout_ms: 10_000,
            protocol_type: "consumer".into(),
            protocols: vec![("range".into(), Vec::new())],
        };
        let mut out = Vec::new();
        self.groups.join(request, self.now, &mut out);
        self.take(out.clone());
        out
    }
}

#[test]
fn the_first_member_gets_everything_at_once() {
    let mut scene = Scene::new();
    assert_eq!(scene.join("a"), (1, places("t", 0..4)));
    assert_eq!(scene.state(), GroupState::Stable);
    let listed = scene.groups.list().next().unwrap();
    assert_eq!((listed.kind, &*listed.protocol_type), (GroupKind::Consumer, "consumer"));
    let persisted = scene.persisted;
    assert_eq!(scene.has("a", 1, &[0, 1, 2, 3]), Ok((1, None)));
    assert_eq!(scene.beat("a", 1), Ok((1, None)));
    assert_eq!(scene.persisted, persisted, "what is as it was is not written again");
}

#[test]
fn a_partition_is_handed_over_when_its_owner_has_given_it_up() {
    let mut scene = Scene::new();
    scene.join("a");
    assert_eq!(scene.join("b"), (2, vec![]), "a has everything still");
    assert_eq!(scene.state(), GroupState::Reconciling);
    // It keeps its epoch until it has given up what is not its own any more.
    assert_eq!(scene.beat("a", 1), Ok((1, Some(places("t", 0..2)))));
    assert_eq!(scene.beat("a", 1), Ok((1, None)));
    assert_eq!(scene.has("a", 1, &[0, 1, 2]), Ok((1, None)));
    assert_eq!(scene.beat("b", 2), Ok((2, None)));
    assert_eq!(scene.has("a", 1, &[0, 1]), Ok((2, None)));
    assert_eq!(scene.beat("b", 2), Ok((2, Some(places("t", 2..4)))));
    assert_eq!(scene.state(), GroupState::Stable);
}

#[test]
fn a_member_that_leaves_is_inherited() {
    let mut scene = Scene::new();
    scene.join("a");
    scene.join("b");
    assert_eq!(scene.beat("a", -1), Ok((-1, None)));
    assert_eq!(scene.state(), GroupState::Assigning);
    assert_eq!(scene.beat("b", 2), Ok((3, Some(places("t", 0..4)))));
    assert_eq!(scene.beat("a", 1), Err(ErrorKind::UnknownMember));
    assert_eq!(scene.beat("a", -1), Err(ErrorKind::UnknownMember));
    scene.beat("b", -1).unwrap();
    assert_eq!(scene.state(), GroupState::Empty);
    // The epochs of a group without members go on.
    assert_eq!(scene.join("c"), (5, places("t", 0..4)));
}

#[test]
fn a_lost_answer_is_repeated_and_other_epochs_are_fenced() {
    let mut scene = Scene::new();
    let full = joining("a", &["t"]);
    scene.tell(&full).unwrap();
    assert_eq!(scene.tell(&full), Ok((1, Some(places("t", 0..4)))), "the join is repeated");
    scene.has("a", 1, &[0, 1, 2, 3]).unwrap();
    scene.join("b");
    scene.beat("a", 1).unwrap();
    // This answer, with epoch 2, is lost.
    scene.has("a", 1, &[0, 1]).unwrap();
    let owned = [(scene.id("t"), vec![0, 1])];
    let again = ConsumerHeartbeat { epoch: 1, owned: Some(&owned), ..full };
    assert_eq!(scene.tell(&again), Ok((2, Some(places("t", 0..2)))));
    assert_eq!(scene.beat("a", 1), Err(ErrorKind::FencedMemberEpoch), "nothing says what it has");
    assert_eq!(scene.has("a", 1, &[0, 3]), Err(ErrorKind::FencedMemberEpoch));
    assert_eq!(scene.beat("a", 3), Err(ErrorKind::FencedMemberEpoch));
    assert_eq!(scene.beat("a", 2), Ok((2, None)));
    // Who is fenced gives everything up and joins again, by the same ID.
    assert_eq!(scene.tell(&full), Ok((2, Some(places("t", 0..2)))));
}

#[test]
fn who_is_silent_or_does_not_give_up_in_time_is_removed() {
    let mut scene = Scene::new();
    scene.join("a");
    scene.join("b");
    scene.pass(SESSION - 1);
    scene.beat("b", 2).unwrap();
    scene.pass(1);
    assert_eq!(scene.beat("a", 1), Err(ErrorKind::UnknownMember));
    assert_eq!(scene.beat("b", 2), Ok((3, Some(places("t", 0..4)))));
    scene.join("c");
    scene.beat("b", 3).unwrap();
    for _ in 0..2 {
        scene.pass(i64::from(REBALANCE) / 2 - 1);
        scene.beat("b", 3).unwrap();
        scene.beat("c", 4).unwrap();
    }
    scene.pass(2);
    assert_eq!(scene.beat("b", 3), Err(ErrorKind::UnknownMember));
    assert_eq!(scene.beat("c", 4), Ok((5, Some(places("t", 0..4)))));
}

#[test]
fn a_static_member_that_leaves_for_a_while_finds_its_place_again() {
    let mut scene = Scene::new();
    assert_eq!(scene.join_static("a1", "i"), Ok((1, Some(places("t", 0..4)))));
    scene.join("b");
    scene.beat("a1", 1).unwrap();
    assert_eq!(scene.has("a1", 1, &[0, 1]), Ok((2, None)));
    assert_eq!(scene.beat("b", 2), Ok((2, Some(places("t", 2..4)))));
    assert_eq!(scene.join_static("a2", "i"), Err(ErrorKind::UnreleasedInstance));
    assert_eq!(scene.beat_static("a1", "i", -2), Ok((-2, None)));
    assert_eq!(scene.beat("b", 2), Ok((2, None)), "nobody gets what it has");
    assert_eq!(scene.beat_static("a1", "i", 2), Err(ErrorKind::FencedMemberEpoch));
    scene.restart();
    assert_eq!(scene.join_static("a2", "i"), Ok((2, Some(places("t", 0..2)))));
    assert_eq!(scene.beat_static("a1", "i", 2), Err(ErrorKind::FencedInstance));
    assert_eq!(scene.beat("a1", 2), Err(ErrorKind::UnknownMember));
    assert_eq!(scene.beat_static("a2", "i", 2), Ok((2, None)));
    assert_eq!(scene.beat("b", 2), Ok((2, None)), "no rebalance");
    assert_eq!(scene.state(), GroupState::Stable);
    // While it is away its session goes on.
    scene.beat_static("a2", "i", -2).unwrap();
    for _ in 0..2 {
        scene.pass(SESSION / 2 + 1);
        scene.beat("b", 2).unwrap();
    }
    assert_eq!(scene.beat("b", 2).unwrap_err(), ErrorKind::FencedMemberEpoch);
    assert_eq!(scene.join("b"), (3, places("t", 0..4)));
    assert_eq!(scene.beat_static("a2", "i", 2), Err(ErrorKind::UnknownMember));
}

#[test]
fn an_administrator_removes_a_static_member_by_its_instance() {
    let mut scene = Scene::new();
    scene.join_static("a", "i").unwrap();
    let named = |member_id, instance_id| MemberKey { member_id, instance_id };
    let keys = [named("", Some("i")), named("", Some("j")), named("a", None)];
    let mut out = Vec::new();
    let results = scene.groups.leave("g", &keys, scene.now, &mut out).unwrap();
    scene.take(out);
    let kinds: Vec<_> = results.into_iter().map(|r| r.map_err(|error| error.kind())).collect();
    let unknown = Err(ErrorKind::UnknownMember);
    assert_eq!(kinds, [Ok(()), unknown, unknown]);
    assert_eq!(scene.state(), GroupState::Empty);
}

#[test]
fn topics_that_come_grow_and_go_change_the_assignment() {
    let mut scene = Scene::new();
    let topics = ["t", "u"];
    let (epoch, had) = scene.tell(&joining("a", &topics)).unwrap();
    assert_eq!((epoch, had.unwrap().len()), (1, 4));
    scene.create("other", 3);
    assert_eq!(scene.beat("a", 1), Ok((1, None)), "that is not its topic");
    scene.create("u", 1);
    let (epoch, had) = scene.beat("a", 1).unwrap();
    assert_eq!((epoch, had.unwrap().len()), (2, 5));
    let grow = scene.log.catalog.plan_add_partitions("t", 6).unwrap();
    scene.log.apply(&grow);
    let (epoch, had) = scene.beat("a", 2).unwrap();
    assert_eq!((epoch, had.unwrap().len()), (3, 7));
    let delete = scene.log.catalog.plan_delete("t").unwrap();
    scene.log.apply(&delete);
    // What does not exist any more need not be given up.
    assert_eq!(scene.beat("a", 3), Ok((4, Some(places("u", 0..1)))));
    assert_eq!(scene.beat("a", 4), Ok((4, None)));
    assert_eq!(scene.state(), GroupState::Stable);
}

#[test]
fn a_regular_expression_is_evaluated_by_the_broker() {
    let mut scene = Scene::new();
    scene.create("logs-1", 1);
    let by_pattern =
        ConsumerHeartbeat { pattern: Some("logs-.*"), topics: None, ..joining("a", &[]) };
    assert_eq!(scene.tell(&by_pattern), Ok((1, Some(places("logs-1", 0..1)))));
    scene.create("logs-2", 1);
    scene.create("all-logs-2", 1);
    let two = [places("logs-1", 0..1), places("logs-2", 0..1)].concat();
    assert_eq!(scene.beat("a", 1), Ok((2, Some(two))));
    scene.restart();
    scene.create("logs-3", 1);
    assert_eq!(scene.beat("a", 2).unwrap().1.unwrap().len(), 3);
    let change = |epoch, pattern, topics| ConsumerHeartbeat {
        member_id: "a",
        epoch,
        pattern: Some(pattern),
        topics,
        ..KEEP_ALIVE
    };
    let bad = scene.tell(&change(3, "logs-(", None));
    assert_eq!(bad, Err(ErrorKind::InvalidRegularExpression));
    assert_eq!(scene.beat("a", 3), Ok((3, None)), "it is as it was");
    let named: &[&str] = &["logs-2"];
    let one = scene.tell(&change(3, "", Some(named))).unwrap();
    assert_eq!(one, (3, Some(places("logs-2", 0..1))), "the rest has to be given up");
    let owned = [(scene.id("logs-2"), vec![0])];
    let given_up =
        ConsumerHeartbeat { member_id: "a", epoch: 3, owned: Some(&owned), ..KEEP_ALIVE };
    assert_eq!(scene.tell(&given_up), Ok((4, None)));
}

#[test]
fn the_assignor_that_most_members_want_computes_the_assignment() {
    let mut scene = Scene::new();
    scene.create("u", 3);
    let all: &[&str] = &["t", "u"];
    let range = |id| ConsumerHeartbeat { assignor: Some("range"), ..joining(id, all) };
    scene.tell(&range("a")).unwrap();
    scene.tell(&range("b")).unwrap();
    let described = scene.groups.describe_consumers("g", &scene.log.catalog).unwrap();
    assert_eq!(described.assignor, "range");
    let target = |at: usize| -> Vec<(String, Vec<u32>)> {
        let shares = described.members[at].target.iter();
        shares.map(|share| (share.topic.name.clone(), share.partitions.clone())).collect()
    };
    assert_eq!(target(0), [("t".into(), vec![0, 1]), ("u".into(), vec![0, 1])]);
    assert_eq!(target(1), [("t".into(), vec![2, 3]), ("u".into(), vec![2])]);
    let unknown = ConsumerHeartbeat { assignor: Some("mine"), ..joining("c", all) };
    assert_eq!(scene.tell(&unknown), Err(ErrorKind::UnsupportedAssignor));
}

#[test]
fn members_go_on_after_a_restart_without_a_rebalance() {
    let mut scene = Scene::new();
    scene.join("a");
    scene.join("b");
    scene.beat("a", 1).unwrap();
    scene.restart();
    // In the middle of handing over, too.
    assert_eq!(scene.has("a", 1, &[0, 1]), Ok((2, None)));
    scene.restart();
    assert_eq!(scene.beat("b", 2), Ok((2, Some(places("t", 2..4)))));
    scene.restart();
    let persisted = scene.persisted;
    assert_eq!(scene.beat("a", 2), Ok((2, None)));
    assert_eq!(scene.beat("b", 2), Ok((2, None)));
    assert_eq!(scene.persisted, persisted);
    scene.pass(SESSION);
    assert_eq!(scene.state(), GroupState::Empty);
}

#[test]
fn after_a_power_cut_epochs_that_may_have_been_told_do_not_come_again() {
    let mut scene = Scene::new();
    scene.join("a");
    let kept = scene.log.to_bytes();
    scene.join("b");
    scene.beat("a", 1).unwrap();
    scene.has("a", 1, &[0, 1]).unwrap();
    scene.log = DurableState::from_bytes(&kept).unwrap();
    scene.log.apply(&Event::SessionStarted {
        epoch: 2,
        cluster_id: [1; 16],
        boot_id: String::new(),
        ids_skipped: true,
    });
    scene.groups = Coordinator::restore(scene.config, scene.log.groups.clone(), scene.now);
    scene.groups.restore_consumers(scene.log.consumer_groups.clone(), scene.now);
    assert_eq!(scene.beat("b", 2), Err(ErrorKind::UnknownMember));
    assert_eq!(scene.beat("a", 2), Err(ErrorKind::FencedMemberEpoch));
    let (epoch, had) = scene.join("a");
    assert!(epoch > 1000, "{epoch}");
    assert_eq!(had, places("t", 0..4));
}

#[test]
fn commits_and_fetches_of_members_need_their_newest_epoch() {
    let mut scene = Scene::new();
    assert_eq!(scene.commit("", -1), Ok(()), "there is no member");
    scene.join("a");
    assert_eq!(scene.commit("a", 1), Ok(()));
    assert_eq!(scene.commit("a", 0), Err(ErrorKind::StaleMemberEpoch));
    assert_eq!(scene.commit("b", 1), Err(ErrorKind::UnknownMember));
    assert_eq!(scene.commit("", -1), Err(ErrorKind::UnknownMember), "the group has members");
    let may = |member, epoch| {
        let result = scene.groups.check_offset_fetch("g", member, epoch);
        result.map_err(|error| error.kind())
    };
    assert_eq!((may("a", 1), may("", -1)), (Ok(()), Ok(())));
    assert_eq!(may("a", 2), Err(ErrorKind::StaleMemberEpoch));
    assert_eq!(may("b", 1), Err(ErrorKind::UnknownMember));
    scene.groups.check_offset_fetch("missing", "a", 1).unwrap();
    scene.beat("a", -1).unwrap();
    assert_eq!(scene.commit("", -1), Ok(()));
    assert_eq!(scene.groups.fetch_offsets("g").unwrap().get(0).unwrap().offset, 5);
}

#[test]
fn an_empty_group_becomes_of_the_kind_of_the_next_member() {
    let mut scene = Scene::new();
    scene.commit("", -1).unwrap();
    assert_eq!(scene.groups.list().next().unwrap().kind, GroupKind::Classic);
    scene.join("a");
    let Some(Action::JoinReply { answer, .. }) = scene.join_classic().pop() else {
        panic!("a refusal at once");
    };
    assert_eq!(answer.unwrap_err().kind(), ErrorKind::InconsistentProtocol);
    assert_eq!(scene.groups.describe("g").state, GroupState::Dead, "it is no classic group");
    scene.beat("a", -1).unwrap();
    scene.restart();
    scene.join_classic();
    assert_eq!(scene.groups.list().next().unwrap().kind, GroupKind::Classic);
    scene.restart();
    scene.join_classic();
    let join = scene.tell(&joining("b", &["t"]));
    assert_eq!(join, Err(ErrorKind::GroupNotFound), "it has a classic member");
    let described = scene.groups.describe_consumers("g", &scene.log.catalog);
    assert_eq!(described.unwrap_err().kind(), ErrorKind::GroupNotFound);
    let key = MemberKey { member_id: "classic", instance_id: None };
    let mut out = Vec::new();
    scene.groups.leave("g", &[key], scene.now, &mut out).unwrap()[0].as_ref().unwrap();
    scene.take(out);
    // Neither kind's numbers go back, and the offsets stay.
    let (epoch, _) = scene.join("b");
    assert!(epoch > 3, "{epoch}");
    assert_eq!(scene.groups.fetch_offsets("g").unwrap().get(0).unwrap().offset, 5);
}

#[test]
fn groups_have_a_size_an_end_and_offsets_that_expire() {
    let mut scene = Scene::with(GroupConfig { members_max: 1, ..GroupConfig::default() });
    scene.join_static("a1", "i").unwrap();
    assert_eq!(scene.tell(&joining("b", &["t"])), Err(ErrorKind::GroupFull));
    scene.beat_static("a1", "i", -2).unwrap();
    scene.join_static("a2", "i").unwrap();
    scene.commit("a2", 1).unwrap();
    let mut out = Vec::new();
    assert_eq!(scene.groups.delete_group("g", &mut out), GroupDeletion::NotEmpty);
    scene.pass(8 * 24 * 3_600_000);
    assert_eq!(scene.groups.list().count(), 0, "the session, then the offsets, then the group");
    assert!(scene.log.groups.is_empty() && scene.log.consumer_groups.is_empty());
    assert_eq!(scene.beat("a2", 1), Err(ErrorKind::GroupNotFound));
    assert_eq!(scene.join("b").0, 1);
    scene.beat("b", -1).unwrap();
    assert_eq!(scene.groups.delete_group("g", &mut out), GroupDeletion::Deleted);
    scene.take(out);
    assert!(scene.log.consumer_groups.is_empty());
}

#[test]
fn requests_that_contradict_themselves_are_refused() {
    let mut scene = Scene::new();
    let join = joining("a", &["t"]);
    let owned = [(scene.id("t"), vec![0])];
    let requests = [
        ConsumerHeartbeat { group: "", ..join },
        ConsumerHeartbeat { member_id: "", ..join },
        ConsumerHeartbeat { rebalance_timeout_ms: None, ..join },
        ConsumerHeartbeat { topics: None, ..join },
        ConsumerHeartbeat { owned: None, ..join },
        ConsumerHeartbeat { owned: Some(&owned), ..join },
        ConsumerHeartbeat { instance_id: Some(""), ..join },
        ConsumerHeartbeat { rack_id: Some(""), ..join },
        ConsumerHeartbeat { epoch: -2, ..join },
        ConsumerHeartbeat { epoch: -3, ..join },
    ];
    for request in requests {
        assert_eq!(scene.tell(&request), Err(ErrorKind::InvalidRequest), "{request:?}");
    }
    assert_eq!(scene.beat("a", 1), Err(ErrorKind::GroupNotFound));
    assert_eq!(scene.beat("a", -1), Err(ErrorKind::GroupNotFound));
    assert_eq!(scene.groups.list().count(), 0);
    // Partitions that do not exist are nothing.
    scene.tell(&join).unwrap();
    let strange = [([9; 16], vec![0]), (scene.id("t"), vec![-1, 4, i32::MAX])];
    let request =
        ConsumerHeartbeat { member_id: "a", epoch: 1, owned: Some(&strange), ..KEEP_ALIVE };
    assert_eq!(scene.tell(&request), Ok((1, None)));
}
