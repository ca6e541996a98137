"""A real portal: `ibs-server run` as a process of its own, with SQLite, the bundled storage and one account."""
from __future__ import annotations

import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

from tests.parts.orphans import ending_with_us
from tests.parts.ports import free_port

PASSWORD = "correct horse battery"
START_SECONDS = 120


class RunningPortal:
    """A portal below `folder`; `alice` of customer C-000001 may enrol computers."""

    def __init__(self, folder: Path) -> None:
        """Makes it and starts it; returns when it answers."""
        self.data = folder / "data"
        self.port, self.storage_port = free_port(), free_port()
        self.command("init", "--admin", "admin@example.org", "--password-stdin", words=PASSWORD)
        self.command("plan", "create", "Gold", "--quota", "1GB", "--computers", "1000", "--days", "365",
                     "--keep-days", "30")
        customer = self.command("customer", "create", "Alice Ltd", "--email", "alice@example.org").strip()
        self.command("subscription", "create", customer, "Gold")
        self.command("account", "create", customer, "alice", "--password-stdin", words=PASSWORD)
        self.start()

    @property
    def address(self) -> str:
        """As a client is told it."""
        return f"http://127.0.0.1:{self.port}"

    def command(self, *arguments: str, words: str = "") -> str:
        """The output of an ibs-server command, which must succeed."""
        done = subprocess.run(
            [sys.executable, "-m", "server.cli", "--data", str(self.data), *arguments],
            input=words + "\n", capture_output=True, text=True, check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def start(self) -> None:
        """Start it, or start it again on the same ports."""
        with (self.data / "output.log").open("ab") as log:
            self._process = subprocess.Popen(
                ending_with_us([sys.executable, "-m", "server.cli", "--data", str(self.data), "run",
                                "--port", str(self.port), "--storage-port", str(self.storage_port)]),
                stdout=log, stderr=log,
            )
        until = time.monotonic() + START_SECONDS
        while not self._answers():
            assert self._process.poll() is None, (self.data / "output.log").read_text()
            assert time.monotonic() < until, "the portal does not start"
            time.sleep(0.1)

    def _answers(self) -> bool:
        """True when web pages and storage both listen."""
        try:
            with urllib.request.urlopen(f"{self.address}/api/v1/openapi.json", timeout=2):
                pass
            socket.create_connection(("127.0.0.1", self.storage_port), timeout=2).close()
        except (urllib.error.URLError, OSError):
            return False
        return True

    def stop(self) -> None:
        """End it, and wait until it has ended."""
        self._process.terminate()
        self._process.wait(60)
