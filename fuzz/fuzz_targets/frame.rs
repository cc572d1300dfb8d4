//! A connection's bytes: frames are found in them, and the requests in the frames are read.

#![no_main]

use libfuzzer_sys::fuzz_target;
use minka::limits::FRAME_BYTES_MAX;
use minka::wire::kafka::Reader;
use minka::wire::kafka::frame::next_frame;
use minka::wire::kafka::header::RequestHeader;
use minka::wire::kafka::request::Request;

fuzz_target!(|arrived: &[u8]| {
    let mut rest = arrived;
    while let Ok(Some(range)) = next_frame(rest, FRAME_BYTES_MAX) {
        let mut reader = Reader::new(&rest[range.clone()]);
        if let Ok(header) = RequestHeader::decode(&mut reader) {
            let _ = Request::decode(&header, &mut reader);
        }
        rest = &rest[range.end..];
    }
});
