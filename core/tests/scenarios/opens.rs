//! Opening and closing a thousand times leaves nothing behind.

use std::fs;
use std::process::Command;
use std::time::Instant;

use minka::client::Message;

use crate::world::{PATIENCE, Place, World, send, values};

/// Asks for a process of its own.
const ALONE: &str = "MINKA_SCENARIO_ALONE";
/// What the allocator keeps and tables that have grown; a broker of each turn would be far more.
const GROWTH_BYTES_MAX: usize = 8 << 20;

pub(crate) fn thousand_opens_and_closes() {
    // Other tests have threads and files too, so this one has a process of its own.
    if !is_alone() {
        run_alone("in_process::thousand_opens_and_closes", |_| {});
        return;
    }
    for _ in 0..100 {
        open_and_close();
    }
    let before = Used::now();
    for _ in 0..900 {
        open_and_close();
    }
    // A thread that has ended is still there for a moment.
    let deadline = Instant::now() + PATIENCE;
    while Used::now().threads > before.threads && Instant::now() < deadline {
        std::thread::yield_now();
    }
    let after = Used::now();
    assert_eq!((after.threads, after.descriptors), (before.threads, before.descriptors));
    let grown = after.resident.saturating_sub(before.resident);
    assert!(grown < GROWTH_BYTES_MAX, "{grown} bytes more are resident");
}

fn open_and_close() {
    let world = World::new(Place::InProcess);
    world.topic("t");
    let producer = world.producer();
    send(&producer, Message::new("t", b"v")).unwrap();
    let mut reader = world.reader("t");
    assert_eq!(values(&mut reader, 1), ["v"]);
    let mut member = world.member("g", "t");
    assert_eq!(values(&mut member, 1), ["v"]);
    member.close().unwrap();
    reader.close().unwrap();
    producer.close(PATIENCE).unwrap();
    world.embedded.close().unwrap();
}

/// What this process uses.
#[derive(Debug)]
struct Used {
    threads: usize,
    descriptors: usize,
    resident: usize,
}

impl Used {
    fn now() -> Self {
        let count = |directory| fs::read_dir(directory).unwrap().count();
        let status = fs::read_to_string("/proc/self/status").unwrap();
        let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        let kib: usize = resident.trim().trim_end_matches(" kB").parse().unwrap();
        Self {
            threads: count("/proc/self/task"),
            descriptors: count("/proc/self/fd"),
            resident: kib << 10,
        }
    }
}

/// Whether this process was started for one test.
pub(crate) fn is_alone() -> bool {
    std::env::var_os(ALONE).is_some()
}

/// Runs the test of this name in a process of its own.
pub(crate) fn run_alone(test: &str, prepare: impl FnOnce(&mut Command)) {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", test, "--test-threads=1", "--nocapture"]).env(ALONE, "1");
    prepare(&mut command);
    let output = command.output().unwrap();
    let (out, errors) = (output.stdout, output.stderr);
    let (out, errors) = (String::from_utf8_lossy(&out), String::from_utf8_lossy(&errors));
    assert!(output.status.success(), "{out}{errors}");
    assert!(out.contains("1 passed"), "{out}");
}
