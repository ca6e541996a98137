"""From locations to bytes: few reads, in order, and no damaged byte is ever delivered."""
from __future__ import annotations

import os
import random
from itertools import islice
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.vault.small_vault import VAULT, VAULT_KEY
from vault.blobs import AES_GCM, CHACHA, DATA, seal_blob
from vault.chunks import chunk_id
from vault.errors import ObjectMissing, TransferFailed, VaultDamaged
from vault.keys import derive_keys
from vault.layout import pack_name
from vault.packs import PackBuilder
from vault.reader import GAP, MOST_JOINED, SPAN, Location, Reader, join
from vault.storage import FolderStorage

KEYS = derive_keys(VAULT_KEY, VAULT)


class CountingStorage(FolderStorage):
    """A folder that remembers what was read, and may fail or bend a bit once."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.reads: list[tuple[str, int, int | None]] = []
        self.failures = self.bent = 0

    def read(self, name: str, offset: int = 0, length: int | None = None) -> bytes:
        self.reads.append((name, offset, length))
        if self.failures:
            self.failures -= 1
            raise TransferFailed(name=name, reason="the connection broke")
        data = super().read(name, offset, length)
        if self.bent:
            self.bent -= 1
            data = bytes([data[0] ^ 1]) + data[1:]
        return data


def store_pack(storage: FolderStorage, plains: list[bytes], number: int = 7, cipher: int = AES_GCM) -> list[Location]:
    """A pack with one chunk for each of `plains`."""
    builder = PackBuilder(VAULT, KEYS, cipher=cipher)
    builder.begin(number, 1)
    blobs = []
    for plain in plains:
        identity = chunk_id(KEYS.chunk, plain)
        compression, salt, sealed = seal_blob(KEYS, VAULT, identity, plain, cipher=cipher)
        blobs.append(builder.add(identity, DATA, compression, salt, sealed, len(plain)))
    data, digest = builder.close()
    storage.put_new(pack_name(number, digest), data)
    return [Location(number, digest, *blob) for blob in blobs]


def noise(count: int, size: int) -> list[bytes]:
    """Different contents that do not compress."""
    return [random.Random(seed).randbytes(size) for seed in range(count)]


def test_it_reads_neighbours_with_one_request(tmp_path: Path) -> None:
    storage = CountingStorage(tmp_path)
    plains = noise(50, 10_000)
    locations = store_pack(storage, plains)
    assert list(Reader(storage, KEYS, VAULT).read(locations)) == plains
    assert len(storage.reads) == 1


def test_it_leaves_out_what_lies_far_between(tmp_path: Path) -> None:
    storage = CountingStorage(tmp_path)
    plains = noise(3, GAP)
    first, _, third = store_pack(storage, plains)
    assert list(Reader(storage, KEYS, VAULT).read([first, third])) == [plains[0], plains[2]]
    assert [length for _, _, length in storage.reads] == [first.length, third.length]


def test_it_keeps_the_order_asked_for(tmp_path: Path) -> None:
    storage = CountingStorage(tmp_path)
    plains = noise(10, 1000)
    locations = store_pack(storage, plains)
    order = [3, 3, 9, 0, 5, 0, 0]
    read = Reader(storage, KEYS, VAULT).read(locations[place] for place in order)
    assert list(read) == [plains[place] for place in order]


def test_it_joins_no_further_than_its_memory_allows() -> None:
    digest = bytes(32)
    starts = range(0, 64 << 20, 1 << 20)
    locations = [Location(1, digest, bytes(16), DATA, 0, start, 1 << 20, 1 << 20) for start in starts]
    extents = list(join(locations))
    assert [extent.length for extent in extents] == [SPAN] * 8
    assert [place for extent in extents for place in extent.locations] == locations


def test_one_range_serves_a_bounded_number_of_locations() -> None:
    zeros = Location(1, bytes(32), bytes(16), DATA, 1, 32, 100, 1 << 20)
    extents = list(join([zeros] * (2 * MOST_JOINED + 1)))
    assert [len(extent.locations) for extent in extents] == [MOST_JOINED, MOST_JOINED, 1]


def test_it_looks_ahead_only_as_far_as_one_range(tmp_path: Path) -> None:
    storage = CountingStorage(tmp_path)
    locations = [place for number in range(20) for place in store_pack(storage, noise(2, 100 + number), number)]
    taken = []

    def asked_for() -> object:
        for place in locations:
            taken.append(place)
            yield place

    list(islice(Reader(storage, KEYS, VAULT).read(asked_for()), 2))  # type: ignore[arg-type]
    assert len(taken) <= 3
    assert len(storage.reads) == 1


def test_it_reads_packs_of_the_other_cipher(tmp_path: Path) -> None:
    storage = CountingStorage(tmp_path)
    plains = noise(20, 500)
    locations = store_pack(storage, plains, cipher=CHACHA)
    assert list(Reader(storage, KEYS, VAULT).read(locations)) == plains
    assert len(storage.reads) == 3  # the range, then header and first blob, after which the cipher is known


def test_it_asks_again_when_the_connection_breaks(tmp_path: Path) -> None:
    storage = CountingStorage(tmp_path)
    plains = noise(5, 500)
    locations = store_pack(storage, plains)
    storage.failures = 2
    assert list(Reader(storage, KEYS, VAULT).read(locations)) == plains
    storage.failures = 3
    with pytest.raises(TransferFailed):
        list(Reader(storage, KEYS, VAULT).read(locations))


def test_it_reads_a_blob_again_that_was_bent_on_the_way(tmp_path: Path) -> None:
    storage = CountingStorage(tmp_path)
    plains = noise(5, 500)
    locations = store_pack(storage, plains)
    storage.bent = 1
    assert list(Reader(storage, KEYS, VAULT).read(locations)) == plains


def test_a_damaged_blob_names_its_pack_and_spares_the_others(tmp_path: Path) -> None:
    storage = FolderStorage(tmp_path)
    plains = noise(5, 500)
    locations = store_pack(storage, plains)
    path = tmp_path / pack_name(7, locations[0].sha256)
    content = bytearray(path.read_bytes())
    content[locations[2].offset + 40] ^= 0x10
    path.write_bytes(content)
    reader = Reader(storage, KEYS, VAULT)
    with pytest.raises(VaultDamaged) as caught:
        list(reader.read(locations))
    assert caught.value.details["pack"] == 7
    assert path.name in caught.value.sentence
    assert list(reader.read(locations[:2] + locations[3:])) == plains[:2] + plains[3:]


def test_a_pack_that_lost_its_end_is_damaged_not_unreachable(tmp_path: Path) -> None:
    storage = FolderStorage(tmp_path)
    locations = store_pack(storage, noise(5, 500))
    path = tmp_path / pack_name(7, locations[0].sha256)
    os.truncate(path, locations[-1].offset + 10)
    with pytest.raises(VaultDamaged, match="only"):
        list(Reader(storage, KEYS, VAULT).read(locations))
    path.unlink()
    with pytest.raises(ObjectMissing):
        list(Reader(storage, KEYS, VAULT).read(locations))


def test_a_location_that_lies_delivers_nothing(tmp_path: Path) -> None:
    storage = FolderStorage(tmp_path)
    one, two = store_pack(storage, noise(2, 500))
    reader = Reader(storage, KEYS, VAULT)
    for wrong in (
        one._replace(id=two.id), one._replace(plain=one.plain - 1), one._replace(plain=one.plain + 1),
        one._replace(offset=one.offset + 1), one._replace(length=one.length - 1), one._replace(compression=1),
        one._replace(kind=2), one._replace(plain=1 << 30),
    ):
        with pytest.raises(VaultDamaged):
            list(reader.read([wrong]))


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 9)), max_size=60))
def test_any_order_over_several_packs_reads_back(tmp_path: Path, order: list[tuple[int, int]]) -> None:
    storage = FolderStorage(tmp_path)
    plains = {number: [f"{number}/{place}".encode() * 50 for place in range(10)] for number in range(3)}
    if not PLACES:
        PLACES.extend(store_pack(storage, plains[number], number) for number in range(3))
    wanted = [PLACES[number][place] for number, place in order]
    assert list(Reader(storage, KEYS, VAULT).read(wanted)) == [plains[number][place] for number, place in order]


PLACES: list[list[Location]] = []
