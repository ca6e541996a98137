"""ibs-server run: three processes that are ready together and end together."""
from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import psutil
import pytest

from server.config import load_config
from tests.parts.gateway import RunningGateway, new_vault_name
from vault.errors import StorageFull

IBS_SERVER = [sys.executable, "-m", "server.cli"]
pytestmark = pytest.mark.xdist_group("supervisor")


@dataclass
class RunningPortal:
    """A portal that `ibs-server run` has made ready; `lines` are what it printed."""

    data: Path
    process: subprocess.Popen[str]
    lines: list[str]

    def wait_until_ready(self) -> None:
        """Return when the portal's address is printed."""
        wait_until(lambda: any(line.startswith("Portal: ") for line in self.lines))

    def parts(self) -> dict[str, psutil.Process]:
        """Its processes by name."""
        return {child.cmdline()[5]: child for child in psutil.Process(self.process.pid).children()}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data directory of a new portal."""
    data = tmp_path_factory.mktemp("portal") / "data"
    subprocess.run([*IBS_SERVER, "--data", data, "init", "--admin", "a@b.example", "--password-stdin"],
                   input="correct horse battery\n", text=True, check=True)
    return data


@pytest.fixture
def portal(data: Path) -> Iterator[RunningPortal]:
    """That portal, running on free ports; whatever a test leaves running ends with it."""
    process = subprocess.Popen([*IBS_SERVER, "--data", data, "run", "--port", "0", "--storage-port", "0"],
                               stdout=subprocess.PIPE, text=True)
    lines: list[str] = []
    assert process.stdout is not None
    output = process.stdout
    listener = threading.Thread(target=lambda: lines.extend(line.rstrip("\n") for line in output))
    listener.start()
    running = RunningPortal(data, process, lines)
    try:
        running.wait_until_ready()
        yield running
    finally:
        leftovers = []
        if process.poll() is None:
            leftovers = psutil.Process(process.pid).children()
            process.kill()
        process.wait()
        for part in leftovers:
            part.wait(20)
        listener.join()
        output.close()


def wait_until(happens: Callable[[], bool]) -> None:
    """Return when it happens; fail when it takes too long."""
    end = time.monotonic() + 60
    while not happens():
        assert time.monotonic() < end, "it does not happen"
        time.sleep(0.05)


def test_it_serves_pages_and_storage_until_it_is_told_to_stop(portal: RunningPortal) -> None:
    lines = dict(line.split(": ", 1) for line in portal.lines)
    assert set(lines) == {"Storage", "Background work", "Portal"}
    assert portal.lines[-1].startswith("Portal: ")
    with urllib.request.urlopen(lines["Portal"]) as page:
        assert b"<html" in page.read()
    config = replace(load_config(portal.data), gateway_port=int(lines["Storage"].rpartition(":")[2]))
    with RunningGateway(config).storage(new_vault_name()) as storage:
        storage.put_new("ibs-vault.json", b"{}")
        with pytest.raises(StorageFull):  # the database knows no computer with this vault
            storage.put_new("p/00/000/00000001-00.ibp", b"x")
    parts = portal.parts()
    assert set(parts) == {"web", "storage", "worker"}
    portal.process.send_signal(signal.SIGTERM)
    assert portal.process.wait(20) == 0
    assert not [name for name, part in parts.items() if part.is_running()]


def test_when_one_part_dies_the_others_are_stopped(portal: RunningPortal) -> None:
    parts = portal.parts()
    parts["worker"].kill()
    assert portal.process.wait(20) == 1
    assert not [name for name, part in parts.items() if part.is_running()]
    wait_until(lambda: portal.lines[-1] == "The process “worker” has ended; the others are stopped.")


def test_no_part_outlives_a_supervisor_that_was_killed(portal: RunningPortal) -> None:
    parts = list(portal.parts().values())
    os.kill(portal.process.pid, signal.SIGKILL)
    portal.process.wait()
    gone, alive = psutil.wait_procs(parts, timeout=20)
    assert (len(gone), alive) == (3, [])
