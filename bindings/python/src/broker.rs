//! `Broker`: a broker in this process, and what a test does to it.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use minka::Embedded;
use minka::ErrorKind;
use minka::engine::{Effect, Fault};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::blocking::away;
use crate::convert;
use crate::error::{Raise, closed};
use crate::events::EventStream;
use crate::hooks::PythonHooks;
use crate::process::{Ends, Owned, end_at_exit};
use crate::settings::settings;
use crate::shared::Shared;
use crate::target::Client;

/// A broker in this process. See `_minka.pyi`.
#[pyclass(frozen, weakref, subclass, module = "minka")]
#[derive(Debug)]
pub(crate) struct Broker {
    inner: Shared<Inner>,
}

/// What clients share with a broker that they are opened on.
#[derive(Debug)]
pub(crate) struct Inner {
    embedded: Owned<Embedded>,
    closed: AtomicBool,
    hooks: PythonHooks,
    clients: Clients,
}

/// Who is to be told when the broker is closed.
#[derive(Default)]
struct Clients(Mutex<Vec<Weak<dyn Client>>>);

#[pymethods]
impl Broker {
    #[new]
    #[pyo3(signature = (data=None, *, kafka=None, on_admission=None, on_delivery=None,
                        on_authentication=None, **settings))]
    fn new(
        py: Python<'_>,
        data: Option<PathBuf>,
        kafka: Option<String>,
        on_admission: Option<Py<PyAny>>,
        on_delivery: Option<Py<PyAny>>,
        on_authentication: Option<Py<PyAny>>,
        settings: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Self> {
        let mut named = Vec::new();
        if let Some(data) = data {
            named.push(("data".to_owned(), utf8(data)?));
        }
        if let Some(kafka) = kafka {
            named.push(("kafka".to_owned(), kafka));
        }
        named.extend(self::settings(settings)?);
        let hooks = PythonHooks::new(py, on_admission, on_delivery, on_authentication)?;
        let of_core = hooks.of_core();
        let opened = away(py, move || {
            let named: Vec<(&str, &str)> =
                named.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            Embedded::open(&named, of_core)
        })?;
        let embedded = Owned::new(opened.or_raise(py)?);
        let (closed, clients) = (AtomicBool::new(false), Clients::default());
        let inner = Arc::new(Inner { embedded, closed, hooks, clients });
        end_at_exit(&inner);
        Ok(Self { inner: Shared::new(inner) })
    }

    #[getter]
    fn bootstrap_servers(&self, py: Python<'_>) -> PyResult<Option<String>> {
        self.inner.check().or_raise(py)?;
        Ok(py.detach(|| self.inner.embedded.bootstrap_servers()))
    }

    #[getter]
    fn closed(&self) -> bool {
        self.inner.is_closed()
    }

    #[pyo3(signature = (address="127.0.0.1:0"))]
    fn listen(&self, py: Python<'_>, address: &str) -> PyResult<String> {
        self.inner.check().or_raise(py)?;
        let listening = py.detach(|| self.inner.embedded.listen(address));
        listening.or_raise(py).map(|address| address.to_string())
    }

    fn advance_clock(&self, py: Python<'_>, by: &Bound<'_, PyAny>) -> PyResult<()> {
        let by = convert::duration(by, "by")?;
        self.away(py, move |inner| inner.embedded.broker().advance_clock(by))
    }

    #[pyo3(signature = (at, nth=1, times=Some(1), *, error=None, delay=None, drop=None),
        text_signature = "($self, at, nth=1, times=1, *, error=None, delay=None, drop=None)")]
    #[expect(clippy::too_many_arguments, reason = "they are keywords in Python")]
    fn fault(
        &self,
        py: Python<'_>,
        at: String,
        nth: u64,
        times: Option<u64>,
        error: Option<&Bound<'_, PyAny>>,
        delay: Option<&Bound<'_, PyAny>>,
        drop: Option<&str>,
    ) -> PyResult<()> {
        let effect = effect(error, delay, drop)?;
        let fault = Fault { at, nth, times: times.unwrap_or(u64::MAX), effect };
        self.inner.check().or_raise(py)?;
        py.detach(|| self.inner.embedded.broker().inject(fault)).or_raise(py)
    }

    fn clear_faults(&self, py: Python<'_>) -> PyResult<()> {
        self.inner.check().or_raise(py)?;
        py.detach(|| self.inner.embedded.broker().clear_faults());
        Ok(())
    }

    fn drop_connections(&self, py: Python<'_>) -> PyResult<()> {
        self.inner.check().or_raise(py)?;
        py.detach(|| self.inner.embedded.drop_connections());
        Ok(())
    }

    fn snapshot(&self, py: Python<'_>, directory: PathBuf) -> PyResult<()> {
        self.away(py, move |inner| inner.embedded.broker().snapshot(&directory))
    }

    #[pyo3(signature = (group=None, timeout=None))]
    fn wait_until_idle(
        &self,
        py: Python<'_>,
        group: Option<String>,
        timeout: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<()> {
        let timeout = convert::timeout(timeout)?;
        self.away(py, move |inner| {
            inner.embedded.broker().wait_until_idle(group.as_deref(), timeout)
        })
    }

    #[pyo3(signature = (capacity=10_000), text_signature = "($self, capacity=10000)")]
    fn events(&self, py: Python<'_>, capacity: usize) -> PyResult<EventStream> {
        self.inner.check().or_raise(py)?;
        let stream = py.detach(|| self.inner.embedded.broker().watch_events(capacity));
        Ok(EventStream::new(stream))
    }

    fn close(&self, py: Python<'_>) -> PyResult<()> {
        self.inner.embedded.check("broker").or_raise(py)?;
        let inner = (*self.inner).clone();
        let closed = away(py, move || inner.close())?;
        self.inner.hooks.clear(py);
        closed.or_raise(py)
    }

    fn __enter__(slf: Bound<'_, Self>) -> PyResult<Bound<'_, Self>> {
        slf.get().inner.check().or_raise(slf.py())?;
        Ok(slf)
    }

    #[pyo3(signature = (*_error))]
    fn __exit__(&self, py: Python<'_>, _error: &Bound<'_, pyo3::types::PyTuple>) -> PyResult<()> {
        self.close(py)
    }

    fn __repr__(&self) -> String {
        if self.inner.embedded.check("broker").is_err() || self.inner.is_closed() {
            return "<minka.Broker closed>".to_owned();
        }
        match self.inner.embedded.bootstrap_servers() {
            Some(address) => format!("<minka.Broker at {address}>"),
            None => "<minka.Broker>".to_owned(),
        }
    }
}

impl Broker {
    pub(crate) fn inner(&self) -> &Arc<Inner> {
        &self.inner
    }

    fn away<T: Send + 'static>(
        &self,
        py: Python<'_>,
        work: impl FnOnce(&Inner) -> minka::Result<T> + Send + 'static,
    ) -> PyResult<T> {
        self.inner.check().or_raise(py)?;
        let inner = (*self.inner).clone();
        away(py, move || work(&inner))?.or_raise(py)
    }
}

impl Inner {
    /// Refuses a broker that is closed, or of another process.
    pub(crate) fn check(&self) -> minka::Result<()> {
        self.embedded.check("broker")?;
        if self.is_closed() { Err(closed("broker")) } else { Ok(()) }
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::SeqCst)
    }

    pub(crate) fn embedded(&self) -> &Embedded {
        &self.embedded
    }

    pub(crate) fn add_client(&self, client: Weak<dyn Client>) {
        let mut clients = self.clients.0.lock().unwrap_or_else(PoisonError::into_inner);
        if clients.len() == clients.capacity() {
            clients.retain(|client| client.strong_count() > 0);
        }
        clients.push(client);
    }

    fn close(&self) -> minka::Result<()> {
        self.closed.store(true, Ordering::SeqCst);
        let clients = {
            let mut clients = self.clients.0.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::take(&mut *clients)
        };
        for client in clients.iter().filter_map(Weak::upgrade) {
            client.broker_closed();
        }
        self.embedded.close()
    }
}

impl Ends for Inner {
    fn turn(&self) -> u8 {
        1
    }

    fn is_ours(&self) -> bool {
        self.embedded.is_ours()
    }

    fn end(&self) {
        // Nobody is there any more who could be told of an error; the log tells it again.
        let _ = self.close();
    }
}

impl std::fmt::Debug for Clients {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Clients")
    }
}

/// What a fault does, of which exactly one must be said.
fn effect(
    error: Option<&Bound<'_, PyAny>>,
    delay: Option<&Bound<'_, PyAny>>,
    drop: Option<&str>,
) -> PyResult<Effect> {
    match (error, delay, drop) {
        (Some(error), None, None) => error_kind(error).map(Effect::Error),
        (None, Some(delay), None) => convert::duration(delay, "delay").map(Effect::Delay),
        (None, None, Some("request")) => Ok(Effect::DropRequest),
        (None, None, Some("answer")) => Ok(Effect::DropAnswer),
        (None, None, Some(other)) => {
            let text = format!("drop must be \"request\" or \"answer\", not {other:?}");
            Err(PyValueError::new_err(text))
        }
        _ => Err(PyValueError::new_err("say one of error, delay and drop")),
    }
}

/// The kind of an error: a class of `minka`, its number, or its name.
fn error_kind(value: &Bound<'_, PyAny>) -> PyResult<ErrorKind> {
    let code = value.getattr("code").unwrap_or_else(|_| value.clone());
    let kind = match code.extract::<i32>() {
        Ok(number) => ErrorKind::from_number(number),
        Err(_) => code.extract::<String>().ok().and_then(|name| ErrorKind::from_name(&name)),
    };
    kind.ok_or_else(|| {
        let text = format!("{value} is no error of minka: name one such as minka.NotLeader");
        PyValueError::new_err(text)
    })
}

fn utf8(path: PathBuf) -> PyResult<String> {
    let text = path.into_os_string().into_string();
    text.map_err(|path| PyValueError::new_err(format!("{path:?} is not UTF-8")))
}
