//! A broker that answers nonsense costs a consumer an error or an empty poll, and no panic.

#![allow(clippy::unwrap_used, reason = "a test fails by a panic")]

mod client_consumer_common;

use std::panic;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use client_consumer_common::fake::{self, Asked, TOPIC_ID};
use client_consumer_common::{batch, config, take};
use minka::batch::Codec;
use minka::client::{Consumer, ConsumerConfig, Group, StartAt};
use minka::wire::kafka::consumer_group_heartbeat::{
    AssignedTopicPartitions, ConsumerGroupHeartbeatResponse, HeartbeatAssignment,
};
use minka::wire::kafka::fetch::{FetchPartitionResponse, FetchResponse, FetchTopicResponse};
use minka::wire::kafka::field::Nullable;
use minka::wire::kafka::list_offsets::{
    ListOffsetsPartitionResponse, ListOffsetsResponse, ListOffsetsTopicResponse,
};
use minka::wire::kafka::offset_fetch::{
    OffsetFetchGroupResponse, OffsetFetchPartitionResponse, OffsetFetchResponse,
    OffsetFetchTopicResponse,
};
use minka::wire::kafka::request::Request;
use minka::wire::kafka::share_fetch::{
    AcquiredRecords, ShareFetchPartitionResponse, ShareFetchResponse, ShareFetchTopicResponse,
};
use minka::wire::kafka::share_group_heartbeat::{
    ShareGroupAssignment, ShareGroupHeartbeatResponse, ShareGroupTopicPartitions,
};
use rand::rngs::SmallRng;
use rand::{Rng, RngCore, SeedableRng};

/// How often each kind of consumer meets nonsense.
const ROUNDS: u64 = 60;

/// Panics, in any thread of this process.
static PANICS: AtomicUsize = AtomicUsize::new(0);

/// What a broker that means well answers.
fn honest(asked: &Asked<'_>) -> Option<Vec<u8>> {
    let records = batch(&[b"a", b"b", b"c"], Codec::None);
    match &asked.request {
        Request::ListOffsets(_) => {
            let one = ListOffsetsPartitionResponse { offset: 0, ..Default::default() };
            let topic = ListOffsetsTopicResponse { name: "t".into(), partitions: vec![one] };
            let topics = vec![topic];
            Some(asked.answer(&ListOffsetsResponse { topics, ..Default::default() }))
        }
        Request::Fetch(_) => {
            let partition = FetchPartitionResponse {
                records: Some(records[..].into()),
                ..FetchPartitionResponse::default()
            };
            let topic = FetchTopicResponse {
                topic: "t".into(),
                topic_id: TOPIC_ID,
                partitions: vec![partition],
            };
            Some(asked.answer(&FetchResponse { responses: vec![topic], ..Default::default() }))
        }
        Request::ConsumerGroupHeartbeat(_) => {
            let topic = AssignedTopicPartitions { topic_id: TOPIC_ID, partitions: vec![0] };
            let assignment = HeartbeatAssignment { topic_partitions: vec![topic] };
            Some(asked.answer(&ConsumerGroupHeartbeatResponse {
                member_epoch: 1,
                heartbeat_interval_ms: 5,
                assignment: Nullable(Some(assignment)),
                ..Default::default()
            }))
        }
        Request::OffsetFetch(_) => {
            let one = OffsetFetchPartitionResponse { committed_offset: 1, ..Default::default() };
            let topic = OffsetFetchTopicResponse { name: "t".into(), partitions: vec![one] };
            let group = OffsetFetchGroupResponse {
                group_id: "g".into(),
                topics: vec![topic],
                error_code: 0,
            };
            let groups = vec![group];
            Some(asked.answer(&OffsetFetchResponse { groups, ..Default::default() }))
        }
        Request::ShareGroupHeartbeat(_) => {
            let topic = ShareGroupTopicPartitions { topic_id: TOPIC_ID, partitions: vec![0] };
            let assignment = ShareGroupAssignment { topic_partitions: vec![topic] };
            Some(asked.answer(&ShareGroupHeartbeatResponse {
                member_epoch: 1,
                heartbeat_interval_ms: 5,
                assignment: Nullable(Some(assignment)),
                ..Default::default()
            }))
        }
        Request::ShareFetch(_) => {
            let range = AcquiredRecords { first_offset: 0, last_offset: 2, delivery_count: 1 };
            let partition = ShareFetchPartitionResponse {
                records: Some(records[..].into()),
                acquired_records: vec![range],
                ..Default::default()
            };
            let topic = ShareFetchTopicResponse { topic_id: TOPIC_ID, partitions: vec![partition] };
            Some(asked.answer(&ShareFetchResponse { responses: vec![topic], ..Default::default() }))
        }
        _ => None,
    }
}

/// Changes an answer behind its length and correlation ID, which would only end the connection.
fn spoil(mut answer: Vec<u8>, random: &mut SmallRng) -> Vec<u8> {
    const HEAD: usize = 8;
    for _ in 0..random.random_range(1..4) {
        if answer.len() <= HEAD {
            break;
        }
        let at = random.random_range(HEAD..answer.len());
        match random.random_range(0..5) {
            0 => answer[at] ^= 1 << random.random_range(0..8),
            1 => answer[at] = *[0x00, 0x7f, 0x80, 0xff].get(at % 4).unwrap(),
            2 => answer.truncate(at),
            3 => {
                let end = (at + 8).min(answer.len());
                random.fill_bytes(&mut answer[at..end]);
            }
            _ => answer.splice(at..at, [0xff; 4]).for_each(drop),
        }
    }
    let length = u32::try_from(answer.len() - 4).unwrap();
    answer[..4].copy_from_slice(&length.to_be_bytes());
    answer
}

fn meet(seed: u64, group: Option<Group>) {
    let calls = Arc::new(AtomicUsize::new(0));
    let theirs = calls.clone();
    let address = fake::start(move |asked| {
        let call = theirs.fetch_add(1, Ordering::SeqCst) as u64;
        let mut random = SmallRng::seed_from_u64(seed << 32 | call);
        let answer = honest(asked)?;
        let is_spoilt = random.random_bool(0.5);
        Some(if is_spoilt { spoil(answer, &mut random) } else { answer })
    });
    let config = ConsumerConfig {
        group: group.clone(),
        request_timeout: Duration::from_millis(200),
        fetch_wait: Duration::from_millis(5),
        retry_backoff_min: Duration::from_millis(1),
        retry_backoff_max: Duration::from_millis(2),
        ..config()
    };
    let mut consumer = Consumer::open(address.to_string(), config).unwrap();
    match group {
        Some(_) => consumer.subscribe(&["t"]).unwrap(),
        None => consumer.assign(&[("t", 0, StartAt::Earliest)]).unwrap(),
    }
    for _ in 0..20 {
        if let Ok(records) = consumer.poll(Duration::from_millis(2)) {
            let bytes: usize = records.iter().map(|record| record.headers.count()).sum();
            assert!(bytes <= records.len() * 1000);
        }
        if matches!(consumer.poll(Duration::ZERO), Err(error) if !error.kind().is_retriable()) {
            let _ = consumer.commit();
        }
    }
    drop(consumer);
    assert!(calls.load(Ordering::SeqCst) > 0, "nothing was asked");
}

#[test]
fn nonsense_is_survived() {
    let hook = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        PANICS.fetch_add(1, Ordering::SeqCst);
        hook(info);
    }));
    for seed in 0..ROUNDS {
        meet(seed, None);
        meet(seed, Some(Group::Partitions("g".to_owned())));
        meet(seed, Some(Group::Queue("g".to_owned())));
        assert_eq!(PANICS.load(Ordering::SeqCst), 0, "seed {seed}");
    }
}

#[test]
fn the_honest_answers_are_understood() {
    let address = fake::start(honest).to_string();
    let mut consumer = Consumer::open(&*address, config()).unwrap();
    consumer.assign(&[("t", 0, StartAt::Earliest)]).unwrap();
    assert_eq!(take(&mut consumer, 3)[2].value, "c");
    for (group, first) in [(Group::Partitions("g".into()), 1), (Group::Queue("g".into()), 0)] {
        let config = ConsumerConfig { group: Some(group), records_max: 1, ..config() };
        let mut consumer = Consumer::open(&*address, config).unwrap();
        consumer.subscribe(&["t"]).unwrap();
        assert_eq!(take(&mut consumer, 1)[0].offset, first);
    }
}
