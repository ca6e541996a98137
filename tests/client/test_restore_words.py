"""What the restore page says, without a display: rows, ticks, what is in the way, and how it ended."""
from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from client.events import Cancelled, Event, Failed, FileSkipped, Finished, Progress, Started
from client.gui.presenters.restore import (
    OFF,
    ON,
    PARTLY,
    Chosen,
    days_of,
    describe_choice,
    first_folder,
    join,
    new_folder,
    parent_of,
    read_folder,
    read_found,
    read_points,
    read_versions,
    times_of,
)
from client.gui.presenters.restoring import (
    RestoreState,
    Wish,
    after_end,
    after_event,
    describe_end,
    describe_progress,
    describe_target,
    failure_rows,
)

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
WISH = Wish(14, ("/home/alice",), Path("/back"), files=148, bytes=48_000_000)


def point(number: int, at: str, files: int = 3) -> dict[str, Any]:
    """A restore point as “snapshots --json” tells of it."""
    return {"number": number, "finished_at": at, "files": files, "bytes": 10, "stored": 1, "skipped": 0}


def follow(*events: Event, wish: Wish = WISH) -> RestoreState:
    """The state after these events."""
    state = RestoreState(wish)
    for event in events:
        state = after_event(state, event)
    return state


@pytest.fixture(autouse=True)
def clock_on_the_wall(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tests' people live in Greenwich."""
    import time

    monkeypatch.setenv("TZ", "UTC")
    time.tzset()


def test_restore_points_stand_by_day_with_the_newest_first() -> None:
    points = read_points([
        point(1, "2026-11-03T18:00:00+00:00"), point(2, "2026-11-21T18:00:00+00:00"),
        point(3, "2026-11-22T09:14:05+00:00", 1), point(4, "2026-11-22T09:14:50+00:00", 1),
    ], NOW)
    assert days_of(points) == ["Today", "Yesterday", "3 Nov"]
    assert [(text, one.number) for text, one in times_of(points, "Today").items()] == [
        ("09:14, 1 file", 4), ("09:14:05, 1 file", 3)]
    assert list(times_of(points, "3 Nov")) == ["18:00, 3 files"]


def test_a_folder_shows_folders_first_and_names_that_harm_nobody() -> None:
    entries = read_folder({"snapshot": 2, "path": "/home/alice", "entries": [
        {"name": "b\x1b[31m.txt", "kind": "file", "size": 12_000, "modified_ns": 1_795_302_840 * 10**9},
        {"name": "Anna", "kind": "folder", "size": 0, "modified_ns": 0},
        {"name": "a.txt", "kind": "file", "size": 1, "modified_ns": 10**30},
    ]}, NOW)
    assert [(one.name, one.size_words, one.path) for one in entries] == [
        ("Anna", "Folder", "/home/alice/Anna"), ("a.txt", "1 byte", "/home/alice/a.txt"),
        ("b\\x1b[31m.txt", "12 kB", "/home/alice/b\x1b[31m.txt")]


def test_what_was_found_says_where_it_lies_and_when_it_was_there() -> None:
    found = read_found({"found": [{
        "path": "/home/alice/old.txt", "kind": "file", "size": 5, "modified": "2026-11-01T00:00:00+00:00",
        "versions": 3, "first_at": "2026-11-02T18:00:00+00:00", "snapshot": 9, "last_at": "2026-11-03T18:00:00+00:00",
        "still": False}]}, NOW)
    assert [(one.name, one.changed, one.detail, one.snapshot) for one in found] == [
        ("old.txt", "3 Nov 18:00", "/home/alice", 9)]


def test_versions_say_when_they_were_backed_up() -> None:
    versions = read_versions({"path": "/a.txt", "versions": [
        {"snapshot": 9, "snapshots": 4, "size": 5, "modified": "2026-11-21T08:00:00+00:00",
         "first_at": "2026-11-21T18:00:00+00:00", "last_at": "2026-11-22T09:14:00+00:00", "still": True},
        {"snapshot": 2, "snapshots": 1, "size": 4, "modified": "2026-11-01T08:00:00+00:00",
         "first_at": "2026-11-03T18:00:00+00:00", "last_at": "2026-11-03T18:00:00+00:00", "still": False},
    ]}, NOW)
    assert [(one.name, one.changed, one.snapshot) for one in versions] == [
        ("Yesterday 08:00", "Backed up yesterday at 18:00 to today at 09:14 (4 restore points)", 9),
        ("1 Nov 08:00", "Backed up 3 Nov at 18:00 (1 restore point)", 2)]


def test_a_tick_on_a_folder_stands_for_all_below_it() -> None:
    chosen = Chosen()
    chosen.add("/home/alice/a.txt")
    assert (chosen.state("/home/alice"), chosen.state("/home/alicia"), chosen.state("/")) == (PARTLY, OFF, PARTLY)
    chosen.add("/home/alice")
    assert chosen.paths == ["/home/alice"]
    assert chosen.state("/home/alice/deep/b.txt") == ON


def test_a_tick_taken_from_one_file_leaves_all_the_others() -> None:
    chosen = Chosen()
    chosen.add("/home")
    known = {"/home": ["/home/alice", "/home/bob"], "/home/alice": ["/home/alice/a", "/home/alice/b", "/home/alice/c"]}
    assert chosen.toggle("/home/alice/b", known)
    assert chosen.paths == ["/home/alice/a", "/home/alice/c", "/home/bob"]
    assert (chosen.state("/home/alice/b"), chosen.state("/home")) == (OFF, PARTLY)


def test_a_tick_is_never_taken_from_what_nobody_has_seen() -> None:
    chosen = Chosen()
    chosen.add("/home")
    assert not chosen.toggle("/home/alice/b", {"/home/alice": ["/home/alice/b"]})
    assert chosen.paths == ["/home"]


def test_the_running_count_waits_for_the_portal_to_count() -> None:
    chosen = Chosen()
    assert describe_choice(chosen, None).startswith("Nothing is ticked")
    chosen.add("/home")
    assert describe_choice(chosen, None) == "Counting what is chosen…"
    assert describe_choice(chosen, {"files": 148, "bytes": 48_000_000}) == "148 files, 48 MB chosen"


def test_walking_begins_where_the_protected_folders_meet_and_never_leaves_the_root() -> None:
    assert first_folder(["/home/alice/Documents", "/home/alice/Pictures"]) == "/home/alice"
    assert first_folder([]) == "/"
    assert (parent_of("/home"), parent_of("/"), parent_of("/home/alice")) == ("/", "/", "/home")
    assert join("/", "home") == "/home"


def test_a_new_folder_is_named_by_the_time_and_never_one_that_is_there(tmp_path: Path) -> None:
    assert new_folder(tmp_path, NOW).name == "Restored 2026-11-22 12.00"
    new_folder(tmp_path, NOW).mkdir()
    assert new_folder(tmp_path, NOW).name == "Restored 2026-11-22 12.00 (2)"


def test_what_is_in_the_way_is_counted_before_it_may_be_replaced() -> None:
    assert describe_target(WISH, None)[1] == ""
    assert describe_target(WISH, {"files": 148, "existing": 0, "newer": 0})[1] == ""
    text, choice = describe_target(WISH, {"files": 148, "existing": 12, "newer": 3})
    assert text.startswith("12 of 148 files exist there already. They stay as they are")
    assert choice == "Replace 12 files that exist already; 3 of them were changed after this backup"
    assert describe_target(WISH, {"files": 1, "existing": 1, "newer": 1})[1] == (
        "Replace 1 file that exists already; 1 of them was changed after this backup")


def test_only_a_wish_to_overwrite_overwrites() -> None:
    assert "--overwrite" not in WISH.command
    assert Wish(1, ("/a",), None, overwrite=True).command[-1] == "--overwrite"
    assert "--in-place" in Wish(1, ("/a",), None).command


def test_progress_goes_by_files_and_bytes() -> None:
    title, figures, share = describe_progress(follow(Started(14, "restore"), Progress(74, 24_000_000, 0)))
    assert (title, share) == ("Restoring: 50 %", 0.5)
    assert figures == "74 of 148 files · 24 MB of 48 MB"


def test_the_end_counts_what_was_restored_and_checked() -> None:
    state = follow(Finished(14, 148, 48_000_000, 1, 48_000_000, 0, 2.0))
    assert describe_end(state)[:2] == ("ok", "148 of 148 files restored and checked.")


def test_files_that_were_there_are_told_apart_from_failures() -> None:
    there = FileSkipped("/a\n", "IBS-4201", "/a exists already and was left as it is.")
    broken = FileSkipped("/b", "IBS-5201", "/b is damaged.")
    kept = follow(there, Finished(14, 147, 1, 1, 1, 1, 2.0))
    assert describe_end(kept) == (
        "warn", "147 of 148 files restored and checked.", "The other one exists already and was left as it is.")
    both = follow(there, broken, Finished(14, 146, 1, 1, 1, 2, 2.0))
    assert describe_end(both)[1] == "146 of 148 files restored and checked."
    assert "list says why" in describe_end(both)[2]
    assert failure_rows(both.failures)[0] == ("/a\\n", "/a exists already and was left as it is.", "IBS-4201")
    assert failure_rows(both.failures)[1][1] == "It is damaged."


def test_a_restore_that_was_cancelled_failed_or_killed_says_so() -> None:
    cancelled = describe_end(follow(Progress(74, 1, 0), Cancelled()))
    assert cancelled == ("neutral", "The restore was cancelled.", "74 files of 148 are there, and each is complete.")
    failed = describe_end(follow(Failed("IBS-2101", "Can't reach the storage.", "Try again later.")))
    assert failed == ("error", "Can't reach the storage.", "Try again later. (IBS-2101)")
    killed = after_end(follow(Progress(74, 1, 0)), -9)
    assert describe_end(killed)[0] == "error"
    assert after_end(follow(Cancelled()), 130).end == Cancelled()
