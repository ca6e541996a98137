"""ibs-client backup: back the protected folders up."""
from __future__ import annotations

import argparse
import contextlib
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from client.api.connection import connect
from client.api.portal import Portal
from client.api.reporting import tell_portal
from client.console import Follower, add_shapes, amount, count
from client.events import Event, Finished, Notice
from client.jobs.cancellation import Cancellation, cancel_by_signal, cancel_by_word
from client.jobs.control import Control, RunCancelled
from client.jobs.event_file import JobFile
from client.run.backup import run_backup
from client.run.pacing import SpeedLimiter
from client.schedules.limits import by_the_clock
from client.store.activity import ActivityLog, repair_logs
from client.store.agenda import noted
from client.store.instance import hold
from client.store.settings import Settings, load_settings
from vault.errors import BackupError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The words of `backup`."""
    add_shapes(parser)
    parser.add_argument("--automatic", action="store_true", help="for a scheduler: no person asked for this run")
    parser.add_argument("--because", default="", metavar="WORDS", help="why, for the activity log")


def run(arguments: argparse.Namespace) -> int:
    """Back up; what happened goes to the activity log, and a copy of that to the portal."""
    home: Path = arguments.home
    follow = Follower.of(arguments, summarise)
    cancelled = cancel_by_signal()
    if arguments.events:
        cancel_by_word(cancelled)
    control = Control(cancelled)
    with contextlib.ExitStack() as until_the_end:
        until_the_end.enter_context(hold(home))
        job = until_the_end.enter_context(JobFile(home, "backup", automatic=arguments.automatic))
        repair_logs(home)
        by_person = partial(_by_person, cancelled)
        with job.telling_end(), noted(home, _now, by_person), ActivityLog(home, "backup") as log:

            def emit(event: Event) -> None:
                log.record(event)
                job(event)
                follow(event)

            def tell(text: str) -> None:
                emit(Notice(text))

            if arguments.because:
                tell(arguments.because)
            settings = load_settings(home, tell)
            _limit_speed(control, settings)
            identity, portal = until_the_end.enter_context(connect(home, tell))
            until_the_end.callback(_tell_portal, home, portal)
            try:
                with job.hearing(control, emit):
                    run_backup(settings, identity, portal, emit, automatic=arguments.automatic, control=control)
            except RunCancelled as error:
                raise KeyboardInterrupt from error
            finally:
                follow.clear()
    return follow.finish()


def _by_person(cancelled: Cancellation) -> bool:
    return not cancelled.by_system


def _now() -> datetime:
    return datetime.now(UTC)


def _limit_speed(control: Control, settings: Settings) -> None:
    if settings.limits:
        control.limit = SpeedLimiter(by_the_clock(settings.limits), wait=control.cancelled.wait)


def _tell_portal(home: Path, portal: Portal) -> None:
    """One try each: what the portal does not get now, it gets from the next run or look at the clock."""
    portal.patience = 0.0
    with contextlib.suppress(BackupError):
        tell_portal(home, portal, _now(), lambda _: None)


def summarise(finished: Finished) -> str:
    """The end of a backup in a line."""
    return (
        f"Snapshot {finished.snapshot}: {count(finished.files, 'file')}, {amount(finished.bytes)}; "
        f"read {amount(finished.read)}, stored {amount(finished.stored)} in {finished.seconds:.1f} s."
    )
