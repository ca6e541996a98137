"""A whole run that reads from copies of the volumes, as on Windows: what it preserves, and what is left of them."""
from __future__ import annotations

import contextlib
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from client.jobs.event_file import JobReader
from client.jobs.requests import CANCEL, make_request
from client.run import backup
from client.run.sources import open_sources
from tests.parts.house import Computer, House
from tests.parts.trees import noise, picture, plant, write
from vault import manifests
from vault.errors import StorageFull


class Copy:
    """A copy of a folder, made as a shadow copy is: at one moment, elsewhere, to be removed."""

    def __init__(self, place: Path) -> None:
        self.place, self.closed = place, False
        self.problems: dict[str, str] = {}
        self.folders: list[str] = []

    @property
    def complete(self) -> bool:
        return not self.problems

    def protect(self, folders: Iterable[str], go_on: Callable[[], None]) -> None:
        self.folders = list(folders)
        for folder in self.folders:
            shutil.copytree(folder, self.place / folder.lstrip("/"), symlinks=True, dirs_exist_ok=True)
            shutil.rmtree(folder)  # whoever reads there from now on finds nothing
            Path(folder).mkdir()

    def read_at(self, path: str) -> str:
        inside = any(f"{path}/".startswith(f"{folder}/") for folder in self.folders)
        return str(self.place) + path if inside else path

    def close(self) -> None:
        shutil.rmtree(self.place, ignore_errors=True)
        self.closed = True


@pytest.fixture
def computer(house: House) -> Computer:
    """A computer with a person's folder."""
    computer = house.computer(house.sell("alice"))
    plant(computer.source)
    write(computer.source / "large film", noise(6_000_000, 1))
    return computer


@pytest.fixture
def copy(computer: Computer, monkeypatch: pytest.MonkeyPatch) -> Copy:
    """The copy that the next run reads from."""
    copy = Copy(computer.folder / "copy")
    monkeypatch.setattr(backup, "open_sources", lambda settings, emit, go_on: open_sources(
        settings, emit, lambda _: copy, go_on))
    return copy


@pytest.fixture
def consistencies(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What commits say of themselves."""
    found: list[str] = []
    write_commit = manifests.write_commit

    def note(commit: manifests.Commit, *more: object) -> bytes:
        found.append(commit.consistency)
        return write_commit(commit, *more)  # type: ignore[arg-type]

    monkeypatch.setattr(backup, "write_commit", note)
    return found


def test_f19_a_snapshot_is_what_the_copy_shows_whatever_happens_to_the_files_meanwhile(
    computer: Computer, copy: Copy, consistencies: list[str],
) -> None:
    before = picture(computer.source)
    number = computer.must_back_up()
    assert list(computer.source.iterdir()) == []
    assert picture(computer.must_restore(number)) == before
    assert consistencies == ["shadow copy"]
    assert copy.closed
    assert not copy.place.exists()


def test_f19_a_run_without_its_copy_is_live_and_says_why(
    computer: Computer, copy: Copy, consistencies: list[str], monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = picture(computer.source)
    refusal = {"C:\\": "there is no room for it"}
    monkeypatch.setattr(copy, "protect", lambda folders, go_on: copy.problems.update(refusal))
    assert picture(computer.must_restore(computer.must_back_up())) == before
    assert consistencies == ["live"]
    assert copy.closed
    assert "from a shadow copy: C:\\: there is no room for it" in computer("log").said


def test_f19_a_run_that_is_cancelled_while_copies_are_made_ends_at_once_and_leaves_none(
    computer: Computer, copy: Copy, monkeypatch: pytest.MonkeyPatch,
) -> None:
    made: list[str] = []

    def protect(folders: Iterable[str], go_on: Callable[[], None]) -> None:
        reader = JobReader(computer.home, "backup")
        reader.read()
        assert reader.begun is not None
        make_request(computer.home, CANCEL, reader.begun.name)
        for volume in ("C:\\", "D:\\", "E:\\"):
            time.sleep(1.0)
            made.append(volume)
            go_on()

    monkeypatch.setattr(copy, "protect", protect)
    assert computer("backup").code == 130
    assert made == ["C:\\"]
    assert copy.closed
    assert [state for _, state, _ in computer.runs()] == ["cancelled"]


def test_f19_no_copy_remains_when_a_run_breaks_off(
    computer: Computer, copy: Copy, monkeypatch: pytest.MonkeyPatch,
) -> None:
    def break_off(*_: object) -> None:
        raise StorageFull(reason="no space left")

    monkeypatch.setattr(backup.Walk, "execute", break_off)
    assert computer("backup").code == 1
    assert copy.closed
    assert computer.snapshots() == []


def test_a_run_that_is_ended_by_the_system_lets_the_copies_go(computer: Computer) -> None:
    """In a process of its own, as a signal needs; its copy tells by a file that it was let go."""
    script = (
        "import sys, time; from pathlib import Path; from client.run import backup; from client.cli import main\n"
        "from client.run.sources import open_sources\n"
        "class Copy:\n"
        "    problems, complete = {}, True\n"
        "    def protect(self, folders, go_on): Path(sys.argv[1], 'made').touch(); time.sleep(0.5)\n"
        "    def read_at(self, path): time.sleep(0.2); return path\n"
        "    def close(self): Path(sys.argv[1], 'gone').touch()\n"
        "backup.open_sources = lambda settings, emit, go_on: open_sources(settings, emit, lambda _: Copy(), go_on)\n"
        "sys.exit(main(['--home', sys.argv[2], 'backup']))\n"
    )
    child = subprocess.Popen([sys.executable, "-c", script, str(computer.folder), str(computer.home)],
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    until = 200
    while not (computer.folder / "made").exists():
        assert child.poll() is None, child.communicate()
        assert until
        until -= 1
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(0.1)
    child.send_signal(signal.SIGTERM)
    assert child.communicate(timeout=60)
    assert child.returncode == 130
    assert (computer.folder / "gone").exists()
