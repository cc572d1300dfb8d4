//! Handles that several objects share, and that are let go of without holding up the interpreter.

use std::ops::Deref;
use std::sync::Arc;

use pyo3::prelude::*;

/// A part in something whose end may wait for threads that need the interpreter: hooks are called
/// on them. So it is dropped detached.
#[derive(Debug)]
pub(crate) struct Shared<T: Send + Sync>(Option<Arc<T>>);

impl<T: Send + Sync> Shared<T> {
    pub(crate) fn new(value: Arc<T>) -> Self {
        Self(Some(value))
    }
}

impl<T: Send + Sync> Deref for Shared<T> {
    type Target = Arc<T>;

    fn deref(&self) -> &Arc<T> {
        self.0.as_ref().expect("the value is there until it is dropped")
    }
}

impl<T: Send + Sync> Drop for Shared<T> {
    fn drop(&mut self) {
        let value = self.0.take();
        // Without an interpreter nobody is held up.
        let _ = Python::try_attach(|py| py.detach(|| drop(value)));
    }
}
