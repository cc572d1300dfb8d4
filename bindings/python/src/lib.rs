//! `minka._minka`: the native part of the Python package.
//!
//! Rules that every file here keeps:
//! - What can block does so detached from the interpreter, so that other Python threads run; the
//!   main thread looks for signals meanwhile (`blocking`).
//! - No lock is waited for while attached, and none is held while attaching, since hooks attach on
//!   the threads of the broker.
//! - A handle that a fork has copied is refused, and forgotten instead of closed (`process`).

#![deny(unsafe_code)]

mod admin;
mod assignment;
mod blocking;
mod broker;
mod completions;
mod consumer;
mod convert;
mod delivery;
mod error;
mod events;
mod hooks;
mod message;
mod process;
mod producer;
mod reading;
mod receipt;
mod record;
mod records;
mod sequence;
mod settings;
mod shared;
mod target;

/// The native part of `minka`; its classes are what `minka` shows, see `_minka.pyi`.
#[pyo3::pymodule(gil_used = false)]
mod _minka {
    #[pymodule_export]
    use crate::admin::Admin;
    #[pymodule_export]
    use crate::broker::Broker;
    #[pymodule_export]
    use crate::completions::Completions;
    #[pymodule_export]
    use crate::consumer::Consumer;
    #[pymodule_export]
    use crate::delivery::Delivery;
    #[pymodule_export]
    use crate::error::error_kinds;
    #[pymodule_export]
    use crate::events::{BrokerEvent, EventStream};
    #[pymodule_export]
    use crate::hooks::{Login, PassingRecord};
    #[pymodule_export]
    use crate::message::Message;
    #[pymodule_export]
    use crate::process::{_after_fork, _at_exit};
    #[pymodule_export]
    use crate::producer::Producer;
    #[pymodule_export]
    use crate::receipt::{Receipt, Receipts};
    #[pymodule_export]
    use crate::record::Record;
    #[pymodule_export]
    use crate::records::{RecordIterator, Records};

    use pyo3::prelude::*;

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.add("__version__", env!("CARGO_PKG_VERSION"))?;
        crate::process::watch(module)
    }
}
