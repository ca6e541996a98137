"""The history of one file: its versions, and the restore points that hold each of them."""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, func, select

from protocol.errors import NotFound
from server.extensions import db
from server.models import Version
from server.paths import readable
from server.services.files.folder_paths import Path, folders_at
from server.services.files.folders import FILE, moment_of
from server.services.files.restore_points import Times

VERSIONS_PER_PAGE = 50


@dataclass(frozen=True)
class FileVersion:
    """A file as it was from snapshot to snapshot; `points` are the numbers of those that hold it, oldest first."""

    first_run: int
    size: int
    modified: datetime
    points: Sequence[int]
    first: datetime
    last: datetime
    still: bool


@dataclass(frozen=True)
class History:
    """One page of a file's versions, newest first; `total` counts them all."""

    rows: list[FileVersion]
    total: int
    page: int
    pages: int


def history_of(vault_id: int, path: Path, page: int = 1) -> History:
    """The versions of the file that stands, or ever stood, at `path`; the nearest page. Raises NotFound."""
    times, conditions = Times(vault_id), _of_file(vault_id, path)
    conditions.append(Version.first_run <= times.newest)
    total = db.session.scalar(select(func.count()).where(*conditions)) or 0
    if not total:
        raise _missing(path)
    pages = -(-total // VERSIONS_PER_PAGE)
    page = min(max(page, 1), pages)
    rows = db.session.execute(
        select(Version.first_run, Version.last_run, Version.size, Version.mtime_ns).where(*conditions)
        .order_by(Version.first_run.desc()).limit(VERSIONS_PER_PAGE).offset((page - 1) * VERSIONS_PER_PAGE))
    versions = []
    for row in rows:
        points = times.within(row.first_run, row.last_run)
        if points:
            versions.append(FileVersion(
                row.first_run, row.size, moment_of(row.mtime_ns), points, times.of(points[0]), times.of(points[-1]),
                row.last_run >= times.newest,
            ))  # fmt: skip
    return History(versions, total, page, pages)


def points_with(vault_id: int, path: Path, first_run: int) -> list[int]:
    """The numbers of the snapshots that hold the version of that file that began with `first_run`. Raises NotFound."""
    last: int | None = db.session.scalar(
        select(func.max(Version.last_run)).where(*_of_file(vault_id, path), Version.first_run == first_run))
    points = Times(vault_id).within(first_run, last) if last is not None else []
    if not points:
        raise _missing(path)
    return points


def _of_file(vault_id: int, path: Path) -> list[ColumnElement[bool]]:
    """What holds for every version of the file at `path`. Raises NotFound."""
    folders = folders_at(vault_id, path[:-1]) if path else []
    if not folders:
        raise _missing(path)
    return [Version.vault_id == vault_id, Version.parent_no.in_(folders), Version.name == path[-1],
            Version.kind == FILE]


def _missing(path: Path) -> NotFound:
    return NotFound(what=f"file “{readable(path[-1])}” in any restore point" if path else "such file")
