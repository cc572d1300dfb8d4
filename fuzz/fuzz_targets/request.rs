//! One request, a frame without its length: it is read or refused, and what it gives is used.

#![no_main]

use libfuzzer_sys::fuzz_target;
use minka::wire::kafka::Reader;
use minka::wire::kafka::header::RequestHeader;
use minka::wire::kafka::request::Request;

fuzz_target!(|frame: &[u8]| {
    let mut reader = Reader::new(frame);
    let Ok(header) = RequestHeader::decode(&mut reader) else { return };
    let Ok(request) = Request::decode(&header, &mut reader) else { return };
    if let Request::Produce(view) = request {
        let announced = view.topics().len();
        let mut given = 0;
        for topic in view.topics() {
            let partitions = topic.partitions();
            assert_eq!(partitions.len(), topic.partitions().count());
            for partition in partitions {
                assert_eq!(&frame[partition.range], partition.records.unwrap_or_default());
            }
            given += 1;
        }
        assert_eq!(given, announced);
    }
});
