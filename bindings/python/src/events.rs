//! The events of a broker.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use minka::engine::{self, EventKind, EventWaker};
use minka::{Error, ErrorKind};
use pyo3::prelude::*;

use crate::blocking::{FOREVER, in_slices};
use crate::convert;
use crate::error::{Raise, closed, raised};
use crate::process::Owned;

/// The events of a broker from when this was made. See `_minka.pyi`.
#[pyclass(frozen, module = "minka")]
#[derive(Debug)]
pub(crate) struct EventStream {
    /// `None` once it is closed, or has told that the broker is.
    stream: Owned<Mutex<Option<engine::EventStream>>>,
    waker: EventWaker,
    closed: AtomicBool,
    /// Whether a thread waits for an event.
    busy: AtomicBool,
}

/// Something that happened. See `_minka.pyi`.
#[pyclass(frozen, eq, module = "minka")]
#[derive(Debug, PartialEq)]
pub(crate) struct BrokerEvent(engine::BrokerEvent);

#[pymethods]
impl EventStream {
    #[pyo3(signature = (timeout=None))]
    fn next(
        &self,
        py: Python<'_>,
        timeout: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Option<BrokerEvent>> {
        let timeout = convert::timeout(timeout)?;
        self.take(py, timeout)
    }

    fn close(&self, py: Python<'_>) -> PyResult<()> {
        self.stream.check("event stream").or_raise(py)?;
        self.closed.store(true, Ordering::SeqCst);
        self.waker.wake();
        py.detach(|| drop(self.stream.lock().unwrap_or_else(PoisonError::into_inner).take()));
        Ok(())
    }

    fn __iter__(slf: Bound<'_, Self>) -> Bound<'_, Self> {
        slf
    }

    fn __next__(&self, py: Python<'_>) -> PyResult<Option<BrokerEvent>> {
        match self.take(py, FOREVER) {
            Err(_) if self.closed.load(Ordering::SeqCst) => Ok(None),
            taken => taken,
        }
    }

    fn __enter__(slf: Bound<'_, Self>) -> Bound<'_, Self> {
        slf
    }

    #[pyo3(signature = (*_error))]
    fn __exit__(&self, py: Python<'_>, _error: &Bound<'_, pyo3::types::PyTuple>) -> PyResult<()> {
        self.close(py)
    }
}

impl EventStream {
    pub(crate) fn new(stream: engine::EventStream) -> Self {
        let (closed, busy) = (AtomicBool::new(false), AtomicBool::new(false));
        Self { waker: stream.waker(), stream: Owned::new(Mutex::new(Some(stream))), closed, busy }
    }

    fn take(&self, py: Python<'_>, timeout: Duration) -> PyResult<Option<BrokerEvent>> {
        self.stream.check("event stream").or_raise(py)?;
        if self.busy.swap(true, Ordering::Acquire) {
            let text = "the event stream is used by another thread: take one for each thread";
            return Err(raised(py, &Error::new(ErrorKind::InvalidRequest, text)));
        }
        let taken = in_slices(py, timeout, |slice| self.wait(slice));
        self.busy.store(false, Ordering::Release);
        match taken? {
            None => Ok(None),
            Some(taken) => taken.or_raise(py).map(|event| event.map(BrokerEvent)),
        }
    }

    /// `None` when the time is over; a result of `None` at the end of the stream.
    fn wait(&self, timeout: Duration) -> Option<minka::Result<Option<engine::BrokerEvent>>> {
        let mut stream = self.stream.lock().unwrap_or_else(PoisonError::into_inner);
        if self.closed.load(Ordering::SeqCst) {
            return Some(Err(closed("event stream")));
        }
        let Some(open) = stream.as_mut() else { return Some(Ok(None)) };
        match open.next(timeout) {
            Ok(None) => None,
            Ok(Some(event)) => {
                if event.kind == EventKind::Closing {
                    *stream = None;
                }
                Some(Ok(Some(event)))
            }
            Err(_) if self.closed.load(Ordering::SeqCst) => Some(Err(closed("event stream"))),
            Err(error) => Some(Err(error)),
        }
    }
}

#[pymethods]
impl BrokerEvent {
    #[getter]
    fn kind(&self) -> &'static str {
        match self.0.kind {
            EventKind::Missed => "missed",
            EventKind::Closing => "closing",
            EventKind::TopicCreated => "topic_created",
            EventKind::TopicDeleted => "topic_deleted",
            EventKind::TopicChanged => "topic_changed",
            EventKind::PartitionsAdded => "partitions_added",
            EventKind::MemberJoined => "member_joined",
            EventKind::MemberLeft => "member_left",
            EventKind::GroupDeleted => "group_deleted",
            EventKind::DeadLettered => "dead_lettered",
            EventKind::Connected => "connected",
            EventKind::Disconnected => "disconnected",
            EventKind::LoginRefused => "login_refused",
            _ => "other",
        }
    }

    #[getter]
    fn number(&self) -> i32 {
        self.0.kind as i32
    }

    #[getter]
    fn time(&self) -> i64 {
        self.0.time
    }

    #[getter]
    fn topic(&self) -> Option<&str> {
        self.0.topic.as_deref()
    }

    #[getter]
    fn partition(&self) -> Option<u32> {
        self.0.partition
    }

    #[getter]
    fn offset(&self) -> Option<u64> {
        self.0.offset
    }

    #[getter]
    fn group(&self) -> Option<&str> {
        self.0.group.as_deref()
    }

    #[getter]
    fn member(&self) -> Option<&str> {
        self.0.member.as_deref()
    }

    #[getter]
    fn client(&self) -> Option<&str> {
        self.0.client.as_deref()
    }

    #[getter]
    fn text(&self) -> &str {
        &self.0.text
    }

    fn __repr__(&self) -> String {
        let event = &self.0;
        let names = [("topic", &event.topic), ("group", &event.group), ("client", &event.client)];
        let named = names.iter().filter_map(|(name, value)| Some((name, value.as_ref()?)));
        let mut text = format!("<minka.BrokerEvent {}", self.kind());
        named.for_each(|(name, value)| text += &format!(" {name}={value:?}"));
        text + ">"
    }
}
