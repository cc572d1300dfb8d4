//! Random lives of consumer groups in which the broker assigns (KIP-848): clients lose answers,
//! crash, are slow and come back, topics come and go, and the broker is killed in between.
//! Whatever happens, no partition has two owners, and in the end each has one.

#![expect(clippy::unwrap_used, reason = "a test ends where something is not as it should be")]

use std::collections::{BTreeMap, BTreeSet};

use minka::ErrorKind;
use minka::state::durable::DurableState;
use minka::state::event::{Event, TopicId};
use minka::state::groups::{
    Action, ConsumerHeartbeat, Coordinator, GroupConfig, GroupState, JoinRequest, Now, ReplyId,
};
use minka::state::topic_config::TopicConfig;
use proptest::prelude::*;

const CLIENTS: usize = 5;
const REBALANCE: u32 = 20_000;

/// What becomes of a heartbeat.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Fate {
    Answered,
    /// The broker has handled it, but the client never sees the answer.
    AnswerLost,
}

#[derive(Debug, Clone, Copy)]
enum Step {
    /// A heartbeat, which joins if the client is in no group.
    Beat(usize, Fate),
    /// The client finishes with what it was told, and says so with its next heartbeat.
    Finish(usize),
    /// The client wants other topics.
    Subscribe(usize, u8),
    Leave(usize, Fate),
    /// A static member leaves for a while, a dynamic one for good.
    LeaveForAWhile(usize),
    Crash(usize),
    /// Somebody tries the classic protocol with the same group.
    JoinClassic,
    CreateTopic(u32),
    AddPartition(usize),
    DeleteTopic(usize),
    Pass(u16),
    RestartBroker,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let client = 0..CLIENTS;
    let fate = prop_oneof![5 => Just(Fate::Answered), 1 => Just(Fate::AnswerLost)];
    let step = prop_oneof![
        30 => (client.clone(), fate.clone()).prop_map(|(client, fate)| Step::Beat(client, fate)),
        20 => client.clone().prop_map(Step::Finish),
        2 => (client.clone(), any::<u8>()).prop_map(|(client, what)| Step::Subscribe(client, what)),
        1 => (client.clone(), fate).prop_map(|(client, fate)| Step::Leave(client, fate)),
        1 => client.clone().prop_map(Step::LeaveForAWhile),
        1 => client.prop_map(Step::Crash),
        1 => Just(Step::JoinClassic),
        1 => (1..6_u32).prop_map(Step::CreateTopic),
        1 => (0..9_usize).prop_map(Step::AddPartition),
        1 => (0..9_usize).prop_map(Step::DeleteTopic),
        5 => (0..8000_u16).prop_map(Step::Pass),
        2 => Just(Step::RestartBroker),
    ];
    prop::collection::vec(step, 1..300)
}

/// A partition as clients know it.
type Place = (TopicId, u32);

/// A client as it knows itself.
#[derive(Debug, Default)]
struct Client {
    member_id: String,
    epoch: i32,
    /// Which subscription it has: see [`World::wants`].
    wants: u8,
    owned: BTreeSet<Place>,
    /// What it was told to have and does not have exactly yet.
    told: Option<BTreeSet<Place>>,
    /// What it has is news for the broker.
    has_news: bool,
    /// It cannot know what the broker knows, so it says everything.
    says_all: bool,
}

struct World {
    groups: Coordinator,
    config: GroupConfig,
    now: Now,
    log: DurableState,
    clients: Vec<Client>,
    /// The highest epochs seen: of the group, and of each member.
    epoch: i32,
    member_epochs: BTreeMap<String, i32>,
    next: u64,
}

/// Odd clients are static members.
fn instance(client: usize) -> Option<String> {
    (client % 2 == 1).then(|| format!("i{client}"))
}

impl World {
    fn new(members_max: usize) -> Self {
        let config =
            GroupConfig { initial_rebalance_delay_ms: 0, members_max, ..GroupConfig::default() };
        let now = Now { steady: 0, wall: 50 };
        let mut world = Self {
            groups: Coordinator::restore(config, [], now),
            config,
            now,
            log: DurableState::default(),
            clients: (0..CLIENTS).map(|_| Client::default()).collect(),
            epoch: 0,
            member_epochs: BTreeMap::new(),
            next: 0,
        };
        world.create_topic(3);
        world
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Beat(client, fate) => self.beat(client, fate),
            Step::Finish(client) => self.finish(client),
            Step::Subscribe(client, wants) => {
                self.clients[client].wants = wants;
                self.clients[client].says_all = true;
            }
            Step::Leave(client, fate) => self.leave(client, -1, fate),
            Step::LeaveForAWhile(client) => {
                let epoch = if instance(client).is_some() { -2 } else { -1 };
                self.leave(client, epoch, Fate::Answered);
            }
            Step::Crash(client) => self.forget(client),
            Step::JoinClassic => self.join_classic(),
            Step::CreateTopic(partitions) => self.create_topic(partitions),
            Step::AddPartition(at) => self.change_topic(at, |log, name, count| {
                log.catalog.plan_add_partitions(name, count + 1).unwrap()
            }),
            Step::DeleteTopic(at) => {
                self.change_topic(at, |log, name, _| log.catalog.plan_delete(name).unwrap());
            }
            Step::Pass(ms) => self.pass(i64::from(ms)),
            Step::RestartBroker => self.restart_broker(),
        }
        self.check();
    }

    fn number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    fn create_topic(&mut self, partitions: u32) {
        let number = self.number();
        let mut id = [7; 16];
        id[..8].copy_from_slice(&number.to_be_bytes());
        let name = format!("{}{number}", if number.is_multiple_of(2) { "even" } else { "odd" });
        let config = TopicConfig::default();
        let event = self.log.catalog.plan_create(&name, id, partitions, &config, 0).unwrap();
        self.log.apply(&event);
    }

    fn change_topic(&mut self, at: usize, plan: impl Fn(&DurableState, &str, u32) -> Event) {
        let topic = self.log.catalog.topics().nth(at).cloned();
        if let Some(topic) = topic {
            let event = plan(&self.log, &topic.name, topic.partition_count());
            self.log.apply(&event);
        }
    }

    /// What a client wants: names and an expression.
    fn wants(&self, client: usize) -> (Vec<String>, &'static str) {
        let names = self.log.catalog.topics().map(|topic| topic.name.clone());
        match self.clients[client].wants % 8 {
            0..3 => (Vec::new(), "(even|odd).*"),
            3 => (Vec::new(), "even[0-9]+"),
            4 => (names.take(2).collect(), "odd1.*"),
            5 => (Vec::new(), ""),
            _ => (names.collect(), ""),
        }
    }

    fn beat(&mut self, client: usize, fate: Fate) {
        if self.clients[client].member_id.is_empty() {
            let number = self.number();
            let fresh = format!("m{client}-{number}");
            let known = &mut self.clients[client];
            (known.member_id, known.epoch, known.says_all) = (fresh, 0, true);
        }
        let (names, pattern) = self.wants(client);
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let instance_id = instance(client);
        let known = &mut self.clients[client];
        let owned = by_topic(&known.owned);
        let says_all = std::mem::take(&mut known.says_all);
        let says_owned = std::mem::take(&mut known.has_news) || says_all;
        if says_all {
            // What it says that it has, it means: what it was told and has not taken yet, it will
            // be told again.
            known.told = None;
        }
        let (epoch, member_id) = (known.epoch, known.member_id.clone());
        let request = ConsumerHeartbeat {
            group: "g",
            member_id: &member_id,
            epoch,
            instance_id: instance_id.as_deref(),
            rack_id: None,
            client_id: "c",
            client_host: "h",
            rebalance_timeout_ms: says_all.then_some(REBALANCE),
            topics: says_all.then_some(&names),
            pattern: says_all.then_some(pattern),
            assignor: (says_all && client == 2).then_some("range"),
            owned: says_owned.then_some(&owned),
        };
        let mut out = Vec::new();
        let catalog = self.log.catalog.clone();
        let answer = self.groups.consumer_heartbeat(&request, &catalog, self.now, &mut out);
        self.take(out);
        if fate == Fate::AnswerLost {
            self.clients[client].says_all = true;
            return;
        }
        match answer {
            Ok(answer) => {
                let highest = self.member_epochs.entry(member_id).or_default();
                assert!(answer.epoch >= *highest, "{} after {highest}", answer.epoch);
                *highest = answer.epoch;
                let known = &mut self.clients[client];
                known.epoch = answer.epoch;
                if let Some(shares) = answer.assignment {
                    let places = shares.into_iter().flat_map(|share| {
                        let id = share.topic.id;
                        share.partitions.into_iter().map(move |index| (id, index))
                    });
                    known.told = Some(places.collect());
                }
            }
            Err(error) => match error.kind() {
                ErrorKind::FencedMemberEpoch | ErrorKind::UnknownMember => {
                    // It gives everything up and joins again by the same ID.
                    let known = &mut self.clients[client];
                    known.owned.clear();
                    (known.told, known.epoch, known.says_all) = (None, 0, true);
                }
                ErrorKind::UnreleasedInstance
                | ErrorKind::GroupFull
                | ErrorKind::FencedInstance
                | ErrorKind::GroupNotFound => self.forget(client),
                other => panic!("{other:?} is no answer to a client that keeps the rules"),
            },
        }
    }

    /// The client has what it was told to have.
    fn finish(&mut self, client: usize) {
        let known = &mut self.clients[client];
        if let Some(told) = known.told.take() {
            known.has_news |= known.owned != told;
            known.owned = told;
        }
    }

    fn forget(&mut self, client: usize) {
        let wants = self.clients[client].wants;
        self.clients[client] = Client { wants, ..Client::default() };
    }

    fn leave(&mut self, client: usize, epoch: i32, fate: Fate) {
        let known = &self.clients[client];
        if known.member_id.is_empty() || known.epoch == 0 {
            return;
        }
        let instance_id = instance(client);
        let request = ConsumerHeartbeat {
            group: "g",
            member_id: &known.member_id,
            epoch,
            instance_id: instance_id.as_deref(),
            rack_id: None,
            client_id: "c",
            client_host: "h",
            rebalance_timeout_ms: None,
            topics: None,
            pattern: None,
            assignor: None,
            owned: None,
        };
        let mut out = Vec::new();
        if fate == Fate::Answered {
            // Without an answer, the request itself was lost: the client is gone anyway.
            let catalog = &self.log.catalog;
            let _ = self.groups.consumer_heartbeat(&request, catalog, self.now, &mut out);
        }
        self.take(out);
        self.forget(client);
    }

    fn join_classic(&mut self) {
        let number = self.number();
        let request = JoinRequest {
            reply: ReplyId(number),
            group: "g".into(),
            member_id: String::new(),
            instance_id: None,
            new_member_id: format!("classic-{number}"),
            require_known_member_id: false,
            supports_skip_assignment: false,
            client_id: "c".into(),
            client_host: "h".into(),
            session_timeout_ms: 6000,
            rebalance_timeout_ms: 500,
            protocol_type: "consumer".into(),
            protocols: vec![("range".into(), Vec::new())],
        };
        let mut out = Vec::new();
        self.groups.join(request, self.now, &mut out);
        self.take(out);
    }

    fn restart_broker(&mut self) {
        self.log = DurableState::from_bytes(&self.log.to_bytes()).unwrap();
        self.now.steady = 0;
        self.groups = Coordinator::restore(self.config, self.log.groups.clone(), self.now);
        self.groups.restore_consumers(self.log.consumer_groups.clone(), self.now);
        // Whoever had just sent something has no answer.
        self.clients.iter_mut().for_each(|client| client.says_all = true);
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
            if let Action::Persist(event) = action {
                if matches!(event, Event::GroupRemoved { .. }) {
                    (self.epoch, self.member_epochs) = (0, BTreeMap::new());
                }
                self.log.apply(&Event::decode(&event.encode()).unwrap());
            }
        }
    }

    /// What always holds.
    fn check(&mut self) {
        assert_eq!(self.groups.durable(), self.log.groups, "the log has what the broker has");
        assert_eq!(self.groups.durable_consumers(), self.log.consumer_groups);
        let Ok(described) = self.groups.describe_consumers("g", &self.log.catalog) else {
            return;
        };
        assert!(described.epoch >= self.epoch && described.epoch >= described.target_epoch);
        self.epoch = described.epoch;
        assert!(described.members.len() <= self.config.members_max);
        let mut owners: BTreeMap<Place, &str> = BTreeMap::new();
        let mut targets = BTreeSet::new();
        for member in &described.members {
            assert!(member.member.epoch <= described.target_epoch);
            for share in &member.assigned {
                for &index in &share.partitions {
                    let place = (share.topic.id, index);
                    let other = owners.insert(place, &member.member.id);
                    assert_eq!(other, None, "the broker has two owners of {place:?}");
                }
            }
            for share in &member.target {
                let mut places = share.partitions.iter().map(|&index| (share.topic.id, index));
                assert!(places.all(|place| targets.insert(place)), "two are to have the same");
            }
        }
        // What a member has belongs to it in the broker's view, too; so nobody else has it. A
        // client that is no member any more learns that with its next heartbeat.
        for client in &self.clients {
            let is_member = described.members.iter().any(|m| m.member.id == client.member_id);
            for place in client.owned.iter().filter(|_| is_member) {
                let exists = self.log.catalog.topic_by_id(&place.0).is_some();
                let owner = owners.get(place).copied();
                assert!(!exists || owner == Some(&*client.member_id), "{client:?}: {owner:?}");
            }
        }
    }

    /// Well-behaved clients for so long that everything settles.
    fn settle(&mut self) {
        for _ in 0..45 {
            for client in 0..CLIENTS {
                self.step(Step::Beat(client, Fate::Answered));
                self.step(Step::Finish(client));
            }
            self.pass(2000);
        }
    }
}

fn by_topic(places: &BTreeSet<Place>) -> Vec<(TopicId, Vec<i32>)> {
    let mut topics: BTreeMap<TopicId, Vec<i32>> = BTreeMap::new();
    for (topic, index) in places {
        topics.entry(*topic).or_default().push(i32::try_from(*index).unwrap());
    }
    topics.into_iter().collect()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_partition_has_two_owners_and_in_the_end_each_has_one(
        members_max in prop_oneof![1 => Just(3_usize), 3 => Just(usize::MAX)],
        steps in steps(),
    ) {
        let mut world = World::new(members_max);
        for step in steps {
            world.step(step);
        }
        // Everybody wants everything, or one of the members may be the only one to want it.
        for client in 0..CLIENTS {
            world.step(Step::Subscribe(client, 0));
        }
        world.settle();
        let catalog = &world.log.catalog;
        let described = world.groups.describe_consumers("g", catalog).unwrap();
        assert_eq!(described.state, GroupState::Stable);
        assert_eq!(described.members.len(), CLIENTS.min(members_max));
        let all: BTreeSet<Place> = catalog
            .topics()
            .flat_map(|topic| (0..topic.partition_count()).map(|index| (topic.id, index)))
            .collect();
        let owned: Vec<Place> =
            world.clients.iter().flat_map(|client| client.owned.iter().copied()).collect();
        assert_eq!(owned.len(), all.len(), "each partition has one owner");
        assert_eq!(owned.into_iter().collect::<BTreeSet<_>>(), all);
        let sizes: Vec<usize> = described
            .members
            .iter()
            .map(|member| member.member.assigned.len())
            .collect();
        let (least, most) = (sizes.iter().min().unwrap(), sizes.iter().max().unwrap());
        assert!(described.assignor != "uniform" || most - least <= 1, "{sizes:?}");
    }
}
