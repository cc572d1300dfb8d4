//! Settings by name: what can be set, and what is said to who sets something else.

#![allow(clippy::unwrap_used, reason = "a test fails by a panic")]

use std::fmt::Debug;

use minka::client::{AdminConfig, ConsumerConfig, ProducerConfig};
use minka::{EmbeddedConfig, Error, ErrorKind, Result, SettingDescription};

/// Sets each setting to its default, and to something that it cannot be.
fn walk<C: Clone + Debug + Default>(
    settings: Vec<SettingDescription>,
    set: impl Fn(&mut C, &str, &str) -> Result<()>,
    shown: impl Fn(&C) -> String,
) {
    assert!(settings.len() > 5);
    let plain = C::default();
    let wrong = |error: Error, name: &str, value: &str| {
        assert_eq!(error.kind(), ErrorKind::InvalidConfig, "{name}={value}");
        let text = error.to_string();
        assert!(text.contains(name) && text.contains(value), "{name}={value}: {text}");
    };
    for SettingDescription { name, default, accepts, meaning } in settings {
        assert!(meaning.ends_with('.') && !accepts.is_empty(), "{name}");
        // A group's type alone is a group without an ID.
        if !default.is_empty() && !default.contains(' ') && name != "group.type" {
            let mut config = C::default();
            set(&mut config, name, default).unwrap();
            assert_eq!(shown(&config), shown(&plain), "{name}={default}");
        }
        if accepts.contains(" to ") && accepts.starts_with(|first: char| first.is_ascii_digit()) {
            for value in ["-1", "x", "1e3", "18446744073709551616"] {
                if name != "group.id" {
                    wrong(set(&mut C::default(), name, value).unwrap_err(), name, value);
                }
            }
        }
        let typo = format!("{}x", name.replace('.', "_"));
        let error = set(&mut C::default(), &typo, "1").unwrap_err();
        assert!(error.to_string().contains(&format!("did you mean {name}")), "{error}");
    }
    let error = set(&mut C::default(), "bootstrap.servers", "localhost:9092").unwrap_err();
    wrong(error, "bootstrap.servers", "there is no");
}

#[test]
fn every_setting_of_a_broker_takes_its_default_and_nothing_that_it_cannot_be() {
    let shown = |config: &EmbeddedConfig| format!("{:?} {:?}", config.broker, config.server);
    walk(EmbeddedConfig::settings(), EmbeddedConfig::set, shown);
}

#[test]
fn every_setting_of_a_client_takes_its_default_and_nothing_that_it_cannot_be() {
    walk(ProducerConfig::settings(), ProducerConfig::set, |config| format!("{config:?}"));
    walk(ConsumerConfig::settings(), ConsumerConfig::set, |config| format!("{config:?}"));
    walk(AdminConfig::settings(), AdminConfig::set, |config| format!("{config:?}"));
}

#[test]
fn settings_that_contradict_each_other_are_refused_when_they_are_together() {
    for (settings, says) in [
        (&[("batch.size", "65537"), ("buffer.memory", "65536")][..], "buffer.memory must be"),
        (&[("retry.backoff.ms", "2000")], "not above retry.backoff.max.ms"),
        (&[("sasl.password", "secret")], "sasl.username and sasl.password"),
    ] {
        let mut config = ProducerConfig::default();
        for (name, value) in settings {
            config.set(name, value).unwrap();
        }
        let error = config.check().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidConfig);
        assert!(error.to_string().contains(says), "{error}");
    }
}
