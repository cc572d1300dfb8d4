//! The program as its user sees it: what it says, what it writes and how it exits.

#![allow(clippy::unwrap_used, reason = "a test fails by a panic")]

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use tempfile::TempDir;

/// The program, with none of the variables that it knows and in a directory of its own.
fn broker(directory: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_broker"));
    for name in ["DATA", "KAFKA", "ADVERTISE", "CONFIG", "LOG_LEVEL"] {
        command.env_remove(format!("MINKA_{name}"));
    }
    command
        .current_dir(directory)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// Starts the program and waits until it is ready.
fn started(command: &mut Command) -> Child {
    let mut child = command.spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().unwrap())
        .read_line(&mut line)
        .unwrap();
    assert!(line.starts_with("ready kafka=127.0.0.1:"), "{line:?}");
    child
}

fn stopped(child: Child, signal: &str) -> Output {
    let kill = Command::new("kill")
        .args([signal, &child.id().to_string()])
        .status()
        .unwrap();
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
fn flags_win_over_variables_over_the_file_over_defaults() {
    let directory = TempDir::new().unwrap();
    let file = "
        data = 'from-file'
        kafka = '127.0.0.1:1001'
        advertise = 'file:1'
        log-level = 'debug'
        num.partitions = 7
    ";
    fs::write(directory.path().join("minka.toml"), file).unwrap();
    let mut command = broker(directory.path());
    command
        .env("MINKA_CONFIG", "minka.toml")
        .env("MINKA_KAFKA", "127.0.0.1:1002");
    command
        .env("MINKA_ADVERTISE", "env:2")
        .args(["--advertise", "flag:3"]);
    stopped(started(&mut command), "-TERM");
    let log = fs::read_to_string(directory.path().join("from-file/broker.log")).unwrap();
    assert!(
        log.contains(
            "data=from-file kafka=127.0.0.1:1002 advertise=flag:3 log-level=debug \
             auto.create.topics.enable=true num.partitions=7 "
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
        (
            &["--config", "bad.toml"],
            None,
            "bad.toml: unknown field `num.partitons`",
        ),
        (&["--kafka", "0.0.0.0:9092"], None, "--advertise"),
        (
            &["--advertise", "[::]:9092"],
            None,
            "clients cannot connect to [::]:9092",
        ),
        (&[], Some(("MINKA_KAFKA", "nowhere")), "nowhere"),
    ] {
        let mut command = broker(directory.path());
        let output = command.args(arguments).envs(variable).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {said}");
        assert!(said.contains(expected), "{arguments:?}: {said}");
        assert!(output.stdout.is_empty());
    }
    assert!(
        !directory.path().join("data").exists(),
        "a mistake left a data directory behind"
    );
}

#[test]
fn a_data_directory_that_cannot_be_is_explained_and_exits_with_1() {
    let directory = TempDir::new().unwrap();
    fs::write(directory.path().join("data"), "a file").unwrap();
    let output = broker(directory.path()).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(
        said.contains("creating the data directory ./data failed"),
        "{said}"
    );
}

#[test]
fn the_help_teaches() {
    let directory = TempDir::new().unwrap();
    let output = broker(directory.path()).arg("--help").output().unwrap();
    let help = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0));
    for expected in [
        "--advertise",
        "MINKA_DATA",
        "Examples:",
        "mensajes.log",
        "Exit codes:",
        "num.partitions",
    ] {
        assert!(help.contains(expected), "{expected} is missing in\n{help}");
    }
}
