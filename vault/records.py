"""The records inside manifest parts: structure, names, packs and chunk index. docs/vault-format.md, section 7.

A snapshot's entries are told twice, in the same order: as *structure* (numbers, sizes, chunks), which the portal may
always read, and as *names* (names, times, attributes). Every record begins with its length, so that newer programs can
append fields that this one passes over.
"""
from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from vault.chunks import CHUNK_ID_LENGTH
from vault.errors import VaultDamaged

ADD, CHANGE, DELETE, MORE = 1, 2, 3, 4
"""What a record does; MORE continues the chunk list of the node before it."""
FILE, FOLDER, LINK = 1, 2, 3
"""Kinds of entries; a link's target is its content."""
CHUNKS_PER_RECORD = 4096

_LENGTH = struct.Struct("<I")
_STRUCTURE = struct.Struct("<BBIIQ")  # operation, kind, node, parent, size
_NAMES = struct.Struct("<BIqIH")  # operation, node, mtime_ns, attributes, length of the name
_PACK = struct.Struct("<II32s")  # number, size, SHA-256
_LOCATION = struct.Struct("<16sIIIIBB")  # chunk id, pack, offset, sealed length, plain length, kind, compression


@dataclass(frozen=True, slots=True)
class Change:
    """One entry of a manifest: what became of a node since the parent snapshot.

    `chunks` are the ids of the whole content. Of a DELETE only node and parent count.
    """

    operation: int
    kind: int
    node: int
    parent: int
    size: int = 0
    chunks: tuple[bytes, ...] = ()
    name: bytes = b""
    mtime_ns: int = 0
    attributes: int = 0


class StoredPack(NamedTuple):
    """A pack file of the vault."""

    number: int
    size: int
    sha256: bytes


class IndexedChunk(NamedTuple):
    """Where a chunk lies."""

    id: bytes
    pack: int
    offset: int
    length: int
    plain: int
    kind: int
    compression: int


def _frame(payload: bytes) -> bytes:
    return _LENGTH.pack(len(payload)) + payload


def pack_structure(operation: int, kind: int, node: int, parent: int, size: int, chunks: bytes) -> bytes:
    """Structure of one entry; `chunks` are its ids, one after the other. Long lists go on in MORE records."""
    step = CHUNKS_PER_RECORD * CHUNK_ID_LENGTH
    if len(chunks) <= step:
        return _frame(_STRUCTURE.pack(operation, kind, node, parent, size) + chunks)
    records = [_frame(_STRUCTURE.pack(operation, kind, node, parent, size) + chunks[:step])]
    for start in range(step, len(chunks), step):
        records.append(_frame(_STRUCTURE.pack(MORE, kind, node, parent, 0) + chunks[start : start + step]))
    return b"".join(records)


def pack_names(operation: int, node: int, mtime_ns: int, attributes: int, name: bytes) -> bytes:
    """Name, time and attributes of one entry."""
    return _frame(_NAMES.pack(operation, node, mtime_ns, attributes, len(name)) + name)


def pack_packs(packs: list[StoredPack]) -> bytes:
    """The list of a run's packs."""
    return b"".join(_PACK.pack(*pack) for pack in packs)


def pack_location(
    identity: bytes, pack: int, offset: int, length: int, plain: int, kind: int, compression: int
) -> bytes:
    """One chunk of a run's index."""
    return _LOCATION.pack(identity, pack, offset, length, plain, kind, compression)


def read_packs(content: bytes) -> Iterator[StoredPack]:
    """The packs of a section made by `pack_packs`."""
    return (StoredPack(*fields) for fields in _PACK.iter_unpack(content))


def read_index(content: bytes) -> Iterator[IndexedChunk]:
    """The chunks of a section made of `pack_location` records."""
    return (IndexedChunk(*fields) for fields in _LOCATION.iter_unpack(content))


def read_changes(structure: Iterator[bytes], names: Iterator[bytes], name: str) -> Iterator[Change]:
    """The entries of a manifest from its two streams of records, given as the contents of their parts in order.

    Raises VaultDamaged when the two do not fit together.
    """
    held: Change | None = None
    naming = _frames(names, name)
    for record in _frames(structure, name):
        operation, kind, node, parent, size = _STRUCTURE.unpack_from(record)
        content = record[_STRUCTURE.size :]
        chunks = tuple(content[start : start + 16] for start in range(0, len(content), CHUNK_ID_LENGTH))
        if operation == MORE:
            if held is None or held.node != node:
                raise VaultDamaged(name=name, reason="a chunk list has no file")
            held = Change(
                held.operation, held.kind, node, parent, held.size, held.chunks + chunks, held.name,
                held.mtime_ns, held.attributes,
            )
            continue
        if held is not None:
            yield held
        label = next(naming, None)
        if label is None:
            raise VaultDamaged(name=name, reason="a name is missing")
        named_operation, named_node, mtime_ns, attributes, length = _NAMES.unpack_from(label)
        if (named_operation, named_node) != (operation, node):
            raise VaultDamaged(name=name, reason="names and structure differ")
        label = label[_NAMES.size : _NAMES.size + length]
        held = Change(operation, kind, node, parent, size, chunks, label, mtime_ns, attributes)
    if held is not None:
        yield held
    if next(naming, None) is not None:
        raise VaultDamaged(name=name, reason="there are more names than entries")


def _frames(contents: Iterator[bytes], name: str) -> Iterator[bytes]:
    """Records of parts; a record never crosses the border of two parts."""
    for content in contents:
        position = 0
        while position < len(content):
            if position + _LENGTH.size > len(content):
                raise VaultDamaged(name=name, reason="a record is cut off")
            (length,) = _LENGTH.unpack_from(content, position)
            position += _LENGTH.size
            if length < _NAMES.size - 1 or position + length > len(content):
                raise VaultDamaged(name=name, reason="a record is cut off")
            yield content[position : position + length]
            position += length
