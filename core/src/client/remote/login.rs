//! Logging in where a broker wants that (SASL/PLAIN, RFC 4616).

use std::time::Instant;

use super::answer;
use super::connection::Connection;
use crate::client::config::Credentials;
use crate::error::{Error, ErrorKind, Result};
use crate::wire::kafka::sasl_authenticate::{SaslAuthenticateRequest, SaslAuthenticateResponse};
use crate::wire::kafka::sasl_handshake::{SaslHandshakeRequest, SaslHandshakeResponse};
use crate::wire::kafka::{ApiKey, ErrorCode};

const MECHANISM: &str = "PLAIN";
/// The newest versions that are spoken here; behind an older handshake there are no reasons.
const HANDSHAKE: i16 = 1;
const AUTHENTICATE_MAX: i16 = 2;

/// Whether an error means that a broker does not let this client in, which it will not do the
/// next time either.
pub(crate) fn is_refused(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::AuthenticationFailed
            | ErrorKind::UnsupportedMechanism
            | ErrorKind::AuthenticationRequired
    )
}

impl Connection {
    /// Logs in, on a connection on which nothing else is under way. Without credentials, finds
    /// out whether the broker wants some.
    ///
    /// Fails with [`ErrorKind::AuthenticationFailed`], [`ErrorKind::UnsupportedMechanism`] and
    /// [`ErrorKind::AuthenticationRequired`].
    pub(crate) fn log_in(
        &mut self,
        credentials: Option<&Credentials>,
        deadline: Instant,
    ) -> Result<()> {
        match credentials {
            Some(credentials) => {
                let doing = format!("logging in as {}", credentials.user);
                self.authenticate(credentials, deadline).map_err(|error| error.context(doing))
            }
            // A broker that knows the handshake need not want it. It says so, while it ends the
            // connection at any other request if it does.
            None if self.version(ApiKey::SaslHandshake, HANDSHAKE).is_ok() => {
                let refused = self.shake_hands(deadline)?;
                if matches!(refused, Some(ErrorCode::UnsupportedSaslMechanism) | None) {
                    let text = "the broker wants a login: give a user name and a password";
                    return Err(Error::new(ErrorKind::AuthenticationRequired, text));
                }
                Ok(())
            }
            None => Ok(()),
        }
    }

    fn authenticate(&mut self, credentials: &Credentials, deadline: Instant) -> Result<()> {
        let unwanted = || {
            let text = "the broker wants no login at this address: leave user and password out";
            Error::new(ErrorKind::AuthenticationFailed, text)
        };
        let version = self.version(ApiKey::SaslAuthenticate, AUTHENTICATE_MAX);
        let version = version.map_err(|_| unwanted())?;
        match self.shake_hands(deadline)? {
            None => {}
            Some(ErrorCode::UnsupportedSaslMechanism) => {
                let text = "the broker does not let clients in by SASL/PLAIN";
                return Err(Error::new(ErrorKind::UnsupportedMechanism, text));
            }
            Some(_) => return Err(unwanted()),
        }
        let Credentials { user, password } = credentials;
        let token = format!("\0{user}\0{password}");
        let request = SaslAuthenticateRequest { auth_bytes: token.as_bytes() };
        let frame = self.call(version, &request, deadline)?;
        let answer = SaslAuthenticateResponse::decode(&mut frame.reader(), version)?;
        let words = answer.error_message.as_deref();
        answer::check(answer.error_code, words, "the broker refused")
    }

    /// Asks to log in. Returns what the broker has against it.
    fn shake_hands(&mut self, deadline: Instant) -> Result<Option<ErrorCode>> {
        let version = self.version(ApiKey::SaslHandshake, HANDSHAKE)?;
        let request = SaslHandshakeRequest { mechanism: MECHANISM };
        let frame = self.call(version, &request, deadline)?;
        let answer = SaslHandshakeResponse::decode(&mut frame.reader(), version)?;
        Ok(match answer.error_code {
            0 => None,
            code if code == ErrorCode::UnsupportedSaslMechanism.code() => {
                Some(ErrorCode::UnsupportedSaslMechanism)
            }
            _ => Some(ErrorCode::IllegalSaslState),
        })
    }
}
