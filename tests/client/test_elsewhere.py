"""What lies in a cloud only is not fetched and not forgotten; what another program locks keeps its last version."""
from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import msgspec
import pytest

from client.events import Event, FileSkipped, Notice
from client.run.deduplication import ChunkStore
from client.run.entries import EntrySender
from client.run.pipeline import Pipeline
from client.run.recorder import Recorder
from client.run.scan import Scanned, Scanner
from client.run.walk import Walk, is_deep
from client.store.index import Indexed, IndexWriter, read_index
from client.store.settings import Settings
from client.system.kinds import ELSEWHERE, ELSEWHERE_FOLDER, JUNCTION, UNKNOWN_LINK
from client.system.sources import classify
from protocol.messages import AddEntries, KnownChunks, LookupChunks
from tests.parts.fake_windows import windows_error
from vault.errors import BackupError
from vault.keys import derive_keys
from vault.parts import ManifestWriter
from vault.storage import FolderStorage
from vault.writer import PackWriter

VAULT = UUID(int=7)
KEYS = derive_keys(bytes(64), VAULT)
OLD = 1_700_000_000
classify_here = classify
CLOUD_FILE, CLOUD_FOLDER, ODD_LINK = 0o040, 0o004, 0o002
"""Bits of the mode that stand for Windows' attributes in these tests."""

Read = Callable[[str], str]


def kind_of(status: os.stat_result) -> int:
    """A kind as Windows would tell it."""
    mode = status.st_mode
    if mode & CLOUD_FOLDER and stat.S_ISDIR(mode):
        return ELSEWHERE_FOLDER
    if mode & CLOUD_FILE and stat.S_ISREG(mode):
        return ELSEWHERE
    return UNKNOWN_LINK if mode & ODD_LINK and stat.S_ISREG(mode) else classify(status)


def as_it_lies(path: str) -> str:
    return path


class Backup:
    """Runs over one folder, each with the index of the one before; chunks that are known are not stored again."""

    def __init__(self, folder: Path) -> None:
        self.home, self.source, self.vault = folder / "home", folder / "source", folder / "vault"
        self.home.mkdir()
        self.source.mkdir(0o700)
        self.runs, self.next_node = 0, 2
        self.events: list[Event] = []
        self.sent: list[AddEntries] = []
        self.known: dict[bytes, int] = {}

    def run(self, read_at: Read = as_it_lies) -> Recorder:
        """One walk."""
        self.runs += 1
        self.events.clear()
        self.sent.clear()
        index = IndexWriter(self.home, str(VAULT), 1)
        packs = PackWriter(self.storage, VAULT, KEYS, self.runs, self.runs, lambda _: None, size=1 << 20)
        store = ChunkStore(KEYS, packs, self.lookup, lambda _: None, len(self.known) + 1)
        entries = EntrySender(lambda body: self.sent.append(msgspec.json.decode(body, type=AddEntries)), 1)
        recorder = Recorder(
            index, ManifestWriter(self.storage, VAULT, KEYS, self.runs, "d"), entries, self.events.append, full=False)
        walk = Walk(
            Settings(self.home, (str(self.source),)), recorder, Pipeline(store, KEYS.gear, read_at=read_at),
            lambda _: None, never, index=read_index(self.home) if self.runs > 1 else None, root=1,
            next_node=self.next_node, read_at=read_at, kind_of=kind_of,
        )
        walk.execute()
        self.next_node = walk._merge.next_node
        packs.finish()
        entries.finish()
        index.finish(self.runs, b"")
        self.stored = packs.bytes_stored
        for entry in self.indexed().values():
            for start in range(0, len(entry.chunks), 32):
                self.known.setdefault(entry.chunks[start:start + 32], len(self.known) + 1)
        return recorder

    def indexed(self) -> dict[bytes, Indexed]:
        """What the last snapshot holds, by name."""
        return {entry.name: entry for entry in read_index(self.home) if entry is not None}

    def write(self, name: str, content: bytes = b"", mode: int = 0o600) -> Path:
        """A file that was not written just now."""
        path = self.source / name
        path.parent.mkdir(0o700, exist_ok=True)
        path.write_bytes(content)
        path.chmod(mode)
        os.utime(path, (OLD, OLD))
        return path

    def gone(self) -> set[bytes]:
        """The names that the portal was told to be there no more; what changed is there again at once."""
        there = {entry.name for batch in self.sent for entry in batch.entries}
        return {gone.name for batch in self.sent for gone in batch.gone} - there

    def storage(self) -> FolderStorage:
        return FolderStorage(self.vault)

    def lookup(self, message: LookupChunks) -> KnownChunks:
        return KnownChunks(numbers=tuple(self.known.get(identifier, 0) for identifier in message.ids))


def never(scanned: Scanned, known: Indexed) -> bool:
    return False


@pytest.fixture
def backup(tmp_path: Path) -> Backup:
    """A folder without history."""
    return Backup(tmp_path)


def notices(backup: Backup) -> list[Notice]:
    return [event for event in backup.events if isinstance(event, Notice)]


def test_f19_a_placeholder_is_not_read_and_its_last_version_is_kept(backup: Backup) -> None:
    photo = backup.write("photo", b"pixels")
    backup.write("a letter", b"Dear")
    backup.write("z last", b"words")
    backup.run()
    before = backup.indexed()
    photo.write_bytes(b"other pixels, on another computer")
    photo.chmod(0o600 | CLOUD_FILE)
    backup.write("new in the cloud", b"never here", 0o600 | CLOUD_FILE)
    read: list[str] = []

    def read_at(path: str) -> str:
        read.append(os.path.basename(path))
        return path

    recorder = backup.run(read_at)
    assert backup.indexed()[b"photo"] == before[b"photo"]
    assert b"new in the cloud" not in backup.indexed()
    assert read.count("photo") == read.count("new in the cloud") == 0
    assert backup.gone() == set()
    assert (recorder.files, recorder.skipped, recorder.elsewhere) == (3, 0, 2)
    assert [notice.code for notice in notices(backup)] == ["IBS-4109"]
    assert notices(backup)[0].text.startswith("2 files lie in a cloud only and were not fetched")


def test_f19_a_placeholder_that_comes_back_is_the_same_file_and_is_not_stored_again(backup: Backup) -> None:
    photo = backup.write("photo", os.urandom(100_000))
    backup.run()
    before = backup.indexed()[b"photo"]
    photo.chmod(0o600 | CLOUD_FILE)
    backup.run()
    photo.chmod(0o600)
    os.utime(photo, (OLD, OLD))
    recorder = backup.run()
    after = backup.indexed()[b"photo"]
    assert (after.node, after.chunks) == (before.node, before.chunks)
    assert backup.stored < 1_000
    assert recorder.elsewhere == 0
    assert notices(backup) == []


def test_f19_a_placeholder_that_is_deleted_is_gone(backup: Backup) -> None:
    photo = backup.write("photo", b"pixels")
    backup.run()
    photo.chmod(0o600 | CLOUD_FILE)
    backup.run()
    photo.unlink()
    backup.run()
    assert backup.gone() == {b"photo"}


def test_f19_a_folder_that_only_its_cloud_could_list_keeps_all_it_had(backup: Backup) -> None:
    backup.write("album/one", b"1")
    backup.write("album/two", b"2")
    backup.write("zoo", b"3")
    backup.run()
    (backup.source / "album").chmod(0o700 | CLOUD_FOLDER)
    (backup.source / "album/two").unlink()
    backup.run()
    assert {b"one", b"two", b"zoo"} <= set(backup.indexed())
    assert backup.gone() == set()
    (backup.source / "album").chmod(0o700)
    backup.run()
    assert backup.gone() >= {b"two"}


def test_a_folder_of_which_a_placeholder_was_made_keeps_its_earlier_content(backup: Backup) -> None:
    backup.write("thing/inner", b"1")
    backup.run()
    (backup.source / "thing/inner").unlink()
    (backup.source / "thing").rmdir()
    backup.write("thing", b"", 0o600 | CLOUD_FILE)
    recorder = backup.run()
    assert {b"thing", b"inner"} <= set(backup.indexed())
    assert recorder.elsewhere == 1


def test_a_link_that_cannot_be_read_is_reported_and_not_forgotten(backup: Backup) -> None:
    link = backup.write("link", b"1")
    backup.run()
    link.chmod(0o600 | ODD_LINK)
    recorder = backup.run()
    assert b"link" in backup.indexed()
    assert recorder.skipped == 1
    assert [event.reason for event in backup.events if isinstance(event, FileSkipped)] == [
        "it is a link of a kind that can't be read here"]


def test_a_deep_scan_asks_each_file_itself_but_none_that_it_would_fetch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The listing of a folder may be behind, on Windows: a file that is open, or has another name that changed."""
    for name, mode in (("open", 0o600), ("photo", 0o600 | CLOUD_FILE)):
        (tmp_path / name).write_bytes(b"1")
        (tmp_path / name).chmod(mode)
    asked: list[str] = []
    ask = os.stat

    def stat_behind(path: str, **how: bool) -> os.stat_result:
        asked.append(os.path.basename(path))
        (tmp_path / "open").write_bytes(b"grown")
        return ask(path, **how)

    monkeypatch.setattr("client.run.scan.os.stat", stat_behind)
    problems: list[BackupError] = []
    listed, _ = Scanner((), problems.append, kind_of=kind_of, deep=True).list_folder(str(tmp_path))
    assert asked == ["open"]
    assert [(entry.name, entry.status[0]) for entry in listed] == [(b"open", 5), (b"photo", 1)]
    assert [is_deep(run, windows=True) for run in range(1, 15)].count(True) == 2
    assert not any(is_deep(run, windows=False) for run in range(100))


def test_what_the_system_keeps_for_itself_is_passed_over(backup: Backup, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "client.run.scan.names_of_system", lambda path: {"PAGEFILE.SYS"} if path.endswith("C") else set())
    for name in ("C/pagefile.sys", "C/letter", "C D/pagefile.sys"):
        backup.write(name, b"1")
    assert backup.run().files == 2
    assert {b"C", b"letter", b"C D", b"pagefile.sys"} <= set(backup.indexed())


def test_a_volume_in_a_folder_is_not_entered_and_that_is_said(backup: Backup, monkeypatch: pytest.MonkeyPatch) -> None:
    backup.write("disk/of another volume", b"1")
    (backup.source / "old").symlink_to("new")
    target = backup.source / "volume"
    target.symlink_to("disk")
    monkeypatch.setattr("client.run.scan.is_other_volume", lambda path: path.endswith("volume"))
    monkeypatch.setitem(globals(), "classify", lambda status: JUNCTION if stat.S_ISLNK(status.st_mode)
                        else classify_here(status))
    done = backup.run()
    assert {b"volume", b"old", b"of another volume"} <= set(backup.indexed())
    assert (done.files, done.skipped) == (1, 0)
    assert [notice.code for notice in notices(backup)] == ["IBS-4111"]
    assert str(target) in notices(backup)[0].text


def test_f19_a_file_that_leaves_for_the_cloud_while_it_is_read_counts_as_one_that_lies_there(
    backup: Backup, monkeypatch: pytest.MonkeyPatch,
) -> None:
    from client.run import pipeline, recorder
    from client.system.windows.files import is_elsewhere

    photo = backup.write("photo", b"pixels")
    backup.run()
    before = backup.indexed()[b"photo"]
    photo.write_bytes(b"edited")
    opened = pipeline.open_source

    def recalled(path: str) -> int:
        if path.endswith("photo"):
            raise windows_error(362, "The cloud file provider is not running", path)
        return opened(path)

    monkeypatch.setattr(pipeline, "open_source", recalled)
    monkeypatch.setattr(recorder, "is_elsewhere", is_elsewhere)
    done = backup.run()
    assert (done.skipped, done.elsewhere) == (0, 1)
    assert backup.indexed()[b"photo"] == before


@pytest.mark.parametrize("number", [32, 33])
def test_a_file_that_another_program_locks_is_reported_and_its_last_version_stays_open(
    backup: Backup, monkeypatch: pytest.MonkeyPatch, number: int,
) -> None:
    from client.run import pipeline, recorder
    from client.system.windows.files import explain_failure

    mailbox = backup.write("mail.pst", b"letters")
    backup.run()
    before = backup.indexed()[b"mail.pst"]
    mailbox.write_bytes(b"more letters")

    def locked(path: str) -> int:
        raise windows_error(number, "The process cannot access the file", path)

    monkeypatch.setattr(pipeline, "open_source", locked)
    monkeypatch.setattr(recorder, "explain_failure", explain_failure)
    done = backup.run()
    assert done.skipped == 1
    assert backup.indexed()[b"mail.pst"] == before
    assert backup.gone() == set()
    assert [event.reason for event in backup.events if isinstance(event, FileSkipped)] == [
        "another program has it open and lets nobody else read it"]


def test_a_name_that_changes_its_case_alone_costs_no_content_and_both_runs_have_it_right(backup: Backup) -> None:
    backup.write("Letters/Report.txt", os.urandom(200_000))
    backup.write("Letters/other", b"2")
    backup.run()
    before = backup.indexed()
    (backup.source / "Letters/Report.txt").rename(backup.source / "Letters/REPORT.txt")
    backup.run()
    assert set(backup.indexed()) - set(before) == {b"REPORT.txt"}
    assert set(before) - set(backup.indexed()) == {b"Report.txt"}
    assert backup.indexed()[b"REPORT.txt"].chunks == before[b"Report.txt"].chunks
    assert backup.gone() == {b"Report.txt"}
    assert backup.stored < 1_000
    (backup.source / "Letters").rename(backup.source / "letters")
    backup.run()
    assert {b"letters", b"REPORT.txt", b"other"} <= set(backup.indexed())
    assert b"Letters" not in backup.indexed()
    assert backup.stored < 1_000


def test_files_are_read_where_the_shadow_copy_shows_them_and_named_as_they_are(backup: Backup, tmp_path: Path) -> None:
    backup.write("folder/file", b"as it is now")
    copy = tmp_path / "copy"
    copy.mkdir()
    for path, content in (("folder/file", b"as it was"), ("folder/large", os.urandom(3_000_000))):
        place = copy / str(backup.source).lstrip("/") / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
        place.chmod(0o600)
    (place.parent / "link").symlink_to("file")
    place.parent.chmod(0o700)
    place.parent.parent.chmod(0o700)

    def read_at(path: str) -> str:
        return str(copy) + path

    done = backup.run(read_at)
    assert done.skipped == 0
    assert {b"folder", b"file", b"large", b"link", b"source"} <= set(backup.indexed())
    assert backup.indexed()[b"file"].size == len(b"as it was")
    assert (done.files, done.bytes) == (2, 3_000_009)
