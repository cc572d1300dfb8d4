//! The one log, `mensajes.log`: entries, segments, index, recovery, snapshots and the cleaner.
//!
//! The log knows partitions as numbers and the broker's state as opaque bytes; what they mean is
//! decided above it.

mod candidates;
pub mod cleaner;
pub mod copy;
pub mod entry;
pub mod extent;
pub mod follow;
pub mod reader;
pub mod recovery;
pub mod replay;
pub mod retention;
pub mod scan;
pub mod segment;
pub mod segments;
pub mod sidecar;
pub mod snapshot;
pub mod syncer;
pub mod writer;

pub use entry::{Entry, Kind};
pub use extent::{Extent, Extents};
pub use reader::Piece;
pub use segment::Segment;
pub use segments::Segments;
