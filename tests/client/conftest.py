"""Fixtures of the client's stories: a real portal, and the client as a command."""
from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from client.computer.hardware import current_report
from tests.client.running_portal import PASSWORD, RunningPortal


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    said: str
    complained: str

    @property
    def json(self) -> Any:
        """What it said, as the one JSON value it is."""
        return json.loads(self.said)


@dataclass(frozen=True)
class Client:
    """`ibs-client` with a store of its own."""

    home: Path

    def command(self, *arguments: str) -> list[str]:
        """The words to start it with."""
        return [sys.executable, "-m", "client.cli", "--home", str(self.home), *arguments]

    def __call__(self, *arguments: str, words: str = "") -> Ended:
        """Run a command to its end, with `words` on its standard input."""
        done = subprocess.run(
            self.command(*arguments), input=words.encode(), capture_output=True, check=False,
            env=os.environ | {"PYTHONUTF8": "1"},
        )
        ended = Ended(done.returncode, done.stdout.decode(), done.stderr.decode())
        assert "Traceback" not in ended.said + ended.complained, ended.complained
        return ended

    def enrol(self, portal: RunningPortal, *more: str) -> Ended:
        """Enrol with alice's password."""
        return self("enrol", portal.address, "--user", "alice", "--password-stdin", *more, words=PASSWORD + "\n")


@pytest.fixture(scope="session")
def running_portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningPortal]:
    """One portal for all stories that leave it running."""
    portal = RunningPortal(tmp_path_factory.mktemp("portal"))
    yield portal
    portal.stop()


@pytest.fixture(scope="session")
def known_hardware(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """This machine's report, collected once for all stores: it costs more than a second."""
    home = tmp_path_factory.mktemp("hardware")
    current_report(home)
    return home / "hardware.xml"


@pytest.fixture
def make_client(tmp_path: Path, known_hardware: Path) -> Callable[[str], Client]:
    """Clients by name, each with a store of its own."""

    def make(name: str) -> Client:
        home = tmp_path / name
        home.mkdir(mode=0o700)
        shutil.copy(known_hardware, home)
        return Client(home)

    return make


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A folder to back up, with odd names in it."""
    folder = tmp_path / "source"
    (folder / "letters").mkdir(parents=True)
    (folder / "letters" / "one.txt").write_text("one\n")
    (folder / "letters" / os.fsdecode(b"caf\xe9\x1b[31m\n.txt")).write_bytes(b"two\n")
    (folder / "big.bin").write_bytes(os.urandom(700_000))
    (folder / "left out.tmp").write_text("nobody needs this")
    return folder


@pytest.fixture
def client(make_client: Callable[[str], Client]) -> Client:
    """A client that knows nothing yet."""
    return make_client("home")


@pytest.fixture
def protected(client: Client, running_portal: RunningPortal, source: Path) -> Client:
    """An enrolled client that protects `source`."""
    assert client.enrol(running_portal).code == 0
    assert client("folder", "add", str(source)).code == 0
    assert client("exclude", "add", "*.tmp").code == 0
    return client
