"""The golden vault of format 1: every later version reads it. It was made once by tests/vault/make_golden.py."""
from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.vault.small_vault import CODE, VAULT
from vault.blobs import CHACHA
from vault.errors import KeyRejected
from vault.history import History
from vault.keys import derive_keys, recovery_wrapping_key, unwrap_key
from vault.packs import read_pack
from vault.reader import Reader
from vault.storage import FolderStorage

GOLDEN = Path(__file__).parents[1] / "data" / "vault-1"
EXPECTED: list[dict[str, Any]] = json.loads(GOLDEN.with_suffix(".json").read_text())


@pytest.fixture
def storage() -> FolderStorage:
    return FolderStorage(GOLDEN)


@pytest.fixture
def opened(storage: FolderStorage) -> tuple[FolderStorage, History, Reader, list[str]]:
    """The vault, opened with nothing but its files and the recovery code."""
    wrapped = storage.read(storage.list("k")[0])
    key = unwrap_key(wrapped, recovery_wrapping_key(CODE, VAULT), vault=VAULT)
    keys = derive_keys(key.vault_key, VAULT, key.version)
    said: list[str] = []
    return storage, History(storage, keys, VAULT, key.signer, said.append), Reader(storage, keys, VAULT), said


@pytest.mark.parametrize("described", EXPECTED, ids=lambda described: f"run {described['run']}")
def test_every_snapshot_reads_as_it_was_written(
    opened: tuple[FolderStorage, History, Reader, list[str]], described: dict[str, Any]
) -> None:
    _, history, reader, _ = opened
    places = history.locations()
    found = []
    for entry in history.tree(described["run"]):
        content = b"".join(reader.read(places[identity] for identity in entry.chunks))
        found.append([[step.hex() for step in entry.path], entry.kind, entry.size, entry.mtime_ns, entry.attributes,
                      hashlib.sha256(content).hexdigest()])
    assert found == described["entries"]


def test_its_snapshots_are_chained_and_signed(opened: tuple[FolderStorage, History, Reader, list[str]]) -> None:
    _, history, _, said = opened
    snapshots = history.snapshots()
    assert [(snapshot.run, snapshot.digest.hex()) for snapshot in snapshots] == [
        (described["run"], described["fingerprint"]) for described in EXPECTED
    ]
    assert [snapshot.run for snapshot in snapshots] == [1, 2, 4, 7, 8]
    assert all(history.acknowledged(snapshot.run) for snapshot in snapshots)
    assert [snapshot.commit.kind for snapshot in snapshots] == ["f", "d", "d", "f", "d"]
    assert said == []


def test_it_holds_what_a_golden_vault_should(opened: tuple[FolderStorage, History, Reader, list[str]]) -> None:
    storage, history, _, _ = opened
    snapshots = history.snapshots()
    assert {bool(snapshot.commit.inline) for snapshot in snapshots} == {True, False}
    entries = list(history.tree(8))
    assert max(len(entry.chunks) for entry in entries) == 5000  # a list that goes on in a second record
    listed = [identity for entry in entries for identity in entry.chunks]
    assert len(set(listed)) < len(listed) - 5000 + 1  # deduplicated between files, too
    keys = derive_keys(bytes(range(64)), VAULT)
    ciphers = {read_pack(storage.read(name), keys, VAULT, name).cipher for name in storage.list("p/00/000")}
    assert CHACHA in ciphers
    assert sum(path.stat().st_size for path in GOLDEN.rglob("*") if path.is_file()) < 200_000


def test_a_wrong_recovery_code_opens_nothing(storage: FolderStorage) -> None:
    wrapped = storage.read(storage.list("k")[0])
    for code in ("0004-1061-050R-3GG2-8A1C-60T3-GFWF", "", "0000-0000-0000-0000-0000-0000-0000"):
        with pytest.raises(KeyRejected):
            unwrap_key(wrapped, recovery_wrapping_key(code, VAULT), vault=VAULT)


def test_it_reads_without_its_chunk_indexes(tmp_path: Path) -> None:
    copy = tmp_path / "vault-1"
    shutil.copytree(GOLDEN, copy)
    for path in copy.rglob("*-x-*.ibm"):
        path.unlink()
    keys = derive_keys(bytes(range(64)), VAULT)
    storage = FolderStorage(copy)
    history, reader = History(storage, keys, VAULT), Reader(storage, keys, VAULT)
    places = history.locations()
    letter = next(entry for entry in history.tree(8) if entry.path[-1] == b"photo.jpg")
    content = b"".join(reader.read(places[identity] for identity in letter.chunks))
    assert content == hashlib.shake_256(b"noise").digest(9_000)
