//! Records that were sent without waiting.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use minka::client;
use minka::{Error, ErrorKind};
use pyo3::prelude::*;

use crate::blocking::{SLICE, in_slices};
use crate::convert;
use crate::error::{Raise, raised};
use crate::process::Owned;
use crate::receipt::Receipt;

/// What becomes of a record that was sent. See `_minka.pyi`.
#[pyclass(frozen, module = "minka")]
#[derive(Debug)]
pub(crate) struct Delivery {
    state: Owned<Mutex<State>>,
}

#[derive(Debug)]
enum State {
    Pending(client::Delivery),
    Told(minka::Result<client::Receipt>),
}

#[pymethods]
impl Delivery {
    fn done(&self, py: Python<'_>) -> PyResult<bool> {
        self.state.check("producer").or_raise(py)?;
        Ok(py.detach(|| self.wait(Duration::ZERO).is_some()))
    }

    #[pyo3(signature = (timeout=None))]
    fn result(&self, py: Python<'_>, timeout: Option<&Bound<'_, PyAny>>) -> PyResult<Receipt> {
        self.told(py, timeout)?.or_raise(py).map(Receipt)
    }

    #[pyo3(signature = (timeout=None))]
    fn exception<'py>(
        &self,
        py: Python<'py>,
        timeout: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        let error = self.told(py, timeout)?.err();
        Ok(error.map(|error| raised(py, &error).into_value(py).into_bound(py).into_any()))
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        Ok(match self.done(py)? {
            true => "<minka.Delivery done>".to_owned(),
            false => "<minka.Delivery under way>".to_owned(),
        })
    }
}

impl Delivery {
    pub(crate) fn new(delivery: client::Delivery) -> Self {
        Self { state: Owned::new(Mutex::new(State::Pending(delivery))) }
    }

    fn told(
        &self,
        py: Python<'_>,
        timeout: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<minka::Result<client::Receipt>> {
        let timeout = convert::timeout(timeout)?;
        self.state.check("producer").or_raise(py)?;
        match in_slices(py, timeout, |slice| self.wait(slice))? {
            Some(told) => Ok(told),
            None => Err(raised(py, &late())),
        }
    }

    /// Waits for at most `timeout`. Several threads may: they take turns.
    fn wait(&self, timeout: Duration) -> Option<minka::Result<client::Receipt>> {
        let mut left = timeout;
        loop {
            let slice = left.min(SLICE);
            let mut state = self.lock();
            match &mut *state {
                State::Told(told) => return Some(told.clone()),
                State::Pending(delivery) => {
                    if let Some(told) = delivery.take_within(slice) {
                        *state = State::Told(told.clone());
                        return Some(told);
                    }
                }
            }
            drop(state);
            left -= slice;
            if left.is_zero() {
                return None;
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What says that nothing is known yet.
pub(crate) fn late() -> Error {
    let text = "the record was not acknowledged in time; it may still be stored";
    Error::new(ErrorKind::Timeout, text)
}
