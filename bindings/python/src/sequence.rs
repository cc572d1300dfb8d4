//! What Python's sequences have in common.

use pyo3::IntoPyObjectExt;
use pyo3::exceptions::{PyIndexError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyList, PySlice};

/// `sequence[index]`, for an index or a slice, where `make` makes the item at a place.
pub(crate) fn pick<'py, T>(
    index: &Bound<'py, PyAny>,
    length: usize,
    make: impl Fn(usize) -> Option<T>,
) -> PyResult<Bound<'py, PyAny>>
where
    T: IntoPyObject<'py>,
{
    let none = || PyIndexError::new_err("the index is out of range");
    if let Ok(slice) = index.cast::<PySlice>() {
        let chosen = slice.indices(isize::try_from(length)?)?;
        let list = PyList::empty(index.py());
        let mut at = chosen.start;
        for _ in 0..chosen.slicelength {
            list.append(make(at.unsigned_abs()).ok_or_else(none)?)?;
            at += chosen.step;
        }
        return Ok(list.into_any());
    }
    let Ok(index_of) = index.extract::<isize>() else {
        return Err(PyTypeError::new_err("an index must be an int or a slice"));
    };
    let at = match usize::try_from(index_of) {
        Ok(at) => Some(at),
        Err(_) => length.checked_sub(index_of.unsigned_abs()),
    };
    let item = at.filter(|&at| at < length).and_then(make).ok_or_else(none)?;
    item.into_bound_py_any(index.py())
}

/// How often a sequence has a value.
pub(crate) fn count<'py>(
    sequence: &Bound<'py, PyAny>,
    value: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyAny>> {
    sequence.py().import("operator")?.call_method1("countOf", (sequence, value))
}

/// Where in a sequence a value is, from `start` on and before `stop`; a `ValueError` where it is
/// not.
pub(crate) fn index(
    sequence: &Bound<'_, PyAny>,
    value: &Bound<'_, PyAny>,
    start: isize,
    stop: isize,
) -> PyResult<usize> {
    let length = sequence.len()?;
    let from_end = |at: isize| match usize::try_from(at) {
        Ok(at) => at.min(length),
        Err(_) => length.saturating_sub(at.unsigned_abs()),
    };
    for at in from_end(start)..from_end(stop) {
        if sequence.get_item(at)?.eq(value)? {
            return Ok(at);
        }
    }
    Err(PyValueError::new_err("there is no such item"))
}
