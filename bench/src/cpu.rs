//! Processor time: what is left of a measurement when others use the machine too.

use std::fs;
use std::time::{Duration, Instant};

use nix::sched::{CpuSet, sched_setaffinity};
use nix::sys::resource::{UsageWho, getrusage};
use nix::unistd::Pid;

use crate::Outcome;

/// Clock and processor time since a moment.
#[derive(Debug)]
pub(crate) struct Stopwatch {
    since: Instant,
    cpu: Duration,
}

impl Stopwatch {
    /// Starts now.
    pub(crate) fn start() -> Outcome<Self> {
        Ok(Self { cpu: own()?, since: Instant::now() })
    }

    /// Seconds of clock, and of processor in all threads of this process.
    pub(crate) fn seconds(&self) -> Outcome<(f64, f64)> {
        let clock = self.since.elapsed();
        Ok((clock.as_secs_f64(), (own()? - self.cpu).as_secs_f64()))
    }
}

/// Keeps a thread on one core; 0 is the thread that calls.
pub(crate) fn pin(thread: i32, core: usize) -> Outcome<()> {
    let mut cores = CpuSet::new();
    cores.set(core)?;
    Ok(sched_setaffinity(Pid::from_raw(thread), &cores)?)
}

/// The processor time of this process so far.
fn own() -> Outcome<Duration> {
    let usage = getrusage(UsageWho::RUSAGE_SELF)?;
    let micros = |time: nix::sys::time::TimeVal| time.tv_sec() * 1_000_000 + time.tv_usec();
    let total = micros(usage.user_time()) + micros(usage.system_time());
    Ok(Duration::from_micros(total.unsigned_abs()))
}

/// The processor time so far of another process and all its living threads.
///
/// `/proc/PID/task/TID/schedstat` begins with nanoseconds on a processor; `/proc/PID/stat` would
/// count in hundredths of a second.
pub(crate) fn of_process(pid: u32) -> Outcome<Duration> {
    let mut nanos = 0;
    for task in fs::read_dir(format!("/proc/{pid}/task"))? {
        let text = fs::read_to_string(task?.path().join("schedstat"))?;
        let first = text.split_whitespace().next().unwrap_or_default();
        nanos += first.parse::<u64>()?;
    }
    Ok(Duration::from_nanos(nanos))
}
