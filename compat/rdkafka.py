"""Runs the tests of the `rdkafka` crate (librdkafka) against a fresh broker.

The crate is fetched by cargo and built below the target directory; nothing of it is kept in the
repository. Nothing of it is changed but where it looks for the broker (`PLACES`).
`rdkafka-skipped.txt` names the tests that are left out, each with its reason. Ends with
status 0 if all others pass.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from harness.broker import Broker, BrokerFailed
from harness.programs import ROOT

VERSION = "0.39.0"
# What the crate's own docker-compose.yaml sets, and no long wait for members that never come.
SETTINGS = {"num.partitions": 3, "group.initial.rebalance.delay.ms": 100}
# What the tests take for granted about their broker's place, and how it is here: file, old, new.
PORT = "get_bootstrap_server().rsplit(':').next().unwrap().parse::<i32>().unwrap()"
PLACES = [
    ("test_admin.rs", "Broker(0)", "Broker(1)"),
    ("test_high_producers.rs", '"localhost")', "get_bootstrap_server())"),
    ("test_metadata.rs", ".port(), 9092)", f".port(), {PORT})"),
    ("test_metadata.rs", "orig_broker_id != 0", "orig_broker_id != 1"),
    ("test_metadata.rs", "(), 0)", "(), 1)"),
    ("test_metadata.rs", ", &[0])", ", &[1])"),
]
SKIPPED = Path(__file__).with_name("rdkafka-skipped.txt")
WORK = Path(os.environ.get("CARGO_TARGET_DIR") or ROOT / "target").absolute() / "compat"
PROGRAM_SECONDS = 300.0


class Failed(Exception):
    """The tests cannot be run; the text says why."""


def main() -> int:
    """Builds the tests, runs them all, reports; returns the exit status."""
    try:
        skipped = read_skipped()
        programs = build(fetch())
        if unknown := sorted(set(skipped).difference(*map(tests_of, programs, programs.values()))):
            raise Failed(f"{SKIPPED.name} names tests that do not exist: {', '.join(unknown)}")
        with tempfile.TemporaryDirectory() as directory:
            with Broker(Path(directory) / "data", SETTINGS) as broker:
                good = [run(name, programs[name], broker.address, skipped) for name in programs]
                if broker.stop() != 0:
                    raise Failed(f"the broker did not end in order: {broker.stderr()}")
    except (Failed, BrokerFailed) as failure:
        print(failure, file=sys.stderr)
        return 2
    for test, reason in skipped.items():
        print(f"left out: {test}: {reason}")
    return 0 if all(good) else 1


def read_skipped() -> dict[str, str]:
    """The tests that are left out: `program::test: reason`, one in a line, `#` for remarks."""
    lines = SKIPPED.read_text().splitlines()
    return dict(line.split(": ", 1) for line in lines if line and not line.startswith("#"))


def fetch() -> Path:
    """Lets cargo fetch the crate and copies its source, to be built outside the registry."""
    package = WORK / "fetch"
    (package / "src").mkdir(parents=True, exist_ok=True)
    (package / "src" / "lib.rs").touch()
    (package / "Cargo.toml").write_text(
        '[package]\nname = "fetch"\nversion = "0.0.0"\nedition = "2024"\n\n[workspace]\n\n'
        f'[dependencies]\nrdkafka = "={VERSION}"\n'
    )
    found = json.loads(output(["cargo", "metadata", "--quiet", "--format-version=1"], package))
    manifest = next(p["manifest_path"] for p in found["packages"] if p["name"] == "rdkafka")
    source = WORK / "rdkafka"
    shutil.rmtree(source, ignore_errors=True)
    shutil.copytree(Path(manifest).parent, source)
    with (source / "Cargo.toml").open("a") as copy:
        copy.write("\n[workspace]\n")  # It may lie inside of minka's.
    for name, old, new in PLACES:
        file = source / "tests" / name
        if old not in (text := file.read_text()):
            raise Failed(f"{name} does not say {old!r} any more")
        file.write_text(text.replace(old, new))
    return source


def build(source: Path) -> dict[str, Path]:
    """Builds the crate's tests as its lock file says; returns the test programs by their names."""
    print(f"building the tests of rdkafka {VERSION} (the first time takes minutes)", flush=True)
    command = ["cargo", "test", "--quiet", "--locked", "--lib", "--tests", "--no-run"]
    messages = output([*command, "--message-format", "json", "--target-dir", str(WORK)], source)
    made = [json.loads(line) for line in messages.splitlines() if "compiler-artifact" in line]
    tests = [one for one in made if one["profile"]["test"]]
    return {one["target"]["name"]: Path(one["executable"]) for one in tests}


def tests_of(name: str, program: Path) -> set[str]:
    """The names of a program's tests."""
    listed = re.findall(r"^(\S+): test$", output([str(program), "--list"], WORK), re.MULTILINE)
    return {f"{name}::{test}" for test in listed}


def run(name: str, program: Path, address: str, skipped: dict[str, str]) -> bool:
    """Runs the tests of one program that are not left out; says how it went."""
    inside = [test.removeprefix(f"{name}::") for test in skipped if test.startswith(f"{name}::")]
    command = [str(program), "--exact", *(f"--skip={test}" for test in inside)]
    process = {
        "env": {**os.environ, "KAFKA_HOST": address, "RUST_BACKTRACE": "0"},
        "stdin": subprocess.DEVNULL,
        "stdout": subprocess.PIPE,
        "stderr": subprocess.STDOUT,
        "errors": "replace",
    }
    try:
        done = subprocess.run(command, timeout=PROGRAM_SECONDS, **process)
    except subprocess.TimeoutExpired as stuck:
        said = (stuck.stdout or b"").decode(errors="replace")
        print(f"{name}: not done after {PROGRAM_SECONDS:g} s\n{said}")
        return False
    for test in re.findall(r"^test (\S+) .*\bFAILED$", done.stdout, re.MULTILINE):
        print(f"FAILED {name}::{test}\n{said_by(test, done.stdout)}")
    summary = re.search(r"^test result: .*$", done.stdout, re.MULTILINE)
    print(f"{name}: {summary[0]}" if summary else f"{name}: no summary\n{done.stdout}", flush=True)
    return done.returncode == 0 and summary is not None


def said_by(test: str, text: str) -> str:
    """What a failed test said."""
    said = text.partition(f"---- {test} stdout ----\n")[2]
    return re.split(r"\n\n(?:---- |\nfailures:)", said)[0].strip()


def output(command: list[str], directory: Path) -> str:
    """Runs a command that must succeed; returns what it writes, its errors are for the reader."""
    done = subprocess.run(command, cwd=directory, stdout=subprocess.PIPE, text=True)
    if done.returncode != 0:
        raise Failed(f"`{' '.join(command)}` failed")
    return done.stdout


if __name__ == "__main__":
    sys.exit(main())
