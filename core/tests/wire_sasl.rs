//! Every request and response of a login, against the crate kafka-protocol.

mod wire_common;

use minka::wire::kafka::sasl_authenticate::{SaslAuthenticateRequest, SaslAuthenticateResponse};
use minka::wire::kafka::sasl_handshake::{SaslHandshakeRequest, SaslHandshakeResponse};

agree!(sasl_handshake: SaslHandshakeRequest, [SaslHandshakeRequest { mechanism: "PLAIN" }]);

agree!(sasl_handshake_answer: SaslHandshakeResponse, [
    SaslHandshakeResponse {
        error_code: 33,
        mechanisms: vec!["PLAIN".into(), "".into(), "SCRAM-SHA-256".into()],
    },
]);

agree!(sasl_authenticate: SaslAuthenticateRequest, [
    SaslAuthenticateRequest { auth_bytes: b"\0user\0password" },
]);

agree!(sasl_authenticate_answer: SaslAuthenticateResponse, [
    SaslAuthenticateResponse {
        error_code: 58,
        error_message: Some("that is not the password".into()),
        auth_bytes: b"bytes"[..].into(),
        // Version 0 does not have it, and the other codec refuses to leave it out.
        session_lifetime_ms: 0,
    },
    SaslAuthenticateResponse { error_message: Some("".into()), ..Default::default() },
]);
