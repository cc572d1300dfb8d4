//! Calls that wait: detached from the interpreter, and ended by Ctrl-C.

use std::cell::Cell;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use minka::{Error, ErrorKind};
use pyo3::prelude::*;

use crate::process;

/// How long the main thread waits before it looks for signals.
pub(crate) const SLICE: Duration = Duration::from_millis(100);

/// Longer than anybody waits.
pub(crate) const FOREVER: Duration = Duration::from_secs(10 * 365 * 24 * 3600);

thread_local! {
    /// Whether this is the interpreter's main thread, and in which process that was found out.
    static IS_MAIN: Cell<Option<(u32, bool)>> = const { Cell::new(None) };
}

/// Whether signals are handled by this thread.
pub(crate) fn handles_signals(py: Python<'_>) -> PyResult<bool> {
    let forks = process::forks();
    if let Some((asked_in, is_main)) = IS_MAIN.get()
        && asked_in == forks
    {
        return Ok(is_main);
    }
    let threading = py.import("threading")?;
    let main = threading.call_method0("main_thread")?.getattr("ident")?;
    let is_main = main.eq(threading.call_method0("get_ident")?)?;
    IS_MAIN.set(Some((forks, is_main)));
    Ok(is_main)
}

/// Calls `wait` with how long it may wait, until it has something or `timeout` is over. Between
/// two calls signals are looked for, where this thread handles them.
pub(crate) fn in_slices<T: Send>(
    py: Python<'_>,
    timeout: Duration,
    mut wait: impl FnMut(Duration) -> Option<T> + Send,
) -> PyResult<Option<T>> {
    if !handles_signals(py)? {
        return Ok(py.detach(|| wait(timeout)));
    }
    let deadline = Instant::now() + timeout.min(FOREVER);
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let waited = py.detach(|| wait(left.min(SLICE)));
        if waited.is_some() || left <= SLICE {
            return Ok(waited);
        }
        py.check_signals()?;
    }
}

/// Does work that cannot be cut into slices. On the main thread another thread does it, so that a
/// signal ends the call; the work itself then goes on to its end, and its result is dropped.
pub(crate) fn away<T: Send + 'static>(
    py: Python<'_>,
    work: impl FnOnce() -> minka::Result<T> + Send + 'static,
) -> PyResult<minka::Result<T>> {
    if !handles_signals(py)? {
        return Ok(py.detach(work));
    }
    let (sender, mut receiver) = mpsc::sync_channel(1);
    let spawned = thread::Builder::new().name("minka-python".to_owned()).spawn(move || {
        // Who does not wait any more does not want to know.
        let _ = sender.send(work());
    });
    if let Err(error) = spawned {
        let text = format!("no thread could be started: {error}");
        return Ok(Err(Error::new(ErrorKind::Internal, text)));
    }
    loop {
        let receiver = &mut receiver;
        match py.detach(move || receiver.recv_timeout(SLICE)) {
            Ok(result) => return Ok(result),
            Err(RecvTimeoutError::Timeout) => py.check_signals()?,
            Err(RecvTimeoutError::Disconnected) => {
                let text = "a bug in minka ended the call; the panic has been printed";
                return Ok(Err(Error::new(ErrorKind::Internal, text)));
            }
        }
    }
}
