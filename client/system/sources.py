"""Reading what is backed up: how a path falls into steps, and files opened so that nobody else is disturbed."""
from __future__ import annotations

import os
import re
from collections.abc import Iterator

_DRIVE = re.compile(r"^(?:\\\\\?\\)?([A-Za-z]):$")
_FLAGS = os.O_RDONLY
for _name in ("O_BINARY", "O_CLOEXEC", "O_NOFOLLOW", "O_NONBLOCK"):  # each where the system has it
    _FLAGS |= getattr(os, _name, 0)


def split_path(path: str) -> Iterator[tuple[str, str]]:
    """The steps of an absolute path from the root: (name, path up to it).

    /home/a gives ("home", "/home"), ("a", "/home/a"). A drive letter is a step of its own: C:\\data gives ("C", "C:\\")
    and ("data", "C:\\data"); a network share begins with its server and share names.
    """
    drive, rest = os.path.splitdrive(path)
    reached = rest[:1] or os.sep
    if drive:
        letter = _DRIVE.match(drive)
        reached = drive + os.sep
        if letter:
            yield letter[1].upper(), reached
        else:
            for name in filter(None, re.split(r"[\\/?]+", drive)):
                yield name, reached
    for name in filter(None, re.split(r"[\\/]+" if os.sep == "\\" else "/+", rest)):
        reached = os.path.join(reached, name)
        yield name, reached


def open_source(path: str) -> int:
    """A file descriptor for reading `path` itself; a link in its place is refused, a pipe does not block."""
    return os.open(path, _FLAGS)


Status = tuple[int, int, int, int, int]
"""(size, mtime_ns, attributes, changed_ns, inode): what tells whether an entry changed."""


def describe_status(status: os.stat_result) -> Status:
    """What counts of os.stat's answer, which is ten times as large.

    Attributes are the POSIX mode. Windows has no time of change that could be trusted and no stable number, so both
    are 0 there, and its own attributes take the mode's place.
    """
    if os.name == "nt":
        return status.st_size, status.st_mtime_ns, getattr(status, "st_file_attributes", 0), 0, 0
    return status.st_size, status.st_mtime_ns, status.st_mode, status.st_ctime_ns, status.st_ino
