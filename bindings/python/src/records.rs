//! What a poll returned: records that are made into Python objects when they are looked at.

use std::sync::{Arc, OnceLock};

use minka::client::{self, Place};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList};

use crate::record::Record;
use crate::sequence;

/// The batches of a poll. Records hold on to it.
#[derive(Debug)]
pub(crate) struct Batch {
    records: client::Records,
    places: OnceLock<Vec<Place>>,
}

/// Records that a poll returned. See `_minka.pyi`.
#[pyclass(frozen, sequence, module = "minka")]
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
        let make = |at: usize| self.batch.record(at + self.skipped);
        sequence::pick(index, self.__len__(), make)
    }

    fn count<'py>(
        slf: &Bound<'py, Self>,
        value: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        sequence::count(slf, value)
    }

    #[pyo3(signature = (value, start=0, stop=9223372036854775807))]
    fn index(
        slf: &Bound<'_, Self>,
        value: &Bound<'_, PyAny>,
        start: isize,
        stop: isize,
    ) -> PyResult<usize> {
        sequence::index(slf, value, start, stop)
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
