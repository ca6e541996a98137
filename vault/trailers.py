"""Where chunks lie, by the packs' own word: what is read when a chunk index is lost."""
from __future__ import annotations

import re
from uuid import UUID

from vault.errors import VaultDamaged
from vault.keys import VaultKeys
from vault.layout import pack_name
from vault.packs import FOOTER, HEADER, read_trailer, trailer_length
from vault.reader import Location
from vault.storage import Storage

TAIL = 64 << 10
"""Trailers of usual packs fit into this; a longer one costs another read."""
PACK_FILE = re.compile("([0-9]{8})-([0-9a-f]{16})[.]ibp")


def locate_by_trailers(
    storage: Storage, keys: VaultKeys, vault: UUID, number: int, digest: bytes, size: int
) -> list[Location]:
    """The chunks of pack `number`, which has `size` bytes. Raises VaultDamaged, StorageError."""
    name = pack_name(number, digest)
    header = storage.read(name, 0, HEADER.size)
    tail = storage.read(name, max(size - TAIL, 0), min(TAIL, size))
    length = trailer_length(tail, size, name)
    if length + FOOTER.size > len(tail):
        tail = storage.read(name, size - length - FOOTER.size, length + FOOTER.size)
    count = FOOTER.unpack(tail[-FOOTER.size :])[1]
    pack = read_trailer(header, tail[-FOOTER.size - length : -FOOTER.size], count, keys, vault, name)
    if pack.number != number:
        raise VaultDamaged(name=name, reason="its header belongs to another pack")
    return [Location(number, digest, *blob) for blob in pack.blobs]


def unlisted_packs(storage: Storage, listed: set[int]) -> dict[int, tuple[bytes, int]]:
    """Packs that the storage shows and that no list of packs names: number to (hash, size).

    Of the hash, only the eight bytes that stand in the name are known; they suffice to name the pack again.
    """
    found = {}
    folders = [folder for outer in storage.list("p") for folder in storage.list(outer)]
    for name in (name for folder in folders for name in storage.list(folder)):
        parts = PACK_FILE.fullmatch(name.rpartition("/")[2])
        if parts and int(parts[1]) not in listed:
            digest, size = bytes.fromhex(parts[2]), storage.size(name)
            if size is not None:
                found[int(parts[1])] = digest, size
    return found
