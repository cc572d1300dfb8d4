//! Who is to have what: the assignors of the broker.

use std::collections::{BTreeMap, BTreeSet};

/// What computes a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Assignor {
    /// As equal shares as possible, with as few moves as possible.
    Uniform,
    /// Of each topic a range of partitions to each member.
    Range,
}

/// A member as an assignor sees it.
#[derive(Debug)]
pub(super) struct Subscriber<'a> {
    /// What range sorts members by: a static member keeps its place over restarts.
    pub(super) key: &'a str,
    /// The indexes of the topics that it wants, in order.
    pub(super) topics: Vec<usize>,
    /// The partitions that it was to have so far.
    pub(super) current: &'a [u32],
}

impl Assignor {
    const ALL: [Self; 2] = [Self::Uniform, Self::Range];

    /// The assignor of this name.
    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|assignor| assignor.name() == name)
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Uniform => "uniform",
            Self::Range => "range",
        }
    }

    /// The partitions that each member is to have, in order; `topics` has the partitions of each
    /// topic. Everything that somebody wants has one owner. Computing it again from its own
    /// result changes nothing.
    pub(super) fn assign(self, topics: &[Vec<u32>], members: &[Subscriber<'_>]) -> Vec<Vec<u32>> {
        let mut wanted_by: Vec<Vec<usize>> = vec![Vec::new(); topics.len()];
        for (index, member) in members.iter().enumerate() {
            for &topic in &member.topics {
                wanted_by[topic].push(index);
            }
        }
        let mut target = match self {
            Self::Uniform => uniform(topics, members, &wanted_by),
            Self::Range => range(topics, members, wanted_by),
        };
        target.iter_mut().for_each(|partitions| partitions.sort_unstable());
        target
    }
}

fn range(
    topics: &[Vec<u32>],
    members: &[Subscriber<'_>],
    wanted_by: Vec<Vec<usize>>,
) -> Vec<Vec<u32>> {
    let mut target = vec![Vec::new(); members.len()];
    for (partitions, mut takers) in topics.iter().zip(wanted_by) {
        takers.sort_by_key(|&member| members[member].key);
        let mut rest = &partitions[..];
        for (place, &member) in takers.iter().enumerate() {
            // What is left is shared by those who are left: the first get one more.
            let share = rest.len().div_ceil(takers.len() - place);
            let (mine, others) = rest.split_at(share);
            target[member].extend_from_slice(mine);
            rest = others;
        }
    }
    target
}

/// The state of the uniform assignor: for each topic, what each member has of it.
struct Shares {
    of_topic: Vec<BTreeMap<usize, Vec<u32>>>,
    /// How many partitions each member has in all.
    load: Vec<usize>,
}

fn uniform(
    topics: &[Vec<u32>],
    members: &[Subscriber<'_>],
    wanted_by: &[Vec<usize>],
) -> Vec<Vec<u32>> {
    let mut shares =
        Shares { of_topic: vec![BTreeMap::new(); topics.len()], load: vec![0; members.len()] };
    let unowned = shares.keep(topics, members);
    for (topic, partitions) in unowned.into_iter().enumerate() {
        shares.hand_out(topic, partitions, &wanted_by[topic]);
    }
    // Each move makes the sum of the squares of the loads smaller, so this ends.
    while (0..topics.len()).filter(|&t| shares.level(t, &wanted_by[t])).count() > 0 {}
    let mut target = vec![Vec::new(); members.len()];
    for (member, partitions) in shares.of_topic.into_iter().flatten() {
        target[member].extend(partitions);
    }
    target
}

impl Shares {
    /// Leaves to the members what they have and still want; returns the rest of each topic.
    fn keep(&mut self, topics: &[Vec<u32>], members: &[Subscriber<'_>]) -> Vec<Vec<u32>> {
        let owners: BTreeMap<u32, usize> = members
            .iter()
            .enumerate()
            .flat_map(|(index, member)| member.current.iter().map(move |&p| (p, index)))
            .collect();
        let mut unowned = vec![Vec::new(); topics.len()];
        for (topic, partitions) in topics.iter().enumerate() {
            for &partition in partitions {
                let wants =
                    |member: &&usize| members[**member].topics.binary_search(&topic).is_ok();
                match owners.get(&partition).filter(wants) {
                    Some(&member) => self.give(topic, member, partition),
                    None => unowned[topic].push(partition),
                }
            }
        }
        unowned
    }

    /// Gives each partition to the member that has the least.
    fn hand_out(&mut self, topic: usize, partitions: Vec<u32>, takers: &[usize]) {
        let mut by_load = self.by_load(takers);
        for partition in partitions {
            let Some((_, member)) = by_load.pop_first() else {
                return;
            };
            self.give(topic, member, partition);
            by_load.insert((self.load[member], member));
        }
    }

    /// Moves partitions of a topic from those who have much to those who have little; returns
    /// whether any moved.
    fn level(&mut self, topic: usize, takers: &[usize]) -> bool {
        let mut moved = false;
        let mut low = self.by_load(takers);
        let owners: Vec<usize> = self.of_topic[topic].keys().copied().collect();
        let mut high = self.by_load(&owners);
        while let (Some(&(least, to)), Some(&(most, from))) = (low.first(), high.last()) {
            if most < least + 2 {
                break;
            }
            let Some(partition) = self.take(topic, from) else {
                high.remove(&(most, from));
                continue;
            };
            self.give(topic, to, partition);
            moved = true;
            for (member, before) in [(from, most), (to, least)] {
                low.remove(&(before, member));
                high.remove(&(before, member));
                low.insert((self.load[member], member));
                high.insert((self.load[member], member));
            }
        }
        moved
    }

    fn by_load(&self, members: &[usize]) -> BTreeSet<(usize, usize)> {
        members.iter().map(|&member| (self.load[member], member)).collect()
    }

    fn give(&mut self, topic: usize, member: usize, partition: u32) {
        self.of_topic[topic].entry(member).or_default().push(partition);
        self.load[member] += 1;
    }

    fn take(&mut self, topic: usize, member: usize) -> Option<u32> {
        let partition = self.of_topic[topic].get_mut(&member)?.pop()?;
        self.load[member] -= 1;
        Some(partition)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn members<'a>(topics: &[&[usize]], current: &'a [Vec<u32>]) -> Vec<Subscriber<'a>> {
        const KEYS: [&str; 4] = ["a", "b", "c", "d"];
        let none: &'a [u32] = &[];
        let subscriber = |(index, topics): (usize, &&[usize])| Subscriber {
            key: KEYS[index],
            topics: topics.to_vec(),
            current: current.get(index).map_or(none, |current| &current[..]),
        };
        topics.iter().enumerate().map(subscriber).collect()
    }

    /// Computes it twice: the second time nothing may change.
    fn assign(
        assignor: Assignor,
        topics: &[Vec<u32>],
        wants: &[&[usize]],
        current: &[Vec<u32>],
    ) -> Vec<Vec<u32>> {
        let target = assignor.assign(topics, &members(wants, current));
        assert_eq!(assignor.assign(topics, &members(wants, &target)), target);
        target
    }

    #[test]
    fn range_gives_the_first_members_one_more_of_each_topic() {
        let topics = [vec![0, 1, 2, 3, 4], vec![7, 8]];
        let target = assign(Assignor::Range, &topics, &[&[0, 1], &[0], &[0, 1]], &[]);
        assert_eq!(target, [vec![0, 1, 7], vec![2, 3], vec![4, 8]]);
        let alone = assign(Assignor::Range, &topics, &[&[], &[1]], &[]);
        assert_eq!(alone, [vec![], vec![7, 8]]);
    }

    #[test]
    fn uniform_shares_equally_and_moves_only_what_it_must() {
        let topics = [(0..7).collect(), vec![10], vec![20, 21]];
        let all: &[usize] = &[0, 1, 2];
        let two = assign(Assignor::Uniform, &topics, &[all, all], &[]);
        assert_eq!((two[0].len(), two[1].len()), (5, 5));
        let three = assign(Assignor::Uniform, &topics, &[all, all, all], &two);
        let mut sizes: Vec<_> = three.iter().map(Vec::len).collect();
        sizes.sort_unstable();
        assert_eq!(sizes, [3, 3, 4]);
        for (before, after) in two.iter().zip(&three) {
            assert!(after.iter().all(|partition| before.contains(partition)), "nothing swapped");
        }
        let one = assign(Assignor::Uniform, &topics, &[all], &three[2..]);
        assert_eq!(one[0].len(), 10);
    }

    #[test]
    fn uniform_levels_members_that_want_different_topics() {
        let topics = [(0..6).collect::<Vec<u32>>(), (10..12).collect()];
        let target = assign(Assignor::Uniform, &topics, &[&[0], &[0, 1], &[1]], &[]);
        let sizes: Vec<_> = target.iter().map(Vec::len).collect();
        assert_eq!(sizes, [3, 3, 2]);
        assert!(target[0].iter().all(|p| *p < 6) && target[2].iter().all(|p| *p >= 10));
        // The one in the middle had everything; a newcomer wants half of it.
        let current = [vec![], vec![0, 1, 2, 3, 4, 5, 10, 11], vec![]];
        let again = assign(Assignor::Uniform, &topics, &[&[], &[0, 1], &[1]], &current);
        assert_eq!(again, [vec![], vec![0, 1, 2, 3, 4, 5], vec![10, 11]]);
    }

    #[test]
    fn what_nobody_wants_has_no_owner() {
        let topics = [vec![0, 1]];
        assert_eq!(assign(Assignor::Uniform, &topics, &[&[]], &[vec![0]]), [vec![]]);
        assert!(assign(Assignor::Uniform, &topics, &[], &[]).is_empty());
    }
}
