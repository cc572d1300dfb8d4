//! Promises that any thread settles, once.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use minka::{Error, ErrorKind, Result};
use napi::bindgen_prelude::{Object, ToNapiValue};
use napi::{Env, JsDeferred};

use crate::error::rejected;

type Resolver<T> = Box<dyn FnOnce(Env) -> napi::Result<T> + Send>;

/// A promise that has not been settled. While it is there, the event loop goes on.
///
/// One that is dropped is rejected, so that nobody waits for ever.
pub(crate) struct Promised<T: ToNapiValue + 'static>(Mutex<Option<Claim<T>>>);

/// The right to settle a promise, which only one has.
pub(crate) struct Claim<T: ToNapiValue + 'static>(Option<JsDeferred<T, Resolver<T>>>);

/// The calls of a handle that are under way, so that closing it ends them.
#[derive(Default)]
pub(crate) struct Calls(Mutex<Vec<Weak<dyn Abandon>>>);

/// A call whose promise can be rejected before it is done.
pub(crate) trait Abandon: Send + Sync {
    /// Rejects the promise.
    fn abandon(&self, error: Error);
    /// Whether nobody waits for it any more.
    fn is_over(&self) -> bool;
}

impl<T: ToNapiValue + 'static> Promised<T> {
    /// A promise, for both sides. To be made on JavaScript's thread.
    pub(crate) fn new(env: &Env) -> napi::Result<(Arc<Self>, Object<'_>)> {
        let (deferred, promise) = env.create_deferred::<T, Resolver<T>>()?;
        Ok((Arc::new(Self(Mutex::new(Some(Claim(Some(deferred)))))), promise))
    }

    /// Takes the right to settle it, if nobody has yet.
    pub(crate) fn claim(&self) -> Option<Claim<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Settles it, unless somebody has.
    pub(crate) fn settle(&self, result: Result<T>)
    where
        T: Send,
    {
        if let Some(claim) = self.claim() {
            claim.settle(result);
        }
    }
}

impl<T: ToNapiValue + 'static> Claim<T> {
    /// Fulfils or rejects the promise.
    pub(crate) fn settle(self, result: Result<T>)
    where
        T: Send,
    {
        self.settle_as(result, |value| value);
    }

    /// Fulfils or rejects the promise, with a value that is made on JavaScript's thread.
    pub(crate) fn settle_as<R: Send + 'static>(mut self, result: Result<R>, make: fn(R) -> T) {
        if let Some(deferred) = self.0.take() {
            let resolver = move |env| match result {
                Ok(value) => Ok(make(value)),
                Err(error) => Err(rejected(env, error)),
            };
            deferred.resolve(Box::new(resolver));
        }
    }
}

impl<T: ToNapiValue + 'static> Drop for Claim<T> {
    fn drop(&mut self) {
        if let Some(deferred) = self.0.take() {
            let error = Error::new(ErrorKind::Internal, "the call ended without a result");
            deferred.resolve(Box::new(|env| Err(rejected(env, error))));
        }
    }
}

impl<T: ToNapiValue + 'static> Abandon for Promised<T> {
    fn abandon(&self, error: Error) {
        if let Some(mut claim) = self.claim()
            && let Some(deferred) = claim.0.take()
        {
            deferred.resolve(Box::new(|env| Err(rejected(env, error))));
        }
    }

    fn is_over(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).is_none()
    }
}

impl Calls {
    /// Adds one. Forgets those that are over.
    pub(crate) fn add<T: ToNapiValue + 'static>(&self, call: &Arc<Promised<T>>) {
        let mut calls = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        calls.retain(|call| call.upgrade().is_some_and(|call| !call.is_over()));
        let call: Arc<dyn Abandon> = call.clone();
        calls.push(Arc::downgrade(&call));
    }

    /// Rejects them all.
    pub(crate) fn abandon(&self, error: &Error) {
        let calls = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        for call in calls.iter().filter_map(Weak::upgrade) {
            call.abandon(error.clone());
        }
    }
}

impl<T: ToNapiValue + 'static> fmt::Debug for Promised<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Promised").finish_non_exhaustive()
    }
}

impl fmt::Debug for Calls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Calls").finish_non_exhaustive()
    }
}
