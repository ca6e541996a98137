"""The activity log: one XML document for each run, kept on this computer, with a copy for the portal.

A log is written line by line, so that a kill leaves all but its last line; the next run closes it. A file beside it
(*.unsent) says that the portal still wants its copy.
"""
from __future__ import annotations

import contextlib
import os
import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from xml.etree.ElementTree import Element, tostring

from client import VERSION
from client.api.portal import Portal
from client.errors import HomeUnusable
from client.events import Event, FileSkipped, FolderMissing, Notice, PackStored, Progress, Started
from client.names import get_name, put_name
from client.outcomes import ending
from client.store import documents
from client.store.documents import Unreadable
from client.system import sync_folder
from protocol.errors import BadRequest, NotFound
from vault.errors import BackupError

FOLDER = "activity"
OPEN = ".open"
UNSENT = ".unsent"
KEPT_LOGS = 400
KEPT_BYTES = 64 << 20
SKIPPED_LIMIT = 10_000
SIZE_LIMIT = 4 << 20
SENT_AT_ONCE = 20
CLOSING = b"</activity>\n"
UNRECORDED = (Progress, PackStored)
NEVER_WANTED = (NotFound, BadRequest)
"""Answers of the portal to a copy that every later try would get, too."""
NAME = re.compile(r"(?P<time>\d{8}T\d{12}Z)-(?P<run>\d+)\.xml")

Clock = Callable[[], datetime]


def now() -> datetime:
    """The time, UTC and aware."""
    return datetime.now(UTC)


def stamp(moment: datetime) -> str:
    """A moment as the logs spell it."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class ActivityLog:
    """The log of one job, open while it runs; `record` is an Emit. Used with `with`."""

    def __init__(self, home: Path, job: str, clock: Clock = now) -> None:
        """Opens the log of `job` (backup, restore, recover; schedule, settings for decisions). Raises HomeUnusable."""
        self._clock = clock
        self._began = clock()
        self._run = 0
        self._job = job
        self._skipped = self._omitted = self._size = 0
        self._turn = threading.Lock()
        self._folder = home / FOLDER
        name = self._began.strftime("%Y%m%dT%H%M%S%fZ")
        self._path = self._folder / f"{name}-{os.getpid()}{OPEN}"
        head = Element("activity", {"job": job, "began": stamp(self._began), "client": VERSION})
        try:
            self._folder.mkdir(mode=0o700, exist_ok=True)
            self._file = os.fdopen(os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb", buffering=0)
            opening = tostring(head, encoding="unicode").removesuffix(" />") + ">"
            self._file.write(f'<?xml version="1.0" encoding="UTF-8"?>\n{opening}\n'.encode())
        except OSError as error:
            raise HomeUnusable(home=self._folder, reason=error.strerror or error) from error

    def __enter__(self) -> ActivityLog:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        if error is not None:
            self.record(ending(error))
        self.close()

    def record(self, event: Event) -> None:
        """Write down an event; of skipped files those that fit into 4 MiB, at most 10,000, then their number only."""
        if isinstance(event, UNRECORDED):
            return
        with self._turn:
            if isinstance(event, Started) and event.job == "backup":
                self._run = event.run
            skipped = isinstance(event, FileSkipped | FolderMissing)
            if skipped and (self._skipped >= SKIPPED_LIMIT or self._size >= SIZE_LIMIT):
                self._omitted += 1
                return
            self._skipped += skipped
            self._write(as_element(event, self._clock()))

    def close(self) -> None:
        """End the log; it gets its name from its start and its run, and waits for the portal if there was a run."""
        if self._file.closed:
            return
        if self._omitted:
            self._write(Element("omitted", at=stamp(self._clock()), skipped=str(self._omitted)))
        with self._turn, self._file, contextlib.suppress(OSError):
            self._file.write(CLOSING)
            os.fsync(self._file.fileno())
        _finish(self._path, self._began.strftime("%Y%m%dT%H%M%S%fZ"), self._run)

    def _write(self, element: Element) -> None:
        line = tostring(element, encoding="utf-8").strip() + b"\n"
        self._size += len(line)
        with contextlib.suppress(OSError, ValueError):  # a full disk, or a late thread, must not end a backup
            self._file.write(line)


def as_element(event: Event, moment: datetime) -> Element:
    """An event as an element of its kind; names that XML cannot carry are base64."""
    element = Element(event.kind().replace("_", "-"), at=stamp(moment))
    for field in fields(event):
        value = getattr(event, field.name)
        if isinstance(value, str):
            put_name(element, field.name, value)
        else:
            element.set(field.name, str(value).lower() if isinstance(value, bool) else f"{value}")
    return element


def _finish(path: Path, began: str, run: int) -> Path:
    final = path.with_name(f"{began}-{run}.xml")
    if run:
        final.with_suffix(UNSENT).touch(mode=0o600)
    os.replace(path, final)
    sync_folder(path.parent)
    return final


def repair_logs(home: Path) -> int:
    """Close the logs of jobs that were killed, drop the oldest ones, and return how many were closed.

    One that can't be closed now, since another process is just doing it or it is another user's, stays as it is.
    """
    closed = 0
    for path in sorted((home / FOLDER).glob(f"*{OPEN}")):
        if not _is_at_work(path):
            with contextlib.suppress(OSError, HomeUnusable):
                closed += _repair(path)
    _drop_oldest(home)
    return closed


def _repair(path: Path) -> bool:
    """Close a log that nobody writes any more; False when there was nothing in it to keep."""
    data = path.read_bytes()
    whole = data[: data.rfind(b"\n") + 1]
    run = re.search(rb'<started [^>]*run="(\d+)" job="backup"', whole)
    if b"<activity " not in whole:
        path.unlink()
        return False
    if not whole.endswith(CLOSING):
        interrupted = Element("interrupted", at=stamp(datetime.fromtimestamp(path.stat().st_mtime, UTC)))
        whole += tostring(interrupted, encoding="utf-8") + b"\n" + CLOSING
    documents.replace(path, whole, keep=False)
    _finish(path, path.name.partition("-")[0], int(run[1]) if run else 0)
    return True


def _drop_oldest(home: Path) -> None:
    """Keep the newest logs, so many and so large in all as we allow; the very last one stays however large it is."""
    total = 0
    for number, path in enumerate(reversed(log_files(home))):
        with contextlib.suppress(OSError):  # one that can't be removed today may be tomorrow
            total += path.stat().st_size
            if number >= KEPT_LOGS or (number and total > KEPT_BYTES):
                path.with_suffix(UNSENT).unlink(missing_ok=True)
                path.unlink()


def _is_at_work(path: Path) -> bool:
    """True while the process that opened this log lives, such as a restore beside this backup."""
    import psutil  # type: ignore[import-untyped]

    writer = path.name.removesuffix(OPEN).rpartition("-")[2]
    return writer.isdigit() and int(writer) != os.getpid() and bool(psutil.pid_exists(int(writer)))


def log_files(home: Path) -> list[Path]:
    """The closed logs, oldest first."""
    return sorted(path for path in (home / FOLDER).glob("*.xml") if NAME.fullmatch(path.name))


def is_anything_unsent(home: Path) -> bool:
    """True while the portal misses a copy."""
    return any(path.with_suffix(".xml").exists() for path in (home / FOLDER).glob(f"*{UNSENT}"))


def forget_unsent(home: Path) -> None:
    """From now on this computer's runs belong to another vault, in which the same numbers mean other runs: the logs
    stay, and no portal is sent them."""
    for mark in (home / FOLDER).glob(f"*{UNSENT}"):
        with contextlib.suppress(OSError):
            mark.unlink()


def send_unsent(home: Path, portal: Portal) -> int:
    """Send the portal its copies, oldest first, at most twenty; returns how many still wait.

    What fails is sent after the next run. A log that the portal can't ever take is not offered again, which a log of
    its own tells.
    """
    waiting = [path for path in log_files(home) if path.with_suffix(UNSENT).exists()]
    done = 0
    for path in waiting[:SENT_AT_ONCE]:
        try:
            portal.send_log(_run_of(path), path.read_bytes())
        except NEVER_WANTED as error:
            _note_unwanted(home, path, error)
        except (BackupError, OSError):
            break
        path.with_suffix(UNSENT).unlink(missing_ok=True)
        done += 1
    return len(waiting) - done


def _note_unwanted(home: Path, path: Path, error: BackupError) -> None:
    with contextlib.suppress(HomeUnusable), ActivityLog(home, "schedule") as log:
        log.record(Notice(f"The portal can't take a copy of the log of run {_run_of(path)}, which stays on this "
                          f"computer: {error.sentence}", error.code))


def _run_of(path: Path) -> int:
    found = NAME.fullmatch(path.name)
    return int(found["run"]) if found else 0


@dataclass(frozen=True)
class LoggedJob:
    """A log as it is read back: `entries` are (kind, time, fields), in order."""

    job: str
    run: int
    began: str
    entries: tuple[tuple[str, str, dict[str, str]], ...]
    name: str = ""

    @property
    def outcome(self) -> str:
        """finished, failed, cancelled or interrupted; decided for a decision; "" when it isn't told."""
        if self.job in {"schedule", "settings"}:
            return "decided"
        ends = [kind for kind, _, _ in self.entries if kind in {"finished", "failed", "cancelled", "interrupted"}]
        return ends[-1] if ends else ""


def read_logs(home: Path, count: int) -> Iterator[LoggedJob]:
    """The last `count` logs, newest first; one that can't be read is passed over."""
    for path in reversed(log_files(home)[-count:]):
        if (job := read_log(path)) is not None:
            yield job


def read_log(path: Path) -> LoggedJob | None:
    """One log; None when it can't be read."""
    try:
        root = documents.parse(path.read_bytes())
    except (Unreadable, OSError):
        return None
    entries = tuple((child.tag, child.get("at", ""), _fields(child)) for child in root)
    return LoggedJob(root.get("job", ""), _run_of(path), root.get("began", ""), entries, path.stem)


def _fields(element: Element) -> dict[str, str]:
    names = (name.removesuffix("b64") for name in element.attrib if name != "at")
    return {name: get_name(element, name) for name in names}
