"""The activity log in words: jobs by day, what came of them, and what to do about what was skipped."""
from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from client.gui.presenters import words
from client.gui.presenters.home import outcome_of
from client.gui.presenters.problems import HINTS

Fields = Mapping[str, Any]

EVERYTHING, PROBLEMS, BACKUPS, RESTORES, SETTINGS = FILTERS = (
    "Everything", "Problems", "Backups", "Restores", "Settings",
)
JOBS = {"backup": "Backup", "restore": "Restore", "recover": "Recovery", "schedule": "Schedule",
        "settings": "Settings"}
DECIDED = {"schedule", "settings"}
ADVICE = {
    "IBS-4101": "Close the program that uses them, or see who may read them. The next backup tries them again; what "
                "was backed up of them before is kept.",
    "IBS-4102": "Plug the drive in, or remove the folder under Folders. Its earlier copies are kept.",
    "IBS-4107": "They were being written. The next backup reads them again.",
    "IBS-4109": "They lie in the cloud only. Choose “Always keep on this device” for what is to be backed up.",
    "IBS-4201": "They were there already. To replace them, restore again and choose so.",
    "IBS-4202": "Restore them to another folder.",
    "IBS-5201": "Restore an earlier version of them. The next backup sends them again if they are still here.",
}
"""Code of a skipped file → what to do about all of them."""
SHOWN = 1000


@dataclass(frozen=True)
class Line:
    """A row of the list: a job, or the heading of a day when `name` is empty."""

    name: str
    day: str
    time: str = ""
    what: str = ""
    state: str = ""
    result: str = ""
    detail: str = ""


@dataclass(frozen=True)
class Detail:
    """A job in full; `advice` is what to do, `rows` are (time, what, code) with a state each."""

    title: str
    state: str
    result: str
    facts: str
    problem: str = ""
    hint: str = ""
    code: str = ""
    advice: tuple[str, ...] = ()
    rows: tuple[tuple[str, str, str, str], ...] = ()
    more: str = ""


def fits(job: Fields, shown: str) -> bool:
    """Whether a job belongs to what is shown."""
    kind = job.get("job")
    if shown == PROBLEMS:
        return kind not in DECIDED and outcome_of(job)[0] in {"warn", "error"}
    if shown == BACKUPS:
        return kind == "backup"
    if shown == RESTORES:
        return kind in {"restore", "recover"}
    return shown != SETTINGS or kind in DECIDED


def describe_jobs(jobs: Sequence[Fields], shown: str, now: datetime) -> list[Line]:
    """What `log --brief --json` tells, newest first, with a line for each day."""
    lines: list[Line] = []
    for job in jobs:
        if not fits(job, shown):
            continue
        at = words.read_moment(job.get("began")) or now
        day = words.sentence(words.day(at, now))
        if not lines or lines[-1].day != day:
            lines.append(Line("", day))
        state, result = _result(job)
        lines.append(Line(str(job["name"]), day, f"{words.local(at):%H:%M}", JOBS.get(str(job["job"]), "Job"), state,
                          result, _in_brief(job)))
    return lines


def describe_nothing(shown: str) -> tuple[str, str]:
    """(sentence, detail) where the list is empty."""
    if shown == PROBLEMS:
        return "No problems.", "Every backup and restore that is listed went well."
    return {
        EVERYTHING: ("Nothing has run yet.", "Each backup, restore and decision will be listed here, by day."),
        BACKUPS: ("No backups yet.", "Each one will be listed here, by day."),
        RESTORES: ("Nothing was restored yet.", "Each restore will be listed here, by day."),
        SETTINGS: ("No decisions yet.", "Changed folders and settings will be listed here, by day."),
    }[shown]


def _result(job: Fields) -> tuple[str, str]:
    return ("info", "Noted") if job.get("job") in DECIDED else outcome_of(job)


def _in_brief(job: Fields) -> str:
    """The most that can be said in a cell."""
    if job.get("job") in DECIDED:
        more = int(job.get("more_notices", 0)) + max(len(job.get("notices", ())) - 1, 0)
        text = next(iter(job.get("notices", ())), "")
        return words.readable(str(text)) + (f" (and {more:,} more)" if more else "")
    if job.get("outcome") == "failed":
        return str(job.get("sentence", ""))
    if job.get("outcome") != "finished":
        return f"{int(job['skipped']):,} skipped" if job.get("skipped") else ""
    parts = [f"{int(job['skipped']):,} skipped"] if job.get("skipped") else []
    parts.append(words.count(int(job["files"]), "file"))
    if job.get("job") == "backup":
        parts.append(f"{words.size(int(job['stored']))} sent" if job["stored"] else "nothing had changed")
    else:
        parts.append(words.size(int(job["bytes"])))
    return ", ".join(parts)


def describe_job(job: Fields, brief: Fields, now: datetime) -> Detail:
    """What `log --one --json` tells of the job that the list tells of as `brief`."""
    at = words.read_moment(job.get("began")) or now
    state, result = _result(brief)
    entries = job.get("entries", ())
    skipped = Counter(str(entry.get("code", "")) for entry in entries
                      if entry["event"] in {"file-skipped", "folder-missing"})
    rows = [row for entry in entries if (row := _row(entry)) is not None]
    failed = brief.get("outcome") == "failed"
    code = str(brief.get("code", "")) if failed else ""
    return Detail(
        title=f"{JOBS.get(str(job.get('job')), 'Job')} of {words.moment(at, now)}", state=state, result=result,
        facts=_facts(brief), problem=str(brief.get("sentence", "")) if failed else "",
        hint=HINTS.get(code, str(brief.get("hint", ""))) if failed else "", code=code,
        advice=tuple(_advise(code, number) for code, number in skipped.most_common()), rows=tuple(rows[:SHOWN]),
        more=f"The first {SHOWN:,} of {len(rows):,} lines. Save a copy to see all." if len(rows) > SHOWN else "",
    )


def _advise(code: str, number: int) -> str:
    files = words.count(number, "folder" if code == "IBS-4102" else "file")
    return f"{files} ({code}): {ADVICE.get(code, 'The list says why.')}"


def _facts(brief: Fields) -> str:
    if brief.get("outcome") != "finished":
        return {"cancelled": "A person ended it. What was stored is used by the next one.",
                "interrupted": "The computer went off or the program was ended. The next backup goes on from there.",
                }.get(str(brief.get("outcome")), "")
    facts = [words.count(int(brief["files"]), "file"), words.size(int(brief["bytes"]))]
    if brief.get("job") == "backup":
        facts += [f"{words.size(int(brief['read']))} read", f"{words.size(int(brief['stored']))} sent"]
    facts.append(f"in {words.took(float(brief['seconds']))}")
    return " · ".join(facts)


def _row(entry: Fields) -> tuple[str, str, str, str] | None:
    """(state, time, what, code) of an entry that says more than the headline."""
    at = words.read_moment(entry.get("at"))
    time, kind, code = f"{words.local(at):%H:%M:%S}" if at else "", entry["event"], str(entry.get("code", ""))
    path = words.readable(str(entry.get("path", "")))
    if kind == "file-skipped":
        reason = str(entry.get("reason", ""))
        return "warn", time, reason if path in reason else f"{path}: {reason}", code
    if kind == "folder-missing":
        return "warn", time, f"{path}: this protected folder wasn't found", code
    if kind == "notice":
        return "info", time, words.readable(str(entry.get("text", ""))), code
    if kind == "omitted":
        return "warn", time, f"{int(entry.get('skipped', 0)):,} more were skipped", ""
    if kind in {"paused", "resumed"}:
        return "pause", time, "Paused" if kind == "paused" else "Went on", ""
    return None
