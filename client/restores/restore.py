"""One restore, from the choice of the snapshot to the last folder's time; the portal tells what lies where."""
from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from pathlib import Path

from msgspec.structs import replace

from client.api.portal import Portal
from client.api.vaults import VaultAccess
from client.events import Emit, Finished, Started
from client.names import path_of
from client.restores.delivery import Wanted
from client.restores.original_place import OriginalPlace
from client.restores.restoration import Restoration, conclude
from client.restores.target import Steps, Target, display, safe_name
from client.store.settings import Identity
from protocol.errors import NotFound
from protocol.messages import ListEntries, RestoreReport, Snapshot, SnapshotEntry, SnapshotPage
from vault.errors import BackupError, SnapshotMissing
from vault.reader import Location
from vault.records import FILE, FOLDER


class PathMissing(BackupError):
    """There is no {path} in snapshot {number}. Nothing was restored."""

    code = "IBS-4205"
    hint = "“ibs-client list SNAPSHOT FOLDER” shows what a snapshot holds."


def run_restore(
    identity: Identity, portal: Portal, emit: Emit, *, target: Path | None, snapshot: int | None = None,
    date: datetime | None = None, paths: Iterable[Steps] = (), overwrite: bool = False,
    folders: Iterable[str] = (), cancelled: threading.Event | None = None,
) -> Finished:
    """Restores a snapshot, or what lies at `paths` of it, below `target`, or where it was when that is None; then
    links on the way to the protected `folders` are followed, as backups do.

    Returns what the last event says, too. `snapshot` is a number; else the newest by `date`, else the newest of all.
    Each path is given as its steps from the root. What can't be restored is reported as skipped. Raises
    SnapshotMissing, PathMissing, TargetUnusable, TargetFull, RestoreIncomplete, RunCancelled, and what portal and
    storage raise.
    """
    begun = time.monotonic()
    chosen = choose_snapshot(portal.snapshots().snapshots, snapshot, date)
    emit(Started(chosen.number, "restore"))
    wanted = outermost(paths)
    above = [_find(portal, chosen.number, path) for path in wanted]
    access = VaultAccess(portal.open_restore())
    modes = not identity.windows_names
    place = (Target(target, overwrite=overwrite, modes=modes) if target is not None
             else OriginalPlace(overwrite=overwrite, modes=modes, folders=folders))
    restoration = Restoration(
        place, access.open, access.keys, access.vault, emit, connections=access.connections, cancelled=cancelled,
    )
    below = (_read(portal, chosen.number, path) for path in wanted or [()])
    counts = restoration.restore(chain(filter(None, above), chain.from_iterable(below)))
    return conclude(counts, chosen.number, None if wanted else chosen.files, time.monotonic() - begun, emit)


@dataclass(frozen=True)
class Plan:
    """What a restore would bring: `existing` files stand in its way, of which `newer` were changed after the backup."""

    snapshot: int
    files: int
    bytes: int
    existing: int
    newer: int


def plan_restore(
    portal: Portal, *, target: Path | None, snapshot: int | None = None, date: datetime | None = None,
    paths: Iterable[Steps] = (),
) -> Plan:
    """Looks, and restores nothing; as run_restore, which see for the errors. The storage is not asked."""
    chosen = choose_snapshot(portal.snapshots().snapshots, snapshot, date)
    wanted = outermost(paths)
    for path in wanted:
        _find(portal, chosen.number, path)
    files = size = existing = newer = 0
    for path in wanted or [()]:
        for page in _pages(portal, chosen.number, ListEntries(path=path, deep=True)):
            for entry in page.entries:
                if entry.kind == FILE:
                    files += 1
                    size += entry.size
                    changed_ns = _changed_ns(target, entry.path)
                    existing += changed_ns is not None
                    newer += changed_ns is not None and changed_ns > entry.mtime_ns
    return Plan(chosen.number, files, size, existing, newer)


def _changed_ns(target: Path | None, path: Steps) -> int | None:
    """When what stands where `path` would be restored was changed; None when nothing does."""
    steps = tuple(safe_name(step) for step in path)
    place = path_of(steps) if target is None else os.path.join(target, display(steps))
    try:
        return os.lstat(place).st_mtime_ns
    except OSError:
        return None


def report_end(portal: Portal, finished: Finished) -> None:
    """Tell the portal how a restore ended. The files are there already, so a portal that can't listen is no failure."""
    with contextlib.suppress(BackupError):
        portal.report_restore(RestoreReport(
            snapshot=finished.snapshot, files=finished.files, bytes=finished.stored, problems=finished.skipped))


def choose_snapshot(snapshots: Iterable[Snapshot], number: int | None, date: datetime | None) -> Snapshot:
    """Snapshot `number`, or the newest that was finished by `date`, or the newest. Raises SnapshotMissing."""
    for snapshot in sorted(snapshots, key=lambda found: found.number, reverse=True):
        if number == snapshot.number or (number is None and (date is None or snapshot.finished_at <= date)):
            return snapshot
    raise SnapshotMissing(number=number or (f"made by {date:%Y-%m-%d %H:%M}" if date else "yet"))


def outermost(paths: Iterable[Steps]) -> list[Steps]:
    """The paths without those that lie inside others; none when the root is among them."""
    kept: list[Steps] = []
    for path in sorted(set(paths)):
        if not any(path[: len(outer)] == outer for outer in kept):
            kept.append(path)
    return [] if () in kept else kept


def _find(portal: Portal, number: int, path: Steps) -> Wanted | None:
    """The folder at `path`, for its time and mode; None for a file, which comes by itself. Raises PathMissing."""
    request = ListEntries(path=path[:-1])
    try:
        for page in _pages(portal, number, request):
            for entry in page.entries:
                if entry.path == path:
                    return _wanted(entry, []) if entry.kind == FOLDER else None
    except NotFound:
        pass
    raise PathMissing(path=display(path), number=number)


def _read(portal: Portal, number: int, path: Steps) -> Iterator[Wanted]:
    """All entries at or below `path`, with the places of their chunks."""
    for page in _pages(portal, number, ListEntries(path=path, deep=True, locations=True)):
        places = [
            Location(page.packs[chunk.pack].number, page.packs[chunk.pack].sha256, chunk.id, chunk.kind,
                     chunk.compression, chunk.offset, chunk.length, chunk.plain)
            for chunk in page.chunks
        ]
        for entry in page.entries:
            yield _wanted(entry, places)


def _wanted(entry: SnapshotEntry, places: list[Location]) -> Wanted:
    return Wanted(
        entry.path, entry.kind, entry.size, entry.mtime_ns, entry.attributes,
        tuple([places[chunk] for chunk in entry.chunks]),
    )


def _pages(portal: Portal, number: int, request: ListEntries) -> Iterator[SnapshotPage]:
    """The pages of a listing; the next one is on its way while one is worked on."""
    with ThreadPoolExecutor(1, "pages") as ahead:
        coming = ahead.submit(portal.list_entries, number, request)
        while True:
            page = coming.result()
            if page.cursor:
                coming = ahead.submit(portal.list_entries, number, replace(request, cursor=page.cursor))
            yield page
            if not page.cursor:
                return

