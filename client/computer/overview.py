"""What this computer knows of its own backups without asking the portal: folders, schedule, the last runs."""
from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path
from typing import Any

from client.schedules.schedule import OFF, in_words, next_due
from client.store.activity import LoggedJob, read_logs
from client.store.agenda import KnownFolder, load_agenda
from client.store.documents import Tell
from client.store.settings import Settings, load_settings

LOGS = 40
"""So many logs are looked through; restores stand among the runs, and only the last runs are told."""
ENDS = {"finished", "failed", "cancelled", "interrupted"}
NUMBERS = ("files", "bytes", "read", "stored", "skipped", "seconds")


def describe(home: Path, runs: int, now: datetime, tell: Tell) -> dict[str, Any]:
    """Plain values: folders with what is known of them, excludes, schedule, the last `runs` backups, newest first."""
    settings, agenda = load_settings(home, tell), load_agenda(home)
    known = {folder.path: folder for folder in agenda.folders}
    due = next_due(settings.schedule, agenda.settled, now)
    backups = [job for job in read_logs(home, LOGS) if job.job == "backup"]
    done = next((job for job in backups if job.outcome == "finished"), None)
    return {
        "folders": [_folder(known.get(path, KnownFolder(path)), now) for path in settings.folders],
        "excludes": list(settings.excludes),
        "schedule": in_words(settings.schedule),
        "automatic": settings.schedule.plan != OFF,
        "next_run_at": None if due is None else due.isoformat(),
        "waiting": agenda.waiting,
        "runs": [run_fields(job) for job in backups[:runs]],
        "last_done": None if done is None else run_fields(done),
        "first_time": _never_ran(settings, backups),
    }


def _folder(folder: KnownFolder, now: datetime) -> dict[str, Any]:
    there = os.path.isdir(folder.path)
    since = None if there else folder.missing_since or now
    return {"path": folder.path, "files": folder.files, "bytes": folder.bytes,
            "missing_since": None if since is None else since.isoformat()}


def _never_ran(settings: Settings, backups: list[LoggedJob]) -> bool:
    return not backups and bool(settings.folders)


def run_fields(job: LoggedJob) -> dict[str, Any]:
    """One logged job in a few plain values, however many files it skipped."""
    ends = [(kind, at, fields) for kind, at, fields in job.entries if kind in ENDS]
    kind, at, fields = ends[-1] if ends else ("", job.began, {})
    numbers = {name: _number(fields.get(name, "")) for name in NUMBERS}
    if kind != "finished":
        numbers["skipped"] = sum(1 for name, _, _ in job.entries if name in {"file-skipped", "folder-missing"})
    return {
        "run": job.run, "began": job.began, "ended": at, "outcome": kind, **numbers,
        "code": fields.get("code", ""), "sentence": fields.get("sentence", ""), "hint": fields.get("hint", ""),
        "refused": fields.get("refused", "") == "true",
        "missing": [fields.get("path", "") for name, _, fields in job.entries if name == "folder-missing"][:20],
    }


def _number(text: str) -> int:
    try:
        return round(float(text))
    except ValueError:
        return 0
