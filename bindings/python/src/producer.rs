//! `Producer`: sends records.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use minka::client::{self, ProducerConfig};
use minka::{Error, ErrorKind};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedStr;
use pyo3::types::{PyBytes, PyDict, PyList, PyString, PyTuple};

use crate::blocking::{away, handles_signals, in_slices};
use crate::completions::Completions;
use crate::convert;
use crate::delivery::{Delivery, late};
use crate::error::{Raise, closed, raised};
use crate::message::{Outgoing, Parts, topic_name};
use crate::process::{Ends, Owned, end_at_exit};
use crate::receipt::{Receipt, Receipts};
use crate::settings::settings;
use crate::shared::Shared;
use crate::target::Target;

/// How long the end of the interpreter waits for what was sent.
const END_PATIENCE: Duration = Duration::from_secs(5);

/// Sends records. See `_minka.pyi`.
#[pyclass(frozen, weakref, module = "minka")]
#[derive(Debug)]
pub(crate) struct Producer {
    inner: Shared<Inner>,
}

#[derive(Debug)]
struct Inner {
    producer: Owned<client::Producer>,
    closed: AtomicBool,
    target: Target,
    block_max: Duration,
}

#[pymethods]
impl Producer {
    #[new]
    #[pyo3(signature = (target, **settings))]
    fn new(target: &Bound<'_, PyAny>, settings: Option<&Bound<'_, PyDict>>) -> PyResult<Self> {
        let py = target.py();
        let target = Target::new(target)?;
        let mut config = ProducerConfig::default();
        for (name, value) in self::settings(settings)? {
            config.set(&name, &value).or_raise(py)?;
        }
        let block_max = config.block_max;
        let producer = py.detach(|| client::Producer::open(target.ground(), config));
        let producer = Owned::new(producer.or_raise(py)?);
        let closed = AtomicBool::new(false);
        let inner = Arc::new(Inner { producer, closed, target, block_max });
        end_at_exit(&inner);
        Ok(Self { inner: Shared::new(inner) })
    }

    #[pyo3(signature = (topic, value, *, key=None, partition=None, headers=None, timestamp=None,
                        timeout=None))]
    #[expect(clippy::too_many_arguments, reason = "they are keywords in Python")]
    fn send(
        &self,
        topic: &Bound<'_, PyAny>,
        value: &Bound<'_, PyAny>,
        key: Option<&Bound<'_, PyAny>>,
        partition: Option<&Bound<'_, PyAny>>,
        headers: Option<&Bound<'_, PyAny>>,
        timestamp: Option<&Bound<'_, PyAny>>,
        timeout: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Receipt> {
        let py = topic.py();
        let timeout = convert::timeout(timeout)?;
        let parts = Parts { key, partition, headers, timestamp };
        let mut delivery = self.add_one(topic, value, parts)?;
        match in_slices(py, timeout, |slice| delivery.take_within(slice))? {
            Some(told) => told.or_raise(py).map(Receipt),
            None => Err(raised(py, &late())),
        }
    }

    #[pyo3(signature = (topic, value, *, key=None, partition=None, headers=None, timestamp=None))]
    fn enqueue(
        &self,
        topic: &Bound<'_, PyAny>,
        value: &Bound<'_, PyAny>,
        key: Option<&Bound<'_, PyAny>>,
        partition: Option<&Bound<'_, PyAny>>,
        headers: Option<&Bound<'_, PyAny>>,
        timestamp: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Delivery> {
        let parts = Parts { key, partition, headers, timestamp };
        self.add_one(topic, value, parts).map(Delivery::new)
    }

    #[pyo3(signature = (topic, values, *, partition=None, timeout=None))]
    fn send_many(
        &self,
        py: Python<'_>,
        topic: Option<&Bound<'_, PyAny>>,
        values: &Bound<'_, PyAny>,
        partition: Option<&Bound<'_, PyAny>>,
        timeout: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Receipts> {
        let timeout = convert::timeout(timeout)?;
        let topic = topic.filter(|topic| !topic.is_none()).map(topic_name).transpose()?;
        let partition = partition.filter(|one| !one.is_none()).map(convert::partition);
        let records = outgoing(values, topic.is_some(), partition.transpose()?)?;
        self.inner.check().or_raise(py)?;
        let name = topic.as_deref().unwrap_or_default();
        let (mut deliveries, refused) = self.inner.add_all(py, name, &records)?;
        let mut results = Vec::with_capacity(deliveries.len());
        let told = in_slices(py, timeout, |slice| {
            let deadline = Instant::now() + slice;
            while let Some(delivery) = deliveries.get_mut(results.len()) {
                let told = delivery.try_take().or_else(|| {
                    delivery.take_within(deadline.saturating_duration_since(Instant::now()))
                });
                results.push(told?);
            }
            Some(())
        })?;
        if told.is_none() {
            results.resize_with(deliveries.len(), || Err(late()));
        }
        results.extend(refused.map(Err));
        receipts(py, results)
    }

    #[pyo3(signature = (timeout=None))]
    fn flush(&self, py: Python<'_>, timeout: Option<&Bound<'_, PyAny>>) -> PyResult<()> {
        let timeout = convert::timeout(timeout)?;
        self.inner.check().or_raise(py)?;
        let flushed = in_slices(py, timeout, |slice| match self.inner.producer.flush(slice) {
            Err(error) if error.kind() == ErrorKind::Timeout => None,
            result => Some(result),
        })?;
        let not_yet = || Err(Error::new(ErrorKind::Timeout, "not everything was acknowledged"));
        flushed.unwrap_or_else(not_yet).or_raise(py)
    }

    #[pyo3(signature = (timeout=None))]
    fn close(&self, py: Python<'_>, timeout: Option<&Bound<'_, PyAny>>) -> PyResult<()> {
        let timeout = convert::timeout(timeout)?;
        self.inner.producer.check("producer").or_raise(py)?;
        let inner = (*self.inner).clone();
        away(py, move || inner.close(timeout))?.or_raise(py)
    }

    #[getter]
    fn closed(&self) -> bool {
        self.inner.closed.load(Ordering::SeqCst)
    }

    /// Sends what `minka.aio` has gathered, and has `completions` told what becomes of it.
    fn _enqueue_all(
        &self,
        py: Python<'_>,
        items: &Bound<'_, PyList>,
        completions: &Bound<'_, Completions>,
    ) -> PyResult<()> {
        let mut records = Vec::with_capacity(items.len());
        for item in items {
            let (token, message): (u64, Bound<'_, PyAny>) = item.extract()?;
            records.push((token, Outgoing::from_item(&message, None)));
        }
        let (inner, line) = (&self.inner, completions.get().line().clone());
        py.detach(|| {
            for (token, record) in &records {
                let Ok(record) = record else { continue };
                let (told, token) = (line.clone(), *token);
                let sent = inner.check().and_then(|()| {
                    let headers = record.headers();
                    let message = record.message("", &headers);
                    inner.producer.send_with(message, move |result| told.tell(token, Ok(result)))
                });
                if let Err(error) = sent {
                    line.tell(token, Ok(Err(error)));
                }
            }
        });
        for (token, record) in records {
            if let Err(error) = record {
                line.tell(token, Err(error));
            }
        }
        Ok(())
    }

    fn __enter__(slf: Bound<'_, Self>) -> PyResult<Bound<'_, Self>> {
        slf.get().inner.check().or_raise(slf.py())?;
        Ok(slf)
    }

    #[pyo3(signature = (*_error))]
    fn __exit__(&self, py: Python<'_>, _error: &Bound<'_, PyTuple>) -> PyResult<()> {
        self.close(py, None)
    }

    fn __repr__(&self) -> &'static str {
        if self.closed() { "<minka.Producer closed>" } else { "<minka.Producer>" }
    }
}

impl Producer {
    fn add_one(
        &self,
        topic: &Bound<'_, PyAny>,
        value: &Bound<'_, PyAny>,
        parts: Parts<'_, '_>,
    ) -> PyResult<client::Delivery> {
        let topic: PyBackedStr = topic_name(topic)?;
        let record = Outgoing::new(value, parts)?;
        let py = value.py();
        self.inner.check().or_raise(py)?;
        self.inner.add(py, &topic, &record)?.or_raise(py)
    }
}

impl Inner {
    fn check(&self) -> minka::Result<()> {
        self.producer.check("producer")?;
        if self.closed.load(Ordering::SeqCst) {
            return Err(closed("producer"));
        }
        self.target.check()
    }

    /// Adds records until one is refused. Returns what becomes of them, and why that one was.
    fn add_all(
        self: &Arc<Self>,
        py: Python<'_>,
        topic: &str,
        records: &[Outgoing],
    ) -> PyResult<(Vec<client::Delivery>, Option<Error>)> {
        let mut deliveries = Vec::with_capacity(records.len());
        while let Some(rest) = records.get(deliveries.len()..).filter(|rest| !rest.is_empty()) {
            // As many as go without waiting.
            let stuck = py.detach(|| {
                rest.iter().find(|record| {
                    let added = self.try_add(topic, record, Duration::ZERO);
                    added.map(|delivery| deliveries.push(delivery)).is_err()
                })
            });
            let Some(stuck) = stuck else { break };
            match self.add(py, topic, stuck)? {
                Ok(delivery) => deliveries.push(delivery),
                Err(error) => return Ok((deliveries, Some(error))),
            }
        }
        Ok((deliveries, None))
    }

    /// Adds a record, waiting for room or to hear of its topic for as long as is configured.
    fn add(
        self: &Arc<Self>,
        py: Python<'_>,
        topic: &str,
        record: &Outgoing,
    ) -> PyResult<minka::Result<client::Delivery>> {
        if !handles_signals(py)? {
            return Ok(py.detach(|| self.try_add(topic, record, self.block_max)));
        }
        let error = match py.detach(|| self.try_add(topic, record, Duration::ZERO)) {
            Ok(delivery) => return Ok(Ok(delivery)),
            Err(error) => error,
        };
        if error.kind() == ErrorKind::QueueFull {
            let added =
                in_slices(py, self.block_max, |slice| match self.try_add(topic, record, slice) {
                    Err(error) if error.kind() == ErrorKind::QueueFull => None,
                    result => Some(result),
                })?;
            return Ok(added.unwrap_or(Err(error)));
        }
        let kind = error.kind();
        let not_heard_of = kind.is_retriable() || kind == ErrorKind::UnknownTopicOrPartition;
        if !(self.target.is_remote() && not_heard_of) {
            return Ok(Err(error));
        }
        // To hear of a topic cannot be cut into slices: a connection may take longer than one.
        let (inner, copy) = (self.clone(), record.copied(topic));
        away(py, move || copy.with(|message| inner.producer.send(message)))
    }

    fn try_add(
        &self,
        topic: &str,
        record: &Outgoing,
        block_max: Duration,
    ) -> minka::Result<client::Delivery> {
        let headers = record.headers();
        self.producer.send_within(record.message(topic, &headers), block_max)
    }

    fn close(&self, timeout: Duration) -> minka::Result<()> {
        self.closed.store(true, Ordering::SeqCst);
        self.producer.close(timeout)
    }
}

impl Ends for Inner {
    fn turn(&self) -> u8 {
        0
    }

    fn is_ours(&self) -> bool {
        self.producer.is_ours()
    }

    fn end(&self) {
        // What was not acknowledged by then is told by nobody but its delivery.
        let _ = self.close(END_PATIENCE);
    }
}

/// The records that an iterable gives.
fn outgoing(
    values: &Bound<'_, PyAny>,
    has_topic: bool,
    partition: Option<u32>,
) -> PyResult<Vec<Outgoing>> {
    if values.cast::<PyBytes>().is_ok() || values.cast::<PyString>().is_ok() {
        return Err(PyTypeError::new_err("values must be several values, not one: use send"));
    }
    let mut records = Vec::with_capacity(values.len().unwrap_or(0));
    let mut take = |item: &Bound<'_, PyAny>| {
        let record = Outgoing::from_item(item, partition)?;
        if !has_topic && !record.names_topic() {
            return Err(PyTypeError::new_err("a record without a topic: name one in the call"));
        }
        records.push(record);
        Ok(())
    };
    match values.cast::<PyList>() {
        Ok(list) => list.iter().try_for_each(|item| take(&item))?,
        Err(_) => values.try_iter()?.try_for_each(|item| take(&item?))?,
    }
    Ok(records)
}

/// The receipts, or the first error, which has all results with it.
fn receipts(py: Python<'_>, results: Vec<minka::Result<client::Receipt>>) -> PyResult<Receipts> {
    let Some(first) = results.iter().find_map(|result| result.as_ref().err()) else {
        return Ok(Receipts(results.into_iter().flatten().collect()));
    };
    let error = raised(py, first);
    let list = PyList::empty(py);
    for result in &results {
        match result {
            Ok(receipt) => list.append(Receipt(receipt.clone()))?,
            Err(one) => list.append(raised(py, one).into_value(py))?,
        }
    }
    error.value(py).setattr("results", list)?;
    Err(error)
}
