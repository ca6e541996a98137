"""Backups that are killed at every step and at any moment: what was committed stays whole, the next run just works."""
from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from server.services.backup.settlement import settle_expired
from tests.parts.dying_client import DIED
from tests.parts.ftp_servers import FtpServer
from tests.parts.house import Computer, House
from tests.parts.trees import Picture, change, noise, picture, plant, write

ENOUGH = 200


@pytest.fixture
def computer(house: House) -> Computer:
    """A computer with one snapshot."""
    return with_a_snapshot(house)


def with_a_snapshot(house: House) -> Computer:
    """A newly enrolled computer that has backed up once."""
    computer = house.computer(house.sell("alice"))
    computer.use_small_packs()
    plant(computer.source)
    computer.must_back_up()
    return computer


def back_up_and_die(computer: Computer, step: int) -> tuple[int, str]:
    """Back up, up to that step; the exit code and what was complained of."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.parts.dying_client", str(step), *computer.command("backup")[3:]],
        capture_output=True, text=True, check=False,
        env=os.environ | {"PYTHONWARNINGS": "ignore", "PYTHONFAULTHANDLER": "1"},
    )
    assert done.returncode in {0, DIED}, done.stderr
    return done.returncode, done.stderr


def edit(computer: Computer, number: int) -> None:
    """Something changes, is new and goes between two backups."""
    write(computer.source / "diary", f"day {number}\n" * 50)
    write(computer.source / f"photo {number}", noise(60_000, 1000 + number))
    (computer.source / f"photo {number - 2}").unlink(missing_ok=True)


def must_hold(computer: Computer, pictures: dict[int, Picture]) -> None:
    """Each snapshot that the portal shows comes back as the folder was when its run began."""
    for number in computer.snapshots():
        assert picture(computer.must_restore(number)) == pictures[number]


@pytest.mark.parametrize("first", [True, False], ids=["first backup", "later backup"])
def test_f07_a_run_killed_at_every_third_step_loses_no_snapshot(house: House, first: bool) -> None:
    kill_at_steps(house, range(0 if first else 1, ENOUGH, 3), first)


@pytest.mark.long
@pytest.mark.parametrize("first", [True, False], ids=["first backup", "later backup"])
def test_f07_a_run_killed_at_any_step_loses_no_snapshot(house: House, first: bool) -> None:
    kill_at_steps(house, range(ENOUGH), first)


def kill_at_steps(house: House, steps: range, first: bool) -> None:
    """Kill a computer's first or a later backup at each of `steps`, and then the next one; every snapshot holds."""
    computer = house.computer(house.sell("alice"))
    computer.use_small_packs()
    pictures: dict[int, Picture] = {}
    if not first:
        plant(computer.source)
        pictures[computer.must_back_up()] = picture(computer.source)
    for step in steps:
        edit(computer, step)
        state = picture(computer.source)
        code, _ = back_up_and_die(computer, step)
        pictures = {number: state for number, *_ in computer.runs()} | pictures
        if code == 0:
            break
    assert 20 < step < ENOUGH
    pictures[computer.must_back_up()] = state
    must_hold(computer, pictures)
    states = [state for _, state, _ in computer.runs()]
    assert set(states) == {"committed", "abandoned"}  # none is left open
    assert states.count("abandoned") > 5 // steps.step


def test_f07_a_run_killed_on_a_registered_server_before_and_after_its_commit_object(
    house: House, start_ftp: Callable[..., FtpServer],
) -> None:
    house.use_storage(start_ftp("proftpd").address("/backups"))
    computer = with_a_snapshot(house)
    pictures = {1: picture(computer.source)}
    _, complained = back_up_and_die(computer, ENOUGH)
    steps = int(complained.rpartition("steps ")[2])
    pictures[2] = picture(computer.source)
    for step in range(steps - 12, steps, 3):
        edit(computer, step)
        state = picture(computer.source)
        back_up_and_die(computer, step)
        number = computer.must_back_up()
        pictures |= {number: state, number - 1: state}
    must_hold(computer, pictures)


@pytest.mark.parametrize("lapsed", [False, True], ids=["at once", "after its lease"])
def test_f08_a_run_whose_opening_was_never_answered_stops_nobody(computer: Computer, lapsed: bool) -> None:
    dying = computer.start("backup")
    computer.house.at_request("/runs", dying.kill)
    dying.communicate()
    deadline = time.monotonic() + 10
    while len(computer.runs()) < 2 and time.monotonic() < deadline:
        time.sleep(0.02)
    assert computer.runs()[-1] == (2, "open", "")
    if lapsed:
        computer.let_lease_lapse()
        with computer.house.portal():
            assert settle_expired(datetime.now(UTC), computer.house.config) == 1
    assert computer.must_back_up() == (3 if lapsed else 2)
    assert picture(computer.must_restore(1)) == picture(computer.source)


def kill_at_random(computer: Computer, times: int, chance: random.Random) -> None:
    """Kill -9 a backup `times` times; the next one always succeeds, with nobody's help."""
    pictures = {1: picture(computer.source)}
    change(computer.source)
    killed = 0
    usual = 1.2  # seconds that a whole backup takes, at most: less on a quick machine, which is measured
    for number in range(times):
        edit(computer, number)
        write(computer.source / f"film {number % 3}", noise(2_500_000, number))
        state = picture(computer.source)
        running = computer.start("backup")
        time.sleep(chance.uniform(0, usual))
        running.send_signal(signal.SIGKILL)
        running.communicate()
        killed += running.returncode == -signal.SIGKILL
        begun = time.monotonic()
        computer.must_back_up()
        usual = min(usual, time.monotonic() - begun)
        pictures = {number: state for number, *_ in computer.runs()} | pictures
    must_hold(computer, pictures)
    assert killed > times // 4
    assert not list(computer.home.glob("*.damaged"))


def test_f08_a_kill_at_a_random_moment_never_stops_the_next_backup(computer: Computer) -> None:
    kill_at_random(computer, 8, random.Random(os.getpid()))


@pytest.mark.long
def test_f08_a_hundred_kills_at_random_moments_never_stop_the_next_backup(computer: Computer) -> None:
    kill_at_random(computer, 100, random.Random(os.getpid()))
