//! How long to wait before something is tried again.

use std::time::Duration;

/// Delays that double from a least to a most, each changed by up to a fifth at random, so that
/// many clients that lost one broker do not come back in step.
#[derive(Debug, Clone)]
pub(crate) struct Backoff {
    min: Duration,
    max: Duration,
    next: Duration,
}

impl Backoff {
    /// Delays from `min` to `max`.
    pub(crate) fn new(min: Duration, max: Duration) -> Self {
        Self { min, max, next: min }
    }

    /// The delay before the next try.
    pub(crate) fn next_delay(&mut self) -> Duration {
        let delay = self.next.min(self.max);
        self.next = delay.saturating_mul(2);
        // Without randomness the delay is as good as any.
        let random = getrandom::u32().unwrap_or(u32::MAX / 2);
        delay.mul_f64(0.8 + 0.4 * f64::from(random) / f64::from(u32::MAX))
    }

    /// Begins at the least again: a try succeeded.
    pub(crate) fn reset(&mut self) {
        self.next = self.min;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_double_up_to_the_most_and_begin_again() {
        let (min, max) = (Duration::from_millis(100), Duration::from_secs(1));
        let mut backoff = Backoff::new(min, max);
        for expected in [100, 200, 400, 800, 1000, 1000] {
            let delay = backoff.next_delay().as_millis();
            assert!((expected * 79 / 100..=expected * 121 / 100).contains(&delay), "{delay}");
        }
        backoff.reset();
        assert!(backoff.next_delay() <= min.mul_f64(1.21));
    }
}
