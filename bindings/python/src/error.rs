//! Errors of minka as Python exceptions.

use minka::{Error, ErrorKind};
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyType};

/// The classes of `minka.errors`, by the number of their kind.
static CLASSES: PyOnceLock<Py<PyDict>> = PyOnceLock::new();

/// The exception for an error: of the class that `minka.errors` has for its kind.
pub(crate) fn raised(py: Python<'_>, error: &Error) -> PyErr {
    let message = error.to_string();
    match class(py, error.kind()) {
        Ok(class) => PyErr::from_type(class, (message,)),
        Err(_) => PyRuntimeError::new_err(message),
    }
}

/// Turns errors of minka into exceptions.
pub(crate) trait Raise<T> {
    fn or_raise(self, py: Python<'_>) -> PyResult<T>;
}

impl<T> Raise<T> for minka::Result<T> {
    fn or_raise(self, py: Python<'_>) -> PyResult<T> {
        self.map_err(|error| raised(py, &error))
    }
}

/// That something was closed before the call, or during it.
pub(crate) fn closed(what: &str) -> Error {
    Error::new(ErrorKind::Closed, format!("the {what} is closed"))
}

/// All kinds of errors: number, name, whether the same call may succeed later, and whether the
/// handle is of no use any more.
#[pyfunction]
pub(crate) fn error_kinds() -> Vec<(i32, &'static str, bool, bool)> {
    let all = ErrorKind::ALL.iter();
    all.map(|kind| (kind.number(), kind.name(), kind.is_retriable(), kind.is_fatal())).collect()
}

fn class(py: Python<'_>, kind: ErrorKind) -> PyResult<Bound<'_, PyType>> {
    let classes = CLASSES.get_or_try_init(py, || {
        let errors = py.import("minka.errors")?;
        Ok::<_, PyErr>(errors.getattr("BY_CODE")?.cast_into::<PyDict>()?.unbind())
    })?;
    let class = classes.bind(py).get_item(kind.number())?;
    let class = class.map_or_else(|| py.import("minka.errors")?.getattr("Error"), Ok)?;
    Ok(class.cast_into()?)
}
