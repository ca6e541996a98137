"""What the activity page says, without a display: days, filters, and what to do about files that were skipped."""
from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from client.gui.presenters.activity import (
    BACKUPS,
    EVERYTHING,
    FILTERS,
    PROBLEMS,
    RESTORES,
    SETTINGS,
    describe_job,
    describe_jobs,
    describe_nothing,
)
from client.store.decisions import describe_changes
from client.store.settings import Settings
from tests.client.conftest import Client

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def clock_on_the_wall(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tests' people live in Greenwich."""
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()


def job(name: str, at: str, kind: str = "backup", outcome: str = "finished", **fields: Any) -> dict[str, Any]:
    """A job as “log --brief --json” tells of it."""
    return {"name": name, "job": kind, "began": f"2026-11-{at}Z", "outcome": outcome, "files": 2148, "bytes": 10**9,
            "read": 5, "stored": 42_000_000, "skipped": 0, "seconds": 72.0, "code": "", "sentence": "", "hint": "",
            "refused": False, "notices": [], "more_notices": 0} | fields


JOBS = [
    job("5", "22T09:14:00"),
    job("4", "22T08:00:00", "settings", "decided", notices=["Left out from now on: *.tmp"], more_notices=1),
    job("3", "21T18:00:00", skipped=3),
    job("2", "21T17:00:00", "restore"),
    job("1", "20T18:00:00", outcome="failed", refused=True, code="IBS-1201", sentence="Backups were switched off."),
    job("0", "20T17:00:00", outcome="interrupted"),
]


def names(shown: str) -> list[str]:
    """The jobs of a filter."""
    return [line.name for line in describe_jobs(JOBS, shown, NOW) if line.name]


def test_jobs_stand_by_day_with_a_heading_each() -> None:
    lines = describe_jobs(JOBS, EVERYTHING, NOW)
    assert [line.day for line in lines if not line.name] == ["Today", "Yesterday", "20 Nov"]
    assert [(line.time, line.what, line.result) for line in lines if line.name][:3] == [
        ("09:14", "Backup", "Completed"), ("08:00", "Settings", "Noted"),
        ("18:00", "Backup", "Completed with warnings")]


def test_each_filter_shows_its_own() -> None:
    assert names(PROBLEMS) == ["3", "0"]
    assert names(BACKUPS) == ["5", "3", "1", "0"]
    assert names(RESTORES) == ["2"]
    assert names(SETTINGS) == ["4"]
    assert all(describe_nothing(shown)[0] for shown in FILTERS)


def test_a_row_says_the_most_that_fits() -> None:
    details = {line.name: line.detail for line in describe_jobs(JOBS, EVERYTHING, NOW)}
    assert details["5"] == "2,148 files, 42 MB sent"
    assert details["3"] == "3 skipped, 2,148 files, 42 MB sent"
    assert details["4"] == "Left out from now on: *.tmp (and 1 more)"
    assert details["1"] == "Backups were switched off."


def test_a_job_tells_what_to_do_about_each_kind_of_problem() -> None:
    entries = [{"event": "file-skipped", "at": "2026-11-21T18:00:01Z", "path": f"/a{at}\n", "code": "IBS-4101",
                "reason": "Permission denied"} for at in range(3)]
    entries.append({"event": "folder-missing", "at": "2026-11-21T18:00:02Z", "path": "/mnt/usb", "code": "IBS-4102",
                    "reason": "…"})
    detail = describe_job({"job": "backup", "began": JOBS[2]["began"], "entries": entries}, JOBS[2], NOW)
    assert detail.title == "Backup of yesterday at 18:00"
    assert detail.advice[0].startswith("3 files (IBS-4101): Close the program")
    assert detail.advice[1].startswith("1 folder (IBS-4102): Plug the drive in")
    assert detail.rows[0] == ("warn", "18:00:01", "/a0\\n: Permission denied", "IBS-4101")
    assert detail.facts.endswith("in 1 min 12 s")


def test_a_refused_backup_says_who_refused_it_and_what_to_do() -> None:
    detail = describe_job({"job": "backup", "began": JOBS[4]["began"], "entries": []}, JOBS[4], NOW)
    assert (detail.problem, detail.code) == ("Backups were switched off.", "IBS-1201")
    assert "My details" in detail.hint


def test_a_great_many_lines_are_cut_and_said_to_be() -> None:
    entries = [{"event": "file-skipped", "at": "", "path": "/a", "code": "IBS-4101", "reason": "busy"}] * 1500
    detail = describe_job({"job": "backup", "began": "", "entries": entries}, JOBS[2], NOW)
    assert len(detail.rows) == 1000
    assert "1,500" in detail.more


def test_decisions_are_told_as_sentences() -> None:
    home = Path("/home")
    before = Settings(home, ("/a", "/b/c"), ("*.tmp",))
    after = Settings(home, ("/b", "/d"), ("*.bak",))
    assert describe_changes(before, after) == [
        "Protected from now on: /b", "Protected from now on: /d",
        "Not protected any more: /a. Its earlier copies are kept.",
        "Left out from now on: *.bak", "Not left out any more: *.tmp",
    ]
    assert describe_changes(before, before) == []


def test_a_change_of_the_settings_is_in_the_log_and_a_copy_can_be_saved(
    client: Client, source: Path, tmp_path: Path,
) -> None:
    assert client("folder", "add", str(source)).code == 0
    assert client("folder", "add", str(source)).code == 0  # no change, so nothing to tell
    listed = client("log", "--json", "--brief").json["jobs"]
    assert [(one["job"], one["outcome"], one["notices"]) for one in listed] == [
        ("settings", "decided", [f"Protected from now on: {source}"])]
    name = listed[0]["name"]
    for ending in ("txt", "xml"):
        copy = tmp_path / f"copy.{ending}"
        assert client("log", "--one", name, "--save", str(copy), "--json").code == 0
        assert "Protected from now on" in copy.read_text()
    assert (tmp_path / "copy.xml").read_text().startswith("<?xml")
    assert "(IBS-4105)" in client("log", "--one", "never").complained
    assert "(IBS-4208)" in client("log", "--one", name, "--save", str(tmp_path / "no" / "copy.txt")).complained
