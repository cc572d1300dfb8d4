//! Snapshots: the broker's state as of an ID, `estado-<id>.snapshot`.
//!
//! | bytes | field    | why                                                          |
//! |-------|----------|--------------------------------------------------------------|
//! | 0-7   | magic    | `MINKASNP`                                                   |
//! | 8-11  | version  | of the format: 1                                             |
//! | 12-15 | checksum | CRC-32C of bytes 16 to the end                               |
//! | 16-23 | ID       | the state holds exactly what the entries below it say        |
//! | 24-   | state    | encoded by the floor above                                   |
//!
//! A snapshot is written beside its name, synced and renamed, so that none is ever torn. The two
//! newest are kept: if one is damaged, the other one and a longer tail do the same.

use crate::checksum::crc32c;
use crate::error::{Error, Result};
use crate::sys::storage::Storage;

const MAGIC: &[u8; 8] = b"MINKASNP";
const VERSION: u32 = 1;
const HEADER_BYTES: usize = 24;
pub(super) const TEMPORARY: &str = "estado.tmp";
/// How many snapshots are kept.
pub const KEPT: usize = 2;

/// A snapshot that was read.
#[derive(Debug)]
pub struct Snapshot {
    /// The state is that of all entries below this ID.
    pub id: u64,
    /// The encoded state.
    pub state: Vec<u8>,
}

fn name(id: u64) -> String {
    format!("estado-{id:020}.snapshot")
}

fn id_of(name: &str) -> Option<u64> {
    name.strip_prefix("estado-")?.strip_suffix(".snapshot")?.parse().ok()
}

/// Whether a file of this name is a snapshot.
pub fn is_name(name: &str) -> bool {
    id_of(name).is_some()
}

/// The IDs of the snapshots in the directory, newest first.
pub fn list(storage: &dyn Storage) -> Result<Vec<u64>> {
    let names = storage.list().map_err(|error| Error::storage("listing the directory", error))?;
    let mut ids: Vec<u64> = names.iter().filter_map(|name| id_of(name)).collect();
    ids.sort_unstable_by(|a, b| b.cmp(a));
    Ok(ids)
}

/// Reads the snapshot of `id`; `None` where it is damaged or of a newer version.
pub fn read(storage: &dyn Storage, id: u64) -> Result<Option<Snapshot>> {
    let name = name(id);
    let doing = |error| Error::storage(format_args!("reading {name}"), error);
    let file = storage.open(&name, false).map_err(doing)?;
    let size = usize::try_from(file.size().map_err(doing)?).unwrap_or(usize::MAX);
    if size < HEADER_BYTES {
        return Ok(None);
    }
    let mut bytes = vec![0; size];
    file.read_exact_at(&mut bytes, 0).map_err(doing)?;
    let field = |at: usize| {
        let mut field = [0; 4];
        field.copy_from_slice(&bytes[at..at + 4]);
        u32::from_le_bytes(field)
    };
    let sound = &bytes[..8] == MAGIC
        && field(8) == VERSION
        && field(12) == crc32c(&bytes[16..])
        && u64::from(field(16)) | u64::from(field(20)) << 32 == id;
    bytes.drain(..HEADER_BYTES);
    Ok(sound.then_some(Snapshot { id, state: bytes }))
}

/// Writes the state as of `id` and removes snapshots that are no longer needed. When this has
/// returned, the snapshot is durable.
pub fn write(storage: &dyn Storage, id: u64, state: &[u8]) -> Result<()> {
    let name = name(id);
    let doing = |error| Error::storage(format_args!("writing {name}"), error);
    let mut header = [0; HEADER_BYTES];
    header[..8].copy_from_slice(MAGIC);
    header[8..12].copy_from_slice(&VERSION.to_le_bytes());
    header[16..].copy_from_slice(&id.to_le_bytes());
    let checksum = crate::checksum::crc32c_of(&[&header[16..], state]);
    header[12..16].copy_from_slice(&checksum.to_le_bytes());
    let file = storage.open(TEMPORARY, true).map_err(doing)?;
    file.set_size(0).map_err(doing)?;
    file.write_all_at(&[&header, state], 0).map_err(doing)?;
    file.sync().map_err(doing)?;
    storage.rename(TEMPORARY, &name).map_err(doing)?;
    storage.sync_names().map_err(doing)?;
    for old in list(storage)?.into_iter().skip(KEPT) {
        storage.remove(&self::name(old)).map_err(doing)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::disk::Disk;

    #[test]
    fn the_two_newest_are_kept_and_damage_is_noticed() {
        let directory = tempfile::tempdir().unwrap();
        let disk = Disk::new(directory.path());
        for id in [1, 20, 300] {
            write(&disk, id, format!("state {id}").as_bytes()).unwrap();
        }
        assert_eq!(list(&disk).unwrap(), [300, 20]);
        assert_eq!(read(&disk, 20).unwrap().unwrap().state, b"state 20");
        let file = disk.open(&name(300), false).unwrap();
        file.write_all_at(&[b"X"], 26).unwrap();
        assert!(read(&disk, 300).unwrap().is_none());
    }
}
