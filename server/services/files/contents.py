"""What the newest restore points hold, by folder and by type of file: counted now and then, shown at once.

Counting reads every version of a vault, which takes too long for a page; the background worker does it after backups.
"""
from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import ColumnElement, func, or_, select

from server.database import begin_reading
from server.extensions import db
from server.models import Folder, Run, Vault, VaultContent, Version
from server.paths import address_of, path_of, readable
from server.services.files.file_types import OTHER, type_of
from server.services.files.folder_paths import DEEPEST
from server.services.files.folders import FILE
from server.sql import name_ending

PAUSE = timedelta(hours=1)
"""A vault that was counted is not counted again before this, however often it is backed up."""
TURN_SECONDS = 30.0
VAULTS_PER_TURN = 200
FEWEST, MOST = 5, 20
"""A folder is told by its subfolders until there are `FEWEST`; no more than `MOST` are kept."""
SHOWN = 5
LAST_STEPS = 2


class Share(NamedTuple):
    """A part of the whole in words, and its files and bytes."""

    words: str
    files: int
    bytes: int


@dataclass(frozen=True)
class Shares:
    """What the newest restore points hold, largest first, the rest as one; `counted_at` is the oldest count."""

    folders: list[Share]
    types: list[Share]
    counted_at: datetime

    @property
    def bytes(self) -> int:
        """All of it."""
        return sum(share.bytes for share in self.types)


@dataclass
class _Node:
    name: bytes = b""
    parent: int = 0
    files: int = 0
    bytes: int = 0
    own: int = 0
    own_bytes: int = 0
    below: set[int] = field(default_factory=set)


def shares_of(names: Mapping[int, str]) -> Shares | None:
    """What these vaults hold together, each known by its computer's name; None while none of them is counted."""
    counted = db.session.scalars(select(VaultContent).where(VaultContent.vault_id.in_(names))).all()
    if not counted:
        return None
    folders, types = [], []
    for one in counted:
        before = f"{names[one.vault_id]}: " if len(names) > 1 else ""
        folders += [Share(before + _words(address), number, size) for address, number, size in one.folders]
        types += [Share(*part) for part in one.types]
    return Shares(_largest(folders), _largest(types), min(one.counted_at for one in counted))


def count_due(now: datetime, clock: Callable[[], float] = time.monotonic) -> int:
    """Count the vaults that have a newer snapshot than was counted, the longest uncounted first; how many."""
    deadline = clock() + TURN_SECONDS
    due = db.session.scalars(
        select(Vault.id).outerjoin(VaultContent, VaultContent.vault_id == Vault.id)
        .where(Vault.last_commit_run.is_not(None), or_(
            VaultContent.run_no.is_(None),
            (VaultContent.run_no != Vault.last_commit_run) & (VaultContent.counted_at < now - PAUSE)))
        .order_by(VaultContent.counted_at).limit(VAULTS_PER_TURN)).all()
    done = 0
    for vault_id in due:
        count_vault(vault_id, now)
        done += 1
        if clock() > deadline:
            break
    return done


def count_vault(vault_id: int, now: datetime) -> None:
    """Count what the newest snapshot of a vault holds; nothing when it has none."""
    db.session.commit()
    begin_reading(db.session())
    vault = db.session.get_one(Vault, vault_id)
    if vault.last_commit_run is None:
        return
    run = db.session.get_one(Run, (vault_id, vault.last_commit_run))
    number, root = run.run_no, run.root_node or 0
    folders, types = _by_folder(vault_id, number, root), _by_type(vault_id, number)
    db.session.commit()
    db.session.merge(VaultContent(vault_id=vault_id, run_no=number, counted_at=now, folders=folders, types=types))
    db.session.commit()


def _held_files(vault_id: int, run_no: int) -> list[ColumnElement[bool]]:
    return [Version.vault_id == vault_id, Version.kind == FILE, Version.first_run <= run_no,
            Version.last_run >= run_no]


def _by_type(vault_id: int, run_no: int) -> list[list[object]]:
    ending = name_ending(Version.__table__.columns.name).label("ending")
    rows = db.session.execute(
        select(ending, func.count(), func.sum(Version.size)).where(*_held_files(vault_id, run_no)).group_by(ending))
    files: Counter[str] = Counter()
    sizes: Counter[str] = Counter()
    for text, number, size in rows:
        files[type_of(text)] += number
        sizes[type_of(text)] += int(size)
    return [[word, files[word], size] for word, size in sizes.most_common()]


def _by_folder(vault_id: int, run_no: int, root: int) -> list[list[object]]:
    """The parts of the tree: from the root on, the largest is told by its subfolders until there are enough."""
    nodes = _tree(vault_id, run_no, root)
    parts = {root}
    while len(parts) < FEWEST:
        larger = [number for number in parts if nodes[number].below]
        if not larger:
            break
        opened = max(larger, key=lambda number: nodes[number].bytes)
        parts |= nodes[opened].below
        if not nodes[opened].own:
            parts.remove(opened)
        else:  # what lies in the folder itself stays as a part of its own
            nodes[opened].below, nodes[opened].bytes = set(), nodes[opened].own_bytes
            nodes[opened].files = nodes[opened].own
    listed = sorted((number for number in parts if nodes[number].files), key=lambda number: -nodes[number].bytes)
    return [[address_of(_path(nodes, number, root)), nodes[number].files, nodes[number].bytes]
            for number in listed[:MOST]]


def _tree(vault_id: int, run_no: int, root: int) -> dict[int, _Node]:
    """The folders that hold files, with all that lies below them."""
    places = {row.node_no: (row.name, row.parent_no) for row in db.session.execute(
        select(Folder.node_no, Folder.parent_no, Folder.name).where(Folder.vault_id == vault_id))}
    nodes = {root: _Node()}
    rows = db.session.execute(
        select(Version.parent_no, func.count(), func.sum(Version.size)).where(*_held_files(vault_id, run_no))
        .group_by(Version.parent_no))
    for folder, number, size in rows:
        below = 0
        for step in _way_up(folder, root, places):
            node = nodes.setdefault(step, _Node(*places.get(step, (b"", 0))))
            node.files += number
            node.bytes += int(size)
            if below:
                node.below.add(below)
            else:
                node.own, node.own_bytes = number, int(size)
            below = step
    return nodes


def _way_up(folder: int, root: int, places: Mapping[int, tuple[bytes, int]]) -> list[int]:
    """The folders from this one up to the root; none when it does not hang there."""
    way = [folder]
    while way[-1] != root:
        if way[-1] not in places or len(way) > DEEPEST:
            return []
        way.append(places[way[-1]][1])
    return way


def _path(nodes: Mapping[int, _Node], number: int, root: int) -> tuple[bytes, ...]:
    """The way down from the root."""
    steps: list[bytes] = []
    while number != root:
        steps.append(nodes[number].name)
        number = nodes[number].parent
    return tuple(reversed(steps))


def _words(address: str) -> str:
    """A folder for people, with its last steps only, as long paths begin alike."""
    steps = [readable(step) for step in path_of(address)]
    if len(steps) > LAST_STEPS + 1:
        steps = ["…", *steps[-LAST_STEPS:]]
    return " / ".join(steps) or "Top level"


def _largest(parts: Iterable[Share]) -> list[Share]:
    """The largest shares, those of the same words as one, and the rest as another."""
    files: Counter[str] = Counter()
    sizes: Counter[str] = Counter()
    for part in parts:
        files[part.words] += part.files
        sizes[part.words] += part.bytes
    shown = [words for words, _ in sizes.most_common() if words != OTHER][:SHOWN]
    shares = [Share(words, files[words], sizes[words]) for words in shown]
    left = files.total() - sum(share.files for share in shares)
    rest = sizes.total() - sum(share.bytes for share in shares)
    return [*shares, Share(OTHER, left, rest)] if left else shares
