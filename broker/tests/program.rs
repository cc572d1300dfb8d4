//! The program as its user sees it: what it says, what it writes and how it exits.

#![allow(clippy::unwrap_used, reason = "a test fails by a panic")]

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use tempfile::TempDir;

/// The program, with none of the variables that it knows but a free port, and in a directory of
/// its own.
fn broker(directory: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_broker"));
    for name in ["DATA", "KAFKA", "ADVERTISE", "CONFIG", "LOG_LEVEL"] {
        command.env_remove(format!("MINKA_{name}"));
    }
    command
        .env("MINKA_KAFKA", "127.0.0.1:0")
        .current_dir(directory)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// Starts the program and waits until it is ready.
fn started(command: &mut Command) -> Child {
    let mut child = command.spawn().unwrap();
    ready(&mut child);
    child
}

/// Waits for the line that says that clients may come. Returns the address for them.
fn ready(child: &mut Child) -> SocketAddr {
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    let rest = line.strip_prefix("ready kafka=").expect(&line);
    let (address, data) = rest.split_once(" data=").expect(&line);
    assert!(data.ends_with('\n'), "{line:?}");
    address.parse().expect(&line)
}

fn stopped(child: Child, signal: &str) -> Output {
    let kill = Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap();
    assert!(kill.success());
    child.wait_with_output().unwrap()
}

#[test]
fn a_signal_ends_it_cleanly() {
    for (signal, name) in [("-TERM", "SIGTERM"), ("-INT", "SIGINT")] {
        let directory = TempDir::new().unwrap();
        let output = stopped(started(&mut broker(directory.path())), signal);
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        assert!(output.stderr.is_empty(), "{output:?}");
        let log = fs::read_to_string(directory.path().join("data/broker.log")).unwrap();
        assert!(log.contains(&format!("ending because of {name}")), "{log}");
        assert!(log.lines().last().unwrap().ends_with("has ended"), "{log}");
    }
}

#[test]
fn clients_are_served_where_it_says_until_it_ends() {
    let directory = TempDir::new().unwrap();
    let mut child = broker(directory.path()).spawn().unwrap();
    let address = ready(&mut child);
    assert_ne!(address.port(), 0);
    let client = TcpStream::connect(address).unwrap();
    let output = stopped(child, "-TERM");
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    drop(client);
    assert!(TcpStream::connect(address).is_err());
}

#[test]
fn a_second_broker_is_told_who_has_the_directory_and_writes_nothing_there() {
    let directory = TempDir::new().unwrap();
    let first = started(&mut broker(directory.path()));
    let log = directory.path().join("data/broker.log");
    let before = fs::read_to_string(&log).unwrap();
    let output = broker(directory.path()).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains(&format!("process {}", first.id())), "{said}");
    assert_eq!(fs::read_to_string(&log).unwrap(), before);
    assert_eq!(stopped(first, "-TERM").status.code(), Some(0));
}

#[test]
fn a_port_that_is_taken_is_explained_and_exits_with_1() {
    let directory = TempDir::new().unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let mut command = broker(directory.path());
    let output = command.args(["--kafka", &address]).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains(&format!("listening on {address} failed")), "{said}");
}

#[test]
fn flags_win_over_variables_over_the_file_over_defaults() {
    let directory = TempDir::new().unwrap();
    let file = "
        data = 'from-file'
        kafka = '127.0.0.2:0'
        advertise = 'file:1'
        log-level = 'debug'
        num.partitions = 7
    ";
    fs::write(directory.path().join("minka.toml"), file).unwrap();
    let mut command = broker(directory.path());
    command
        .env("MINKA_CONFIG", "minka.toml")
        .env("MINKA_ADVERTISE", "env:2")
        .args(["--advertise", "flag:3"]);
    stopped(started(&mut command), "-TERM");
    let log = fs::read_to_string(directory.path().join("from-file/broker.log")).unwrap();
    assert!(
        log.contains(
            "data=from-file kafka=127.0.0.1:0 advertise=flag:3 log-level=debug \
             num.partitions=7\n"
        ),
        "{log}"
    );
}

#[test]
fn mistakes_are_explained_and_exit_with_2() {
    let directory = TempDir::new().unwrap();
    fs::write(directory.path().join("bad.toml"), "num.partitons = 3").unwrap();
    for (arguments, variable, expected) in [
        (&["--kafka", "9092"][..], None, "HOST:PORT"),
        (&["--log-level", "loud"], None, "error, warn, info or debug"),
        (&["--dta", "x"], None, "--data"),
        (&["--config", "missing.toml"], None, "missing.toml"),
        (&["--config", "bad.toml"], None, "bad.toml: there is no broker setting"),
        (&["--kafka", "0.0.0.0:9092"], None, "say with advertise"),
        (&["--advertise", "[::]:9092"], None, "clients cannot connect to [::]:9092"),
        (&[], Some(("MINKA_KAFKA", "nowhere")), "nowhere"),
    ] {
        let mut command = broker(directory.path());
        let output = command.args(arguments).envs(variable).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {said}");
        assert!(said.contains(expected), "{arguments:?}: {said}");
        assert!(output.stdout.is_empty());
    }
    assert!(!directory.path().join("data").exists(), "a mistake left a data directory behind");
}

#[test]
fn a_data_directory_that_cannot_be_is_explained_and_exits_with_1() {
    let directory = TempDir::new().unwrap();
    fs::write(directory.path().join("data"), "a file").unwrap();
    let output = broker(directory.path()).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("creating the data directory ./data failed"), "{said}");
}

#[test]
fn the_help_teaches() {
    let directory = TempDir::new().unwrap();
    let output = broker(directory.path()).arg("--help").output().unwrap();
    let help = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0));
    for expected in
        ["--advertise", "MINKA_DATA", "Examples:", "mensajes.log", "Exit codes:", "num.partitions"]
    {
        assert!(help.contains(expected), "{expected} is missing in\n{help}");
    }
}
