"""What the demonstration says: progress while it works, and the table at the end."""

from __future__ import annotations

import sys
import time

from run.book import Book, View

MB = 1_000_000


class Progress:
    """One line that changes, on a terminal; a line every two seconds, elsewhere."""

    def __init__(self, total: int, book: Book, views: dict[str, View]) -> None:
        self._total = total
        self._book = book
        self._views = views
        self._terminal = sys.stdout.isatty()
        self._next = 0.0

    def show(self) -> None:
        """Says how far the work is, if it is time."""
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + (0.1 if self._terminal else 2.0)
        acknowledged = len(self._book.acknowledged)
        words = [
            f"{100 * acknowledged // self._total:3d} %  sent {self._book.sent:,}",
            f"acknowledged {acknowledged:,}",
            *(f"{name} {len(view.received):,}" for name, view in self._views.items()),
        ]
        line = "  ".join(words)
        if self._terminal:
            sys.stdout.write(f"\r\x1b[K{line}")
            sys.stdout.flush()
        else:
            print(line, flush=True)

    def say(self, text: str) -> None:
        """Says something that stays."""
        if self._terminal:
            sys.stdout.write("\r\x1b[K")
        print(text, flush=True)


def table(book: Book, views: dict[str, View], seconds: float) -> tuple[str, bool]:
    """The table, and whether it is as it must be."""
    acknowledged = len(book.acknowledged)
    rows = [("messages sent", book.sent), ("acknowledged (on the disk)", acknowledged)]
    for name, view in views.items():
        rows.append((f"received by {name}", len(view.received)))
        rows += [(f"  {member}", count) for member, count in sorted(view.by_member.items())]
        rows.append(("  delivered again after the kill", view.redelivered))
        rows.append(("    of these printed before it too", view.again()))
        rows.append(("  lost", view.lost(book)))
    strange = sum(view.unknown(book) + view.wrong for view in views.values())
    rows += [("never sent, or changed", strange)]
    lines = [f"  {name:<36}{number:>12,}" for name, number in rows]
    lines += [
        f"  {'seconds':<36}{seconds:>12.1f}",
        f"  {'MB/s, written and read twice':<36}{book.sent_bytes / MB / seconds:>12.1f}",
    ]
    right = (
        acknowledged == book.sent
        and all(len(view.received) == acknowledged for view in views.values())
        and all(view.lost(book) == 0 for view in views.values())
        and all(view.again() <= view.redelivered for view in views.values())
        and strange == book.acknowledged_again == 0
    )
    verdict = "nothing lost, and twice only what was not accepted" if right else "NOT as it must be"
    return "\n".join([*lines, f"  -> {verdict}"]), right
