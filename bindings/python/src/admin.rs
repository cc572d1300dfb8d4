//! The native part of `Admin`, which `minka.admin` makes dataclasses of.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use minka::client::{self, AdminConfig, GroupKind, NewTopic, ResetTo, StartAt};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::blocking::away;
use crate::convert;
use crate::error::{Raise, closed};
use crate::process::Owned;
use crate::settings::{setting_value, settings};
use crate::shared::Shared;
use crate::target::Target;

/// Topics and groups, as tuples. See `_minka.pyi`.
#[pyclass(frozen, weakref, module = "minka._minka")]
#[derive(Debug)]
pub(crate) struct Admin {
    inner: Shared<Inner>,
}

#[derive(Debug)]
struct Inner {
    admin: Owned<client::Admin>,
    closed: AtomicBool,
    target: Target,
}

/// Name, ID, partitions as index, start and end, settings as name, value and whether it is the
/// default.
type Topic = (String, String, Vec<(u32, u64, u64)>, Vec<(String, String, bool)>);
/// ID, instance ID, client ID, host, partitions.
type Member = (String, Option<String>, String, String, Vec<(String, u32)>);
/// ID, brokers as ID, host and port.
type Cluster = (String, Vec<(i32, String, u16)>);
/// Topic, partition, committed, end, lag, in flight, redelivered.
type Progress = (String, u32, Option<u64>, Option<u64>, Option<u64>, Option<u64>, Option<u64>);
/// Name, kind, state, members, partitions.
type GroupParts = (String, &'static str, String, Vec<Member>, Vec<Progress>);

#[pymethods]
impl Admin {
    #[new]
    #[pyo3(signature = (target, **settings))]
    fn new(target: &Bound<'_, PyAny>, settings: Option<&Bound<'_, PyDict>>) -> PyResult<Self> {
        let py = target.py();
        let target = Target::new(target)?;
        let mut config = AdminConfig::default();
        for (name, value) in self::settings(settings)? {
            config.set(&name, &value).or_raise(py)?;
        }
        let admin = py.detach(|| client::Admin::open(target.ground(), config)).or_raise(py)?;
        let closed = AtomicBool::new(false);
        let inner = Arc::new(Inner { admin: Owned::new(admin), closed, target });
        Ok(Self { inner: Shared::new(inner) })
    }

    fn create_topic(
        &self,
        py: Python<'_>,
        name: String,
        partitions: Option<&Bound<'_, PyAny>>,
        settings: &Bound<'_, PyDict>,
    ) -> PyResult<()> {
        let partitions = partitions.map(|count| convert::whole(count, "partitions")).transpose()?;
        let settings = changes(settings)?;
        let settings = settings.into_iter().filter_map(|(name, value)| Some((name, value?)));
        let topic = NewTopic { name, partitions, settings: settings.collect() };
        self.ask(py, move |admin| admin.create_topic(&topic))
    }

    fn delete_topic(&self, py: Python<'_>, name: String) -> PyResult<()> {
        self.ask(py, move |admin| admin.delete_topic(&name))
    }

    fn topics(&self, py: Python<'_>) -> PyResult<Vec<(String, String, u32)>> {
        let topics = self.ask(py, client::Admin::topics)?;
        Ok(topics.into_iter().map(|topic| (topic.name, topic.id, topic.partitions)).collect())
    }

    fn describe_topic(&self, py: Python<'_>, name: String) -> PyResult<Topic> {
        let topic = self.ask(py, move |admin| admin.describe_topic(&name))?;
        let partitions = topic.partitions.iter().map(|one| (one.index, one.start, one.end));
        let partitions = partitions.collect();
        let settings = topic.settings.into_iter();
        let settings = settings.map(|one| (one.name, one.value, one.is_default)).collect();
        Ok((topic.name, topic.id, partitions, settings))
    }

    fn add_partitions(
        &self,
        py: Python<'_>,
        name: String,
        count: &Bound<'_, PyAny>,
    ) -> PyResult<()> {
        let count = convert::whole(count, "count")?;
        self.ask(py, move |admin| admin.add_partitions(&name, count))
    }

    fn alter_topic(
        &self,
        py: Python<'_>,
        name: String,
        settings: &Bound<'_, PyDict>,
    ) -> PyResult<()> {
        let changes = changes(settings)?;
        self.ask(py, move |admin| admin.alter_topic(&name, &borrowed(&changes)))
    }

    fn groups(&self, py: Python<'_>) -> PyResult<Vec<(String, &'static str, String)>> {
        let groups = self.ask(py, client::Admin::groups)?;
        Ok(groups.into_iter().map(|one| (one.name, kind_name(one.kind), one.state)).collect())
    }

    fn describe_group(&self, py: Python<'_>, name: String) -> PyResult<GroupParts> {
        let group = self.ask(py, move |admin| admin.describe_group(&name))?;
        let members = group.members.into_iter();
        let members =
            members.map(|one| (one.id, one.instance_id, one.client_id, one.host, one.assigned));
        let partitions = group.partitions.into_iter().map(|one| {
            let counts = (one.committed, one.end, one.lag, one.in_flight, one.redelivered);
            (one.topic, one.partition, counts.0, counts.1, counts.2, counts.3, counts.4)
        });
        let (members, partitions) = (members.collect(), partitions.collect());
        Ok((group.name, kind_name(group.kind), group.state, members, partitions))
    }

    fn reset_group(
        &self,
        py: Python<'_>,
        name: String,
        topic: String,
        to: &Bound<'_, PyAny>,
    ) -> PyResult<()> {
        let to = match convert::start_at(to)? {
            StartAt::Earliest => ResetTo::Earliest,
            StartAt::Latest => ResetTo::Latest,
            StartAt::Time(time) => ResetTo::Time(time),
            StartAt::Offset(offset) => ResetTo::Offset(offset),
        };
        self.ask(py, move |admin| admin.reset_group(&name, &topic, to))
    }

    fn alter_group(
        &self,
        py: Python<'_>,
        name: String,
        settings: &Bound<'_, PyDict>,
    ) -> PyResult<()> {
        let changes = changes(settings)?;
        self.ask(py, move |admin| admin.alter_group(&name, &borrowed(&changes)))
    }

    fn delete_group(&self, py: Python<'_>, name: String) -> PyResult<()> {
        self.ask(py, move |admin| admin.delete_group(&name))
    }

    fn cluster(&self, py: Python<'_>) -> PyResult<Cluster> {
        let cluster = self.ask(py, client::Admin::cluster)?;
        let brokers = cluster.brokers.into_iter();
        Ok((cluster.id, brokers.map(|one| (one.id, one.host, one.port)).collect()))
    }

    fn close(&self, py: Python<'_>) -> PyResult<()> {
        self.inner.admin.check("admin").or_raise(py)?;
        self.inner.closed.store(true, Ordering::SeqCst);
        Ok(())
    }

    #[getter]
    fn closed(&self) -> bool {
        self.inner.closed.load(Ordering::SeqCst)
    }
}

impl Admin {
    fn ask<T: Send + 'static>(
        &self,
        py: Python<'_>,
        question: impl FnOnce(&client::Admin) -> minka::Result<T> + Send + 'static,
    ) -> PyResult<T> {
        self.inner.check().or_raise(py)?;
        let inner = (*self.inner).clone();
        away(py, move || question(&inner.admin))?.or_raise(py)
    }
}

impl Inner {
    fn check(&self) -> minka::Result<()> {
        self.admin.check("admin")?;
        if self.closed.load(Ordering::SeqCst) {
            return Err(closed("admin"));
        }
        self.target.check()
    }
}

/// Settings to be changed; those without a value go back to their default.
fn changes(settings: &Bound<'_, PyDict>) -> PyResult<Vec<(String, Option<String>)>> {
    let mut changes = Vec::new();
    for (name, value) in settings {
        let name = name.extract::<String>()?;
        let given = (!value.is_none()).then(|| setting_value(&name, &value));
        changes.push((name, given.transpose()?));
    }
    Ok(changes)
}

fn borrowed(changes: &[(String, Option<String>)]) -> Vec<(&str, Option<&str>)> {
    changes.iter().map(|(name, value)| (name.as_str(), value.as_deref())).collect()
}

fn kind_name(kind: GroupKind) -> &'static str {
    match kind {
        GroupKind::Queue => "queue",
        GroupKind::Partitions => "partitions",
        GroupKind::Classic => "classic",
        _ => "other",
    }
}
