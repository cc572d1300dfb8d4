//! How the Kafka door behaves: every setting, with its default.

use std::num::NonZeroUsize;
use std::thread;
use std::time::Duration;

use crate::error::Result;
use crate::limits::FRAME_BYTES_MAX;
use crate::setting::{self, MS_MAX, Setting, Takes};

/// More threads than this do not make a broker of one machine faster by default.
const THREADS_DEFAULT_MAX: usize = 4;
/// More than this nobody means.
const THREADS_MAX: u64 = 256;

/// The settings of a [`super::Server`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerConfig {
    /// Where to listen: a host name or IP address (IPv6 without brackets), and a port, of which 0
    /// takes a free one.
    pub listen: (String, u16),
    /// Where clients are told to connect; `None` for the address that is listened on. Port 0 is
    /// the port that is listened on.
    pub advertised: Option<(String, u16)>,
    /// How many threads serve connections (`num.network.threads`).
    pub threads: NonZeroUsize,
    /// How many connections are served at once; more are closed when they come
    /// (`max.connections`).
    pub connections_max: usize,
    /// After how long a connection is closed on which nothing moves (`connections.max.idle.ms`).
    pub idle_timeout: Duration,
    /// The largest request, in bytes (`socket.request.max.bytes`).
    pub frame_bytes_max: usize,
    /// Whether a topic may be asked for with more replicas than the one that there is. Kafka
    /// refuses that with `INVALID_REPLICATION_FACTOR`; but programs ask for three replicas out of
    /// habit, and with them minka could not take the place of a cluster in a test.
    pub lenient_replication: bool,
}

impl Default for ServerConfig {
    fn default() -> Self {
        let cores = thread::available_parallelism().map_or(1, NonZeroUsize::get);
        Self {
            listen: ("127.0.0.1".to_owned(), 9092),
            advertised: None,
            threads: NonZeroUsize::new(cores.min(THREADS_DEFAULT_MAX)).unwrap_or(NonZeroUsize::MIN),
            connections_max: 10_000,
            idle_timeout: Duration::from_secs(600),
            frame_bytes_max: FRAME_BYTES_MAX,
            lenient_replication: true,
        }
    }
}

impl ServerConfig {
    /// Sets one setting by its Kafka name, such as `max.connections`.
    ///
    /// # Errors
    /// [`crate::ErrorKind::InvalidConfig`] for a name that is none, or a value that it cannot
    /// have.
    pub fn set(&mut self, name: &str, value: &str) -> Result<()> {
        setting::set(self, "server", SETTINGS, name, value)
    }
}

/// The settings by name, in order.
pub(crate) const SETTINGS: &[Setting<ServerConfig>] = &[
    Setting {
        name: "connections.max.idle.ms",
        default: "600000",
        takes: Takes::Millis(1, MS_MAX, |config, time| config.idle_timeout = time),
        meaning: "After how long a connection is closed on which nothing moves.",
    },
    Setting {
        name: "max.connections",
        default: "10000",
        takes: Takes::Number(1, MS_MAX, |config, number| config.connections_max = number as usize),
        meaning: "How many connections are served at once; more are closed when they come.",
    },
    Setting {
        name: "num.network.threads",
        default: "one for each core, up to 4",
        takes: Takes::Number(1, THREADS_MAX, |config, number| {
            config.threads = NonZeroUsize::new(number as usize).unwrap_or(NonZeroUsize::MIN);
        }),
        meaning: "How many threads serve connections.",
    },
    Setting {
        name: "socket.request.max.bytes",
        default: "104857600",
        takes: Takes::Number(1024, FRAME_BYTES_MAX as u64, |config, number| {
            config.frame_bytes_max = number as usize
        }),
        meaning: "The largest request.",
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_accepts_its_default_and_is_in_the_document() {
        setting::check_defaults(SETTINGS);
        setting::check_document("Kafka door", SETTINGS);
    }

    #[test]
    fn every_setting_gets_to_its_field() {
        let mut config = ServerConfig::default();
        for entry in SETTINGS {
            config
                .set(entry.name, if entry.name.ends_with("bytes") { "2048" } else { "7" })
                .unwrap();
        }
        let expected = ServerConfig {
            threads: NonZeroUsize::new(7).unwrap(),
            connections_max: 7,
            idle_timeout: Duration::from_millis(7),
            frame_bytes_max: 2048,
            ..ServerConfig::default()
        };
        assert_eq!(config, expected);
    }
}
