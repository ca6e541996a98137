"""The walk takes every finding in the order of the scan, and holds only so many while it waits for one."""
from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

from client.events import Event
from client.run import walk
from client.run.deduplication import ChunkStore
from client.run.entries import EntrySender
from client.run.merge import Suspect
from client.run.pipeline import Pipeline
from client.run.recorder import Recorder
from client.run.scan import Scanned
from client.run.walk import DAY, Walk, choose_suspects
from client.store.index import FILE, Indexed, IndexWriter, read_index
from client.store.settings import Settings
from protocol.messages import KnownChunks, LookupChunks
from vault.keys import derive_keys
from vault.parts import ManifestWriter
from vault.storage import FolderStorage
from vault.writer import PackWriter

VAULT = UUID(int=7)
KEYS = derive_keys(bytes(64), VAULT)
OLD = 1_700_000_000
FILES = 3 * walk.OUTSTANDING


class Backup:
    """Runs over one folder, each with the index of the one before."""

    def __init__(self, folder: Path) -> None:
        self.home, self.source, self.vault = folder / "home", folder / "source", folder / "vault"
        self.home.mkdir()
        self.source.mkdir()
        self.runs = 0
        self.events: list[Event] = []
        self.folders = [str(self.source)]

    def run(self, suspect: Suspect, tell: Callable[[Walk], None] = lambda _: None) -> Recorder:
        """One walk; `tell` is called with it after each finding."""
        self.runs += 1
        index = IndexWriter(self.home, str(VAULT), 1)
        packs = PackWriter(self.storage, VAULT, KEYS, self.runs, self.runs, lambda _: None, size=1 << 20)
        store = ChunkStore(KEYS, packs, self.lookup, lambda _: None, 1)
        entries = EntrySender(lambda _: None, 1)
        manifest = ManifestWriter(self.storage, VAULT, KEYS, self.runs, "d")
        recorder = Recorder(index, manifest, entries, self.events.append, full=False, folders=self.folders)
        begun = Walk(
            Settings(self.home, tuple(self.folders)), recorder, Pipeline(store, KEYS.gear), lambda _: tell(begun),
            suspect, index=read_index(self.home) if self.runs > 1 else None, root=1, next_node=2,
        )
        begun.execute()
        packs.finish()
        entries.finish()
        index.finish(self.runs, b"")
        return recorder

    def storage(self) -> FolderStorage:
        return FolderStorage(self.vault)

    def lookup(self, message: LookupChunks) -> KnownChunks:
        return KnownChunks(numbers=(0,) * len(message.ids))


def test_a_file_that_is_read_to_make_sure_does_not_hold_up_all_that_follow(tmp_path: Path) -> None:
    """Memory must not grow with the files: the one that is read waits in a batch that no other file ever fills."""
    backup = Backup(tmp_path)
    for number in range(FILES):
        path = backup.source / f"{number:05}"
        path.write_bytes(b"")
        os.utime(path, (OLD, OLD))  # what was written just now is read again in any case
    backup.run(lambda scanned, known: False)
    read: list[str] = []
    most: list[int] = [0]

    def suspect(scanned: Scanned, known: Indexed) -> bool:
        if not read:
            read.append(scanned.path)
        return scanned.path == read[0]

    def tell(begun: Walk) -> None:
        most[0] = max(most[0], len(begun._waiting))

    assert backup.run(suspect, tell).files == FILES
    assert read
    assert most[0] <= walk.OUTSTANDING + 1


def read_again(settings: Settings, last_day: float, today: float) -> set[int]:
    """The numbers of the unchanged-looking files, of sixty, that a run reads again; days are those since 1970."""
    suspect = choose_suspects(settings, last_day * DAY, today * DAY, ())
    seen = Scanned(FILE, b"a", "/a", (1, 1, 1, 1, 1))
    return {node for node in range(60) if suspect(seen, Indexed(FILE, b"a", node, 1, 1, 1, 1, 1, False, b""))}


def test_each_file_is_read_again_once_a_month_however_often_backups_run(tmp_path: Path) -> None:
    settings = Settings(tmp_path)
    assert read_again(settings, 20_000.1, 20_000.9) == set(), "the first run of the day had its share"
    assert read_again(settings, 20_000.9, 20_001.1) == {21, 51}
    assert read_again(settings, 20_000.9, 20_003.1) == {21, 51, 22, 52, 23, 53}, "days without a run are made up for"
    assert read_again(settings, 0, 20_000) == set(range(60))
    assert read_again(settings, 20_001, 20_000) == set(), "a clock that was set back"
    month = [read_again(settings, day, day + 1) for day in range(20_000, 20_030)]
    assert sorted(node for share in month for node in share) == list(range(60))
    assert read_again(Settings(tmp_path, rehash_seconds=0), 0, 20_000) == set()


def test_it_counts_what_each_protected_folder_holds(tmp_path: Path) -> None:
    backup = Backup(tmp_path)
    inner, other, empty = backup.source / "inner", tmp_path / "other", tmp_path / "empty"
    for folder in (inner / "deep", other, empty):
        folder.mkdir(parents=True)
    for path, size in ((backup.source / "a", 5), (inner / "b", 7), (inner / "deep" / "c", 11), (other / "d", 13)):
        path.write_bytes(b"x" * size)
    backup.folders = [str(backup.source), str(inner), str(other), str(empty)]
    first = backup.run(lambda *_: False).counts
    assert first == {str(backup.source): (3, 23), str(inner): (2, 18), str(other): (1, 13), str(empty): (0, 0)}
    (other / "d").unlink()
    other.rmdir()
    (inner / "deep" / "e").write_bytes(b"xx")
    again = backup.run(lambda *_: False).counts
    assert again == {str(backup.source): (4, 25), str(inner): (3, 20), str(empty): (0, 0)}, "the lost one keeps its own"
