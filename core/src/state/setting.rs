//! What the settings of topics and of groups have in common: types, what they accept, changes.

use crate::error::{Error, ErrorKind, Result};
use crate::state::topic::check_name;

/// The type of a setting, with the numbers that DescribeConfigs gives them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i8)]
pub enum ConfigType {
    /// `true` or `false`.
    Boolean = 1,
    /// Text.
    String = 2,
    /// A whole number of 32 bits.
    Int = 3,
    /// A whole number of 64 bits.
    Long = 5,
    /// A number.
    Double = 6,
    /// Texts, separated by commas.
    List = 7,
}

/// One setting of a topic or group, as DescribeConfigs answers it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConfigEntry<'a> {
    /// The setting's name.
    pub name: &'static str,
    /// Its value.
    pub value: &'a str,
    /// Whether the value is the default and was not given for this topic or group.
    pub is_default: bool,
    /// The type of the value.
    pub config_type: ConfigType,
    /// What it means; nothing where it means what it means in Kafka.
    pub documentation: Option<&'static str>,
}

/// A change of the settings of a topic or group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConfigChange<'a> {
    /// All settings go back to their defaults.
    Reset,
    /// The setting of this name gets this value.
    Set(&'a str, &'a str),
    /// The setting of this name goes back to its default.
    Delete(&'a str),
    /// The list of this name gets these values, separated by commas, behind those it has.
    Append(&'a str, &'a str),
    /// The list of this name loses these values.
    Subtract(&'a str, &'a str),
}

/// What values a setting may have.
#[derive(Debug, Clone, Copy)]
pub(super) enum Accepts {
    Bool,
    Int(i64, i64),
    Long(i64),
    Fraction,
    OneOf(&'static [&'static str]),
    CleanupPolicy,
    ThrottledReplicas,
    ShareOffsetReset,
    /// The name of a topic, or nothing.
    TopicOrNone,
}

/// A setting that is known.
#[derive(Debug, Clone, Copy)]
pub(super) struct Setting {
    pub(super) name: &'static str,
    pub(super) default: &'static str,
    accepts: Accepts,
    pub(super) documentation: Option<&'static str>,
}

impl Setting {
    /// One that means what it means in Kafka.
    pub(super) const fn kafkas(
        name: &'static str,
        default: &'static str,
        accepts: Accepts,
    ) -> Self {
        Self { name, default, accepts, documentation: None }
    }

    /// One that says what it means.
    pub(super) const fn documented(
        name: &'static str,
        default: &'static str,
        accepts: Accepts,
        documentation: &'static str,
    ) -> Self {
        Self { name, default, accepts, documentation: Some(documentation) }
    }
}

/// The settings of `table`, by name in order, with the values that `given` leaves them.
pub(super) fn entries<'a>(
    table: &'static [Setting],
    given: &'a [(String, String)],
) -> impl Iterator<Item = ConfigEntry<'a>> {
    table.iter().map(|setting| {
        let own = place(given, setting.name).ok().map(|at| given[at].1.as_str());
        ConfigEntry {
            name: setting.name,
            value: own.unwrap_or(setting.default),
            is_default: own.is_none(),
            config_type: setting.accepts.config_type(),
            documentation: setting.documentation,
        }
    })
}

/// The values of `given` that may be acted on: their settings are in `table` and accept them.
pub(super) fn accepted<'a>(
    table: &'static [Setting],
    given: &'a [(String, String)],
) -> impl Iterator<Item = (&'a str, &'a str)> {
    let is_good = move |name: &str, value: &str| {
        find(table, name).is_some_and(|setting| setting.accepts.check(value).is_ok())
    };
    let given = given.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    given.filter(move |(name, value)| is_good(name, value))
}

impl Accepts {
    pub(super) fn check(self, value: &str) -> Result<()> {
        match self {
            Self::Bool if matches!(value, "true" | "false") => Ok(()),
            Self::Bool => Err(invalid(format!("{value:?} is neither true nor false"))),
            Self::Int(min, max) => whole_number(value, min, max),
            Self::Long(min) => whole_number(value, min, i64::MAX),
            Self::Fraction => match value.parse() {
                Ok(part) if (0.0..=1.0_f64).contains(&part) => Ok(()),
                _ => Err(invalid(format!("{value:?} is not a number from 0 to 1"))),
            },
            Self::OneOf(values) if values.contains(&value) => Ok(()),
            Self::OneOf(values) => {
                Err(invalid(format!("{value:?} is not accepted, only {}", values.join(", "))))
            }
            Self::CleanupPolicy => cleanup_policy(value),
            Self::ThrottledReplicas => Ok(()),
            Self::ShareOffsetReset => offset_reset(value),
            Self::TopicOrNone if value.is_empty() => Ok(()),
            Self::TopicOrNone => check_name(value).map_err(|error| invalid(error.to_string())),
        }
    }

    pub(super) fn config_type(self) -> ConfigType {
        match self {
            Self::Bool => ConfigType::Boolean,
            Self::Int(..) => ConfigType::Int,
            Self::Long(_) => ConfigType::Long,
            Self::Fraction => ConfigType::Double,
            Self::OneOf(["false"]) => ConfigType::Boolean,
            Self::OneOf(_) | Self::ShareOffsetReset | Self::TopicOrNone => ConfigType::String,
            Self::CleanupPolicy | Self::ThrottledReplicas => ConfigType::List,
        }
    }
}

/// The values that are given after some changes, by name in order. `what` has the settings of
/// `table`.
///
/// # Errors
/// `InvalidConfig` for an unknown name or a value that the setting does not accept.
pub(super) fn altered(
    given: &[(String, String)],
    changes: &[ConfigChange<'_>],
    what: &str,
    table: &'static [Setting],
) -> Result<Vec<(String, String)>> {
    let known = |name: &str| {
        find(table, name).ok_or_else(|| {
            invalid(format!("minka knows no {what} setting that is called {name:?}"))
        })
    };
    let mut given = given.to_vec();
    for change in changes {
        let (name, value) = match *change {
            ConfigChange::Reset => {
                given.clear();
                continue;
            }
            ConfigChange::Delete(name) => {
                match place(&given, name) {
                    Ok(at) => drop(given.remove(at)),
                    // What was given may be gone, whatever it is; else the name is wrong.
                    Err(_) => drop(known(name)?),
                }
                continue;
            }
            ConfigChange::Set(name, value) => (name, value.trim().to_owned()),
            ConfigChange::Append(name, more) => {
                let mut list = list(&given, name, known(name)?)?;
                list.extend(items(more).filter(|item| !list.contains(item)).collect::<Vec<_>>());
                (name, list.join(","))
            }
            ConfigChange::Subtract(name, less) => {
                let mut list = list(&given, name, known(name)?)?;
                list.retain(|item| !items(less).any(|gone| gone == *item));
                (name, list.join(","))
            }
        };
        known(name)?.accepts.check(&value).map_err(|error| error.context(name))?;
        match place(&given, name) {
            Ok(at) => given[at].1 = value,
            Err(at) => given.insert(at, (name.to_owned(), value)),
        }
    }
    Ok(given)
}

/// How long an ISO 8601 duration of days, hours, minutes and seconds is, in milliseconds; as
/// Java reads it (`java.time.Duration.parse`), but never negative.
pub(super) fn duration_ms(text: &str) -> Option<u64> {
    let text = text.to_ascii_uppercase();
    let rest = text.strip_prefix('P')?;
    let (days, time) = match rest.split_once('T') {
        Some((_, "")) => return None,
        Some((days, time)) => (days, time),
        None => (rest, ""),
    };
    if days.is_empty() && time.is_empty() {
        return None;
    }
    let mut millis: u64 = 0;
    let mut rest = (days, time);
    for (unit, of_day) in [('D', true), ('H', false), ('M', false), ('S', false)] {
        let part = if of_day { &mut rest.0 } else { &mut rest.1 };
        let Some((number, behind)) = part.split_once(unit) else {
            continue;
        };
        *part = behind;
        let unit_ms = match unit {
            'D' => 86_400_000,
            'H' => 3_600_000,
            'M' => 60_000,
            _ => 1000,
        };
        let (whole, fraction) = match number.split_once('.') {
            Some((whole, fraction)) if unit == 'S' => (whole, fraction),
            Some(_) => return None,
            None => (number, ""),
        };
        let is_number = |digits: &str| digits.bytes().all(|digit| digit.is_ascii_digit());
        if !is_number(whole) || fraction.len() > 9 || !is_number(fraction) {
            return None;
        }
        let thousandths = format!("{fraction:0<3}").get(..3)?.parse::<u64>().ok()?;
        let whole = whole.parse::<u64>().ok()?;
        millis = whole.checked_mul(unit_ms)?.checked_add(thousandths)?.checked_add(millis)?;
    }
    (rest == ("", "")).then_some(millis)
}

pub(super) fn invalid(text: String) -> Error {
    Error::new(ErrorKind::InvalidConfig, text)
}

/// The setting of this name in a table that is sorted by name.
fn find(table: &'static [Setting], name: &str) -> Option<&'static Setting> {
    let at = table.binary_search_by(|setting| setting.name.cmp(name)).ok()?;
    Some(&table[at])
}

fn place(given: &[(String, String)], name: &str) -> std::result::Result<usize, usize> {
    given.binary_search_by(|(other, _)| other.as_str().cmp(name))
}

/// The values that the list of this name has now.
fn list<'g>(given: &'g [(String, String)], name: &str, known: &Setting) -> Result<Vec<&'g str>> {
    if known.accepts.config_type() != ConfigType::List {
        return Err(invalid(format!("{name} is no list: set it or delete it")));
    }
    let value = place(given, name).map_or(known.default, |at| given[at].1.as_str());
    Ok(items(value).collect())
}

fn items(list: &str) -> impl Iterator<Item = &str> {
    list.split(',').map(str::trim).filter(|item| !item.is_empty())
}

fn whole_number(value: &str, min: i64, max: i64) -> Result<()> {
    match value.parse::<i64>() {
        Ok(number) if (min..=max).contains(&number) => Ok(()),
        _ => Err(invalid(format!("{value:?} is not a whole number from {min} to {max}"))),
    }
}

fn cleanup_policy(value: &str) -> Result<()> {
    let mut policies = value.split(',').map(str::trim);
    if policies.clone().any(|policy| policy == "compact") {
        let text = "compaction is not there yet, create the topic with cleanup.policy=delete";
        return Err(invalid(text.to_owned()));
    }
    if policies.all(|policy| policy == "delete") {
        return Ok(());
    }
    Err(invalid(format!("{value:?} is not accepted, only delete")))
}

fn offset_reset(value: &str) -> Result<()> {
    let duration = value.strip_prefix("by_duration:");
    if matches!(value, "latest" | "earliest") || duration.and_then(duration_ms).is_some() {
        return Ok(());
    }
    Err(invalid(format!(
        "{value:?} is not accepted, only latest, earliest and by_duration: with a duration such \
         as PT1H30M or P7D behind it"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_java_reads_them() {
        for (text, millis) in [
            ("PT0S", 0),
            ("PT20.345S", 20_345),
            ("pt15m", 900_000),
            ("PT10H", 36_000_000),
            ("P2D", 172_800_000),
            ("P2DT3H4M", 183_840_000),
            ("PT1.5S", 1500),
            ("PT0.0019S", 1),
        ] {
            assert_eq!(duration_ms(text), Some(millis), "{text}");
        }
        for text in [
            "",
            "P",
            "PT",
            "P1DT",
            "P1H",
            "PT1D",
            "PT1",
            "PT1M1H",
            "PT1S1S",
            "PTS",
            "PT-1S",
            "-PT1S",
            "PT1.5M",
            "PT1.0123456789S",
            "PT+1S",
            "P1Y",
            "P99999999999999999999D",
            "P999999999999D",
            "1 hour",
        ] {
            assert_eq!(duration_ms(text), None, "{text}");
        }
    }
}
