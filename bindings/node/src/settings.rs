//! Settings as JavaScript hands them over: names and values in turn. And where a broker is.

use std::time::Duration;

use minka::Result;
use minka::client::{StartAt, Target};

use crate::broker::NativeBroker;
use crate::error::invalid;

/// Longer than anybody waits.
pub(crate) const FOREVER: Duration = Duration::from_secs(365 * 24 * 3600);

/// Pairs of names and values.
pub(crate) fn pairs(settings: &[String]) -> Vec<(&str, &str)> {
    let (pairs, _) = settings.as_chunks::<2>();
    pairs.iter().map(|[name, value]| (name.as_str(), value.as_str())).collect()
}

/// Sets each setting in turn.
pub(crate) fn set_all(
    settings: &[String],
    mut set: impl FnMut(&str, &str) -> Result<()>,
) -> Result<()> {
    pairs(settings).into_iter().try_for_each(|(name, value)| set(name, value))
}

/// A broker of this process, or the address.
pub(crate) fn target(broker: Option<&NativeBroker>, address: String) -> Target {
    broker.map_or(Target::Address(address), |broker| Target::from(broker.embedded().broker()))
}

/// A time in ms, which may be endless.
pub(crate) fn duration(ms: f64) -> Duration {
    Duration::try_from_secs_f64(ms / 1000.0).map_or(FOREVER, |time| time.min(FOREVER))
}

/// Where to begin: `earliest`, `latest`, `time:MS` or `offset:OFFSET`.
pub(crate) fn start_at(text: &str) -> Result<StartAt> {
    let number = |text: &str| text.parse().map_err(|_| invalid(format!("{text} is no offset")));
    match text.split_once(':') {
        None if text == "earliest" => Ok(StartAt::Earliest),
        None if text == "latest" => Ok(StartAt::Latest),
        Some(("offset", offset)) => Ok(StartAt::Offset(number(offset)?)),
        Some(("time", time)) => {
            let time = time.parse().map_err(|_| invalid(format!("{time} is no time in ms")))?;
            Ok(StartAt::Time(time))
        }
        _ => Err(invalid(format!("{text} is no place to begin"))),
    }
}
