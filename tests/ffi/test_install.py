"""What `make install` puts where, and programs that find it as C programs find libraries."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from ffi.toolchain import ROOT, STRICT, call, flags, library, prefix, run, scratch

HELLO = """
#include <minka.h>
#include <stdio.h>
int main(void)
{
    minka_broker *broker = NULL;
    if (minka_broker_open(NULL, &broker) != MINKA_OK)
        return 1;
    minka_broker_free(broker);
    puts(minka_version());
    return 0;
}
"""
PROJECT = """
cmake_minimum_required(VERSION 3.16)
project(hello C)
find_package(minka 0.1 REQUIRED)
add_executable(shared hello.c)
target_link_libraries(shared PRIVATE minka::minka)
add_executable(static hello.c)
target_link_libraries(static PRIVATE minka::static)
"""


@pytest.fixture
def hello(tmp_path: Path) -> Path:
    """A program that opens a broker."""
    source = tmp_path / "hello.c"
    source.write_text(HELLO)
    return source


def version() -> str:
    """The version that was installed."""
    header = (prefix() / "include" / "minka.h").read_text()
    found = re.search(r'MINKA_VERSION_STRING "(.*)"', header)
    assert found
    return found[1]


def needed(program: Path) -> str:
    """What a program or library says of its libraries."""
    return call("readelf", "--dynamic", "--wide", program)


def test_the_library_has_a_soname_and_links() -> None:
    assert "Library soname: [libminka.so.0]" in needed(library())
    assert os.readlink(library()) == "libminka.so.0"
    assert os.readlink(library().with_name("libminka.so.0")) == f"libminka.so.{version()}"


def test_it_needs_nothing_but_the_c_library() -> None:
    names = set(re.findall(r"Shared library: \[(.*?)\.so", needed(library())))
    assert names <= {"libc", "libm", "libgcc_s", "ld-linux-x86-64", "ld-linux-aarch64"}


def test_pkg_config_links_the_shared_library(hello: Path, tmp_path: Path) -> None:
    out = tmp_path / "hello"
    call("cc", *STRICT, hello, "-o", out, *flags("--cflags", "--libs"))
    assert run(out).strip() == version()
    assert "[libminka.so.0]" in needed(out)


def test_pkg_config_links_the_static_library(hello: Path, tmp_path: Path) -> None:
    out = tmp_path / "hello"
    link = flags("--cflags", "--libs", "--static")
    link = [str(library().with_suffix(".a")) if flag == "-lminka" else flag for flag in link]
    call("cc", *STRICT, hello, "-o", out, *link)
    assert "libminka" not in needed(out)
    # Without a place where the shared one would be found.
    assert call(out).strip() == version()


def test_cmake_finds_both_libraries(hello: Path, tmp_path: Path) -> None:
    (tmp_path / "CMakeLists.txt").write_text(PROJECT)
    build = tmp_path / "build"
    call("cmake", "-S", tmp_path, "-B", build, f"-DCMAKE_PREFIX_PATH={prefix()}")
    call("cmake", "--build", build)
    assert run(build / "shared").strip() == version()
    assert call(build / "static").strip() == version()
    assert "libminka" not in needed(build / "static")


@pytest.mark.parametrize("wanted", ["0.2", "1", "99"])
def test_cmake_refuses_a_version_that_is_not_there(tmp_path: Path, wanted: str) -> None:
    (tmp_path / "CMakeLists.txt").write_text(PROJECT.replace("minka 0.1", f"minka {wanted}"))
    (tmp_path / "hello.c").write_text(HELLO)
    command = ["cmake", "-S", tmp_path, "-B", tmp_path / "b", f"-DCMAKE_PREFIX_PATH={prefix()}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode != 0 and "version" in done.stderr


def test_a_package_can_be_made_elsewhere(tmp_path: Path) -> None:
    """As distributions do it: installed below DESTDIR, to be used below PREFIX."""
    script = ROOT / "ffi" / "install" / "install.sh"
    built = scratch() / "built"
    built.mkdir(exist_ok=True)
    for file in (library(), library().with_suffix(".a")):
        (built / file.name).unlink(missing_ok=True)
        (built / file.name).symlink_to(file.resolve())
    libdir = "lib/x86_64-linux-gnu"
    call("sh", script, built, DESTDIR=str(tmp_path), PREFIX="/usr", LIBDIR=libdir)
    made = tmp_path / "usr" / libdir
    text = (made / "pkgconfig" / "minka.pc").read_text()
    assert "prefix=/usr\n" in text and "libdir=${prefix}/lib/x86_64-linux-gnu\n" in text
    config = (made / "cmake" / "minka" / "minkaConfig.cmake").read_text()
    assert "${CMAKE_CURRENT_LIST_DIR}/../../../.." in config
    assert str(tmp_path) not in text + config
    assert (made / "libminka.so").resolve() == made / f"libminka.so.{version()}"
