"""A member of a share group in a process of its own, watched from outside."""

from __future__ import annotations

import json
import subprocess
import sys
import threading

from clients.roster import DRIVERS


class ShareProcess:
    """What the member got, with how often it was delivered, and what it accepted for sure."""

    def __init__(self, servers: str, group: str, topic: str, mode: str = "accept") -> None:
        """Starts the process, which joins."""
        self.got: list[tuple[str, int]] = []
        self.done: list[str] = []
        command = [sys.executable, str(DRIVERS / "share_member.py"), servers, group, topic, mode]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def kill(self) -> None:
        """Ends the process without a word to the broker, and reads what it said before."""
        self.process.kill()
        self.process.wait(20)
        self._reader.join(20)
        for stream in (self.process.stdin, self.process.stdout):
            if stream:
                stream.close()

    def _read(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            if not line.endswith(b"\n"):
                break  # It was killed while it said this.
            what, value, *count = json.loads(line)
            if what == "got":
                self.got.append((value, count[0]))
            else:
                self.done.append(value)
