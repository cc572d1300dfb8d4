//! What a hook says, while it is called.

use minka_core::engine::{Changed, Passing, Verdict};
use minka_core::{Error, ErrorKind, Result};

use crate::boundary;
use crate::bytes::{minka_bytes, minka_header};
use crate::handle::{changed, slice};
use crate::status::minka_status;

/// What becomes of what a hook is asked about. It belongs to the call of the hook and ends with
/// it.
#[derive(Debug, Default)]
pub struct minka_verdict {
    is_login: bool,
    refused: Option<String>,
    failed: Option<String>,
    key: Option<Option<Vec<u8>>>,
    value: Option<Option<Vec<u8>>>,
    headers: Option<Headers>,
}

type Headers = Vec<(Vec<u8>, Option<Vec<u8>>)>;

/// Refuses: a record does not go on, somebody is not let in. The client is told `reason`, a
/// string, which is copied. It refuses whatever the reason is: one that is NULL or not UTF-8 is
/// told as well as it can be.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minka_verdict_refuse(
    verdict: *mut minka_verdict,
    reason: minka_bytes,
) -> minka_status {
    boundary::status(|| {
        // SAFETY: the header says what callers must keep to.
        let verdict = unsafe { changed(verdict, "verdict") }?;
        // SAFETY: as above.
        let (told, result) = unsafe { told(reason) };
        verdict.refused = Some(told);
        result
    })
}

/// Says that the hook cannot decide, and tells why; `reason` is as in minka_verdict_refuse. At
/// admission and at a login that refuses. At delivery nothing is decided: a fetch ends before the
/// record with MINKA_HOOK_FAILED, a queue group takes the record back, and both are tried again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minka_verdict_fail(
    verdict: *mut minka_verdict,
    reason: minka_bytes,
) -> minka_status {
    boundary::status(|| {
        // SAFETY: the header says what callers must keep to.
        let verdict = unsafe { changed(verdict, "verdict") }?;
        // SAFETY: as above.
        let (told, result) = unsafe { told(reason) };
        verdict.failed = Some(told);
        result
    })
}

/// Gives a record another key, which is copied; NULL for none. Where this fails, so has the hook:
/// the record must not go on without the change that somebody wanted.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minka_verdict_set_key(
    verdict: *mut minka_verdict,
    key: minka_bytes,
) -> minka_status {
    // SAFETY: the header says what callers must keep to.
    let key = || unsafe { key.nullable("key") }.map(|key| key.map(<[u8]>::to_vec));
    // SAFETY: as above.
    unsafe { change(verdict, key, |verdict, key| verdict.key = Some(key)) }
}

/// Gives a record another value, which is copied; NULL for none. It fails as
/// minka_verdict_set_key does.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minka_verdict_set_value(
    verdict: *mut minka_verdict,
    value: minka_bytes,
) -> minka_status {
    // SAFETY: the header says what callers must keep to.
    let value = || unsafe { value.nullable("value") }.map(|value| value.map(<[u8]>::to_vec));
    // SAFETY: as above.
    unsafe { change(verdict, value, |verdict, value| verdict.value = Some(value)) }
}

/// Gives a record other headers instead of all that it has. They are copied. It fails as
/// minka_verdict_set_key does.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minka_verdict_set_headers(
    verdict: *mut minka_verdict,
    headers: *const minka_header,
    header_count: usize,
) -> minka_status {
    let headers = || {
        // SAFETY: the header says what callers must keep to.
        let headers = unsafe { slice(headers, header_count, "headers") }?;
        let owned = headers.iter().map(|header| {
            // SAFETY: as above.
            let header = unsafe { header.read() }?;
            Ok((header.key.to_vec(), header.value.map(<[u8]>::to_vec)))
        });
        owned.collect::<Result<Headers>>()
    };
    // SAFETY: as above.
    unsafe { change(verdict, headers, |verdict, headers| verdict.headers = Some(headers)) }
}

/// A reason as well as it can be told, and whether it could be.
///
/// # Safety
/// As [`minka_bytes::nullable`].
unsafe fn told(reason: minka_bytes) -> (String, Result<()>) {
    // SAFETY: the caller says so.
    match unsafe { reason.nullable("reason") } {
        Ok(Some(reason)) => (String::from_utf8_lossy(reason).into_owned(), Ok(())),
        Ok(None) => ("no reason was given".to_owned(), Ok(())),
        Err(error) => ("no reason was given".to_owned(), Err(error)),
    }
}

/// Changes the record that the verdict is about; where that fails, so has the hook.
///
/// # Safety
/// As [`changed`].
unsafe fn change<T>(
    verdict: *mut minka_verdict,
    read: impl FnOnce() -> Result<T>,
    put: impl FnOnce(&mut minka_verdict, T),
) -> minka_status {
    boundary::status(|| {
        // SAFETY: the caller says so.
        let verdict = unsafe { changed(verdict, "verdict") }?;
        if verdict.is_login {
            let text = "somebody who wants to be let in can only be refused, not changed";
            return Err(Error::new(ErrorKind::InvalidRequest, text));
        }
        let read = read().inspect_err(|error| verdict.failed = Some(error.to_string()))?;
        put(verdict, read);
        Ok(())
    })
}

impl minka_verdict {
    /// One on somebody who wants to be let in.
    pub(crate) fn on_login() -> Self {
        Self { is_login: true, ..Self::default() }
    }

    /// Why it was refused, if so.
    pub(crate) fn into_refusal(self) -> Option<String> {
        self.refused.or(self.failed)
    }

    /// What it says of a record.
    pub(crate) fn into_verdict(self, record: &Passing<'_>) -> Verdict {
        if let Some(reason) = self.failed {
            return Verdict::Fail(reason);
        }
        if let Some(reason) = self.refused {
            return Verdict::Refuse(reason);
        }
        if self.key.is_none() && self.value.is_none() && self.headers.is_none() {
            return Verdict::Pass;
        }
        let own = |bytes: Option<&[u8]>| bytes.map(<[u8]>::to_vec);
        let headers = || record.headers.map(|one| (one.key.to_vec(), own(one.value))).collect();
        Verdict::Change(Changed {
            key: self.key.unwrap_or_else(|| own(record.key)),
            value: self.value.unwrap_or_else(|| own(record.value)),
            headers: self.headers.unwrap_or_else(headers),
        })
    }
}
