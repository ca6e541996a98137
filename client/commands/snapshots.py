"""ibs-client snapshots: what can be restored."""
from __future__ import annotations

import argparse

from client.api.connection import connect
from client.console import amount, complain, moment, say, say_json
from client.outcomes import DONE


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The words of `snapshots`."""
    parser.add_argument("--json", action="store_true", help="print a list of JSON objects")


def run(arguments: argparse.Namespace) -> int:
    """List them, oldest first."""
    with connect(arguments.home, complain) as (_, portal):
        found = portal.snapshots().snapshots
    if arguments.json:
        say_json([{
            "number": snapshot.number, "finished_at": snapshot.finished_at.isoformat(), "files": snapshot.files,
            "bytes": snapshot.bytes, "stored": snapshot.stored, "skipped": snapshot.skipped,
        } for snapshot in found])
        return DONE
    for snapshot in found:
        skipped = f", {snapshot.skipped:,} skipped" if snapshot.skipped else ""
        say(f"{snapshot.number:6}  {moment(snapshot.finished_at)}  {snapshot.files:12,} files  "
            f"{amount(snapshot.bytes):>10}{skipped}")
    if not found:
        complain("There is no snapshot yet.")
    return DONE
