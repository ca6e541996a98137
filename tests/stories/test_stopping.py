"""Before the program is replaced: what runs is asked to end, and is waited for."""
from __future__ import annotations

import json
import os
import subprocess
import time
from pathlib import Path

from client.store.agenda import load_agenda
from tests.parts.house import Computer, House
from tests.parts.window import screen


def begin_backup(computer: Computer) -> subprocess.Popen[bytes]:
    """A backup in a process of its own, that has just begun to read 60 MB."""
    (computer.source / "large.bin").write_bytes(os.urandom(60 << 20))
    started = computer.start("backup", "--events")
    assert started.stdout is not None
    for line in started.stdout:
        if json.loads(line)["event"] == "started":
            break
    return started


def test_a_running_backup_ends_in_order_and_the_next_one_goes_on(house: House) -> None:
    computer = house.computer()
    with begin_backup(computer) as running:
        ended = computer.run_apart("stop")
        assert ended.code == 0, ended
        assert running.wait() == 130
    assert [state for _, state, _ in computer.runs()] == ["cancelled"]
    kept = load_agenda(computer.home)
    assert (kept.settled, kept.failures) == (None, 1)  # so the schedule makes up for it
    assert computer.must_back_up() > 0


def test_a_running_restore_ends_in_order_and_what_it_brought_is_whole(house: House, tmp_path: Path) -> None:
    computer = house.computer()
    (computer.source / "large.bin").write_bytes(os.urandom(20 << 20))
    computer.must_back_up()

    def wait_for_the_call() -> None:
        while not (computer.home / "restores.end").exists():
            time.sleep(0.05)
        time.sleep(0.5)  # it is heard by now

    house.at_request("/restores", wait_for_the_call)
    with computer.start("restore", "--to", tmp_path / "back") as running:
        while not (computer.home / "requests/restores.lock").exists():
            assert running.poll() is None
            time.sleep(0.05)
        ended = computer.run_apart("stop")
        assert ended.code == 0, ended
        assert running.poll() is not None  # it was waited for
    assert running.returncode == 130
    assert [path for path in (tmp_path / "back").rglob("*") if path.is_file()] == []
    assert not (computer.home / "restores.end").exists()
    assert computer("restore", "--to", tmp_path / "back").code == 0  # the next one is not meant


def test_it_says_so_when_something_does_not_end(house: House) -> None:
    computer = house.computer()
    with begin_backup(computer) as running:
        computer.run_apart("stop", "--wait", "0").must_say(1, "IBS-9201")
        assert computer.run_apart("stop").code == 0
        running.wait()


def test_where_nothing_runs_it_ends_at_once(house: House) -> None:
    computer = house.computer(enrolled=False)
    computer.home.mkdir()
    assert computer("stop").code == 0
    assert not (computer.home / "window.close").exists()


def test_an_open_window_closes(house: House, tmp_path: Path) -> None:
    computer = house.computer()
    with screen(tmp_path / "screen") as seen:
        computer.variables["DISPLAY"] = seen.display
        with computer.start() as window:
            while seen.is_blank():
                assert window.poll() is None
                time.sleep(0.05)
            assert computer.run_apart("stop").code == 0
            assert window.wait(10) == 0
