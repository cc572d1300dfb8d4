//! A [`Storage`] in memory: for brokers of which nothing is to be left.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use super::storage::{Storage, StoredFile};

/// How many bytes are allocated at once. What was written is never moved.
const CHUNK_BYTES: usize = 64 << 10;

/// A directory in memory. Its files are gone with the last handle to them.
#[derive(Debug)]
pub struct Memory {
    files: RwLock<BTreeMap<String, Arc<MemoryFile>>>,
    boot_id: String,
}

impl Memory {
    /// An empty directory. `boot_id` is what [`Storage::boot_id`] answers.
    pub fn new(boot_id: String) -> Self {
        Self { files: RwLock::default(), boot_id }
    }

    fn files(&self) -> RwLockWriteGuard<'_, BTreeMap<String, Arc<MemoryFile>>> {
        self.files.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Storage for Memory {
    fn open(&self, name: &str, create: bool) -> io::Result<Arc<dyn StoredFile>> {
        let mut files = self.files();
        if let Some(file) = files.get(name) {
            return Ok(file.clone());
        }
        if !create {
            return Err(missing(name));
        }
        let file = Arc::new(MemoryFile::default());
        files.insert(name.to_owned(), file.clone());
        Ok(file)
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut files = self.files();
        let file = files.remove(from).ok_or_else(|| missing(from))?;
        files.insert(to.to_owned(), file);
        Ok(())
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.files().remove(name).map(drop).ok_or_else(|| missing(name))
    }

    fn list(&self) -> io::Result<Vec<String>> {
        let files = self.files.read().unwrap_or_else(PoisonError::into_inner);
        Ok(files.keys().cloned().collect())
    }

    fn sync_names(&self) -> io::Result<()> {
        Ok(())
    }

    fn boot_id(&self) -> String {
        self.boot_id.clone()
    }
}

fn missing(name: &str) -> io::Error {
    io::Error::new(io::ErrorKind::NotFound, format!("there is no file {name} in memory"))
}

#[derive(Debug, Default)]
struct MemoryFile {
    content: RwLock<Content>,
}

/// Every chunk but the last is full.
#[derive(Default)]
struct Content {
    chunks: Vec<Vec<u8>>,
}

impl MemoryFile {
    fn read(&self) -> RwLockReadGuard<'_, Content> {
        self.content.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Content> {
        self.content.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl StoredFile for MemoryFile {
    fn size(&self) -> io::Result<u64> {
        Ok(self.read().size() as u64)
    }

    fn read_exact_at(&self, buf: &mut [u8], position: u64) -> io::Result<()> {
        let content = self.read();
        let start = index(position)?;
        let end = start.checked_add(buf.len()).filter(|end| *end <= content.size());
        if end.is_none() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let (mut at, mut rest) = (start, buf);
        while !rest.is_empty() {
            let chunk = &content.chunks[at / CHUNK_BYTES][at % CHUNK_BYTES..];
            let len = chunk.len().min(rest.len());
            let (now, later) = rest.split_at_mut(len);
            now.copy_from_slice(&chunk[..len]);
            (at, rest) = (at + len, later);
        }
        Ok(())
    }

    fn write_all_at(&self, parts: &[&[u8]], position: u64) -> io::Result<()> {
        let mut content = self.write();
        let mut at = index(position)?;
        if at > content.size() {
            content.resize(at);
        }
        for part in parts {
            content.write(part, at);
            at += part.len();
        }
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        Ok(())
    }

    fn set_size(&self, size: u64) -> io::Result<()> {
        self.write().resize(index(size)?);
        Ok(())
    }

    fn as_file(&self) -> Option<&File> {
        None
    }
}

impl Content {
    fn size(&self) -> usize {
        let full = self.chunks.len().saturating_sub(1) * CHUNK_BYTES;
        full + self.chunks.last().map_or(0, Vec::len)
    }

    fn resize(&mut self, size: usize) {
        self.chunks.truncate(size.div_ceil(CHUNK_BYTES));
        let cut = size - self.chunks.len().saturating_sub(1) * CHUNK_BYTES;
        if let Some(last) = self.chunks.last_mut() {
            last.resize(cut.min(CHUNK_BYTES), 0);
        }
        while self.size() < size {
            let len = (size - self.size()).min(CHUNK_BYTES);
            self.last_with_room().resize(len, 0);
        }
    }

    /// Writes at most as far behind the end as the end itself.
    fn write(&mut self, mut bytes: &[u8], mut at: usize) {
        while !bytes.is_empty() {
            let behind_end = at == self.size();
            let chunk =
                if behind_end { self.last_with_room() } else { &mut self.chunks[at / CHUNK_BYTES] };
            let inside = at % CHUNK_BYTES;
            let room = if behind_end { CHUNK_BYTES } else { chunk.len() } - inside;
            let (now, later) = bytes.split_at(room.min(bytes.len()));
            if behind_end {
                chunk.extend_from_slice(now);
            } else {
                chunk[inside..inside + now.len()].copy_from_slice(now);
            }
            (at, bytes) = (at + now.len(), later);
        }
    }

    /// The last chunk; a new one where that is full.
    fn last_with_room(&mut self) -> &mut Vec<u8> {
        if self.chunks.last().is_none_or(|last| last.len() == CHUNK_BYTES) {
            self.chunks.push(Vec::with_capacity(CHUNK_BYTES));
        }
        self.chunks.last_mut().expect("one was put there if there was none")
    }
}

impl std::fmt::Debug for Content {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Content").field("bytes", &self.size()).finish()
    }
}

fn index(position: u64) -> io::Result<usize> {
    usize::try_from(position).map_err(io::Error::other)
}

#[cfg(test)]
mod tests {
    use super::*;

    use proptest::prelude::*;

    #[derive(Debug, Clone)]
    enum Step {
        Write(Vec<usize>, usize),
        Size(usize),
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let len = 0..CHUNK_BYTES * 2;
        let write = (prop::collection::vec(len.clone(), 0..3), len.clone())
            .prop_map(|(parts, at)| Step::Write(parts, at));
        prop::collection::vec(prop_oneof![write, len.prop_map(Step::Size)], 1..8)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn a_file_is_what_a_vector_of_bytes_is(steps in steps()) {
            let (file, mut expected) = (MemoryFile::default(), Vec::new());
            for (number, step) in steps.into_iter().enumerate() {
                match step {
                    Step::Write(parts, mut at) => {
                        let parts: Vec<Vec<u8>> =
                            parts.into_iter().map(|len| vec![number as u8 + 1; len]).collect();
                        let slices: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
                        file.write_all_at(&slices, at as u64).unwrap();
                        expected.resize(expected.len().max(at), 0);
                        for part in parts {
                            expected.resize(expected.len().max(at + part.len()), 0);
                            expected[at..at + part.len()].copy_from_slice(&part);
                            at += part.len();
                        }
                    }
                    Step::Size(size) => {
                        file.set_size(size as u64).unwrap();
                        expected.resize(size, 0);
                    }
                }
                prop_assert_eq!(file.size().unwrap(), expected.len() as u64);
                let mut found = vec![0; expected.len()];
                file.read_exact_at(&mut found, 0).unwrap();
                prop_assert!(found == expected);
            }
            let end = file.read_exact_at(&mut [0], expected.len() as u64).unwrap_err();
            prop_assert_eq!(end.kind(), io::ErrorKind::UnexpectedEof);
        }
    }

    #[test]
    fn handles_outlive_names() {
        let memory = Memory::new("boot".to_owned());
        assert_eq!(memory.open("a", false).unwrap_err().kind(), io::ErrorKind::NotFound);
        let a = memory.open("a", true).unwrap();
        a.write_all_at(&[b"first"], 0).unwrap();
        let b = memory.open("b", true).unwrap();
        b.write_all_at(&[b"second"], 0).unwrap();
        memory.rename("a", "b").unwrap();
        assert_eq!(memory.list().unwrap(), ["b"]);
        assert_eq!(b.size().unwrap(), 6);
        assert_eq!(memory.open("b", true).unwrap().size().unwrap(), 5);
        memory.remove("b").unwrap();
        assert_eq!(memory.remove("b").unwrap_err().kind(), io::ErrorKind::NotFound);
        assert_eq!(a.size().unwrap(), 5);
        assert_eq!(memory.boot_id(), "boot");
    }
}
