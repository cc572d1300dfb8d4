//! A server in a process of its own: minka's broker, or a peer in its place.

use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::Outcome;
use crate::cpu;
use crate::options::Options;

/// A process that says where it listens; it is killed when this goes away.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    address: SocketAddr,
    ready_after: Duration,
}

impl Process {
    /// minka's broker with its data in `directory`.
    pub(crate) fn broker(options: &Options, directory: &Path) -> Outcome<Self> {
        let mut command = Command::new(options.broker()?);
        command.arg("--data").arg(directory);
        command.args(["--kafka", "127.0.0.1:0"]);
        Self::start(&mut command)
    }

    /// This program as a peer.
    pub(crate) fn peer<A: AsRef<OsStr>>(arguments: &[A]) -> Outcome<Self> {
        Self::start(Command::new(std::env::current_exe()?).args(arguments))
    }

    /// Starts it and waits for a line like `ready kafka=127.0.0.1:9092`.
    fn start(command: &mut Command) -> Outcome<Self> {
        let since = Instant::now();
        let mut child = command
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("starting {:?}: {error}", command.get_program()))?;
        let out = child.stdout.take().ok_or("the process has no output")?;
        let mut line = String::new();
        BufReader::new(out).read_line(&mut line)?;
        let ready_after = since.elapsed();
        let address = line
            .split_whitespace()
            .find_map(|word| word.strip_prefix("kafka="))
            .ok_or_else(|| format!("{:?} said {line:?}", command.get_program()))?
            .parse()?;
        Ok(Self { child, address, ready_after })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// How long it took from its start until it was ready.
    pub(crate) fn ready_after(&self) -> Duration {
        self.ready_after
    }

    /// Keeps all threads that it has on one core.
    pub(crate) fn pin(&self, core: usize) -> Outcome<()> {
        for task in fs::read_dir(format!("/proc/{}/task", self.child.id()))? {
            let name = task?.file_name();
            cpu::pin(name.to_string_lossy().parse()?, core)?;
        }
        Ok(())
    }

    /// The processor time it used so far.
    pub(crate) fn cpu(&self) -> Outcome<Duration> {
        cpu::of_process(self.child.id())
    }

    /// Bytes of memory that it has now.
    pub(crate) fn resident(&self) -> Outcome<f64> {
        self.status("VmRSS:")
    }

    /// The most bytes of memory that it had so far.
    pub(crate) fn resident_peak(&self) -> Outcome<f64> {
        self.status("VmHWM:")
    }

    fn status(&self, field: &str) -> Outcome<f64> {
        let text = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = text.lines().find_map(|line| line.strip_prefix(field));
        let kib = line.and_then(|rest| rest.split_whitespace().next());
        Ok(kib.ok_or("the process has ended")?.parse::<f64>()? * 1024.0)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself, and then there is nothing to kill.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Does `act` on one core while the servers are kept on another, where there are two: over
/// loopback either side may find itself doing the other's work in the kernel, by how they are
/// scheduled, and that changes the figures threefold.
pub(crate) fn apart<T: Send>(
    servers: &[&Process],
    act: impl FnOnce() -> Outcome<T> + Send,
) -> Outcome<T> {
    if thread::available_parallelism()?.get() < 2 {
        return act();
    }
    servers.iter().try_for_each(|server| server.pin(1))?;
    // A thread of its own, so that what comes later is not kept on that core.
    thread::scope(|scope| {
        let pinned = scope.spawn(|| {
            cpu::pin(0, 0)?;
            act()
        });
        pinned.join().map_err(|_| "the client panicked")?
    })
}
