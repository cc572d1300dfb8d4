"""Real texts to send: the system's licences and documentation, paragraph by paragraph."""

from __future__ import annotations

import gzip
import itertools
from collections.abc import Iterator
from pathlib import Path

PLACES = (Path("/usr/share/common-licenses"), Path("/usr/share/doc"))
# Where documentation is left out of the system, the project's own sources have to do.
FALLBACK = (Path(__file__).resolve().parents[2] / "core",)
LARGEST_FILE = 1_000_000
LARGEST_PARAGRAPH = 8_000

Paragraph = tuple[str, bytes]


def paragraphs(places: tuple[Path, ...]) -> Iterator[Paragraph]:
    """Each paragraph of each text, with the path of its file."""
    for place in places:
        for path in sorted(place.rglob("*")):
            text = _text(path)
            for piece in text.split(b"\n\n") if text else ():
                for start in range(0, len(piece), LARGEST_PARAGRAPH):
                    if cut := piece[start : start + LARGEST_PARAGRAPH].strip():
                        yield str(path), cut


def load(at_most: int) -> list[Paragraph]:
    """Texts of up to so many bytes."""
    found: list[Paragraph] = []
    size = 0
    for paragraph in itertools.chain(paragraphs(PLACES), paragraphs(FALLBACK)):
        found.append(paragraph)
        size += len(paragraph[1])
        if size >= at_most:
            break
    return found


def _text(path: Path) -> bytes | None:
    """The bytes of a file that is text, unpacked if need be; None for anything else."""
    if not path.is_file() or path.stat().st_size > LARGEST_FILE:
        return None
    try:
        data = path.read_bytes()
        if path.suffix == ".gz":
            data = gzip.decompress(data)
    except (OSError, EOFError):
        return None
    return None if b"\0" in data else data
