"""The engine of every restore: entries with the places of their chunks in, files out.

It goes by packs, not by files: what a window of entries needs of a pack is read with one request, opened and written
where it belongs, on a few connections at once. A large file grows in its temporary from several packs.
"""
from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from uuid import UUID

from client.events import Emit, Event, Finished, Notice, Progress
from client.jobs.control import RunCancelled
from client.restores.delivery import Coming, Counts, Delivery, Wanted
from client.restores.target import Steps, Target, display, safe_name, translate
from client.system.process import tune_for_threads
from vault.errors import BackupError, ObjectMissing, TooManyConnections, VaultDamaged
from vault.keys import VaultKeys
from vault.reader import Location, Range, Reader, join
from vault.records import FILE, FOLDER, LINK
from vault.storage import Storage

WINDOW_FILES, WINDOW_FOLDERS, WINDOW_BYTES = 4_000, 200, 512 << 20
"""How much is planned at once: each bounds what is held in memory or open."""
FIRST_WINDOW = 500
"""The first windows are smaller, so that the connections have something to do at once; each is twice the last."""
AHEAD = 2
"""Ranges that may wait for each thread before planning does."""
LONGEST_LINK = 4096
REPORT_SECONDS = 0.2

Receivers = list[tuple[Coming, int]]
"""Who needs a chunk, and at which offset of the file."""


class RestoreIncomplete(BackupError):
    """{restored} of {files} files are restored and {skipped} entries were reported; others are missing."""

    code = "IBS-4206"
    hint = "What is there is complete. Restore again; if it stays so, restore with “ibs-client recover”."


class Restoration:
    """Restores entries to a target. `counts` may be read at any time."""

    def __init__(
        self, target: Target, open_storage: Callable[[], Storage], keys: VaultKeys, vault: UUID, emit: Emit,
        *, connections: int, cancelled: threading.Event | None = None,
    ) -> None:
        """`open_storage` is called for each of the `connections`; one thread more than those opens and writes. The
        restore ends soon after `cancelled` was set."""
        self._cancelled = cancelled or threading.Event()
        self._target, self._emit = target, one_at_a_time(emit)
        self._delivery = Delivery(target, self._emit)
        self._storages = [open_storage() for _ in range(connections)]
        self._connections, self._threads = connections, connections + 1
        self._idle: queue.SimpleQueue[Reader] = queue.SimpleQueue()
        for storage in self._storages:
            self._idle.put(Reader(storage, keys, vault))
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._room = threading.Semaphore(self._threads * AHEAD)
        self._failures: queue.SimpleQueue[BaseException] = queue.SimpleQueue()
        self._begin_window()
        self._window_limit = FIRST_WINDOW
        self._above: tuple[Steps, Steps] = ((), ())
        self._reported = 0.0

    @property
    def counts(self) -> Counts:
        """What is there so far."""
        return self._delivery.counts

    def restore(self, entries: Iterable[Wanted]) -> Counts:
        """Restores all `entries`, folders before what they hold.

        What can't be restored is reported as skipped. Raises TargetFull, RunCancelled, or the StorageError that ended
        it; whatever has its name by then is complete.
        """
        tune_for_threads()
        try:
            with ThreadPoolExecutor(self._threads, "restore") as pool:
                try:
                    self._read_all(entries, pool)
                except BaseException:
                    self._stop.set()
                    raise
        except BaseException:
            self._delivery.abandon()
            raise
        finally:
            self._emit(Progress(self.counts.files, self.counts.bytes, self.counts.bytes))
            for storage in self._storages:
                storage.close()
        self._delivery.finish()
        return self.counts

    def _read_all(self, entries: Iterable[Wanted], pool: ThreadPoolExecutor) -> None:
        for entry in entries:
            self._plan(entry)
            limit = min(self._window_limit, WINDOW_FILES)
            if (self._window_files >= limit or len(self._window_folders) >= WINDOW_FOLDERS
                    or self._window_bytes >= WINDOW_BYTES):
                self._submit(pool)
                self._window_limit *= 2
        self._submit(pool)
        for _ in range(self._threads * AHEAD):
            self._wait_for_room()

    # Planning

    def _begin_window(self) -> None:
        self._window: dict[Location, Receivers] = {}
        self._window_folders: set[Steps] = set()
        self._window_files = self._window_bytes = 0

    def _plan(self, wanted: Wanted) -> None:
        self.counts.entries += 1
        self.counts.listed += wanted.kind == FILE
        steps = self._spell(wanted.path)
        if steps[-1] != wanted.path[-1]:
            self._emit(Notice(f"{display(wanted.path)!r} can't be spelt here; it is restored as {display(steps)!r}."))
        try:
            if wanted.kind == FOLDER:
                self._target.describe_folder(steps, wanted.mtime_ns, wanted.attributes)
                self.counts.folders += 1
                return
            folder = self._target.folder(steps[:-1])
            if not self._target.overwrite and folder.holds(steps[-1]):
                raise FileExistsError
        except OSError as error:
            return self._delivery.skip(wanted, translate(error, display(wanted.path)))
        coming = Coming(wanted, steps, folder, len(wanted.locations))
        if reason := _objection(wanted):
            self._delivery.skip(wanted, VaultDamaged(name=display(wanted.path), reason=reason))
        elif wanted.locations:
            self._expect(coming)
        else:
            self._delivery.deliver(coming, 0, b"")

    def _spell(self, path: Steps) -> Steps:
        """The path as the system can hold it; most entries lie in the folder of the one before."""
        above, spelt = self._above
        if path[:-1] != above:
            above, spelt = self._above = path[:-1], tuple(safe_name(step) for step in path[:-1])
        return *spelt, safe_name(path[-1])

    def _expect(self, coming: Coming) -> None:
        offset = 0
        for location in coming.wanted.locations:
            assert location is not None
            self._window.setdefault(location, []).append((coming, offset))
            offset += location.plain
        self._window_files += 1
        self._window_bytes += coming.wanted.size
        self._window_folders.add(coming.steps[:-1])

    def _submit(self, pool: ThreadPoolExecutor) -> None:
        """Hands the window's ranges to the threads, in the order of the packs."""
        window = self._window
        self._begin_window()
        for extent in join(sorted(window, key=lambda place: (place.pack, place.offset))):
            self._wait_for_room()
            task = pool.submit(self._serve, extent, [window[place] for place in extent.locations])
            task.add_done_callback(self._served)

    def _wait_for_room(self) -> None:
        while not self._room.acquire(timeout=REPORT_SECONDS):
            self._tell()
        if not self._failures.empty():
            raise self._failures.get()
        self._tell()

    def _tell(self) -> None:
        if self._cancelled.is_set():
            raise RunCancelled
        now = time.monotonic()
        if now - self._reported >= REPORT_SECONDS:
            self._reported = now
            self._emit(Progress(self.counts.files, self.counts.bytes, self.counts.bytes))

    # On the threads

    def _served(self, done: Future[None]) -> None:
        if not done.cancelled() and (error := done.exception()) is not None:
            self._stop.set()
            self._failures.put(error)
        self._room.release()

    def _serve(self, extent: Range, receivers: list[Receivers]) -> None:
        """Reads a range and delivers each of its chunks; damage concerns only the files that it hits."""
        if self._stop.is_set():
            return
        try:
            data, reader = self._fetch(extent)
        except (VaultDamaged, ObjectMissing) as error:
            return self._salvage(extent, receivers, error)
        for location, several in zip(extent.locations, receivers, strict=True):
            if self._stop.is_set():
                return
            try:
                plain = reader.open(location, data[location.offset - extent.offset :][: location.length])
            except (VaultDamaged, ObjectMissing) as error:
                for coming, _ in several:
                    self._delivery.fail(coming, error)
                continue
            for coming, offset in several:
                self._delivery.deliver(coming, offset, plain)

    def _fetch(self, extent: Range) -> tuple[memoryview, Reader]:
        """A range, and who read it; a connection that the server refuses is done without while there is another."""
        while True:
            reader = self._idle.get()
            try:
                data = memoryview(reader.fetch(extent))
            except TooManyConnections:
                with self._lock:
                    self._connections -= 1
                    if self._connections:
                        continue
                self._idle.put(reader)
                raise
            except BaseException:
                self._idle.put(reader)
                raise
            self._idle.put(reader)
            with self._lock:
                self.counts.read += len(data)
            return data, reader

    def _salvage(self, extent: Range, receivers: list[Receivers], error: VaultDamaged | ObjectMissing) -> None:
        """After a range could not be read whole: its chunks one by one, since a pack may have lost its end only."""
        if isinstance(error, VaultDamaged) and len(extent.locations) > 1:
            for location, several in zip(extent.locations, receivers, strict=True):
                self._serve(next(join([location])), [several])
            return
        for coming in {coming for several in receivers for coming, _ in several}:
            self._delivery.fail(coming, error)


def one_at_a_time(emit: Emit) -> Emit:
    """The same for several threads: nobody who follows a job has to mind which of them tells."""
    turn = threading.Lock()

    def take_turn(event: Event) -> None:
        with turn:
            emit(event)

    return take_turn


def conclude(counts: Counts, snapshot: int, files: int | None, seconds: float, emit: Emit) -> Finished:
    """The end of a restore: every entry is there or reported, and `files` were to come, if that is known.

    Raises RestoreIncomplete.
    """
    expected = counts.listed if files is None else files
    reached = counts.files + counts.links + counts.folders + counts.skipped
    if counts.listed != expected or reached != counts.entries:
        raise RestoreIncomplete(restored=counts.files, files=expected, skipped=counts.skipped)
    finished = Finished(
        snapshot, counts.files, counts.bytes, counts.read, counts.bytes, counts.skipped, round(seconds, 3)
    )
    emit(finished)
    return finished


def _objection(wanted: Wanted) -> str:
    """Why an entry can't be restored, judging by its description; empty when it can."""
    if wanted.kind not in {FILE, LINK}:
        return f"its kind is {wanted.kind}"
    lengths = [location.plain for location in wanted.locations if location is not None]
    if len(lengths) < len(wanted.locations):
        return "a part of it is not in the vault"
    if wanted.kind == LINK:
        return "it is no usable link" if len(lengths) != 1 or lengths[0] > LONGEST_LINK else ""
    return "its size differs" if sum(lengths) != wanted.size else ""
