"""The first programs of README.md run as they stand there. (Those in Rust are doc tests.)"""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from examples.toolchains import BUILD_SECONDS, LANGUAGES, ROOT

# By the title in the README: the language here, its fence there, the file's name, what it prints.
PROGRAMS = {
    "Python": ("python", "python", "hello.py", "b'hello'"),
    "Node.js": ("node", "js", "hello.mjs", "hello"),
    "C": ("c", "c", "readme_hello.c", "stored"),
    "C++": ("cpp", "cpp", "readme_hello.cpp", "greetings@0: hello"),
}


def program(title: str, fence: str) -> str:
    """The program below a title of the README."""
    text = (ROOT / "README.md").read_text()
    section = text.split(f"\n### {title}\n")[1].split("\n### ")[0]
    found = re.search(rf"```{fence}\n(.*?)```", section, re.DOTALL)
    assert found, f"the README has no program in {title}"
    return found.group(1)


@pytest.mark.timeout(BUILD_SECONDS)
@pytest.mark.parametrize("title", PROGRAMS)
def test_it_runs_as_it_stands(title: str, tmp_path: Path) -> None:
    name, fence, file, printed = PROGRAMS[title]
    source = tmp_path / file
    source.write_text(program(title, fence))
    language = LANGUAGES[name]
    done = subprocess.run(
        language.command(source),
        cwd=tmp_path,
        env={**os.environ, **language.environment()},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, printed, "")
