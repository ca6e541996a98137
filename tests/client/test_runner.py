"""The window's line to the jobs, without a display: real commands, a real portal, a real storage."""
from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from client.events import (
    Begun,
    Cancelled,
    Event,
    Failed,
    FileSkipped,
    Finished,
    Interrupted,
    Paused,
    Progress,
    Resumed,
    Started,
)
from client.jobs.event_file import JobFile
from client.jobs.requests import PAUSE, RESUME, take_requests
from client.jobs.runner import Answer, Runner
from tests.client.conftest import Client
from tests.client.running_portal import RunningPortal

pytestmark = pytest.mark.xdist_group("running_portal")

POLL = 0.05
PATIENCE = 60.0
LARGE = 100_000_000


class Follower:
    """Polls a runner as a window does, and keeps what it was told."""

    def __init__(self, home: Path) -> None:
        self.runner = Runner(home)
        self.told: list[Event] = []
        self.slowest = 0.0

    def poll(self) -> None:
        """Once."""
        begun = time.perf_counter()
        self.told += self.runner.poll()
        self.slowest = max(self.slowest, time.perf_counter() - begun)

    def until(self, met: Callable[[], object], seconds: float = PATIENCE) -> None:
        """Poll until `met`."""
        deadline = time.monotonic() + seconds
        while not met():
            assert time.monotonic() < deadline, self.told
            self.poll()
            time.sleep(POLL)

    def has(self, *kinds: type[Event]) -> bool:
        """Whether an event of such a kind was told."""
        return any(isinstance(event, kinds) for event in self.told)

    def ask(self, *words: str, stdin: str = "") -> Answer:
        """The answer to a short command."""
        answers: list[Answer] = []
        self.runner.ask(words, answers.append, stdin)
        self.until(lambda: answers)
        return answers[0]


@pytest.fixture
def follower(client: Client) -> Follower:
    """Follows the client's jobs."""
    return Follower(client.home)


@pytest.fixture
def large(protected: Client, source: Path) -> Path:
    """Makes the next backup last a few seconds."""
    with (source / "large.bin").open("wb") as file:
        for _ in range(LARGE // 1_000_000):
            file.write(os.urandom(1_000_000))
    return source


def stored(portal: RunningPortal) -> int:
    """Bytes on the storage, as the disk has them."""
    return sum(path.stat().st_size for path in (portal.data / "storage").rglob("*") if path.is_file())


def test_a_backup_that_was_started_here_is_told_from_begin_to_end(protected: Client, follower: Follower) -> None:
    follower.runner.start()
    assert follower.runner.running
    follower.until(lambda: follower.has(Finished))
    follower.until(lambda: not follower.runner.running)
    assert isinstance(follower.told[0], Begun)
    assert isinstance(follower.told[1], Started)
    finished = follower.told[-1]
    assert isinstance(finished, Finished)
    assert (finished.files, finished.skipped) == (3, 0)
    assert follower.slowest < 0.05


def test_a_backup_that_another_started_is_followed_too_and_by_several(
    protected: Client, large: Path, follower: Follower,
) -> None:
    other = Follower(protected.home)
    with subprocess.Popen(protected.command("backup", "--automatic"), stdout=subprocess.DEVNULL) as process:
        for window in (follower, other):
            window.until(lambda window=window: window.has(Progress))  # type: ignore[misc]
            assert window.runner.begun is not None
            assert window.runner.begun.automatic
        for window in (follower, other):
            window.until(lambda window=window: window.has(Finished))  # type: ignore[misc]
    assert process.returncode == 0
    assert not follower.has(Interrupted)


def test_a_window_that_opens_afterwards_is_told_nothing_of_the_past(protected: Client, follower: Follower) -> None:
    assert protected("backup").code == 0
    follower.poll()
    assert follower.told == []
    assert not follower.runner.running


def test_the_next_backup_knows_how_much_the_last_one_held(protected: Client, follower: Follower) -> None:
    assert protected("backup").code == 0
    follower.poll()
    follower.runner.start()
    follower.until(lambda: follower.has(Finished))
    begun = follower.told[0]
    assert isinstance(begun, Begun)
    assert (begun.files, begun.bytes) == (3, 700_008)


def test_a_job_that_was_killed_is_shown_as_ended(protected: Client, large: Path, follower: Follower) -> None:
    with subprocess.Popen(protected.command("backup"), stderr=subprocess.DEVNULL) as process:
        follower.until(lambda: follower.has(Progress))
        process.kill()
    follower.until(lambda: not follower.runner.running, 1.0)
    assert isinstance(follower.told[-1], Interrupted)
    latecomer = Follower(protected.home)
    latecomer.poll()
    assert isinstance(latecomer.told[-1], Interrupted)
    follower.runner.start()
    follower.until(lambda: follower.has(Finished))


def test_a_pause_stops_sending_within_a_second_and_the_run_goes_on_afterwards(
    protected: Client, running_portal: RunningPortal, large: Path, follower: Follower,
) -> None:
    before = stored(running_portal)
    follower.runner.start()
    follower.until(lambda: stored(running_portal) > before)
    follower.runner.pause()
    follower.until(lambda: follower.has(Paused), 1.0)
    time.sleep(0.5)
    at_rest = stored(running_portal)
    assert at_rest - before < LARGE
    time.sleep(2)
    assert stored(running_portal) == at_rest
    assert follower.runner.running
    follower.runner.resume()
    follower.until(lambda: follower.has(Resumed), 1.0)
    follower.until(lambda: follower.has(Finished, Failed))
    assert follower.has(Finished), follower.told
    assert stored(running_portal) - before > LARGE
    log = protected("log", "--json").json["jobs"][0]["entries"]
    assert [entry["event"] for entry in log] == ["started", "paused", "resumed", "finished"]


def test_an_open_window_keeps_a_pause_until_its_reader_goes_on(tmp_path: Path) -> None:
    """Whichever window asked for the pause, this one asks again every minute."""
    now = 0.0
    with JobFile(tmp_path, "backup") as job:
        runner = Runner(tmp_path, clock=lambda: now)
        runner.poll()
        job(Paused())
        asked = []
        for second in range(0, 200, 10):
            now = float(second)
            runner.poll()
            asked += [second for wish in take_requests(tmp_path, job.begun.name) if wish == PAUSE]
        assert asked == [60, 120, 180]
        runner.resume()
        assert take_requests(tmp_path, job.begun.name) == [RESUME]
        now = 1000.0
        runner.poll()
        assert take_requests(tmp_path, job.begun.name) == []


def test_a_cancelled_backup_ends_soon_and_the_next_one_uses_what_it_stored(
    protected: Client, running_portal: RunningPortal, large: Path, follower: Follower,
) -> None:
    before = stored(running_portal)
    with subprocess.Popen(protected.command("backup", "--json"), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                          ) as process:
        follower.until(lambda: stored(running_portal) - before > LARGE // 4)
        asked = time.monotonic()
        follower.runner.cancel()
        follower.until(lambda: follower.has(Cancelled))
        assert time.monotonic() - asked < 2
        assert process.wait(10) == 130
    follower.until(lambda: not follower.runner.running)
    follower.runner.start()
    follower.until(lambda: follower.has(Finished))
    finished = next(event for event in follower.told if isinstance(event, Finished))
    assert finished.bytes > LARGE
    assert finished.stored < LARGE * 0.9


def test_a_paused_backup_can_be_cancelled(protected: Client, large: Path, follower: Follower) -> None:
    follower.runner.start()
    follower.runner.pause()  # before it has begun: it is asked as soon as it has
    follower.until(lambda: follower.has(Paused))
    follower.runner.cancel()
    follower.until(lambda: follower.has(Cancelled), 3.0)
    follower.until(lambda: not follower.runner.running)


def test_a_second_backup_at_once_says_so_and_harms_nothing(protected: Client, large: Path, follower: Follower) -> None:
    with subprocess.Popen(protected.command("backup"), stdout=subprocess.DEVNULL) as process:
        follower.until(lambda: follower.has(Started))
        follower.runner.start()
        follower.until(lambda: follower.has(Failed))
        failed = next(event for event in follower.told if isinstance(event, Failed))
        assert failed.code == "IBS-9201"
        assert follower.runner.running
    assert process.returncode == 0
    follower.until(lambda: follower.has(Finished))


def test_short_commands_are_answered_as_data_or_with_sentence_hint_and_code(
    client: Client, running_portal: RunningPortal, follower: Follower,
) -> None:
    refused = follower.ask("status", "--json")
    assert not refused.good
    assert refused.error is not None
    assert refused.error.code == "IBS-1105"
    assert refused.error.hint
    enrolled = follower.ask("enrol", running_portal.address, "--user", "alice", "--password-stdin", "--json",
                            stdin="correct horse battery\n")
    assert enrolled.good
    assert enrolled.data["account"] == "alice"
    assert follower.ask("snapshots", "--json").data == []
    wordless = follower.ask("list")
    assert wordless.error is not None
    assert wordless.error.code == "IBS-9207"
    assert follower.slowest < 0.05


def test_a_restore_is_followed_to_its_end(protected: Client, tmp_path: Path, follower: Follower) -> None:
    assert protected("backup").code == 0
    told, ends = list[Event](), list[int]()
    follower.runner.follow(["restore", "--to", str(tmp_path / "back")], told.append, ends.append)
    follower.until(lambda: ends)
    assert ends == [0]
    assert isinstance(told[0], Started)
    finished = told[-1]
    assert isinstance(finished, Finished)
    assert finished.files == 3
    follower.runner.follow(["restore", "--to", str(tmp_path / "back")], told.append, ends.append)
    follower.until(lambda: len(ends) == 2)
    assert ends[1] == 3
    assert sum(isinstance(event, FileSkipped) for event in told) == 3


def test_a_restore_that_is_cancelled_keeps_what_is_complete(
    protected: Client, large: Path, tmp_path: Path, follower: Follower,
) -> None:
    assert protected("backup").code == 0
    told, ends = list[Event](), list[int]()
    child = follower.runner.follow(["restore", "--to", str(tmp_path / "back")], told.append, ends.append)
    follower.until(lambda: any(isinstance(event, Progress) for event in told))
    child.cancel()
    follower.until(lambda: ends)
    assert ends == [130]
    assert isinstance(told[-1], Cancelled)
    assert list((tmp_path / "back").rglob(".ibs-*")) == []


def test_the_window_may_go_while_the_backup_works(protected: Client, large: Path, follower: Follower) -> None:
    script = (f"import time; from pathlib import Path; from client.jobs.runner import Runner\n"
              f"runner = Runner(Path({str(protected.home)!r})); runner.start()\n"
              f"while not any(type(event).__name__ == 'Started' for event in runner.poll()): time.sleep(0.05)\n")
    window = subprocess.Popen([protected.command()[0], "-c", script], start_new_session=True)
    assert window.wait(PATIENCE) == 0
    with pytest.raises(ProcessLookupError):  # nothing of it is left, and yet the backup goes on
        os.killpg(window.pid, signal.SIGTERM)
    follower.until(lambda: follower.has(Finished))


def test_a_backup_that_ended_between_two_looks_is_told_of(protected: Client, follower: Follower) -> None:
    follower.poll()
    protected("backup", "--automatic")
    follower.poll()
    assert isinstance(follower.told[0], Begun)
    assert isinstance(follower.told[-1], Finished)
    before = len(follower.told)
    protected("backup", "--automatic")
    follower.poll()
    assert [type(event) for event in (follower.told[before], follower.told[-1])] == [Begun, Finished]
    assert not follower.runner.busy


def test_what_begins_wakes_whoever_polls(protected: Client) -> None:
    woken: list[bool] = []
    runner = Runner(protected.home, lambda: woken.append(True))
    runner.ask(["folder", "list", "--json"], lambda _: woken.append(False))
    assert woken == [True]
    assert runner.busy
    until = time.monotonic() + 20
    while runner.busy and time.monotonic() < until:
        runner.poll()
        time.sleep(0.05)
    assert woken == [True, False]
