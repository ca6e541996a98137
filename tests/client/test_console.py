"""How a job's events become words, and what its end means."""
from __future__ import annotations

import json
import os
import sys

import pytest

from client.console import EVENTS, JSON, PEOPLE, Follower, amount, count, drop_output, shown
from client.errors import NotEnrolled
from client.events import (
    Cancelled,
    Event,
    Failed,
    FileSkipped,
    Finished,
    FolderMissing,
    Notice,
    PackStored,
    Progress,
    Started,
    to_json,
)
from client.outcomes import ending, exit_code
from protocol.errors import (
    BackupsSwitchedOff,
    LeaseLost,
    NotFound,
    QuotaReached,
    SignInFailed,
    SubscriptionExpired,
    TokenRejected,
)
from vault.errors import BackupError, StorageFull, VaultDamaged

FIRST = Finished(snapshot=7, files=3, bytes=300, read=30, stored=20, skipped=0, seconds=1.25)
HEALED = Finished(snapshot=8, files=3, bytes=300, read=300, stored=200, skipped=0, seconds=2.5)
UNDECODABLE = os.fsdecode(b"/home/caf\xe9\x1b[2J")


def follow(mode: str, *events: Event) -> int:
    follower = Follower(mode, lambda finished: f"Snapshot {finished.snapshot}.")
    for event in events:
        follower(event)
    return follower.finish()


@pytest.mark.parametrize(("size", "words"), [
    (0, "0 bytes"), (999, "999 bytes"), (1000, "1.0 kB"), (369_000_000, "369.0 MB"), (1_080_000_000, "1.1 GB"),
    (2_500_000_000_000, "2.50 TB"), (9_999_000_000_000_000, "9999.00 TB"),
])
def test_sizes_are_for_people(size: int, words: str) -> None:
    assert amount(size) == words


def test_nouns_follow_their_number() -> None:
    assert [count(number, "file") for number in (0, 1, 20_000)] == ["0 files", "1 file", "20,000 files"]


def test_a_name_cannot_clear_the_screen() -> None:
    assert shown(UNDECODABLE) == r"/home/caf\udce9\x1b[2J"
    assert shown("Zoë 𝄞 a b") == "Zoë 𝄞 a b"


@pytest.mark.parametrize("event", [
    Started(1), Progress(1, 2, 3, UNDECODABLE), FileSkipped(UNDECODABLE, "IBS-4101", "in use"),
    FolderMissing("/x", "IBS-4102", "gone"), PackStored(1, 8), Notice("Text “quoted”."), FIRST,
    Failed("IBS-2101", "No.", "Wait."), Cancelled(),
])
def test_every_event_is_one_line_of_ascii_that_comes_back(event: Event) -> None:
    line = to_json(event)
    assert line.isascii()
    assert "\n" not in line
    fields = json.loads(line)
    assert fields.pop("event") == event.kind()
    assert type(event)(**fields) == event


def test_a_run_that_heals_and_starts_over_tells_people_and_programs_its_last_end(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert follow(JSON, Started(7), FIRST, Started(8), HEALED) == 0
    assert json.loads(capsys.readouterr().out)["snapshot"] == 8
    follow(PEOPLE, FIRST, HEALED)
    assert capsys.readouterr().out == "Snapshot 8.\n"
    follow(EVENTS, FIRST, HEALED)
    assert len(capsys.readouterr().out.splitlines()) == 2


def test_skipped_files_and_missing_folders_make_exit_code_three(capsys: pytest.CaptureFixture[str]) -> None:
    assert follow(PEOPLE, FileSkipped("/a", "IBS-4101", "in use"), FIRST) == 3
    said = capsys.readouterr()
    assert "Skipped /a: in use (IBS-4101)" in said.err
    assert "1 skipped" in said.out
    assert follow(EVENTS, FolderMissing("/b", "IBS-4102", "gone"), FIRST) == 3


def test_no_progress_is_drawn_where_nobody_looks(capsys: pytest.CaptureFixture[str]) -> None:
    follow(PEOPLE, Progress(1, 2, 3, "/x"))
    said = capsys.readouterr()
    assert said.out + said.err == ""


@pytest.mark.parametrize(("error", "code"), [
    (SignInFailed(), 4), (TokenRejected(), 4), (BackupsSwitchedOff(by="p", since="now", reason=""), 4),
    (SubscriptionExpired(plan="Gold", until="today"), 4), (QuotaReached(used="1", quota="1"), 1), (LeaseLost(), 1),
    (NotFound(what="snapshot 9"), 1), (StorageFull(reason="552"), 1), (VaultDamaged(name="p", reason="r"), 1),
    (NotEnrolled(), 1), (KeyboardInterrupt(), 130),
])
def test_each_end_has_its_exit_code(error: BaseException, code: int) -> None:
    assert exit_code(error) == code
    event = ending(error)
    assert isinstance(event, Cancelled) is (code == 130)
    if isinstance(event, Failed):
        assert isinstance(error, BackupError)
        assert (event.code, event.refused) == (error.code, code == 4)


def test_what_has_no_console_is_told_nothing_and_works_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", None)  # as Windows starts a program without a console
    monkeypatch.setattr(sys, "stderr", None)
    assert follow(PEOPLE, Notice("This backup was due by its schedule."), Progress(1, 2, 3, "/x"), FIRST) == 0
    assert follow(JSON, FIRST) == follow(EVENTS, FIRST) == 0
    drop_output()
