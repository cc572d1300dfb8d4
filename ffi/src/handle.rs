//! What stands behind the pointers that C holds: whether they may be used, and how they end.

use std::mem::MaybeUninit;
use std::sync::atomic::{AtomicBool, Ordering};

use minka_core::{Error, ErrorKind, Result};

use crate::{boundary, fork};

/// Whether a handle can still be used: not once it is closed, and not in a child of `fork()`.
#[derive(Debug)]
pub(crate) struct Life {
    what: &'static str,
    generation: u64,
    closed: AtomicBool,
}

/// What is opened, may be closed, and is freed.
pub(crate) trait Handle {
    fn life(&self) -> &Life;
}

impl Life {
    /// Begins the life of a broker, a producer or the like.
    pub(crate) fn begin(what: &'static str) -> Result<Self> {
        fork::watch()?;
        Ok(Self { what, generation: fork::generation(), closed: AtomicBool::new(false) })
    }

    /// Refuses what was closed or opened before a fork.
    #[inline]
    pub(crate) fn check(&self) -> Result<()> {
        self.check_process()?;
        if self.is_closed() { Err(self.closed()) } else { Ok(()) }
    }

    /// Closes it. Whether this was the first time.
    pub(crate) fn end(&self) -> Result<bool> {
        self.check_process()?;
        // SYNC: pairs with the load in `is_closed`. Those who are in a call are told by their own
        // wakers.
        Ok(!self.closed.swap(true, Ordering::SeqCst))
    }

    #[inline]
    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::SeqCst)
    }

    /// What a call says of what is closed.
    #[cold]
    pub(crate) fn closed(&self) -> Error {
        Error::new(ErrorKind::Closed, format!("the {} has been closed", self.what))
    }

    fn is_from_here(&self) -> bool {
        self.generation == fork::generation()
    }

    #[inline]
    fn check_process(&self) -> Result<()> {
        if self.is_from_here() { Ok(()) } else { Err(self.forked()) }
    }

    #[cold]
    fn forked(&self) -> Error {
        let what = self.what;
        let text = format!(
            "the {what} was opened before fork() and belongs to the parent process: open one here"
        );
        Error::new(ErrorKind::Closed, text)
    }
}

/// A sentence about an argument that cannot be.
#[cold]
pub(crate) fn invalid(argument: &str, what: &str) -> Error {
    Error::new(ErrorKind::InvalidRequest, format!("the argument {argument} {what}"))
}

/// What an argument points to.
///
/// # Safety
/// Where it is not NULL, it points to a `T` that nobody changes for as long as `'a`.
#[inline]
pub(crate) unsafe fn pointed<'a, T>(pointer: *const T, argument: &str) -> Result<&'a T> {
    // SAFETY: the caller says so.
    unsafe { pointer.as_ref() }.ok_or_else(|| invalid(argument, "is NULL"))
}

/// What an argument points to, to be changed.
///
/// # Safety
/// Where it is not NULL, it points to a `T` that nobody else uses for as long as `'a`.
#[inline]
pub(crate) unsafe fn changed<'a, T>(pointer: *mut T, argument: &str) -> Result<&'a mut T> {
    // SAFETY: the caller says so.
    unsafe { pointer.as_mut() }.ok_or_else(|| invalid(argument, "is NULL"))
}

/// Where a result goes, which is written only when there is one.
///
/// # Safety
/// Where it is not NULL, it points to room for a `T` that nobody else uses for as long as `'a`.
#[inline]
pub(crate) unsafe fn output<'a, T>(
    pointer: *mut T,
    argument: &str,
) -> Result<&'a mut MaybeUninit<T>> {
    // SAFETY: the caller says so; room for a `T` is a `MaybeUninit<T>`.
    unsafe { pointer.cast::<MaybeUninit<T>>().as_mut() }.ok_or_else(|| invalid(argument, "is NULL"))
}

/// The `count` things that an argument points to; it may be NULL where that is 0.
///
/// # Safety
/// Where it is not NULL, it points to so many, which nobody changes for as long as `'a`.
pub(crate) unsafe fn slice<'a, T>(
    pointer: *const T,
    count: usize,
    argument: &str,
) -> Result<&'a [T]> {
    if count == 0 {
        return Ok(&[]);
    }
    if pointer.is_null() {
        return Err(invalid(argument, "is NULL, and its count is not 0"));
    }
    if count > isize::MAX as usize / size_of::<T>().max(1) {
        return Err(invalid(argument, "has a count larger than the memory"));
    }
    // SAFETY: the caller says so, and it is no longer than memory can be.
    Ok(unsafe { std::slice::from_raw_parts(pointer, count) })
}

/// A handle that can be used.
///
/// # Safety
/// As [`pointed`].
#[inline]
pub(crate) unsafe fn open<'a, T: Handle>(pointer: *const T, argument: &str) -> Result<&'a T> {
    // SAFETY: the caller says so.
    let handle = unsafe { pointed(pointer, argument) }?;
    handle.life().check()?;
    Ok(handle)
}

/// Gives out a handle.
pub(crate) fn give<T>(out: &mut MaybeUninit<*mut T>, handle: T) {
    out.write(Box::into_raw(Box::new(handle)));
}

/// Ends a handle. In a child of `fork()` it stays where it is: its threads are not there, and what
/// it has to do with the broker is the parent's to do.
///
/// # Safety
/// It is NULL, or was made by [`give`] and is used by nobody, now or later.
pub(crate) unsafe fn free<T: Handle>(pointer: *mut T) {
    boundary::value((), || {
        // SAFETY: the caller says so.
        if let Some(handle) = unsafe { pointer.as_ref() }
            && handle.life().is_from_here()
        {
            // SAFETY: it is from `give`, and nobody uses it any more.
            drop(unsafe { Box::from_raw(pointer) });
        }
        Ok(())
    });
}

/// Ends what is only memory.
///
/// # Safety
/// As [`free`].
pub(crate) unsafe fn free_memory<T>(pointer: *mut T) {
    boundary::value((), || {
        if !pointer.is_null() {
            // SAFETY: the caller says so.
            drop(unsafe { Box::from_raw(pointer) });
        }
        Ok(())
    });
}
