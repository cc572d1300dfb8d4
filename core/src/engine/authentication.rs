//! Asking the authentication hook who may connect.

use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::Broker;
use super::event_stream::EventKind;
use super::hooks::Login;
use crate::sys::event_log::Level;

impl Broker {
    /// Whether who connects has to log in.
    pub fn wants_login(&self) -> bool {
        self.config().hooks.authentication.is_some()
    }

    /// Asks the authentication hook whether a user may connect.
    ///
    /// # Errors
    /// The reason that the client is told. A panic of the hook refuses everybody.
    pub fn log_in(&self, user: &str, password: &str, address: SocketAddr) -> Result<(), String> {
        let Some(hook) = &self.config().hooks.authentication else {
            return Ok(());
        };
        let login = Login { user, password, address };
        // What a hook leaves half done in itself is its own.
        let answer = catch_unwind(AssertUnwindSafe(|| hook(&login))).unwrap_or_else(|_| {
            let text = format_args!("the authentication hook panicked at a login from {address}");
            self.events().log_limited(Level::Error, "panics of hooks", text);
            Err("the authentication hook failed".to_owned())
        });
        answer.inspect_err(|reason| {
            self.tell(EventKind::LoginRefused, |event| {
                event.client = Some(user.into());
                event.text.clone_from(reason);
            });
        })
    }
}
