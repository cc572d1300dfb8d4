//! The listening socket.

use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::time::Duration;

use mio::net::{TcpListener, TcpStream};
use socket2::{Domain, Protocol, SockRef, Socket, TcpKeepalive, Type};

use crate::error::{Error, Result};

/// How many connections the system keeps until they are accepted.
const BACKLOG: i32 = 1024;
/// After this silence the system asks whether the peer is still there.
const KEEPALIVE_AFTER: Duration = Duration::from_secs(60);

/// Listens on a host, which is resolved, and a port, of which 0 takes a free one.
pub(super) fn listen(host: &str, port: u16) -> Result<(TcpListener, SocketAddr)> {
    let shown = shown(host, port);
    let failed = |error| Error::network(format_args!("listening on {shown}"), error);
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the host has no address");
    for address in (host, port).to_socket_addrs().map_err(failed)? {
        match bind(address) {
            Ok(listener) => {
                let address = listener.local_addr().map_err(failed)?;
                return Ok((listener, address));
            }
            Err(error) => last = error,
        }
    }
    Err(failed(last))
}

/// `HOST:PORT`, with brackets around an IPv6 address.
pub(super) fn shown(host: &str, port: u16) -> String {
    if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}

/// Prepares a connection that was accepted.
pub(super) fn prepare(socket: &TcpStream) -> io::Result<()> {
    socket.set_nodelay(true)?;
    let keepalive = TcpKeepalive::new().with_time(KEEPALIVE_AFTER);
    SockRef::from(socket).set_tcp_keepalive(&keepalive)
}

fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    // Else the port of a broker that has just ended cannot be taken for a minute.
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(TcpListener::from_std(socket.into()))
}
