"""How the programs of each language are built and run, beside what `make install` gives them."""

from __future__ import annotations

import os
import subprocess
import sys
from abc import ABC, abstractmethod
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

ROOT = Path(__file__).resolve().parents[2]
BUILD_SECONDS = 900.0


class BuildFailed(Exception):
    """A program could not be built: its tool chain is not there, or does not like it."""


def call(*command: str | Path, cwd: Path = ROOT, environment: dict[str, str] | None = None) -> str:
    """Runs a tool that must succeed; returns what it prints."""
    try:
        done = subprocess.run(
            [str(word) for word in command],
            cwd=cwd,
            env={**os.environ, **(environment or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=BUILD_SECONDS,
            check=False,
        )
    except FileNotFoundError as error:
        raise BuildFailed(f"{command[0]} is not installed: {error}") from None
    if done.returncode != 0:
        said = f"{done.stdout}{done.stderr}"
        raise BuildFailed(f"{' '.join(map(str, command))} ended with {done.returncode}: {said}")
    return done.stdout


@cache
def scratch() -> Path:
    """Where what is built goes."""
    return Path(mkdtemp(prefix="minka-examples-"))


@cache
def prefix() -> Path:
    """Where library and header are installed; `MINKA_PREFIX` names a place where they are."""
    given = os.environ.get("MINKA_PREFIX")
    if given:
        return Path(given).resolve()
    place = scratch() / "prefix"
    call("make", "--silent", "install", f"PREFIX={place}")
    return place


@cache
def native_environment() -> dict[str, str]:
    """With this, what is installed is found by compilers and by what they make."""
    library = prefix() / "lib"
    return {"PKG_CONFIG_PATH": str(library / "pkgconfig"), "LD_LIBRARY_PATH": str(library)}


class Language(ABC):
    """A language that programs are written in."""

    def __init__(self, name: str, pattern: str) -> None:
        """`pattern` says where in `examples/<language>` the example of a name is."""
        self.name = name
        self.folder = ROOT / "examples" / name
        self.pattern = pattern

    def source(self, example: str) -> Path:
        """The file of an example."""
        return self.folder / self.pattern.format(example)

    @abstractmethod
    def command(self, source: Path) -> list[str]:
        """Builds a program where that is needed; what runs it."""

    def environment(self) -> dict[str, str]:
        """What the program needs to be found."""
        return {}


class Native(Language):
    """C and C++: one file, one compiler call."""

    def __init__(self, name: str, compiler: list[str]) -> None:
        super().__init__(name, "{}." + name)
        self.compiler = compiler

    def command(self, source: Path) -> list[str]:
        out = scratch() / f"{self.name}-{source.stem}"
        if not out.exists():
            ask = ["pkg-config", "--cflags", "--libs", "minka"]
            flags = call(*ask, environment=self.environment()).split()
            warnings = ["-Wall", "-Wextra", "-Werror"]
            call(*self.compiler, *warnings, "-pthread", source, "-o", out, *flags)
        return [str(out)]

    def environment(self) -> dict[str, str]:
        return native_environment()


class Go(Language):
    """Go through cgo: a package a program."""

    def __init__(self) -> None:
        super().__init__("go", "{}/main.go")

    def command(self, source: Path) -> list[str]:
        out = scratch() / f"go-{source.parent.name}"
        if not out.exists():
            package = f"./{source.parent.name}"
            environment = {**self.environment(), "CGO_ENABLED": "1", "GOTOOLCHAIN": "local"}
            call("go", "build", "-o", out, package, cwd=self.folder, environment=environment)
        return [str(out)]

    def environment(self) -> dict[str, str]:
        return native_environment()


class Rust(Language):
    """A package with a program for each example."""

    def __init__(self) -> None:
        super().__init__("rust", "src/bin/{}.rs")

    def command(self, source: Path) -> list[str]:
        build_rust()
        target = Path(os.environ.get("CARGO_TARGET_DIR") or ROOT / "target")
        return [str(target / "debug" / source.stem)]


class Python(Language):
    """The interpreter of the tests, which has minka; `MINKA_PYTHON` names another one."""

    def __init__(self) -> None:
        super().__init__("python", "{}.py")

    def command(self, source: Path) -> list[str]:
        interpreter = os.environ.get("MINKA_PYTHON") or sys.executable
        call(interpreter, "-c", "import minka")
        return [interpreter, str(source)]


class Node(Language):
    """Node with the package installed beside the examples."""

    def __init__(self) -> None:
        super().__init__("node", "{}.mjs")

    def command(self, source: Path) -> list[str]:
        packages = install_for_node(self.folder)
        if source.parent != self.folder:
            source = beside(packages, source)
        return ["node", str(source)]


@cache
def build_rust() -> None:
    """Builds the Rust examples."""
    call("cargo", "build", "--quiet", "--locked", "--package", "minka-examples", "--bins")


@cache
def install_for_node(folder: Path) -> Path:
    """Installs what a folder asks for; where it is then."""
    packages = folder / "node_modules"
    if not (packages / "minka").exists():
        call("npm", "install", "--no-audit", "--no-fund", "--loglevel=error", cwd=folder)
    return packages


def beside(packages: Path, source: Path) -> Path:
    """A copy of a program at a place where it finds these packages."""
    place = scratch() / "node"
    if not place.exists():
        place.mkdir()
        (place / "node_modules").symlink_to(packages)
    copy = place / source.name
    copy.write_bytes(source.read_bytes())
    return copy


LANGUAGES = {
    language.name: language
    for language in (
        Native("c", ["cc", "-std=c11"]),
        Native("cpp", ["c++", "-std=c++17"]),
        Python(),
        Node(),
        Rust(),
        Go(),
    )
}
