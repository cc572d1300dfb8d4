//! Copies of a broker's data: made while others write, opened on the disk and in memory.

#![allow(clippy::unwrap_used, reason = "a test fails by a panic")]

mod embedded_common;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use embedded_common::{consumer, kind, open, producer, send, send_one, take, targets, values};
use minka::client::Target;
use minka::engine::Hooks;
use minka::sys::event_log::EventLog;
use minka::{Broker, Config, Embedded, ErrorKind};

const WRITERS: usize = 4;

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// Writes with so many threads while copies are made; each copy has to have everything that was
/// acknowledged before it was asked for, in order and without holes.
fn copies_have_what_was_acknowledged(settings: &[(&str, &str)]) {
    let embedded = open(settings);
    let directory = tempfile::tempdir().unwrap();
    let stop = AtomicBool::new(false);
    let acknowledged: [AtomicU64; WRITERS] = Default::default();
    let mut copies = Vec::new();
    thread::scope(|scope| {
        for (writer, acknowledged) in acknowledged.iter().enumerate() {
            let (embedded, stop) = (&embedded, &stop);
            scope.spawn(move || {
                let target = targets(embedded)[writer % 2].clone();
                let acks = if writer < 2 { "all" } else { "1" };
                let producer = producer(&target, &[("acks", acks)]);
                let topic = format!("topic-{writer}");
                while !stop.load(Ordering::SeqCst) {
                    let next = acknowledged.load(Ordering::SeqCst);
                    let value = format!("{next}-{}", "x".repeat(500));
                    assert_eq!(send_one(&producer, &topic, &value).unwrap(), next);
                    acknowledged.store(next + 1, Ordering::SeqCst);
                }
            });
        }
        for number in 0..4 {
            embedded_common::eventually("written", || {
                acknowledged.iter().all(|one| one.load(Ordering::SeqCst) > 60 * (number + 1))
            });
            let before = acknowledged.each_ref().map(|one| one.load(Ordering::SeqCst));
            let copy = directory.path().join(format!("copy-{number}"));
            embedded.broker().snapshot(&copy).unwrap();
            copies.push((copy, before));
        }
        stop.store(true, Ordering::SeqCst);
    });
    embedded.close().unwrap();
    for (copy, before) in &copies {
        let name = if copy.ends_with("copy-0") { "data" } else { "copy-of" };
        let opened = Embedded::open(&[(name, text(copy))], Hooks::default()).unwrap();
        for (writer, before) in before.iter().enumerate() {
            let topic = format!("topic-{writer}");
            let found = values(opened.broker(), &topic);
            assert!(found.len() as u64 >= *before, "{} of {before}", found.len());
            for (offset, value) in found.iter().enumerate() {
                assert!(value.starts_with(&format!("{offset}-")), "{offset}: {value}");
            }
            // It goes on right behind, whatever the acknowledgements were.
            let producer = producer(&opened.broker().into(), &[]);
            assert_eq!(send_one(&producer, &topic, "next").unwrap(), found.len() as u64);
        }
        opened.close().unwrap();
    }
}

#[test]
fn a_copy_of_a_broker_in_memory_has_what_was_acknowledged_before() {
    copies_have_what_was_acknowledged(&[("log.segment.bytes", "65536")]);
}

#[test]
fn a_copy_of_a_broker_on_the_disk_has_what_was_acknowledged_before() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    copies_have_what_was_acknowledged(&[("log.segment.bytes", "65536"), ("data", text(&data))]);
}

#[test]
fn a_copy_has_topics_groups_and_settings_and_goes_its_own_way() {
    let embedded = open(&[("num.partitions", "2")]);
    let target: Target = embedded.broker().into();
    send(&target, "orders", &["a", "b", "c"]);
    embedded_common::admin(&target).alter_topic("orders", &[("retention.ms", Some("-1"))]).unwrap();
    let group = [("group.id", "workers"), ("group.type", "partitions")];
    let mut first = consumer(&target, "orders", &group);
    take(&mut first, 3);
    first.close().unwrap();
    let directory = tempfile::tempdir().unwrap();
    embedded.broker().snapshot(directory.path()).unwrap();
    send(&target, "orders", &["only in the original"]);

    let copy = Embedded::open(&[("copy-of", text(directory.path()))], Hooks::default()).unwrap();
    let copied: Target = copy.broker().into();
    assert_eq!(copy.broker().cluster_id(), embedded.broker().cluster_id());
    let topic = embedded_common::admin(&copied).describe_topic("orders").unwrap();
    assert!(topic.settings.iter().any(|one| one.name == "retention.ms" && one.value == "-1"));
    assert_eq!(values(copy.broker(), "orders").len(), 3);
    send(&copied, "orders", &["only in the copy"]);
    let mut second = consumer(&copied, "orders", &group);
    assert_eq!(take(&mut second, 1), ["only in the copy"]);
    // Neither the copied directory nor the original has seen any of this.
    assert_eq!(values(embedded.broker(), "orders").len(), 4);
    let again = Embedded::open(&[("copy-of", text(directory.path()))], Hooks::default()).unwrap();
    assert_eq!(values(again.broker(), "orders").len(), 3);
}

#[test]
fn directories_that_will_not_do_are_refused() {
    let (used, empty) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    std::fs::write(used.path().join("a file"), "of somebody").unwrap();
    let embedded = open(&[]);
    let error = embedded.broker().snapshot(used.path()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidConfig);
    assert!(error.to_string().contains("is not empty"), "{error}");
    assert_eq!(std::fs::read_dir(used.path()).unwrap().count(), 1);

    let open_copy = |path: &Path| {
        Broker::open_copy(path, Config::default(), Arc::new(EventLog::none())).map(drop)
    };
    for path in [empty.path(), used.path()] {
        let error = open_copy(path).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidConfig);
        assert!(error.to_string().contains(text(path)), "{error}");
    }
    let error = open_copy(&empty.path().join("absent")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::StorageFailed);
    assert!(error.to_string().contains("absent"), "{error}");

    let running = open(&[("data", text(empty.path()))]);
    assert_eq!(kind(open_copy(empty.path())), ErrorKind::DirectoryLocked);
    running.close().unwrap();
    open_copy(empty.path()).unwrap();

    embedded.close().unwrap();
    let nowhere = used.path().join("nowhere");
    assert_eq!(kind(embedded.broker().snapshot(&nowhere)), ErrorKind::Closed);
    assert!(!nowhere.exists());
}

#[test]
fn a_directory_that_may_not_be_written_is_copied_too() {
    let directory = tempfile::tempdir().unwrap();
    let embedded = open(&[]);
    send(&embedded.broker().into(), "orders", &["a"]);
    embedded.broker().snapshot(directory.path()).unwrap();
    std::fs::remove_file(directory.path().join("LOCK")).unwrap();
    let files = || {
        let entries = std::fs::read_dir(directory.path()).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    };
    let before = files();
    let settings = [("copy-of", text(directory.path()))];
    let copies = [(); 2].map(|()| Embedded::open(&settings, Hooks::default()).unwrap());
    for copy in &copies {
        assert_eq!(values(copy.broker(), "orders"), ["a"]);
        copy.close().unwrap();
    }
    assert_eq!(files(), before);
}
