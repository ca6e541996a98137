"""Records: entries come back as they were told, and what does not fit together is refused."""
from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vault.errors import VaultDamaged
from vault.records import (
    ADD,
    CHANGE,
    CHUNKS_PER_RECORD,
    DELETE,
    FILE,
    FOLDER,
    LINK,
    Change,
    IndexedChunk,
    StoredPack,
    pack_location,
    pack_names,
    pack_packs,
    pack_structure,
    read_changes,
    read_index,
    read_packs,
)

NUMBER = st.integers(0, 2**32 - 1)
IDS = st.lists(st.binary(min_size=16, max_size=16), max_size=5)
CHANGES = st.builds(
    Change, operation=st.sampled_from([ADD, CHANGE, DELETE]), kind=st.sampled_from([FILE, FOLDER, LINK]), node=NUMBER,
    parent=NUMBER, size=st.integers(0, 2**63), chunks=IDS.map(tuple), name=st.binary(min_size=1, max_size=1020),
    mtime_ns=st.integers(-(2**63), 2**63 - 1), attributes=NUMBER,
)


def told(change: Change) -> tuple[bytes, bytes]:
    return (
        pack_structure(change.operation, change.kind, change.node, change.parent, change.size,
                       b"".join(change.chunks)),
        pack_names(change.operation, change.node, change.mtime_ns, change.attributes, change.name),
    )


@given(st.lists(CHANGES, max_size=20), st.integers(1, 5))
def test_entries_come_back(changes: list[Change], entries_per_part: int) -> None:
    both = [told(change) for change in changes]
    groups = [both[start : start + entries_per_part] for start in range(0, len(both), entries_per_part)]
    structure = iter([b"".join(one for one, _ in group) for group in groups])
    names = iter([b"".join(other for _, other in both)])
    assert list(read_changes(structure, names, "manifest")) == changes


def test_a_long_chunk_list_goes_on_in_further_records() -> None:
    ids = tuple(number.to_bytes(16, "big") for number in range(2 * CHUNKS_PER_RECORD + 5))
    large = Change(ADD, FILE, 9, 1, 123, ids, b"image", 5, 6)
    after = Change(ADD, FILE, 10, 1, 0, (), b"next", 5, 6)
    both = [told(large), told(after)]
    found = list(read_changes(iter([one for one, _ in both]), iter([other for _, other in both]), "manifest"))
    assert found == [large, after]


def test_fields_that_a_newer_program_appends_are_passed_over() -> None:
    structure, names = told(Change(ADD, FOLDER, 2, 1, 0, (), b"home", 7, 8))
    longer = struct.pack("<I", len(names) - 4 + 3) + names[4:] + b"new"
    assert next(read_changes(iter([structure]), iter([longer]), "manifest")).name == b"home"


def test_what_does_not_fit_together_is_refused() -> None:
    one, two = Change(ADD, FILE, 2, 1, 0, (), b"a", 0, 0), Change(ADD, FILE, 3, 1, 0, (), b"b", 0, 0)
    (structure, names), (more, other) = told(one), told(two)
    for left, right in (
        (structure, other), (structure + more, names), (structure, names + other), (structure[:-1], names),
        (structure, names[:-1]), (structure[:3], names), (structure, names[:2]),
    ):
        with pytest.raises(VaultDamaged):
            list(read_changes(iter([left]), iter([right]), "manifest"))


def test_a_chunk_list_without_its_file_is_refused() -> None:
    ids = bytes(16 * (CHUNKS_PER_RECORD + 1))
    record = pack_structure(ADD, FILE, 2, 1, 0, ids)
    tail = record[4 + struct.unpack_from("<I", record)[0] :]
    with pytest.raises(VaultDamaged, match="no file"):
        list(read_changes(iter([tail]), iter([]), "manifest"))


@given(st.lists(st.builds(StoredPack, NUMBER, NUMBER, st.binary(min_size=32, max_size=32)), max_size=20))
def test_lists_of_packs_come_back(packs: list[StoredPack]) -> None:
    assert list(read_packs(pack_packs(packs))) == packs


@given(st.lists(st.builds(IndexedChunk, st.binary(min_size=16, max_size=16), NUMBER, NUMBER, NUMBER, NUMBER,
                          st.integers(0, 255), st.integers(0, 255)), max_size=20))
def test_indexes_come_back(chunks: list[IndexedChunk]) -> None:
    assert list(read_index(b"".join(pack_location(*chunk) for chunk in chunks))) == chunks
