//! A TCP proxy that cuts connections after some bytes.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};

/// Listens, and passes on what comes; cuts each connection after a random number of bytes in
/// either direction for as long as it is told to.
pub(crate) struct Proxy {
    address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    upstream: SocketAddr,
    cutting: AtomicBool,
    cuts: AtomicUsize,
}

impl Proxy {
    pub(crate) fn start(listener: TcpListener, upstream: SocketAddr, seed: u64) -> Self {
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            upstream,
            cutting: AtomicBool::new(true),
            cuts: AtomicUsize::new(0),
        });
        let handle = shared.clone();
        thread::spawn(move || {
            let mut random = SmallRng::seed_from_u64(seed);
            for downstream in listener.incoming().flatten() {
                let Ok(upstream) = TcpStream::connect(handle.upstream) else { continue };
                // Some connections are cut early, some late, some in an answer.
                let limits = [random.random_range(100..20_000), random.random_range(100..2_000)];
                let pairs = [(&downstream, &upstream), (&upstream, &downstream)];
                for ((from, to), limit) in pairs.into_iter().zip(limits) {
                    let (from, to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
                    let shared = handle.clone();
                    thread::spawn(move || shared.pass(from, to, limit));
                }
            }
        });
        Self { address, shared }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// From here on, connections are left alone.
    pub(crate) fn stop_cutting(&self) {
        self.shared.cutting.store(false, Ordering::SeqCst);
    }

    /// How many connections have been cut.
    pub(crate) fn cuts(&self) -> usize {
        self.shared.cuts.load(Ordering::SeqCst)
    }
}

impl Shared {
    fn pass(&self, mut from: TcpStream, mut to: TcpStream, limit: usize) {
        let mut left = limit;
        let mut buffer = [0; 4096];
        while let Ok(read @ 1..) = from.read(&mut buffer) {
            let cut = self.cutting.load(Ordering::SeqCst) && left < read;
            let passed = if cut { left } else { read };
            left = left.saturating_sub(passed);
            if to.write_all(&buffer[..passed]).is_err() {
                break;
            }
            if cut {
                self.cuts.fetch_add(1, Ordering::SeqCst);
                break;
            }
        }
        let _ = from.shutdown(Shutdown::Both);
        let _ = to.shutdown(Shutdown::Both);
    }
}
