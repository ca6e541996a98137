"""A newcomer types script/demo: everything is made, backed up, restored and compared, and nothing is left behind."""
from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.request import urlopen

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Where a demonstration puts everything."""
    (tmp_path / "place").mkdir()
    return tmp_path / "place"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A small folder to demonstrate with."""
    folder = tmp_path / "source"
    (folder / "photos").mkdir(parents=True)
    (folder / "letter.txt").write_text("Dear Anna,\n")
    (folder / "letter.txt").chmod(0o644)
    (folder / "photos/sea.jpg").write_bytes(os.urandom(300_000))
    return folder


def start_demo(place: Path, *words: object) -> subprocess.Popen[str]:
    """Start script/demo with this installation and everything below `place`."""
    environment = {**os.environ, "IBS_VENV": sys.prefix, "TMPDIR": str(place), "PYTHONUNBUFFERED": "1"}
    return subprocess.Popen([CHECKOUT / "script/demo", *map(str, words)], env=environment, text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def processes_in(place: Path) -> Iterator[str]:
    """The command lines of running processes that name a path in `place`."""
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = process.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if f"{place}/" in words:
            yield words


def test_it_backs_up_twice_and_restores_both_snapshots_identical(place: Path) -> None:
    demo = start_demo(place, "--once")
    output, complaints = demo.communicate()
    assert demo.returncode == 0, output + complaints
    assert "identical (every byte, name, mode and time): yes" in output
    assert len(re.findall(r"^  [12] +\d+ .* s$", output, re.MULTILINE)) == 2
    assert re.search(r"Portal +http://127\.0\.0\.1:\d+$", output, re.MULTILINE)
    assert list(place.iterdir()) == []
    assert list(processes_in(place)) == []


def test_it_keeps_serving_until_ctrl_c(place: Path, source: Path) -> None:
    demo = start_demo(place, "--source", source, "--port", 0)
    assert demo.stdout is not None
    lines = []
    for line in demo.stdout:
        lines.append(line)
        if "Ctrl-C" in line:
            break
    address = next(line.split()[1] for line in lines if line.startswith("  Portal "))
    with urlopen(address) as page:
        assert page.status == 200
    demo.send_signal(signal.SIGINT)
    demo.communicate(timeout=30)
    assert demo.returncode == 130
    assert list(place.iterdir()) == []
    assert list(processes_in(place)) == []
    assert (source / "letter.txt").read_text() == "Dear Anna,\n"


def test_it_leaves_nothing_behind_when_it_is_stopped_in_the_middle(place: Path, source: Path) -> None:
    demo = start_demo(place, "--once", "--source", source)
    deadline = time.monotonic() + 60
    while not list(place.glob("*/client/*")) and time.monotonic() < deadline:
        time.sleep(0.02)
    demo.terminate()
    demo.communicate(timeout=30)
    assert demo.returncode == 130
    assert list(place.iterdir()) == []
    assert list(processes_in(place)) == []


def test_no_process_outlives_it_even_when_it_is_killed(place: Path, source: Path) -> None:
    demo = start_demo(place, "--once", "--source", source)
    deadline = time.monotonic() + 60
    while not list(place.glob("*/client/*")) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert list(processes_in(place))
    demo.kill()
    demo.communicate(timeout=30)
    while list(processes_in(place)) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert list(processes_in(place)) == []


def test_it_says_why_when_the_port_is_taken(place: Path, source: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        demo = start_demo(place, "--once", "--source", source, "--port", other.getsockname()[1])
        _, complaints = demo.communicate()
    assert demo.returncode == 1
    assert "IBS-9105" in complaints
    assert list(place.iterdir()) == []


@pytest.mark.parametrize(("change", "told"), [
    (lambda folder: (folder / "letter.txt").write_text("Dear Anna!\n"), "time and content differs: letter.txt"),
    (lambda folder: (folder / "letter.txt").chmod(0o600), "mode differs: letter.txt"),
    (lambda folder: os.utime(folder / "photos", ns=(1, 1)), "time differs: photos"),
    (lambda folder: (folder / "photos/sea.jpg").unlink(), "missing: photos/sea.jpg"),
    (lambda folder: (folder / "extra").touch(), "not in the snapshot: extra"),
])
def test_it_notices_whatever_came_back_otherwise(
    change: object, told: str, source: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.syspath_prepend(CHECKOUT / "script")
    from demonstration_folder import describe, differences

    assert callable(change)
    before = describe(source)
    assert differences(before, describe(source)) == []
    change(source)
    assert told in differences(before, describe(source))
