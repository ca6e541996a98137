"""Pages of a snapshot's entries, with the places of their chunks, for a computer that lists or restores."""
from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator

import msgspec

from protocol.errors import BadRequest, NotFound
from protocol.messages import ChunkLocation, ListEntries, SnapshotEntry, SnapshotPage
from server.models import Run
from server.services.files import catalogue
from server.services.files.catalogue import HeldVersion, Path
from vault.records import FOLDER

ENTRIES_PER_PAGE = 2000
CHUNKS_PER_PAGE = 20_000
"""A page ends behind the entry that reaches this; only a single larger file makes it longer."""
DEEPEST = 10_000


def list_entries(run: Run, message: ListEntries) -> SnapshotPage:
    """One page of what the snapshot `run` holds at or below the path asked for; a file's page is the file itself.

    Raises NotFound for a path that it does not hold, BadRequest for a cursor of somebody else's making.
    """
    entries: list[SnapshotEntry] = []
    wanted: dict[int, int] = {}
    more = False
    for path, version in _entries(run, message, _read_cursor(message.cursor)):
        if len(entries) == ENTRIES_PER_PAGE or len(wanted) >= CHUNKS_PER_PAGE:
            more = True
            break
        numbers = catalogue.chunks_of(version) if message.locations else ()
        places = tuple([wanted.setdefault(number, len(wanted)) for number in numbers])
        entries.append(SnapshotEntry(
            path=path, node=version.node_no, kind=version.kind, size=version.size, mtime_ns=version.mtime_ns,
            attributes=version.attributes, chunks=places,
        ))  # fmt: skip
    return _with_locations(run.vault_id, entries, list(wanted), _write_cursor(entries[-1].path) if more else "")


def _entries(run: Run, message: ListEntries, after: Path) -> Iterator[tuple[Path, HeldVersion]]:
    """The entries asked for, behind the path `after`, with their paths from the root."""
    top, node = message.path, run.root_node
    if top:
        found = catalogue.find(run.vault_id, run.run_no, top)
        if found is None:
            raise NotFound(what="file or folder of this name in the snapshot")
        if found.kind != FOLDER:
            return iter([(top, found)])
        node = found.node_no
    if after[: len(top)] != top:
        after = top
    below = after[len(top) :]
    if node is None:
        return iter(())
    if message.deep:
        walked = catalogue.walk(run.vault_id, run.run_no, node, below)
        return ((top + path, version) for path, version in walked)
    listed = catalogue.list_folder(run.vault_id, run.run_no, node, below[0] if below else b"")
    return (((*top, version.name), version) for version in listed)


def _with_locations(vault_id: int, entries: list[SnapshotEntry], numbers: list[int], cursor: str) -> SnapshotPage:
    located = catalogue.locate(vault_id, numbers)
    packs = catalogue.describe_packs(vault_id, (location.pack for location in located))
    index = {pack.number: place for place, pack in enumerate(packs)}
    chunks = tuple([
        ChunkLocation(
            index[location.pack], location.id, location.kind, location.compression, location.offset,
            location.length, location.plain,
        )
        for location in located
    ])  # fmt: skip
    return SnapshotPage(entries=tuple(entries), chunks=chunks, packs=tuple(packs), cursor=cursor)


def _write_cursor(path: Path) -> str:
    """The place behind which the next page begins. It names a path only, so it can point nowhere but into the vault."""
    return base64.urlsafe_b64encode(msgspec.msgpack.encode(path)).decode("ascii")


def _read_cursor(cursor: str) -> Path:
    if not cursor:
        return ()
    try:
        path = msgspec.msgpack.decode(base64.urlsafe_b64decode(cursor), type=tuple[bytes, ...])
    except (binascii.Error, ValueError, msgspec.DecodeError) as error:
        raise BadRequest(reason="the cursor is not one of this portal's") from error
    if len(path) > DEEPEST:
        raise BadRequest(reason="the cursor is not one of this portal's")
    return path
