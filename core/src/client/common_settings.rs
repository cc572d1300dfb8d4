//! The settings that all clients have, by name.

use std::time::Duration;

use super::config::{AdminConfig, Credentials, ProducerConfig};
use super::consumer::ConsumerConfig;
use crate::setting::{MS_MAX, Setting, Takes};

/// The longest text that the protocol can say, in bytes.
const TEXT_BYTES_MAX: usize = i16::MAX as usize;

/// The fields that the settings of all clients have.
pub(super) trait Common: 'static {
    fn client_id(&mut self) -> &mut String;
    fn request_timeout(&mut self) -> &mut Duration;
    /// The shortest delay before something is tried again, and the longest.
    fn retry_backoff(&mut self) -> (&mut Duration, &mut Duration);
    fn credentials(&mut self) -> &mut Option<Credentials>;
}

macro_rules! common {
    ($($config:ty),*) => {$(
        impl Common for $config {
            fn client_id(&mut self) -> &mut String {
                &mut self.client_id
            }

            fn request_timeout(&mut self) -> &mut Duration {
                &mut self.request_timeout
            }

            fn retry_backoff(&mut self) -> (&mut Duration, &mut Duration) {
                (&mut self.retry_backoff_min, &mut self.retry_backoff_max)
            }

            fn credentials(&mut self) -> &mut Option<Credentials> {
                &mut self.credentials
            }
        }
    )*};
}

common!(ProducerConfig, ConsumerConfig, AdminConfig);

pub(super) const fn client_id<C: Common>() -> Setting<C> {
    Setting {
        name: "client.id",
        default: "minka",
        takes: Takes::Text("a name", |config, name| {
            name.clone_into(config.client_id());
            fits(name)
        }),
        meaning: "What the client calls itself.",
    }
}

pub(super) const fn request_timeout<C: Common>() -> Setting<C> {
    Setting {
        name: "request.timeout.ms",
        default: "30000",
        takes: Takes::Millis(1, MS_MAX, |config, time| *config.request_timeout() = time),
        meaning: "How long a broker may take to answer one request.",
    }
}

pub(super) const fn retry_backoff_max<C: Common>() -> Setting<C> {
    Setting {
        name: "retry.backoff.max.ms",
        default: "1000",
        takes: Takes::Millis(1, MS_MAX, |config, time| *config.retry_backoff().1 = time),
        meaning: "How long to wait at most before something is tried again.",
    }
}

pub(super) const fn retry_backoff<C: Common>() -> Setting<C> {
    Setting {
        name: "retry.backoff.ms",
        default: "100",
        takes: Takes::Millis(1, MS_MAX, |config, time| *config.retry_backoff().0 = time),
        meaning: "How long to wait before something is tried again for the first time.",
    }
}

pub(super) const fn sasl_mechanism<C: Common>() -> Setting<C> {
    Setting {
        name: "sasl.mechanism",
        default: "PLAIN",
        takes: Takes::Word(&["PLAIN"], |_, _| ()),
        meaning: "How to log in; there is only this.",
    }
}

pub(super) const fn sasl_password<C: Common>() -> Setting<C> {
    Setting {
        name: "sasl.password",
        default: "",
        takes: Takes::Text("a password", |config, word| {
            word.clone_into(&mut login(config.credentials()).password);
            given(word)
        }),
        meaning: "The password of sasl.username.",
    }
}

pub(super) const fn sasl_username<C: Common>() -> Setting<C> {
    Setting {
        name: "sasl.username",
        default: "",
        takes: Takes::Text("a name", |config, name| {
            name.clone_into(&mut login(config.credentials()).user);
            given(name)
        }),
        meaning: "Who to log in as behind an address.",
    }
}

pub(super) const fn security_protocol<C: Common>() -> Setting<C> {
    Setting {
        name: "security.protocol",
        default: "by sasl.username",
        takes: Takes::Word(&["PLAINTEXT", "SASL_PLAINTEXT"], |_, _| ()),
        meaning: "How to talk to an address. Whether to log in is said by sasl.username alone.",
    }
}

fn login(place: &mut Option<Credentials>) -> &mut Credentials {
    place.get_or_insert(Credentials { user: String::new(), password: String::new() })
}

fn given(text: &str) -> Result<(), String> {
    if text.is_empty() { Err("it is empty".to_owned()) } else { fits(text) }
}

fn fits(text: &str) -> Result<(), String> {
    if text.len() > TEXT_BYTES_MAX {
        return Err(format!("it has {} bytes, {TEXT_BYTES_MAX} are allowed", text.len()));
    }
    Ok(())
}
