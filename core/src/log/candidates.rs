//! The files that hold segments, before it is known where their entries end.

use std::io;
use std::sync::Arc;

use super::cleaner;
use super::scan;
use super::segment::{self, Header};
use super::snapshot;
use crate::error::{Error, ErrorKind, Result};
use crate::sys::storage::{Storage, StoredFile};

/// Files that are renamed when they are whole.
const TEMPORARIES: [&str; 2] = [cleaner::TEMPORARY, snapshot::TEMPORARY];

/// How often the directory is listed until it stays as it is meanwhile.
const LOOKS_MAX: usize = 100;

/// A segment's file before it is known where its entries end.
#[derive(Debug)]
pub(super) struct Candidate {
    pub(super) name: String,
    pub(super) header: Header,
    pub(super) file: Arc<dyn StoredFile>,
    pub(super) size: u64,
}

/// All segments in the directory, in the order of the log. Superseded ones are removed.
pub(super) fn find(storage: &dyn Storage, notes: &mut Vec<String>) -> Result<Vec<Candidate>> {
    let names = storage.list().map_err(|error| Error::storage("listing the directory", error))?;
    remove_leftovers(storage, &names)?;
    let mut all = Vec::new();
    for name in names.into_iter().filter(|name| segment::is_segment_name(name)) {
        let doing = |error| Error::storage(format_args!("opening {name}"), error);
        let file = storage.open(&name, false).map_err(doing)?;
        let size = file.size().map_err(doing)?;
        let header = match read_header(&*file)? {
            Some(header) => Some(header),
            None => mend(storage, &name, &*file, size, notes)?,
        };
        if let Some(header) = header {
            all.push(Candidate { name, header, file, size });
        }
    }
    let (kept, superseded) = sort_out(all);
    for candidate in superseded {
        remove(storage, &candidate.name)?;
    }
    Ok(kept)
}

/// All segments in the directory, in the order of the log, also while its broker rotates and
/// cleans them. Changes nothing: a segment without a sound header is taken as recovery would.
pub(super) fn look(storage: &dyn Storage) -> Result<Vec<Candidate>> {
    for _ in 0..LOOKS_MAX {
        let names = segment_names(storage)?;
        // What was opened belongs together if the names are still the same.
        if let Some(all) = open_all(storage, &names)?
            && segment_names(storage)? == names
        {
            return Ok(sort_out(all).0);
        }
    }
    Err(Error::new(
        ErrorKind::Timeout,
        "the files of the log change faster than they can be opened; try again",
    ))
}

fn segment_names(storage: &dyn Storage) -> Result<Vec<String>> {
    let names = storage.list().map_err(|error| Error::storage("listing the directory", error))?;
    let mut names: Vec<_> =
        names.into_iter().filter(|name| segment::is_segment_name(name)).collect();
    names.sort_unstable();
    Ok(names)
}

/// `None` if a file is gone already.
fn open_all(storage: &dyn Storage, names: &[String]) -> Result<Option<Vec<Candidate>>> {
    let mut all = Vec::new();
    for name in names {
        let doing = |error| Error::storage(format_args!("opening {name}"), error);
        let file = match storage.open(name, false) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(doing(error)),
        };
        let size = file.size().map_err(doing)?;
        let header = match read_header(&*file)? {
            Some(header) => Some(header),
            None => told_by_entries(name, &*file, size)?,
        };
        if let Some(header) = header {
            all.push(Candidate { name: name.clone(), header, file, size });
        }
    }
    Ok(Some(all))
}

/// The sound header at the start of a file.
pub(super) fn read_header(file: &dyn StoredFile) -> Result<Option<Header>> {
    let mut bytes = [0; segment::HEADER_BYTES];
    match file.read_exact_at(&mut bytes, 0) {
        Ok(()) => Header::decode(&bytes),
        Err(_) => Ok(None),
    }
}

/// The segments in the order of the log, and those that others stand for.
fn sort_out(mut all: Vec<Candidate>) -> (Vec<Candidate>, Vec<Candidate>) {
    all.sort_by_key(|candidate| (candidate.header.first_id, !candidate.header.salt));
    let (mut kept, mut superseded) = (Vec::<Candidate>::new(), Vec::new());
    for candidate in all {
        let covered = kept.last().is_some_and(|last| {
            candidate.header.first_id < last.header.cleaned_to.unwrap_or(0)
                || candidate.header.first_id == last.header.first_id
        });
        if covered { superseded.push(candidate) } else { kept.push(candidate) }
    }
    (kept, superseded)
}

/// What the header of a segment must have been, by its first entry or its name.
fn told_by_entries(name: &str, file: &dyn StoredFile, size: u64) -> Result<Option<Header>> {
    let entry = scan::first_entry(file, size)?;
    let salt = entry.map_or(0, |entry| u64::from(entry.epoch) << 32);
    let first_id = entry.map(|entry| entry.first_id).or_else(|| segment::sealed_id(name));
    Ok(first_id.map(|first_id| Header { first_id, cleaned_to: None, salt }))
}

/// The header for a segment that does not begin with a sound one, as its first entry tells it. An
/// active segment without any entry was torn when it was created, and is removed.
fn mend(
    storage: &dyn Storage,
    name: &str,
    file: &dyn StoredFile,
    size: u64,
    notes: &mut Vec<String>,
) -> Result<Option<Header>> {
    let Some(entry) = scan::first_entry(file, size)? else {
        if let Some(first_id) = segment::sealed_id(name) {
            notes.push(format!(
                "DAMAGED: {name} holds nothing that can be read; it is left as it is"
            ));
            return Ok(Some(Header { first_id, cleaned_to: None, salt: 0 }));
        }
        if size > 0 {
            notes.push(format!("cut {name}: it was torn before its first entry"));
        }
        remove(storage, name)?;
        return Ok(None);
    };
    let salt = u64::from(entry.epoch) << 32;
    let header = Header { first_id: entry.first_id, cleaned_to: None, salt };
    notes.push(format!(
        "DAMAGED: the header of {name} did not match its checksum; it was written again from the \
         entries that follow it"
    ));
    file.write_all_at(&[&header.encode()], 0)
        .and_then(|()| file.sync())
        .map_err(|error| Error::storage(format_args!("mending {name}"), error))?;
    Ok(Some(header))
}

/// Removes what an interrupted change of files left: half-written files, and sidecars of segments
/// that are gone.
fn remove_leftovers(storage: &dyn Storage, names: &[String]) -> Result<()> {
    for name in names {
        let orphan = name.strip_suffix(".idx").is_some_and(|stem| {
            let log = format!("{stem}.log");
            !names.contains(&log) && segment::sealed_id(&log).is_some()
        });
        let half = name.ends_with(".idx.tmp") || TEMPORARIES.contains(&name.as_str());
        if orphan || half {
            remove(storage, name)?;
        }
    }
    Ok(())
}

/// Removes a file of the log.
pub(super) fn remove(storage: &dyn Storage, name: &str) -> Result<()> {
    storage.remove(name).map_err(|error| Error::storage(format_args!("removing {name}"), error))
}
