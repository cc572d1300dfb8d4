//! One owner of a data directory at a time.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::Path;

use crate::error::{Error, ErrorKind, Result};

/// The name of the lock file.
const LOCK: &str = "LOCK";

/// Holds the data directory until it is dropped, or until the process ends in whatever way:
/// the lock is the operating system's, the file's text only names the owner.
#[derive(Debug)]
pub struct DirLock {
    _file: File,
}

impl DirLock {
    /// Takes the directory, or says which process has it ([`ErrorKind::DirectoryLocked`]).
    pub fn acquire(directory: &Path) -> Result<Self> {
        let path = directory.join(LOCK);
        let failed = |error| Error::storage(format_args!("opening {}", path.display()), error);
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::Error(error)) => return Err(failed(error)),
            Err(TryLockError::WouldBlock) => return Err(taken(directory, &mut file)),
        }
        file.set_len(0).and_then(|()| file.rewind()).map_err(failed)?;
        writeln!(file, "{}", std::process::id()).map_err(failed)?;
        Ok(Self { _file: file })
    }

    /// Keeps brokers out of a directory that is only read, together with others who read it.
    /// `None` where there is nothing to lock: no broker has been there, or it is not for writing.
    ///
    /// Fails with [`ErrorKind::DirectoryLocked`] if a broker has it.
    pub fn share(directory: &Path) -> Result<Option<Self>> {
        let path = directory.join(LOCK);
        let failed = |error| Error::storage(format_args!("opening {}", path.display()), error);
        let mut file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed(error)),
        };
        match file.try_lock_shared() {
            Ok(()) => Ok(Some(Self { _file: file })),
            Err(TryLockError::Error(error)) => Err(failed(error)),
            Err(TryLockError::WouldBlock) => Err(taken(directory, &mut file)),
        }
    }
}

fn taken(directory: &Path, file: &mut File) -> Error {
    let mut owner = String::new();
    let owner = match file.read_to_string(&mut owner) {
        Ok(_) if !owner.trim().is_empty() => format!("process {}", owner.trim()),
        _ => "another process".to_owned(),
    };
    let directory = directory.display();
    Error::new(
        ErrorKind::DirectoryLocked,
        format!(
            "the data directory {directory} is in use by {owner}; stop that broker first, or \
             choose another directory"
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_owner_is_told_who_the_first_is() {
        let directory = tempfile::tempdir().unwrap();
        let first = DirLock::acquire(directory.path()).unwrap();
        let error = DirLock::acquire(directory.path()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::DirectoryLocked);
        assert!(error.to_string().contains(&format!("process {}", std::process::id())));
        let error = DirLock::share(directory.path()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::DirectoryLocked);
        drop(first);
        let readers = [(); 2].map(|()| DirLock::share(directory.path()).unwrap());
        assert!(readers.iter().all(Option::is_some));
        DirLock::acquire(directory.path()).unwrap_err();
        drop(readers);
        DirLock::acquire(directory.path()).unwrap();
    }
}
