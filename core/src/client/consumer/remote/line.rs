//! The connection of a thread to its broker.

use std::sync::Arc;
use std::time::Instant;

use super::state::Shared;
use crate::client::remote::connection::{Connection, Frame};
use crate::error::{Error, ErrorKind, Result};

/// A connection that is opened when it is needed, and whose waits another thread can end.
#[derive(Debug)]
pub(super) struct Line<'a> {
    pub(super) shared: &'a Arc<Shared>,
    pub(super) node: i32,
    connection: Option<Connection>,
}

impl<'a> Line<'a> {
    pub(super) fn new(shared: &'a Arc<Shared>, node: i32) -> Self {
        Self { shared, node, connection: None }
    }

    /// Whether there is a connection that has not failed.
    pub(super) fn is_open(&self) -> bool {
        self.connection.as_ref().is_some_and(|connection| !connection.is_broken())
    }

    /// Closes the connection.
    pub(super) fn hang_up(&mut self) {
        self.connection = None;
    }

    /// The connection, opened if need be.
    pub(super) fn connection(&mut self) -> Result<&mut Connection> {
        let usable = self.connection.take().filter(|connection| !connection.is_broken());
        let connection = match usable {
            Some(connection) => connection,
            None => {
                let deadline = Instant::now() + self.shared.config.request_timeout;
                self.shared.cluster.connect_node(self.node, deadline)?
            }
        };
        Ok(self.connection.insert(connection))
    }

    /// Waits for the answer to what was just sent. `None` if there is something better to do: the
    /// connection is given up then.
    pub(super) fn receive(&mut self, deadline: Instant) -> Result<Option<Frame>> {
        let Some(connection) = &mut self.connection else {
            return Err(Error::new(ErrorKind::Network, "there is no connection"));
        };
        // Without a second handle on the socket nobody can end the wait early, that is all.
        let stream = connection.stream().try_clone().ok();
        if !self.shared.waits(self.node, stream) {
            self.shared.waits(self.node, None);
            self.connection = None;
            return Ok(None);
        }
        let received = connection.receive(deadline);
        let wanted = self.shared.waits(self.node, None);
        match received {
            Ok(frame) => Ok(Some(frame)),
            Err(error) => {
                self.connection = None;
                if wanted { Err(error) } else { Ok(None) }
            }
        }
    }
}
