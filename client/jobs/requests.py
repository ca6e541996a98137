"""The requests folder: how a window that may not touch the job asks it to pause, to go on, to end, or to begin.

A request is a small file named after the wish, written beside and renamed, so that it is whole or not there. Whoever
takes it removes it, so it is taken once. It names the job that it is meant for, or when it was made; one that comes
too late is removed and not obeyed. Nothing in it is trusted further than that, since every user may write it.
"""
from __future__ import annotations

import contextlib
import json
import os
import secrets
import stat
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from client.errors import HomeUnusable

FOLDER = "requests"
PAUSE, RESUME, CANCEL, STOP, BACK_UP = "pause", "resume", "cancel", "stop", "back-up"
ENDS = (CANCEL, STOP)
"""A person does not want the backup; the program is about to be replaced, so that the backup is made up for later."""
TO_A_JOB = (*ENDS, PAUSE, RESUME)
VALID = timedelta(days=1)
"""A wish for a backup that nobody took for so long is no wish any more."""
LONGEST = 1024
_READ = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)


def make_request(home: Path, wish: str, job: str = "", at: datetime | None = None) -> None:
    """Leave a wish; `job` names the running job that it is for, as its Begun event does. Raises HomeUnusable."""
    folder = home / FOLDER
    temporary = folder / f".{secrets.token_hex(8)}"
    content = json.dumps({"job": job, "at": (at or datetime.now(UTC)).isoformat()})
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        temporary.write_text(content, encoding="ascii")
        os.replace(temporary, folder / wish)
    except OSError as error:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise HomeUnusable(home=folder, reason=error.strerror or error) from error


def take_requests(home: Path, job: str) -> list[str]:
    """The wishes that lie there for this `job`, which are thereby taken; those for other jobs go away unheard.

    An end comes first, a person's before the system's; the others come in the order in which they were made.
    """
    said = [(wish, _take(home / FOLDER / wish)) for wish in _present(home, TO_A_JOB)]
    heard = [(wish, request.get("at", "")) for wish, request in said if request.get("job") == job]
    heard.sort(key=lambda found: "" if found[0] in ENDS else found[1])
    return [wish for wish, _ in heard]


def take_back_up(home: Path, now: datetime | None = None) -> bool:
    """Whether somebody asked for a backup within the last day; the wish is thereby taken."""
    if not _present(home, [BACK_UP]):
        return False
    try:
        asked = datetime.fromisoformat(_take(home / FOLDER / BACK_UP).get("at", ""))
    except ValueError:
        return False
    return asked.tzinfo is not None and abs((now or datetime.now(UTC)) - asked) <= VALID


def _present(home: Path, wishes: Iterable[str]) -> list[str]:
    try:
        there = set(os.listdir(home / FOLDER))
    except OSError:
        return []
    return [wish for wish in wishes if wish in there]


def _take(path: Path) -> dict[str, str]:
    """What the request says; nothing when it is no request, or when another took it first."""
    try:
        content = _read(path)
        path.unlink()
        found = json.loads(content)
    except (OSError, ValueError, RecursionError):
        return {}
    return {key: value for key, value in found.items() if isinstance(value, str)} if isinstance(found, dict) else {}


def _read(path: Path) -> bytes:
    handle = os.open(path, _READ)
    try:
        return os.read(handle, LONGEST) if stat.S_ISREG(os.fstat(handle).st_mode) else b""
    finally:
        os.close(handle)
