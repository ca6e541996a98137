"""ibs-client restore: bring files back from a snapshot."""
from __future__ import annotations

import argparse
from datetime import datetime, timedelta
from pathlib import Path

from client.activity import ActivityLog
from client.cancellation import cancel_by_signal, cancel_by_word
from client.connection import connect
from client.console import Follower, add_shapes, amount, count
from client.control import RunCancelled
from client.events import Event, Finished, Notice
from client.names import steps_of
from client.restore import report_end, run_restore


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The words of `restore`."""
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--snapshot", type=int, metavar="N", help="its number (else the newest)")
    which.add_argument("--date", type=read_moment, metavar="D", help="the newest by then: 2026-11-22[T14:30]")
    parser.add_argument("--to", type=Path, required=True, metavar="DIR", help="each file becomes DIR/its whole path")
    parser.add_argument("--overwrite", action="store_true", help="replace files that are there")
    parser.add_argument("paths", nargs="*", metavar="PATH", help="files or folders to restore (else everything)")
    add_shapes(parser)


def read_moment(text: str) -> datetime:
    """A day (its end counts) or a time, by this computer's clock unless it names its zone; argparse's own error."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no date such as 2026-11-22 or 2026-11-22T14:30") from None
    if len(text) == len("2026-11-22"):
        found += timedelta(days=1, microseconds=-1)
    return found.astimezone()


def run(arguments: argparse.Namespace) -> int:
    """Restore; nothing is overwritten unless told to."""
    home: Path = arguments.home
    follow = Follower.of(arguments, summarise)
    cancelled = cancel_by_signal()
    if arguments.events:
        cancel_by_word(cancelled)
    with ActivityLog(home, "restore") as log:

        def emit(event: Event) -> None:
            log.record(event)
            follow(event)

        try:
            with connect(home, lambda text: emit(Notice(text))) as (identity, portal):
                finished = run_restore(
                    identity, portal, emit, target=arguments.to, snapshot=arguments.snapshot, date=arguments.date,
                    paths=tuple(steps_of(path) for path in arguments.paths), overwrite=arguments.overwrite,
                    cancelled=cancelled,
                )
                report_end(portal, finished)
        except RunCancelled as error:
            raise KeyboardInterrupt from error
        finally:
            follow.clear()
    return follow.finish()


def summarise(finished: Finished) -> str:
    """The end of a restore in a line."""
    return (
        f"Restored {count(finished.files, 'file')}, {amount(finished.stored)} of snapshot {finished.snapshot} "
        f"in {finished.seconds:.1f} s."
    )
