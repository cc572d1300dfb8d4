//! Threads for what may block: one for the calls of a handle, or one for a single call.

use std::fmt;
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use minka::{Error, Result};
use napi::Env;
use napi::bindgen_prelude::{Object, ToNapiValue};

use crate::promise::{Calls, Promised};

type Job = Box<dyn FnOnce() + Send>;

/// A thread that runs jobs in turn. It begins with the first job and ends with the last.
#[derive(Default)]
pub(crate) struct Worker(Mutex<State>);

#[derive(Default)]
enum State {
    #[default]
    New,
    Running(Sender<Job>),
    Ended,
}

impl Worker {
    /// Has a job done, unless the worker has ended; then the job is dropped.
    pub(crate) fn run(&self, job: impl FnOnce() + Send + 'static) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.start();
        if let State::Running(jobs) = &*state {
            // It fails only where a job panicked; what is dropped with it says so.
            let _ = jobs.send(Box::new(job));
        }
    }

    /// Has a last job done. The thread ends behind it.
    pub(crate) fn end(&self, job: impl FnOnce() + Send + 'static) {
        self.run(job);
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = State::Ended;
    }
}

impl State {
    fn start(&mut self) {
        if !matches!(self, Self::New) {
            return;
        }
        let (jobs, todo) = mpsc::channel::<Job>();
        let run = move || todo.into_iter().for_each(|job| job());
        *self = match spawn(run) {
            Ok(()) => Self::Running(jobs),
            Err(_) => Self::Ended,
        };
    }
}

impl fmt::Debug for Worker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Worker").finish_non_exhaustive()
    }
}

/// Runs something on a thread of its own.
pub(crate) fn spawn(run: impl FnOnce() + Send + 'static) -> Result<()> {
    let thread = thread::Builder::new().name("minka-node".to_owned()).spawn(run);
    thread.map(drop).map_err(|error| Error::network("starting a thread", error))
}

/// Makes a call on a thread of its own. Its promise is rejected when `calls` are abandoned.
pub(crate) fn call<'env, T: ToNapiValue + Send + 'static>(
    env: &'env Env,
    calls: Option<&Calls>,
    call: impl FnOnce() -> Result<T> + Send + 'static,
) -> napi::Result<Object<'env>> {
    let (promised, promise) = Promised::<T>::new(env)?;
    if let Some(calls) = calls {
        calls.add(&promised);
    }
    start(&promised, call);
    Ok(promise)
}

/// Makes a call on a thread of its own, and settles a promise with its result.
pub(crate) fn start<T: ToNapiValue + Send + 'static>(
    promised: &Arc<Promised<T>>,
    call: impl FnOnce() -> Result<T> + Send + 'static,
) {
    let caller = promised.clone();
    if let Err(error) = spawn(move || caller.settle(call())) {
        promised.settle(Err(error));
    }
}
