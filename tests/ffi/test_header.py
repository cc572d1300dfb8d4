"""The header: it compiles as C and C++ without a warning, and says what the library does."""

from __future__ import annotations

import ctypes
import re

import pytest

from ffi.toolchain import ROOT, STRICT, call, library, scratch

HEADER = ROOT / "include" / "minka.h"
DEFINED = dict(re.findall(r"^#define (MINKA_\w+) (-?\d+)$", HEADER.read_text(), re.MULTILINE))
# Numbers that are no answers of calls.
OTHERS = ("MINKA_VERSION_", "MINKA_ABI_", "MINKA_EFFECT_", "MINKA_START_", "MINKA_EVENT_")
OTHERS += ("MINKA_GROUP_OTHER", "MINKA_GROUP_QUEUE", "MINKA_GROUP_PARTITIONS")
OTHERS += ("MINKA_GROUP_CLASSIC", "MINKA_ACCEPT", "MINKA_RELEASE", "MINKA_REJECT", "MINKA_RENEW")
USED = """
#include <minka.h>
#include <minka.h>
minka_status answer(minka_bytes *bytes);
minka_status answer(minka_bytes *bytes)
{
    minka_message message = MINKA_MESSAGE_INIT;
    *bytes = MINKA_NULL;
    message.topic = minka_string("t");
    return message.topic.len == 1 ? MINKA_OK : MINKA_INTERNAL;
}
"""


@pytest.mark.parametrize(
    ("compiler", "language", "standard"),
    [
        ("cc", "c", "c11"),
        ("cc", "c", "c17"),
        ("c++", "c++", "c++17"),
        ("c++", "c++", "c++20"),
    ],
)
def test_it_compiles_without_a_warning(compiler: str, language: str, standard: str) -> None:
    source = scratch() / "header.c"
    source.write_text(USED)
    options = [f"-std={standard}", *STRICT, "-Wshadow", "-Wconversion", "-I", HEADER.parent]
    call(compiler, "-x", language, *options, "-c", source, "-o", "/dev/null")


def test_its_statuses_are_those_of_the_library() -> None:
    loaded = ctypes.CDLL(str(library()))
    loaded.minka_status_name.restype = ctypes.c_char_p
    statuses = {
        name.removeprefix("MINKA_"): int(number)
        for name, number in DEFINED.items()
        if not name.startswith(OTHERS)
    }
    known = {loaded.minka_status_name(number).decode(): number for number in range(1000)}
    del known["UNKNOWN"]
    assert statuses == known


def test_its_version_is_that_of_the_crate() -> None:
    loaded = ctypes.CDLL(str(library()))
    loaded.minka_version.restype = ctypes.c_char_p
    version = call("cargo", "pkgid", "--locked", "-p", "minka-ffi").strip().split("#")[-1]
    version = version.split("@")[-1]
    assert loaded.minka_version().decode() == version
    assert f'#define MINKA_VERSION_STRING "{version}"' in HEADER.read_text()
    parts = [DEFINED[f"MINKA_VERSION_{part}"] for part in ("MAJOR", "MINOR", "PATCH")]
    assert version.split("-")[0] == ".".join(parts)
    assert loaded.minka_abi_version() == int(DEFINED["MINKA_ABI_VERSION"])


def test_it_is_ascii_and_in_columns() -> None:
    for number, line in enumerate(HEADER.read_text(encoding="ascii").splitlines(), 1):
        assert len(line) <= 100, f"{HEADER}:{number} is too long"


def test_every_function_of_it_is_in_the_library_and_no_other() -> None:
    text = re.sub(r"/\*.*?\*/", "", HEADER.read_text(), flags=re.DOTALL)
    text = re.sub(r"static inline.*?\n}\n", "", text, flags=re.DOTALL)
    declared = set(re.findall(r"\b(minka_\w+)\(", re.sub(r"typedef.*?;", "", text)))
    exported = {line.split()[-1] for line in call("nm", "-D", "--defined-only", library()).splitlines()}
    assert declared - {"minka_none"} == exported
