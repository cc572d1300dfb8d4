//! The ring under threads: every item comes out once, each thread's in its order, and whoever
//! waits for room gets it.

use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use minka::queue::Ring;

const LONG: Duration = Duration::from_secs(60);
const PUSHERS: usize = 6;
const ITEMS: usize = 3_000;

/// Drains with `drainers` threads at once and returns what each of them got.
fn drained(ring: &Ring<(usize, usize)>, drainers: usize) -> Vec<Vec<(usize, usize)>> {
    let left = AtomicUsize::new(PUSHERS * ITEMS);
    let (ring, left) = (ring, &left);
    thread::scope(|scope| {
        let drainers: Vec<_> = (0..drainers)
            .map(|n| {
                scope.spawn(move || {
                    let mut out = Vec::new();
                    while left.load(Ordering::SeqCst) > 0 {
                        let count = ring.drain_into(&mut out, 1 + n * 7);
                        left.fetch_sub(count, Ordering::SeqCst);
                        if count == 0 {
                            thread::yield_now();
                        }
                    }
                    out
                })
            })
            .collect();
        for pusher in 0..PUSHERS {
            scope.spawn(move || push(ring, pusher));
        }
        drainers.into_iter().map(|drainer| drainer.join().expect("a drainer panicked")).collect()
    })
}

/// Even pushers push one by one; odd ones in groups of ten, of which the rest waits.
fn push(ring: &Ring<(usize, usize)>, pusher: usize) {
    if pusher.is_multiple_of(2) {
        for n in 0..ITEMS {
            ring.push_wait((pusher, n), LONG).expect("there was room in time");
        }
        return;
    }
    for first in (0..ITEMS).step_by(10) {
        let mut group: Vec<_> = (first..first + 10).map(|n| (pusher, n)).collect();
        while !group.is_empty() {
            if ring.push_all(&mut group) == 0 {
                ring.push_wait(group.remove(0), LONG).expect("there was room in time");
            }
        }
    }
}

#[test]
fn nothing_is_lost_or_doubled_and_each_threads_items_stay_in_order() {
    for capacity in [1, 7, 64] {
        let ring = Ring::new(capacity);
        let out = drained(&ring, 1).remove(0);
        for pusher in 0..PUSHERS {
            let its: Vec<_> = out.iter().filter(|item| item.0 == pusher).map(|i| i.1).collect();
            assert_eq!(its, (0..ITEMS).collect::<Vec<_>>(), "pusher {pusher} of {capacity} cells");
        }
        assert!(ring.is_empty());
    }
}

#[test]
fn several_drainers_share_the_items_without_doubles() {
    let ring = Ring::new(16);
    let parts = drained(&ring, 3);
    for part in &parts {
        for pusher in 0..PUSHERS {
            assert!(part.iter().filter(|item| item.0 == pusher).is_sorted());
        }
    }
    let mut all: Vec<_> = parts.concat();
    all.sort_unstable();
    let expected: Vec<_> = (0..PUSHERS).flat_map(|p| (0..ITEMS).map(move |n| (p, n))).collect();
    assert_eq!(all, expected);
}

#[test]
fn waiting_pushers_are_woken_by_room_and_by_close() {
    let ring = Ring::new(1);
    ring.try_push(0).expect("an empty ring has room");
    let (done, results) = channel();
    thread::scope(|scope| {
        for n in 1..=4 {
            let (ring, done) = (&ring, done.clone());
            scope.spawn(move || done.send(ring.push_wait(n, LONG)).expect("the test waits"));
        }
        let mut out = Vec::new();
        while out.len() < 3 {
            ring.drain_into(&mut out, 1);
            thread::yield_now();
        }
        for _ in 0..2 {
            assert!(results.recv().expect("two have had room").is_ok());
        }
        // Of the four, two are out, one is in the ring or will be, and one cannot be.
        ring.close();
        let last: Vec<_> = results.iter().take(2).collect();
        assert!(last.iter().any(Result::is_err), "{last:?}");
        ring.drain_into(&mut out, 9);
        let refused: Vec<_> = last.into_iter().filter_map(Result::err).collect();
        let mut all = [out, refused].concat();
        all.sort_unstable();
        assert_eq!(all, [0, 1, 2, 3, 4]);
    });
}

#[test]
fn a_panic_beside_the_ring_does_not_wedge_it() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            if !thread::panicking() {
                panic!("on purpose");
            }
        }
    }
    let ring = Ring::new(2);
    let panicked = AtomicBool::new(false);
    thread::scope(|scope| {
        let thread = scope.spawn(|| {
            assert!(ring.try_push(Bomb).is_ok());
            let mut out = Vec::new();
            ring.drain_into(&mut out, 1);
            drop(out);
        });
        panicked.store(thread.join().is_err(), Ordering::SeqCst);
    });
    assert!(panicked.load(Ordering::SeqCst));
    assert!(ring.is_empty());
    assert!(ring.try_push(Bomb).is_ok());
    let mut out = Vec::new();
    assert_eq!(ring.drain_into(&mut out, 1), 1);
    out.into_iter().for_each(std::mem::forget);
}

/// The rule by which the engine finds somebody who drains: push, then try the lock; release the
/// lock, then look. Each item has to be drained by the time its pusher and the holders are done.
#[test]
fn a_push_is_seen_by_whoever_held_the_lock_meanwhile() {
    let ring = Ring::new(1_000_000);
    let writer = std::sync::Mutex::new(Vec::new());
    let start = Barrier::new(4);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                start.wait();
                for n in 0..20_000 {
                    ring.try_push(n).expect("there is room for all");
                    while !ring.is_empty() {
                        let Ok(mut out) = writer.try_lock() else {
                            break;
                        };
                        ring.drain_into(&mut out, 8);
                    }
                }
            });
        }
    });
    assert!(ring.is_empty(), "{} items have nobody who drains them", ring.len());
    assert_eq!(writer.into_inner().expect("nobody panicked").len(), 80_000);
}
