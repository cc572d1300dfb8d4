//! What a poll returned: records that are made into Python objects when they are looked at.

use std::sync::{Arc, OnceLock};

use minka::client::{self, Place};
use pyo3::exceptions::{PyIndexError, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList, PySlice};

use crate::receipt::place;
use crate::record::Record;

/// The batches of a poll. Records hold on to it.
#[derive(Debug)]
pub(crate) struct Batch {
    records: client::Records,
    places: OnceLock<Vec<Place>>,
}

/// Records that a poll returned. See `_minka.pyi`.
#[pyclass(frozen, module = "minka")]
#[derive(Debug)]
pub(crate) struct Records {
    batch: Arc<Batch>,
    /// How many were taken off the front before.
    skipped: usize,
}

/// Goes through [`Records`].
#[pyclass(module = "minka._minka")]
#[derive(Debug)]
pub(crate) struct RecordIterator {
    batch: Arc<Batch>,
    next: usize,
}

#[pymethods]
impl Records {
    fn __len__(&self) -> usize {
        self.batch.len() - self.skipped
    }

    fn __getitem__<'py>(&self, index: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let py = index.py();
        let length = self.__len__();
        if let Ok(slice) = index.cast::<PySlice>() {
            let chosen = slice.indices(isize::try_from(length)?)?;
            let list = PyList::empty(py);
            let mut at = chosen.start;
            for _ in 0..chosen.slicelength {
                list.append(self.record(at.unsigned_abs())?)?;
                at += chosen.step;
            }
            return Ok(list.into_any());
        }
        let Ok(index) = index.extract::<isize>() else {
            return Err(PyTypeError::new_err("an index must be an int or a slice"));
        };
        let at = place(index, length).filter(|&at| at < length);
        let record = self.record(at.ok_or_else(|| PyIndexError::new_err("no such record"))?)?;
        Ok(Bound::new(py, record)?.into_any())
    }

    fn __iter__(&self) -> RecordIterator {
        RecordIterator { batch: self.batch.clone(), next: self.skipped }
    }

    /// All values, without an object for each record.
    fn values<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let records = self.batch.records.iter().skip(self.skipped);
        let values: Vec<_> = records.map(|r| r.value.map(|v| PyBytes::new(py, v))).collect();
        PyList::new(py, values)
    }

    /// All keys, without an object for each record.
    fn keys<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let records = self.batch.records.iter().skip(self.skipped);
        let keys: Vec<_> = records.map(|r| r.key.map(|k| PyBytes::new(py, k))).collect();
        PyList::new(py, keys)
    }

    fn __repr__(&self) -> String {
        format!("<minka.Records of {} records>", self.__len__())
    }
}

impl Records {
    pub(crate) fn new(batch: Arc<Batch>, skipped: usize) -> Self {
        Self { batch, skipped }
    }

    fn record(&self, at: usize) -> PyResult<Record> {
        let record = self.batch.record(at + self.skipped);
        record.ok_or_else(|| PyIndexError::new_err("no such record"))
    }
}

#[pymethods]
impl RecordIterator {
    fn __iter__(slf: Bound<'_, Self>) -> Bound<'_, Self> {
        slf
    }

    fn __next__(&mut self) -> Option<Record> {
        let record = self.batch.record(self.next)?;
        self.next += 1;
        Some(record)
    }

    fn __length_hint__(&self) -> usize {
        self.batch.len() - self.next
    }
}

impl Batch {
    pub(crate) fn new(records: client::Records) -> Arc<Self> {
        Arc::new(Self { records, places: OnceLock::new() })
    }

    pub(crate) fn len(&self) -> usize {
        self.records.len()
    }

    /// The record with this index; `None` behind the last.
    pub(crate) fn record(self: &Arc<Self>, index: usize) -> Option<Record> {
        let places = self.places.get_or_init(|| self.records.places());
        places.get(index).map(|&place| Record::new(self.clone(), place))
    }

    /// The record at a place of this batch.
    pub(crate) fn at(&self, place: Place) -> Option<client::Record<'_>> {
        self.records.at(place)
    }

    pub(crate) fn iter(&self) -> client::Iter<'_> {
        self.records.iter()
    }
}
