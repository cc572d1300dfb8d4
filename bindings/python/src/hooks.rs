//! Hooks written in Python: a say in each record that comes, each that goes, and who may connect.

use std::sync::{Arc, Mutex, PoisonError};

use minka::client::Header;
use minka::engine::{Changed, Hooks, Login as CoreLogin, Passing, Verdict};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyBytes, PyList, PyString};

use crate::convert::{HeaderList, Payload, headers_to_list, wrong_type};

/// The hooks of one broker. When that is closed they let go of what they hold, which may hold the
/// broker.
#[derive(Debug)]
pub(crate) struct PythonHooks {
    admission: Option<Arc<Hook>>,
    delivery: Option<Arc<Hook>>,
    authentication: Option<Arc<Hook>>,
}

/// A Python callable, until the broker is closed.
#[derive(Debug)]
struct Hook {
    what: &'static str,
    callable: Mutex<Option<Py<PyAny>>>,
}

/// A record that passes a hook. See `_minka.pyi`.
#[pyclass(frozen, module = "minka")]
#[derive(Debug)]
pub(crate) struct PassingRecord {
    #[pyo3(get)]
    topic: Py<PyString>,
    #[pyo3(get)]
    partition: u32,
    #[pyo3(get)]
    offset: Option<u64>,
    #[pyo3(get)]
    timestamp: i64,
    #[pyo3(get)]
    key: Option<Py<PyBytes>>,
    #[pyo3(get)]
    value: Option<Py<PyBytes>>,
    #[pyo3(get)]
    client_id: Py<PyString>,
    #[pyo3(get)]
    user: Option<String>,
    #[pyo3(get)]
    address: Option<String>,
    headers: Vec<(Vec<u8>, Option<Vec<u8>>)>,
}

/// Somebody who wants to be let in. See `_minka.pyi`.
#[pyclass(frozen, get_all, module = "minka")]
#[derive(Debug)]
pub(crate) struct Login {
    user: String,
    password: String,
    address: String,
}

#[pymethods]
impl PassingRecord {
    #[getter]
    fn headers<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let headers = self.headers.iter();
        headers_to_list(py, headers.map(|(key, value)| Header { key, value: value.as_deref() }))
    }

    fn __repr__(&self, py: Python<'_>) -> String {
        let topic = self.topic.bind(py);
        format!("<minka.PassingRecord to partition {} of {topic}>", self.partition)
    }
}

#[pymethods]
impl Login {
    fn __repr__(&self) -> String {
        format!("<minka.Login of {:?} from {}>", self.user, self.address)
    }
}

impl PythonHooks {
    pub(crate) fn new(
        py: Python<'_>,
        admission: Option<Py<PyAny>>,
        delivery: Option<Py<PyAny>>,
        authentication: Option<Py<PyAny>>,
    ) -> PyResult<Self> {
        Ok(Self {
            admission: Hook::new(py, "on_admission", admission)?,
            delivery: Hook::new(py, "on_delivery", delivery)?,
            authentication: Hook::new(py, "on_authentication", authentication)?,
        })
    }

    /// The same hooks, as core calls them.
    pub(crate) fn of_core(&self) -> Hooks {
        let mut hooks = Hooks::default();
        if let Some(hook) = self.admission.clone() {
            hooks.admission = Some(Arc::new(move |passing| hook.judge(passing)));
        }
        if let Some(hook) = self.delivery.clone() {
            hooks.delivery = Some(Arc::new(move |passing| hook.judge(passing)));
        }
        if let Some(hook) = self.authentication.clone() {
            hooks.authentication = Some(Arc::new(move |login| hook.let_in(login)));
        }
        hooks
    }

    /// Lets go of the callables. A hook that is called after that refuses.
    pub(crate) fn clear(&self, py: Python<'_>) {
        for hook in [&self.admission, &self.delivery, &self.authentication].into_iter().flatten() {
            let callable = hook.lock().take();
            // What it holds may call back, and must find the lock free.
            drop(callable.map(|callable| callable.into_bound(py)));
        }
    }
}

impl Hook {
    fn new(
        py: Python<'_>,
        what: &'static str,
        callable: Option<Py<PyAny>>,
    ) -> PyResult<Option<Arc<Self>>> {
        let Some(callable) = callable else { return Ok(None) };
        if !callable.bind(py).is_callable() {
            return Err(wrong_type(what, "callable", callable.bind(py)));
        }
        Ok(Some(Arc::new(Self { what, callable: Mutex::new(Some(callable)) })))
    }

    fn judge(&self, passing: &Passing<'_>) -> Verdict {
        let judged = Python::try_attach(|py| {
            let record = PassingRecord::new(py, passing).and_then(|record| Py::new(py, record));
            let answer = record.and_then(|record| self.call(py, record.into_any()));
            answer.and_then(|answer| verdict(&answer, passing)).unwrap_or_else(|error| {
                let verdict =
                    if self.is_reject(py, &error) { Verdict::Refuse } else { Verdict::Fail };
                verdict(self.reason(py, error))
            })
        });
        judged.unwrap_or_else(|| Verdict::Fail(SHUTTING_DOWN.to_owned()))
    }

    fn let_in(&self, login: &CoreLogin<'_>) -> Result<(), String> {
        let judged = Python::try_attach(|py| {
            let login = Login {
                user: login.user.to_owned(),
                password: login.password.to_owned(),
                address: login.address.to_string(),
            };
            let answer = Py::new(py, login).and_then(|login| self.call(py, login.into_any()));
            let allowed = answer.and_then(|answer| allows(&answer));
            match allowed {
                Ok(true) => Ok(()),
                Ok(false) => Err("user or password is wrong".to_owned()),
                Err(error) => Err(self.reason(py, error)),
            }
        });
        judged.unwrap_or_else(|| Err(SHUTTING_DOWN.to_owned()))
    }

    fn call<'py>(&self, py: Python<'py>, argument: Py<PyAny>) -> PyResult<Bound<'py, PyAny>> {
        // The lock is held for a copy only: nobody waits for it for long.
        let callable = self.lock().as_ref().map(|callable| callable.clone_ref(py));
        match callable {
            Some(callable) => callable.into_bound(py).call1((argument,)),
            None => Err(crate::error::raised(py, &crate::error::closed("broker"))),
        }
    }

    /// Whether a hook refuses by this exception, and has not failed.
    fn is_reject(&self, py: Python<'_>, error: &PyErr) -> bool {
        let reject = py.import("minka.errors").and_then(|errors| errors.getattr("Reject"));
        reject.is_ok_and(|reject| error.is_instance(py, &reject))
    }

    /// What the client is told: the reason of a `Reject`. Other exceptions are the hook's own, and
    /// go where Python puts those that nobody catches.
    fn reason(&self, py: Python<'_>, error: PyErr) -> String {
        if self.is_reject(py, &error) {
            return error.value(py).str().map_or_else(|_| "rejected".to_owned(), |s| s.to_string());
        }
        let name = error.get_type(py).name().map_or_else(|_| "?".to_owned(), |s| s.to_string());
        let callable = self.lock().as_ref().map(|callable| callable.clone_ref(py));
        error.write_unraisable(py, callable.map(|callable| callable.into_bound(py)).as_ref());
        format!("the broker's hook {} failed with {name}", self.what)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Py<PyAny>>> {
        self.callable.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

const SHUTTING_DOWN: &str = "the broker's interpreter is shutting down";

impl PassingRecord {
    fn new(py: Python<'_>, passing: &Passing<'_>) -> PyResult<Self> {
        let bytes = |bytes: Option<&[u8]>| bytes.map(|bytes| PyBytes::new(py, bytes).unbind());
        let headers = passing.headers;
        Ok(Self {
            topic: PyString::new(py, passing.topic).unbind(),
            partition: passing.partition,
            offset: passing.offset,
            timestamp: passing.timestamp,
            key: bytes(passing.key),
            value: bytes(passing.value),
            client_id: PyString::new(py, passing.peer.client_id).unbind(),
            user: passing.peer.user.map(str::to_owned),
            address: passing.peer.address.map(|address| address.to_string()),
            headers: owned_headers(headers),
        })
    }
}

fn owned_headers<'a>(headers: impl Iterator<Item = Header<'a>>) -> Vec<(Vec<u8>, Option<Vec<u8>>)> {
    headers.map(|header| (header.key.to_vec(), header.value.map(<[u8]>::to_vec))).collect()
}

/// What a hook's answer means: `None` passes the record on, a `Change` changes it.
fn verdict(answer: &Bound<'_, PyAny>, passing: &Passing<'_>) -> PyResult<Verdict> {
    if answer.is_none() {
        return Ok(Verdict::Pass);
    }
    let py = answer.py();
    let change = py.import("minka.errors")?.getattr("Change")?;
    if !answer.is_instance(&change)? {
        return Err(wrong_type("a hook's answer", "None or a Change", answer));
    }
    // Only what was given is an attribute.
    let given = |name: &str| answer.getattr_opt(name);
    let bytes = |name: &str, before: Option<&[u8]>| -> PyResult<Option<Vec<u8>>> {
        match given(name)? {
            Some(value) => Ok(Payload::optional(&value, name)?.map(|payload| payload.to_vec())),
            None => Ok(before.map(<[u8]>::to_vec)),
        }
    };
    Ok(Verdict::Change(Changed {
        key: bytes("key", passing.key)?,
        value: bytes("value", passing.value)?,
        headers: match given("headers")? {
            Some(headers) => HeaderList::new(Some(&headers))?.owned(),
            None => owned_headers(passing.headers),
        },
    }))
}

/// Whether the answer of an authentication hook lets somebody in.
fn allows(answer: &Bound<'_, PyAny>) -> PyResult<bool> {
    if answer.is_none() {
        return Ok(true);
    }
    match answer.cast::<PyBool>() {
        Ok(answer) => Ok(answer.is_true()),
        Err(_) => Err(PyTypeError::new_err("a hook's answer must be None or a bool")),
    }
}
