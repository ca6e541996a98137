"""What goes into a pack, and what is known of it once it lies on the storage."""
from __future__ import annotations

from typing import NamedTuple

from vault.records import StoredPack


class NumberedChunk(NamedTuple):
    """A chunk in a pack, with the number that the catalogue knows it by."""

    number: int
    id: bytes
    kind: int
    compression: int
    offset: int
    length: int
    plain: int


class ClosedPack(NamedTuple):
    """A pack that lies on the storage."""

    pack: StoredPack
    cipher: int
    key_version: int
    chunks: tuple[NumberedChunk, ...]


class CompressedChunk(NamedTuple):
    """A chunk on its way into a pack; `content` is what vault.blobs.compress made of it, `plain` its own length."""

    number: int
    id: bytes
    compression: int
    content: bytes
    plain: int
