"""Snapshots, trees and locations from the storage alone, also when the storage lies or has lost something."""
from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.vault.small_vault import SIGNING_KEY, VAULT, Item, SmallVault, Steps, folder
from vault.errors import CommitInvalid, SnapshotMissing, VaultDamaged
from vault.history import History
from vault.layout import acknowledgement_name, commit_name
from vault.manifests import NAMES, open_section, seal_section
from vault.reader import Reader
from vault.records import FILE, FOLDER, LINK
from vault.storage import FolderStorage

SIGNER = Ed25519PrivateKey.from_private_bytes(SIGNING_KEY).public_key().public_bytes_raw()

FIRST = {
    (b"home",): folder(),
    (b"home", b"a"): folder(),
    (b"home", b"a b"): folder(),
    (b"home", b"a", b"notes"): Item(content=b"one"),
    (b"home", b"a", b"same"): Item(content=b"unchanged"),
    (b"home", b"a b", b"link"): Item(LINK, b"../a/notes", attributes=0o777),
    (b"home", b"empty"): Item(),
}
SECOND = {
    **FIRST,
    (b"home", b"a", b"notes"): Item(content=b"two", mtime_ns=1_700_000_001_000_000_000),
    (b"home", b"new"): Item(content=b"unchanged"),
}
THIRD = {path: item for path, item in SECOND.items() if path[:2] != (b"home", b"a b")}


class LyingStorage(FolderStorage):
    """Listings show every other entry."""

    def list(self, folder: str) -> list[str]:
        return super().list(folder)[::2]


class EmptyListings(FolderStorage):
    """Listings show nothing."""

    def list(self, folder: str) -> list[str]:
        return []


class NoPacks(FolderStorage):
    """Notes when a pack is read."""

    def read(self, name: str, offset: int = 0, length: int | None = None) -> bytes:
        assert not name.startswith("p/"), "the history reads no pack"
        return super().read(name, offset, length)


@pytest.fixture(params=["parts", "inline"])
def vault(request: pytest.FixtureRequest, tmp_path: Path) -> SmallVault:
    made = SmallVault(tmp_path, SIGNER, inline=request.param == "inline")
    made.create()
    for run, tree in ((1, FIRST), (2, SECOND), (5, THIRD)):
        made.store(run, tree)
    return made


def history_of(vault: SmallVault, kind: type[FolderStorage] = FolderStorage) -> tuple[History, list[str]]:
    said: list[str] = []
    return History(kind(vault.folder), vault.keys, VAULT, SIGNER, said.append), said


def restored(vault: SmallVault, history: History, run: int) -> dict[Steps, Item]:
    """The tree of a snapshot with its contents, through the same reader that restores use."""
    entries = list(history.tree(run))
    places = history.locations({identity for entry in entries for identity in entry.chunks})
    reader = Reader(vault.storage, vault.keys, VAULT)
    return {
        entry.path: Item(entry.kind, b"".join(reader.read(places[identity] for identity in entry.chunks)),
                         entry.mtime_ns, entry.attributes)
        for entry in entries
    }


def test_it_finds_the_snapshots_and_their_trees(vault: SmallVault) -> None:
    history, said = history_of(vault)
    assert [snapshot.run for snapshot in history.snapshots()] == [1, 2, 5]
    for run, tree in ((1, FIRST), (2, SECOND), (5, THIRD)):
        assert restored(vault, history, run) == tree
    assert said == []


def test_it_reads_no_pack(vault: SmallVault) -> None:
    history, _ = history_of(vault, NoPacks)
    assert len(list(history.tree(5))) == len(THIRD)
    assert len(history.locations()) == 4


def test_folders_come_before_what_they_hold_in_byte_order(vault: SmallVault) -> None:
    paths = [entry.path for entry in history_of(vault)[0].tree(2)]
    assert paths == sorted(paths)


@pytest.mark.parametrize("kind", [LyingStorage, EmptyListings])
def test_it_finds_snapshots_that_listings_hide(vault: SmallVault, kind: type[FolderStorage]) -> None:
    assert [snapshot.run for snapshot in history_of(vault, kind)[0].snapshots()] == [1, 2, 5]


def test_it_finds_runs_far_beyond_a_gap_that_a_listing_shows(vault: SmallVault) -> None:
    vault.store(400, SECOND)
    assert [snapshot.run for snapshot in history_of(vault)[0].snapshots()] == [1, 2, 5, 400]


def test_a_checkpoint_needs_nothing_older(vault: SmallVault) -> None:
    vault.store(6, SECOND, checkpoint=True)
    vault.store(7, THIRD)
    for name in vault.storage.list("s/00/000"):
        if "-d-" in name or "-f-" in name:
            run = int(name.rsplit("/", 1)[1][:8])
            if run < 6:
                vault.storage.delete(name)
    assert restored(vault, history_of(vault)[0], 7) == THIRD


def test_an_interrupted_run_is_no_snapshot_and_its_packs_do_no_harm(vault: SmallVault) -> None:
    vault.store(6, {**THIRD, (b"home", b"lost"): Item(content=b"never committed")}, commit=False)
    history, said = history_of(vault)
    assert [snapshot.run for snapshot in history.snapshots()] == [1, 2, 5]
    assert said == []


def test_a_torn_commit_is_ignored_and_reported(vault: SmallVault) -> None:
    vault.store(6, SECOND)
    path = vault.folder / commit_name(6)
    path.write_bytes(path.read_bytes()[:-1])
    history, said = history_of(vault)
    assert history.snapshot().run == 5
    assert [text for text in said if "run 6" in text]


def test_a_snapshot_whose_parent_is_lost_says_so_and_signed_older_ones_stay(vault: SmallVault) -> None:
    (vault.folder / commit_name(2)).write_bytes(b"rubbish")
    history, said = history_of(vault)
    assert [snapshot.run for snapshot in history.snapshots()] == [1, 5]
    assert restored(vault, history, 1) == FIRST
    with pytest.raises(CommitInvalid, match="run 2"):
        list(history.tree(5))
    assert any("run 2" in text for text in said)


def test_a_forged_newer_commit_off_the_chain_is_left_alone(vault: SmallVault) -> None:
    # A computer holds the keys and may write commits; the portal never signed this one, and its parent is made up.
    forged = SmallVault(vault.folder, b"")
    forged.nodes, forged.next_pack, forged.last = 100, 100, 4
    forged.commits[4] = b"made up"
    forged.store(9, FIRST, checkpoint=True)
    history, said = history_of(vault)
    assert history.snapshot().run == 5
    assert any("Run 9 is not part of the chain" in text for text in said)


def test_a_parent_that_was_written_anew_is_not_the_parent(tmp_path: Path) -> None:
    vault = SmallVault(tmp_path)
    vault.store(1, FIRST)
    vault.store(2, SECOND)
    other = SmallVault(tmp_path / "elsewhere")
    other.nodes = 50
    other.store(1, THIRD)
    (tmp_path / commit_name(1)).write_bytes(other.commits[1])
    said: list[str] = []
    history = History(vault.storage, vault.keys, VAULT, None, said.append)
    assert [snapshot.run for snapshot in history.snapshots()] == [2]
    with pytest.raises(CommitInvalid, match="run 1"):
        list(history.tree(2))
    assert any("run 1, is lost" in text for text in said)


def test_a_part_in_the_place_of_another_is_noticed(tmp_path: Path) -> None:
    vault = SmallVault(tmp_path)
    vault.store(1, FIRST)
    name = next(name for name in vault.storage.list("s/00/000") if "-f-p0001" in name)
    names = open_section(vault.keys, VAULT, 1, NAMES, vault.storage.read(name), name)
    renamed = names.replace(b"notes", b"n0tes")
    (tmp_path / name).write_bytes(seal_section(vault.keys, VAULT, 1, "f", NAMES, 1, renamed))
    with pytest.raises(VaultDamaged, match="check sum"):
        list(History(vault.storage, vault.keys, VAULT).tree(1))


def test_a_commit_that_the_portal_has_not_signed_yet_still_counts(vault: SmallVault) -> None:
    (vault.folder / acknowledgement_name(5)).unlink()
    history, _ = history_of(vault)
    assert history.snapshot().run == 5
    assert not history.acknowledged(5)
    assert history.acknowledged(2)


def test_a_commit_moved_to_another_run_is_refused(vault: SmallVault) -> None:
    (vault.folder / commit_name(6)).write_bytes(vault.commits[5])
    history, said = history_of(vault)
    assert history.snapshot().run == 5
    assert any("run 6" in text for text in said)


def test_there_is_no_snapshot_three(vault: SmallVault) -> None:
    with pytest.raises(SnapshotMissing):
        history_of(vault)[0].tree(3)


def test_a_lost_chunk_index_is_made_good_from_the_packs(tmp_path: Path) -> None:
    vault = SmallVault(tmp_path, SIGNER)
    vault.create()
    for run, tree in ((1, FIRST), (2, SECOND), (3, THIRD)):
        vault.store(run, tree)
    whole = history_of(vault)[0].locations()
    vault.storage.delete(next(name for name in vault.storage.list("s/00/000") if "00000001-x-p0003" in name))
    history, said = history_of(vault)
    assert history.locations() == whole
    assert len(said) == 1
    vault.storage.delete(next(name for name in vault.storage.list("s/00/000") if "00000001-x-p0002" in name))
    history, said = history_of(vault)
    assert restored(vault, history, 1) == FIRST  # the list of packs is lost, too: the storage is searched


def test_every_flipped_byte_of_a_part_is_noticed(tmp_path: Path) -> None:
    vault = SmallVault(tmp_path, SIGNER)
    vault.create()
    vault.store(1, FIRST)
    for name in [name for name in vault.storage.list("s/00/000") if "-f-" in name]:
        path = tmp_path / name
        content = path.read_bytes()
        for place in range(0, len(content), 7):
            path.write_bytes(content[:place] + bytes([content[place] ^ 0x40]) + content[place + 1 :])
            with pytest.raises(VaultDamaged):
                list(history_of(vault)[0].tree(1))
        path.write_bytes(content)
    assert restored(vault, history_of(vault)[0], 1) == FIRST


def test_every_flipped_byte_of_a_commit_is_noticed(vault: SmallVault) -> None:
    path = vault.folder / commit_name(5)
    content = path.read_bytes()
    for place in range(0, len(content), 41):
        path.write_bytes(content[:place] + bytes([content[place] ^ 0x01]) + content[place + 1 :])
        assert history_of(vault)[0].snapshot().run == 2


def test_kinds_and_times_come_back(vault: SmallVault) -> None:
    kinds = {entry.path: entry.kind for entry in history_of(vault)[0].tree(1)}
    assert kinds[(b"home", b"a b", b"link")] == LINK
    assert kinds[(b"home", b"a b")] == FOLDER
    assert kinds[(b"home", b"empty")] == FILE
