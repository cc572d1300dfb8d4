"""The library as it is installed, and the C programs of the tests, built against it."""

from __future__ import annotations

import os
import subprocess
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ROOT / "ffi" / "tests"
LIST = ROOT / "tests" / "scenarios" / "LIST"
STRICT = ["-Wall", "-Wextra", "-Werror", "-pedantic"]
SECONDS = 100.0

# How a program is built and run.
PLAIN: list[str] = []
SANITIZED = ["-g", "-DCHECKED", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
VALGRIND = ["valgrind", "--quiet", "--leak-check=full", "--error-exitcode=9"]


def call(*command: str | Path, **variables: str) -> str:
    """Runs what must succeed; returns what it prints."""
    done = subprocess.run(
        [str(word) for word in command],
        cwd=ROOT,
        env={**os.environ, **variables},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, f"{command}\nended with {done.returncode}:\n{done.stdout}"
    return done.stdout


@cache
def scratch() -> Path:
    """Where what is built goes."""
    return Path(mkdtemp(prefix="minka-ffi-"))


@cache
def prefix() -> Path:
    """Where the library is installed; `MINKA_PREFIX` names a place where it is already."""
    given = os.environ.get("MINKA_PREFIX")
    place = Path(given).resolve() if given else scratch() / "prefix"
    if not given:
        call("make", "--silent", "install", f"PREFIX={place}")
    return place


def library() -> Path:
    """The shared library."""
    return prefix() / "lib" / "libminka.so"


def flags(*options: str) -> list[str]:
    """What pkg-config says that a program is built with."""
    where = str(prefix() / "lib" / "pkgconfig")
    return call("pkg-config", *options, "minka", PKG_CONFIG_PATH=where).split()


def compile_program(name: str, sources: list[Path], options: list[str]) -> Path:
    """Builds a C program against the shared library."""
    out = scratch() / name
    if not out.exists():
        link = flags("--cflags", "--libs")
        standard = ["-std=c11", "-D_DEFAULT_SOURCE", "-pthread", *STRICT]
        call("cc", *standard, *options, *sources, "-o", out, *link)
    return out


@cache
def scenarios(checked: bool) -> Path:
    """The program that has the scenarios."""
    sources = sorted((SOURCES / "scenarios").glob("*.c"))
    name = "scenarios-checked" if checked else "scenarios"
    return compile_program(name, sources, SANITIZED if checked else PLAIN)


def misuse(name: str, checked: bool) -> Path:
    """A program that does what it should not."""
    beside = [SOURCES / "scenarios" / file for file in ("check.c", "world.c")]
    sources = [SOURCES / "misuse" / f"{name}.c", *beside]
    return compile_program(f"{name}{'-checked' if checked else ''}", sources, SANITIZED if checked else PLAIN)


def run(*command: str | Path) -> str:
    """Runs a program that was built here."""
    where = {"LD_LIBRARY_PATH": str(prefix() / "lib"), "MINKA_SCENARIOS": str(LIST)}
    return call(*command, **where)
