//! SIGTERM and SIGINT: the first ends the broker cleanly, the second at once.

use std::io;
use std::sync::mpsc::{Receiver, sync_channel};

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

/// Starts to watch. The first signal's number comes out of the receiver; a second ends the
/// process with 128 and its number, as a shell says it.
pub fn watch() -> io::Result<Receiver<i32>> {
    let mut signals = Signals::new([SIGINT, SIGTERM])?;
    let (first, receiver) = sync_channel(1);
    std::thread::Builder::new().name("signals".into()).spawn(move || {
        let on_first = |signal| {
            // Where nobody receives any more, the broker is on its way out already.
            let _ = first.try_send(signal);
        };
        handle(signals.forever(), on_first, |signal| std::process::exit(128 + signal));
    })?;
    Ok(receiver)
}

/// A signal's name, for people.
pub fn name(signal: i32) -> &'static str {
    match signal {
        SIGINT => "SIGINT",
        SIGTERM => "SIGTERM",
        _ => "a signal",
    }
}

fn handle(
    signals: impl IntoIterator<Item = i32>,
    on_first: impl FnOnce(i32),
    on_second: impl FnOnce(i32),
) {
    let mut signals = signals.into_iter();
    let Some(first) = signals.next() else { return };
    on_first(first);
    if let Some(second) = signals.next() {
        on_second(second);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_signal_is_not_treated_as_the_first() {
        for (signals, expected) in [
            (&[][..], (None, None)),
            (&[SIGTERM], (Some(SIGTERM), None)),
            (&[SIGTERM, SIGINT, SIGINT], (Some(SIGTERM), Some(SIGINT))),
        ] {
            let (mut first, mut second) = (None, None);
            handle(signals.iter().copied(), |s| first = Some(s), |s| second = Some(s));
            assert_eq!((first, second), expected);
        }
    }
}
