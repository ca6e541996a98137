"""Home in words: from the answers of overview and status and the events of a run to one sentence and a few figures."""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from client.gui.presenters import words
from client.gui.presenters.problems import HINTS

Fields = Mapping[str, Any]

SOON = timedelta(days=14)
NEARLY_FULL = 0.95
WORDS = {
    "finished": ("ok", "Completed"), "skipped": ("warn", "Completed with warnings"), "failed": ("error", "Failed"),
    "refused": ("neutral", "Refused"), "cancelled": ("neutral", "Cancelled"), "interrupted": ("warn", "Interrupted"),
    "full": ("error", "Storage full"), "": ("warn", "Interrupted"),
}
"""Outcome → (state, word), as on the portal's pages."""
FULL = {"IBS-3001", "IBS-3002"}


@dataclass(frozen=True)
class StateCard:
    """The first sentence: `state` and its sign, the title, a line below it, and what can be done."""

    state: str
    title: str
    detail: str
    can_back_up: bool = True
    button: str = ""
    page: str = ""


@dataclass(frozen=True)
class Fact:
    """A figure and what it counts."""

    figure: str
    label: str


@dataclass(frozen=True)
class RunLine:
    """A row of the last runs."""

    key: str
    state: str
    result: str
    when: str
    files: str
    detail: str = ""


def outcome_of(run: Fields) -> tuple[str, str]:
    """(state, word) of a run."""
    outcome = str(run.get("outcome", ""))
    if outcome == "finished" and run.get("skipped"):
        outcome = "skipped"
    elif outcome == "failed" and run.get("code") in FULL:
        outcome = "full"
    elif outcome == "failed" and run.get("refused"):
        outcome = "refused"
    return WORDS.get(outcome, WORDS[""])


def describe_state(
    overview: Fields | None, status: Fields | None, now: datetime, *, running: bool = False,
) -> StateCard:
    """The card at the top; the portal's word counts most, then what this computer knows of itself."""
    if overview is None and status is None:
        return StateCard("neutral", "One moment", "Looking at the last backups…", can_back_up=False)
    here, there = overview or {}, status or {}
    when = _when(here, there, now)
    if running:
        return StateCard("info", "Backing up now", when)
    if there and not there.get("accepts_backups", True):
        return StateCard("pause", "Backups are switched off", _switched_off(there, now), can_back_up=False)
    if there and (over := _plan_over(there, now)):
        return StateCard("pause", "Backups are off", over, can_back_up=False)
    if here and not here.get("folders"):
        return StateCard("neutral", "Nothing is being backed up", "No folder is chosen yet.", can_back_up=False,
                         button="Choose folders", page="folders")
    last = next(iter(here.get("runs", ())), None)
    if not here.get("last_done") and not there.get("last_finished_at"):
        if last is not None:
            return _troubled(last, when)
        return StateCard("neutral", "Not backed up yet", when or "Start the first backup now.")
    return _known_state(here, last, when)


def _known_state(here: Fields, last: Fields | None, when: str) -> StateCard:
    """There is a backup; how is the newest run, and is every folder there?"""
    if last is not None and outcome_of(last)[0] == "error":
        return _troubled(last, when)
    missing = [folder for folder in here.get("folders", ()) if folder.get("missing_since")]
    if missing:
        names = ", ".join(f"“{words.name_of(folder['path'])}”" for folder in missing[:3])
        return StateCard("warn", "A folder was not found", f"{names}: plug the drive in, or remove it from the list. "
                         "Its earlier copies are kept.", button="See folders", page="folders")
    if last is not None and last.get("outcome") in {"interrupted", ""}:
        return StateCard("warn", "The last backup was interrupted", f"The next one goes on where it stopped. {when}")
    if last is not None and last.get("outcome") == "finished" and last.get("skipped"):
        files = words.count(int(last["skipped"]), "file")
        return StateCard("warn", "Backed up, with warnings", f"{files} could not be read; the next backup tries again. "
                         f"{when}", button="See which", page="activity")
    if last is not None and outcome_of(last)[1] == "Refused":
        return _troubled(last, when)
    return StateCard("ok", "Your files are protected", when)


def _troubled(last: Fields, when: str) -> StateCard:
    outcome, word = outcome_of(last)
    if last.get("outcome") == "failed":
        hint = HINTS.get(str(last.get("code")), str(last.get("hint", "")))
        parts = [str(last.get("sentence", "")), hint, f"({last.get('code')})"]
        title = "The storage is full" if word == "Storage full" else (
            "The last backup was refused" if word == "Refused" else "The last backup failed")
        return StateCard(outcome, title, " ".join(part for part in parts if part))
    title = "Not backed up yet"
    detail = "The first backup was interrupted; the next one goes on where it stopped."
    if last.get("outcome") == "cancelled":
        detail = "The first backup was cancelled; what was stored is used by the next one."
    return StateCard("warn", title, f"{detail} {when}".strip())


def _when(here: Fields, there: Fields, now: datetime) -> str:
    """Last backup today at 09:14 · Next backup today at 18:00."""
    done = here.get("last_done") or {}
    last = words.read_moment(done.get("ended")) or words.read_moment(there.get("last_finished_at"))
    parts = [f"Last backup {words.moment(last, now)}"] if last else []
    due = words.read_moment(here.get("next_run_at"))
    if here.get("waiting"):
        parts.append(f"The next one waits: {here['waiting']}")
    elif due is not None:
        parts.append("Next backup in a moment" if due <= now else f"Next backup {words.moment(due, now)}")
    elif here and not here.get("automatic"):
        parts.append("Automatic backup is off")
    return " · ".join(parts)


def _switched_off(there: Fields, now: datetime) -> str:
    """Who, since when, why, what is safe, what to do."""
    by = there.get("accept_changed_by") or "your backup provider"
    since = words.read_moment(there.get("accept_changed_at"))
    at = f" {words.moment(since, now)}" if since else ""
    reason = f" (“{there['accept_reason']}”)" if there.get("accept_reason") else ""
    points = int(there.get("snapshots", 0))
    safe = f"Your {words.count(points, 'restore point')} can be restored. " if points else ""
    return (f"Switched off by {by}{at}{reason}. {safe}"
            "Switch “Accept backups” on in the portal, under My details. (IBS-1201)")


def _plan_over(there: Fields, now: datetime) -> str:
    begins, until = words.read_moment(there.get("valid_from")), words.read_moment(there.get("valid_until"))
    plan, provider = there.get("plan", ""), there.get("reseller") or "your backup provider"
    if begins is not None and begins > now:
        return f"Your {plan} plan begins on {words.full_date(begins)}. (IBS-1206)"
    if until is not None and until < now - SOON:
        return (f"Your {plan} plan expired on {words.full_date(until)}. Everything backed up until then can be "
                f"restored. Ask {provider} to renew. (IBS-1202)")
    return ""


def describe_notes(there: Fields | None, now: datetime) -> str:
    """What will soon need a person: the plan's end, the space. "" when nothing does."""
    if not there:
        return ""
    notes = []
    until, provider = words.read_moment(there.get("valid_until")), there.get("reseller") or "your backup provider"
    if until is not None and now - SOON <= until <= now + SOON:
        ends = "ended" if until < now else "ends"
        notes.append(f"Your {there.get('plan', '')} plan {ends} on {words.full_date(until)}. Ask {provider} to renew.")
    quota, used = int(there.get("quota", 0)), int(there.get("used", 0))
    if quota and used >= quota * NEARLY_FULL:
        notes.append(f"The storage is nearly full: {words.size(used)} of {words.size(quota)}. Ask {provider} for more "
                     "space, or choose fewer folders.")
    return " ".join(notes)


def describe_facts(overview: Fields | None, status: Fields | None) -> tuple[Fact, Fact, Fact]:
    """Files protected, space used of the quota, restore points; a dash for what is not known."""
    here, there = overview or {}, status or {}
    done = here.get("last_done")
    files = int(done["files"]) if done else 0 if here else None
    used, quota, points = there.get("used"), there.get("quota"), there.get("snapshots")
    return (
        Fact("–" if files is None else f"{files:,}", "file protected" if files == 1 else "files protected"),
        Fact("–" if used is None else words.size(int(used)),
             "stored" if quota is None else f"stored of {words.size(int(quota))}"),
        Fact("–" if points is None else f"{int(points):,}", "restore point" if points == 1 else "restore points"),
    )


def describe_runs(overview: Fields | None, now: datetime) -> Sequence[RunLine]:
    """The last runs, newest first."""
    lines = []
    for number, run in enumerate((overview or {}).get("runs", ())):
        state, word = outcome_of(run)
        began = words.read_moment(run.get("began"))
        lines.append(RunLine(f"{number}", state, word, words.stamp(began, now) if began else "", _brought(run),
                             str(run.get("sentence", ""))))
    return lines


def _brought(run: Fields) -> str:
    outcome = run.get("outcome")
    if outcome == "finished":
        stored = int(run.get("stored", 0))
        files = words.count(int(run.get("files", 0)), "file")
        text = f"{files}, {words.size(stored)} new" if stored else f"{files}, no changes"
        return f"{text}, {run['skipped']:,} skipped" if run.get("skipped") else text
    if outcome == "failed":
        return str(run.get("sentence", ""))
    return "What was stored is used by the next backup" if outcome in {"cancelled", "interrupted"} else ""
