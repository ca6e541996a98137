"""What a look at the clock decides, and what it remembers."""
from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

import pytest

from client.outcomes import CANCELLED, DONE, DONE_WITH_SKIPPED, FAILED, REFUSED
from client.schedules.schedule import DAILY, Schedule
from client.schedules.tick import Circumstances, decide, is_time_to_ask
from client.store import agenda as agendas
from client.store.agenda import Agenda, KnownFolder, change_agenda, load_agenda, note_end, note_start
from client.system.circumstances import ASK_NETWORK_MANAGER, is_metered, on_battery
from client.system.windows import circumstances as windows
from tests.parts.fake_windows import FakeWindows

NOW = datetime(2026, 11, 23, 18, 2, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
PLAN = Schedule(DAILY, time(18))
DONE_YESTERDAY = Agenda(settled=NOW - timedelta(days=1), tried=NOW - timedelta(days=1))


def never() -> bool:
    """A question that nobody should ask."""
    raise AssertionError("the system was asked for nothing")


AT_HOME = Circumstances(never, never)
ON_BATTERY = Circumstances(lambda: True, never)
ON_THE_TRAIN = Circumstances(lambda: False, lambda: True)


def reason(plan: Schedule, agenda: Agenda, at: datetime = NOW, where: Circumstances = AT_HOME) -> tuple[bool, str]:
    """Whether a backup starts, and why or why not, on a computer in UTC."""
    decision = decide(plan, agenda, at, where, zone=UTC)
    return decision.start, decision.reason


def test_what_is_due_starts_and_what_is_not_does_not() -> None:
    assert reason(PLAN, DONE_YESTERDAY) == (True, "due")
    assert reason(PLAN, DONE_YESTERDAY, NOW - 3 * MINUTE) == (False, "nothing")
    assert reason(PLAN, replace(DONE_YESTERDAY, settled=NOW - MINUTE)) == (False, "nothing")
    assert reason(Schedule(), DONE_YESTERDAY) == (False, "nothing")


def test_a_missed_backup_is_made_up_for_and_says_since_when() -> None:
    decision = decide(PLAN, DONE_YESTERDAY, NOW + 14 * HOUR, AT_HOME, zone=UTC)
    assert (decision.start, decision.reason) == (True, "caught-up")
    assert "2026-11-23 18:00" in decision.words


def test_the_system_is_asked_for_battery_and_line_only_when_a_backup_would_start() -> None:
    strict = replace(PLAN, on_battery=False, on_metered=False)
    assert reason(strict, DONE_YESTERDAY, NOW - HOUR) == (False, "nothing")
    assert reason(strict, DONE_YESTERDAY, where=ON_BATTERY) == (False, "battery")
    assert reason(strict, DONE_YESTERDAY, where=ON_THE_TRAIN) == (False, "metered")
    assert reason(strict, DONE_YESTERDAY, where=Circumstances(lambda: False, lambda: False)) == (True, "due")
    assert reason(PLAN, DONE_YESTERDAY, where=AT_HOME) == (True, "due")


def test_while_backups_are_switched_off_in_the_portal_none_starts() -> None:
    off = replace(DONE_YESTERDAY, accepts=False)
    assert reason(PLAN, off) == (False, "switched-off")
    assert reason(PLAN, off, NOW - HOUR) == (False, "nothing")


def test_a_wish_of_the_portal_starts_a_backup_at_any_time_even_without_a_plan() -> None:
    wished = replace(DONE_YESTERDAY, wish=NOW - MINUTE, wished_by="Ida of Nordlicht")
    decision = decide(Schedule(), wished, NOW - HOUR, AT_HOME, zone=UTC)
    assert (decision.start, decision.reason) == (True, "wished")
    assert "Ida of Nordlicht" in decision.words
    assert reason(replace(PLAN, on_battery=False), wished, where=ON_BATTERY) == (False, "battery")


def test_a_person_at_this_computer_is_asked_for_nothing() -> None:
    strict = replace(PLAN, on_battery=False, on_metered=False)
    decision = decide(strict, replace(DONE_YESTERDAY, accepts=False), NOW, AT_HOME, requested=True)
    assert (decision.start, decision.reason) == (True, "requested")


@pytest.mark.parametrize(("failures", "refused", "pause"), [
    (1, False, 15), (2, False, 30), (3, False, 60), (5, False, 240), (60, False, 240), (1, True, 240),
])
def test_a_backup_that_failed_is_tried_again_after_longer_and_longer_pauses(
    failures: int, refused: bool, pause: int,
) -> None:
    failed = replace(DONE_YESTERDAY, tried=NOW, failures=failures, refused=refused)
    assert reason(PLAN, failed, NOW + (pause - 1) * MINUTE) == (False, "retry")
    assert reason(PLAN, failed, NOW + (pause + 1) * MINUTE)[0] is True


def test_a_new_wish_does_not_wait_for_the_pause_after_a_failure() -> None:
    failed = replace(DONE_YESTERDAY, tried=NOW, failures=4, wish=NOW - HOUR)
    assert reason(PLAN, failed, NOW + MINUTE) == (False, "retry")
    assert reason(PLAN, replace(failed, wish=NOW + MINUTE), NOW + 2 * MINUTE) == (True, "wished")


def test_without_catching_up_a_failure_is_still_tried_again() -> None:
    failed = replace(DONE_YESTERDAY, tried=NOW, failures=1)
    assert reason(replace(PLAN, catch_up=False), failed, NOW + 20 * MINUTE) == (True, "again")


def test_a_clock_that_was_ahead_when_a_backup_failed_delays_nothing() -> None:
    failed = replace(DONE_YESTERDAY, tried=NOW + timedelta(days=900), failures=1)
    assert reason(PLAN, failed)[0] is True


def test_the_portal_is_asked_every_ten_minutes_whatever_the_clock_does() -> None:
    assert is_time_to_ask(Agenda(), NOW)
    assert not is_time_to_ask(Agenda(asked=NOW), NOW + 9 * MINUTE)
    assert is_time_to_ask(Agenda(asked=NOW), NOW + 10 * MINUTE)
    assert not is_time_to_ask(Agenda(asked=NOW), NOW - 5 * MINUTE)
    assert is_time_to_ask(Agenda(asked=NOW + timedelta(days=900)), NOW)


# --- what is remembered ------------------------------------------------------------------------------------------


FULL = Agenda(
    settled=NOW, tried=NOW + MINUTE, failures=2, refused=True, asked=NOW, wish=NOW, served=NOW - HOUR,
    wished_by="Zoë\x01 & <Co>", accepts=False, told="ab12", waiting="battery",
    folders=(KnownFolder("/home/alice", 12, 4096), KnownFolder("/media/\udcff\n", missing_since=NOW)),
)


@pytest.mark.parametrize("kept", [Agenda(), FULL])
def test_the_agenda_comes_back(tmp_path: Path, kept: Agenda) -> None:
    change_agenda(tmp_path, lambda _: kept)
    assert load_agenda(tmp_path, pytest.fail) == kept


@pytest.mark.parametrize("damaged", [b"<agenda", b"<agenda failures='x'/>", b"<agenda tried='soon'/>",
                                     b"<agenda version='99'/>", b"<run/>"])
def test_a_damaged_agenda_begins_anew_and_says_so(tmp_path: Path, damaged: bytes) -> None:
    (tmp_path / "agenda.xml").write_bytes(damaged)
    told: list[str] = []
    assert load_agenda(tmp_path, told.append) == Agenda()
    assert len(told) == 1
    note_start(tmp_path, NOW)
    assert load_agenda(tmp_path, pytest.fail).tried == NOW


@pytest.mark.parametrize(("code", "by_person", "settles"), [
    (DONE, False, True), (DONE_WITH_SKIPPED, False, True), (FAILED, False, False), (REFUSED, False, False),
    (CANCELLED, False, False), (CANCELLED, True, True),
])
def test_what_ends_well_or_by_a_person_is_settled_and_all_else_is_tried_again(
    tmp_path: Path, code: int, by_person: bool, settles: bool,
) -> None:
    change_agenda(tmp_path, lambda agenda: replace(agenda, wish=NOW - HOUR))
    note_start(tmp_path, NOW)
    assert load_agenda(tmp_path).failures == 1
    note_end(tmp_path, NOW, code, by_person=by_person)
    kept = load_agenda(tmp_path)
    assert (kept.settled == NOW) is settles
    assert (kept.failures == 0) is settles
    assert (kept.wish is None) is settles
    assert kept.served == (NOW - HOUR if settles else None)
    assert kept.refused is (code == REFUSED)


def test_a_backup_that_is_killed_counts_as_one_that_failed(tmp_path: Path) -> None:
    script = (
        "import os, sys\nfrom datetime import UTC, datetime\nfrom pathlib import Path\n"
        "from client.store import agenda\n"
        "agenda.note_start(Path(sys.argv[1]), datetime(2026, 11, 23, 18, 2, tzinfo=UTC))\nos.kill(os.getpid(), 9)\n"
    )
    assert subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=False).returncode == -9
    kept = load_agenda(tmp_path)
    assert (kept.tried, kept.failures, kept.settled) == (NOW, 1, None)
    assert reason(replace(PLAN, since=NOW - HOUR), kept, NOW + 16 * MINUTE)[0] is True


def test_two_who_write_at_once_lose_nothing(tmp_path: Path) -> None:
    script = (
        "import sys\nfrom dataclasses import replace\nfrom pathlib import Path\n"
        "from client.store.agenda import change_agenda\n"
        "for _ in range(20):\n"
        "    change_agenda(Path(sys.argv[1]), lambda agenda: replace(agenda, failures=agenda.failures + 1))\n"
    )
    children = [subprocess.Popen([sys.executable, "-c", script, str(tmp_path)]) for _ in range(2)]
    assert [child.wait() for child in children] == [0, 0]
    assert load_agenda(tmp_path).failures == 40


def test_only_what_changes_is_written(tmp_path: Path) -> None:
    change_agenda(tmp_path, lambda _: FULL)
    before = (tmp_path / agendas.NAME).stat()
    change_agenda(tmp_path, lambda agenda: replace(agenda, accepts=False))
    assert (tmp_path / agendas.NAME).stat().st_ino == before.st_ino


# --- battery and line on Linux -----------------------------------------------------------------------------------


def supply(root: Path, name: str, **facts: str) -> None:
    """A power supply as the kernel shows it."""
    folder = root / "sys/class/power_supply" / name
    folder.mkdir(parents=True)
    for fact, value in facts.items():
        (folder / fact).write_text(value + "\n")


def test_a_computer_without_a_battery_runs_on_mains(tmp_path: Path) -> None:
    assert not on_battery(tmp_path)
    supply(tmp_path, "AC", type="Mains", online="1")
    assert not on_battery(tmp_path)


def test_a_laptop_is_on_battery_when_it_discharges_and_nothing_supplies_it(tmp_path: Path) -> None:
    supply(tmp_path, "AC", type="Mains", online="0")
    supply(tmp_path, "BAT0", type="Battery", status="Discharging")
    assert on_battery(tmp_path)
    supply(tmp_path, "ucsi", type="USB", online="1")
    assert not on_battery(tmp_path)


def test_a_full_battery_or_that_of_a_mouse_is_no_reason_to_wait(tmp_path: Path) -> None:
    supply(tmp_path, "BAT0", type="Battery", status="Full")
    supply(tmp_path, "hidpp_battery_0", type="Battery", status="Discharging", scope="Device")
    assert not on_battery(tmp_path)


@pytest.mark.parametrize(("bus", "nmcli", "metered"), [
    ("u 1\n", "", True), ("u 3\n", "", True), ("u 2\n", "yes", False), ("u 4\n", "", False), ("u 0\n", "yes", False),
    ("", "no\n\nyes (guessed)\n", True), ("", "no (guessed)\n\nunknown\n", False), ("", "", False),
    ("Failed to get property", "", False),
])
def test_network_manager_is_asked_over_the_bus_and_by_its_command(bus: str, nmcli: str, metered: bool) -> None:
    assert is_metered(lambda command: bus if command == ASK_NETWORK_MANAGER else nmcli) is metered


# --- battery and line on Windows ---------------------------------------------------------------------------------


@pytest.mark.parametrize(("line", "battery"), [(0, True), (1, False), (255, False)])
def test_windows_tells_battery_by_one_call(tmp_path: Path, line: int, battery: bool) -> None:
    assert windows.on_battery(FakeWindows(tmp_path, line=line)) is battery


@pytest.mark.parametrize(("answer", "metered"), [
    ('{"kind":"Unrestricted","roaming":false,"over":false}', False),
    ('{"kind":"Fixed","roaming":false,"over":false}', True),
    ('{"over":false,"kind":"Variable","roaming":false}', True),
    ('{"kind":"Unrestricted","roaming":true,"over":false}', True),
    ('{"kind":"Unknown","roaming":false,"over":false}', False),
    ('{"kind":"","roaming":false,"over":false}', False),
    ("", False), ("Add-Type : Cannot load", False), ("[]", False),
    (OSError("no such program"), False), (TimeoutError("it takes too long"), False),
])
def test_windows_tells_a_metered_line_by_its_cost(tmp_path: Path, answer: str | OSError, metered: bool) -> None:
    calls = FakeWindows(tmp_path, answers={"GetConnectionCost": answer})
    assert windows.on_metered_line(calls) is metered
