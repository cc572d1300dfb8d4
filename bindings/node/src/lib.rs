//! `minka.node`: the native part of the npm package. `lib/` gives it its face; nobody else uses it.
//!
//! Nothing here blocks the thread that calls: what may take time runs on a thread of a handle, or
//! of the call, and settles a promise. A finalizer hands over what it has to close as well.

// The expansion of `#[napi]` is unsafe code; no file here has any of its own.
#![deny(unsafe_code)]

pub mod admin;
pub mod broker;
pub mod consumer;
pub mod descriptions;
pub mod error;
pub mod events;
pub mod hooks;
mod messages;
pub mod packed;
pub mod producer;
mod promise;
mod settings;
pub mod settled;
mod worker;

/// The version of minka.
#[napi_derive::napi]
pub fn version() -> &'static str {
    env!("CARGO_PKG_VERSION")
}
