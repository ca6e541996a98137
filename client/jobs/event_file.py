"""The event file of the running job: whoever started it, a window can follow it, and tell a dead one from a living one.

A job writes its events as JSON lines into `<home>/jobs/<job>.events`, which begins anew with each job. It keeps the
file claimed (client.store.instance) while it lives.
"""
from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType

from client.errors import HomeUnusable
from client.events import (
    ENDS,
    Begun,
    Emit,
    Event,
    Finished,
    Interrupted,
    Notice,
    PackStored,
    Paused,
    Progress,
    Resumed,
    Started,
    from_json,
    to_json,
)
from client.jobs.control import Control
from client.jobs.requests import CANCEL, PAUSE, RESUME, STOP, take_requests
from client.store.instance import claim, is_claimed

FOLDER = "jobs"
PROGRESS_SECONDS = 0.25
HEAR_SECONDS = 0.25
FORGOTTEN_SECONDS = 300.0
"""A pause that nobody renewed for so long is over: the window that wanted it is closed."""
LINE_LIMIT = 4096
"""The first line is never longer."""
TAIL = 128 << 10
"""Whoever comes late reads so much of the end; what was skipped before that stands in the activity log."""


def event_file(home: Path, job: str) -> Path:
    """Where the job of that name writes."""
    return home / FOLDER / f"{job}.events"


class JobFile:
    """The event file of the job that this process is; calling it is an Emit. Used with `with`."""

    def __init__(self, home: Path, job: str, *, automatic: bool = False) -> None:
        """Begins the file anew, but for how much the last job of that name brought. Raises HomeUnusable."""
        at = datetime.now(UTC).isoformat(timespec="milliseconds")
        self._home = home
        self._turn = threading.Lock()
        self._told = 0.0
        self._ended = False
        path = event_file(home, job)
        try:
            path.parent.mkdir(mode=0o700, exist_ok=True)
            flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
            shared = path.parent.stat().st_mode & 0o005  # the installer let everybody look into the folder
            self._file = os.fdopen(os.open(path, flags, 0o644 if shared else 0o600), "r+b", buffering=0)
            claim(self._file.fileno())
            files, size = _last_amount(self._file.read(LINE_LIMIT), path)
            self._file.seek(0)
            self._file.truncate()
        except OSError as error:
            raise HomeUnusable(home=path, reason=error.strerror or error) from error
        self.begun = Begun(job, os.getpid(), at, automatic, files, size)
        self(self.begun)

    def __enter__(self) -> JobFile:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        with self._file:
            self._tell_end(error)

    @contextlib.contextmanager
    def telling_end(self) -> Iterator[None]:
        """An error that ends the body is written down at once, while the process still tidies up."""
        try:
            yield
        except BaseException as error:
            self._tell_end(error)
            raise

    def _tell_end(self, error: BaseException | None) -> None:
        if error is not None and not self._ended:
            from client.outcomes import ending

            self._ended = True
            self(ending(error))

    @contextlib.contextmanager
    def hearing(self, control: Control, emit: Emit, forgotten: float = FORGOTTEN_SECONDS) -> Iterator[None]:
        """While the body runs, requests to this job are passed on to `control`; `emit` hears of pauses.

        A pause that was not asked for again within the seconds `forgotten` ends by itself. They are counted by looks,
        so that it outlasts a sleep of the computer.
        """
        over = threading.Event()

        def hear() -> None:
            unasked = 0.0
            while not over.wait(HEAR_SECONDS):
                wishes = take_requests(self._home, self.begun.name)
                unasked = 0.0 if PAUSE in wishes else unasked + HEAR_SECONDS
                for wish in wishes:
                    _obey(wish, control, emit)
                if unasked >= forgotten and control.resume():
                    emit(Notice("The window that paused this backup is closed; the backup goes on by itself."))
                    emit(Resumed())

        threading.Thread(target=hear, name="requests", daemon=True).start()
        try:
            yield
        finally:
            over.set()

    def __call__(self, event: Event) -> None:
        """Write an event down; of progress no more than four a second."""
        if isinstance(event, PackStored):
            return
        with self._turn:
            if isinstance(event, Progress):
                now = time.monotonic()
                if now - self._told < PROGRESS_SECONDS:
                    return
                self._told = now
            with contextlib.suppress(OSError, ValueError):  # a full disk, or a late thread, must not end a backup
                self._file.write(to_json(event).encode("ascii") + b"\n")


def _obey(wish: str, control: Control, emit: Emit) -> None:
    if wish in {CANCEL, STOP}:
        control.cancelled.end(by_system=wish == STOP)
    elif wish == PAUSE and control.pause():
        emit(Paused())
    elif wish == RESUME and control.resume():
        emit(Resumed())


def _last_amount(head: bytes, path: Path) -> tuple[int, int]:
    """Files and bytes of the last backup that was finished, as the file of the former job tells."""
    begun = from_json(head.partition(b"\n")[0])
    with path.open("rb") as file:
        file.seek(max(0, file.seek(0, os.SEEK_END) - TAIL))
        for line in reversed(file.read().split(b"\n")):
            if isinstance(found := from_json(line), Finished):
                return found.files, found.bytes
    return (begun.files, begun.bytes) if isinstance(begun, Begun) else (0, 0)


class JobReader:
    """Follows the event file of a job from another process. `begun` is the job that runs, or None."""

    def __init__(self, home: Path, job: str) -> None:
        self._path = event_file(home, job)
        self._first: bytes | None = None
        self._seen: tuple[int, int] | None = None
        self._place = 0
        self._ended = False
        self.begun: Begun | None = None

    def read(self) -> list[Event]:
        """What was told since the last call, of progress the last only.

        A job that ended before the first call is not told of; one that died is, and its last event is Interrupted.
        """
        try:
            found = os.stat(self._path)
            if self.begun is None and self._seen == (found.st_mtime_ns, found.st_size):
                return []  # an idle window looks every second
            handle = os.open(self._path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
        except OSError:
            self._first = self._first or b""  # whatever comes now is new, even if it ends before the next look
            return self._lose()
        self._seen = found.st_mtime_ns, found.st_size
        try:
            return self._read(handle)
        except OSError:
            return []
        finally:
            os.close(handle)

    def _read(self, handle: int) -> list[Event]:
        alive = is_claimed(handle)  # before reading, so that what a job tells before it ends is not missed
        first = os.read(handle, LINE_LIMIT).partition(b"\n")[0]
        before: list[Event] = []
        newcomer = self._first is None
        if first != self._first:
            begun = from_json(first)
            if not isinstance(begun, Begun):
                return []
            before = [*self._lose(), begun]
            self._first, self._place, self._ended, self.begun = first, len(first) + 1, False, begun
        elif self.begun is None:
            return []
        told = self._lines(handle)
        for event in told:
            self._ended = isinstance(event, ENDS) or (self._ended and not isinstance(event, Started))
        if alive:
            return before + told
        if newcomer and self._ended:
            self.begun = None
            return []
        return before + told + self._lose()

    def _lines(self, handle: int) -> list[Event]:
        """The whole lines behind the place that was read last; of a great many, those at the end."""
        size = os.fstat(handle).st_size
        late = size - self._place > TAIL
        self._place = max(self._place, size - TAIL)
        os.lseek(handle, self._place, os.SEEK_SET)
        whole, newline, _ = os.read(handle, TAIL).rpartition(b"\n")
        self._place += len(whole) + len(newline)
        lines = whole.split(b"\n")[late:]
        found = [event for line in lines if (event := from_json(line)) is not None]
        last = next((event for event in reversed(found) if isinstance(event, Progress)), None)
        return [event for event in found if not isinstance(event, Progress) or event is last]

    def _lose(self) -> list[Event]:
        """The job that was followed is over; what it did not tell itself is told for it."""
        gone, self.begun = self.begun is not None and not self._ended, None
        return [Interrupted()] if gone else []
