//! Every limit, with its unit: what the engine, the doors and the log agree on.

/// The largest request or answer frame, in bytes (`socket.request.max.bytes`).
pub const FRAME_BYTES_MAX: usize = 100 * 1024 * 1024;

/// The largest record batch that a topic accepts unless it says otherwise, in bytes
/// (`max.message.bytes`).
pub const BATCH_BYTES_MAX_DEFAULT: u32 = 1_048_588;

/// The largest value that a topic's `max.message.bytes` may have.
pub const BATCH_BYTES_MAX: u32 = 96 * 1024 * 1024;

/// The longest topic name, in bytes.
pub const TOPIC_NAME_BYTES_MAX: usize = 249;

/// The most partitions that one topic may have.
pub const PARTITIONS_PER_TOPIC_MAX: u32 = 100_000;

/// The most bytes that a batch may unpack to: a small batch must not cost a large allocation.
pub const DECOMPRESSED_BYTES_MAX: usize = 128 * 1024 * 1024;

/// How many IDs may be written but not yet on the disk. A start after a power cut skips this
/// many IDs, so that none that somebody may have seen is given out twice.
pub const UNSYNCED_IDS_MAX: u64 = 1 << 23;

/// How many records one batch may have.
pub const RECORDS_PER_BATCH_MAX: u32 = 1 << 20;

const _: () = assert!((BATCH_BYTES_MAX as usize) < FRAME_BYTES_MAX);
const _: () = assert!((RECORDS_PER_BATCH_MAX as u64) * 4 <= UNSYNCED_IDS_MAX);
