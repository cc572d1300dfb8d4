//! What became of records, on its way to an event loop.

use std::sync::{Arc, Mutex, PoisonError};

use minka::client;
use pyo3::prelude::*;
use pyo3::types::PyList;

use crate::error::raised;
use crate::receipt::Receipt;

/// What is told of a record: what core says, or why it was not even sent.
type Told = PyResult<minka::Result<client::Receipt>>;

/// Results that wait for `minka.aio` to take them, which is called once for many.
#[pyclass(frozen, module = "minka._minka")]
#[derive(Debug)]
pub(crate) struct Completions {
    line: Arc<Line>,
}

#[derive(Debug)]
pub(crate) struct Line {
    /// Has the event loop take what is here.
    call: Py<PyAny>,
    waiting: Mutex<Waiting>,
}

#[derive(Debug, Default)]
struct Waiting {
    told: Vec<(u64, Told)>,
    called: bool,
}

#[pymethods]
impl Completions {
    #[new]
    fn new(call: Py<PyAny>) -> Self {
        Self { line: Arc::new(Line { call, waiting: Mutex::default() }) }
    }

    /// All that is here: pairs of a token and a receipt or an exception.
    fn take<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let told = {
            let mut waiting = self.line.waiting.lock().unwrap_or_else(PoisonError::into_inner);
            waiting.called = false;
            std::mem::take(&mut waiting.told)
        };
        let list = PyList::empty(py);
        for (token, told) in told {
            match told {
                Ok(Ok(receipt)) => list.append((token, Receipt(receipt)))?,
                Ok(Err(error)) => list.append((token, raised(py, &error).into_value(py)))?,
                Err(error) => list.append((token, error.into_value(py)))?,
            }
        }
        Ok(list)
    }
}

impl Completions {
    pub(crate) fn line(&self) -> &Arc<Line> {
        &self.line
    }
}

impl Line {
    pub(crate) fn tell(&self, token: u64, told: Told) {
        {
            let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
            waiting.told.push((token, told));
            if std::mem::replace(&mut waiting.called, true) {
                return;
            }
        }
        // Without an interpreter, or with a loop that is closed, nobody waits any more.
        let _ = Python::try_attach(|py| self.call.call0(py).map(drop));
    }
}
