"""Restores at work on a store: they show it while they live, and end in order when the program is to be replaced.

Every user may restore, so the mark lies where every user may write; the call to end only where the store's owner may.
"""
from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator
from pathlib import Path

from client.errors import HomeUnusable
from client.jobs.cancellation import Cancellation
from client.jobs.requests import FOLDER
from client.store.instance import is_shared, share

MARK = Path(FOLDER) / "restores.lock"
CALL = "restores.end"
HEAR_SECONDS = 0.25
_OPEN = getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)


@contextlib.contextmanager
def at_work(home: Path, cancelled: Cancellation) -> Iterator[None]:
    """While the body runs, `is_any_at_work` is true, and `cancelled` is set as soon as somebody asks restores to end.

    Where the store takes no mark, the body runs all the same.
    """
    over, before = threading.Event(), _last_call(home)

    def hear() -> None:
        while not over.wait(HEAR_SECONDS):
            if _last_call(home) not in {before, None}:
                cancelled.end(by_system=True)
                return

    with contextlib.ExitStack() as until_the_end:
        with contextlib.suppress(OSError):
            (home / MARK).parent.mkdir(mode=0o700, exist_ok=True)
            handle = os.open(home / MARK, os.O_RDWR | os.O_CREAT | _OPEN, 0o600)
            until_the_end.callback(os.close, handle)
            share(handle)
        threading.Thread(target=hear, name="restores-end", daemon=True).start()
        until_the_end.callback(over.set)
        yield


def is_any_at_work(home: Path) -> bool:
    """Whether a restore on this store lives, whoever started it."""
    try:
        handle = os.open(home / MARK, os.O_RDWR | _OPEN)
    except OSError:
        return False
    try:
        return is_shared(handle)
    finally:
        os.close(handle)


def ask_to_end(home: Path) -> None:
    """Ask those that are at work now. Raises HomeUnusable."""
    try:
        (home / CALL).touch()
    except OSError as error:
        raise HomeUnusable(home=home, reason=error.strerror or error) from error


def forget_call(home: Path) -> None:
    """Later ones are not meant."""
    with contextlib.suppress(OSError):
        (home / CALL).unlink()


def _last_call(home: Path) -> int | None:
    try:
        return os.stat(home / CALL).st_mtime_ns
    except OSError:
        return None
