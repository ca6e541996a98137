"""Deduplication: which chunks does the vault hold already, and what becomes of those that it does not."""
from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable

import msgspec

from protocol.messages import LOOKUP_LIMIT, AdoptedPack, KnownChunks, LookupChunks
from vault.blobs import compress_all
from vault.chunks import CHUNK_ID_LENGTH, chunk_id
from vault.keys import VaultKeys
from vault.packing import ClosedPack, CompressedChunk, NumberedChunk
from vault.records import StoredPack
from vault.writer import PackWriter

Lookup = Callable[[LookupChunks], KnownChunks]
Adopt = Callable[[ClosedPack], None]

QUICK = 2
"""The level of compression while the line is quicker than the processor; a slow line is worth the usual one."""
EXPECTED_LIMIT = 10 * LOOKUP_LIMIT
MEMORY_LIMIT = 1 << 16
"""So many chunks of a first run are remembered before the portal is asked about them, too."""


class ChunkStore:
    """Gives every chunk its number and stores those that are new. Several threads may call `store`.

    Ids stay in memory until their pack is registered and no lookup that was asked before is still under way; then the
    portal knows them. A first run needs no lookups as long as it remembers all of its own chunks.
    """

    def __init__(
        self,
        keys: VaultKeys,
        writer: PackWriter,
        lookup: Lookup,
        adopt: Adopt,
        next_chunk: int,
        *,
        level: int = 3,
        cipher: int = 1,
    ) -> None:
        """`next_chunk` is the first free number; `adopt` is told of packs that an earlier run left behind and this one
        uses."""
        self._keys, self._writer, self._lookup, self._adopt = keys, writer, lookup, adopt
        self._level, self._cipher = level, cipher
        self._lock = threading.Lock()
        self._recent: dict[bytes, int] = {}
        self._registered: deque[tuple[int, list[bytes]]] = deque()
        self._moment = 0
        self._asking: list[int] = []
        self._portal_knows = next_chunk > 1
        self._expected: dict[bytes, int] = {}
        self._adopted: set[int] = set()
        self.next_chunk = next_chunk

    def expect(self, ids: bytes) -> None:
        """What follows holds, most likely, the chunks with these `ids`, one after the other: asks for all of them at
        once, rather than for each as it comes. Takes the place of what was expected before."""
        wanted = [ids[start : start + CHUNK_ID_LENGTH] for start in range(0, len(ids), CHUNK_ID_LENGTH)]
        found = self._ask(list(dict.fromkeys(wanted[:EXPECTED_LIMIT]))) if self._portal_knows else {}
        self._expected = {identity: number for identity, number in found.items() if number > 0}

    def identify(self, plain: bytes) -> bytes:
        """The chunk's id."""
        return chunk_id(self._keys.chunk, plain)

    def store(self, plains: list[bytes], ids: list[bytes]) -> list[int]:
        """The numbers of chunks with their ids. What is new is sealed and goes into a pack, which may still be under
        way."""
        with self._lock:
            recent, expected = self._recent, self._expected
            known = {
                identity: number for identity in ids
                if (number := recent.get(identity) or expected.get(identity))
            }
            unknown = [identity for identity in dict.fromkeys(ids) if identity not in known]
            asks = self._portal_knows
            moment = self._moment
            self._asking.append(moment)
        try:
            if asks and unknown:
                known |= self._ask(unknown)
            fresh = self._number(ids, plains, known)
        finally:
            with self._lock:
                self._asking.remove(moment)
        if fresh:
            level = min(self._level, QUICK) if self._writer.keeps_up() else self._level
            contents = compress_all([plain for _, _, plain in fresh], level)
            self._writer.add_all([
                CompressedChunk(number, identity, compression, content, len(plain))
                for (number, identity, plain), (compression, content) in zip(fresh, contents, strict=True)
            ])
        return [known[identity] for identity in ids]

    def _number(
        self, ids: list[bytes], plains: list[bytes], known: dict[bytes, int]
    ) -> list[tuple[int, bytes, bytes]]:
        """Completes `known` and returns what is to be stored: (number, id, plain)."""
        fresh = []
        with self._lock:
            for identity, plain in zip(ids, plains, strict=True):
                number = known.get(identity, 0)
                if number > 0:
                    continue
                reserved = self._recent.get(identity)
                if reserved is None:
                    if number < 0:  # its pack was lost: stored again under the number it has
                        reserved = -number
                    else:
                        reserved = self.next_chunk
                        self.next_chunk += 1
                    self._recent[identity] = reserved
                    fresh.append((reserved, identity, plain))
                known[identity] = reserved
        return fresh

    def _ask(self, ids: list[bytes]) -> dict[bytes, int]:
        found: dict[bytes, int] = {}
        for start in range(0, len(ids), LOOKUP_LIMIT):
            asked = ids[start : start + LOOKUP_LIMIT]
            answer = self._lookup(LookupChunks(ids=tuple(asked)))
            found |= {identity: number for identity, number in zip(asked, answer.numbers, strict=True) if number}
            for adopted in answer.adopted:
                self._take_over(adopted)
        return found

    def _take_over(self, adopted: AdoptedPack) -> None:
        with self._lock:
            if adopted.pack.number in self._adopted:
                return
            self._adopted.add(adopted.pack.number)
        chunks = tuple(NumberedChunk(*msgspec.structs.astuple(chunk)) for chunk in adopted.chunks)
        pack = StoredPack(adopted.pack.number, adopted.pack.size, adopted.pack.sha256)
        self._adopt(ClosedPack(pack, self._cipher, self._keys.version, chunks))

    def forget(self, closed: ClosedPack) -> None:
        """The portal has registered this pack: its chunks need no memory here once nobody asks from before."""
        with self._lock:
            self._moment += 1
            self._registered.append((self._moment, [chunk.id for chunk in closed.chunks]))
            if not self._portal_knows and len(self._recent) > MEMORY_LIMIT:
                self._portal_knows = True
            oldest = min(self._asking, default=self._moment)
            while self._portal_knows and self._registered and self._registered[0][0] <= oldest:
                for identity in self._registered.popleft()[1]:
                    self._recent.pop(identity, None)
