"""ibs-client stop: ask backup, restores and the open window to end, before the program is replaced or removed."""
from __future__ import annotations

import argparse
import contextlib
import time
from collections.abc import Callable
from pathlib import Path

from client.console import say
from client.errors import HomeBusy
from client.jobs.event_file import JobReader
from client.jobs.requests import STOP, make_request
from client.jobs.restores_at_work import ask_to_end, forget_call, is_any_at_work
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
        for works, ask in WORKERS:
            while works(home):
                ask(home)
                if time.monotonic() > deadline:
                    raise HomeBusy(home=home)
                time.sleep(LOOK_SECONDS)
    finally:
        is_called(home, CLOSE)  # the next window is not meant
        forget_call(home)
    say("Nothing of the client is at work.")
    return DONE


def _is_held(home: Path, lock: str) -> bool:
    if not (home / lock).exists():
        return False
    with contextlib.suppress(HomeBusy), hold(home, lock):
        return False
    return True


def _does_back_up(home: Path) -> bool:
    return _is_held(home, JOB_LOCK)


def _has_window(home: Path) -> bool:
    return _is_held(home, LOCK)


def _end_backup(home: Path) -> None:
    """The backup ends in order, and the schedule makes up for it; one that is just beginning is asked again."""
    reader = JobReader(home, "backup")
    reader.read()
    if reader.begun is not None:
        make_request(home, STOP, reader.begun.name)


def _close_window(home: Path) -> None:
    call(home, CLOSE)


WORKERS: tuple[tuple[Callable[[Path], bool], Callable[[Path], None]], ...] = (
    (_does_back_up, _end_backup), (is_any_at_work, ask_to_end), (_has_window, _close_window))
"""How each kind of work is seen, and asked to end."""
