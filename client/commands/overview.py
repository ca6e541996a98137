"""ibs-client overview: what this computer knows of its own backups, without asking the portal."""
from __future__ import annotations

import argparse
import contextlib
from datetime import UTC, datetime

from client.computer.overview import describe
from client.console import amount, complain, count, moment, say, say_json, shown
from client.outcomes import DONE
from client.store.activity import repair_logs
from vault.errors import BackupError

RUNS = 5


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The words of `overview`."""
    parser.add_argument("--last", type=int, default=RUNS, metavar="N", help=f"how many runs ({RUNS})")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(arguments: argparse.Namespace) -> int:
    """Look and show."""
    with contextlib.suppress(OSError, BackupError):  # what a dead job left open; a reader may lack the rights
        repair_logs(arguments.home)
    found = describe(arguments.home, max(arguments.last, 1), datetime.now(UTC), complain)
    if arguments.json:
        say_json(found)
        return DONE
    due = found["next_run_at"]
    say(f"Schedule    {found['schedule']}" + (f"; next {moment(datetime.fromisoformat(due))}" if due else ""))
    for folder in found["folders"]:
        since = folder["missing_since"]
        state = f"not found since {moment(datetime.fromisoformat(since))}" if since else (
            f"{count(folder['files'], 'file')}, {amount(folder['bytes'])} in the last backup")
        say(f"Protected   {shown(folder['path'])}: {state}")
    for one in found["runs"]:
        say(f"Backup      {moment(datetime.fromisoformat(one['began']))}  {one['outcome'] or 'no end recorded'}, "
            f"{count(one['files'], 'file')}, {amount(one['stored'])} stored")
    return DONE
