"""ibs-client log: what the last jobs did, newest first."""
from __future__ import annotations

import argparse
import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path

from client.computer.overview import run_fields
from client.console import amount, complain, count, say, say_json, shown
from client.errors import CopyUnsaved, NotListed
from client.outcomes import DONE
from client.store.activity import FOLDER, LoggedJob, log_files, read_log, read_logs, repair_logs
from vault.errors import BackupError

SHOWN_JOBS = 10
BRIEF_NOTICES = 5


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The words of `log`."""
    parser.add_argument("--last", type=int, default=SHOWN_JOBS, metavar="N", help="how many jobs (10)")
    parser.add_argument("--brief", action="store_true", help="without the single files and decisions")
    parser.add_argument("--one", metavar="NAME", help="that job alone, by the name that --json tells")
    parser.add_argument("--save", type=Path, metavar="FILE", help="write it there; as XML when FILE ends in .xml")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(arguments: argparse.Namespace) -> int:
    """Show them, or save them."""
    jobs = _find(arguments)
    if arguments.save is not None:
        _save(arguments.home, arguments.save, jobs)
    if arguments.json:
        say_json({"count": len(jobs), "jobs": [(_in_brief if arguments.brief else _as_fields)(job) for job in jobs]})
        return DONE
    if arguments.save is not None:
        say(f"Saved to {arguments.save}.")
        return DONE
    for job in jobs:
        for line in _lines(job, brief=arguments.brief):
            say(line)
    if not jobs:
        complain("Nothing has run yet.")
    return DONE


def _find(arguments: argparse.Namespace) -> list[LoggedJob]:
    with contextlib.suppress(OSError, BackupError):  # what a dead job left open; a reader may lack the rights
        repair_logs(arguments.home)
    if arguments.one is None:
        return list(read_logs(arguments.home, max(arguments.last, 1)))
    path = next((path for path in log_files(arguments.home) if path.stem == arguments.one), None)
    job = None if path is None else read_log(path)
    if job is None:
        raise NotListed(entry=arguments.one)
    return [job]


def _save(home: Path, file: Path, jobs: Sequence[LoggedJob]) -> None:
    """A copy for people, or the document itself."""
    try:
        if file.suffix.lower() == ".xml" and len(jobs) == 1:
            file.write_bytes((home / FOLDER / f"{jobs[0].name}.xml").read_bytes())
        else:
            file.write_text("".join(line + "\n" for job in jobs for line in _lines(job)), "utf-8", "backslashreplace")
    except OSError as error:
        raise CopyUnsaved(file=file, reason=error.strerror or error) from error


def _lines(job: LoggedJob, *, brief: bool = False) -> Iterator[str]:
    yield f"{job.began}  {job.job}" + (f" {job.run}" if job.run else "") + f"  {job.outcome or 'no end recorded'}"
    for kind, at, fields in () if brief else job.entries:
        if text := _words(kind, fields):
            yield f"  {at}  {text}"


def _in_brief(job: LoggedJob) -> dict[str, object]:
    """A job in a few plain values; `notices` are the first few decisions and facts."""
    notices = [fields.get("text", "") for kind, _, fields in job.entries if kind == "notice"]
    return run_fields(job) | {
        "job": job.job, "name": job.name, "outcome": job.outcome, "notices": notices[:BRIEF_NOTICES],
        "more_notices": max(len(notices) - BRIEF_NOTICES, 0),
    }


def _as_fields(job: LoggedJob) -> dict[str, object]:
    entries = [{"event": kind, "at": at, **fields} for kind, at, fields in job.entries]
    return {
        "name": job.name, "job": job.job, "run": job.run, "began": job.began, "outcome": job.outcome,
        "entries": entries,
    }


def _words(kind: str, fields: dict[str, str]) -> str:
    """An entry in a line; "" for one that the headline tells already."""
    if kind in {"file-skipped", "folder-missing"}:
        return f"skipped {shown(fields.get('path', ''))}: {fields.get('reason', '')} ({fields.get('code', '')})"
    if kind == "notice":
        return shown(fields.get("text", ""))
    if kind in {"paused", "resumed"}:
        return "a person paused the backup" if kind == "paused" else "the backup went on"
    if kind == "omitted":
        return f"{fields.get('skipped', '')} more were skipped"
    if kind == "failed":
        return shown(f"{fields.get('sentence', '')} {fields.get('hint', '')} ({fields.get('code', '')})")
    if kind == "finished":
        numbers = {name: int(fields.get(name, "0")) for name in ("files", "bytes", "stored")}
        return (f"{count(numbers['files'], 'file')}, {amount(numbers['bytes'])}, "
                f"{amount(numbers['stored'])} stored in {float(fields.get('seconds', '0')):.1f} s")
    return ""
