//! SaslHandshake and SaslAuthenticate: who is let in, by SASL/PLAIN (RFC 4616).
//!
//! Without an authentication hook neither is served, and everybody is in.

use std::borrow::Cow;
use std::net::SocketAddr;
use std::sync::Arc;

use super::Refusal;
use crate::engine::Broker;
use crate::wire::kafka::frame::{FrameStart, write_response};
use crate::wire::kafka::header::RequestHeader;
use crate::wire::kafka::sasl_authenticate::{SaslAuthenticateRequest, SaslAuthenticateResponse};
use crate::wire::kafka::sasl_handshake::{SaslHandshakeRequest, SaslHandshakeResponse};
use crate::wire::kafka::{ApiKey, ErrorCode, Reader};

/// The APIs that are served besides the others where there is a login.
pub(super) const SASL: [ApiKey; 2] = [ApiKey::SaslHandshake, ApiKey::SaslAuthenticate];
/// The one mechanism that there is.
const PLAIN: &str = "PLAIN";
/// The largest request of somebody who is not in yet.
const FRAME_BYTES_MAX: usize = 512 << 10;

/// How far a connection is with its login.
#[derive(Debug)]
pub(in crate::server) struct Login {
    is_wanted: bool,
    user: Option<Arc<str>>,
    next: Next,
}

/// What of a login is to come next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    Handshake,
    Authenticate,
    /// A token in a frame of its own.
    Token,
}

/// Who tries to log in, and where.
#[derive(Debug, Clone, Copy)]
pub(in crate::server) struct Applicant<'a> {
    pub(in crate::server) broker: &'a Broker,
    pub(in crate::server) address: SocketAddr,
}

/// What became of a step of a login: it was answered, or answered and is refused for this reason.
pub(in crate::server) type Step = Result<(), String>;

impl Login {
    pub(in crate::server) fn new(broker: &Broker) -> Self {
        Self { is_wanted: broker.wants_login(), user: None, next: Next::Handshake }
    }

    /// The user that was let in.
    pub(in crate::server) fn user(&self) -> Option<&Arc<str>> {
        self.user.as_ref()
    }

    /// Whether the next frame is a token, without a header.
    pub(in crate::server) fn wants_token(&self) -> bool {
        self.next == Next::Token
    }

    /// Whether this API may be asked for now.
    pub(in crate::server) fn admits(&self, api: ApiKey) -> bool {
        self.is_in() || api == ApiKey::ApiVersions || SASL.contains(&api)
    }

    /// Whether this is a request that [`Login::answer`] answers.
    pub(in crate::server) fn answers(&self, api: ApiKey) -> bool {
        self.is_wanted && SASL.contains(&api)
    }

    /// The largest request at present, where others may have `others_max`.
    pub(in crate::server) fn frame_bytes_max(&self, others_max: usize) -> usize {
        if self.is_in() { others_max } else { others_max.min(FRAME_BYTES_MAX) }
    }

    /// Answers a request of a login.
    pub(in crate::server) fn answer(
        &mut self,
        applicant: Applicant<'_>,
        header: &RequestHeader<'_>,
        reader: &mut Reader<'_>,
        out: &mut Vec<u8>,
    ) -> Result<Step, Refusal> {
        let (version, id) = (header.version, header.correlation_id);
        if header.api == ApiKey::SaslHandshake {
            let request = SaslHandshakeRequest::decode(reader, version)?;
            let error = self.shake_hands(request.mechanism, version);
            let response = SaslHandshakeResponse {
                error_code: error.code(),
                mechanisms: vec![Cow::Borrowed(PLAIN)],
            };
            write_response(out, version, id, &response)?;
            return Ok(Ok(()));
        }
        let request = SaslAuthenticateRequest::decode(reader, version)?;
        let is_awaited = self.next == Next::Authenticate;
        let step = match is_awaited {
            true => self.enter(applicant, request.auth_bytes),
            false => Err("SaslAuthenticate came without a SaslHandshake of version 1".to_owned()),
        };
        let error = match (&step, is_awaited) {
            (Ok(()), _) => ErrorCode::None,
            (Err(_), true) => ErrorCode::SaslAuthenticationFailed,
            (Err(_), false) => ErrorCode::IllegalSaslState,
        };
        let response = SaslAuthenticateResponse {
            error_code: error.code(),
            error_message: step.as_ref().err().map(|reason| Cow::Borrowed(&reason[..])),
            ..SaslAuthenticateResponse::default()
        };
        write_response(out, version, id, &response)?;
        // Who is in already has only mixed something up.
        Ok(if is_awaited || !self.is_in() { step } else { Ok(()) })
    }

    /// Answers a token that came without a header: with nothing, in a frame, or not at all.
    pub(in crate::server) fn answer_token(
        &mut self,
        applicant: Applicant<'_>,
        token: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<Step, Refusal> {
        let step = self.enter(applicant, token);
        if step.is_ok() {
            FrameStart::begin(out).finish(out, 0)?;
        }
        Ok(step)
    }

    fn is_in(&self) -> bool {
        !self.is_wanted || self.user.is_some()
    }

    fn shake_hands(&mut self, mechanism: &str, version: i16) -> ErrorCode {
        // Who is in logs in again by requests alone (KIP-368).
        if version == 0 && self.user.is_some() {
            return ErrorCode::IllegalSaslState;
        }
        if mechanism != PLAIN {
            return ErrorCode::UnsupportedSaslMechanism;
        }
        self.next = if version == 0 { Next::Token } else { Next::Authenticate };
        ErrorCode::None
    }

    /// Lets somebody in, or says why not.
    fn enter(&mut self, applicant: Applicant<'_>, token: &[u8]) -> Step {
        self.next = Next::Handshake;
        let (user, password) = parse(token)?;
        if self.user.as_deref().is_some_and(|present| present != user) {
            return Err("a connection cannot change its user: open another".to_owned());
        }
        applicant.broker.log_in(user, password, applicant.address)?;
        self.user = Some(user.into());
        Ok(())
    }
}

/// User and password of a token: on whose behalf, NUL, user, NUL, password.
fn parse(token: &[u8]) -> Result<(&str, &str), String> {
    let wrong = || "the login is not what SASL/PLAIN asks for".to_owned();
    let text = std::str::from_utf8(token).map_err(|_| wrong())?;
    let mut parts = text.split('\0');
    let (Some(on_behalf), Some(user), Some(password), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(wrong());
    };
    if user.is_empty() || password.is_empty() {
        return Err("a login needs a user and a password".to_owned());
    }
    if !on_behalf.is_empty() && on_behalf != user {
        return Err("nobody can act for another user here".to_owned());
    }
    Ok((user, password))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_has_three_parts() {
        assert_eq!(parse(b"\0me\0secret"), Ok(("me", "secret")));
        assert_eq!(parse("me\0me\0\u{e9}".as_bytes()), Ok(("me", "\u{e9}")));
        for bad in [&b""[..], b"me", b"\0me", b"\0\0x", b"\0me\0", b"\0a\0b\0c", b"you\0me\0x"] {
            assert!(parse(bad).is_err(), "{bad:?}");
        }
        assert!(parse(b"\0me\0\xff").is_err());
    }
}
