"""A real portal: `ibs-server run` as a process of its own, with SQLite, the bundled storage and one account."""
from __future__ import annotations

import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from datetime import UTC, datetime
from pathlib import Path

from server.app import create_app
from server.config import create_data
from server.extensions import db
from server.services.people import accounts, customers
from server.services.selling import plans, subscriptions
from server.services.storage import storages
from tests.parts.databases import make_tables
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
        self._furnish()
        self.start()

    @property
    def address(self) -> str:
        """As a client is told it."""
        return f"http://127.0.0.1:{self.port}"

    def _furnish(self) -> None:
        """What ibs-server's commands would do, each of which takes a second to start."""
        config, now = create_data(self.data), datetime.now(UTC)
        make_tables(config)
        with create_app(config).app_context():
            storages.register_gateway(config, now)
            customer = customers.create_customer("Alice Ltd", "alice@example.org", now)
            plan = plans.create_plan("Gold", 10**9, 1000, 365, 30, now)
            subscriptions.create_subscription(customer, plan, now)
            accounts.create_account(customer, "alice", PASSWORD, now)
            db.session.remove()
            db.engine.dispose()

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
