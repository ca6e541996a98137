"""ibs-client restore: bring files back from a snapshot."""
from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path

from client.api.connection import connect
from client.api.restore_access import personal_state
from client.console import Follower, add_shapes, amount, complain, count, say, say_json
from client.errors import ChoiceUnreadable, HomeUnusable
from client.events import Event, Finished, Notice
from client.jobs.cancellation import cancel_by_signal, cancel_by_word, read_word_line
from client.jobs.control import RunCancelled
from client.jobs.restores_at_work import at_work
from client.names import steps_of
from client.outcomes import DONE
from client.restores.restore import plan_restore, report_end, run_restore
from client.restores.target import Steps
from client.store.activity import ActivityLog
from client.store.settings import load_settings
from vault.errors import BackupError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The words of `restore`."""
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--snapshot", type=int, metavar="N", help="its number (else the newest)")
    which.add_argument("--date", type=read_moment, metavar="D", help="the newest by then: 2026-11-22[T14:30]")
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--to", type=Path, metavar="DIR", help="each file becomes DIR/its whole path")
    where.add_argument("--in-place", action="store_true", help="each file goes where it was")
    parser.add_argument("--overwrite", action="store_true", help="replace files that are there")
    parser.add_argument("--dry-run", action="store_true", help="restore nothing, tell what would be")
    parser.add_argument("--paths-from-stdin", action="store_true",
                        help="more paths: the first line of standard input, a list in JSON")
    parser.add_argument("paths", nargs="*", metavar="PATH", help="files or folders to restore (else everything)")
    add_shapes(parser)


def read_moment(text: str) -> datetime:
    """A day (its end counts) or a time, by this computer's clock unless it names its zone; argparse's own error."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no date such as 2026-11-22 or 2026-11-22T14:30") from None
    try:
        if len(text) == len("2026-11-22"):
            found += timedelta(hours=23, minutes=59, seconds=59, microseconds=999_999)
        return found.astimezone()
    except (ValueError, OverflowError, OSError):  # at the ends of the calendar some clocks know no zone
        raise argparse.ArgumentTypeError(f"{text!r} is too far away; no backup can be of that time") from None


def run(arguments: argparse.Namespace) -> int:
    """Restore; nothing is overwritten unless told to."""
    home: Path = arguments.home
    follow = Follower.of(arguments, summarise)
    paths = tuple(steps_of(path) for path in [*arguments.paths, *_read_paths(arguments)])
    if arguments.dry_run:
        return _look(arguments, paths)
    cancelled = cancel_by_signal()
    if arguments.events:
        cancel_by_word(cancelled)
    with at_work(home, cancelled), open_log(home, "restore") as log:

        def emit(event: Event) -> None:
            log.record(event)
            follow(event)

        try:
            with connect(home, lambda text: emit(Notice(text))) as (identity, portal):
                finished = run_restore(
                    identity, portal, emit, target=arguments.to, snapshot=arguments.snapshot, date=arguments.date,
                    paths=paths, overwrite=arguments.overwrite, cancelled=cancelled,
                    folders=_protected(home) if arguments.in_place else (),
                )
                report_end(portal, finished)
        except RunCancelled as error:
            raise KeyboardInterrupt from error
        finally:
            follow.clear()
    return follow.finish()


def _protected(home: Path) -> Sequence[str]:
    """The protected folders; none where nobody can tell, since a restore needs no settings."""
    try:
        return load_settings(home, complain).folders
    except BackupError:
        return ()


def open_log(home: Path, job: str) -> ActivityLog:
    """In the store, or with the person's own things where the store is everybody's or can't be written."""
    try:
        return ActivityLog(home, job)
    except HomeUnusable:
        return ActivityLog(personal_state(), job)


def _read_paths(arguments: argparse.Namespace) -> list[str]:
    """What standard input names, as a command line is not long enough for a great choice."""
    if not arguments.paths_from_stdin:
        return []
    try:
        found = json.loads(read_word_line())
    except ValueError:
        found = None
    if not isinstance(found, list) or not all(isinstance(path, str) and path for path in found):
        raise ChoiceUnreadable
    if not found and not arguments.paths:  # nothing chosen must not mean everything
        raise ChoiceUnreadable
    return found


def _look(arguments: argparse.Namespace, paths: Sequence[Steps]) -> int:
    """Tell what a restore would bring."""
    with connect(arguments.home, complain) as (_, portal):
        plan = plan_restore(portal, target=arguments.to, snapshot=arguments.snapshot, date=arguments.date, paths=paths)
    if arguments.json:
        say_json(asdict(plan))
    else:
        say(f"{count(plan.files, 'file')}, {amount(plan.bytes)} of snapshot {plan.snapshot}. There already: "
            f"{plan.existing:,}, of which {plan.newer:,} were changed later.")
    return DONE


def summarise(finished: Finished) -> str:
    """The end of a restore in a line."""
    return (
        f"Restored {count(finished.files, 'file')}, {amount(finished.stored)} of snapshot {finished.snapshot} "
        f"in {finished.seconds:.1f} s."
    )
