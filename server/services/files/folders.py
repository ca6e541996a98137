"""Folders as they were at a restore point: what they hold, page by page, in the order that was asked for."""
from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, func, select

from protocol.errors import NotFound
from server.extensions import db
from server.models import Run, Version
from server.paths import readable
from server.services.files import catalogue
from server.services.files.catalogue import HeldVersion
from server.sql import folded_name

FILE, FOLDER, LINK = 1, 2, 3
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
ENTRIES_PER_PAGE = 100
SORTS = ("name", "size", "modified")


class Entry(NamedTuple):
    """A line of a folder's page. `node` is its number in the vault; `size` is in bytes."""

    node: int
    name: bytes
    kind: int
    size: int
    modified: datetime


class Listing(NamedTuple):
    """One page of a folder; `total` counts its entries, `sort` is the order in force ("-size": largest first)."""

    rows: list[Entry]
    total: int
    page: int
    pages: int
    sort: str


def list_entries(point: Run, path: tuple[bytes, ...], sort: str = "name", page: int = 1) -> Listing:
    """A page of what the folder at `path` holds, folders first; the nearest page when there is no such one.

    An unknown `sort` is by name. Raises NotFound.
    """
    folder = find_version(point, path) if path else None
    node = folder.node_no if folder is not None else point.root_node
    if node is None or (folder is not None and folder.kind != FOLDER):
        raise NotFound(what="such folder in this restore point")
    held = (
        Version.vault_id == point.vault_id, Version.parent_no == node,
        Version.first_run <= point.run_no, Version.last_run >= point.run_no,
    )
    total = db.session.scalar(select(func.count()).where(*held)) or 0
    pages = max(1, -(-total // ENTRIES_PER_PAGE))
    page = min(max(page, 1), pages)
    sort = sort if sort.removeprefix("-") in SORTS else "name"
    rows = db.session.execute(
        select(Version.node_no, Version.name, Version.kind, Version.size, Version.mtime_ns).where(*held)
        .order_by(*_order(sort)).limit(ENTRIES_PER_PAGE).offset((page - 1) * ENTRIES_PER_PAGE))
    entries = [Entry(row.node_no, row.name, row.kind, row.size, moment_of(row.mtime_ns)) for row in rows]
    return Listing(entries, total, page, pages, sort)


def find_version(point: Run, path: tuple[bytes, ...]) -> HeldVersion:
    """The file, folder or link at `path`. Raises NotFound."""
    found = catalogue.find(point.vault_id, point.run_no, path)
    if found is None:
        raise NotFound(what=f"“{readable(path[-1])}” in this restore point")
    return found


def moment_of(nanoseconds: int) -> datetime:
    """A file's time; one that no calendar holds counts as 1970."""
    try:
        return EPOCH + timedelta(microseconds=nanoseconds // 1000)
    except OverflowError:
        return EPOCH


def _order(sort: str) -> list[ColumnElement[Any]]:
    """Folders first, and among equals by name."""
    columns = Version.__table__.columns
    keys = {"name": folded_name(columns.name), "size": columns.size, "modified": columns.mtime_ns}
    order = [keys[sort.removeprefix("-")], columns.name]
    return [columns.kind != FOLDER, *(key.desc() for key in order)] if sort.startswith("-") else [
        columns.kind != FOLDER, *order]
