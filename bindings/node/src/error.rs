//! Errors of minka on their way to JavaScript, where `lib/errors.js` makes a `MinkaError` of each.

use minka::{Error, ErrorKind};
use napi::{Env, JsError};
use napi_derive::napi;

/// The name of a kind, as the `code` of a JavaScript error.
#[derive(Debug)]
pub struct Code(&'static str);

/// The result of a call that answers at once.
pub(crate) type Result<T> = std::result::Result<T, napi::Error<Code>>;

/// What JavaScript knows of a kind of error.
#[derive(Debug)]
#[napi(object, object_from_js = false)]
pub struct Kind {
    /// The name, in capitals.
    pub name: String,
    /// The number.
    pub number: i32,
    /// Whether the same call may succeed later.
    pub retriable: bool,
    /// Whether what gave this error will not work again until it is opened anew.
    pub fatal: bool,
}

impl AsRef<str> for Code {
    fn as_ref(&self) -> &str {
        self.0
    }
}

/// All kinds of errors, by number in order.
#[napi]
pub fn error_kinds() -> Vec<Kind> {
    let kinds = ErrorKind::ALL.iter().map(|kind| Kind {
        name: kind.name().to_owned(),
        number: kind.number(),
        retriable: kind.is_retriable(),
        fatal: kind.is_fatal(),
    });
    kinds.collect()
}

/// An error that is thrown.
pub(crate) fn thrown(error: Error) -> napi::Error<Code> {
    napi::Error::new(Code(error.kind().name()), error.to_string())
}

/// An error that a promise is rejected with. To be made on JavaScript's thread.
pub(crate) fn rejected(env: Env, error: Error) -> napi::Error {
    napi::Error::from(JsError::from(thrown(error)).into_unknown(env))
}

/// What a handle says that has been closed.
pub(crate) fn closed(what: &str) -> Error {
    Error::new(ErrorKind::Closed, format!("the {what} has been closed"))
}

pub(crate) fn invalid(text: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidRequest, text)
}
