//! The settings of producers and admins by name, and what those of all clients have in common.

use super::config::{AdminConfig, ProducerConfig};
use crate::batch::compression::Codec;
use crate::engine::Acks;
use crate::limits::BATCH_BYTES_MAX;
use crate::setting::{MS_MAX, Setting, Takes};

/// As much as an address can say.
const BUFFER_BYTES_MAX: u64 = 1 << 40;

/// The settings by name, in order.
pub(super) const PRODUCER: &[Setting<ProducerConfig>] = &[
    Setting {
        name: "acks",
        default: "all",
        takes: Takes::Word(&["0", "1", "all", "-1"], |config, word| {
            config.acks = match word {
                "0" => Acks::None,
                "1" => Acks::Written,
                _ => Acks::Synced,
            };
        }),
        meaning: "What an acknowledgement promises: 0 nothing, 1 that the record outlives the \
                  broker's process, all (-1) that it is on the disk.",
    },
    Setting {
        name: "batch.size",
        default: "65536",
        takes: Takes::Number(1, BATCH_BYTES_MAX as u64, |config, number| {
            config.batch_bytes = number as usize
        }),
        meaning: "The size at which a batch leaves in any case, in bytes before compression.",
    },
    Setting {
        name: "buffer.memory",
        default: "33554432",
        takes: Takes::Number(1, BUFFER_BYTES_MAX, |config, number| {
            config.buffer_bytes = number as usize
        }),
        meaning: "How many bytes of records may wait for their acknowledgement; not less than \
                  batch.size.",
    },
    Setting {
        name: "client.id",
        default: "minka",
        takes: Takes::Text("a name", |config, name| text::client_id(&mut config.client_id, name)),
        meaning: "What the client calls itself.",
    },
    Setting {
        name: "compression.type",
        default: "none",
        takes: Takes::Word(&["none", "gzip", "snappy", "lz4", "zstd"], |config, word| {
            config.compression = match word {
                "gzip" => Codec::Gzip,
                "snappy" => Codec::Snappy,
                "lz4" => Codec::Lz4,
                "zstd" => Codec::Zstd,
                _ => Codec::None,
            };
        }),
        meaning: "How batches are compressed.",
    },
    Setting {
        name: "delivery.timeout.ms",
        default: "120000",
        takes: Takes::Millis(1, MS_MAX, |config, time| config.delivery_timeout = time),
        meaning: "How long a record may take, with everything that has to be tried again.",
    },
    Setting {
        name: "enable.idempotence",
        default: "true",
        takes: Takes::Bool(|config, on| config.idempotent = on),
        meaning: "Whether a record that has to be sent again is stored once, in order; only with \
                  acks=all.",
    },
    Setting {
        name: "linger.ms",
        default: "0",
        takes: Takes::Millis(0, MS_MAX, |config, time| config.linger = time),
        meaning: "How long a batch waits for more records.",
    },
    Setting {
        name: "max.block.ms",
        default: "60000",
        takes: Takes::Millis(0, MS_MAX, |config, time| config.block_max = time),
        meaning: "How long sending waits for room in the buffer, or to hear of a topic.",
    },
    Setting {
        name: "request.timeout.ms",
        default: "30000",
        takes: Takes::Millis(1, MS_MAX, |config, time| config.request_timeout = time),
        meaning: "How long a broker may take to answer one request.",
    },
    Setting {
        name: "retry.backoff.max.ms",
        default: "1000",
        takes: Takes::Millis(1, MS_MAX, |config, time| config.retry_backoff_max = time),
        meaning: "How long to wait at most before something is tried again.",
    },
    Setting {
        name: "retry.backoff.ms",
        default: "100",
        takes: Takes::Millis(1, MS_MAX, |config, time| config.retry_backoff_min = time),
        meaning: "How long to wait before something is tried again for the first time.",
    },
    Setting {
        name: "sasl.mechanism",
        default: "PLAIN",
        takes: Takes::Word(&["PLAIN"], |_, _| ()),
        meaning: "How to log in; there is only this.",
    },
    Setting {
        name: "sasl.password",
        default: "",
        takes: Takes::Text("a password", |config, word| {
            text::password(&mut config.credentials, word)
        }),
        meaning: "The password of sasl.username.",
    },
    Setting {
        name: "sasl.username",
        default: "",
        takes: Takes::Text("a name", |config, name| text::user(&mut config.credentials, name)),
        meaning: "Who to log in as behind an address.",
    },
    Setting {
        name: "security.protocol",
        default: "by sasl.username",
        takes: Takes::Word(&["PLAINTEXT", "SASL_PLAINTEXT"], |_, _| ()),
        meaning: "How to talk to an address. Whether to log in is said by sasl.username alone.",
    },
];

/// The settings by name, in order.
pub(super) const ADMIN: &[Setting<AdminConfig>] = &[
    Setting {
        name: "client.id",
        default: "minka",
        takes: Takes::Text("a name", |config, name| text::client_id(&mut config.client_id, name)),
        meaning: "What the client calls itself.",
    },
    Setting {
        name: "default.api.timeout.ms",
        default: "60000",
        takes: Takes::Millis(1, MS_MAX, |config, time| config.timeout = time),
        meaning: "How long a call may take, with everything that has to be tried again.",
    },
    Setting {
        name: "request.timeout.ms",
        default: "30000",
        takes: Takes::Millis(1, MS_MAX, |config, time| config.request_timeout = time),
        meaning: "How long a broker may take to answer one request.",
    },
    Setting {
        name: "retry.backoff.max.ms",
        default: "1000",
        takes: Takes::Millis(1, MS_MAX, |config, time| config.retry_backoff_max = time),
        meaning: "How long to wait at most before something is tried again.",
    },
    Setting {
        name: "retry.backoff.ms",
        default: "100",
        takes: Takes::Millis(1, MS_MAX, |config, time| config.retry_backoff_min = time),
        meaning: "How long to wait before something is tried again for the first time.",
    },
    Setting {
        name: "sasl.mechanism",
        default: "PLAIN",
        takes: Takes::Word(&["PLAIN"], |_, _| ()),
        meaning: "How to log in; there is only this.",
    },
    Setting {
        name: "sasl.password",
        default: "",
        takes: Takes::Text("a password", |config, word| {
            text::password(&mut config.credentials, word)
        }),
        meaning: "The password of sasl.username.",
    },
    Setting {
        name: "sasl.username",
        default: "",
        takes: Takes::Text("a name", |config, name| text::user(&mut config.credentials, name)),
        meaning: "Who to log in as behind an address.",
    },
    Setting {
        name: "security.protocol",
        default: "by sasl.username",
        takes: Takes::Word(&["PLAINTEXT", "SASL_PLAINTEXT"], |_, _| ()),
        meaning: "How to talk to an address. Whether to log in is said by sasl.username alone.",
    },
];

/// Settings of clients that are texts.
pub(super) mod text {
    use crate::client::config::Credentials;

    /// The longest text that the protocol can say, in bytes.
    const BYTES_MAX: usize = i16::MAX as usize;

    pub(in crate::client) fn client_id(place: &mut String, name: &str) -> Result<(), String> {
        name.clone_into(place);
        fits(name)
    }

    pub(in crate::client) fn user(
        place: &mut Option<Credentials>,
        name: &str,
    ) -> Result<(), String> {
        name.clone_into(&mut credentials(place).user);
        given(name)
    }

    pub(in crate::client) fn password(
        place: &mut Option<Credentials>,
        word: &str,
    ) -> Result<(), String> {
        word.clone_into(&mut credentials(place).password);
        given(word)
    }

    fn credentials(place: &mut Option<Credentials>) -> &mut Credentials {
        place.get_or_insert(Credentials { user: String::new(), password: String::new() })
    }

    fn given(text: &str) -> Result<(), String> {
        if text.is_empty() { Err("it is empty".to_owned()) } else { fits(text) }
    }

    fn fits(text: &str) -> Result<(), String> {
        if text.len() > BYTES_MAX {
            return Err(format!("it has {} bytes, {BYTES_MAX} are allowed", text.len()));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use std::time::Duration;

    use crate::client::config::Credentials;
    use crate::setting::{check_defaults, check_document};

    fn credentials() -> Option<Credentials> {
        Some(Credentials { user: "ana".to_owned(), password: " secret".to_owned() })
    }

    #[test]
    fn every_setting_accepts_its_default_and_is_in_the_document() {
        check_defaults(PRODUCER);
        check_document("Producer", PRODUCER);
        check_defaults(ADMIN);
        check_document("Admin", ADMIN);
    }

    #[test]
    fn every_setting_gets_to_its_field() {
        let (mut producer, mut admin) = (ProducerConfig::default(), AdminConfig::default());
        let value = |name| match name {
            "acks" => "1",
            "client.id" => "shop",
            "compression.type" => "zstd",
            "enable.idempotence" => "false",
            "sasl.mechanism" => "PLAIN",
            "sasl.password" => " secret",
            "sasl.username" => "ana",
            "security.protocol" => "SASL_PLAINTEXT",
            _ => "7",
        };
        for setting in PRODUCER {
            producer.set(setting.name, value(setting.name)).unwrap();
        }
        for setting in ADMIN {
            admin.set(setting.name, value(setting.name)).unwrap();
        }
        let time = Duration::from_millis(7);
        let expected = ProducerConfig {
            client_id: "shop".to_owned(),
            acks: Acks::Written,
            idempotent: false,
            linger: time,
            batch_bytes: 7,
            compression: Codec::Zstd,
            buffer_bytes: 7,
            block_max: time,
            delivery_timeout: time,
            request_timeout: time,
            retry_backoff_min: time,
            retry_backoff_max: time,
            credentials: credentials(),
        };
        assert_eq!(producer, expected);
        let expected = AdminConfig {
            client_id: "shop".to_owned(),
            timeout: time,
            request_timeout: time,
            retry_backoff_min: time,
            retry_backoff_max: time,
            credentials: credentials(),
        };
        assert_eq!(admin, expected);
    }

    #[test]
    fn half_a_login_is_refused() {
        let mut producer = ProducerConfig::default();
        producer.set("sasl.username", "ana").unwrap();
        assert!(producer.check().unwrap_err().to_string().contains("sasl.password"));
        producer.set("sasl.password", "secret").unwrap();
        producer.check().unwrap();
        assert!(!format!("{producer:?}").contains("secret"));
        let error = producer.set("sasl.mechanism", "SCRAM-SHA-256").unwrap_err();
        assert!(error.to_string().contains("is not PLAIN"), "{error}");
        let error = producer.set("client.id", &"x".repeat(40_000)).unwrap_err();
        assert!(error.to_string().contains("32767 are allowed"), "{error}");
    }
}
