//! A server that sends a file with `sendfile` to whoever connects: the ceiling for a fetch.

use std::fs::File;
use std::net::TcpListener;
use std::path::Path;

use nix::sys::sendfile::sendfile;

use crate::Outcome;

const CHUNK_BYTES: usize = 1 << 20;

/// Serves one connection after another until it is killed.
pub(crate) fn serve(file: &Path) -> Outcome<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    println!("ready kafka={}", listener.local_addr()?);
    let file = File::open(file)?;
    for stream in listener.incoming() {
        let stream = stream?;
        let mut position = 0;
        while sendfile(&stream, &file, Some(&mut position), CHUNK_BYTES)? > 0 {}
    }
    Ok(())
}
