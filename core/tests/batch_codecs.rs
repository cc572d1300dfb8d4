//! What any client compresses is read, and bytes that lie about their size cost nothing.

#![allow(clippy::unwrap_used, reason = "a test fails by a panic")]

use std::io::Write;

use minka::ErrorKind;
use minka::batch::Codec;
use minka::batch::compression::{compress, decompress};
use proptest::collection::vec;
use proptest::prelude::*;

const CODECS: [Codec; 5] = [Codec::None, Codec::Gzip, Codec::Snappy, Codec::Lz4, Codec::Zstd];
const LIMIT: usize = 4 << 20;

/// Text that shrinks, longer than every codec's block.
fn text() -> Vec<u8> {
    (0..300_000u32).flat_map(|n| (n / 7 % 1_000).to_string().into_bytes()).collect()
}

#[test]
fn every_codec_gives_back_what_it_was_given() {
    for codec in CODECS {
        for bytes in [Vec::new(), vec![7], text()] {
            let packed = compress(codec, &bytes).unwrap();
            assert_eq!(decompress(codec, &packed, LIMIT).unwrap(), bytes, "{}", codec.name());
        }
    }
}

#[test]
fn text_becomes_shorter() {
    for codec in &CODECS[1..] {
        let packed = compress(*codec, &text()).unwrap();
        assert!(packed.len() < text().len() / 2, "{}: {} bytes", codec.name(), packed.len());
    }
}

#[test]
fn what_we_pack_has_the_framing_that_clients_expect() {
    let packed = compress(Codec::Snappy, &text()).unwrap();
    assert_eq!(packed[..16], *b"\x82SNAPPY\0\0\0\0\x01\0\0\0\x01");
    let first_block = u32::from_be_bytes(packed[16..20].try_into().unwrap()) as usize;
    let block = snap::raw::Decoder::new().decompress_vec(&packed[20..20 + first_block]).unwrap();
    assert_eq!(block, text()[..32 * 1024]);

    // LZ4: magic, then version 1 with independent blocks.
    let packed = compress(Codec::Lz4, &text()).unwrap();
    assert_eq!(packed[..4], 0x184d_2204u32.to_le_bytes());
    assert_eq!(packed[4] & 0b1110_0000, 0b0110_0000);

    assert_eq!(compress(Codec::Gzip, b"a").unwrap()[..2], [0x1f, 0x8b]);
    assert_eq!(compress(Codec::Zstd, b"a").unwrap()[..4], 0xfd2f_b528u32.to_le_bytes());
}

#[test]
fn the_variants_of_other_clients_are_read() {
    let raw_snappy = snap::raw::Encoder::new().compress_vec(&text()).unwrap();
    assert_eq!(decompress(Codec::Snappy, &raw_snappy, LIMIT).unwrap(), text());

    let two_members: Vec<u8> =
        text().chunks(400_000).flat_map(|part| compress(Codec::Gzip, part).unwrap()).collect();
    assert_eq!(decompress(Codec::Gzip, &two_members, LIMIT).unwrap(), text());

    let mut linked = lz4_flex::frame::FrameInfo::new();
    linked.block_mode = lz4_flex::frame::BlockMode::Linked;
    linked.content_checksum = true;
    let mut encoder = lz4_flex::frame::FrameEncoder::with_frame_info(linked, Vec::new());
    encoder.write_all(&text()).unwrap();
    assert_eq!(decompress(Codec::Lz4, &encoder.finish().unwrap(), LIMIT).unwrap(), text());

    // As a stream, the length is not in the frame and the window is the level's largest.
    for level in [1, 19, 22] {
        let streamed = zstd::stream::encode_all(&text()[..], level).unwrap();
        assert_eq!(decompress(Codec::Zstd, &streamed, LIMIT).unwrap(), text(), "level {level}");
    }
}

#[test]
fn a_bomb_is_refused_and_what_just_fits_is_not() {
    let zeros = vec![0; LIMIT + 1];
    for codec in CODECS {
        let bomb = compress(codec, &zeros).unwrap();
        let error = decompress(codec, &bomb, LIMIT).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::CorruptBatch, "{}", codec.name());
        assert!(error.to_string().contains("more than 4194304 bytes"), "{error}");
        let fits = compress(codec, &zeros[1..]).unwrap();
        assert_eq!(decompress(codec, &fits, LIMIT).unwrap().len(), LIMIT);
    }
}

#[test]
fn a_header_that_promises_much_gets_no_memory_for_it() {
    // Raw snappy that says 4 MiB and goes on for two bytes.
    let error = decompress(Codec::Snappy, &[0x80, 0x80, 0x80, 0x02, 0, 0], LIMIT).unwrap_err();
    assert!(error.to_string().contains("promises more"), "{error}");
    // Snappy blocks whose length is beyond the bytes, and that end inside a length.
    for tail in [&[0x7f, 0xff, 0xff, 0xff, 0][..], &[0, 0]] {
        let bytes = [&b"\x82SNAPPY\0\0\0\0\x01\0\0\0\x01"[..], tail].concat();
        assert!(decompress(Codec::Snappy, &bytes, LIMIT).is_err());
    }
    // A zstd frame with a window of 2 GiB.
    let window = [0x28, 0xb5, 0x2f, 0xfd, 0x00, 0xa8, 0x01, 0x00, 0x00];
    assert!(decompress(Codec::Zstd, &window, LIMIT).is_err());
}

proptest! {
    #[test]
    fn arbitrary_and_damaged_bytes_never_panic(
        bytes in vec(any::<u8>(), 0..2_000), at: prop::sample::Index, flip in 1..=u8::MAX,
    ) {
        for codec in CODECS {
            if let Ok(out) = decompress(codec, &bytes, 10_000) {
                prop_assert!(out.len() <= 10_000);
            }
            let mut packed = compress(codec, &bytes).unwrap();
            if !packed.is_empty() {
                let at = at.index(packed.len());
                packed[at] ^= flip;
                let _ = decompress(codec, &packed, 10_000);
                packed.truncate(at);
                let _ = decompress(codec, &packed, 10_000);
            }
        }
    }
}
