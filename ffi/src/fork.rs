//! Notices that the process was forked: the threads of what was opened before are not in the
//! child, and its locks may be held by them for ever.

use std::io;
use std::sync::Once;
use std::sync::atomic::{AtomicI32, AtomicU64, Ordering};

use minka_core::{Error, ErrorKind, Result};

/// How often this process, or those before it, were forked since the first handle was opened.
static GENERATION: AtomicU64 = AtomicU64::new(0);

static WATCHED: Once = Once::new();
static FAILED: AtomicI32 = AtomicI32::new(0);

/// Which process this is, in the line of those that were forked.
#[inline]
pub(crate) fn generation() -> u64 {
    // SYNC: the child has one thread when this is raised, and starts others after that.
    GENERATION.load(Ordering::Relaxed)
}

/// Sees to it that a fork from here on is noticed. Nothing is done when the library is loaded.
pub(crate) fn watch() -> Result<()> {
    WATCHED.call_once(|| {
        // SAFETY: the handler is a function of this library that only raises an atomic, which is
        // allowed in the child of a process with threads. It is forgotten when the library is
        // unloaded.
        let result = unsafe { libc::pthread_atfork(None, None, Some(forked)) };
        FAILED.store(result, Ordering::Relaxed);
    });
    match FAILED.load(Ordering::Relaxed) {
        0 => Ok(()),
        code => {
            let why = io::Error::from_raw_os_error(code);
            let text = format!("a fork of the process could not be watched for: {why}");
            Err(Error::new(ErrorKind::Internal, text))
        }
    }
}

extern "C" fn forked() {
    GENERATION.fetch_add(1, Ordering::Relaxed);
}
