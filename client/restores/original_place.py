"""Restoring to where everything was: below the system's root, by the way that the backup itself goes.

A backup follows links on the way to a protected folder, as from /home to /var/home, and none inside one. So does this:
through a link that the backup holds nothing is ever written, nor through one that somebody else could have put there.
"""
from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterable
from pathlib import Path

from client.names import path_of, steps_of
from client.restores.target import Folder, Steps, Target
from client.system import decode_name
from client.system.sources import read_live

LINKS = 8
"""So many links may lead on to each other."""
_FOLDER = (os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOFOLLOW", 0))
_OTHERS_WRITE = 0o022


class OriginalPlace(Target):
    """The place where everything was; on Windows on its drive or network share, where no link is followed."""

    def __init__(self, *, overwrite: bool = False, modes: bool = True, folders: Iterable[str] = ()) -> None:
        """See Target. `folders` are the protected ones: links on the way to them are followed."""
        super().__init__(Path(os.path.abspath(os.sep)), overwrite=overwrite, modes=modes)
        self._on_the_way = on_the_way(folders)

    def _enter(self, parent: Folder, steps: Steps) -> Folder:
        share = len(decode_name(steps[0])) > 1
        if os.name == "nt" and len(steps) <= 1 + share:
            return Folder(read_live(path_of(steps)), None, made=False)
        if parent.handle is not None and steps in self._on_the_way and is_trusted_link(parent, steps[-1]):
            return open_through_links(parent, steps[-1])
        return super()._enter(parent, steps)


def on_the_way(folders: Iterable[str]) -> frozenset[Steps]:
    """The steps that lead to the protected `folders`, each with its last one; what lies inside another is part of that.
    """
    whole = {steps_of(folder) for folder in folders}
    outer = [steps for steps in whole if not any(steps[:length] in whole for length in range(len(steps)))]
    return frozenset(steps[:length] for steps in outer for length in range(1, len(steps) + 1))


def is_trusted_link(parent: Folder, name: bytes) -> bool:
    """Whether `name` is a link that only the system's owner or this user can have put there."""
    assert parent.handle is not None
    try:
        link, folder = os.stat(name, dir_fd=parent.handle, follow_symlinks=False), os.fstat(parent.handle)
    except OSError:
        return False
    trusted = {0, os.geteuid()} if hasattr(os, "geteuid") else set()
    return (stat.S_ISLNK(link.st_mode) and {link.st_uid, folder.st_uid} <= trusted
            and not folder.st_mode & _OTHERS_WRITE)


def open_through_links(parent: Folder, name: bytes, links: int = LINKS) -> Folder:
    """The folder `name`, of which each link on the way is a trusted one. Raises OSError."""
    assert parent.handle is not None
    path = os.path.join(parent.path, decode_name(name))
    if not is_trusted_link(parent, name):
        return Folder(path, os.open(name, _FOLDER, dir_fd=parent.handle), made=False)
    if not links:
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), path)
    destination = os.readlink(name, dir_fd=parent.handle)
    found = Folder(os.sep, os.open(os.sep, _FOLDER), made=False) if destination.startswith(b"/") else parent
    for step in destination.split(b"/"):
        if step not in {b"", b"."}:
            found = open_through_links(found, step, links - 1)
    return found
