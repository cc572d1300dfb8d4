//! Settings by name, from keyword arguments.

use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDelta, PyDict, PyFloat, PyInt, PyString};

use crate::convert::wrong_type;

/// A setting with its value, as minka reads both.
pub(crate) type Setting = (String, String);

/// The settings of keyword arguments. `num_partitions` is `num.partitions`; a value of `None` is
/// as if it were not there; a `timedelta` counts in ms, as the settings that are times do.
pub(crate) fn settings(keywords: Option<&Bound<'_, PyDict>>) -> PyResult<Vec<Setting>> {
    let mut settings = Vec::new();
    for (name, value) in keywords.into_iter().flatten() {
        if value.is_none() {
            continue;
        }
        let name = setting_name(&name.cast::<PyString>()?.to_cow()?);
        let value = setting_value(&name, &value)?;
        settings.push((name, value));
    }
    Ok(settings)
}

/// The value of a setting as text.
pub(crate) fn setting_value(name: &str, value: &Bound<'_, PyAny>) -> PyResult<String> {
    if let Ok(value) = value.cast::<PyBool>() {
        return Ok(value.is_true().to_string());
    }
    if value.cast::<PyDelta>().is_ok() {
        let seconds: f64 = value.call_method0("total_seconds")?.extract()?;
        return Ok(format!("{:.0}", seconds * 1000.0));
    }
    if value.is_instance_of::<PyString>()
        || value.is_instance_of::<PyInt>()
        || value.is_instance_of::<PyFloat>()
    {
        return Ok(value.str()?.to_cow()?.into_owned());
    }
    Err(wrong_type(name, "str, int, float, bool, timedelta or None", value))
}

/// Those names that have a hyphen in them, of all that are keywords here.
const HYPHENS: [&str; 2] = ["log-level", "copy-of"];

fn setting_name(keyword: &str) -> String {
    let hyphened = keyword.replace('_', "-");
    if HYPHENS.contains(&hyphened.as_str()) { hyphened } else { keyword.replace('_', ".") }
}
