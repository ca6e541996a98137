"""Boundaries and ids stay what they are: another chunker would cost all deduplication."""
from __future__ import annotations

import hashlib
import io
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.vault.small_vault import VAULT, VAULT_KEY
from vault.chunks import MAXIMUM, MINIMUM, Chunker, chunk_id
from vault.keys import derive_keys

KEYS = derive_keys(VAULT_KEY, VAULT)
SAMPLE = hashlib.shake_256(b"ibs golden").digest(8 << 20)


def cut(data: bytes, seed: int = KEYS.gear, name: str = "file") -> list[bytes]:
    return list(Chunker(seed).cut(io.BytesIO(data), name))


@pytest.mark.parametrize(("seed", "lengths"), [
    (0, [1638325, 1283075, 1878930, 1117244, 1589824, 881210]),
    (KEYS.gear, [2340882, 2362603, 986590, 1081978, 1019955, 596600]),
])
def test_boundaries_are_golden(seed: int, lengths: list[int]) -> None:
    assert [len(chunk) for chunk in cut(SAMPLE, seed)] == lengths


def test_zeros_are_cut_at_the_longest_chunk() -> None:
    assert [len(chunk) for chunk in cut(bytes(10 << 20))] == [4194304, 4194304, 2097152]


@pytest.mark.parametrize("name", ["disk.vhdx", "DISK.VMDK", "base.mdf", "vera.hc"])
def test_disk_images_are_cut_at_fixed_places(name: str) -> None:
    assert [len(chunk) for chunk in cut(SAMPLE + b"x", name=name)] == [4 << 20, 4 << 20, 1]


@pytest.mark.parametrize("name", ["file", "disk.vhdx"])
@pytest.mark.parametrize("size", [0, 1, MINIMUM, MINIMUM + 1, 3_000_001, MAXIMUM])
def test_a_file_in_one_piece_is_cut_where_a_stream_is(name: str, size: int) -> None:
    assert list(Chunker(KEYS.gear).cut_whole(SAMPLE[:size], name)) == cut(SAMPLE[:size], name=name)


def test_ids_are_golden() -> None:
    assert chunk_id(KEYS.chunk, b"").hex() == "570c59ce98a4a9cd9d0263da0d2f146e"
    assert chunk_id(KEYS.chunk, b"hello").hex() == "89e08007a1ecec62bc86778ebe50cadf"
    assert chunk_id(KEYS.chunk, bytes(1 << 20)).hex() == "ea24557785dda5eb532fce548f43778c"


def test_ids_depend_on_the_key() -> None:
    assert chunk_id(KEYS.chunk, b"hello") != chunk_id(KEYS.index, b"hello")


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 6 << 20), st.integers(0, 2**63 - 1))
def test_chunks_put_together_are_the_file(size: int, seed: int) -> None:
    chunks = cut(SAMPLE[:size], seed)
    assert b"".join(chunks) == SAMPLE[:size]
    assert all(len(chunk) <= MAXIMUM for chunk in chunks)
    assert all(len(chunk) >= MINIMUM for chunk in chunks[:-1])


def new_bytes(before: bytes, after: bytes) -> int:
    """How much of `after` would be stored when `before` is."""
    known = {chunk_id(KEYS.chunk, chunk) for chunk in cut(before)}
    return sum(len(chunk) for chunk in cut(after) if chunk_id(KEYS.chunk, chunk) not in known)


def test_a_page_overwritten_in_a_database_stores_no_more_than_its_chunks() -> None:
    place = 5 << 20
    after = SAMPLE[:place] + random.Random(1).randbytes(4096) + SAMPLE[place + 4096 :]
    assert len(after) == len(SAMPLE)
    assert 0 < new_bytes(SAMPLE, after) <= 2 * MAXIMUM
    assert new_bytes(SAMPLE, after) < len(SAMPLE) // 2


def test_an_insertion_moves_boundaries_only_near_it() -> None:
    after = SAMPLE[: 3 << 20] + random.Random(2).randbytes(100_000) + SAMPLE[3 << 20 :]
    assert new_bytes(SAMPLE, after) < len(SAMPLE) // 2


def test_a_file_that_arrives_in_small_pieces_is_cut_the_same() -> None:
    class Dripping(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            return super().read(min(size, 100_003) if size and size > 0 else 100_003)

        def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]
            block = self.read(len(buffer))
            buffer[: len(block)] = block
            return len(block)

    for name in ("file", "disk.vhdx"):
        pieces = list(Chunker(KEYS.gear).cut(Dripping(SAMPLE), name))
        assert pieces == cut(SAMPLE, name=name)
