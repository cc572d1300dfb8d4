//! SaslHandshake (key 17): chooses how to log in.
//!
//! Behind version 0 come tokens in frames of their own, without headers; behind version 1,
//! SaslAuthenticate requests.

use std::borrow::Cow;

message! {
    /// Chooses how to log in.
    pub struct SaslHandshakeRequest<'a> for SaslHandshake {
        /// The SASL mechanism.
        mechanism: &'a str, [0..];
    }
}

message! {
    /// Says whether that is possible.
    pub struct SaslHandshakeResponse<'a> for SaslHandshake {
        /// The error, or 0.
        error_code: i16, [0..];
        /// The mechanisms that there are.
        mechanisms: Vec<Cow<'a, str>>, [0..];
    }
}
