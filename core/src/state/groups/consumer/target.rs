//! The target: who is to have what.

use std::collections::{BTreeMap, BTreeSet};

use crate::state::catalog::Catalog;
use crate::state::groups::consumer::assignor::{Assignor, Subscriber};
use crate::state::groups::consumer::group::ConsumerGroup;
use crate::state::groups::consumer::member::ConsumerMember;

impl ConsumerGroup {
    /// Computes the target again where members, their subscriptions or the topics have changed.
    /// A change of topics alone makes a new epoch only if somebody is to have something else.
    pub(super) fn retarget(&mut self, catalog: &Catalog) {
        let version = Some(catalog.version());
        if self.target_epoch == self.epoch && self.seen == version {
            return;
        }
        self.seen = version;
        let target = self.target(catalog);
        let mut changed = false;
        for (member, target) in self.members.values_mut().zip(target) {
            if member.record.target != target {
                changed = true;
                member.record.target = target;
                self.news.members.insert(member.record.id.clone());
            }
        }
        if changed && self.target_epoch == self.epoch {
            self.next_epoch();
        }
        if self.target_epoch != self.epoch {
            self.target_epoch = self.epoch;
            self.news.group = true;
        }
    }

    /// The assignor that most members want.
    pub(super) fn assignor(&self) -> Assignor {
        let mut votes: BTreeMap<Assignor, usize> = BTreeMap::new();
        let wanted = self.members.values().filter_map(|member| member.record.assignor.as_deref());
        for assignor in wanted.filter_map(Assignor::named) {
            *votes.entry(assignor).or_default() += 1;
        }
        let most = votes.values().max();
        let winner = votes.iter().find(|(_, count)| Some(*count) == most);
        winner.map_or(Assignor::Uniform, |(assignor, _)| *assignor)
    }

    /// What each member is to have, by their IDs in order.
    fn target(&self, catalog: &Catalog) -> Vec<Vec<u32>> {
        let wanted = self.subscriptions(catalog);
        let names: BTreeSet<&str> = wanted.iter().flatten().copied().collect();
        let index: BTreeMap<&str, usize> = names.iter().copied().zip(0..).collect();
        let partitions = |name: &&str| -> Vec<u32> {
            catalog.topic(name).map(|topic| topic.partition_numbers().collect()).unwrap_or_default()
        };
        let topics: Vec<Vec<u32>> = names.iter().map(partitions).collect();
        let subscribers: Vec<Subscriber<'_>> = self
            .members
            .values()
            .zip(&wanted)
            .map(|(member, wanted)| Subscriber {
                key: member.record.instance_id.as_deref().unwrap_or(&member.record.id),
                topics: wanted.iter().map(|name| index[name]).collect(),
                current: &member.record.target,
            })
            .collect();
        self.assignor().assign(&topics, &subscribers)
    }

    /// The names of the topics that each member wants and that exist.
    fn subscriptions<'a>(&'a self, catalog: &'a Catalog) -> Vec<BTreeSet<&'a str>> {
        // Members of a group mostly have the same expression.
        let mut matched: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for member in self.members.values() {
            let (Some(text), Some(pattern)) = (&member.record.pattern, &member.pattern) else {
                continue;
            };
            matched.entry(text).or_insert_with(|| {
                let names = catalog.topics().map(|topic| topic.name.as_str());
                names.filter(|name| pattern.matches(name)).collect()
            });
        }
        let of_member = |member: &'a ConsumerMember| {
            let named = member.record.topics.iter().map(String::as_str);
            let existing = named.filter(|name| catalog.topic(name).is_some());
            let pattern = member.record.pattern.as_deref();
            let by_pattern = pattern.and_then(|text| matched.get(text)).into_iter().flatten();
            existing.chain(by_pattern.copied()).collect()
        };
        self.members.values().map(of_member).collect()
    }
}
