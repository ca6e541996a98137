"""Chunks get their numbers once, however many threads ask and however slowly the portal answers."""
from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import UUID

import pytest

from client.run import deduplication
from client.run.deduplication import QUICK, ChunkStore
from protocol.messages import AdoptedPack, KnownChunks, LookupChunks, PackedChunk, PackRecord
from vault.blobs import OVERHEAD, compress
from vault.chunks import chunk_id
from vault.keys import VaultKeys, derive_keys
from vault.packing import ClosedPack
from vault.packs import read_pack
from vault.storage import FolderStorage
from vault.writer import PackWriter

VAULT = UUID(int=7)
KEYS: VaultKeys = derive_keys(bytes(64), VAULT)


class Catalogue:
    """What a portal knows of a vault's chunks: told by packs, asked by lookups, each as slow as a test wants."""

    def __init__(self) -> None:
        self.numbers: dict[bytes, int] = {}
        self.lost: set[bytes] = set()
        self.adopted: tuple[AdoptedPack, ...] = ()
        self.asked: list[bytes] = []
        self.pause = threading.Event()
        self.pause.set()
        self.asking = threading.Event()

    def lookup(self, message: LookupChunks) -> KnownChunks:
        self.asked += message.ids
        numbers = tuple(
            -self.numbers[identity] if identity in self.lost else self.numbers.get(identity, 0)
            for identity in message.ids
        )
        self.asking.set()
        assert self.pause.wait(10)
        return KnownChunks(numbers=numbers, adopted=self.adopted)

    def register(self, closed: ClosedPack) -> None:
        for chunk in closed.chunks:
            assert self.numbers.get(chunk.id, chunk.number) == chunk.number, "a chunk has two numbers"
            self.numbers[chunk.id] = chunk.number


class Bench:
    """A chunk store over a folder, and the catalogue that its packs are registered with."""

    def __init__(self, folder: Path, next_chunk: int = 1) -> None:
        self.storage = FolderStorage(folder)
        self.catalogue = Catalogue()
        self.packs: list[ClosedPack] = []
        self.writer = PackWriter(
            lambda: self.storage, VAULT, KEYS, 1, 1, self._stored, size=1 << 20, connections=2
        )
        self.adopted: list[ClosedPack] = []
        self.store = ChunkStore(KEYS, self.writer, self.catalogue.lookup, self.adopted.append, next_chunk)

    def _stored(self, closed: ClosedPack) -> None:
        self.packs.append(closed)
        self.catalogue.register(closed)
        self.store.forget(closed)

    def put(self, plains: list[bytes]) -> tuple[list[bytes], list[int]]:
        ids = [self.store.identify(plain) for plain in plains]
        return ids, self.store.store(plains, ids)

    def stored_ids(self) -> list[bytes]:
        self.writer.finish()
        return [chunk.id for pack in self.packs for chunk in pack.chunks]


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path)
    yield bench
    bench.writer.abort()


def identity(plain: bytes) -> bytes:
    return chunk_id(KEYS.chunk, plain)


def test_equal_chunks_are_stored_once(bench: Bench) -> None:
    ids, numbers = bench.put([b"one", b"two", b"one"])
    assert ids == [identity(b"one"), identity(b"two"), identity(b"one")]
    assert numbers == [1, 2, 1]
    assert bench.put([b"two"])[1] == [2]
    assert sorted(bench.stored_ids()) == sorted([identity(b"one"), identity(b"two")])


def test_a_first_run_asks_nobody(bench: Bench) -> None:
    bench.put([b"one", b"two"])
    assert bench.catalogue.asked == []


def test_what_the_vault_holds_is_not_stored_again(tmp_path: Path) -> None:
    bench = Bench(tmp_path, next_chunk=10)
    bench.catalogue.numbers[identity(b"old")] = 4
    assert bench.put([b"old", b"new"])[1] == [4, 10]
    assert bench.stored_ids() == [identity(b"new")]
    assert bench.store.next_chunk == 11


def test_f12_a_chunk_of_a_damaged_pack_is_stored_again_under_its_number(tmp_path: Path) -> None:
    bench = Bench(tmp_path, next_chunk=10)
    bench.catalogue.numbers[identity(b"old")] = 4
    bench.catalogue.lost.add(identity(b"old"))
    assert bench.put([b"old"])[1] == [4]
    bench.writer.finish()
    assert [(chunk.number, chunk.id) for chunk in bench.packs[0].chunks] == [(4, identity(b"old"))]
    assert bench.store.next_chunk == 10


def test_a_pack_that_an_earlier_run_left_behind_is_taken_over_once(tmp_path: Path) -> None:
    bench = Bench(tmp_path, next_chunk=10)
    bench.catalogue.numbers[identity(b"old")] = 4
    left = AdoptedPack(
        pack=PackRecord(number=3, sha256=bytes(32), size=99),
        chunks=(PackedChunk(4, identity(b"old"), 1, 0, 40, 35, 3),),
    )
    bench.catalogue.adopted = (left,)
    bench.put([b"old"])
    bench.put([b"new"])
    assert [(pack.pack.number, pack.chunks[0].id) for pack in bench.adopted] == [(3, identity(b"old"))]


def test_a_chunk_registered_while_a_lookup_is_under_way_keeps_its_number(tmp_path: Path) -> None:
    """The lookup was asked before the chunk was stored, so its answer says unknown; memory must know better."""
    bench = Bench(tmp_path, next_chunk=10)
    bench.catalogue.pause.clear()
    with ThreadPoolExecutor() as pool:
        slow = pool.submit(bench.put, [b"shared"])
        assert bench.catalogue.asking.wait(10)
        bench.catalogue.asking.clear()
        quick = pool.submit(bench.put, [b"shared", b"other"])
        assert bench.catalogue.asking.wait(10)
        bench.catalogue.pause.set()
        assert quick.result(10)[1][0] == slow.result(10)[1][0]
    assert sorted(bench.stored_ids()) == sorted([identity(b"shared"), identity(b"other")])


def test_memory_is_given_back_when_the_portal_knows(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deduplication, "MEMORY_LIMIT", 100)
    plains = [f"chunk {number}".encode() for number in range(3000)]
    expected = {}
    for start in range(0, len(plains), 10):
        block = plains[start : start + 10]
        ids, numbers = bench.put([*block, *plains[:5]])
        expected |= dict(zip(ids, numbers, strict=True))
        if start % 500 == 0:
            bench.put([bytes([start // 500]) * 1_100_000])  # closes the pack before it
    assert len(bench.stored_ids()) == len(set(bench.stored_ids())) == 3006
    assert bench.catalogue.numbers | expected == bench.catalogue.numbers
    assert len(bench.store._recent) < 1000


def test_many_threads_store_each_chunk_once(bench: Bench) -> None:
    plains = [f"chunk {number % 200}".encode() * 50 for number in range(2000)]
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda start: bench.put(plains[start : start + 20]), range(0, 2000, 20)))
    numbers = {name: number for ids, found in results for name, number in zip(ids, found, strict=True)}
    assert len(numbers) == len(set(numbers.values())) == 200
    stored = bench.stored_ids()
    assert len(stored) == 200
    for closed in bench.packs:
        name = next(path for path in bench.storage.folder.rglob(f"{closed.pack.number:08d}-*"))
        assert {blob.id for blob in read_pack(name.read_bytes(), KEYS, VAULT, "pack").blobs} <= set(stored)


class GatedStorage(FolderStorage):
    """Takes nothing until the gate opens."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.gate = threading.Event()

    def put_new(self, name: str, data: bytes | bytearray | memoryview) -> None:
        assert self.gate.wait(20)
        super().put_new(name, data)


def test_a_slow_line_is_worth_better_compression(bench: Bench, tmp_path: Path) -> None:
    chosen = random.Random(5)
    words = [chosen.randbytes(chosen.randint(3, 9)) for _ in range(500)]
    early, late = (b"".join(chosen.choices(words, k=12_000)) for _ in range(2))
    for plain in (early, late):
        assert len(compress(plain, QUICK)[1]) != len(compress(plain, 3)[1])
    bench.storage = slow = GatedStorage(tmp_path)
    bench.put([early])
    for _ in range(3):  # each closes the pack before it
        bench.put([chosen.randbytes(950_000)])
    bench.put([late])
    slow.gate.set()
    assert bench.stored_ids()
    lengths = {chunk.id: chunk.length - OVERHEAD for pack in bench.packs for chunk in pack.chunks}
    assert lengths[identity(early)] == len(compress(early, QUICK)[1])
    assert lengths[identity(late)] == len(compress(late, 3)[1])


def test_what_a_large_file_held_before_is_asked_for_once(tmp_path: Path) -> None:
    bench = Bench(tmp_path, next_chunk=10)
    held = [identity(b"%d" % number) for number in range(300)]
    bench.catalogue.numbers = {name: number + 1 for number, name in enumerate(held)}
    bench.catalogue.lost = {held[7]}
    bench.store.expect(b"".join(held))
    assert bench.catalogue.asked == held
    assert [bench.put([b"%d" % number])[1] for number in (5, 6, 7, 8)] == [[6], [7], [8], [9]]
    assert bench.catalogue.asked == [*held, held[7]]
    assert bench.stored_ids() == [held[7]]
