//! Waiting until all is done.

use std::thread;

use minka::ErrorKind;
use minka::client::ResetTo;

use crate::world::{MOMENT, PATIENCE, Place, World, kind, take};

pub(crate) fn wait_until_idle(place: Place) {
    let world = World::new(place);
    let broker = world.broker();
    broker.wait_until_idle(None, PATIENCE).unwrap();
    assert_eq!(kind(broker.wait_until_idle(Some("g"), MOMENT)), ErrorKind::GroupNotFound);
    world.topic("orders");
    world.send("orders", &["a", "b", "c"]);
    world.admin().reset_group("g", "orders", ResetTo::Earliest).unwrap();
    for group in [Some("g"), None] {
        let error = broker.wait_until_idle(group, MOMENT).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
        for part in ["g", "orders", "3"] {
            assert!(error.to_string().contains(part), "{error}");
        }
    }
    thread::scope(|scope| {
        let idle = scope.spawn(|| broker.wait_until_idle(Some("g"), PATIENCE));
        let mut member = world.member("g", "orders");
        assert_eq!(take(&mut member, 3).len(), 3);
        member.commit().unwrap();
        idle.join().unwrap().unwrap();
    });

    // In a queue group, when each message is settled.
    world.queue_group("q", &[]);
    let mut worker = world.worker("q", "orders");
    let records = worker.poll(PATIENCE).unwrap();
    assert_eq!(records.len(), 3);
    let all: Vec<_> = records.iter().collect();
    worker.accept(&all[0]).unwrap();
    worker.reject(&all[1]).unwrap();
    worker.commit().unwrap();
    assert_eq!(kind(broker.wait_until_idle(Some("q"), MOMENT)), ErrorKind::Timeout);
    worker.accept(&all[2]).unwrap();
    worker.commit().unwrap();
    broker.wait_until_idle(Some("q"), PATIENCE).unwrap();
    broker.wait_until_idle(None, PATIENCE).unwrap();
}
