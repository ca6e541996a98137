"""Home in words: one sentence for every state a computer can be in, worst first, without a display."""
from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from client.gui.presenters.home import (
    describe_facts,
    describe_notes,
    describe_runs,
    describe_state,
    outcome_of,
)

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
DONE: dict[str, Any] = {
    "run": 3, "began": "2026-11-23T09:13:00Z", "ended": "2026-11-23T09:14:00Z", "outcome": "finished", "files": 2148,
    "bytes": 4_000_000, "read": 100, "stored": 42_000_000, "skipped": 0, "seconds": 60, "code": "", "sentence": "",
    "hint": "", "refused": False, "missing": [],
}
FAILED = DONE | {"outcome": "failed", "code": "IBS-2201", "sentence": "Can't reach the portal.", "hint": "Wait."}
HERE: dict[str, Any] = {
    "folders": [{"path": "/home/priya/Documents", "files": 2148, "bytes": 1, "missing_since": None}], "excludes": [],
    "schedule": "Every day at 18:00", "automatic": True, "next_run_at": "2026-11-23T18:00:00+00:00", "waiting": "",
    "runs": [DONE], "last_done": DONE,
}
THERE: dict[str, Any] = {
    "portal": "https://backup.example.com", "reseller": "Rivers IT", "plan": "Gold", "quota": 10_000_000_000,
    "used": 3_200_000_000, "accepts_backups": True, "accept_changed_by": "", "accept_changed_at": None,
    "accept_reason": "", "snapshots": 14, "valid_from": "2026-01-01T00:00:00+00:00",
    "valid_until": "2027-03-31T23:59:59+00:00", "last_finished_at": "2026-11-23T09:14:00+00:00",
}


def missing(path: str) -> dict[str, Any]:
    """What is known here when that folder is gone."""
    return HERE | {"folders": [{"path": path, "files": 1, "bytes": 1, "missing_since": "2026-11-20T10:00:00+00:00"}]}


@pytest.mark.parametrize(("here", "there", "state", "title"), [
    (None, None, "neutral", "One moment"),
    (HERE, THERE, "ok", "Your files are protected"),
    (HERE, None, "ok", "Your files are protected"),
    (HERE | {"folders": []}, THERE, "neutral", "Nothing is being backed up"),
    (HERE | {"runs": [], "last_done": None}, THERE | {"last_finished_at": None}, "neutral", "Not backed up yet"),
    (HERE | {"runs": [FAILED, DONE]}, THERE, "error", "The last backup failed"),
    (HERE | {"runs": [FAILED | {"code": "IBS-3001"}, DONE]}, THERE, "error", "The storage is full"),
    (HERE | {"runs": [FAILED | {"refused": True}, DONE]}, THERE, "neutral", "The last backup was refused"),
    (HERE | {"runs": [DONE | {"outcome": "interrupted"}, DONE]}, THERE, "warn", "The last backup was interrupted"),
    (HERE | {"runs": [DONE | {"outcome": ""}, DONE]}, THERE, "warn", "The last backup was interrupted"),
    (HERE | {"runs": [DONE | {"skipped": 3}]}, THERE, "warn", "Backed up, with warnings"),
    (HERE | {"runs": [DONE | {"outcome": "cancelled"}, DONE]}, THERE, "ok", "Your files are protected"),
    (HERE | {"runs": [DONE | {"outcome": "cancelled"}], "last_done": None}, THERE | {"last_finished_at": None}, "warn",
     "Not backed up yet"),
    (missing("E:\\Photos"), THERE, "warn", "A folder was not found"),
    (HERE, THERE | {"accepts_backups": False}, "pause", "Backups are switched off"),
    (HERE, THERE | {"valid_until": "2026-03-31T00:00:00+00:00"}, "pause", "Backups are off"),
    (HERE, THERE | {"valid_from": "2026-12-01T00:00:00+00:00"}, "pause", "Backups are off"),
])
def test_it_says_first_whether_everything_is_safe(
    here: dict[str, Any] | None, there: dict[str, Any] | None, state: str, title: str,
) -> None:
    found = describe_state(here, there, NOW)
    assert (found.state, found.title) == (state, title)


def test_it_tells_of_the_last_and_the_next_backup() -> None:
    detail = describe_state(HERE, THERE, NOW).detail
    assert detail.startswith("Last backup today at ")
    assert " · Next backup today at " in detail
    assert describe_state(HERE | {"automatic": False, "next_run_at": None}, THERE, NOW).detail.endswith(
        "Automatic backup is off")
    assert "Next backup in a moment" in describe_state(HERE | {"next_run_at": DONE["ended"]}, THERE, NOW).detail
    assert "The next one waits: on battery" in describe_state(HERE | {"waiting": "on battery"}, THERE, NOW).detail


def test_it_says_who_switched_backups_off_since_when_and_what_to_do() -> None:
    there = THERE | {"accepts_backups": False, "accept_changed_by": "priya.front", "accept_reason": "new PC",
                     "accept_changed_at": "2026-11-12T10:20:00+00:00"}
    card = describe_state(HERE, there, NOW)
    assert card.detail.startswith("Switched off by priya.front 12 Nov at ")
    assert "(“new PC”). Your 14 restore points can be restored." in card.detail
    assert card.detail.endswith("Switch “Accept backups” on in the portal, under My details. (IBS-1201)")
    assert not card.can_back_up


def test_it_gives_the_next_step_of_a_failure_as_the_window_can_take_it() -> None:
    card = describe_state(HERE | {"runs": [FAILED | {"code": "IBS-4103", "hint": "Use “ibs-client folder add”."}]},
                          THERE, NOW)
    assert "Choose one under Folders." in card.detail
    assert "ibs-client" not in card.detail


def test_it_backs_up_but_once_at_a_time() -> None:
    assert describe_state(HERE, THERE, NOW, running=True).title == "Backing up now"


def test_it_counts_files_space_and_restore_points() -> None:
    assert [(fact.figure, fact.label) for fact in describe_facts(HERE, THERE)] == [
        ("2,148", "files protected"), ("3.2 GB", "stored of 10 GB"), ("14", "restore points")]
    assert [fact.figure for fact in describe_facts(None, None)] == ["–", "–", "–"]
    assert [fact.figure for fact in describe_facts(HERE | {"last_done": None}, None)] == ["0", "–", "–"]


def test_it_warns_before_space_or_plan_come_to_their_end() -> None:
    assert describe_notes(THERE, NOW) == ""
    assert describe_notes(None, NOW) == ""
    assert "nearly full: 9.7 GB of 10 GB" in describe_notes(THERE | {"used": 9_700_000_000}, NOW)
    soon = describe_notes(THERE | {"valid_until": (NOW + timedelta(days=9)).isoformat()}, NOW)
    assert soon.startswith("Your Gold plan ends on 2 December 2026. Ask Rivers IT to renew.")
    assert "ended" in describe_notes(THERE | {"valid_until": (NOW - timedelta(days=3)).isoformat()}, NOW)


@pytest.mark.parametrize(("run", "state", "word", "files"), [
    (DONE, "ok", "Completed", "2,148 files, 42 MB new"),
    (DONE | {"stored": 0}, "ok", "Completed", "2,148 files, no changes"),
    (DONE | {"skipped": 3}, "warn", "Completed with warnings", "2,148 files, 42 MB new, 3 skipped"),
    (FAILED, "error", "Failed", "Can't reach the portal."),
    (DONE | {"outcome": "cancelled"}, "neutral", "Cancelled", "What was stored is used by the next backup"),
    (DONE | {"outcome": "interrupted"}, "warn", "Interrupted", "What was stored is used by the next backup"),
])
def test_it_lists_the_last_runs(run: dict[str, Any], state: str, word: str, files: str) -> None:
    line = describe_runs({"runs": [run]}, NOW)[0]
    assert (line.state, line.result, line.files) == (state, word, files)
    assert line.when.startswith("Today ")
    assert outcome_of(run) == (state, word)
