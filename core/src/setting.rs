//! Settings by name: what brokers, producers, consumers and admins are told in text.

use std::fmt::Write as _;
use std::time::Duration;

use crate::error::{Error, ErrorKind, Result};

/// The longest time that the protocol can say, in ms.
pub(crate) const MS_MAX: u64 = i32::MAX as u64;

/// How many names are suggested in place of one that is none.
const SUGGESTIONS_MAX: usize = 3;

/// A setting of `C`.
pub(crate) struct Setting<C: 'static> {
    /// Kafka's name, if it has one.
    pub(crate) name: &'static str,
    /// The default, or what it depends on.
    pub(crate) default: &'static str,
    /// What it accepts.
    pub(crate) takes: Takes<C>,
    /// What it means, in a sentence.
    pub(crate) meaning: &'static str,
}

/// What a setting accepts, and where it goes.
pub(crate) enum Takes<C: 'static> {
    /// `true` or `false`.
    Bool(fn(&mut C, bool)),
    /// A whole number from one to another.
    Number(u64, u64, fn(&mut C, u64)),
    /// Milliseconds, from one number to another.
    Millis(u64, u64, fn(&mut C, Duration)),
    /// One of some words.
    Word(&'static [&'static str], fn(&mut C, &str)),
    /// A text of which the first says what it is; the error says what is wrong with it.
    Text(&'static str, fn(&mut C, &str) -> std::result::Result<(), String>),
}

/// What there is to know of a setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingDescription {
    /// The name: Kafka's where it has one.
    pub name: &'static str,
    /// The default; words where it depends on something, empty where there is none.
    pub default: &'static str,
    /// What it accepts, for people.
    pub accepts: String,
    /// What it means, in a sentence.
    pub meaning: &'static str,
}

/// Sets one of `settings`.
///
/// # Errors
/// [`ErrorKind::InvalidConfig`] for a name that is none of `what`, or a value that the setting
/// cannot have.
pub(crate) fn set<C>(
    config: &mut C,
    what: &str,
    settings: &[Setting<C>],
    name: &str,
    value: &str,
) -> Result<()> {
    match find(settings, name) {
        Some(setting) => setting.set(config, value),
        None => Err(unknown(what, name, settings.iter().map(|setting| setting.name))),
    }
}

/// The setting of this name.
pub(crate) fn find<'s, C>(settings: &'s [Setting<C>], name: &str) -> Option<&'s Setting<C>> {
    settings.iter().find(|setting| setting.name == name)
}

/// Says that there is no such setting, and which there are of similar names.
pub(crate) fn unknown(what: &str, name: &str, names: impl Iterator<Item = &'static str>) -> Error {
    let allowed = (name.len() / 3).max(2);
    let mut near: Vec<_> = names
        .map(|other| (distance(name, other), other))
        .filter(|(distance, other)| {
            *distance <= allowed || !name.is_empty() && is_part(name, other)
        })
        .collect();
    near.sort_unstable();
    let near: Vec<_> = near.into_iter().take(SUGGESTIONS_MAX).map(|(_, name)| name).collect();
    let mut text = format!("there is no {what} setting {name:?}");
    if !near.is_empty() {
        // Writing to a string does not fail.
        let _ = write!(text, "; did you mean {}?", near.join(" or "));
    }
    Error::new(ErrorKind::InvalidConfig, text)
}

impl<C> Setting<C> {
    fn set(&self, config: &mut C, value: &str) -> Result<()> {
        let (whole, value) = (value, value.trim());
        let refuse = |why: &str| {
            let text = format!("{}: {value:?} is not {why}", self.name);
            Err(Error::new(ErrorKind::InvalidConfig, text))
        };
        match self.takes {
            Takes::Bool(put) => match value {
                "true" => put(config, true),
                "false" => put(config, false),
                _ => return refuse("true or false"),
            },
            Takes::Number(min, max, put) => match number(value, min, max) {
                Some(number) => put(config, number),
                None => return refuse(&format!("a whole number from {min} to {max}")),
            },
            Takes::Millis(min, max, put) => match number(value, min, max) {
                Some(millis) => put(config, Duration::from_millis(millis)),
                None => {
                    return refuse(&format!("a whole number of milliseconds from {min} to {max}"));
                }
            },
            Takes::Word(words, put) if words.contains(&value) => put(config, value),
            Takes::Word(words, _) => return refuse(&words.join(", ")),
            Takes::Text(_, put) => put(config, whole).map_err(|why| {
                Error::new(ErrorKind::InvalidConfig, format!("{}: {why}", self.name))
            })?,
        }
        Ok(())
    }

    fn describe(&self) -> SettingDescription {
        let accepts = match self.takes {
            Takes::Bool(_) => "true, false".to_owned(),
            Takes::Number(min, max, _) | Takes::Millis(min, max, _) => format!("{min} to {max}"),
            Takes::Word(words, _) => words.join(", "),
            Takes::Text(what, _) => what.to_owned(),
        };
        let (name, default, meaning) = (self.name, self.default, self.meaning);
        SettingDescription { name, default, accepts, meaning }
    }
}

/// What there is to know of each of `settings`, by name in order.
pub(crate) fn describe<C>(settings: &[Setting<C>]) -> Vec<SettingDescription> {
    settings.iter().map(Setting::describe).collect()
}

fn number(value: &str, min: u64, max: u64) -> Option<u64> {
    value.parse().ok().filter(|number| (min..=max).contains(number))
}

/// Whether one name is a part of the other, such as `partitions` of `num.partitions`.
fn is_part(name: &str, other: &str) -> bool {
    other.contains(name) || name.contains(other)
}

/// How many letters have to be changed, put in or taken out (Levenshtein). Separators are all
/// alike.
fn distance(a: &str, b: &str) -> usize {
    let letters = |text: &str| -> Vec<u8> {
        let plain = |letter: u8| if matches!(letter, b'_' | b'-') { b'.' } else { letter };
        text.bytes().map(|letter| plain(letter.to_ascii_lowercase())).collect()
    };
    let (a, b) = (letters(a), letters(b));
    // A name is not that long: nobody's text is to cost more than a glance.
    if a.len().abs_diff(b.len()) > b.len() {
        return usize::MAX;
    }
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (at, letter) in a.iter().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], at + 1);
        for (column, other) in b.iter().enumerate() {
            let changed = diagonal + usize::from(letter != other);
            diagonal = row[column + 1];
            row[column + 1] = changed.min(row[column] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

/// Compares a section of `docs/settings.md` with the settings that it is about.
#[cfg(test)]
pub(crate) fn check_document<C>(heading: &str, settings: &[Setting<C>]) {
    let document = include_str!("../../docs/settings.md");
    let section = document.split("\n## ").find(|section| section.starts_with(heading));
    let section = section.unwrap_or_else(|| panic!("no section {heading}"));
    let rows: Vec<&str> = section.lines().filter(|line| line.starts_with("| `")).collect();
    let expected: Vec<String> = describe(settings).iter().map(row).collect();
    assert_eq!(rows, expected, "\n{}\n", expected.join("\n"));
}

/// A setting's row of the table in `docs/settings.md`.
#[cfg(test)]
fn row(setting: &SettingDescription) -> String {
    let default = match setting.default {
        "" => "nothing".to_owned(),
        computed if computed.contains(' ') => computed.to_owned(),
        value => format!("`{value}`"),
    };
    let SettingDescription { name, accepts, meaning, .. } = setting;
    format!("| `{name}` | {default} | {accepts} | {meaning} |")
}

/// Checks that every setting accepts its default, and that this changes nothing.
#[cfg(test)]
pub(crate) fn check_defaults<C: Default + std::fmt::Debug>(settings: &[Setting<C>]) {
    let mut config = C::default();
    for setting in settings {
        if !setting.default.is_empty() && !setting.default.contains(' ') {
            setting.set(&mut config, setting.default).unwrap();
        }
        assert_eq!(format!("{config:?}"), format!("{:?}", C::default()), "{}", setting.name);
    }
    let names: Vec<_> = settings.iter().map(|setting| setting.name).collect();
    assert!(names.windows(2).all(|pair| pair[0] < pair[1]), "not in order: {names:?}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Default, PartialEq)]
    struct Config {
        on: bool,
        number: u64,
        time: Duration,
        word: String,
    }

    const SETTINGS: &[Setting<Config>] = &[
        Setting {
            name: "linger.ms",
            default: "0",
            takes: Takes::Millis(0, 10, |config, time| config.time = time),
            meaning: "How long.",
        },
        Setting {
            name: "log.level",
            default: "",
            takes: Takes::Word(&["low", "high"], |config, word| config.word = word.to_owned()),
            meaning: "How much.",
        },
        Setting {
            name: "num.partitions",
            default: "1",
            takes: Takes::Number(1, 9, |config, number| config.number = number),
            meaning: "How many.",
        },
        Setting {
            name: "topics.create.enable",
            default: "false",
            takes: Takes::Bool(|config, on| config.on = on),
            meaning: "Whether.",
        },
        Setting {
            name: "word",
            default: "as it is",
            takes: Takes::Text("a word", |_, _| Err("not today".to_owned())),
            meaning: "Which.",
        },
    ];

    fn error(name: &str, value: &str) -> String {
        let error = set(&mut Config::default(), "broker", SETTINGS, name, value).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidConfig);
        error.to_string()
    }

    #[test]
    fn values_get_to_their_fields() {
        let mut config = Config::default();
        for (name, value) in [
            ("linger.ms", "7"),
            ("log.level", "high"),
            ("num.partitions", " 3 "),
            ("topics.create.enable", "true"),
        ] {
            set(&mut config, "broker", SETTINGS, name, value).unwrap();
        }
        let time = Duration::from_millis(7);
        assert_eq!(config, Config { on: true, number: 3, time, word: "high".to_owned() });
    }

    #[test]
    fn a_wrong_name_is_answered_with_the_nearest() {
        for (name, says) in [
            ("num.partitons", "; did you mean num.partitions?"),
            ("num_partitions", "; did you mean num.partitions?"),
            ("partitions", "; did you mean num.partitions?"),
            ("LINGER.MS", "; did you mean linger.ms?"),
            ("m", "; did you mean linger.ms or num.partitions?"),
            ("entirely.different", "\"entirely.different\""),
            ("", "there is no broker setting \"\""),
        ] {
            assert!(error(name, "1").ends_with(says), "{name}: {}", error(name, "1"));
        }
        assert!(error(&"x".repeat(100_000), "1").contains("xxx"));
    }

    #[test]
    fn a_wrong_value_is_answered_with_what_it_may_be() {
        for (name, value, says) in [
            ("linger.ms", "11", "linger.ms: \"11\" is not a whole number of milliseconds from 0"),
            ("linger.ms", "-1", "from 0 to 10"),
            ("log.level", "loud", "log.level: \"loud\" is not low, high"),
            ("num.partitions", "0", "num.partitions: \"0\" is not a whole number from 1 to 9"),
            ("num.partitions", "99999999999999999999", "from 1 to 9"),
            ("num.partitions", "", "\"\" is not a whole number"),
            ("topics.create.enable", "yes", "\"yes\" is not true or false"),
            ("word", "hello", "word: not today"),
        ] {
            assert!(error(name, value).contains(says), "{}", error(name, value));
        }
    }

    #[test]
    fn rows_say_it_all() {
        assert_eq!(row(&SETTINGS[2].describe()), "| `num.partitions` | `1` | 1 to 9 | How many. |");
        assert_eq!(
            row(&SETTINGS[1].describe()),
            "| `log.level` | nothing | low, high | How much. |"
        );
        assert_eq!(row(&SETTINGS[4].describe()), "| `word` | as it is | a word | Which. |");
    }
}
