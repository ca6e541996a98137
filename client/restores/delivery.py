"""Where restored content goes: small files at once, large ones chunk by chunk, links at the end; all of it counted."""
from __future__ import annotations

import os
import threading
from dataclasses import dataclass, field
from typing import NamedTuple

from client.events import Emit, FileSkipped
from client.restores.target import Folder, Steps, Target, TargetFull, display, translate, write_fully
from vault.errors import BackupError
from vault.reader import Location
from vault.records import LINK


class Wanted(NamedTuple):
    """An entry to be restored. A chunk whose place nobody knows is None."""

    path: Steps
    kind: int
    size: int
    mtime_ns: int
    attributes: int
    locations: tuple[Location | None, ...] = ()


@dataclass
class Counts:
    """What a restore brought so far: every file, link and byte that is complete, and what was skipped.

    `entries` and `listed` (files alone) count what was asked for.
    """

    entries: int = 0
    listed: int = 0
    files: int = 0
    links: int = 0
    folders: int = 0
    bytes: int = 0
    read: int = 0
    skipped: int = 0


@dataclass(eq=False, slots=True)
class Coming:
    """A file or link whose content is on its way; `steps` is its path in the target."""

    wanted: Wanted
    steps: Steps
    folder: Folder
    remaining: int
    lock: threading.Lock = field(default_factory=threading.Lock)
    temporary: bytes | None = None
    failure: BackupError | None = None


class Delivery:
    """Puts content into files of the target. `deliver` and `fail` may be called by several threads."""

    def __init__(self, target: Target, emit: Emit) -> None:
        self.counts = Counts()
        self._target, self._emit = target, emit
        self._lock = threading.Lock()
        self._links: list[tuple[Wanted, Steps, bytes]] = []
        self._growing: set[Coming] = set()

    def deliver(self, coming: Coming, offset: int, plain: bytes) -> None:
        """Writes one chunk of a file. What can't be written is skipped; raises TargetFull."""
        try:
            if len(coming.wanted.locations) > 1:
                self._grow(coming, offset, plain)
            else:
                self._write(coming, plain)
        except OSError as error:
            self.fail(coming, translate(error, display(coming.wanted.path)))

    def _write(self, coming: Coming, content: bytes) -> None:
        wanted = coming.wanted
        if wanted.kind == LINK:
            with self._lock:
                self._links.append((wanted, coming.steps, content))
            return
        self._target.write(coming.folder, coming.steps[-1], content, wanted.mtime_ns, wanted.attributes)
        self._count(wanted)

    def _grow(self, coming: Coming, offset: int, plain: bytes) -> None:
        """One chunk of a larger file; whichever comes last finishes it."""
        with coming.lock:
            if coming.failure is not None:
                return
            if coming.temporary is None:
                coming.temporary, file = self._target.begin(coming.folder)
                self._growing.add(coming)
            else:
                file = self._target.reopen(coming.folder, coming.temporary)
            try:
                os.lseek(file, offset, os.SEEK_SET)
                write_fully(file, plain)
            except OSError:
                os.close(file)
                raise
            coming.remaining -= 1
            if coming.remaining:
                os.close(file)
                return
            wanted = coming.wanted
            temporary, coming.temporary = coming.temporary, None
            self._growing.discard(coming)
            self._target.finish(coming.folder, temporary, file, coming.steps[-1], wanted.mtime_ns, wanted.attributes)
        self._count(wanted)

    def _count(self, wanted: Wanted) -> None:
        with self._lock:
            self.counts.files += 1
            self.counts.bytes += wanted.size

    def fail(self, coming: Coming, error: BackupError) -> None:
        """Gives one file up and reports it, once. Raises TargetFull, since no other file would fare better."""
        with coming.lock:
            first, coming.failure = coming.failure is None, error
            self._discard(coming)
        if first:
            self.skip(coming.wanted, error)

    def skip(self, wanted: Wanted, error: BackupError) -> None:
        """Reports an entry that is not restored. Raises TargetFull."""
        if isinstance(error, TargetFull):
            raise error
        with self._lock:
            self.counts.skipped += 1
        self._emit(FileSkipped(display(wanted.path), error.code, error.sentence))

    def _discard(self, coming: Coming) -> None:
        self._growing.discard(coming)
        temporary, coming.temporary = coming.temporary, None
        if temporary is not None:
            self._target.discard(coming.folder, temporary)

    def abandon(self) -> None:
        """Removes what never became complete, and leaves folders as a restore that goes on later needs them."""
        for coming in list(self._growing):
            self._discard(coming)
        self._target.finish_folders(whole=False)

    def finish(self) -> None:
        """Makes the links, then sets times and modes of folders."""
        for wanted, steps, destination in self._links:
            try:
                self._target.link(self._target.folder(steps[:-1]), steps[-1], destination, wanted.mtime_ns,
                                  wanted.attributes)
                self.counts.links += 1
            except OSError as error:
                self.skip(wanted, translate(error, display(wanted.path)))
        self._target.finish_folders()
