"""Packs reach the storage completely, in spite of slow, failing and crowded storages, or the run hears of it."""
from __future__ import annotations

import collections
import threading
import time
from pathlib import Path
from uuid import UUID

import pytest

from vault import writer
from vault.chunks import chunk_id
from vault.errors import StorageError, StorageFull, StorageSilent, StorageUnreachable, TooManyConnections
from vault.keys import derive_keys
from vault.packing import ClosedPack, CompressedChunk
from vault.packs import read_pack
from vault.storage import FolderStorage
from vault.writer import PackWriter

VAULT = UUID(int=7)
KEYS = derive_keys(bytes(64), VAULT)


class Moody(FolderStorage):
    """A folder that fails as a test says: `moods` are raised one by one before it works."""

    def __init__(self, folder: Path, moods: list[StorageError], pause: float = 0) -> None:
        super().__init__(folder)
        self.moods, self.pause = moods, pause

    def put_new(self, name: str, data: bytes | bytearray | memoryview) -> None:
        time.sleep(self.pause)
        if self.moods:
            raise self.moods.pop(0)
        super().put_new(name, data)


class Crowded(FolderStorage):
    """Lets in one connection at a time, as a server with a limit does."""

    seats = threading.Semaphore(1)

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.seated = False

    def put_new(self, name: str, data: bytes | bytearray | memoryview) -> None:
        if not self.seated and not Crowded.seats.acquire(blocking=False):
            raise TooManyConnections(reason="421 too many")
        self.seated = True
        time.sleep(0.01)
        super().put_new(name, data)

    def close(self) -> None:
        if self.seated:
            self.seated = False
            Crowded.seats.release()


def make_chunk(number: int, size: int = 400_000) -> CompressedChunk:
    plain = number.to_bytes(4, "big") * (size // 4)
    identity = chunk_id(KEYS.chunk, plain)
    return CompressedChunk(number, identity, 0, plain[: size // 4], len(plain))


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "FIRST_PAUSE", 0.01)


def make_writer(open_storage: object, closed: list[ClosedPack], connections: int = 2) -> PackWriter:
    return PackWriter(
        open_storage, VAULT, KEYS, 1, 5, closed.append, size=1 << 20, connections=connections  # type: ignore[arg-type]
    )


def test_every_chunk_lies_in_a_pack_that_reads_back(tmp_path: Path) -> None:
    closed: list[ClosedPack] = []
    packs = make_writer(lambda: FolderStorage(tmp_path), closed)
    for number in range(60):
        packs.add(make_chunk(number))
    assert packs.finish() == 5 + len(closed)
    assert sorted(chunk.number for pack in closed for chunk in pack.chunks) == list(range(60))
    for path in tmp_path.rglob("*.ibp"):
        read_pack(path.read_bytes(), KEYS, VAULT, path.name)
        assert path.stat().st_size <= 1 << 20
    assert packs.bytes_stored == sum(path.stat().st_size for path in tmp_path.rglob("*.ibp"))


def test_an_empty_run_stores_no_pack(tmp_path: Path) -> None:
    assert make_writer(lambda: FolderStorage(tmp_path), []).finish() == 5
    assert not list(tmp_path.rglob("*.ibp"))


def test_a_failure_that_passes_is_tried_again(tmp_path: Path) -> None:
    closed: list[ClosedPack] = []
    packs = make_writer(lambda: Moody(tmp_path, [StorageSilent(reason="a moment")] * 2), closed)
    packs.add(make_chunk(1))
    packs.finish()
    assert len(closed) == 1


def test_a_storage_that_is_started_again_is_waited_for_longer_than_one_that_fails(tmp_path: Path) -> None:
    gone, silent = StorageUnreachable(host="nas", reason="refused"), StorageSilent(reason="still")
    assert stored_after([gone] * 5, tmp_path) == 1
    assert stored_after([silent] * 3, tmp_path) == 1
    with pytest.raises(StorageUnreachable):
        stored_after([gone] * 6, tmp_path)
    with pytest.raises(StorageSilent):
        stored_after([silent] * 4, tmp_path)


def stored_after(failures: list[StorageError], folder: Path) -> int:
    """Packs that are stored when the storage fails so at first."""
    closed: list[ClosedPack] = []
    packs = make_writer(lambda: Moody(folder, failures), closed)
    packs.add(make_chunk(1))
    packs.finish()
    return len(closed)


def test_a_name_that_a_torn_upload_holds_is_not_used_again(tmp_path: Path) -> None:
    """On a storage where computers may not delete, an upload cut in half keeps its name for ever."""

    class Tearing(FolderStorage):
        torn: str = ""

        def put_new(self, name: str, data: bytes | bytearray | memoryview) -> None:
            if not self.torn:
                self.torn = name
                super().put_new(name, bytes(data)[:1000])
            super().put_new(name, data)

    closed: list[ClosedPack] = []
    storage = Tearing(tmp_path)
    packs = make_writer(lambda: storage, closed)
    packs.add(make_chunk(1))
    packs.finish()
    names = [path.name for path in tmp_path.rglob("*.ibp") if path.name != Path(storage.torn).name]
    assert names == [f"00000005-{closed[0].pack.sha256.hex()[:16]}.ibp"]
    read_pack(next(tmp_path.rglob(names[0])).read_bytes(), KEYS, VAULT, names[0])


def test_f13_a_failure_that_stays_ends_the_run(tmp_path: Path) -> None:
    closed: list[ClosedPack] = []
    packs = make_writer(lambda: Moody(tmp_path, [StorageSilent(reason="for ever")] * 99), closed)
    packs.add(make_chunk(1))
    with pytest.raises(StorageSilent):
        packs.finish()
    assert closed == []


def test_f16_a_full_storage_ends_the_run_while_it_adds(tmp_path: Path) -> None:
    packs = make_writer(lambda: Moody(tmp_path, [StorageFull(reason="552")] * 99), [])
    chunks = map(make_chunk, range(200))
    with pytest.raises(StorageFull):
        collections.deque(map(packs.add, chunks), maxlen=0)
    packs.abort()


def test_a_slow_storage_makes_the_run_wait_instead_of_filling_the_memory(tmp_path: Path) -> None:
    closed: list[ClosedPack] = []
    packs = make_writer(lambda: Moody(tmp_path, [], pause=0.05), closed)
    for number in range(40):
        packs.add(make_chunk(number))
        assert packs._builders <= 3
    packs.finish()
    assert sum(len(pack.chunks) for pack in closed) == 40


def test_f14_a_storage_with_one_seat_gets_every_pack(tmp_path: Path) -> None:
    closed: list[ClosedPack] = []
    packs = make_writer(lambda: Crowded(tmp_path), closed, connections=4)
    for number in range(80):
        packs.add(make_chunk(number))
    packs.finish()
    assert sum(len(pack.chunks) for pack in closed) == 80


def test_f14_a_storage_without_a_seat_is_asked_for_a_bounded_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "CONNECTION_TRIES", 5)
    packs = make_writer(lambda: Moody(tmp_path, [TooManyConnections(reason="421")] * 99), [])
    packs.add(make_chunk(1))
    with pytest.raises(TooManyConnections):
        packs.finish()


def test_what_the_portal_refuses_ends_the_run(tmp_path: Path) -> None:
    def refuse(_: ClosedPack) -> None:
        raise StorageFull(reason="the portal's word")

    packs = PackWriter(lambda: FolderStorage(tmp_path), VAULT, KEYS, 1, 5, refuse, size=1 << 20)
    packs.add(make_chunk(1))
    with pytest.raises(StorageFull):
        packs.finish()


def test_a_stored_pack_is_known_before_the_portal_is_told_of_it(tmp_path: Path) -> None:
    """The last parts of a manifest are stored while the portal still answers; the run's end waits for both."""
    answer = threading.Event()
    kept: list[ClosedPack] = []
    told: list[ClosedPack] = []

    def tell(closed: ClosedPack) -> None:
        assert answer.wait(10)
        told.append(closed)

    packs = PackWriter(
        lambda: FolderStorage(tmp_path), VAULT, KEYS, 1, 5, tell, size=1 << 20, connections=2, kept=kept.append
    )
    packs.add(make_chunk(1))
    packs.flush()
    packs.wait()
    assert [pack.pack.number for pack in kept] == [5]
    assert told == []
    answer.set()
    packs.finish()
    assert told == kept


def test_other_objects_go_over_the_same_connections_and_are_waited_for(tmp_path: Path) -> None:
    packs = make_writer(lambda: FolderStorage(tmp_path), [])
    packs.do(lambda storage: storage.put_new("s/part", b"records"))
    packs.wait()
    assert (tmp_path / "s/part").read_bytes() == b"records"
    packs.finish()


def test_an_object_that_can_not_be_stored_ends_the_run(tmp_path: Path) -> None:
    packs = make_writer(lambda: Moody(tmp_path, [StorageFull(reason="552")] * 9), [])
    packs.do(lambda storage: storage.put_new("s/part", b"records"))
    with pytest.raises(StorageFull):
        packs.wait()
    packs.abort()


def test_the_first_packs_are_small_so_that_the_line_is_soon_busy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "FIRST_SIZE", 1 << 18)
    packs = make_writer(lambda: FolderStorage(tmp_path), [])
    for number in range(40):
        packs.add(make_chunk(number))
    packs.finish()
    sizes = [path.stat().st_size for path in sorted(tmp_path.rglob("*.ibp"))]
    assert sizes[0] < 280_000
    assert 280_000 < sizes[1] < 560_000
    assert 900_000 < sizes[2] <= 1 << 20


def test_a_connection_is_made_before_the_first_pack_is_full(tmp_path: Path) -> None:
    connected = threading.Event()

    class Telling(FolderStorage):
        def size(self, name: str) -> int | None:
            connected.set()
            return super().size(name)

    packs = make_writer(lambda: Telling(tmp_path), [])
    packs.add(make_chunk(1))
    assert connected.wait(10)
    packs.finish()


def test_a_run_that_failed_lets_its_other_uploads_tidy_up(tmp_path: Path) -> None:
    """Their threads end with the program; what they had begun to store would stay on the storage for ever."""
    begun = threading.Event()

    class Leaving(FolderStorage):
        def put_new(self, name: str, data: bytes | bytearray | memoryview) -> None:
            if not begun.is_set():
                begun.set()
                (self.folder / "left.part").write_bytes(b"half")
                time.sleep(0.5)
                (self.folder / "left.part").unlink()
                raise StorageFull(reason="552")
            raise StorageFull(reason="552 at once")

    packs = make_writer(lambda: Leaving(tmp_path), [])
    packs.add(make_chunk(1))
    packs.flush()
    assert begun.wait(10)
    packs.do(lambda storage: storage.put_new("other", b"x"))
    with pytest.raises(StorageFull):
        packs.wait()
    assert (tmp_path / "left.part").exists()
    packs.abort()
    assert not (tmp_path / "left.part").exists()
