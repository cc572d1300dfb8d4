//! Partitions that are assigned by hand, as arguments.

use minka::client::StartAt;
use pyo3::prelude::*;
use pyo3::types::{PyString, PyTuple};

use crate::convert::{self, wrong_type};

/// A place at which to begin: topic, partition and where in it.
pub(crate) type Assignment = (String, u32, StartAt);

/// What `assign` was asked for: a topic, and a partition of it with a place, or all.
pub(crate) type Wanted = (String, Option<(u32, Option<StartAt>)>);

/// Reads one of them.
pub(crate) fn wanted_of(item: &Bound<'_, PyAny>) -> PyResult<Wanted> {
    if let Ok(topic) = item.cast::<PyString>() {
        return Ok((topic.to_cow()?.into_owned(), None));
    }
    let wrong = || wrong_type("an assignment", "a topic, or a tuple (topic, partition, at)", item);
    let tuple = item.cast::<PyTuple>().map_err(|_| wrong())?;
    if !(2..=3).contains(&tuple.len()) {
        return Err(wrong());
    }
    let topic = tuple.get_item(0)?.cast::<PyString>().map_err(|_| wrong())?.to_cow()?.into_owned();
    let partition = convert::partition(&tuple.get_item(1)?)?;
    let at = tuple.get_item(2).ok().filter(|at| !at.is_none());
    Ok((topic, Some((partition, at.as_ref().map(convert::start_at).transpose()?))))
}
