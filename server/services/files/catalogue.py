"""Reading the catalogue: the snapshots of a vault, the folders in them, and where their chunks lie."""
from __future__ import annotations

import sys
from array import array
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime
from itertools import islice
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, FromClause, Select, and_, select, update

from protocol.errors import NotFound
from protocol.messages import PackRecord, Snapshot
from server.extensions import db
from server.models import Chunk, ContentSegment, Pack, Run, Version
from server.models.catalogue import BAD
from server.models.runs import COMMITTED
from server.services.files.bulk import VALUES_PER_QUERY, slices
from vault.errors import VaultDamaged
from vault.reader import Location
from vault.records import FOLDER

ROWS_AT_ONCE = 2000
FOLDERS_AT_ONCE = 64
"""Folders that a walk reads with one query: most folders are small, and a query each is what a walk's time goes to."""
STEPS_TOGETHER = 12
"""Steps of a path that one query goes down."""
Path = tuple[bytes, ...]


class HeldVersion(NamedTuple):
    """A file, folder or link as a snapshot holds it; fields as in models.Version, without the cost of its objects."""

    vault_id: int
    first_run: int
    name: bytes
    node_no: int
    kind: int
    size: int
    mtime_ns: int
    attributes: int
    chunks: bytes
    segments: int


COLUMNS = tuple(Version.__table__.columns[name] for name in HeldVersion._fields[1:])


def snapshots(vault_id: int) -> list[Run]:
    """The committed runs of a vault, oldest first."""
    committed = select(Run).where(Run.vault_id == vault_id, Run.state == COMMITTED)
    return list(db.session.scalars(committed.order_by(Run.run_no)))


def find_snapshot(vault_id: int, run_no: int) -> Run:
    """The committed run of this number. Raises NotFound."""
    run: Run | None = db.session.get(Run, (vault_id, run_no))
    if run is None or run.state != COMMITTED:
        raise NotFound(what=f"snapshot {run_no}")
    return run


def snapshot_at(vault_id: int, moment: datetime) -> Run | None:
    """The state that held at `moment`: the last run committed by then."""
    committed = select(Run).where(Run.vault_id == vault_id, Run.state == COMMITTED, Run.finished_at <= moment)
    found: Run | None = db.session.scalar(committed.order_by(Run.finished_at.desc(), Run.run_no.desc()).limit(1))
    return found


def describe_snapshot(run: Run) -> Snapshot:
    """A committed run as the client API tells of it."""
    assert run.finished_at is not None  # a commit sets both
    assert run.commit_hash is not None
    return Snapshot(
        number=run.run_no,
        finished_at=run.finished_at,
        files=run.files,
        bytes=run.bytes,
        stored=run.stored,
        skipped=run.skipped,
        commit_hash=run.commit_hash,
    )


def list_folder(vault_id: int, run_no: int, folder: int, after: bytes = b"") -> Iterator[HeldVersion]:
    """What the folder with node number `folder` held at that run, sorted by name, from the name behind `after` on."""
    while True:
        rows = db.session.execute(
            _held(vault_id, run_no)
            .where(Version.parent_no == folder, Version.name > after)
            .order_by(Version.name, Version.first_run)
            .limit(ROWS_AT_ONCE)
        ).all()
        yield from [HeldVersion(vault_id, *row) for row in rows]
        if len(rows) < ROWS_AT_ONCE:
            return
        after = rows[-1].name


def find(vault_id: int, run_no: int, path: Path) -> HeldVersion | None:
    """The file, folder or link at `path` below the root of that snapshot, or None; the root itself has no version."""
    node = find_snapshot(vault_id, run_no).root_node
    found: HeldVersion | None = None
    for steps in slices(path, STEPS_TOGETHER):
        found = _find_below(vault_id, run_no, node, tuple(steps)) if node is not None else None
        if found is None:
            return None
        node = found.node_no
    return found


def entries_of(point: Run, folder: int, nodes: Collection[int]) -> list[HeldVersion]:
    """Those of a folder's entries at a restore point that have one of these node numbers."""
    found: list[HeldVersion] = []
    for part in slices(sorted(nodes), VALUES_PER_QUERY):
        rows = db.session.execute(_held(point.vault_id, point.run_no).where(
            Version.parent_no == folder, Version.node_no.in_(part)))
        found += [HeldVersion(point.vault_id, *row) for row in rows]
    return found


def walk(
    vault_id: int, run_no: int, folder: int, after: Path = (), *, chosen: Collection[int] | None = None
) -> Iterator[tuple[Path, HeldVersion]]:
    """Everything below a folder with its path from there, each folder before what it holds, sorted by name.

    With `after`, the walk goes on behind that path, which a former walk has yielded. With `chosen`, only those of the
    folder's own entries are walked that have one of these node numbers.
    """
    pending = [(prefix, _read_ahead(vault_id, run_no, held)) for prefix, held in _resume(
        vault_id, run_no, folder, after)]
    while pending:
        prefix, children = pending.pop()
        for version, below in children:
            if chosen is not None and not prefix and version.node_no not in chosen:
                continue
            path = (*prefix, version.name)
            yield path, version
            if below is not None:
                pending += [(prefix, children), (path, _read_ahead(vault_id, run_no, below))]
                break


def _read_ahead(
    vault_id: int, run_no: int, children: Iterable[HeldVersion]
) -> Iterator[tuple[HeldVersion, Iterable[HeldVersion] | None]]:
    """A folder's entries with what each holds, None for files and links; small folders are read many at a time."""
    remaining = iter(children)
    while block := list(islice(remaining, ROWS_AT_ONCE)):
        folders = [version.node_no for version in block if version.kind == FOLDER]
        held: dict[int, list[HeldVersion]] = {}
        reached, together = 0, FOLDERS_AT_ONCE
        for version in block:
            if version.kind != FOLDER:
                yield version, None
                continue
            if version.node_no not in held and together > 1:
                asked = folders[reached : reached + together]
                held = _list_together(vault_id, run_no, asked)
                if len(held) < len(asked):  # they are larger than most
                    together //= 2
            reached += 1
            complete = held.pop(version.node_no, None)
            yield version, list_folder(vault_id, run_no, version.node_no) if complete is None else complete


def _list_together(vault_id: int, run_no: int, folders: Sequence[int]) -> dict[int, list[HeldVersion]]:
    """What each of these folders held, sorted by name; those that are too large for one query are left out."""
    rows = db.session.execute(
        _held(vault_id, run_no)
        .add_columns(Version.parent_no)
        .where(Version.parent_no.in_(folders))
        .order_by(Version.parent_no, Version.name, Version.first_run)
        .limit(ROWS_AT_ONCE + 1)
    ).all()
    held: dict[int, list[HeldVersion]] = {folder: [] for folder in folders}
    for row in rows:
        held[row[-1]].append(HeldVersion(vault_id, *row[:-1]))
    if len(rows) > ROWS_AT_ONCE:  # cut off within the last one; those behind it were not reached
        held = {folder: versions for folder, versions in held.items() if folder < rows[-1][-1]}
    return held


def chunks_of(version: HeldVersion) -> Sequence[int]:
    """The chunk numbers of a version's content, in order."""
    if not version.segments:
        return _numbers(version.chunks)
    parts = db.session.scalars(
        select(ContentSegment.chunks)
        .where(
            ContentSegment.vault_id == version.vault_id,
            ContentSegment.node_no == version.node_no,
            ContentSegment.first_run == version.first_run,
        )
        .order_by(ContentSegment.seg_no)
    )
    return _numbers(b"".join(parts))


def locate(vault_id: int, numbers: Sequence[int]) -> list[Location]:
    """Where chunks lie, in the order of `numbers`. Raises VaultDamaged for one that the catalogue doesn't know."""
    rows: dict[int, tuple[Any, ...]] = {}
    for part in slices(sorted(set(numbers)), VALUES_PER_QUERY):
        chunks = select(
            Chunk.chunk_no, Chunk.pack_no, Chunk.chunk_key, Chunk.kind, Chunk.compression, Chunk.offset, Chunk.length,
            Chunk.plain,
        ).where(Chunk.vault_id == vault_id, Chunk.chunk_no.in_(part))  # fmt: skip
        rows.update((row[0], tuple(row)) for row in db.session.execute(chunks))
    packs = {pack.number: pack.sha256 for pack in describe_packs(vault_id, {row[1] for row in rows.values()})}
    found = {number: Location(row[1], packs[row[1]], *row[2:]) for number, row in rows.items() if row[1] in packs}
    if missing := [number for number in numbers if number not in found]:
        raise VaultDamaged(name=f"chunk {missing[0]}", reason="the catalogue doesn't know it")
    return [found[number] for number in numbers]


def describe_packs(vault_id: int, numbers: Iterable[int]) -> list[PackRecord]:
    """The packs of these numbers, sorted; unknown ones are left out."""
    records: list[PackRecord] = []
    for part in slices(sorted(set(numbers)), VALUES_PER_QUERY):
        rows = db.session.execute(
            select(Pack.pack_no, Pack.sha256, Pack.size).where(Pack.vault_id == vault_id, Pack.pack_no.in_(part))
        )
        records += [PackRecord(number=row.pack_no, sha256=row.sha256, size=row.size) for row in rows]
    return sorted(records, key=_number)


def mark_damaged(vault_id: int, pack: int) -> None:
    """Take a pack that the portal itself found damaged out of use: the next backup stores its chunks again."""
    db.session.execute(update(Pack).where(Pack.vault_id == vault_id, Pack.pack_no == pack).values(state=BAD))
    db.session.commit()


def _held(vault_id: int, run_no: int) -> Select[*tuple[Any, ...]]:
    return select(*COLUMNS).where(
        Version.vault_id == vault_id, Version.first_run <= run_no, Version.last_run >= run_no
    )


def _find_below(vault_id: int, run_no: int, folder: int, steps: Path) -> HeldVersion | None:
    """What lies `steps` below the folder at that run; only folders have something below them."""
    table = Version.__table__
    levels = [table.alias(f"step_{depth}") for depth in range(len(steps))]
    way: FromClause = levels[0]
    for above, level, name in zip(levels, levels[1:], steps[1:], strict=False):
        way = way.join(level, and_(level.columns.parent_no == above.columns.node_no, level.columns.name == name,
                                   *_holds(level, vault_id, run_no)))
    query = (
        select(*(levels[-1].columns[name] for name in HeldVersion._fields[1:])).select_from(way)
        .where(levels[0].columns.parent_no == folder, levels[0].columns.name == steps[0],
               *_holds(levels[0], vault_id, run_no))
        .prefix_with("STRAIGHT_JOIN", dialect="mysql")  # there is one good order, and finding it anew takes its time
    )
    row = db.session.execute(query.order_by(levels[-1].columns.first_run.desc()).limit(1)).one_or_none()
    return None if row is None else HeldVersion(vault_id, *row)


def _holds(table: FromClause, vault_id: int, run_no: int) -> tuple[ColumnElement[bool], ...]:
    columns = table.columns
    return columns.vault_id == vault_id, columns.first_run <= run_no, columns.last_run >= run_no


def _resume(
    vault_id: int, run_no: int, folder: int, after: Path
) -> Iterator[tuple[Path, Iterator[HeldVersion]]]:
    """For each folder on the way to `after`, what it holds behind the next step; outermost first."""
    node = folder
    for depth, name in enumerate(after):
        yield after[:depth], list_folder(vault_id, run_no, node, name)
        step = _find_below(vault_id, run_no, node, (name,))
        if step is None or step.kind != FOLDER:
            return
        node = step.node_no
    yield after, list_folder(vault_id, run_no, node)


def _numbers(data: bytes) -> Sequence[int]:
    numbers = array("I", data)
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers


def _number(pack: PackRecord) -> int:
    return pack.number
