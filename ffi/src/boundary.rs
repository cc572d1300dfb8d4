//! What every function of the library is in: errors become numbers, and no panic leaves.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use minka_core::{Error, ErrorKind, Result};

use crate::last_error;
use crate::status::{MINKA_OK, minka_status};

/// Runs what a function does, keeps the sentence of its error, and answers with its number.
pub(crate) fn status(body: impl FnOnce() -> Result<()>) -> minka_status {
    match guarded(body) {
        Ok(()) => MINKA_OK,
        Err(error) => last_error::keep(&error),
    }
}

/// Runs what a function does that has something other than a status to answer with.
pub(crate) fn value<T>(otherwise: T, body: impl FnOnce() -> Result<T>) -> T {
    guarded(body).unwrap_or_else(|error| {
        last_error::keep(&error);
        otherwise
    })
}

#[inline]
fn guarded<T>(body: impl FnOnce() -> Result<T>) -> Result<T> {
    // What a panic leaves half changed is behind locks, which are poisoned by it.
    catch_unwind(AssertUnwindSafe(body)).unwrap_or_else(|panic| Err(bug(&*panic)))
}

#[cold]
fn bug(panic: &(dyn Any + Send)) -> Error {
    let words = panic.downcast_ref::<&str>().copied();
    let words = words.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    Error::new(ErrorKind::Internal, format!("a bug in minka: {}", words.unwrap_or("a panic")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::last_error::minka_last_error;
    use crate::status::MINKA_INTERNAL;

    #[test]
    fn a_panic_becomes_an_error() {
        for (words, body) in [
            ("a bug in minka: lost", (|| panic!("lost")) as fn() -> Result<()>),
            ("a bug in minka: lost 7", || panic!("lost {}", 7)),
            ("a bug in minka: a panic", || std::panic::panic_any(7)),
        ] {
            assert_eq!(status(body), MINKA_INTERNAL);
            let sentence = minka_last_error();
            // SAFETY: no other call came between.
            let sentence = unsafe { std::slice::from_raw_parts(sentence.data, sentence.len) };
            assert_eq!(sentence, words.as_bytes());
        }
        assert_eq!(value(3, || panic!("lost")), 3);
        assert_eq!(value(3, || Ok(4)), 4);
    }
}
