//! The Kafka door: its threads, and starting and ending them.

use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use mio::{Poll, Waker};

use super::config::ServerConfig;
use super::kafka::Door;
use super::listener;
use super::mailbox::Mailbox;
use super::worker::{Acceptor, WAKER, Worker};
use crate::engine::Broker;
use crate::error::{Error, ErrorKind, Result};
use crate::sys::event_log::Level;

/// A Kafka door that is open. May be used from any thread; [`Server::close`] or dropping it ends
/// its threads and closes its connections.
#[derive(Debug)]
pub struct Server {
    kafka: SocketAddr,
    mailboxes: Arc<[Arc<Mailbox>]>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl Server {
    /// Listens, and serves `broker` to whoever connects.
    ///
    /// Fails with [`ErrorKind::Network`] where the address cannot be listened on, and with
    /// [`ErrorKind::InvalidConfig`] where it is no address that clients can be told.
    pub fn start(broker: Arc<Broker>, config: ServerConfig) -> Result<Self> {
        let (host, port) = &config.listen;
        let (listener, kafka) = listener::listen(host, *port)?;
        let advertised = advertised(&config, kafka)?;
        let events = broker.events().clone();
        let text = format_args!(
            "serving Kafka clients on {kafka}, which are told to connect to {}",
            listener::shown(&advertised.0, advertised.1)
        );
        events.log(Level::Info, text);
        let door = Arc::new(Door::new(broker, advertised, &config));
        let mut polls = Vec::new();
        let mut mailboxes = Vec::new();
        for _ in 0..config.threads.get() {
            let poll = Poll::new().map_err(starting)?;
            let waker = Waker::new(poll.registry(), WAKER).map_err(starting)?;
            mailboxes.push(Arc::new(Mailbox::new(waker)));
            polls.push(poll);
        }
        let server = Self { kafka, mailboxes: mailboxes.into(), threads: Mutex::default() };
        let open = Arc::new(AtomicUsize::new(0));
        let mut listener = Some(listener);
        for (number, poll) in polls.into_iter().enumerate() {
            let mailbox = server.mailboxes[number].clone();
            let mut worker = Worker::new(door.clone(), poll, mailbox, &config, open.clone());
            if let Some(listener) = listener.take() {
                let acceptor = Acceptor::new(listener, server.mailboxes.clone());
                worker.accept_from(acceptor).map_err(starting)?;
            }
            server.spawn(number, worker)?;
        }
        Ok(server)
    }

    /// Where Kafka clients are served: the real port where port 0 was asked for.
    pub fn kafka_address(&self) -> SocketAddr {
        self.kafka
    }

    /// Closes all connections; new ones are accepted. Not to be called by a hook.
    pub fn drop_connections(&self) {
        let waits: Vec<_> =
            self.mailboxes.iter().map(|mailbox| mailbox.drop_connections()).collect();
        for done in waits {
            // Nothing is ever sent: it ends when the thread has done it, or is gone.
            let _ = done.recv();
        }
    }

    /// Closes all connections and ends the threads. Does nothing the second time.
    pub fn close(&self) {
        for mailbox in &*self.mailboxes {
            mailbox.end();
        }
        let mut threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner);
        for thread in threads.drain(..) {
            // A panic of the thread has been printed, and its connections are closed.
            let _ = thread.join();
        }
    }

    fn spawn(&self, number: usize, worker: Worker) -> Result<()> {
        let thread = thread::Builder::new()
            .name(format!("minka-kafka-{number}"))
            .spawn(move || worker.run())
            .map_err(starting)?;
        let mut threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner);
        threads.push(thread);
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.close();
    }
}

/// The host and port that clients are told.
fn advertised(config: &ServerConfig, listening: SocketAddr) -> Result<(String, u16)> {
    let (host, port) = match &config.advertised {
        Some((host, port)) => (host, *port),
        None => (&config.listen.0, 0),
    };
    if host.parse::<IpAddr>().is_ok_and(|address| address.is_unspecified()) {
        return Err(Error::new(
            ErrorKind::InvalidConfig,
            format!(
                "clients cannot connect to {host}, which means every address of this machine: \
                 say which address they are to be told"
            ),
        ));
    }
    let port = if port == 0 { listening.port() } else { port };
    Ok((host.clone(), port))
}

fn starting(error: std::io::Error) -> Error {
    Error::network("starting the threads of the Kafka listener", error)
}
