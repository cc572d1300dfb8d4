//! The seam between the log and a disk: one flat directory of files.
//!
//! [`crate::sys::disk`] is the real one. Tests put a disk of their own behind it, which forgets
//! what was not synced.

use std::fmt;
use std::fs::File;
use std::io;
use std::sync::Arc;

/// A directory that belongs to one log.
///
/// Nothing is durable before the matching sync has returned: the bytes of a file after
/// [`StoredFile::sync`], its name after [`Storage::sync_names`].
pub trait Storage: Send + Sync + fmt::Debug {
    /// Opens the file, for reading and writing; `create` makes an empty one where there is none.
    fn open(&self, name: &str, create: bool) -> io::Result<Arc<dyn StoredFile>>;
    /// Renames a file, replacing one that has the new name. Open handles stay valid.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;
    /// Removes a file. Open handles stay valid.
    fn remove(&self, name: &str) -> io::Result<()>;
    /// The names of all files, in no order.
    fn list(&self) -> io::Result<Vec<String>>;
    /// Makes creations, renames and removals so far durable.
    fn sync_names(&self) -> io::Result<()>;
    /// A text that differs after every start of the machine: while it is the same, bytes that
    /// were written but not synced are still there.
    fn boot_id(&self) -> String;
}

/// An open file of a [`Storage`]. Reads and writes name their position: a handle has none.
pub trait StoredFile: Send + Sync + fmt::Debug {
    /// The file's length in bytes.
    fn size(&self) -> io::Result<u64>;
    /// Reads into all of `buf`, or fails with `UnexpectedEof` where the file is shorter.
    fn read_exact_at(&self, buf: &mut [u8], position: u64) -> io::Result<()>;
    /// Writes all of `parts`, one after another, growing the file as needed.
    fn write_all_at(&self, parts: &[&[u8]], position: u64) -> io::Result<()>;
    /// Makes the bytes so far, and the length needed to read them, durable.
    fn sync(&self) -> io::Result<()>;
    /// Cuts or grows the file.
    fn set_size(&self, size: u64) -> io::Result<()>;
    /// The operating system's file where there is one, so that a door can send from it directly.
    fn as_file(&self) -> Option<&File>;
}
