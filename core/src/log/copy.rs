//! Copying a log into another directory.

use std::sync::Arc;

use super::entry::{Entry, Kind, NO_PARTITION};
use super::segment::{self, Segment};
use super::segments::Segments;
use super::sidecar;
use super::snapshot;
use super::writer::Writer;
use crate::clock::Millis;
use crate::error::{Error, Result};
use crate::sys::storage::{Storage, StoredFile};

/// How many bytes are copied at once.
const PIECE_BYTES: usize = 1 << 20;

/// A log as it was at a moment: whole entries, and nothing of what was written later.
#[derive(Debug)]
pub struct Cut {
    /// The segments in their order, with the length that each had.
    segments: Vec<(Arc<Segment>, u64)>,
    next_id: u64,
    epoch: u32,
}

impl Cut {
    /// What is written. The caller has the writer, so that nobody writes meanwhile.
    pub fn new(segments: &Segments, writer: &Writer) -> Self {
        let set = segments.snapshot();
        let all = set.values().map(|member| (member.segment.clone(), member.segment.size()));
        Self { segments: all.collect(), next_id: writer.next_id(), epoch: writer.epoch() }
    }

    /// The ID after the last one in it.
    pub fn next_id(&self) -> u64 {
        self.next_id
    }

    /// Copies it, with the snapshots and sidecars in `from`, into a directory that is empty, and
    /// puts the state entry `last` behind it. Then everything in it is on the disk.
    ///
    /// While this runs, nobody may remove segments or write snapshots and sidecars.
    pub fn copy(
        &self,
        from: &dyn Storage,
        to: &dyn Storage,
        last: &[u8],
        now: Millis,
    ) -> Result<()> {
        for name in names(from)?.into_iter().filter(|name| !segment::is_segment_name(name)) {
            copy_file(from, to, &name)?;
        }
        let Some(((active, size), sealed)) = self.segments.split_last() else {
            return Ok(());
        };
        for (segment, size) in sealed {
            let name = segment::sealed_name(segment.first_id());
            copy_bytes(&*segment.file, *size, to, &name)?.sync().map_err(failed(&name))?;
        }
        let file = copy_bytes(&*active.file, *size, to, segment::ACTIVE)?;
        let entry = Entry {
            kind: Kind::State,
            // An event is far below 4 GiB.
            length: u32::try_from(last.len()).unwrap_or(u32::MAX),
            first_id: self.next_id,
            count: 1,
            written: now,
            partition: NO_PARTITION,
            epoch: self.epoch,
            synced_below: self.next_id,
        };
        file.write_all_at(&[&entry.encode(last), last], *size)
            .and_then(|()| file.sync())
            .map_err(failed(segment::ACTIVE))?;
        to.sync_names().map_err(|error| Error::storage("syncing the directory", error))
    }
}

/// Copies the log in a directory that nobody writes to, as it is. Returns whether there is one.
pub fn copy_all(from: &dyn Storage, to: &dyn Storage) -> Result<bool> {
    let names = names(from)?;
    for name in &names {
        copy_file(from, to, name)?;
    }
    Ok(names.iter().any(|name| segment::is_segment_name(name)))
}

/// The files that a log consists of.
fn names(storage: &dyn Storage) -> Result<Vec<String>> {
    let names = storage.list().map_err(|error| Error::storage("listing the directory", error))?;
    let is_ours = |name: &String| {
        segment::is_segment_name(name) || sidecar::is_name(name) || snapshot::is_name(name)
    };
    Ok(names.into_iter().filter(is_ours).collect())
}

fn copy_file(from: &dyn Storage, to: &dyn Storage, name: &str) -> Result<()> {
    let file = from.open(name, false).map_err(failed(name))?;
    let size = file.size().map_err(failed(name))?;
    copy_bytes(&*file, size, to, name)?.sync().map_err(failed(name))
}

fn copy_bytes(
    from: &dyn StoredFile,
    size: u64,
    to: &dyn Storage,
    name: &str,
) -> Result<Arc<dyn StoredFile>> {
    let file = to.open(name, true).map_err(failed(name))?;
    let mut piece = vec![0; PIECE_BYTES.min(usize::try_from(size).unwrap_or(PIECE_BYTES))];
    let mut position = 0;
    while position < size {
        let left = usize::try_from(size - position).unwrap_or(PIECE_BYTES);
        let piece = &mut piece[..left.min(PIECE_BYTES)];
        from.read_exact_at(piece, position)
            .and_then(|()| file.write_all_at(&[piece], position))
            .map_err(failed(name))?;
        position += piece.len() as u64;
    }
    Ok(file)
}

fn failed(name: &str) -> impl FnOnce(std::io::Error) -> Error + use<'_> {
    move |error| Error::storage(format_args!("copying {name}"), error)
}
