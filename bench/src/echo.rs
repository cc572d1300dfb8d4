//! A server that sends back what it is sent: the ceiling for a round trip.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};

use crate::Outcome;

const BUFFER_BYTES: usize = 4096;

/// Serves one connection after another until it is killed.
pub(crate) fn serve() -> Outcome<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    println!("ready kafka={}", listener.local_addr()?);
    let mut buffer = vec![0; BUFFER_BYTES];
    for stream in listener.incoming() {
        let mut stream = stream?;
        stream.set_nodelay(true)?;
        loop {
            match stream.read(&mut buffer)? {
                0 => break,
                length => stream.write_all(&buffer[..length])?,
            }
        }
    }
    Ok(())
}

/// A connection to it.
#[derive(Debug)]
pub(crate) struct Pinger {
    stream: TcpStream,
}

impl Pinger {
    pub(crate) fn connect(address: SocketAddr) -> Outcome<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        Ok(Self { stream })
    }

    /// Sends a message and waits until it has come back.
    pub(crate) fn ping(&mut self, message: &mut [u8]) -> Outcome<()> {
        self.stream.write_all(message)?;
        Ok(self.stream.read_exact(message)?)
    }
}
