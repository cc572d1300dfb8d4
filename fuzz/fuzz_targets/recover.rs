//! The bytes of `mensajes.log`: opening it keeps the valid prefix, and never panics.

#![no_main]

#[path = "../../core/tests/support/sim_disk.rs"]
#[allow(dead_code, reason = "shared with the tests, which use more of it")]
mod sim_disk;

use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use minka::batch::header::BatchHeader;
use minka::log::Entry;
use minka::log::recovery;
use minka::log::replay::Replay;
use minka::log::scan::Sequence;
use minka::log::segment::{ACTIVE, Header};
use minka::sys::storage::Storage;
use sim_disk::SimDisk;

/// A state that believes every offset.
struct Believer;

impl Replay for Believer {
    fn state(&mut self, _: &Entry, _: &[u8]) -> minka::Result<()> {
        Ok(())
    }
    fn batch(&mut self, _: u64, _: &Entry, _: &BatchHeader) -> minka::Result<()> {
        Ok(())
    }
    fn lost(&mut self, _: u64, _: &Entry) -> minka::Result<()> {
        Ok(())
    }
    fn next_offset(&self, _: u32) -> u64 {
        0
    }
    fn segment_before(&self, _: u32, _: u64) -> Option<u64> {
        None
    }
}

fuzz_target!(|bytes: &[u8]| {
    let disk = Arc::new(SimDisk::new());
    let Ok(file) = disk.open(ACTIVE, true) else { return };
    let header = Header { first_id: 1, cleaned_to: None, salt: 0 }.encode();
    let _ = file.write_all_at(&[&header, bytes], 0);
    let known = Sequence { next_id: 1, epoch: 0 };
    let first = recovery::open(&*disk, known, &mut Believer).map(|opened| opened.sequence);
    // Opening again invents nothing. It may keep less: what told damage from a torn tail can lie
    // behind the cut. A broker writes such an entry as soon as it has opened the log.
    let again = recovery::open(&*disk, known, &mut Believer).map(|opened| opened.sequence);
    if let (Ok(first), Ok(again)) = (first, again) {
        assert!(again.next_id <= first.next_id);
    }
});
