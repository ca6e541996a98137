"""Searching a computer's files by name, over all of its restore points at once."""
from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import and_, func, or_, select

from server.extensions import db
from server.models import Version
from server.models.catalogue import FOREVER
from server.paths import name_of, readable, step_of
from server.services.files.folder_paths import Path, paths_of
from server.services.files.folders import moment_of
from server.services.files.restore_points import Times
from server.sql import holds_words

FOUND_PER_PAGE = 50
ROWS_AT_ONCE = (50_000, 500_000)
"""Versions that one query after the other looks through for one page: what is frequent is found at once, and what is
rare with few queries. Between two of them the time is looked at."""
PATIENCE_SECONDS = 1.0
SHORTEST, LONGEST = 2, 100


class Cursor(NamedTuple):
    """Behind which name in which folder a search goes on."""

    folder: int
    name: bytes

    def __str__(self) -> str:
        """As it stands in an address."""
        return f"{self.folder}/{step_of(self.name) if self.name else ''}"


@dataclass(frozen=True)
class Found:
    """A file, folder or link of that name; `first` to `last` are the snapshots that hold it, `still` with the newest.

    `versions` counts how often it changed; size and time are those of the last one.
    """

    path: Path
    kind: int
    size: int
    modified: datetime
    versions: int
    first: datetime
    last: datetime
    last_run: int
    still: bool

    @property
    def name(self) -> str:
        """Its name for people."""
        return readable(self.path[-1])


@dataclass(frozen=True)
class Result:
    """One page; `next` is where to go on, None at the end. `in_time` is False when the time was up before that."""

    rows: list[Found]
    next: Cursor | None
    in_time: bool


def search(
    vault_id: int, words: str, after: Cursor | None = None, *, clock: Callable[[], float] = time.monotonic
) -> Result:
    """What the vault's snapshots hold under names with `words` in them, in any case, folder by folder.

    Ends with a full page or when the patience is over, whichever comes first; the next page goes on from there.
    """
    times = Times(vault_id)
    deadline = clock() + PATIENCE_SECONDS
    hits: list[Any] = []
    start = after.folder if after else 0
    for rows in ROWS_AT_ONCE:
        end = _end_of_slice(vault_id, start, rows)
        hits += _hits(vault_id, words, start, end, after, times.newest, FOUND_PER_PAGE + 1 - len(hits))
        if end is None or len(hits) > FOUND_PER_PAGE or clock() > deadline:
            break
        after, start = None, end + 1
    full = len(hits) > FOUND_PER_PAGE
    hits = hits[:FOUND_PER_PAGE]
    behind = None if end is None else Cursor(end + 1, b"")
    next_ = Cursor(hits[-1].parent_no, hits[-1].name) if full else behind
    return Result(_describe(vault_id, hits, times), next_, full or end is None)


def usable(words: str) -> str:
    """What was typed, without what no name is found by."""
    return "".join(sign for sign in words if sign.isprintable()).strip()[:LONGEST]


def read_cursor(text: str) -> Cursor | None:
    """The cursor in an address; None for none, and for one of somebody else's making."""
    folder, _, step = text.partition("/")
    if not (folder.isascii() and folder.isdigit() and int(folder) < FOREVER):
        return None
    return Cursor(int(folder), name_of(step) if step else b"")


def _end_of_slice(vault_id: int, start: int, rows: int) -> int | None:
    """The last folder to look through in one go of so many rows, from folder `start` on; None when that is all."""
    beyond = select(Version.parent_no).where(Version.vault_id == vault_id, Version.parent_no >= start)
    edge: int | None = db.session.scalar(beyond.order_by(Version.parent_no).limit(1).offset(rows))
    return None if edge is None else max(edge - 1, start)


def _hits(vault_id: int, words: str, start: int, end: int | None, after: Cursor | None, newest: int, most: int
          ) -> Sequence[Any]:
    """Folder, name, number of versions, and first and last run of what matches in these folders."""
    query = select(
        Version.parent_no, Version.name, func.count().label("versions"), func.min(Version.first_run).label("first"),
        func.max(Version.first_run).label("latest"), func.max(Version.last_run).label("last"),
    ).where(
        Version.vault_id == vault_id, Version.parent_no >= start, Version.first_run <= newest,
        holds_words(Version.__table__.columns.name, words),
    )  # fmt: skip
    if end is not None:
        query = query.where(Version.parent_no <= end)
    if after is not None and after.name:
        query = query.where(or_(Version.parent_no > after.folder, Version.name > after.name))
    query = query.group_by(Version.parent_no, Version.name).order_by(Version.parent_no, Version.name)
    return db.session.execute(query.limit(most)).all()


def _describe(vault_id: int, hits: Sequence[Any], times: Times) -> list[Found]:
    if not hits:
        return []
    keys = [and_(Version.parent_no == hit.parent_no, Version.name == hit.name, Version.first_run == hit.latest)
            for hit in hits]
    newest = {
        (row.parent_no, row.name): row for row in db.session.execute(
            select(Version.parent_no, Version.name, Version.kind, Version.size, Version.mtime_ns)
            .where(Version.vault_id == vault_id, or_(*keys)))
    }
    paths = paths_of(vault_id, {hit.parent_no for hit in hits}, times.roots)
    found: dict[Path, Found] = {}
    for hit in hits:
        version, held = newest[hit.parent_no, hit.name], times.within(hit.first, hit.last)
        if hit.parent_no in paths and held:
            one = Found(
                (*paths[hit.parent_no], hit.name), version.kind, version.size, moment_of(version.mtime_ns),
                hit.versions, times.of(held[0]), times.of(held[-1]), held[-1], hit.last >= times.newest,
            )  # fmt: skip
            found[one.path] = _joined(found[one.path], one) if one.path in found else one
    return list(found.values())


def _joined(one: Found, other: Found) -> Found:
    """What stands at one path in two folders of that path, of which one took the other's place."""
    older, newer = (one, other) if one.last_run < other.last_run else (other, one)
    return replace(newer, versions=one.versions + other.versions, first=min(older.first, newer.first))
