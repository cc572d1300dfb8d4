//! Records on their way out: what Python gives, kept alive while it is sent.

use minka::client::{self, Header};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedStr;
use pyo3::types::{PyBytes, PyString, PyTuple};

use crate::convert::{self, HeaderList, Payload, wrong_type};

/// A record for `send_many`. See `_minka.pyi`.
#[pyclass(frozen, get_all, module = "minka")]
#[derive(Debug)]
pub(crate) struct Message {
    value: Py<PyAny>,
    key: Option<Py<PyAny>>,
    topic: Option<Py<PyString>>,
    partition: Option<Py<PyAny>>,
    headers: Option<Py<PyAny>>,
    timestamp: Option<Py<PyAny>>,
}

/// A record that can be sent while the interpreter does something else.
#[derive(Debug)]
pub(crate) struct Outgoing {
    topic: Option<PyBackedStr>,
    key: Option<Payload>,
    value: Option<Payload>,
    headers: HeaderList,
    partition: Option<u32>,
    timestamp: Option<i64>,
}

/// The parts of a record as arguments.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Parts<'a, 'py> {
    pub(crate) key: Option<&'a Bound<'py, PyAny>>,
    pub(crate) partition: Option<&'a Bound<'py, PyAny>>,
    pub(crate) headers: Option<&'a Bound<'py, PyAny>>,
    pub(crate) timestamp: Option<&'a Bound<'py, PyAny>>,
}

/// A record that lives on its own, for a thread of its own.
#[derive(Debug)]
pub(crate) struct Copied {
    topic: String,
    key: Option<Vec<u8>>,
    value: Option<Vec<u8>>,
    headers: Vec<(Vec<u8>, Option<Vec<u8>>)>,
    partition: Option<u32>,
    timestamp: Option<i64>,
}

#[pymethods]
impl Message {
    #[new]
    #[pyo3(signature = (value, *, key=None, topic=None, partition=None, headers=None,
                        timestamp=None))]
    fn new(
        value: Py<PyAny>,
        key: Option<Py<PyAny>>,
        topic: Option<Py<PyString>>,
        partition: Option<Py<PyAny>>,
        headers: Option<Py<PyAny>>,
        timestamp: Option<Py<PyAny>>,
    ) -> Self {
        Self { value, key, topic, partition, headers, timestamp }
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        Ok(format!("minka.Message({})", self.value.bind(py).repr()?))
    }
}

impl Outgoing {
    pub(crate) fn new(value: &Bound<'_, PyAny>, parts: Parts<'_, '_>) -> PyResult<Self> {
        let present = |value: &&Bound<'_, PyAny>| !value.is_none();
        Ok(Self {
            topic: None,
            key: parts.key.map_or(Ok(None), |key| Payload::optional(key, "key"))?,
            value: Payload::optional(value, "value")?,
            headers: HeaderList::new(parts.headers)?,
            partition: parts.partition.filter(present).map(convert::partition).transpose()?,
            timestamp: convert::timestamp(parts.timestamp)?,
        })
    }

    /// What `send_many` takes: a value, a pair of key and value, or a `Message`.
    #[inline]
    pub(crate) fn from_item(item: &Bound<'_, PyAny>, partition: Option<u32>) -> PyResult<Self> {
        if item.is_exact_instance_of::<PyBytes>() {
            return Self::of_value(item, partition);
        }
        if let Ok(pair) = item.cast::<PyTuple>() {
            let Ok((key, value)) = pair.extract::<(Bound<'_, PyAny>, Bound<'_, PyAny>)>() else {
                return Err(PyTypeError::new_err("a tuple to be sent must be (key, value)"));
            };
            let key = Payload::optional(&key, "key")?;
            return Ok(Self { key, ..Self::of_value(&value, partition)? });
        }
        if let Ok(message) = item.cast::<Message>() {
            return Self::of_message(item.py(), message.get(), partition);
        }
        Self::of_value(item, partition)
    }

    #[inline]
    fn of_value(value: &Bound<'_, PyAny>, partition: Option<u32>) -> PyResult<Self> {
        let value = Payload::optional(value, "value")?;
        let headers = HeaderList::default();
        Ok(Self { topic: None, key: None, value, headers, partition, timestamp: None })
    }

    fn of_message(py: Python<'_>, message: &Message, partition: Option<u32>) -> PyResult<Self> {
        fn bind<'a, 'py>(
            py: Python<'py>,
            one: &'a Option<Py<PyAny>>,
        ) -> Option<&'a Bound<'py, PyAny>> {
            one.as_ref().map(|one| one.bind(py))
        }
        let parts = Parts {
            key: bind(py, &message.key),
            partition: bind(py, &message.partition),
            headers: bind(py, &message.headers),
            timestamp: bind(py, &message.timestamp),
        };
        let topic = message.topic.as_ref().map(|topic| topic.bind(py).clone().try_into());
        let outgoing = Self::new(message.value.bind(py), parts)?;
        let partition = outgoing.partition.or(partition);
        Ok(Self { topic: topic.transpose()?, partition, ..outgoing })
    }

    /// Whether the record says itself which topic it is for.
    pub(crate) fn names_topic(&self) -> bool {
        self.topic.is_some()
    }

    pub(crate) fn headers(&self) -> Vec<Header<'_>> {
        self.headers.borrowed()
    }

    /// The record as core takes it, for its own topic or else `topic`.
    pub(crate) fn message<'a>(
        &'a self,
        topic: &'a str,
        headers: &'a [Header<'a>],
    ) -> client::Message<'a> {
        client::Message {
            topic: self.topic.as_deref().unwrap_or(topic),
            partition: self.partition,
            key: self.key.as_deref(),
            value: self.value.as_deref(),
            headers,
            timestamp: self.timestamp,
        }
    }

    pub(crate) fn copied(&self, topic: &str) -> Copied {
        Copied {
            topic: self.topic.as_deref().unwrap_or(topic).to_owned(),
            key: self.key.as_deref().map(<[u8]>::to_vec),
            value: self.value.as_deref().map(<[u8]>::to_vec),
            headers: self.headers.owned(),
            partition: self.partition,
            timestamp: self.timestamp,
        }
    }
}

impl Copied {
    /// Calls `send` with the record as core takes it.
    pub(crate) fn with<T>(&self, send: impl FnOnce(client::Message<'_>) -> T) -> T {
        let headers = self.headers.iter();
        let headers: Vec<Header<'_>> =
            headers.map(|(key, value)| Header { key, value: value.as_deref() }).collect();
        send(client::Message {
            topic: &self.topic,
            partition: self.partition,
            key: self.key.as_deref(),
            value: self.value.as_deref(),
            headers: &headers,
            timestamp: self.timestamp,
        })
    }
}

/// The name of a topic that an argument gives.
pub(crate) fn topic_name(value: &Bound<'_, PyAny>) -> PyResult<PyBackedStr> {
    match value.cast::<PyString>() {
        Ok(name) => name.clone().try_into(),
        Err(_) => Err(wrong_type("topic", "a str", value)),
    }
}
