"""Restore in words: restore points, folders, searches and versions as rows, and what was chosen of them."""
from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from client.gui.presenters import words

Fields = Mapping[str, Any]

OFF, ON, PARTLY = "off", "on", "part"
KINDS = {"folder": "Folder", "link": "Link", "other": "Other"}


@dataclass(frozen=True)
class Point:
    """A restore point: its number, when it was made, and the words for its day, its time and what it holds."""

    number: int
    at: datetime
    day: str
    time: str
    holds: str


@dataclass(frozen=True)
class Entry:
    """A file or folder of a restore point, and its cells."""

    path: str
    name: str
    kind: str
    size: int
    size_words: str
    changed: str
    snapshot: int
    detail: str = ""


def read_points(data: Sequence[Fields], now: datetime) -> list[Point]:
    """What `snapshots --json` tells, newest first."""
    points = []
    for fields in reversed(data):
        at = words.read_moment(fields.get("finished_at"))
        if at is None:
            continue
        day = words.sentence(words.day(at, now))
        holds = words.count(fields["files"], "file")
        points.append(Point(fields["number"], at, day, f"{words.local(at):%H:%M}", holds))
    return points


def days_of(points: Iterable[Point]) -> list[str]:
    """Their days, newest first, each once."""
    return list(dict.fromkeys(point.day for point in points))


def times_of(points: Iterable[Point], day: str) -> dict[str, Point]:
    """The restore points of a day by their words, newest first; seconds tell those of one minute apart."""
    found: dict[str, Point] = {}
    for point in points:
        if point.day == day:
            text = f"{point.time}, {point.holds}"
            if text in found:
                text = f"{words.local(point.at):%H:%M:%S}, {point.holds}"
            found[text] = point
    return found


def read_folder(data: Fields, now: datetime) -> list[Entry]:
    """What `list --json` tells, folders first, each in the order of its name."""
    folder = str(data["path"])
    entries = []
    for fields in data["entries"]:
        kind, name = str(fields["kind"]), str(fields["name"])
        at = _from_ns(int(fields["modified_ns"]))
        entries.append(Entry(
            join(folder, name), words.readable(name), kind, int(fields["size"]),
            words.size(int(fields["size"])) if kind == "file" else KINDS.get(kind, "Other"),
            words.stamp(at, now), int(data["snapshot"]),
        ))
    return sorted(entries, key=lambda entry: (entry.kind != "folder", entry.name.casefold()))


def read_found(data: Fields, now: datetime) -> list[Entry]:
    """What `find --json` tells; each with the newest restore point that holds it, and where it lies."""
    entries = []
    for fields in data["found"]:
        path, kind = str(fields["path"]), str(fields["kind"])
        last = words.read_moment(fields.get("last_at")) or now
        entries.append(Entry(
            path, words.name_of(path), kind, int(fields["size"]),
            words.size(int(fields["size"])) if kind == "file" else KINDS.get(kind, "Other"),
            words.stamp(last, now), int(fields["snapshot"]), words.readable(parent_of(path)),
        ))
    return entries


def read_versions(data: Fields, now: datetime) -> list[Entry]:
    """What `versions --json` tells, newest first; the newest restore point with each is what would be restored."""
    path = str(data["path"])
    entries = []
    for fields in data["versions"]:
        first, last = (words.read_moment(fields.get(name)) or now for name in ("first_at", "last_at"))
        span = f"Backed up {words.moment(first, now)}"
        if last != first:
            span += f" to {words.moment(last, now)}"
        changed = words.read_moment(fields.get("modified")) or now
        entries.append(Entry(
            path, words.stamp(changed, now), "file", int(fields["size"]), words.size(int(fields["size"])),
            f"{span} ({words.count(fields['snapshots'], 'restore point')})", int(fields["snapshot"]),
        ))
    return entries


def _from_ns(nanoseconds: int) -> datetime:
    try:
        return datetime.fromtimestamp(nanoseconds / 10**9, UTC)
    except (OverflowError, ValueError, OSError):
        return datetime.fromtimestamp(0, UTC)


def join(folder: str, name: str) -> str:
    """The path of `name` in a folder as the client's commands spell it."""
    if folder in {"/", "\\", ""}:
        return f"/{name}" if os.sep == "/" else (f"{name}:\\" if len(name) == 1 else f"\\\\{name}")
    return folder.rstrip("/\\" if os.sep == "\\" else "/") + os.sep + name


def parent_of(path: str) -> str:
    """The folder that holds `path`; the root of all drives for a drive."""
    head, name = os.path.split(path.rstrip(os.sep) if path != os.sep else path)
    return head if name and head else os.sep


def steps_to(path: str) -> list[tuple[str, str]]:
    """(word, path) of every folder from the root to `path`, for the line above a listing."""
    found = []
    while path != os.sep:
        found.append((words.name_of(path), path))
        if path == parent_of(path):
            break
        path = parent_of(path)
    return [("This computer", os.sep), *reversed(found)]


def first_folder(folders: Sequence[str]) -> str:
    """Where walking begins: the innermost folder that holds all protected ones."""
    try:
        return os.path.commonpath(folders) if folders else os.sep
    except ValueError:  # on several drives
        return os.sep


def new_folder(home: Path, now: datetime) -> Path:
    """A folder that is not there yet: Restored 2026-11-22 09.14, and a number if that is taken."""
    name = f"Restored {words.local(now):%Y-%m-%d %H.%M}"
    found, number = home / name, 2
    while found.exists():
        found, number = home / f"{name} ({number})", number + 1
    return found


class Chosen:
    """The files and folders with a tick; a folder's tick stands for all below it."""

    def __init__(self) -> None:
        """Nothing is chosen."""
        self._paths: set[str] = set()

    @property
    def paths(self) -> list[str]:
        """What has a tick of its own."""
        return sorted(self._paths)

    def clear(self) -> None:
        """Take every tick away."""
        self._paths.clear()

    def state(self, path: str) -> str:
        """ON, OFF, or PARTLY for a folder of which something below is chosen."""
        if self._holder(path):
            return ON
        below = join(path, "")
        return PARTLY if any(chosen.startswith(below) for chosen in self._paths) else OFF

    def _holder(self, path: str) -> str:
        """The chosen path that covers this one; "" for none."""
        while path not in self._paths:
            if path == parent_of(path):
                return ""
            path = parent_of(path)
        return path

    def add(self, path: str) -> None:
        """Tick it; what is ticked below it is part of it now."""
        if not self._holder(path):
            below = join(path, "")
            self._paths = {chosen for chosen in self._paths if not chosen.startswith(below)} | {path}

    def drop(self, path: str, siblings: Mapping[str, Sequence[str]]) -> bool:
        """Take its tick away. If that stands for a whole folder, all else in there is ticked instead: `siblings` are
        the folders that were looked into, with the paths of what they hold. False when one of them is not known."""
        holder, kept = self._holder(path), set[str]()
        if not holder:
            self._paths = {chosen for chosen in self._paths if not chosen.startswith(join(path, ""))}
            return True
        while path != holder:
            folder = parent_of(path)
            if folder not in siblings:
                return False
            kept.update(other for other in siblings[folder] if other != path)
            path = folder
        self._paths = (self._paths - {holder}) | kept
        return True

    def toggle(self, path: str, siblings: Mapping[str, Sequence[str]]) -> bool:
        """The other way round; see drop."""
        if self.state(path) == ON:
            return self.drop(path, siblings)
        self.add(path)
        return True


def describe_choice(chosen: Chosen, plan: Fields | None) -> str:
    """The running count: what the ticks stand for, as soon as it is counted."""
    if not chosen.paths:
        return "Nothing is ticked yet."
    if plan is None:
        return "Counting what is chosen…"
    return f"{words.count(plan['files'], 'file')}, {words.size(plan['bytes'])} chosen"
