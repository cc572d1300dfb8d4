//! Other languages beside Rust, in the same process as the broker; and beside the clients that
//! people use there, over loopback. And what it takes to load them.
//!
//! What cannot be measured because a piece of it is not there says so in its line.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Outcome;
use crate::language::{Program, finish, repository};
use crate::options::Options;
use crate::process::{self, Process};
use crate::row::{Goal, Row, Unit};
use crate::turns::{self, Figures};

const RECORDS: usize = 1_000_000;
/// Through a socket, and for those that are slower.
const RECORDS_OVER_LOOPBACK: usize = 200_000;
const MB: f64 = 1e6;

pub(crate) fn measure(options: &Options) -> Outcome<Vec<Row>> {
    let directory = options.scratch()?;
    let c = Program::c(directory.path());
    let (python, node) = (Program::python("speed.py"), Program::node("speed.mjs"));
    let mut rows = Vec::new();
    for (language, program, goal) in
        [("C", &c, 0.95), ("Python", &python, 0.4), ("Node", &node, 0.5)]
    {
        let found = program.as_ref().map_err(ToString::to_string);
        let measured = found.map_err(Into::into).and_then(|program| beside_rust(options, program));
        let names = ["produced", "consumed"].map(|what| format!("{what} in process, {language}"));
        add(&mut rows, names, measured, Goal::Share(goal));
    }
    for (language, ours, peer, theirs, goal) in [
        ("Python", &python, "confluent-kafka", Program::python("speed_confluent.py"), 3.0),
        ("Node", &node, "kafkajs", Program::node("speed_kafkajs.mjs"), 5.0),
    ] {
        let measured = ours.as_ref().map_err(|error| error.to_string().into());
        let measured = measured.and_then(|ours| over_loopback(options, ours, &theirs?));
        let names =
            ["produced", "consumed"].map(|what| format!("{what} over TCP, {language} / {peer}"));
        add(&mut rows, names, measured, Goal::Share(goal));
    }
    for (language, program) in [("C", &c), ("Python", &python), ("Node", &node)] {
        let found = program.as_ref().map_err(|error| error.to_string().into());
        let started = found.and_then(|program| start(options, language, program));
        match started {
            Ok(started) => rows.extend(started),
            Err(error) => missing(&format!("start, {language}"), &error),
        }
    }
    rows.extend(sizes(directory.path()));
    Ok(rows)
}

/// A language beside Rust, each with a broker in its own process.
fn beside_rust(options: &Options, program: &Program) -> Outcome<[Figures; 2]> {
    let (rust, records) = (Program::rust()?, options.amount(RECORDS));
    turns::take(options.turns(), || program.run(records, None), || rust.run(records, None))
}

/// A language's client beside another one, on a broker of its own each time.
fn over_loopback(options: &Options, ours: &Program, theirs: &Program) -> Outcome<[Figures; 2]> {
    let records = options.amount(RECORDS_OVER_LOOPBACK);
    let run = |program: &Program| {
        let directory = options.scratch()?;
        let broker = Process::broker(options, directory.path())?;
        let address = broker.address().to_string();
        process::apart(&[&broker], || program.run(records, Some(&address)))
    };
    turns::take(options.turns(), || run(ours), || run(theirs))
}

/// Loading the library, where it is loaded, and opening a broker in memory.
fn start(options: &Options, language: &str, program: &Program) -> Outcome<Vec<Row>> {
    let limits = [("import", 0.030), ("broker", 0.010)];
    let limits = if language == "C" { &limits[1..] } else { &limits };
    let names: Vec<_> = limits.iter().map(|(name, _)| *name).collect();
    let mut figures = vec![Vec::new(); names.len()];
    for _ in 0..=options.turns() {
        for (all, one) in figures.iter_mut().zip(program.start(&names)?) {
            all.push(one);
        }
    }
    let rows = limits.iter().zip(figures).map(|((name, limit), seconds)| {
        let name = match *name {
            "import" => format!("loading minka, {language}"),
            _ => format!("opening a broker in memory, {language}"),
        };
        // The first one brings the files into memory.
        Row::new(name, Unit::Seconds, Figures::alone(seconds[1..].to_vec()), Goal::AtMost(*limit))
    });
    Ok(rows.collect())
}

/// What is installed: the library, and the packages.
fn sizes(scratch: &Path) -> Vec<Row> {
    let mut rows = Vec::new();
    for (name, size, limit) in [
        ("libminka.so, stripped", library(scratch), 6.0 * MB),
        ("wheel", wheel(), 4.0 * MB),
        ("npm package", npm_package(), 4.0 * MB),
    ] {
        match size {
            Ok(size) => {
                let figures = Figures::alone(vec![size as f64]);
                rows.push(Row::new(name, Unit::Bytes, figures, Goal::AtMost(limit)));
            }
            Err(error) => missing(name, &error),
        }
    }
    rows
}

fn library(scratch: &Path) -> Outcome<u64> {
    let beside = || Ok::<_, std::io::Error>(std::env::current_exe()?.with_file_name("libminka.so"));
    let library = match std::env::var_os("MINKA_PREFIX") {
        Some(prefix) => PathBuf::from(prefix).join("lib/libminka.so"),
        None => beside()?,
    };
    let stripped = scratch.join("libminka.so");
    finish(Command::new("strip").arg("-o").arg(&stripped).arg(library))?;
    Ok(fs::metadata(stripped)?.len())
}

/// The newest wheel that was built.
fn wheel() -> Outcome<u64> {
    let target = std::env::current_exe()?.with_file_name("../wheels");
    let mut wheels = Vec::new();
    for entry in fs::read_dir(&target).map_err(|_| format!("no wheel in {}", target.display()))? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().ends_with(".whl") {
            let metadata = entry.metadata()?;
            wheels.push((metadata.modified()?, metadata.len()));
        }
    }
    let newest = wheels.into_iter().max().map(|(_, size)| size);
    newest.ok_or_else(|| format!("no wheel in {}", target.display()).into())
}

fn npm_package() -> Outcome<u64> {
    let mut npm = Command::new("npm");
    npm.args(["pack", "--dry-run", "--json", "--ignore-scripts", "--loglevel=error"]);
    let package = repository("bindings/node");
    if !package.join("minka.node").exists() {
        return Err("bindings/node/minka.node has not been built".into());
    }
    let said = finish(npm.current_dir(package))?;
    let size = said.lines().find_map(|line| line.trim().strip_prefix("\"size\": "));
    let size = size.ok_or("npm does not say how large the package is")?;
    Ok(size.trim_end_matches(',').parse()?)
}

/// Adds what was measured, or says why it was not.
fn add(rows: &mut Vec<Row>, names: [String; 2], measured: Outcome<[Figures; 2]>, goal: Goal) {
    match measured {
        Ok(figures) => {
            let both = names.into_iter().zip(figures);
            rows.extend(both.map(|(name, figures)| Row::new(name, Unit::PerSecond, figures, goal)));
        }
        Err(error) => names.iter().for_each(|name| missing(name, &error)),
    }
}

/// Says why there is no row.
fn missing(name: &str, why: &dyn std::fmt::Display) {
    println!("{name:<56} not measured: {why}");
}
