"""Files on their way into the bundled storage: written aside, named only when complete and on the disk."""
from __future__ import annotations

import errno
import logging
import os
import secrets
from collections.abc import Callable
from pathlib import Path

QUOTA_REACHED = "552 The quota of this subscription is used up."
NAME_TAKEN = "550 The name is taken; nothing was overwritten."
WITHOUT_LINKS = {errno.EPERM, errno.ENOSYS, errno.EOPNOTSUPP, errno.EMLINK}

log = logging.getLogger("ibs.storage")


class Upload:
    """A file on its way in; its bytes count towards the quota from the first on. Looks like a file to pyftpdlib."""

    def __init__(self, folder: Path, target: str, reserve: Callable[[int], bool], release: Callable[[int], None],
                 sync: bool) -> None:
        """Written below `folder`, on the same disk as `target`; `sync` waits for the disk before it is kept."""
        self.name = target
        self.closed = False
        self.refusal = ""
        self.dropped = 0
        self._aside = folder / secrets.token_hex(16)
        self._reserve, self._release, self._sync = reserve, release, sync
        self._reserved = 0
        self._file = self._aside.open("xb", buffering=0)

    def write(self, data: bytes) -> None:
        """Store `data`, or remember the first reason against it and drop the rest."""
        if self.refusal:
            self.dropped += len(data)
            return
        if not self._reserve(len(data)):
            self.refusal = QUOTA_REACHED
            return
        self._reserved += len(data)
        view = memoryview(data)
        try:
            while view:
                view = view[self._file.write(view):]
        except OSError as error:
            self.refusal = disk_reply(error)

    def keep(self) -> str:
        """Give the complete file its name; returns nothing, or the reply that says why it was not kept."""
        try:
            if self._sync:
                os.fsync(self._file.fileno())
            self._file.close()
            place(self._aside, Path(self.name))
        except FileExistsError:
            self.refusal = NAME_TAKEN
        except OSError as error:
            self.refusal = disk_reply(error)
        else:
            self._reserved = 0
        return self.refusal

    def close(self) -> None:
        """End it; what was not kept is gone, and its bytes are free again."""
        if not self.closed:
            self.closed = True
            self._file.close()
            self._aside.unlink(missing_ok=True)
            self._release(self._reserved)


def disk_reply(error: OSError) -> str:
    """What a computer is told when the portal's own disk fails."""
    log.error("The storage's disk failed: %s", error)
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return "552 The storage's disk is full."
    return "451 The storage's disk could not be written."


def place(source: Path, target: Path) -> None:
    """Move a file to a name that does not exist; raises FileExistsError without touching what is there."""
    try:
        os.link(source, target)
    except OSError as error:
        if error.errno not in WITHOUT_LINKS:
            raise
        os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY))  # takes the name, as only one can
        source.replace(target)
    else:
        source.unlink()
