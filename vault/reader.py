"""From the locations of chunks to their verified bytes, with few ranged reads. docs/vault-format.md, section 9."""
from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from typing import NamedTuple
from uuid import UUID

from vault.blobs import AES_GCM, CIPHERS, open_blob
from vault.errors import ObjectMissing, StorageError, TransferFailed, VaultDamaged
from vault.keys import VaultKeys
from vault.layout import pack_name
from vault.packs import HEADER, MAGIC
from vault.storage import Storage

GAP = 256 << 10
"""Neighbours closer than this are read together: the bytes between cost less than another round trip."""
SPAN = 8 << 20
"""No joined range is longer, which bounds the memory; only a single longer blob would be."""
MOST_JOINED = 4096
"""No joined range serves more locations: a file of zeros names one chunk again and again."""
ATTEMPTS = 3


class Location(NamedTuple):
    """Where a chunk lies: `sha256` is the pack file's, `length` counts the blob's salt and tag, `plain` the chunk."""

    pack: int
    sha256: bytes
    id: bytes
    kind: int
    compression: int
    offset: int
    length: int
    plain: int


class Range(NamedTuple):
    """Bytes of one pack that are read together, and the chunks within them, in the order asked for."""

    pack: int
    sha256: bytes
    offset: int
    length: int
    locations: tuple[Location, ...]

    @property
    def name(self) -> str:
        """The pack's object name."""
        return pack_name(self.pack, self.sha256)


def join(locations: Iterable[Location], gap: int = GAP, span: int = SPAN) -> Iterator[Range]:
    """Ranges that cover `locations` in their order; consumes them only as far as the next range reaches.

    Sorted by (pack, offset), a whole snapshot needs each pack about once.
    """
    group: list[Location] = []
    start = end = 0
    for location in locations:
        reaches = max(end, location.offset + location.length)
        if (group and location[:2] == group[0][:2] and start <= location.offset <= end + gap
                and reaches - start <= span and len(group) < MOST_JOINED):
            group.append(location)
            end = reaches
            continue
        if group:
            yield Range(group[0].pack, group[0].sha256, start, end - start, tuple(group))
        group, start, end = [location], location.offset, location.offset + location.length
    if group:
        yield Range(group[0].pack, group[0].sha256, start, end - start, tuple(group))


class Reader:
    """Reads chunks of one vault. `open` may be called by several threads; fetching takes turns on the storage."""

    def __init__(self, storage: Storage, keys: VaultKeys, vault: UUID) -> None:
        """`storage` holds the vault's own folder; `keys` are those of the packs' key version."""
        self._storage, self._keys, self._vault = storage, keys, vault
        self._turn = threading.Lock()
        self._ciphers: dict[int, int] = {}  # of the packs that do not use AES-GCM

    def read(self, locations: Iterable[Location]) -> Iterator[bytes]:
        """The verified plaintext of each location, in order; holds one joined range at a time.

        Raises VaultDamaged and, when a pack is gone, ObjectMissing (the details of both name the `pack`), other
        StorageErrors.
        """
        for extent in join(locations):
            data = memoryview(self.fetch(extent))
            last, plain = None, b""
            for location in extent.locations:
                if location != last:
                    plain = self.open(location, data[location.offset - extent.offset :][: location.length])
                    last = location
                yield plain

    def fetch(self, extent: Range) -> bytes:
        """The stored bytes of a range, not verified yet. Raises as `read` does."""
        return self._fetch(extent.pack, extent.name, extent.offset, extent.length)

    def open(self, location: Location, blob: bytes | memoryview) -> bytes:
        """The verified plaintext of a fetched blob.

        Manifests do not tell a pack's cipher: AES-256-GCM is assumed, and the pack's header is asked only when that
        fails. The blob itself is then read once more, since a plain FTP connection may have bent a bit on the way.
        """
        try:
            return self._open(location, blob, self._ciphers.get(location.pack, AES_GCM))
        except VaultDamaged:
            name = pack_name(location.pack, location.sha256)
            header = self._fetch(location.pack, name, 0, HEADER.size)
            magic, _, cipher, *_ = HEADER.unpack(header)
            if magic == MAGIC and cipher in CIPHERS:
                self._ciphers[location.pack] = cipher
            blob = self._fetch(location.pack, name, location.offset, location.length)
        try:
            return self._open(location, blob, self._ciphers.get(location.pack, AES_GCM))
        except VaultDamaged as error:
            raise VaultDamaged(name=name, reason=error.details["reason"], pack=location.pack) from error

    def _open(self, location: Location, blob: bytes | memoryview, cipher: int) -> bytes:
        return open_blob(
            self._keys, self._vault, location.id, blob,
            kind=location.kind, compression=location.compression, plain_length=location.plain, cipher=cipher,
        )

    def _fetch(self, pack: int, name: str, offset: int, length: int) -> bytes:
        with self._turn:
            for attempt in range(1, ATTEMPTS + 1):
                try:
                    return self._storage.read(name, offset, length)
                except StorageError as error:
                    if isinstance(error, TransferFailed):
                        self._refuse_short(pack, name, offset + length)
                    if isinstance(error, ObjectMissing):
                        raise ObjectMissing(name=name, pack=pack) from error
                    if not error.retry or attempt == ATTEMPTS:
                        raise
        raise AssertionError("the last attempt returned or raised")

    def _refuse_short(self, pack: int, name: str, end: int) -> None:
        # A pack that lost its end to a power cut will not grow by asking again.
        size = self._storage.size(name)
        if size is not None and size < end:
            raise VaultDamaged(name=name, reason=f"only {size} bytes are left of it", pack=pack)
