//! `Consumer`: reads records.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use minka::client::{
    self, Acknowledgement, Admin, AdminConfig, ConsumerConfig, Group, Start, Waker,
};
use minka::{Error, ErrorKind};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString, PyTuple};

use crate::assignment::{Assignment, Wanted, wanted_of};
use crate::blocking::{away, in_slices};
use crate::convert::{self, wrong_type};
use crate::error::{Raise, closed, raised};
use crate::process::{Ends, Owned, end_at_exit};
use crate::reading::Reading;
use crate::record::Record;
use crate::records::{Batch, Records};
use crate::settings::settings;
use crate::shared::Shared;
use crate::target::{Client, Target};

/// Reads records. See `_minka.pyi`.
#[pyclass(frozen, weakref, module = "minka")]
#[derive(Debug)]
pub(crate) struct Consumer {
    inner: Shared<Inner>,
}

#[derive(Debug)]
struct Inner {
    consumer: Owned<Mutex<Reading>>,
    waker: Waker,
    closed: AtomicBool,
    /// Whether the application woke the consumer, and not closing did.
    woken: AtomicBool,
    /// Whether a thread is in a call.
    busy: AtomicBool,
    target: Target,
    config: ConsumerConfig,
}

#[pymethods]
impl Consumer {
    #[new]
    #[pyo3(signature = (target, group=None, *, topics=None, **settings))]
    fn new(
        target: &Bound<'_, PyAny>,
        group: Option<String>,
        topics: Option<&Bound<'_, PyAny>>,
        settings: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Self> {
        let py = target.py();
        let target = Target::new(target)?;
        let topics = topics.filter(|topics| !topics.is_none());
        let mut config = ConsumerConfig::default();
        let named = group.map(|group| ("group.id".to_owned(), group));
        for (name, value) in named.into_iter().chain(self::settings(settings)?) {
            config.set(&name, &value).or_raise(py)?;
        }
        let consumer = py.detach(|| client::Consumer::open(target.ground(), config.clone()));
        let consumer = consumer.or_raise(py)?;
        let inner = Arc::new(Inner {
            waker: consumer.waker(),
            consumer: Owned::new(Mutex::new(Reading::new(consumer))),
            closed: AtomicBool::new(false),
            woken: AtomicBool::new(false),
            busy: AtomicBool::new(false),
            target,
            config,
        });
        end_at_exit(&inner);
        let client: Arc<dyn Client> = inner.clone();
        inner.target.tell(Arc::downgrade(&client));
        let consumer = Self { inner: Shared::new(inner) };
        match topics {
            Some(topics) if consumer.inner.config.group.is_some() => consumer.subscribe(topics)?,
            Some(topics) => {
                let names = convert::names(topics)?;
                consumer.assign_all(py, names.into_iter().map(|name| (name, None)).collect())?;
            }
            None => {}
        }
        Ok(consumer)
    }

    fn subscribe(&self, topics: &Bound<'_, PyAny>) -> PyResult<()> {
        let names = convert::names(topics)?;
        self.away(topics.py(), move |inner| {
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            inner.reading().open()?.subscribe(&names)
        })
    }

    fn assign(&self, partitions: &Bound<'_, PyAny>) -> PyResult<()> {
        let mut wanted = Vec::new();
        let single = partitions.cast::<PyString>().is_ok();
        if single {
            wanted.push(wanted_of(partitions)?);
        } else {
            let wrong = || wrong_type("partitions", "topics or tuples", partitions);
            for item in partitions.try_iter().map_err(|_| wrong())? {
                wanted.push(wanted_of(&item?)?);
            }
        }
        self.assign_all(partitions.py(), wanted)
    }

    #[pyo3(signature = (timeout=None))]
    fn poll(&self, py: Python<'_>, timeout: Option<&Bound<'_, PyAny>>) -> PyResult<Records> {
        self._fill(py, timeout)?;
        self._take(py)
    }

    fn commit(&self, py: Python<'_>) -> PyResult<()> {
        self.away(py, |inner| inner.reading().open()?.commit())
    }

    fn committed(
        &self,
        py: Python<'_>,
        topic: String,
        partition: &Bound<'_, PyAny>,
    ) -> PyResult<Option<u64>> {
        let partition = convert::partition(partition)?;
        self.away(py, move |inner| inner.reading().open()?.committed(&topic, partition))
    }

    fn accept(&self, py: Python<'_>, record: &Bound<'_, Record>) -> PyResult<()> {
        self.acknowledge(py, record, Acknowledgement::Accept)
    }

    fn release(&self, py: Python<'_>, record: &Bound<'_, Record>) -> PyResult<()> {
        self.acknowledge(py, record, Acknowledgement::Release)
    }

    fn reject(&self, py: Python<'_>, record: &Bound<'_, Record>) -> PyResult<()> {
        self.acknowledge(py, record, Acknowledgement::Reject)
    }

    fn renew(&self, py: Python<'_>, record: &Bound<'_, Record>) -> PyResult<()> {
        self.acknowledge(py, record, Acknowledgement::Renew)
    }

    #[getter]
    fn acknowledged_too_late(&self, py: Python<'_>) -> PyResult<u64> {
        self.with(py, |reading| Ok(reading.open()?.acknowledged_too_late()))
    }

    fn seek(
        &self,
        py: Python<'_>,
        topic: &str,
        partition: &Bound<'_, PyAny>,
        at: &Bound<'_, PyAny>,
    ) -> PyResult<()> {
        let (partition, at) = (convert::partition(partition)?, convert::start_at(at)?);
        self.with(py, |reading| {
            reading.forget(topic, partition);
            reading.open()?.seek(topic, partition, at)
        })
    }

    fn pause(&self, py: Python<'_>, topic: &str, partition: &Bound<'_, PyAny>) -> PyResult<()> {
        let partition = convert::partition(partition)?;
        self.with(py, |reading| reading.open()?.pause(topic, partition))
    }

    fn resume(&self, py: Python<'_>, topic: &str, partition: &Bound<'_, PyAny>) -> PyResult<()> {
        let partition = convert::partition(partition)?;
        self.with(py, |reading| reading.open()?.resume(topic, partition))
    }

    fn position(
        &self,
        py: Python<'_>,
        topic: &str,
        partition: &Bound<'_, PyAny>,
    ) -> PyResult<Option<u64>> {
        let partition = convert::partition(partition)?;
        self.with(py, |reading| reading.open()?.position(topic, partition))
    }

    fn assignment(&self, py: Python<'_>) -> PyResult<Vec<(String, u32)>> {
        self.with(py, |reading| Ok(reading.open()?.assignment()))
    }

    fn wake(&self, py: Python<'_>) -> PyResult<()> {
        self.inner.check().or_raise(py)?;
        self.inner.woken.store(true, Ordering::SeqCst);
        py.detach(|| self.inner.waker.wake());
        Ok(())
    }

    fn close(&self, py: Python<'_>) -> PyResult<()> {
        self.end(py, false)
    }

    #[getter]
    fn closed(&self) -> bool {
        self.inner.closed.load(Ordering::SeqCst)
    }

    fn __iter__(slf: Bound<'_, Self>) -> PyResult<Bound<'_, Self>> {
        slf.get().inner.check().or_raise(slf.py())?;
        Ok(slf)
    }

    fn __next__(&self, py: Python<'_>) -> PyResult<Option<Record>> {
        loop {
            if let Some(record) = self._next(py)? {
                return Ok(Some(record));
            }
            match self._fill(py, None) {
                // Whoever closed it ended the loop.
                Err(_) if self.closed() => return Ok(None),
                filled => filled?,
            };
        }
    }

    /// Waits until there are records to be given; `false` when the time is over.
    #[pyo3(signature = (timeout=None))]
    fn _fill(&self, py: Python<'_>, timeout: Option<&Bound<'_, PyAny>>) -> PyResult<bool> {
        let timeout = convert::timeout(timeout)?;
        let inner = &self.inner;
        let _turn = Turn::take(inner).or_raise(py)?;
        let filled = in_slices(py, timeout, |slice| inner.fill(slice).transpose())?;
        match filled {
            None => Ok(false),
            Some(Ok(())) => Ok(true),
            Some(Err(error)) => Err(raised(py, &error)),
        }
    }

    /// All records that are to be given.
    fn _take(&self, py: Python<'_>) -> PyResult<Records> {
        self.with(py, |reading| {
            let from = std::mem::replace(&mut reading.given, usize::MAX);
            reading.singly = false;
            let batch = reading.last.clone();
            let batch = batch.unwrap_or_else(|| Batch::new(client::Records::default()));
            reading.given = batch.len();
            Ok(Records::new(batch, from.min(reading.given)))
        })
    }

    /// The next record that is to be given, if one is here.
    fn _next(&self, py: Python<'_>) -> PyResult<Option<Record>> {
        // Most of the time nobody else wants it, and nothing has to be waited for.
        if let (Ok(()), Ok(mut reading)) = (self.inner.check(), self.inner.consumer.try_lock()) {
            return Ok(reading.next());
        }
        match self.with(py, |reading| Ok(reading.next())) {
            Err(_) if self.closed() => Ok(None),
            taken => taken,
        }
    }

    /// Closes it after something went wrong: what was given last is not done.
    fn _give_up(&self, py: Python<'_>) -> PyResult<()> {
        self.end(py, true)
    }

    fn __enter__(slf: Bound<'_, Self>) -> PyResult<Bound<'_, Self>> {
        slf.get().inner.check().or_raise(slf.py())?;
        Ok(slf)
    }

    #[pyo3(signature = (*error))]
    fn __exit__(&self, py: Python<'_>, error: &Bound<'_, PyTuple>) -> PyResult<()> {
        let failed = error.get_item(0).is_ok_and(|class| !class.is_none());
        self.end(py, failed)
    }

    fn __repr__(&self) -> String {
        let state = if self.closed() { " closed" } else { "" };
        match &self.inner.config.group {
            Some(Group::Queue(name)) => format!("<minka.Consumer of the queue {name:?}{state}>"),
            Some(Group::Partitions(name)) => format!("<minka.Consumer of group {name:?}{state}>"),
            None => format!("<minka.Consumer{state}>"),
        }
    }
}

impl Consumer {
    /// A call that does not wait.
    fn with<T: Send>(
        &self,
        py: Python<'_>,
        work: impl FnOnce(&mut Reading) -> minka::Result<T> + Send,
    ) -> PyResult<T> {
        let inner = &self.inner;
        let _turn = Turn::take(inner).or_raise(py)?;
        py.detach(|| work(&mut inner.reading())).or_raise(py)
    }

    /// A call that may wait for the broker.
    fn away<T: Send + 'static>(
        &self,
        py: Python<'_>,
        work: impl FnOnce(&Inner) -> minka::Result<T> + Send + 'static,
    ) -> PyResult<T> {
        let turn = Turn::take(&self.inner).or_raise(py)?;
        away(py, move || work(&turn.0))?.or_raise(py)
    }

    fn acknowledge(
        &self,
        py: Python<'_>,
        record: &Bound<'_, Record>,
        what: Acknowledgement,
    ) -> PyResult<()> {
        let record = record.get().record();
        let (topic, partition, offset) = (record.topic, record.partition, record.offset);
        self.with(py, |reading| {
            reading.open()?.acknowledge(topic, partition, offset, what)?;
            reading.settled.insert((topic.to_owned(), partition, offset));
            Ok(())
        })
    }

    fn assign_all(&self, py: Python<'_>, wanted: Vec<Wanted>) -> PyResult<()> {
        self.away(py, move |inner| {
            let mut assignments: Vec<Assignment> = Vec::new();
            for (topic, place) in wanted {
                match place {
                    Some((partition, at)) => {
                        let at = at.unwrap_or(inner.config.start.into());
                        assignments.push((topic, partition, at));
                    }
                    None => assignments.extend(inner.all_of(topic)?),
                }
            }
            let borrowed = assignments.iter().map(|(topic, one, at)| (topic.as_str(), *one, *at));
            let borrowed: Vec<_> = borrowed.collect();
            let mut reading = inner.reading();
            reading.open()?.assign(&borrowed)?;
            reading.last = None;
            reading.given = 0;
            Ok(())
        })
    }

    fn end(&self, py: Python<'_>, failed: bool) -> PyResult<()> {
        self.inner.consumer.check("consumer").or_raise(py)?;
        let inner = (*self.inner).clone();
        away(py, move || inner.end(failed))?.or_raise(py)
    }
}

/// The right to be in a call, which one thread has at a time.
#[derive(Debug)]
struct Turn(Arc<Inner>);

impl Turn {
    fn take(inner: &Arc<Inner>) -> minka::Result<Self> {
        inner.check()?;
        if inner.busy.swap(true, Ordering::Acquire) {
            let text = "the consumer is used by another thread: open one for each thread";
            return Err(Error::new(ErrorKind::InvalidRequest, text));
        }
        Ok(Self(inner.clone()))
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.0.busy.store(false, Ordering::Release);
    }
}

impl Inner {
    fn check(&self) -> minka::Result<()> {
        self.consumer.check("consumer")?;
        if self.closed.load(Ordering::SeqCst) {
            return Err(closed("consumer"));
        }
        self.target.check()
    }

    fn reading(&self) -> MutexGuard<'_, Reading> {
        self.consumer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Polls, unless there are records that were not given yet. `None` when the time is over.
    fn fill(&self, timeout: Duration) -> minka::Result<Option<()>> {
        loop {
            let mut reading = self.reading();
            // After closing nobody polls again, so that whoever closes gets the lock.
            self.check()?;
            if reading.last.as_ref().is_some_and(|batch| reading.given < batch.len()) {
                return Ok(Some(()));
            }
            match reading.open()?.poll(timeout) {
                Ok(records) if records.is_empty() => {
                    reading.replace(None);
                    return Ok(None);
                }
                Ok(records) => {
                    reading.replace(Some(Batch::new(records)));
                    return Ok(Some(()));
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {
                    drop(reading);
                    self.check()?;
                    if self.woken.swap(false, Ordering::SeqCst) {
                        return Err(error);
                    }
                }
                Err(error) => {
                    self.check()?;
                    return Err(error);
                }
            }
        }
    }

    /// All partitions of a topic, from where the configuration says.
    fn all_of(&self, topic: String) -> minka::Result<Vec<Assignment>> {
        let config = AdminConfig {
            client_id: self.config.client_id.clone(),
            credentials: self.config.credentials.clone(),
            request_timeout: self.config.request_timeout,
            timeout: self.config.request_timeout,
            ..AdminConfig::default()
        };
        let found = Admin::open(self.target.ground(), config)?.describe_topic(&topic)?;
        let start: Start = self.config.start;
        let partitions = found.partitions.iter();
        Ok(partitions.map(|one| (topic.clone(), one.index, start.into())).collect())
    }

    /// Closes it. With `failed`, what was given last is not done.
    fn end(&self, failed: bool) -> minka::Result<()> {
        self.closed.store(true, Ordering::SeqCst);
        self.waker.wake();
        let mut reading = self.reading();
        if reading.consumer.is_some() && self.target.check().is_ok() && self.config.auto_commit {
            reading.take_back(failed);
        }
        let Some(consumer) = reading.consumer.take() else { return Ok(()) };
        // Under the lock: who closes it meanwhile returns when it is closed.
        let ended = consumer.close();
        drop(reading);
        // With its broker gone there is nothing that a consumer could say to it.
        if self.target.check().is_err() { Ok(()) } else { ended }
    }
}

impl Client for Inner {
    fn broker_closed(&self) {
        self.waker.wake();
    }
}

impl Ends for Inner {
    fn turn(&self) -> u8 {
        0
    }

    fn is_ours(&self) -> bool {
        self.consumer.is_ours()
    }

    fn end(&self) {
        // Who wants to know about a failure closes it.
        let _ = Self::end(self, true);
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        // Not closed means not done. What is dropped here then closes within core's own patience.
        if self.consumer.check("consumer").is_ok() && self.target.check().is_ok() {
            let auto_commit = self.config.auto_commit;
            let mut reading = self.reading();
            if reading.consumer.is_some() && auto_commit {
                reading.take_back(true);
            }
        }
    }
}
