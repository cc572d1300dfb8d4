"""The C++ header: it compiles wherever C++17 does, and what it does is tried under sanitizers."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
BUILD_SECONDS = 900
COMPILERS = [name for name in ("g++", "clang++") if shutil.which(name)]
WARNINGS = "-Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror".split()
SANITIZERS = ["-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
PROGRAMS = {
    "results": ["results.cpp"],
    "records": ["records.cpp"],
    "hooks": ["hooks.cpp"],
    "consumers": ["consumers.cpp"],
    "admin": ["admin.cpp"],
    "controls": ["controls.cpp"],
    "without_exceptions": ["without_exceptions.cpp", "-fno-exceptions"],
    "two_units": ["unit_one.cpp", "unit_two.cpp"],
}


def call(*command: str | Path, **variables: str) -> str:
    """Runs a tool that must succeed; returns what it prints."""
    done = subprocess.run(
        [str(word) for word in command],
        cwd=HERE,
        env={**os.environ, **variables},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=BUILD_SECONDS,
        check=False,
    )
    assert done.returncode == 0, (command, done.returncode, done.stdout, done.stderr)
    return done.stdout


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """With this environment, what is installed is found; `MINKA_PREFIX` names where it is."""
    given = os.environ.get("MINKA_PREFIX")
    prefix = Path(given) if given else tmp_path_factory.mktemp("prefix")
    if not given:
        call("make", "--silent", "-C", ROOT, "install", f"PREFIX={prefix}")
    lib = prefix.resolve() / "lib"
    yield {"PKG_CONFIG_PATH": str(lib / "pkgconfig"), "LD_LIBRARY_PATH": str(lib)}


def build(library: dict[str, str], out: Path, *arguments: str, compiler: str = "g++") -> None:
    """Compiles a program as users do, with all warnings."""
    flags = call("pkg-config", "--cflags", "--libs", "minka", **library).split()
    call(compiler, *WARNINGS, *arguments, "-pthread", "-o", out, *flags)


@pytest.mark.timeout(BUILD_SECONDS)
@pytest.mark.parametrize("program", PROGRAMS)
def test_it_does_what_it_says(library: dict[str, str], program: str, tmp_path: Path) -> None:
    build(library, tmp_path / program, "-std=c++17", *SANITIZERS, *PROGRAMS[program])
    room = tmp_path / "room"
    room.mkdir()
    assert call(tmp_path / program, room, **library) == ""


@pytest.mark.timeout(BUILD_SECONDS)
def test_records_cost_no_allocations(library: dict[str, str], tmp_path: Path) -> None:
    build(library, tmp_path / "allocations", "-std=c++17", "-O2", "allocations.cpp")
    call(tmp_path / "allocations", **library)


@pytest.mark.timeout(BUILD_SECONDS)
@pytest.mark.parametrize("compiler", COMPILERS)
@pytest.mark.parametrize("standard", ["c++17", "c++20"])
@pytest.mark.parametrize("exceptions", ["-fexceptions", "-fno-exceptions"])
def test_it_compiles(
    library: dict[str, str], compiler: str, standard: str, exceptions: str, tmp_path: Path
) -> None:
    source = tmp_path / "header.cpp"
    source.write_text("#include <minka.hpp>\n#include <minka.hpp>\n")
    options = [f"-std={standard}", exceptions, "-O2", "-c", str(source)]
    build(library, tmp_path / "header.o", *options, compiler=compiler)
