//! What a program that embeds a broker may have a say in: each record that comes, each record that
//! goes, and who may connect.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use crate::batch::records::Headers;
use crate::clock::Millis;

/// Looks at a record on its way, and says what becomes of it.
pub type RecordHook = dyn Fn(&Passing<'_>) -> Verdict + Send + Sync;

/// Says whether somebody may connect; the error is the reason that the client is told.
pub type AuthenticationHook = dyn Fn(&Login<'_>) -> Result<(), String> + Send + Sync;

/// The hooks of a broker. One that is not set costs nothing.
///
/// A hook is called on the thread that carries the record: one of the server's for a client of
/// the Kafka door, else the thread that is in a call of a client in this process, or the thread of
/// that client. Whoever else that thread serves waits meanwhile. A hook may be called by several
/// threads at once, and under no lock of the broker. It may use clients, but not wait for what
/// needs the hook itself, and not close the broker. A panic in it is a [`Verdict::Fail`].
#[derive(Clone, Default)]
pub struct Hooks {
    /// Asked about each record before it is appended. Where one record of a batch is refused, so
    /// is the batch, as Kafka does it; the client is told the reason of each.
    pub admission: Option<Arc<RecordHook>>,
    /// Asked about each record before a consumer gets it, each time. A record that is refused is
    /// left out; in a queue group it counts as accepted.
    pub delivery: Option<Arc<RecordHook>>,
    /// Asked about the user name and password (SASL/PLAIN) of each connection of the Kafka door,
    /// which serves nobody who has not been let in. Clients in this process are not asked.
    pub authentication: Option<Arc<AuthenticationHook>>,
}

/// A record that passes a hook.
#[derive(Debug, Clone, Copy)]
pub struct Passing<'a> {
    /// Who sends it, or is to get it.
    pub peer: Peer<'a>,
    /// The topic's name.
    pub topic: &'a str,
    /// The partition's index in the topic.
    pub partition: u32,
    /// Its offset; `None` at admission, where it has none yet.
    pub offset: Option<u64>,
    /// The producer's time or the time of the append, in ms since 1970.
    pub timestamp: Millis,
    /// The key.
    pub key: Option<&'a [u8]>,
    /// The value.
    pub value: Option<&'a [u8]>,
    /// The headers.
    pub headers: Headers<'a>,
}

/// Who is on the other side.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Peer<'a> {
    /// What the client calls itself.
    pub client_id: &'a str,
    /// The user that authentication let in.
    pub user: Option<&'a str>,
    /// Where the client is; `None` for one in this process.
    pub address: Option<SocketAddr>,
}

/// What becomes of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It goes on as it is.
    Pass,
    /// It goes on changed. Its timestamp stays.
    Change(Changed),
    /// It does not go on, for this reason.
    Refuse(String),
    /// The hook cannot say, for this reason. At admission that refuses the record. At delivery
    /// nothing is decided: a fetch ends before the record's batch with an error, a queue group
    /// takes the batch back, and both are tried again.
    Fail(String),
}

/// What a record is from here on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changed {
    /// The key.
    pub key: Option<Vec<u8>>,
    /// The value.
    pub value: Option<Vec<u8>>,
    /// The headers.
    pub headers: Vec<(Vec<u8>, Option<Vec<u8>>)>,
}

/// Somebody who wants to be let in.
#[derive(Clone, Copy)]
pub struct Login<'a> {
    /// The user's name.
    pub user: &'a str,
    /// The password. It is never shown.
    pub password: &'a str,
    /// Where the client is.
    pub address: SocketAddr,
}

impl fmt::Debug for Hooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hooks")
            .field("admission", &self.admission.is_some())
            .field("delivery", &self.delivery.is_some())
            .field("authentication", &self.authentication.is_some())
            .finish()
    }
}

impl fmt::Debug for Login<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Login")
            .field("user", &self.user)
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}
