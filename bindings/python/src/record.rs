//! A record, whose parts are made into Python objects when they are asked for.

use std::sync::Arc;

use minka::client::{self, Place};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList};

use crate::convert::headers_to_list;
use crate::records::Batch;

/// A record that a consumer got. It keeps the batch in which it came. See `_minka.pyi`.
#[pyclass(frozen, module = "minka")]
#[derive(Debug)]
pub(crate) struct Record {
    batch: Arc<Batch>,
    place: Place,
}

#[pymethods]
impl Record {
    #[getter]
    fn topic(&self) -> &str {
        self.record().topic
    }

    #[getter]
    fn partition(&self) -> u32 {
        self.record().partition
    }

    #[getter]
    fn offset(&self) -> u64 {
        self.record().offset
    }

    #[getter]
    fn timestamp(&self) -> i64 {
        self.record().timestamp
    }

    #[getter]
    fn key<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyBytes>> {
        self.record().key.map(|key| PyBytes::new(py, key))
    }

    #[getter]
    fn value<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyBytes>> {
        self.record().value.map(|value| PyBytes::new(py, value))
    }

    #[getter]
    fn headers<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        headers_to_list(py, self.record().headers)
    }

    #[getter]
    fn delivery_count(&self) -> u32 {
        self.record().delivery_count
    }

    fn __eq__(&self, other: &Self) -> bool {
        self.record() == other.record()
    }

    fn __hash__(&self) -> u64 {
        let record = self.record();
        (u64::from(record.partition) << 48) ^ record.offset
    }

    fn __repr__(&self) -> String {
        let record = self.record();
        format!(
            "<minka.Record topic={:?} partition={} offset={}>",
            record.topic, record.partition, record.offset
        )
    }

    /// The value as a buffer that is not copied: what `memoryview(record)` asks for. The stable
    /// interface of Python has buffers since 3.11.
    #[cfg(not(feature = "abi3-py39"))]
    #[expect(unsafe_code, reason = "Python has no other way to lend memory")]
    unsafe fn __getbuffer__(
        slf: Bound<'_, Self>,
        view: *mut pyo3::ffi::Py_buffer,
        flags: std::ffi::c_int,
    ) -> PyResult<()> {
        let Some(value) = slf.get().record().value else {
            return Err(pyo3::exceptions::PyBufferError::new_err(
                "the record has no value: it is a tombstone",
            ));
        };
        let length = isize::try_from(value.len())?;
        // SAFETY: `view` is Python's own, and valid for this call. The bytes belong to the batch
        // that the record holds by an `Arc`; nothing changes or moves them, and a writable view is
        // refused since they are read-only. Python keeps the record, which is the owner of the
        // view, alive until that is released.
        let filled = unsafe {
            let bytes = value.as_ptr().cast_mut().cast();
            pyo3::ffi::PyBuffer_FillInfo(view, slf.as_ptr(), bytes, length, 1, flags)
        };
        if filled == 0 { Ok(()) } else { Err(PyErr::fetch(slf.py())) }
    }
}

impl Record {
    pub(crate) fn new(batch: Arc<Batch>, place: Place) -> Self {
        Self { batch, place }
    }

    pub(crate) fn record(&self) -> client::Record<'_> {
        self.batch.at(self.place).expect("the place was taken from this batch")
    }
}
