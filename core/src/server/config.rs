//! How the Kafka door behaves: every setting, with its default.

use std::num::NonZeroUsize;
use std::thread;
use std::time::Duration;

use crate::limits::FRAME_BYTES_MAX;

/// More threads than this do not make a broker of one machine faster by default.
const THREADS_DEFAULT_MAX: usize = 4;

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
