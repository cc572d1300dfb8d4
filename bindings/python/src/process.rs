//! The process under the interpreter: forks, and its end.

use std::ops::Deref;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use minka::{Error, ErrorKind};
use pyo3::prelude::*;

/// How many forks lie between this process and the one that loaded the module.
static FORKS: AtomicU32 = AtomicU32::new(0);

/// What is closed when the interpreter ends.
static OPEN: Mutex<Vec<Weak<dyn Ends>>> = Mutex::new(Vec::new());

/// What ends with the process.
pub(crate) trait Ends: Send + Sync {
    /// Which is earlier, clients or brokers: the lower number.
    fn turn(&self) -> u8;

    /// Whether this process made it, and not one that was forked.
    fn is_ours(&self) -> bool;

    /// Ends it, without the interpreter. Waits a little for what is under way.
    fn end(&self);
}

/// Something that belongs to the process that made it: it has threads and files, which a fork does
/// not copy.
///
/// In another process, asking for it is an error, and dropping it does nothing: whoever would end
/// it is not here.
#[derive(Debug)]
pub(crate) struct Owned<T> {
    value: Option<T>,
    forks: u32,
}

impl<T> Owned<T> {
    pub(crate) fn new(value: T) -> Self {
        Self { value: Some(value), forks: forks() }
    }

    /// Refuses a copy that a fork has made. To be asked before any lock is waited for: somebody
    /// may have held it during the fork.
    pub(crate) fn check(&self, what: &str) -> minka::Result<()> {
        if self.is_ours() {
            return Ok(());
        }
        let text = format!(
            "this process was forked from the one that opened the {what}, whose threads are not \
             here: open a new one after the fork, or start processes with the method \"spawn\""
        );
        Err(Error::new(ErrorKind::InvalidRequest, text))
    }

    /// Whether this process made it.
    pub(crate) fn is_ours(&self) -> bool {
        self.forks == forks()
    }
}

impl<T> Deref for Owned<T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.value.as_ref().expect("the value is there until it is dropped")
    }
}

impl<T> Drop for Owned<T> {
    fn drop(&mut self) {
        if !self.is_ours() {
            std::mem::forget(self.value.take());
        }
    }
}

/// The number of this process.
pub(crate) fn forks() -> u32 {
    FORKS.load(Ordering::Relaxed)
}

/// Has something ended with the interpreter, unless it is dropped before.
pub(crate) fn end_at_exit<T: Ends + 'static>(handle: &Arc<T>) {
    let weak: Weak<dyn Ends> = Arc::downgrade(&(handle.clone() as Arc<dyn Ends>));
    let mut open = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
    if open.len() == open.capacity() {
        open.retain(|one| one.strong_count() > 0);
    }
    open.push(weak);
}

/// Has the interpreter tell us of forks and of its end.
pub(crate) fn watch(module: &Bound<'_, PyModule>) -> PyResult<()> {
    let py = module.py();
    let os = py.import("os")?;
    if os.hasattr("register_at_fork")? {
        let arguments = pyo3::types::PyDict::new(py);
        arguments.set_item("after_in_child", module.getattr("_after_fork")?)?;
        os.call_method("register_at_fork", (), Some(&arguments))?;
    }
    py.import("atexit")?.call_method1("register", (module.getattr("_at_exit")?,))?;
    Ok(())
}

/// Called in the child after each fork.
#[pyfunction]
pub(crate) fn _after_fork() {
    FORKS.fetch_add(1, Ordering::Relaxed);
}

/// Called when the interpreter ends, while it still works.
#[pyfunction]
pub(crate) fn _at_exit(py: Python<'_>) {
    py.detach(|| {
        let open = std::mem::take(&mut *OPEN.lock().unwrap_or_else(PoisonError::into_inner));
        let open = open.iter().filter_map(Weak::upgrade);
        let mut open: Vec<Arc<dyn Ends>> = open.filter(|one| one.is_ours()).collect();
        open.sort_by_key(|one| one.turn());
        open.iter().for_each(|one| one.end());
    });
}
