//! Python values as what minka takes.

use std::ops::Deref;
use std::time::Duration;

use minka::client::{Header, StartAt};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::pybacked::{PyBackedBytes, PyBackedStr};
use pyo3::types::{
    PyBool, PyByteArray, PyBytes, PyDelta, PyInt, PyList, PyMapping, PyMemoryView, PyString,
};

use crate::blocking::FOREVER;

/// Bytes of a key, a value or a header. They are borrowed from the Python object where that cannot
/// change, and copied where it can.
#[derive(Debug)]
pub(crate) enum Payload {
    Bytes(PyBackedBytes),
    Text(PyBackedStr),
    Copied(Vec<u8>),
}

impl Payload {
    /// The bytes of `bytes`, `str` (in UTF-8), or of whatever has a buffer. `what` is named in the
    /// error.
    #[inline]
    pub(crate) fn new(value: &Bound<'_, PyAny>, what: &str) -> PyResult<Self> {
        if let Ok(bytes) = value.cast::<PyBytes>() {
            return Ok(Self::Bytes(bytes.clone().into()));
        }
        if let Ok(text) = value.cast::<PyString>() {
            return Ok(Self::Text(text.clone().try_into()?));
        }
        Self::copied(value, what)
    }

    /// As [`Payload::new`]; `None` is none.
    #[inline]
    pub(crate) fn optional(value: &Bound<'_, PyAny>, what: &str) -> PyResult<Option<Self>> {
        if value.is_none() { Ok(None) } else { Self::new(value, what).map(Some) }
    }

    #[cold]
    fn copied(value: &Bound<'_, PyAny>, what: &str) -> PyResult<Self> {
        if let Ok(array) = value.cast::<PyByteArray>() {
            return Ok(Self::Copied(array.to_vec()));
        }
        let Ok(view) = PyMemoryView::from(value) else {
            return Err(wrong_type(what, "bytes-like, str or None", value));
        };
        let bytes = view.call_method0("tobytes")?;
        Ok(Self::Bytes(bytes.cast::<PyBytes>()?.clone().into()))
    }
}

impl Deref for Payload {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        match self {
            Self::Bytes(bytes) => bytes,
            Self::Text(text) => text.as_bytes(),
            Self::Copied(bytes) => bytes,
        }
    }
}

/// The headers of a record: pairs of a name and a value, or a mapping.
#[derive(Debug, Default)]
pub(crate) struct HeaderList(Vec<(Payload, Option<Payload>)>);

impl HeaderList {
    pub(crate) fn new(headers: Option<&Bound<'_, PyAny>>) -> PyResult<Self> {
        let Some(headers) = headers.filter(|headers| !headers.is_none()) else {
            return Ok(Self::default());
        };
        let pairs = match headers.cast::<PyMapping>() {
            Ok(mapping) => mapping.items()?.into_any(),
            Err(_) => headers.clone(),
        };
        let wrong = || wrong_type("headers", "a mapping or pairs of name and value", headers);
        let mut list = Vec::new();
        for pair in pairs.try_iter().map_err(|_| wrong())? {
            let (name, value): (Bound<'_, PyAny>, Bound<'_, PyAny>) =
                pair?.extract().map_err(|_| wrong())?;
            let name = Payload::new(&name, "a header's name")?;
            list.push((name, Payload::optional(&value, "a header's value")?));
        }
        Ok(Self(list))
    }

    pub(crate) fn borrowed(&self) -> Vec<Header<'_>> {
        let headers = self.0.iter();
        headers.map(|(key, value)| Header { key, value: value.as_deref() }).collect()
    }

    pub(crate) fn owned(&self) -> Vec<(Vec<u8>, Option<Vec<u8>>)> {
        let headers = self.0.iter();
        headers.map(|(key, value)| (key.to_vec(), value.as_deref().map(<[u8]>::to_vec))).collect()
    }
}

/// Headers as a list of pairs of `str` and `bytes` or `None`.
pub(crate) fn headers_to_list<'py, 'a>(
    py: Python<'py>,
    headers: impl Iterator<Item = Header<'a>>,
) -> PyResult<Bound<'py, PyList>> {
    let list = PyList::empty(py);
    for header in headers {
        let value = header.value.map(|value| PyBytes::new(py, value));
        list.append((text(py, header.key)?, value))?;
    }
    Ok(list)
}

/// Bytes that ought to be UTF-8 as `str`; others become lone surrogates, as in file names.
pub(crate) fn text<'py>(py: Python<'py>, bytes: &[u8]) -> PyResult<Bound<'py, PyString>> {
    if let Ok(text) = std::str::from_utf8(bytes) {
        return Ok(PyString::new(py, text));
    }
    let bytes = PyBytes::new(py, bytes);
    Ok(bytes.call_method1("decode", ("utf-8", "surrogateescape"))?.cast_into()?)
}

/// A time to wait: seconds as a number, a `timedelta`, or `None` for as long as it takes.
pub(crate) fn timeout(value: Option<&Bound<'_, PyAny>>) -> PyResult<Duration> {
    match value.filter(|value| !value.is_none()) {
        None => Ok(FOREVER),
        Some(value) => duration(value, "timeout"),
    }
}

/// A duration: seconds as a number, or a `timedelta`.
pub(crate) fn duration(value: &Bound<'_, PyAny>, what: &str) -> PyResult<Duration> {
    let negative = || PyValueError::new_err(format!("{what} must not be negative"));
    let seconds: f64 = if value.cast::<PyDelta>().is_ok() {
        value.call_method0("total_seconds")?.extract()?
    } else if value.is_instance_of::<PyBool>() {
        return Err(wrong_type(what, "seconds or a timedelta", value));
    } else {
        value.extract().map_err(|_| wrong_type(what, "seconds or a timedelta", value))?
    };
    if seconds.is_nan() || seconds < 0.0 {
        return Err(negative());
    }
    Ok(Duration::try_from_secs_f64(seconds).map_or(FOREVER, |time| time.min(FOREVER)))
}

/// A partition's index.
pub(crate) fn partition(value: &Bound<'_, PyAny>) -> PyResult<u32> {
    whole(value, "partition")
}

/// A whole number that is not negative.
pub(crate) fn whole<T: TryFrom<u64>>(value: &Bound<'_, PyAny>, what: &str) -> PyResult<T> {
    if !value.is_instance_of::<PyInt>() || value.is_instance_of::<PyBool>() {
        return Err(wrong_type(what, "an int", value));
    }
    let number = value.extract::<u64>().ok().and_then(|number| T::try_from(number).ok());
    number.ok_or_else(|| {
        let text = format!("{what} must not be negative or too large, and is {value}");
        PyValueError::new_err(text)
    })
}

/// A point in time: ms since 1970 as an int, or a `datetime`.
pub(crate) fn timestamp(value: Option<&Bound<'_, PyAny>>) -> PyResult<Option<i64>> {
    let Some(value) = value.filter(|value| !value.is_none()) else { return Ok(None) };
    if value.is_instance_of::<PyInt>() {
        return whole::<i64>(value, "timestamp").map(Some);
    }
    match value.call_method0("timestamp") {
        Ok(seconds) => Ok(Some((seconds.extract::<f64>()? * 1000.0).round() as i64)),
        Err(_) => Err(wrong_type("timestamp", "ms since 1970 as an int, or a datetime", value)),
    }
}

/// Where to begin: an offset, `"earliest"`, `"latest"`, or a `datetime`.
pub(crate) fn start_at(value: &Bound<'_, PyAny>) -> PyResult<StartAt> {
    if value.is_instance_of::<PyInt>() {
        return whole(value, "offset").map(StartAt::Offset);
    }
    let Ok(name) = value.cast::<PyString>() else {
        let time = timestamp(Some(value));
        let wrong =
            || wrong_type("start", "an offset, a datetime, \"earliest\" or \"latest\"", value);
        return time.map_err(|_| wrong())?.map(StartAt::Time).ok_or_else(wrong);
    };
    match &*name.to_cow()? {
        "earliest" => Ok(StartAt::Earliest),
        "latest" => Ok(StartAt::Latest),
        other => other
            .strip_prefix("time:")
            .and_then(|time| time.parse().ok())
            .map(StartAt::Time)
            .ok_or_else(|| {
                let text = format!("{other:?} is none of \"earliest\", \"latest\", \"time:MS\"");
                PyValueError::new_err(text)
            }),
    }
}

/// Names of topics: one as a `str`, or several.
pub(crate) fn names(value: &Bound<'_, PyAny>) -> PyResult<Vec<String>> {
    if let Ok(name) = value.cast::<PyString>() {
        return Ok(vec![name.to_cow()?.into_owned()]);
    }
    let wrong = || wrong_type("topics", "a str or several", value);
    let mut names = Vec::new();
    for name in value.try_iter().map_err(|_| wrong())? {
        names.push(name?.cast::<PyString>().map_err(|_| wrong())?.to_cow()?.into_owned());
    }
    Ok(names)
}

/// The `TypeError` for a value of the wrong type.
pub(crate) fn wrong_type(what: &str, wanted: &str, value: &Bound<'_, PyAny>) -> PyErr {
    let found = value.get_type().name().map_or_else(|_| "?".to_owned(), |name| name.to_string());
    PyTypeError::new_err(format!("{what} must be {wanted}, not {found}"))
}
