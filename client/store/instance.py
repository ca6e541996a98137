"""One client at a time on a store: locks that the system itself releases when a process dies."""
from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from client.errors import HomeBusy, HomeUnusable

JOB_LOCK = "job.lock"
SETTINGS_LOCK = "settings.lock"
SETTINGS_PATIENCE = 5.0
_FAR = 1 << 30
"""Windows locks bytes for readers, too; this one is beyond the end of every file that is claimed."""
_SHARES = 1 << 20
"""Behind that byte, one for each process that shares a file: Windows knows no lock for several by this way."""


@contextlib.contextmanager
def hold(home: Path, lock: str = JOB_LOCK, patience: float = 0.0) -> Iterator[None]:
    """Hold a lock of the store while the body runs; raises HomeBusy after `patience` seconds.

    Backup and enrolment hold JOB_LOCK. Edits of the settings hold SETTINGS_LOCK for a moment, so that a folder can be
    added while a long backup runs.
    """
    from filelock import FileLock, Timeout

    held = FileLock(home / lock, timeout=patience, mode=0o600)
    try:
        held.acquire()
    except Timeout as error:
        raise HomeBusy(home=home) from error
    except OSError as error:
        raise HomeUnusable(home=home, reason=error.strerror or error) from error
    try:
        yield
    finally:
        held.release()


def claim(handle: int) -> None:
    """Mark an open file as that of a living process, until it is closed or the process ends, in whatever way."""
    if sys.platform == "win32":
        _lock_on_windows(handle)
    else:
        import fcntl

        fcntl.flock(handle, fcntl.LOCK_EX)


def is_claimed(handle: int) -> bool:
    """Whether a living process has claimed the file that is open as `handle`, for reading at least."""
    try:
        if sys.platform == "win32":
            _lock_on_windows(handle, release=True)
        else:
            import fcntl

            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
            fcntl.flock(handle, fcntl.LOCK_UN)
    except OSError:
        return True
    return False


def share(handle: int) -> None:
    """As `claim`, but for any number of processes at once."""
    if sys.platform == "win32":
        _lock_on_windows(handle, at=_FAR + 1 + os.getpid() % _SHARES)
    else:
        import fcntl

        fcntl.flock(handle, fcntl.LOCK_SH)


def is_shared(handle: int) -> bool:
    """Whether at least one living process shares the file that is open as `handle`."""
    try:
        if sys.platform == "win32":
            _lock_on_windows(handle, release=True, at=_FAR + 1, size=_SHARES)
        else:
            import fcntl

            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            fcntl.flock(handle, fcntl.LOCK_UN)
    except OSError:
        return True
    return False


if sys.platform == "win32":

    def _lock_on_windows(handle: int, *, release: bool = False, at: int = _FAR, size: int = 1) -> None:
        """Lock bytes far beyond the end; with `release` only to see whether that is possible."""
        import msvcrt

        place = os.lseek(handle, 0, os.SEEK_CUR)
        os.lseek(handle, at, os.SEEK_SET)
        try:
            msvcrt.locking(handle, msvcrt.LK_NBLCK if release else msvcrt.LK_LOCK, size)
            if release:
                os.lseek(handle, at, os.SEEK_SET)
                msvcrt.locking(handle, msvcrt.LK_UNLCK, size)
        finally:
            os.lseek(handle, place, os.SEEK_SET)
