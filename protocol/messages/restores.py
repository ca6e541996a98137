"""Snapshots, what they hold, and how a computer reads its vault."""
from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from protocol.messages.base import ChunkId, Message, Number, Size, Text
from protocol.messages.runs import PackRecord, Snapshot
from protocol.messages.storages import StorageAccess


class Snapshots(Message, frozen=True, kw_only=True):
    """GET /snapshots, oldest first."""

    snapshots: tuple[Snapshot, ...]


class SnapshotEntry(Struct, frozen=True, array_like=True):
    """One entry of a snapshot. `path` holds the name bytes of every step from the root; `chunks` indexes the page's
    `chunks` list."""

    path: tuple[bytes, ...]
    node: Number
    kind: int
    size: Size
    mtime_ns: int
    attributes: Number
    chunks: tuple[int, ...] = ()


class ChunkLocation(Struct, frozen=True, array_like=True):
    """Where a chunk lies: `pack` indexes the page's `packs` list."""

    pack: int
    id: ChunkId
    kind: int
    compression: int
    offset: Number
    length: Number
    plain: Number


class ListEntries(Message, frozen=True, kw_only=True):
    """POST /snapshots/N/entries: one folder (`deep` False) or all below `path`, parents before children.

    With `locations`, files come with where their chunks lie. `cursor` continues a former page.
    """

    path: tuple[bytes, ...] = ()
    deep: bool = False
    locations: bool = False
    cursor: str = ""


class SnapshotPage(Message, frozen=True, kw_only=True):
    """A page of entries; `cursor` is empty on the last."""

    entries: tuple[SnapshotEntry, ...]
    chunks: tuple[ChunkLocation, ...] = ()
    packs: tuple[PackRecord, ...] = ()
    cursor: str = ""


class FoundFile(Struct, frozen=True, array_like=True):
    """What the snapshots hold, or held, at `path`: size and time as it was last, in snapshot `last` at `last_at`.

    `versions` counts how often it changed; `first_at` is when the first snapshot with it was made; `still` says that
    the newest one holds it.
    """

    path: tuple[bytes, ...]
    kind: int
    size: Size
    modified: datetime
    versions: Size
    first_at: datetime
    last: Number
    last_at: datetime
    still: bool


class FindFiles(Message, frozen=True, kw_only=True):
    """POST /search: files and folders whose names hold `words`, over all snapshots. `cursor` continues a page."""

    words: Text
    cursor: Text = ""


class FoundFiles(Message, frozen=True, kw_only=True):
    """A page of what was found; `cursor` is empty at the end. A page may be short, as each takes a second at most."""

    found: tuple[FoundFile, ...]
    cursor: Text = ""


class FileVersion(Struct, frozen=True, array_like=True):
    """A file as it was in `snapshots` snapshots, the newest of which has the number `last`."""

    last: Number
    snapshots: Size
    size: Size
    modified: datetime
    first_at: datetime
    last_at: datetime
    still: bool


class ListVersions(Message, frozen=True, kw_only=True):
    """POST /versions: the versions of the file at `path`, newest first; pages count from 1."""

    path: tuple[bytes, ...]
    page: int = 1


class FileVersions(Message, frozen=True, kw_only=True):
    """A page of a file's versions; `total` counts them all."""

    versions: tuple[FileVersion, ...]
    total: Size
    pages: Size


class RestoreAccess(Message, frozen=True, kw_only=True):
    """POST /restores: what reading the vault needs; never blocked by validity, quota or the account's switch."""

    vault: Text
    vault_key: bytes
    key_version: int
    storage: StorageAccess
