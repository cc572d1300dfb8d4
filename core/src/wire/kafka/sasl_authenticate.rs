//! SaslAuthenticate (key 36): logs in.
//!
//! Version 1 says how long a login lasts, 2 is flexible.

use std::borrow::Cow;

message! {
    /// A step of a login.
    pub struct SaslAuthenticateRequest<'a> for SaslAuthenticate {
        /// What the mechanism has the client say.
        auth_bytes: &'a [u8], [0..];
    }
}

message! {
    /// What became of it.
    pub struct SaslAuthenticateResponse<'a> for SaslAuthenticate {
        /// The error, or 0.
        error_code: i16, [0..];
        /// Why the client was not let in.
        error_message: Option<Cow<'a, str>>, [0..];
        /// What the mechanism has the broker say.
        auth_bytes: Cow<'a, [u8]>, [0..];
        /// After how many milliseconds the client has to log in again; 0 for never.
        session_lifetime_ms: i64, [1..];
    }
}
