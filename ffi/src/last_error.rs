//! The sentence of the error that a thread had last.

use std::cell::RefCell;

use minka_core::Error;

use crate::bytes::minka_bytes;
use crate::status::minka_status;

thread_local! {
    static SENTENCE: RefCell<String> = const { RefCell::new(String::new()) };
}

/// What went wrong in the last call of this thread that failed, as a sentence for people: what
/// happened, and what to do. In a delivery report, what became of its record. Valid until this
/// thread's next call of a function of this library; empty if none has failed yet.
#[unsafe(no_mangle)]
pub extern "C" fn minka_last_error() -> minka_bytes {
    // A thread that is ending has no sentence any more.
    SENTENCE
        .try_with(|sentence| minka_bytes::of(sentence.borrow().as_bytes()))
        .unwrap_or(minka_bytes::of(b""))
}

/// Keeps the sentence for this thread, and answers with the number.
#[cold]
pub(crate) fn keep(error: &Error) -> minka_status {
    use std::fmt::Write as _;

    // A thread that is ending cannot be told more than the number.
    let _ = SENTENCE.try_with(|sentence| {
        let mut sentence = sentence.borrow_mut();
        sentence.clear();
        // Writing to a string cannot fail.
        let _ = write!(sentence, "{error}");
    });
    error.kind().number()
}
