"""ibs-client backup: back the protected folders up."""
from __future__ import annotations

import argparse
import contextlib
from pathlib import Path

from client.activity import ActivityLog, repair_logs, send_unsent
from client.backup import run_backup
from client.cancellation import cancel_by_signal
from client.connection import connect
from client.console import Follower, add_shapes, amount, count
from client.control import Control, RunCancelled
from client.events import Event, Finished, Notice
from client.instance import hold
from client.jobs import JobFile
from client.portal import Portal
from client.settings import load_settings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The words of `backup`."""
    add_shapes(parser)
    parser.add_argument("--automatic", action="store_true", help="for a scheduler: no person asked for this run")


def run(arguments: argparse.Namespace) -> int:
    """Back up; what happened goes to the activity log, and a copy of that to the portal."""
    home: Path = arguments.home
    follow = Follower.of(arguments, summarise)
    control = Control(cancel_by_signal())
    with contextlib.ExitStack() as until_the_end:
        until_the_end.enter_context(hold(home))
        job = until_the_end.enter_context(JobFile(home, "backup", automatic=arguments.automatic))
        repair_logs(home)
        with job.telling_end(), ActivityLog(home, "backup") as log:

            def emit(event: Event) -> None:
                log.record(event)
                job(event)
                follow(event)

            def tell(text: str) -> None:
                emit(Notice(text))

            settings = load_settings(home, tell)
            identity, portal = until_the_end.enter_context(connect(home, tell))
            until_the_end.callback(_send_copies, home, portal)
            try:
                with job.hearing(control, emit):
                    run_backup(settings, identity, portal, emit, automatic=arguments.automatic, control=control)
            except RunCancelled as error:
                raise KeyboardInterrupt from error
            finally:
                follow.clear()
    return follow.finish()


def _send_copies(home: Path, portal: Portal) -> None:
    """One try each: what the portal does not get now, it gets after the next run."""
    portal.patience = 0.0
    send_unsent(home, portal)


def summarise(finished: Finished) -> str:
    """The end of a backup in a line."""
    return (
        f"Snapshot {finished.snapshot}: {count(finished.files, 'file')}, {amount(finished.bytes)}; "
        f"read {amount(finished.read)}, stored {amount(finished.stored)} in {finished.seconds:.1f} s."
    )
