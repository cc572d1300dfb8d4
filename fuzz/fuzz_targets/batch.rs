//! A record batch as a producer sends it: checked, searched and unpacked.

#![no_main]

use libfuzzer_sys::fuzz_target;
use minka::batch::compression::decompress;
use minka::batch::header::{BatchHeader, CRC_FROM, HEADER_BYTES};
use minka::batch::lookup::first_at_or_after;
use minka::batch::validate::{Rules, check};
use minka::checksum::crc32c;

fuzz_target!(|bytes: &[u8]| {
    let rules = Rules {
        bytes_max: 1 << 20,
        now: 1_790_000_000_000,
        before_ms_max: i64::MAX,
        after_ms_max: i64::MAX,
        log_append_time: false,
        zstd_allowed: true,
        keys_required: false,
        unpack: true,
    };
    let _ = check(bytes, &rules);
    // The checksum would keep the fuzzer out: give it the right one.
    if bytes.len() >= HEADER_BYTES {
        let mut batch = bytes.to_vec();
        let sum = crc32c(&batch[CRC_FROM..]);
        batch[17..21].copy_from_slice(&sum.to_be_bytes());
        let length = u32::try_from(batch.len() - 12).unwrap_or(0);
        batch[8..12].copy_from_slice(&length.to_be_bytes());
        let _ = check(&batch, &rules);
        let _ = first_at_or_after(&batch, 1);
        if let Ok(codec) = BatchHeader::parse(&batch).and_then(|header| header.codec()) {
            let _ = decompress(codec, &batch[HEADER_BYTES..], 1 << 20);
        }
    }
});
