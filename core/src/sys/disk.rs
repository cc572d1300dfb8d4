//! The real disk behind [`Storage`]: a directory of the operating system.

use std::fs::{self, File, OpenOptions};
use std::io::{self, IoSlice};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use nix::sys::uio::pwritev;

use super::storage::{Storage, StoredFile};

/// How many buffers one `pwritev` takes (`IOV_MAX` on Linux).
const PARTS_PER_WRITE_MAX: usize = 1024;

/// A directory on the machine's disk.
#[derive(Debug)]
pub struct Disk {
    directory: PathBuf,
    /// Whether files are opened for writing too.
    write: bool,
}

impl Disk {
    /// The directory, which must exist.
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Self { directory: directory.into(), write: true }
    }

    /// The directory, which must exist, for reading alone: files that this user may not write, or
    /// that belong to a running broker.
    pub fn read_only(directory: impl Into<PathBuf>) -> Self {
        Self { directory: directory.into(), write: false }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }
}

impl Storage for Disk {
    fn open(&self, name: &str, create: bool) -> io::Result<Arc<dyn StoredFile>> {
        let mut options = OpenOptions::new();
        options.read(true).write(self.write).create(create && self.write).truncate(false);
        let file = options.open(self.path(name))?;
        Ok(Arc::new(DiskFile { file }))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        fs::rename(self.path(from), self.path(to))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        fs::remove_file(self.path(name))
    }

    fn list(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.directory)? {
            let entry = entry?;
            // A name that is not UTF-8 is not one of ours.
            if let (Ok(name), true) = (entry.file_name().into_string(), entry.path().is_file()) {
                names.push(name);
            }
        }
        Ok(names)
    }

    fn sync_names(&self) -> io::Result<()> {
        File::open(&self.directory)?.sync_all()
    }

    fn boot_id(&self) -> String {
        machine_boot_id()
    }
}

/// A text that differs after every start of the machine; empty where there is none.
pub fn machine_boot_id() -> String {
    // Elsewhere than on Linux nothing tells starts of the machine apart, so every unclean start
    // counts as one after a power cut: that is the safe side.
    fs::read_to_string(Path::new("/proc/sys/kernel/random/boot_id"))
        .map(|id| id.trim().to_owned())
        .unwrap_or_default()
}

#[derive(Debug)]
struct DiskFile {
    file: File,
}

impl StoredFile for DiskFile {
    fn size(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.len())
    }

    fn read_exact_at(&self, buf: &mut [u8], position: u64) -> io::Result<()> {
        self.file.read_exact_at(buf, position)
    }

    fn write_all_at(&self, parts: &[&[u8]], mut position: u64) -> io::Result<()> {
        if let [part] = parts {
            return self.file.write_all_at(part, position);
        }
        for group in parts.chunks(PARTS_PER_WRITE_MAX) {
            let mut slices: Vec<IoSlice<'_>> =
                group.iter().map(|part| IoSlice::new(part)).collect();
            let mut left = &mut slices[..];
            IoSlice::advance_slices(&mut left, 0);
            while !left.is_empty() {
                let offset = i64::try_from(position).map_err(io::Error::other)?;
                let written = match pwritev(&self.file, left, offset) {
                    Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                    Ok(written) => written,
                    Err(nix::errno::Errno::EINTR) => continue,
                    Err(error) => return Err(error.into()),
                };
                position += written as u64;
                IoSlice::advance_slices(&mut left, written);
            }
        }
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        self.file.sync_data()
    }

    fn set_size(&self, size: u64) -> io::Result<()> {
        self.file.set_len(size)
    }

    fn as_file(&self) -> Option<&File> {
        Some(&self.file)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_parts_are_written_one_after_another() {
        let directory = tempfile::tempdir().unwrap();
        let disk = Disk::new(directory.path());
        let file = disk.open("a", true).unwrap();
        let bytes: Vec<u8> = (0..10_000u32).map(|n| n as u8).collect();
        let parts: Vec<&[u8]> = bytes.chunks(3).chain([&[][..]]).collect();
        file.write_all_at(&parts, 5).unwrap();
        file.sync().unwrap();
        disk.sync_names().unwrap();
        let mut read = vec![0; bytes.len()];
        file.read_exact_at(&mut read, 5).unwrap();
        assert_eq!(read, bytes);
        assert_eq!(file.size().unwrap(), 5 + bytes.len() as u64);
        assert_eq!(disk.list().unwrap(), ["a"]);
    }
}
