"""ibs-client stop: ask the running backup and the open window to end, before the program is replaced or removed."""
from __future__ import annotations

import argparse
import contextlib
import time
from pathlib import Path

from client.console import say
from client.errors import HomeBusy
from client.jobs.event_file import JobReader
from client.jobs.requests import STOP, make_request
from client.jobs.window_calls import CLOSE, LOCK, call, is_called
from client.outcomes import DONE
from client.store.instance import JOB_LOCK, hold

LOOK_SECONDS = 0.2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The words of `stop`."""
    parser.add_argument("--wait", type=float, default=60.0, metavar="SECONDS", help="give up after so long (60)")


def run(arguments: argparse.Namespace) -> int:
    """Ask, and wait until nothing works with the store; raises HomeBusy when something still does."""
    home: Path = arguments.home
    deadline = time.monotonic() + arguments.wait
    try:
        for lock, ask in ((JOB_LOCK, _end_backup), (LOCK, _close_window)):
            while not _is_free(home, lock):
                ask(home)
                if time.monotonic() > deadline:
                    raise HomeBusy(home=home)
                time.sleep(LOOK_SECONDS)
    finally:
        is_called(home, CLOSE)  # the next window is not meant
    say("Nothing of the client is at work.")
    return DONE


def _is_free(home: Path, lock: str) -> bool:
    if not (home / lock).exists():
        return True
    with contextlib.suppress(HomeBusy), hold(home, lock):
        return True
    return False


def _end_backup(home: Path) -> None:
    """The backup ends in order, and the schedule makes up for it; one that is just beginning is asked again."""
    reader = JobReader(home, "backup")
    reader.read()
    if reader.begun is not None:
        make_request(home, STOP, reader.begun.name)


def _close_window(home: Path) -> None:
    call(home, CLOSE)
