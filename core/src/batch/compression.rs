//! The codecs of record batches: bytes in, bytes out, with a bound on what comes out.
//!
//! What is written here, every Kafka client reads: gzip members, snappy in the framing of
//! snappy-java ("Xerial"), lz4 frames with independent blocks, zstd frames. What is read is all
//! that clients write, which adds snappy without a framing.

use std::io::{self, Read, Write};

use super::header::corrupt;
use crate::error::{Error, ErrorKind, Result};

/// How the records of a batch are compressed. The numbers are those of the attributes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(i16)]
pub enum Codec {
    /// Not compressed.
    None = 0,
    /// RFC 1952.
    Gzip = 1,
    /// Snappy, in the framing of snappy-java or in none.
    Snappy = 2,
    /// The LZ4 frame format.
    Lz4 = 3,
    /// RFC 8878.
    Zstd = 4,
}

impl Codec {
    /// The codec that a batch's attributes name; fails with `InvalidRecord` where there is none.
    pub fn from_attributes(attributes: i16) -> Result<Self> {
        match attributes & 7 {
            0 => Ok(Self::None),
            1 => Ok(Self::Gzip),
            2 => Ok(Self::Snappy),
            3 => Ok(Self::Lz4),
            4 => Ok(Self::Zstd),
            other => Err(Error::new(
                ErrorKind::InvalidRecord,
                format!(
                    "a record batch names compression {other}: known are 0 (none), 1 (gzip), \
                     2 (snappy), 3 (lz4) and 4 (zstd)"
                ),
            )),
        }
    }

    /// The name that Kafka's settings use.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Gzip => "gzip",
            Self::Snappy => "snappy",
            Self::Lz4 => "lz4",
            Self::Zstd => "zstd",
        }
    }
}

/// The largest zstd window, as a power of two: what zstd's highest level writes. The decoder
/// reserves the window but touches no more of it than it unpacks.
const ZSTD_WINDOW_LOG_MAX: u32 = 27;

/// Sixteen bytes of snappy-java's framing: a magic, its version and the oldest compatible one.
/// Blocks follow, each a length of four bytes, big-endian, and as many bytes of raw snappy.
const XERIAL_HEADER: [u8; 16] = *b"\x82SNAPPY\0\0\0\0\x01\0\0\0\x01";
/// The magic alone: readers do not look at the versions.
const XERIAL_MAGIC_BYTES: usize = 8;
/// How much is compressed as one block, as snappy-java does it.
const XERIAL_BLOCK_BYTES: usize = 32 * 1024;
/// Raw snappy's most compact element makes 64 bytes out of 3: whoever promises more lies.
const SNAPPY_RATIO_MAX: usize = 22;

/// Unpacks `bytes`, to no more than `limit` bytes.
///
/// Memory is taken for what was unpacked and not for what a header promises, beside buffers of
/// a fixed size. Fails with `CorruptBatch` where the bytes are no such format or would unpack to
/// more. With [`Codec::None`] it copies.
pub fn decompress(codec: Codec, bytes: &[u8], limit: usize) -> Result<Vec<u8>> {
    let unpacked = match codec {
        Codec::None => read_bounded(bytes, limit),
        Codec::Gzip => read_bounded(flate2::bufread::MultiGzDecoder::new(bytes), limit),
        Codec::Snappy => decompress_snappy(bytes, limit),
        Codec::Lz4 => read_bounded(lz4_flex::frame::FrameDecoder::new(bytes), limit),
        Codec::Zstd => decompress_zstd(bytes, limit),
    };
    unpacked.map_err(|error| {
        corrupt(format!("{} records of a batch cannot be unpacked: {error}", codec.name()))
    })
}

/// Packs `bytes` at the codec's default level. With [`Codec::None`] it copies.
///
/// Fails with `Internal` where the codec fails, which takes a lack of memory.
pub fn compress(codec: Codec, bytes: &[u8]) -> Result<Vec<u8>> {
    let packed = match codec {
        Codec::None => Ok(bytes.to_vec()),
        Codec::Gzip => compress_gzip(bytes),
        Codec::Snappy => compress_snappy(bytes),
        Codec::Lz4 => compress_lz4(bytes),
        Codec::Zstd => zstd::bulk::compress(bytes, zstd::DEFAULT_COMPRESSION_LEVEL),
    };
    packed.map_err(|error| {
        Error::new(ErrorKind::Internal, format!("packing with {} failed: {error}", codec.name()))
    })
}

/// Reads to the end, or fails as soon as there is more than `limit`.
fn read_bounded(reader: impl Read, limit: usize) -> io::Result<Vec<u8>> {
    let mut out = Vec::new();
    let beyond = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    reader.take(beyond).read_to_end(&mut out)?;
    if out.len() > limit {
        return Err(too_large(limit));
    }
    Ok(out)
}

fn decompress_zstd(bytes: &[u8], limit: usize) -> io::Result<Vec<u8>> {
    let mut decoder = zstd::stream::read::Decoder::with_buffer(bytes)?;
    decoder.window_log_max(ZSTD_WINDOW_LOG_MAX)?;
    read_bounded(decoder, limit)
}

fn decompress_snappy(bytes: &[u8], limit: usize) -> io::Result<Vec<u8>> {
    let mut out = Vec::new();
    if !bytes.starts_with(&XERIAL_HEADER[..XERIAL_MAGIC_BYTES]) {
        append_raw_snappy(&mut out, bytes, limit)?;
        return Ok(out);
    }
    let mut rest = bytes.get(XERIAL_HEADER.len()..).ok_or_else(cut_short)?;
    while !rest.is_empty() {
        let (length, blocks) = rest.split_first_chunk::<4>().ok_or_else(cut_short)?;
        let length = usize::try_from(u32::from_be_bytes(*length)).map_err(io::Error::other)?;
        let (block, after) = blocks.split_at_checked(length).ok_or_else(cut_short)?;
        append_raw_snappy(&mut out, block, limit)?;
        rest = after;
    }
    Ok(out)
}

fn append_raw_snappy(out: &mut Vec<u8>, block: &[u8], limit: usize) -> io::Result<()> {
    let promised = snap::raw::decompress_len(block)?;
    if promised > limit.saturating_sub(out.len()) {
        return Err(too_large(limit));
    }
    if promised > block.len().saturating_mul(SNAPPY_RATIO_MAX) {
        return Err(io::Error::other("it promises more bytes than it can hold"));
    }
    let at = out.len();
    out.resize(at + promised, 0);
    let written = snap::raw::Decoder::new().decompress(block, &mut out[at..])?;
    out.truncate(at + written);
    Ok(())
}

fn compress_gzip(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes)?;
    encoder.finish()
}

fn compress_snappy(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut out = XERIAL_HEADER.to_vec();
    let mut encoder = snap::raw::Encoder::new();
    for chunk in bytes.chunks(XERIAL_BLOCK_BYTES) {
        let block = encoder.compress_vec(chunk)?;
        let length = u32::try_from(block.len()).map_err(io::Error::other)?;
        out.extend_from_slice(&length.to_be_bytes());
        out.extend_from_slice(&block);
    }
    Ok(out)
}

fn compress_lz4(bytes: &[u8]) -> io::Result<Vec<u8>> {
    // The Java client reads frames with independent blocks only.
    let info = lz4_flex::frame::FrameInfo::new()
        .block_mode(lz4_flex::frame::BlockMode::Independent)
        .block_size(lz4_flex::frame::BlockSize::Max64KB);
    let mut encoder = lz4_flex::frame::FrameEncoder::with_frame_info(info, Vec::new());
    encoder.write_all(bytes)?;
    encoder.finish().map_err(io::Error::other)
}

fn too_large(limit: usize) -> io::Error {
    io::Error::other(format!("they are more than {limit} bytes"))
}

fn cut_short() -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, "the bytes end early")
}
