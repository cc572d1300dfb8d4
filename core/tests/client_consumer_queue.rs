//! Members of a queue group, over a socket, against a broker that keeps one queue in memory.

#![allow(clippy::unwrap_used, reason = "a test fails by a panic")]

mod client_consumer_common;

use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use client_consumer_common::fake::{self, Asked, TOPIC_ID};
use client_consumer_common::{PATIENCE, batch, config, seen};
use minka::ErrorKind;
use minka::batch::Codec;
use minka::batch::header::{PATCH_BYTES, patch};
use minka::client::{Consumer, ConsumerConfig, Group, Records};
use minka::wire::kafka::field::Nullable;
use minka::wire::kafka::request::Request;
use minka::wire::kafka::share_acknowledge::{
    ShareAcknowledgePartitionResponse, ShareAcknowledgeResponse, ShareAcknowledgeTopicResponse,
};
use minka::wire::kafka::share_fetch::{
    AcknowledgementBatch, AcquiredRecords, ShareFetchPartitionResponse, ShareFetchResponse,
    ShareFetchTopicResponse,
};
use minka::wire::kafka::share_group_heartbeat::{
    ShareGroupAssignment, ShareGroupHeartbeatResponse, ShareGroupTopicPartitions,
};

const GAP: i8 = 0;
const ACCEPT: i8 = 1;
const RELEASE: i8 = 2;
const REJECT: i8 = 3;
const RENEW: i8 = 4;

/// The state of the one partition.
#[derive(Default)]
struct Queue {
    records: Vec<Item>,
    /// The epoch of the next request, by session; a session is its connection.
    sessions: BTreeMap<usize, i32>,
    /// What was acknowledged, in order.
    acknowledged: Vec<(i64, i8)>,
    /// How many requests for messages, and how many acknowledgements alone.
    requests: (usize, usize),
    /// The epochs of heartbeats.
    beats: Vec<i32>,
    /// Offsets that are acquired without a record.
    holes: Vec<usize>,
    /// What the next request is answered with.
    error: Option<i16>,
}

struct Item {
    value: String,
    deliveries: i16,
    /// The connection that holds it.
    holder: Option<usize>,
    done: bool,
}

#[derive(Clone, Default)]
struct Fake(Arc<(Mutex<Queue>, Condvar)>);

impl Fake {
    fn start(&self) -> String {
        let fake = self.clone();
        fake::start(move |asked| fake.answer(asked)).to_string()
    }

    fn queue(&self) -> std::sync::MutexGuard<'_, Queue> {
        self.0.0.lock().unwrap()
    }

    fn add(&self, values: &[&str]) {
        for value in values {
            let value = (*value).to_owned();
            self.queue().records.push(Item { value, deliveries: 0, holder: None, done: false });
        }
        self.0.1.notify_all();
    }

    fn answer(&self, asked: &Asked<'_>) -> Option<Vec<u8>> {
        match &asked.request {
            Request::ShareGroupHeartbeat(request) => {
                self.queue().beats.push(request.member_epoch);
                let partitions = vec![0];
                let topic = ShareGroupTopicPartitions { topic_id: TOPIC_ID, partitions };
                let assignment = ShareGroupAssignment { topic_partitions: vec![topic] };
                Some(asked.answer(&ShareGroupHeartbeatResponse {
                    member_epoch: if request.member_epoch < 0 { -1 } else { 1 },
                    heartbeat_interval_ms: 20,
                    assignment: Nullable(Some(assignment)),
                    ..ShareGroupHeartbeatResponse::default()
                }))
            }
            Request::ShareFetch(request) => {
                let batches = request.topics.iter().flat_map(|topic| &topic.partitions);
                let acks: Vec<_> =
                    batches.flat_map(|p| p.acknowledgement_batches.clone()).collect();
                let mut queue = self.queue();
                queue.requests.0 += 1;
                let session = queue.session(asked, request.share_session_epoch, &acks);
                let session = match queue.error.take() {
                    Some(code) => Err(code),
                    None => session,
                };
                if let Err(error_code) = session {
                    let error = ShareFetchResponse { error_code, ..ShareFetchResponse::default() };
                    return Some(asked.answer(&error));
                }
                let acknowledge_error_code = queue.acknowledge(asked, &acks);
                let wait = Duration::from_millis(u64::try_from(request.max_wait_ms).unwrap());
                let until = Instant::now() + wait;
                while queue.free().is_empty() && Instant::now() < until {
                    queue = self.0.1.wait_timeout(queue, wait).unwrap().0;
                }
                let free = queue.free();
                Some(queue.hand_out(asked, &free, request.max_records, acknowledge_error_code))
            }
            Request::ShareAcknowledge(request) => {
                let batches = request.topics.iter().flat_map(|topic| &topic.partitions);
                let acks: Vec<_> =
                    batches.flat_map(|p| p.acknowledgement_batches.clone()).collect();
                let mut queue = self.queue();
                queue.requests.1 += 1;
                let renews = acks.iter().any(|batch| batch.acknowledge_types.contains(&RENEW));
                assert_eq!(request.is_renew_ack, renews);
                let session = queue.session(asked, request.share_session_epoch, &acks);
                let mut response = ShareAcknowledgeResponse::default();
                match session {
                    Err(error_code) => response.error_code = error_code,
                    Ok(()) => {
                        let partition = ShareAcknowledgePartitionResponse {
                            error_code: queue.acknowledge(asked, &acks),
                            ..ShareAcknowledgePartitionResponse::default()
                        };
                        let partitions = vec![partition];
                        let topic =
                            ShareAcknowledgeTopicResponse { topic_id: TOPIC_ID, partitions };
                        response.responses.push(topic);
                    }
                }
                Some(asked.answer(&response))
            }
            _ => None,
        }
    }
}

impl Queue {
    /// Checks the epoch of a session as Kafka does.
    fn session(
        &mut self,
        asked: &Asked<'_>,
        epoch: i32,
        acks: &[AcknowledgementBatch],
    ) -> Result<(), i16> {
        match (epoch, self.sessions.get(&asked.connection)) {
            (0, _) if !acks.is_empty() => return Err(42),
            (0, _) => {
                for item in self.records.iter_mut().filter(|i| i.holder == Some(asked.connection)) {
                    item.holder = None;
                }
                self.sessions.insert(asked.connection, 1);
            }
            (-1, Some(_)) => {
                self.sessions.remove(&asked.connection);
            }
            (_, None) => return Err(122),
            (_, Some(next)) if *next != epoch => return Err(123),
            (_, Some(_)) => {
                self.sessions.insert(asked.connection, epoch + 1);
            }
        }
        Ok(())
    }

    fn acknowledge(&mut self, asked: &Asked<'_>, acks: &[AcknowledgementBatch]) -> i16 {
        let mut code = 0;
        for batch in acks {
            for (place, offset) in (batch.first_offset..=batch.last_offset).enumerate() {
                let types = &batch.acknowledge_types;
                let kind = *types.get(place).unwrap_or(&types[0]);
                let item = &mut self.records[usize::try_from(offset).unwrap()];
                if item.holder != Some(asked.connection) {
                    code = 121;
                    continue;
                }
                self.acknowledged.push((offset, kind));
                match kind {
                    RENEW => {}
                    RELEASE => item.holder = None,
                    _ => (item.holder, item.done) = (None, true),
                }
            }
        }
        code
    }

    fn free(&self) -> Vec<usize> {
        let is_free = |place: &usize| {
            let item = &self.records[*place];
            !item.done && item.holder.is_none_or(|holder| !self.sessions.contains_key(&holder))
        };
        (0..self.records.len()).filter(is_free).collect()
    }

    fn hand_out(&mut self, asked: &Asked<'_>, free: &[usize], max: i32, code: i16) -> Vec<u8> {
        let (mut acquired_records, mut records) = (Vec::new(), Vec::new());
        for &place in free.iter().take(usize::try_from(max).unwrap()) {
            let item = &mut self.records[place];
            item.deliveries += 1;
            item.holder = Some(asked.connection);
            let offset = i64::try_from(place).unwrap();
            acquired_records.push(AcquiredRecords {
                first_offset: offset,
                last_offset: offset,
                delivery_count: item.deliveries,
            });
            if !self.holes.contains(&place) {
                let mut bytes = batch(&[item.value.as_bytes()], Codec::None).to_vec();
                patch(bytes.first_chunk_mut::<PATCH_BYTES>().unwrap(), offset, 1);
                records.extend(bytes);
            }
        }
        let partition = ShareFetchPartitionResponse {
            acknowledge_error_code: code,
            records: Some(records.into()),
            acquired_records,
            ..ShareFetchPartitionResponse::default()
        };
        let topic = ShareFetchTopicResponse { topic_id: TOPIC_ID, partitions: vec![partition] };
        asked.answer(&ShareFetchResponse {
            acquisition_lock_timeout_ms: 30_000,
            responses: vec![topic],
            ..ShareFetchResponse::default()
        })
    }
}

fn member(address: &str, change: impl FnOnce(&mut ConsumerConfig)) -> Consumer {
    let mut config = ConsumerConfig {
        group: Some(Group::Queue("g".to_owned())),
        fetch_wait: Duration::from_millis(50),
        ..config()
    };
    change(&mut config);
    let mut consumer = Consumer::open(address, config).unwrap();
    consumer.subscribe(&["t"]).unwrap();
    consumer
}

/// Polls until something comes.
fn poll(consumer: &mut Consumer) -> Records {
    let records = consumer.poll(PATIENCE).unwrap();
    assert!(!records.is_empty());
    records
}

fn values(records: &Records) -> Vec<String> {
    seen(records).into_iter().map(|seen| seen.value).collect()
}

/// Polls without result until the broker has heard something.
fn poll_until(consumer: &mut Consumer, fake: &Fake, done: impl Fn(&Queue) -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !done(&fake.queue()) {
        assert!(Instant::now() < deadline, "{:?}", fake.queue().acknowledged);
        assert!(consumer.poll(Duration::from_millis(10)).unwrap().is_empty());
    }
}

#[test]
fn the_next_poll_accepts_what_the_last_one_returned() {
    let fake = Fake::default();
    fake.add(&["a", "b", "c"]);
    let mut consumer = member(&fake.start(), |config| config.records_max = 2);
    let records = poll(&mut consumer);
    assert_eq!(values(&records), ["a", "b"]);
    assert!(records.iter().all(|record| record.delivery_count == 1));
    assert_eq!(fake.queue().acknowledged, []);
    assert_eq!(values(&poll(&mut consumer)), ["c"]);
    assert_eq!(fake.queue().acknowledged, [(0, ACCEPT), (1, ACCEPT)]);
    assert_eq!(fake.queue().requests.1, 0, "the acknowledgements went along");
    consumer.close().unwrap();
    assert_eq!(fake.queue().acknowledged[2..], [(2, ACCEPT)]);
    assert_eq!(fake.queue().beats.last(), Some(&-1));
    assert!(fake.queue().sessions.is_empty());
}

#[test]
fn marks_say_what_becomes_of_records() {
    let fake = Fake::default();
    fake.add(&["a", "b", "c", "d"]);
    let mut consumer = member(&fake.start(), |_| {});
    let records = poll(&mut consumer);
    let all: Vec<_> = records.iter().collect();
    consumer.release(&all[1]).unwrap();
    consumer.accept(&all[2]).unwrap();
    consumer.reject(&all[2]).unwrap();
    consumer.commit().unwrap();
    assert_eq!(fake.queue().acknowledged, [(0, ACCEPT), (1, RELEASE), (2, REJECT), (3, ACCEPT)]);
    let again = consumer.accept(&all[0]).unwrap_err();
    assert_eq!(again.kind(), ErrorKind::InvalidRecordState);
    let records = poll(&mut consumer);
    assert_eq!(values(&records), ["b"]);
    assert_eq!(records.iter().next().unwrap().delivery_count, 2);
    assert_eq!(consumer.acknowledged_too_late(), 0);
}

#[test]
fn in_explicit_mode_only_marks_count() {
    let fake = Fake::default();
    fake.add(&["a", "b"]);
    let mut consumer = member(&fake.start(), |config| config.auto_commit = false);
    let records = poll(&mut consumer);
    let all: Vec<_> = records.iter().collect();
    consumer.commit().unwrap();
    assert!(consumer.poll(Duration::from_millis(20)).unwrap().is_empty());
    assert_eq!(fake.queue().acknowledged, []);
    consumer.accept(&all[1]).unwrap();
    poll_until(&mut consumer, &fake, |queue| queue.acknowledged == [(1, ACCEPT)]);
    consumer.accept(&all[0]).unwrap();
    consumer.close().unwrap();
    assert_eq!(fake.queue().acknowledged, [(1, ACCEPT), (0, ACCEPT)]);
}

#[test]
fn a_lock_is_renewed_until_something_else_is_said() {
    let fake = Fake::default();
    fake.add(&["a"]);
    let mut consumer = member(&fake.start(), |_| {});
    let records = poll(&mut consumer);
    let record = records.iter().next().unwrap();
    consumer.renew(&record).unwrap();
    consumer.commit().unwrap();
    assert!(consumer.poll(Duration::from_millis(20)).unwrap().is_empty());
    consumer.renew(&record).unwrap();
    poll_until(&mut consumer, &fake, |queue| queue.acknowledged.len() == 2);
    consumer.accept(&record).unwrap();
    consumer.commit().unwrap();
    assert_eq!(fake.queue().acknowledged, [(0, RENEW), (0, RENEW), (0, ACCEPT)]);
}

#[test]
fn offsets_without_a_record_between_others_are_gaps() {
    let fake = Fake::default();
    fake.add(&["a", "-", "c", "-"]);
    fake.queue().holes = vec![1, 3];
    let mut consumer = member(&fake.start(), |_| {});
    assert_eq!(values(&poll(&mut consumer)), ["a", "c"]);
    consumer.commit().unwrap();
    // What the broker did not send at all is given back.
    let expected = [(0, ACCEPT), (1, GAP), (2, ACCEPT), (3, RELEASE)];
    assert_eq!(fake.queue().acknowledged, expected);
}

#[test]
fn what_comes_too_late_is_told_by_commit_or_counted() {
    for auto_commit in [true, false] {
        let fake = Fake::default();
        fake.add(&["a", "b"]);
        let mut consumer = member(&fake.start(), |config| config.auto_commit = auto_commit);
        let records = poll(&mut consumer);
        fake.queue().records[0].holder = None;
        fake.queue().records[0].done = true;
        let all: Vec<_> = records.iter().collect();
        consumer.accept(&all[0]).unwrap();
        let late = consumer.commit().unwrap_err();
        assert_eq!(late.kind(), ErrorKind::InvalidRecordState);
        fake.queue().records[1].holder = None;
        fake.queue().records[1].done = true;
        assert!(consumer.accept(&all[1]).is_ok() || auto_commit);
        let count = if auto_commit { 2 } else { 1 };
        let deadline = Instant::now() + PATIENCE;
        while consumer.acknowledged_too_late() < count {
            assert!(Instant::now() < deadline);
            assert!(consumer.poll(Duration::from_millis(5)).unwrap().is_empty());
        }
    }
}

#[test]
fn a_lost_connection_opens_a_new_session() {
    let fake = Fake::default();
    fake.add(&["a", "b"]);
    let mut consumer = member(&fake.start(), |config| config.records_max = 1);
    assert_eq!(values(&poll(&mut consumer)), ["a"]);
    // The broker forgets the session: what was acquired in it is handed out again.
    fake.queue().sessions.clear();
    let mut all = Vec::new();
    while all.len() < 2 {
        all.extend(seen(&poll(&mut consumer)));
    }
    let texts: Vec<_> = all.iter().map(|seen| &*seen.value).collect();
    assert_eq!(texts, ["a", "b"]);
    consumer.commit().unwrap();
    assert_eq!(fake.queue().acknowledged, [(0, ACCEPT), (1, ACCEPT)]);
    assert_eq!(consumer.acknowledged_too_late(), 1);
}

#[test]
fn errors_that_pass_are_not_told() {
    let fake = Fake::default();
    fake.add(&["a"]);
    for code in [7, 15, 25, 122, 123, 133] {
        fake.queue().error = Some(code);
        let mut consumer = member(&fake.start(), |_| {});
        assert_eq!(values(&poll(&mut consumer)), ["a"]);
        consumer.close().unwrap();
        fake.queue().records[0].done = false;
    }
    fake.queue().records[0].done = true;
    fake.queue().error = Some(30);
    let mut consumer = member(&fake.start(), |_| {});
    let refused = loop {
        match consumer.poll(PATIENCE) {
            Ok(records) => assert!(records.is_empty()),
            Err(error) => break error,
        }
    };
    assert!(refused.to_string().contains("30"), "{refused}");
}
