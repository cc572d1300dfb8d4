//! Where records ended up.

use minka::client;
use pyo3::prelude::*;

use crate::sequence;

/// Where a record ended up. See `_minka.pyi`.
#[pyclass(frozen, eq, module = "minka")]
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Receipt(pub(crate) client::Receipt);

/// Receipts, in the order in which the records were sent; each is made when it is looked at. See
/// `_minka.pyi`.
#[pyclass(frozen, sequence, module = "minka")]
#[derive(Debug)]
pub(crate) struct Receipts(pub(crate) Vec<client::Receipt>);

#[pymethods]
impl Receipt {
    #[getter]
    fn topic(&self) -> &str {
        &self.0.topic
    }

    #[getter]
    fn partition(&self) -> u32 {
        self.0.partition
    }

    #[getter]
    fn offset(&self) -> Option<u64> {
        self.0.offset
    }

    #[getter]
    fn id(&self) -> Option<u64> {
        self.0.id
    }

    #[getter]
    fn timestamp(&self) -> i64 {
        self.0.timestamp
    }

    fn __hash__(&self) -> u64 {
        let place = (u64::from(self.0.partition) << 48) ^ self.0.offset.unwrap_or(u64::MAX);
        place ^ (self.0.id.unwrap_or(0) << 20)
    }

    fn __repr__(&self) -> String {
        let receipt = &self.0;
        let offset = receipt.offset.map_or_else(|| "None".to_owned(), |offset| offset.to_string());
        format!(
            "<minka.Receipt topic={:?} partition={} offset={offset}>",
            &*receipt.topic, receipt.partition
        )
    }
}

#[pymethods]
impl Receipts {
    fn __len__(&self) -> usize {
        self.0.len()
    }

    fn __getitem__<'py>(&self, index: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        sequence::pick(index, self.0.len(), |at| self.0.get(at).cloned().map(Receipt))
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

    fn __repr__(&self) -> String {
        format!("<minka.Receipts of {} records>", self.0.len())
    }
}
