"""A technician's visit: a code made in the portal, one command at the customer's, a complete checklist, a sheet."""
from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.parts.house import Computer, Ended, House
from tests.parts.visits import Visit, begin_visit

STEPS = ["sign-in", "folders", "schedule", "test-upload", "first-backup", "test-restore"]
HOUR = 3_600_000_000_000


@dataclass
class AtCustomer:
    """A technician with a telephone at a customer's computer that is still empty of everything of ours."""

    house: House
    computer: Computer
    visit: Visit

    @property
    def code(self) -> str:
        """The set-up code."""
        return self.visit.code

    @property
    def words(self) -> list[str]:
        """The one command, for the usual folder. This machine's own scheduler is left alone."""
        return ["set-up", self.house.address, "--no-scheduler", "--folder", str(self.computer.source)]

    def checklist(self) -> list[str]:
        """The states that the telephone shows."""
        return self.visit.checklist()

    def set_up(self, *more: str | Path, code: str = "") -> Ended:
        """The one command; the code comes from standard input."""
        return self.computer("set-up", self.house.address, "--no-scheduler", *more, stdin=f"{code}\n")


@pytest.fixture
def visit(house: House, hardware: Path) -> AtCustomer:
    """The code was made a moment ago; the customer's documents lie on the computer."""
    user = house.sell("alice")
    begun = begin_visit(house)
    computer = house.computer(user, enrolled=False)
    for number in range(40):
        file = computer.source / f"year {2000 + number % 4}" / f"letter {number}.txt"
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(b"Dear Sir or Madam,\n" * number + os.urandom(200))
        os.utime(file, ns=(number * HOUR, number * HOUR))
    computer.home.mkdir()
    if hardware.exists():
        shutil.copy(hardware, computer.home / "hardware.xml")
    return AtCustomer(house, computer, begun)


def processes_of(computer: Computer) -> dict[int, bytes]:
    """The processes that work with the computer's store, and the words they were started with."""
    found = {}
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            words = (process / "cmdline").read_bytes()
            if str(computer.home).encode() in words:
                found[int(process.name)] = words
    return found


def test_one_command_brings_the_checklist_from_waiting_to_done(visit: AtCustomer) -> None:
    assert visit.checklist() == ["Waiting"] * 6
    ended = visit.set_up("--folder", visit.computer.source, code=visit.code)
    assert ended.code == 0, ended
    assert visit.checklist() == ["Done"] * 6
    told = re.findall(r"^(\d)/6 ([\w -]+):", ended.said, re.MULTILINE)
    assert [int(number) for number, _ in told] == [1, 2, 3, 4, 5, 6]
    assert ended.said.count("Recovery code:") == 1
    assert "40 files" in ended.said
    assert str(visit.computer.source) in ended.said
    sheet = visit.visit.sheet()
    for words in ("C-000001", "alice", "Every day at 18:00", "1 protected folder", visit.computer.id):
        assert words in sheet
    assert "not yet" not in sheet
    assert "Not everything is done" not in sheet
    assert visit.code not in sheet


def test_a_program_gets_everything_as_one_object(visit: AtCustomer) -> None:
    sheet = visit.computer.folder / "recovery.txt"
    ended = visit.set_up("--folder", visit.computer.source, "--json", "--recovery-sheet", sheet, code=visit.code)
    assert ended.code == 0, ended
    report = ended.json
    assert (report["files"], report["skipped"], report["schedule"]) == (40, 0, "Every day at 18:00")
    assert report["folders"] == [str(visit.computer.source)]
    assert len(report["restored"]) == 3
    assert all(Path(path).is_file() for path in report["restored"])
    assert report["recovery_code"] in sheet.read_text()
    assert sheet.stat().st_mode & 0o077 == 0


def test_the_events_tell_of_every_step_in_order(visit: AtCustomer) -> None:
    ended = visit.set_up("--folder", visit.computer.source, "--events", code=visit.code)
    assert ended.code == 0, ended
    kinds = [event["event"] for event in ended.events]
    assert [event["step"] for event in ended.events if event["event"] == "step_done"] == STEPS
    assert kinds.count("signed_in") == 1
    assert kinds.count("finished") == 2
    assert kinds[-1] == "set_up"


def test_it_goes_on_where_it_stopped_and_asks_for_no_second_code(visit: AtCustomer) -> None:
    visit.house.switch("alice", False, "Moving to another office")
    ended = visit.set_up("--folder", visit.computer.source, code=visit.code)
    ended.must_say(4, "IBS-1201")
    assert ended.said.count("Recovery code:") == 1
    assert visit.checklist() == ["Done", "Done", "Done", "Waiting", "Waiting", "Waiting"]
    visit.house.switch("alice", True)
    sheet = visit.computer.folder / "recovery.txt"
    ended = visit.set_up("--recovery-sheet", sheet)
    assert ended.code == 0, ended
    assert "Signed in already" in ended.said
    assert "Recovery code:" not in ended.said
    assert f"The recovery sheet {sheet} was not written" in ended.complained
    assert not sheet.exists()
    assert visit.checklist() == ["Done"] * 6
    assert len(visit.computer.snapshots()) == 1


def test_a_backup_that_is_killed_half_way_goes_on(visit: AtCustomer) -> None:
    (visit.computer.source / "large.bin").write_bytes(os.urandom(40 << 20))
    visit.computer.variables["IBS_CODE"] = visit.code
    started = subprocess.Popen(
        visit.computer.command(*visit.words, "--events"),
        stdout=subprocess.PIPE, env=os.environ | visit.computer.variables, start_new_session=True)
    assert started.stdout is not None
    for line in started.stdout:
        if json.loads(line)["event"] in {"progress", "pack_stored"}:
            break
    for process in processes_of(visit.computer):
        os.kill(process, signal.SIGKILL)
    started.communicate()
    ended = visit.set_up()
    assert ended.code == 0, ended
    assert visit.checklist() == ["Done"] * 6


def test_ctrl_c_ends_the_backup_in_order(visit: AtCustomer) -> None:
    (visit.computer.source / "large.bin").write_bytes(os.urandom(40 << 20))
    started = subprocess.Popen(
        visit.computer.command(*visit.words, "--events"),
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True)
    assert started.stdin is not None
    assert started.stdout is not None
    started.stdin.write(visit.code.encode() + b"\n")
    started.stdin.close()
    kinds = []
    with started:
        for line in started.stdout:
            kinds.append(json.loads(line)["event"])
            if kinds[-1] == "started":
                os.killpg(started.pid, signal.SIGINT)
    assert started.returncode == 130
    assert kinds[-1] == "cancelled"
    assert [state for _, state, _ in visit.computer.runs()] == ["cancelled"]


def test_the_usual_folders_are_protected_when_none_is_named(
    visit: AtCustomer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "anna"))
    (tmp_path / "anna/Documents").mkdir(parents=True)
    (tmp_path / "anna/Documents/letter.txt").write_text("Dear Bob")
    ended = visit.set_up("--json", code=visit.code)
    assert ended.code == 0, ended
    assert str(tmp_path / "anna/Documents") in ended.json["folders"]


def test_a_wrong_code_an_empty_one_and_a_folder_that_is_not_there_are_told_in_words(visit: AtCustomer) -> None:
    visit.set_up("--folder", visit.computer.source, code="AAA-AAAA").must_say(4, "IBS-1103")
    visit.set_up("--folder", visit.computer.source).must_say(1, "IBS-1107")
    assert visit.checklist() == ["Waiting"] * 6
    visit.set_up("--folder", visit.computer.folder / "nowhere", code=visit.code).must_say(1, "IBS-4104")
    assert visit.checklist()[:3] == ["Done", "Done", "Waiting"]
    assert visit.set_up("--folder", visit.computer.source).code == 0


def test_folders_without_a_file_end_before_the_test_restore(visit: AtCustomer) -> None:
    (visit.computer.folder / "empty").mkdir()
    visit.set_up("--folder", visit.computer.folder / "empty", code=visit.code).must_say(1, "IBS-4211")
    assert visit.checklist() == ["Done"] * 5 + ["Waiting"]
    (visit.computer.folder / "empty/letter.txt").write_text("Dear Bob")
    assert visit.set_up().code == 0
    assert visit.checklist() == ["Done"] * 6


def test_a_recovery_sheet_that_cannot_be_written_uses_no_code_up(visit: AtCustomer) -> None:
    taken = visit.computer.folder / "taken.txt"
    taken.write_text("mine")
    words = ("--folder", visit.computer.source, "--recovery-sheet")
    visit.set_up(*words, taken, code=visit.code).must_say(1, "IBS-9208")
    visit.set_up(*words, visit.computer.folder / "nowhere/sheet.txt", code=visit.code).must_say(1, "IBS-9208")
    assert taken.read_text() == "mine"
    assert visit.checklist() == ["Waiting"] * 6
    sheet = visit.computer.folder / "sheet.txt"
    visit.set_up("--folder", visit.computer.source, "--recovery-sheet", sheet, code="AAA-AAAA").must_say(4, "IBS-1103")
    assert not sheet.exists()


def test_a_recovery_code_that_is_to_be_hidden_is_shown_nowhere(visit: AtCustomer) -> None:
    ended = visit.set_up("--folder", visit.computer.source, "--hide-recovery-code", "--events", code=visit.code)
    assert ended.code == 0, ended
    assert {event["recovery_code"] for event in ended.events if "recovery_code" in event} == {""}


def test_no_list_of_processes_shows_the_code(visit: AtCustomer) -> None:
    visit.computer.variables["IBS_CODE"] = visit.code
    started = visit.computer.start(*visit.words)
    seen: set[bytes] = set()
    while started.poll() is None:
        seen |= set(processes_of(visit.computer).values())
    said, _ = started.communicate()
    assert started.returncode == 0, said
    assert len(seen) >= 3
    assert not any(visit.code.encode() in words for words in seen)


def test_what_came_back_otherwise_fails_the_set_up(visit: AtCustomer, tmp_path: Path) -> None:
    """The storage's packs are exchanged between backup and test restore: nothing may be called restored."""
    visit.house.at_request("/restores", lambda: [pack.write_bytes(b"\0" * pack.stat().st_size)
                                                 for pack in visit.computer.packs()])
    ended = visit.set_up("--folder", visit.computer.source, code=visit.code)
    assert ended.code == 1, ended
    assert "IBS-4212" in ended.complained or "IBS-5" in ended.complained
    assert visit.checklist()[-1] != "Done"
