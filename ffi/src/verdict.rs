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
    key: Option<Option<Vec<u8>>>,
    value: Option<Option<Vec<u8>>>,
    headers: Option<Headers>,
}

type Headers = Vec<(Vec<u8>, Option<Vec<u8>>)>;

/// Refuses: a record does not go on, somebody is not let in. The client is told `reason`, a
/// string, which is copied.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minka_verdict_refuse(
    verdict: *mut minka_verdict,
    reason: minka_bytes,
) -> minka_status {
    boundary::status(|| {
        // SAFETY: the header says what callers must keep to.
        let (verdict, reason) = unsafe { (changed(verdict, "verdict")?, reason.text("reason")?) };
        verdict.refused = Some(reason.to_owned());
        Ok(())
    })
}

/// Gives a record another key, which is copied; NULL for none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minka_verdict_set_key(
    verdict: *mut minka_verdict,
    key: minka_bytes,
) -> minka_status {
    boundary::status(|| {
        // SAFETY: the header says what callers must keep to.
        let (verdict, key) = unsafe { (changing(verdict)?, key.nullable("key")?) };
        verdict.key = Some(key.map(<[u8]>::to_vec));
        Ok(())
    })
}

/// Gives a record another value, which is copied; NULL for none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minka_verdict_set_value(
    verdict: *mut minka_verdict,
    value: minka_bytes,
) -> minka_status {
    boundary::status(|| {
        // SAFETY: the header says what callers must keep to.
        let (verdict, value) = unsafe { (changing(verdict)?, value.nullable("value")?) };
        verdict.value = Some(value.map(<[u8]>::to_vec));
        Ok(())
    })
}

/// Gives a record other headers instead of all that it has. They are copied.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minka_verdict_set_headers(
    verdict: *mut minka_verdict,
    headers: *const minka_header,
    header_count: usize,
) -> minka_status {
    boundary::status(|| {
        // SAFETY: the header says what callers must keep to.
        let (verdict, headers) =
            unsafe { (changing(verdict)?, slice(headers, header_count, "headers")?) };
        let owned = headers.iter().map(|header| {
            // SAFETY: as above.
            let header = unsafe { header.read() }?;
            Ok((header.key.to_vec(), header.value.map(<[u8]>::to_vec)))
        });
        verdict.headers = Some(owned.collect::<Result<_>>()?);
        Ok(())
    })
}

/// The verdict on a record, which somebody wants to change.
///
/// # Safety
/// As [`changed`].
unsafe fn changing<'a>(verdict: *mut minka_verdict) -> Result<&'a mut minka_verdict> {
    // SAFETY: the caller says so.
    let verdict = unsafe { changed(verdict, "verdict") }?;
    if verdict.is_login {
        let text = "somebody who wants to be let in can only be refused, not changed";
        return Err(Error::new(ErrorKind::InvalidRequest, text));
    }
    Ok(verdict)
}

impl minka_verdict {
    /// One on somebody who wants to be let in.
    pub(crate) fn on_login() -> Self {
        Self { is_login: true, ..Self::default() }
    }

    /// Why it was refused, if so.
    pub(crate) fn into_refusal(self) -> Option<String> {
        self.refused
    }

    /// What it says of a record.
    pub(crate) fn into_verdict(self, record: &Passing<'_>) -> Verdict {
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
