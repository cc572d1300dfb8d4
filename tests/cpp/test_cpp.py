"""The C++ header: it compiles wherever C++17 does, and what it does is tried under sanitizers."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from examples.toolchains import BUILD_SECONDS, call, native_environment

HERE = Path(__file__).resolve().parent
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


def build(out: Path, *arguments: str, compiler: str = "g++") -> None:
    """Compiles a program as users do, with all warnings."""
    installed = native_environment()
    flags = call("pkg-config", "--cflags", "--libs", "minka", environment=installed).split()
    call(compiler, *WARNINGS, *arguments, "-pthread", "-o", out, *flags, cwd=HERE)


@pytest.mark.timeout(BUILD_SECONDS)
@pytest.mark.parametrize("program", PROGRAMS)
def test_it_does_what_it_says(program: str, tmp_path: Path) -> None:
    build(tmp_path / program, "-std=c++17", *SANITIZERS, *PROGRAMS[program])
    room = tmp_path / "room"
    room.mkdir()
    assert call(tmp_path / program, room, environment=native_environment()) == ""


@pytest.mark.timeout(BUILD_SECONDS)
def test_records_cost_no_allocations(tmp_path: Path) -> None:
    build(tmp_path / "allocations", "-std=c++17", "-O2", "allocations.cpp")
    call(tmp_path / "allocations", environment=native_environment())


@pytest.mark.timeout(BUILD_SECONDS)
@pytest.mark.parametrize("compiler", COMPILERS)
@pytest.mark.parametrize("standard", ["c++17", "c++20"])
@pytest.mark.parametrize("exceptions", ["-fexceptions", "-fno-exceptions"])
def test_it_compiles(compiler: str, standard: str, exceptions: str, tmp_path: Path) -> None:
    options = [f"-std={standard}", exceptions, "-O2", "-c", "header.cpp"]
    build(tmp_path / "header.o", *options, compiler=compiler)
