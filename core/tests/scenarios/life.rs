//! Where a broker's data is, and for how long.

use std::fs;
use std::path::Path;

use minka::client::Message;
use minka::engine::Hooks;
use minka::{Embedded, ErrorKind};

use crate::opens::{is_alone, run_alone};
use crate::world::{Place, World, kind, send, values};

pub(crate) fn ephemeral_leaves_nothing() {
    // In a process of its own, with a directory of its own.
    if !is_alone() {
        let directory = tempfile::tempdir().unwrap();
        run_alone("in_process::ephemeral_leaves_nothing", |command| {
            command.current_dir(directory.path()).env("HOME", directory.path());
            command.env("TMPDIR", directory.path());
        });
        let left: Vec<_> = fs::read_dir(directory.path()).unwrap().collect();
        assert!(left.is_empty(), "{left:?}");
        return;
    }
    let world = World::new(Place::InProcess);
    world.topic("t");
    let producer = world.producer();
    for _ in 0..100 {
        send(&producer, Message::new("t", &[7; 100_000])).unwrap();
    }
    let mut reader = world.reader("t");
    assert_eq!(crate::world::take(&mut reader, 100).len(), 100);
    let here: Vec<_> = fs::read_dir(std::env::current_dir().unwrap()).unwrap().collect();
    assert!(here.is_empty(), "there are files while it is open: {here:?}");
    for descriptor in fs::read_dir("/proc/self/fd").unwrap() {
        // One that has been closed meanwhile leads nowhere.
        let Ok(path) = fs::read_link(descriptor.unwrap().path()) else { continue };
        let name = path.to_string_lossy();
        assert!(!name.contains("mensajes") || name.starts_with("/memfd"), "{name} is open");
    }
    world.embedded.close().unwrap();
}

pub(crate) fn durable_across_a_reopen() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    let world = at(&data);
    world.topic("t");
    world.send("t", &["a", "b"]);
    let mut member = world.member("g", "t");
    assert_eq!(values(&mut member, 2), ["a", "b"]);
    member.close().unwrap();
    world.queue_group("q", &[]);
    let mut worker = world.worker("q", "t");
    let records = worker.poll(crate::world::PATIENCE).unwrap();
    worker.accept(&records.iter().next().unwrap()).unwrap();
    worker.commit().unwrap();
    worker.close().unwrap();
    let again = Embedded::open(&[("data", data.to_str().unwrap())], Hooks::default());
    assert_eq!(kind(again), ErrorKind::DirectoryLocked);
    world.embedded.close().unwrap();

    let world = at(&data);
    assert_eq!(values(&mut world.reader("t"), 2), ["a", "b"]);
    world.send("t", &["c"]);
    assert_eq!(values(&mut world.member("g", "t"), 1), ["c"]);
    assert_eq!(values(&mut world.worker("q", "t"), 2), ["b", "c"]);
}

pub(crate) fn snapshot_and_copy() {
    let directory = tempfile::tempdir().unwrap();
    let world = World::new(Place::InProcess);
    world.topic("t");
    world.send("t", &["a", "b"]);
    let mut member = world.member("g", "t");
    assert_eq!(values(&mut member, 2), ["a", "b"]);
    member.close().unwrap();
    let copied = directory.path().join("copy");
    world.broker().snapshot(&copied).unwrap();
    assert_eq!(kind(world.broker().snapshot(&copied)), ErrorKind::InvalidConfig);
    world.send("t", &["after"]);

    let before = listing(&copied);
    let settings = [("copy-of", copied.to_str().unwrap())];
    let embedded = Embedded::open(&settings, Hooks::default()).unwrap();
    let copy = World { place: Place::InProcess, embedded };
    assert_eq!(values(&mut copy.reader("t"), 2), ["a", "b"]);
    copy.send("t", &["of the copy"]);
    assert_eq!(values(&mut copy.member("g", "t"), 1), ["of the copy"]);
    copy.embedded.close().unwrap();
    assert_eq!(listing(&copied), before, "the copy has changed what it is of");
    assert_eq!(values(&mut world.reader("t"), 3), ["a", "b", "after"]);

    // A snapshot is a data directory as any other.
    let reopened = at(&copied);
    assert_eq!(values(&mut reopened.reader("t"), 2), ["a", "b"]);
}

/// A broker with its data in a directory.
fn at(data: &Path) -> World {
    let settings = [("data", data.to_str().unwrap())];
    World::with(Place::InProcess, &settings)
}

/// The files of a directory with what is in them.
fn listing(directory: &Path) -> Vec<(String, Vec<u8>)> {
    let files = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = files
        .map(|path| (path.file_name().unwrap().to_string_lossy().into(), fs::read(path).unwrap()))
        .collect();
    files.sort();
    files
}
