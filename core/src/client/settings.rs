//! The settings of producers and admins by name.

use super::common_settings;
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
    common_settings::client_id(),
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
    common_settings::request_timeout(),
    common_settings::retry_backoff_max(),
    common_settings::retry_backoff(),
    common_settings::sasl_mechanism(),
    common_settings::sasl_password(),
    common_settings::sasl_username(),
    common_settings::security_protocol(),
];

/// The settings by name, in order.
pub(super) const ADMIN: &[Setting<AdminConfig>] = &[
    common_settings::client_id(),
    Setting {
        name: "default.api.timeout.ms",
        default: "60000",
        takes: Takes::Millis(1, MS_MAX, |config, time| config.timeout = time),
        meaning: "How long a call may take, with everything that has to be tried again.",
    },
    common_settings::request_timeout(),
    common_settings::retry_backoff_max(),
    common_settings::retry_backoff(),
    common_settings::sasl_mechanism(),
    common_settings::sasl_password(),
    common_settings::sasl_username(),
    common_settings::security_protocol(),
];

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
