"""Folders as they were at a restore point: what they hold, in the order in which people look for it."""
from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from protocol.errors import NotFound
from server.models import Run
from server.paths import readable
from server.services import catalogue
from server.services.catalogue import HeldVersion

FILE, FOLDER, LINK = 1, 2, 3
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Entry(NamedTuple):
    """A line of a folder's page. `size` is in bytes."""

    name: bytes
    kind: int
    size: int
    modified: datetime


def list_entries(point: Run, path: tuple[bytes, ...]) -> list[Entry]:
    """What the folder at `path` holds: folders first, each kind by name. Raises NotFound."""
    folder = find_version(point, path) if path else None
    node = folder.node_no if folder is not None else point.root_node
    if node is None or (folder is not None and folder.kind != FOLDER):
        raise NotFound(what="such folder in this restore point")
    entries = [entry_of(version) for version in catalogue.list_folder(point.vault_id, point.run_no, node)]
    return sorted(entries, key=_folders_first)


def find_version(point: Run, path: tuple[bytes, ...]) -> HeldVersion:
    """The file, folder or link at `path`. Raises NotFound."""
    found = catalogue.find(point.vault_id, point.run_no, path)
    if found is None:
        raise NotFound(what=f"“{readable(path[-1])}” in this restore point")
    return found


def entry_of(version: HeldVersion) -> Entry:
    """What a page tells of a version."""
    return Entry(version.name, version.kind, version.size, moment_of(version.mtime_ns))


def moment_of(nanoseconds: int) -> datetime:
    """A file's time; one that no calendar holds counts as 1970."""
    try:
        return EPOCH + timedelta(microseconds=nanoseconds // 1000)
    except OverflowError:
        return EPOCH


def _folders_first(entry: Entry) -> tuple[bool, str, bytes]:
    return entry.kind != FOLDER, readable(entry.name).casefold(), entry.name
