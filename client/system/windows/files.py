"""Reading files on Windows: nobody is disturbed, nothing is fetched from a cloud, no link is followed."""
from __future__ import annotations

import os
from collections.abc import Callable
from typing import Protocol

from client.system.kinds import ELSEWHERE, ELSEWHERE_FOLDER, FILE, FOLDER, JUNCTION, LINK, NOTHING, UNKNOWN_LINK
from client.system.windows.calls import Calls, native
from client.system.windows.paths import extend

OF_THE_SYSTEM = frozenset({
    "PAGEFILE.SYS", "SWAPFILE.SYS", "HIBERFIL.SYS", "DUMPSTACK.LOG", "DUMPSTACK.LOG.TMP", "SYSTEM VOLUME INFORMATION",
    "$RECYCLE.BIN", "$SYSRESET", "$WINREAGENT",
})
"""What Windows keeps at the root of a volume for itself: memory on the disk, its own shadow copies, the bin."""

GENERIC_READ = 0x80000000
SHARE_ALL = 0x1 | 0x2 | 0x4
"""Others may read, write and delete or rename the file meanwhile; Python's own open() forbids the last."""
SEQUENTIAL_SCAN, BACKUP_SEMANTICS = 0x08000000, 0x02000000

DIRECTORY, REPARSE_POINT, OFFLINE = 0x10, 0x400, 0x1000
RECALL_ON_OPEN, RECALL_ON_DATA_ACCESS = 0x40000, 0x400000
KEPT_ATTRIBUTES = 0x1 | 0x2 | 0x4 | DIRECTORY | 0x20 | 0x800 | 0x2000 | 0x4000
"""Read-only, hidden, system, folder, archive, compressed, not indexed, encrypted. The others tell where content lies
or whether it is pinned: they differ between a listing and an open file, and are no change of the file."""
RESTORED_ATTRIBUTES, NORMAL = 0x1 | 0x2 | 0x4 | 0x20 | 0x2000, 0x80
"""Read-only, hidden, system, archive, not indexed: what a program may set. Compression and encryption are the new
place's to decide."""

SYMLINK, MOUNT_POINT = 0xA000000C, 0xA0000003
VOLUME = "\\\\?\\Volume{"
"""The target of a junction begins so when a volume is mounted there."""
WITHOUT_CONTENT = frozenset({0x8000001B, 0x80000023, 0x80000024, 0x80000025, 0x80000026})
"""Aliases of store apps; sockets, pipes and devices of the Linux subsystem."""
NAME_SURROGATE = 0x20000000
"""The bit of a reparse tag that says: this entry stands for another one."""

SHARING_VIOLATION, LOCK_VIOLATION, ACCESS_DENIED = 32, 33, 5
CLOUD_ERRORS = frozenset({358, *range(362, 367), *range(374, 384), *range(386, 399), 404, 426, 434})
"""ERROR_CLOUD_FILE_…: whatever the reason, the content is not on this disk."""
BACKUP_PRIVILEGE = "SeBackupPrivilege"


class Described(Protocol):
    """What is used of os.stat_result on Windows."""

    @property
    def st_file_attributes(self) -> int: ...

    @property
    def st_reparse_tag(self) -> int: ...


class ContentElsewhere(OSError):
    """The content of a file lies in a cloud; reading it would fetch it."""


def classify(status: Described) -> int:
    """The kind of an entry as a listing shows it: see client.system.kinds.

    A junction is as good as a link, and so is a folder in which another volume is mounted: neither is entered.
    """
    attributes, tag = status.st_file_attributes, status.st_reparse_tag
    folder = bool(attributes & DIRECTORY)
    if attributes & REPARSE_POINT:
        if tag == SYMLINK:
            return LINK
        if tag == MOUNT_POINT:
            return JUNCTION
        if tag in WITHOUT_CONTENT:
            return NOTHING
        if tag & NAME_SURROGATE:
            return UNKNOWN_LINK
    if attributes & (RECALL_ON_OPEN | RECALL_ON_DATA_ACCESS | OFFLINE):
        return ELSEWHERE_FOLDER if folder else ELSEWHERE
    return FOLDER if folder else FILE


def names_of_system(folder: str) -> frozenset[str]:
    """The names in `folder`, in capitals, that are the system's own and no part of any backup."""
    return OF_THE_SYSTEM if len(folder) == len("C:\\") else frozenset()


def is_other_volume(path: str, read_link: Callable[[str], str] = os.readlink) -> bool:
    """Whether a junction is the place of another volume; False when its target can't be read."""
    try:
        return read_link(extend(path)).startswith(VOLUME)
    except (OSError, ValueError):
        return False


def describe_status(status: os.stat_result) -> tuple[int, int, int, int, int]:
    """(size, mtime_ns, attributes, 0, 0): Windows has no time of change that could be trusted and no stable number."""
    return status.st_size, status.st_mtime_ns, getattr(status, "st_file_attributes", 0) & KEPT_ATTRIBUTES, 0, 0


def open_source(path: str, calls: Calls | None = None) -> int:
    """A file descriptor for reading; raises ContentElsewhere before anything of a placeholder is read.

    Only the attribute of recalls on data access counts here: the other one's bit means extended attributes in an open
    file's description.
    """
    try:
        file = (calls or native()).open_file(
            extend(path), GENERIC_READ, SHARE_ALL, SEQUENTIAL_SCAN | BACKUP_SEMANTICS)
    except OSError as error:
        if getattr(error, "winerror", None) in CLOUD_ERRORS:
            raise ContentElsewhere(error.errno, error.strerror, path) from error
        raise
    attributes = getattr(os.fstat(file), "st_file_attributes", 0)
    if attributes & (RECALL_ON_DATA_ACCESS | OFFLINE):
        os.close(file)
        raise ContentElsewhere(None, "its content lies in a cloud", path)
    return file


def set_attributes(path: str, attributes: int, calls: Calls | None = None) -> None:
    """Give a restored file or folder the attributes that it had, as describe_status told them. Raises OSError."""
    (calls or native()).set_attributes(extend(path), attributes & RESTORED_ATTRIBUTES or NORMAL)


def is_elsewhere(failure: OSError) -> bool:
    """Whether a file could not be read because its content is in a cloud: no failure, but a fact to be counted."""
    return isinstance(failure, ContentElsewhere) or getattr(failure, "winerror", None) in CLOUD_ERRORS


def explain_failure(failure: OSError) -> str:
    """Why a file could not be read, for people."""
    number = getattr(failure, "winerror", None)
    if number in (SHARING_VIOLATION, LOCK_VIOLATION):
        return "another program has it open and lets nobody else read it"
    if number == ACCESS_DENIED:
        return "this account may not read it"
    return failure.strerror or str(failure)


def read_everything(calls: Calls | None = None) -> bool:
    """Let an elevated process read files of every owner; false when its account may not."""
    try:
        return (calls or native()).enable_privilege(BACKUP_PRIVILEGE)
    except OSError:
        return False
