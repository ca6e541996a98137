"""ibs-client log: what the last jobs did, newest first."""
from __future__ import annotations

import argparse

from client.activity import LoggedJob, read_logs
from client.console import amount, complain, count, say, say_json, shown
from client.outcomes import DONE

SHOWN_JOBS = 10


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The words of `log`."""
    parser.add_argument("--last", type=int, default=SHOWN_JOBS, metavar="N", help="how many jobs (10)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(arguments: argparse.Namespace) -> int:
    """Show them."""
    jobs = list(read_logs(arguments.home, max(arguments.last, 1)))
    if arguments.json:
        say_json({"count": len(jobs), "jobs": [_as_fields(job) for job in jobs]})
        return DONE
    for job in jobs:
        say(f"{job.began}  {job.job}" + (f" {job.run}" if job.run else "") + f"  {job.outcome or 'no end recorded'}")
        for kind, at, fields in job.entries:
            text = _words(kind, fields)
            if text:
                say(f"  {at}  {text}")
    if not jobs:
        complain("Nothing has run yet.")
    return DONE


def _as_fields(job: LoggedJob) -> dict[str, object]:
    entries = [{"event": kind, "at": at, **fields} for kind, at, fields in job.entries]
    return {"job": job.job, "run": job.run, "began": job.began, "outcome": job.outcome, "entries": entries}


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
