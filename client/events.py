"""What a job reports while it works; the command line prints these events, the window follows them as JSON lines."""
from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from typing import Any


@dataclass(frozen=True)
class Event:
    """Base of every event. Sizes are bytes, times seconds; a path may hold undecodable bytes as surrogates."""

    @classmethod
    def kind(cls) -> str:
        """The event's name on a JSON line: FileSkipped becomes file_skipped."""
        return "".join(f"_{sign.lower()}" if sign.isupper() else sign for sign in cls.__name__).lstrip("_")


@dataclass(frozen=True)
class Begun(Event):
    """The first line of a job's event file: the process `pid` began to work at `at` (RFC 3339, UTC).

    `files` and `bytes` are what the last backup held, so that a reader can tell how far this one is; 0 when unknown.
    """

    job: str
    pid: int
    at: str
    automatic: bool = False
    files: int = 0
    bytes: int = 0

    @property
    def name(self) -> str:
        """What a request to this very job calls it."""
        return f"{self.job} {self.pid} {self.at}"


@dataclass(frozen=True)
class Started(Event):
    """A run was opened by the portal, or a restore begins (`run` is then the snapshot's number)."""

    run: int
    job: str = "backup"


@dataclass(frozen=True)
class Progress(Event):
    """How far the job is: files and bytes looked at, bytes stored (or restored), and the file in work."""

    files: int
    bytes: int
    stored: int
    current: str = ""


@dataclass(frozen=True)
class Paused(Event):
    """A person let the job wait; nothing is read or sent until it goes on."""


@dataclass(frozen=True)
class Resumed(Event):
    """The job goes on after a pause."""


@dataclass(frozen=True)
class FileSkipped(Event):
    """A file that could not be backed up or restored; a result, not a failure."""

    path: str
    code: str
    reason: str


@dataclass(frozen=True)
class FolderMissing(Event):
    """A protected folder is not there; its earlier copies are kept."""

    path: str
    code: str
    reason: str


@dataclass(frozen=True)
class PackStored(Event):
    """A pack lies on the storage and is registered."""

    number: int
    size: int


@dataclass(frozen=True)
class Notice(Event):
    """A decision or fact a person should be able to read later, such as a file of the store that was repaired."""

    text: str
    code: str = ""


@dataclass(frozen=True)
class Finished(Event):
    """The job is done; `read` and `stored` are the bytes that it read and sent (or wrote)."""

    snapshot: int
    files: int
    bytes: int
    read: int
    stored: int
    skipped: int
    seconds: float


@dataclass(frozen=True)
class Failed(Event):
    """The job ended without a result. `refused` is True when the portal said no."""

    code: str
    sentence: str
    hint: str = ""
    refused: bool = False


@dataclass(frozen=True)
class Cancelled(Event):
    """A person or the system stopped the job; what was stored is used by the next one."""


@dataclass(frozen=True)
class Interrupted(Event):
    """The job's process is gone and did not tell how it ended; told by who followed it, never by the job itself."""


ENDS = (Finished, Failed, Cancelled, Interrupted)
"""After one of these a job does nothing more, except that a backup that healed damage tells of two Finished."""

Emit = Callable[[Event], None]


def as_fields(event: Event) -> dict[str, Any]:
    """The event as plain values, with its kind under "event"."""
    return {"event": event.kind(), **asdict(event)}


def to_json(event: Event) -> str:
    """The event as one line of pure ASCII JSON, without its end of line."""
    return json.dumps(as_fields(event), separators=(",", ":"))


def from_json(line: str | bytes) -> Event | None:
    """The event on a line that to_json wrote, be it by another version; None for a line that tells none."""
    try:
        found = json.loads(line)
        kind = KINDS[found.pop("event")]
        known = {field.name for field in fields(kind)}
        return kind(**{name: value for name, value in found.items() if name in known})
    except (ValueError, TypeError, KeyError, AttributeError):
        return None


KINDS = {kind.kind(): kind for kind in Event.__subclasses__()}


def ignore(event: Event) -> None:
    """An Emit for callers who do not follow the job."""
