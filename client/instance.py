"""One client at a time on a store: a lock that the system itself releases when a process dies."""
from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from client.errors import HomeBusy, HomeUnusable

JOB_LOCK = "job.lock"
SETTINGS_LOCK = "settings.lock"
SETTINGS_PATIENCE = 5.0


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
