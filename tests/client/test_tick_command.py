"""ibs-client schedule and tick as the system's scheduler and a person use them; the portal is a real one."""
from __future__ import annotations

import contextlib
import json
import os
import resource
import signal
import sqlite3
import subprocess
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from client.jobs.requests import BACK_UP, make_request
from client.store.activity import log_files, read_logs
from client.store.agenda import change_agenda, load_agenda
from client.store.instance import hold
from client.store.settings import load_identity, load_settings, save_identity, save_settings
from protocol.messages import Done, Wishes
from tests.client.conftest import Client
from tests.client.running_portal import RunningPortal
from tests.client.talking_portal import Answer, Request, TalkingPortal, message
from tests.parts.orphans import ending_with_us

pytestmark = pytest.mark.xdist_group("running_portal")

IDLE_CPU = 0.35
A_DAY = timedelta(days=1)


def let_a_day_pass(client: Client) -> None:
    """As if the last backup, and the choice of the plan, lay a day and more back, and the portal was just asked."""
    then = datetime.now(UTC) - A_DAY - timedelta(hours=1)
    settings = load_settings(client.home, pytest.fail)
    save_settings(replace(settings, schedule=replace(settings.schedule, since=then)))
    change_agenda(client.home, lambda agenda: replace(agenda, settled=then, tried=then, asked=datetime.now(UTC)))


def backups(client: Client) -> int:
    """How many backups the activity log knows."""
    return sum(job.job == "backup" for job in read_logs(client.home, 100))


def test_a_plan_is_chosen_shown_and_switched_off(client: Client) -> None:
    chosen = client("schedule", "set", "weekly", "--at", "7:30", "--days", "mon,fri", "--not-on-battery",
                    "--limit", "500K@08:00-18:00")
    assert chosen.code == 0
    assert "Every Monday and Friday at 07:30. Missed backups are caught up. Not on battery." in chosen.said
    assert "Speed limit: 500 KB/s from 08:00 to 18:00" in chosen.said
    shown = client("schedule", "show", "--json").json
    assert (shown["plan"], shown["days"], shown["on_battery"]) == ("weekly", ["Monday", "Friday"], False)
    assert datetime.fromisoformat(shown["next_run_at"]) > datetime.now(UTC)
    assert client("schedule", "set", "--no-limit").code == 0
    off = client("schedule", "off", "--json").json
    assert (off["plan"], off["next_run_at"], off["limits"], off["on_battery"]) == ("off", None, [], False)


@pytest.mark.parametrize(("words", "reason"), [
    (["set", "daily", "--at", "25:00"], "25:00"), (["set", "weekly", "--days", "noday"], "noday"),
    (["set", "hourly", "--every", "0"], "1 to 24"), (["set", "--limit", "fast"], "fast"),
])
def test_a_plan_that_makes_no_sense_changes_nothing(client: Client, words: list[str], reason: str) -> None:
    ended = client("schedule", *words)
    assert ended.code == 1
    assert "IBS-4108" in ended.complained
    assert reason in ended.complained
    assert not (client.home / "settings.xml").exists()


def test_the_portal_is_told_of_every_change_once(protected: Client, source: Path) -> None:
    heard: list[Request] = []

    def answer(request: Request) -> Answer:
        heard.append(request)
        return message(Done())

    portal = TalkingPortal(answer)
    identity = load_identity(protected.home, pytest.fail)
    save_identity(protected.home, replace(identity, portal=portal.address))
    for words in (["set", "daily"], ["set", "daily"], ["set", "hourly", "--every", "4"], ["off"]):
        assert protected("schedule", *words).code == 0
    portal.stop()
    told = [json.loads(request.body) for request in heard if request.path.endswith("/schedule")]
    assert [report["schedule"] for report in told] == [
        "Every day at 18:00", "Every 4 hours", "Automatic backup is off"]
    assert [report["longest_gap"] for report in told] == [86_400, 14_400, None]
    assert told[0]["next_run_at"] is not None
    assert [folder["path"] for folder in told[0]["folders"]] == [str(source)]


def test_a_change_while_the_portal_is_away_is_told_with_the_next_look_at_the_clock(
    protected: Client, running_portal: RunningPortal,
) -> None:
    identity = load_identity(protected.home, pytest.fail)
    save_identity(protected.home, replace(identity, portal="http://127.0.0.1:9"))
    changed = protected("schedule", "set", "daily")
    assert changed.code == 0
    assert "told later" in changed.complained
    assert load_agenda(protected.home).told == ""
    save_identity(protected.home, identity)
    assert protected("tick").code == 0
    assert load_agenda(protected.home).told != ""


def next_backup_in_the_portal(portal: RunningPortal, client: Client) -> datetime:
    """When the portal expects this computer's next backup."""
    computer = load_identity(client.home, pytest.fail).computer
    with contextlib.closing(sqlite3.connect(portal.data / "catalogue.sqlite")) as database:
        (told,), = database.execute("select next_run_at from computer where id = ?", [computer])
    return datetime.fromisoformat(told).replace(tzinfo=UTC)


def test_tick_backs_up_what_is_due_once_and_says_why(protected: Client, running_portal: RunningPortal) -> None:
    assert protected("schedule", "set", "hourly").code == 0
    assert protected("tick", "--json").json["reason"] == "nothing"
    assert backups(protected) == 0
    let_a_day_pass(protected)
    ended = protected("tick")
    assert ended.code == 0, ended.complained
    assert "made up for" in ended.said
    assert backups(protected) == 1
    assert "made up for" in protected("log").said
    shown = protected("schedule", "show", "--json").json
    assert next_backup_in_the_portal(running_portal, protected) == datetime.fromisoformat(shown["next_run_at"])
    assert protected("tick", "--json").json["reason"] == "nothing"
    assert backups(protected) == 1
    folder, = load_agenda(protected.home).folders
    assert (folder.files, folder.missing_since) == (3, None)


def test_a_wish_of_the_portal_is_followed_without_a_plan(
    protected: Client, running_portal: RunningPortal,
) -> None:
    asked = datetime.now(UTC)
    identity = load_identity(protected.home, pytest.fail)
    wish = message(Wishes(backup_asked_at=asked, backup_asked_by="Ida of Nordlicht"))
    done = message(Done())
    portal = TalkingPortal(lambda request: wish if request.path.endswith("/wishes") else done)
    save_identity(protected.home, replace(identity, portal=portal.address))
    decision = json.loads(protected("tick", "--json").said.splitlines()[0])
    portal.stop()
    assert (decision["start"], decision["reason"]) == (True, "wished")
    assert "Ida of Nordlicht" in decision["words"]
    assert load_agenda(protected.home).failures == 1  # that portal opens no run
    save_identity(protected.home, identity)
    change_agenda(protected.home, lambda agenda: replace(
        agenda, asked=datetime.now(UTC), tried=datetime.now(UTC) - timedelta(minutes=16)))
    assert protected("tick").code == 0
    kept = load_agenda(protected.home)
    assert (kept.wish, kept.served, kept.failures) == (None, asked, 0)
    assert backups(protected) == 2


def test_a_request_of_a_person_at_this_computer_is_taken_once(protected: Client) -> None:
    make_request(protected.home, BACK_UP)
    assert protected("tick", "--json").said.splitlines()[0].count('"requested"') == 1
    assert backups(protected) == 1
    assert protected("tick", "--json").json["reason"] == "nothing"


def test_why_a_backup_waits_is_written_down_once(protected: Client) -> None:
    assert protected("schedule", "set", "hourly").code == 0
    let_a_day_pass(protected)
    change_agenda(protected.home, lambda agenda: replace(agenda, accepts=False))
    for _ in range(3):
        assert protected("tick", "--json").json["reason"] == "switched-off"
    assert [job.outcome for job in read_logs(protected.home, 10) if job.job == "schedule"] == ["decided"]
    assert "switched off in the portal" in protected("log").said


def test_a_computer_that_is_not_enrolled_or_protects_nothing_just_ends(
    client: Client, running_portal: RunningPortal,
) -> None:
    assert client("tick", "--json").json["reason"] == "nothing"
    assert client.enrol(running_portal).code == 0
    assert client("schedule", "set", "hourly").code == 0
    let_a_day_pass(client)
    assert client("tick", "--json").json["reason"] == "nothing"
    assert backups(client) == 0


def test_tick_and_a_backup_that_runs_never_meet(protected: Client, source: Path) -> None:
    """A person's backup waits at its portal's answer while the scheduler looks at the clock."""
    assert protected("schedule", "set", "hourly").code == 0
    let_a_day_pass(protected)
    with hold(protected.home):
        ended = protected("tick")
    assert ended.code == 0
    assert "IBS-9201" in ended.complained
    assert backups(protected) == 0
    assert protected("tick").code == 0
    assert backups(protected) == 1


def test_a_backup_that_the_system_ends_is_made_up_for_but_not_one_that_a_person_cancels(
    protected: Client, source: Path,
) -> None:
    for number in range(30):
        (source / f"{number}.bin").write_bytes(os.urandom(1 << 20))
    assert protected("schedule", "set", "hourly", "--limit", "100K").code == 0
    for sign, settles in ((signal.SIGTERM, False), (signal.SIGINT, True)):
        let_a_day_pass(protected)
        before = load_agenda(protected.home).settled
        child = subprocess.Popen(ending_with_us(protected.command("tick")), stdout=subprocess.DEVNULL,
                                 stderr=subprocess.DEVNULL)
        until = time.monotonic() + 60
        while "started" not in "".join(path.read_text() for path in protected.home.glob("activity/*.open")):
            assert time.monotonic() < until
            time.sleep(0.1)
        child.send_signal(sign)
        assert child.wait(60) == 130
        assert (load_agenda(protected.home).settled != before) is settles
        assert load_agenda(protected.home).failures == (0 if settles else 1)


def test_a_backup_sends_no_faster_than_its_limit(protected: Client, source: Path) -> None:
    assert protected("backup").code == 0
    for number in range(4):
        (source / f"{number}.bin").write_bytes(os.urandom(1_000_000))
    assert protected("schedule", "set", "--limit", "1M").code == 0
    ended = protected("backup", "--json").json
    assert 3.6 <= ended["seconds"] <= 6
    assert ended["stored"] >= 4_000_000


def test_copies_of_logs_that_the_portal_missed_are_sent_by_the_next_look(
    protected: Client, running_portal: RunningPortal,
) -> None:
    assert protected("backup").code == 0
    log = log_files(protected.home)[-1]
    assert not log.with_suffix(".unsent").exists()
    log.with_suffix(".unsent").touch()
    change_agenda(protected.home, lambda agenda: replace(agenda, asked=None))
    assert protected("tick").code == 0
    assert not log.with_suffix(".unsent").exists()


def processor_seconds(client: Client, *words: str) -> float:
    """What a command costs of the processor, with all that it starts."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    ended = subprocess.run(client.command(*words), capture_output=True, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert b"nothing" in ended.stdout
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


@pytest.mark.parametrize("asks", [False, True], ids=["at rest", "asking the portal"])
def test_a_look_at_the_clock_with_nothing_due_costs_next_to_nothing(protected: Client, asks: bool) -> None:
    assert protected("schedule", "set", "daily").code == 0
    assert protected("tick").code == 0
    costs = []
    for _ in range(5):
        if asks:
            change_agenda(protected.home, lambda agenda: replace(agenda, asked=None))
        costs.append(processor_seconds(protected, "tick", "--json"))
    assert min(costs) <= IDLE_CPU, costs


def test_a_look_at_the_clock_loads_nothing_that_only_backups_need(protected: Client) -> None:
    assert protected("schedule", "set", "daily").code == 0
    assert protected("tick").code == 0
    script = (
        "import sys\nfrom client.cli import main\ncode = main(sys.argv[1:])\n"
        "heavy = {'psutil', 'cryptography', 'zstandard', 'ftputil', 'xmlschema', 'urllib3', 'ssl'}\n"
        "print(code, sorted(heavy & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", script, "--home", str(protected.home), "tick", "--json"],
                          capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "0 []"
