"""Reading what is backed up: how a path falls into steps, and files opened so that nobody else is disturbed."""
from __future__ import annotations

import os
import re
import stat
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Protocol

from client.system.kinds import FILE, FOLDER, LINK, NOTHING

__all__ = [
    "Copies", "Status", "classify", "describe_status", "explain_failure", "is_elsewhere", "is_other_volume",
    "names_of_system", "open_source", "read_live", "set_attributes", "split_path", "take_copies",
]

_DRIVE = re.compile(r"^(?:\\\\\?\\)?([A-Za-z]):$")
_FLAGS = os.O_RDONLY
for _name in ("O_BINARY", "O_CLOEXEC", "O_NOFOLLOW", "O_NONBLOCK"):  # each where the system has it
    _FLAGS |= getattr(os, _name, 0)


def split_path(path: str, rules: ModuleType = os.path) -> Iterator[tuple[str, str]]:
    """The steps of an absolute path from the root: (name, path up to it).

    /home/a gives ("home", "/home"), ("a", "/home/a"). A drive letter is a step of its own: C:\\data gives ("C", "C:\\")
    and ("data", "C:\\data"); a network share begins with its server and share names. `rules` are the system's.
    """
    drive, rest = rules.splitdrive(path)
    reached = rest[:1] or rules.sep
    if drive:
        letter = _DRIVE.match(drive)
        reached = drive + rules.sep
        if letter:
            yield letter[1].upper(), reached
        else:
            for name in filter(None, re.split(r"[\\/?]+", drive)):
                yield name, reached
    for name in filter(None, re.split(r"[\\/]+" if rules.sep == "\\" else "/+", rest)):
        reached = rules.join(reached, name)
        yield name, reached


Status = tuple[int, int, int, int, int]
"""(size, mtime_ns, attributes, changed_ns, inode): what tells whether an entry changed."""


class Copies(Protocol):
    """Copies of volumes as they stood at one moment; see client.system.windows.shadow_copies.ShadowCopies."""

    problems: dict[str, str]

    @property
    def complete(self) -> bool: ...

    def protect(self, folders: Iterable[str], go_on: Callable[[], None]) -> None: ...

    def read_at(self, path: str) -> str: ...

    def close(self) -> None: ...


if sys.platform == "win32":
    from client.system.windows.files import (
        classify,
        describe_status,
        explain_failure,
        is_elsewhere,
        is_other_volume,
        names_of_system,
        open_source,
        read_everything,
        set_attributes,
    )
    from client.system.windows.paths import extend as read_live
    from client.system.windows.shadow_copies import ShadowCopies

    def take_copies(home: Path) -> Copies | None:
        """The means to copy volumes, with their records in `home`; None where the system has none."""
        read_everything()
        return ShadowCopies(home)

else:

    def read_live(path: str) -> str:
        """Where a normalised path is read when it is read as it lies on the disk."""
        return path

    def take_copies(home: Path) -> Copies | None:
        """The means to copy volumes, with their records in `home`; None where the system has none."""
        return None

    def open_source(path: str) -> int:
        """A file descriptor for reading `path` itself; a link in its place is refused, a pipe does not block."""
        return os.open(path, _FLAGS)

    def classify(status: os.stat_result) -> int:
        """The kind of an entry; see client.system.kinds."""
        mode = status.st_mode
        if stat.S_ISREG(mode):
            return FILE
        if stat.S_ISDIR(mode):
            return FOLDER
        return LINK if stat.S_ISLNK(mode) else NOTHING

    def describe_status(status: os.stat_result) -> Status:
        """What counts of os.stat's answer, which is ten times as large; attributes are the POSIX mode."""
        return status.st_size, status.st_mtime_ns, status.st_mode, status.st_ctime_ns, status.st_ino

    def explain_failure(failure: OSError) -> str:
        """Why something could not be read, for people."""
        return failure.strerror or str(failure)

    def is_elsewhere(failure: OSError) -> bool:
        """Whether content could not be read because it lies in a cloud: no failure, but a fact to be counted."""
        return False

    def is_other_volume(path: str) -> bool:
        """Whether another volume is mounted at what looks like a link: never here, where it looks like a folder."""
        return False

    def set_attributes(path: str, attributes: int) -> None:
        """Nothing: what Windows calls attributes has no place here."""

    def names_of_system(folder: str) -> frozenset[str]:
        """The names in `folder`, in capitals, that are the system's own: none here, where they are no files."""
        return frozenset()
