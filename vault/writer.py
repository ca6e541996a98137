"""Writing packs: blobs into pack files, and these onto the storage while the next one fills."""
from __future__ import annotations

import contextlib
import itertools
import os
import queue
import threading
from collections.abc import Callable, Sequence
from uuid import UUID

from vault.blobs import OVERHEAD
from vault.errors import BackupError, NameTaken, StorageUnreachable, TooManyConnections, TransferFailed
from vault.keys import VaultKeys
from vault.layout import VAULT_FILE, pack_name
from vault.packing import ClosedPack, CompressedChunk, NumberedChunk
from vault.packs import DEFAULT_SIZE, PackBuilder
from vault.records import StoredPack
from vault.storage import Storage

BUFFER_LIMIT = 26 << 20
"""Packs under way, the filling one included, take at most so much memory; with many connections they are smaller."""
SMALLEST = 4 << 20
"""Connections are rather done without than packs made smaller than this."""
ATTEMPTS = 4
FIRST_PAUSE = 1.0
"""Seconds before a transfer is tried again; doubled each time."""
ATTEMPTS_TO_REACH = 6
"""For a storage that can't be reached: half a minute, in which a server is started again."""
FIRST_SIZE = 2 << 20
"""The first pack of a run is sent at this size, the next at twice as much and so on, so that the line is soon busy."""
UNTOLD = 2
"""So many stored packs may wait until the portal is told of them, before their connections wait, too."""
SOON = 0.1
"""Seconds to wait for a buffer before another one is made."""
TIDYING = 10.0
"""Seconds that the other uploads have, when one has failed, to remove what they leave behind."""
SALT = 16
CONNECTION_TRIES = 60
"""How often the last connection asks a storage that lets nobody in, a pause apart."""


Task = tuple[PackBuilder, list[int]]
Job = Callable[[Storage], None]


def attempt(action: Callable[[], None], stop: threading.Event) -> None:
    """Does `action`, again after a pause when its failure may pass; raises its last failure."""
    for number in itertools.count():
        try:
            return action()
        except TooManyConnections:
            raise
        except BackupError as error:
            last = number + 1 >= (ATTEMPTS_TO_REACH if isinstance(error, StorageUnreachable) else ATTEMPTS)
            if not error.retry or last or stop.wait(FIRST_PAUSE * 2**number):
                raise
    return None


class PackWriter:
    """Fills packs and stores them over up to `connections` connections. `add` may be called by several threads."""

    def __init__(
        self,
        open_storage: Callable[[], Storage],
        vault: UUID,
        keys: VaultKeys,
        run: int,
        next_pack: int,
        stored: Callable[[ClosedPack], None],
        *,
        size: int = DEFAULT_SIZE,
        connections: int = 1,
        cipher: int = 1,
        kept: Callable[[ClosedPack], None] | None = None,
    ) -> None:
        """`kept` is called, by the thread that stored it, with each pack that lies on the storage; then `stored`, on a
        thread of its own, for one after the other. What they raise ends the run. Each upload thread opens a storage
        of its own."""
        self._open_storage, self._vault, self._run, self._stored = open_storage, vault, run, stored
        self._kept = kept
        self._limit = max(1, min(connections, BUFFER_LIMIT // SMALLEST - 1))
        self._keys, self._size, self._cipher = keys, min(size, BUFFER_LIMIT // (self._limit + 1)), cipher
        self._next = self._first = next_pack
        self._lock = threading.Lock()
        self._filling: PackBuilder | None = None
        self._numbers: list[int] = []
        self._builders = 0
        self._free: queue.SimpleQueue[PackBuilder | None] = queue.SimpleQueue()
        self._full: queue.SimpleQueue[Task | Job | None] = queue.SimpleQueue()
        self._closed: queue.SimpleQueue[ClosedPack | None] = queue.SimpleQueue()
        self._untold = threading.Semaphore(UNTOLD)
        self._changed = threading.Condition()
        self._threads = 0
        self._under_way = self._waiting = 0  # not stored yet; stored, and the portal not told
        self._failure: BaseException | None = None
        self._stop = threading.Event()
        self.bytes_stored = 0

    def keeps_up(self) -> bool:
        """Whether the storage takes packs as quickly as they fill: then the processor is what the run waits for."""
        return self._under_way <= 1

    def add(self, chunk: CompressedChunk) -> None:
        """As `add_all`, for one."""
        self.add_all([chunk])

    def add_all(self, chunks: Sequence[CompressedChunk]) -> None:
        """Seals chunks into the pack that fills. Waits while all buffers are under way; raises what made an upload
        fail."""
        salts = os.urandom(SALT * len(chunks))  # in one go: whoever asks the system lets all other threads in between
        with self._lock:
            self._raise_failure()
            for place, chunk in enumerate(chunks):
                if self._filling is not None and not self._fits(self._filling, len(chunk.content) + OVERHEAD):
                    self._send()
                builder = self._filling or self._begin()
                salt = salts[place * SALT : (place + 1) * SALT]
                builder.seal(chunk.id, chunk.compression, chunk.content, chunk.plain, salt)
                self._numbers.append(chunk.number)

    def _fits(self, builder: PackBuilder, length: int) -> bool:
        early = FIRST_SIZE << min(builder.number - self._first, 8)
        return builder.fits(length) and (not builder.blobs or builder.used + length <= early)

    def flush(self) -> None:
        """Sends the pack that fills on its way; usually the last one."""
        with self._lock:
            if self._filling is not None and self._failure is None:
                self._send(more=False)

    def do(self, job: Job) -> None:
        """Does something else on one of the connections, after the packs that were sent before."""
        self._queue(job, more=False)

    def wait(self) -> None:
        """Waits until all that was sent is stored, `finish` alone also for the portal. Raises what made it fail."""
        with self._changed:
            self._changed.wait_for(lambda: not self._under_way or self._failure is not None)
        self._raise_failure()

    def finish(self) -> int:
        """Stores the last pack and waits for all; returns the number of the next pack. Raises what made one fail."""
        self.flush()
        with self._changed:
            self._changed.wait_for(lambda: not self._under_way + self._waiting or self._failure is not None)
        self._end()
        self._raise_failure()
        return self._next

    def stop(self, error: BaseException) -> None:
        """Whoever adds or waits gets `error`."""
        self._fail(error)

    def abort(self) -> None:
        """Stores nothing more. The threads end by themselves, waited for only after a failure, as they tidy up then."""
        failed = isinstance(self._failure, BackupError)
        self._fail(TransferFailed(name="the run", reason="it was stopped"))
        with self._changed:
            for _ in range(self._threads):
                self._full.put(None)
            if failed:
                self._changed.wait_for(lambda: not self._threads, TIDYING)

    def _end(self) -> None:
        with self._changed:
            for _ in range(self._threads):
                self._full.put(None)
            self._changed.wait_for(lambda: not self._threads)

    def _raise_failure(self) -> None:
        if self._failure is not None:
            raise self._failure

    def _begin(self) -> PackBuilder:
        builder = self._take_builder()
        self._raise_failure()
        assert builder is not None  # None is only put beside a failure
        builder.begin(self._next, self._run)
        self._next += 1
        if self._limit > 1:
            with self._changed:
                self._start_thread(1)
        self._filling, self._numbers = builder, []
        return builder

    def _take_builder(self) -> PackBuilder | None:
        """A free buffer; another one only when none comes soon, as it does on a quick line, and the limit allows."""
        if self._builders:
            with contextlib.suppress(queue.Empty):
                return self._free.get(timeout=None if self._builders > self._limit else SOON)
        self._builders += 1
        return PackBuilder(self._vault, self._keys, self._size, self._cipher)

    def _send(self, *, more: bool = True) -> None:
        """The pack that fills goes on its way; `more` of them are to come."""
        assert self._filling is not None
        self._queue((self._filling, self._numbers), more=more)
        self._filling = None

    def _queue(self, task: Task | Job, *, more: bool) -> None:
        with self._changed:
            self._under_way += 1
            self._full.put(task)
            self._start_thread(self._under_way + (more and self._limit > 1))

    def _start_thread(self, wanted: int) -> None:
        """One more connection, up to as many as are `wanted`; it is made before there is something to send."""
        if self._threads < min(self._limit, wanted):
            if not self._threads:
                threading.Thread(target=self._tell, name="register", daemon=True).start()
            self._threads += 1
            threading.Thread(target=self._upload, name=f"upload-{self._threads}", daemon=True).start()

    def _upload(self) -> None:
        storage: Storage | None = None
        try:
            storage = self._open_storage()
            if self._limit > 1:
                with contextlib.suppress(BackupError):  # what fails here fails again with the first pack
                    storage.size(VAULT_FILE)
            while (task := self._full.get()) is not None:
                if self._failure is None and not self._store_or_pass_on(storage, task):
                    return
        except BaseException as error:  # noqa: BLE001 - handed to the thread that waits in add or finish
            self._fail(error)
        finally:
            if storage is not None:
                with contextlib.suppress(BackupError):
                    storage.close()
            with self._changed:
                self._threads -= 1
                if not self._threads:
                    self._closed.put(None)
                self._changed.notify_all()

    def _tell(self) -> None:
        """Tells of the stored packs, so that their connections go on with the next ones in the meantime."""
        while (closed := self._closed.get()) is not None:
            if self._failure is None:
                try:
                    self._stored(closed)
                except BaseException as error:  # noqa: BLE001 - handed to the thread that waits in add or finish
                    self._fail(error)
            self._untold.release()
            with self._changed:
                self._waiting -= 1
                self._changed.notify_all()

    def _store_or_pass_on(self, storage: Storage, task: Task | Job) -> bool:
        """Stores a pack or does a job. False when no further connection is let in and another thread takes over."""
        for remaining in reversed(range(CONNECTION_TRIES)):
            try:
                self._store(storage, task) if isinstance(task, tuple) else task(storage)
                break
            except TooManyConnections:
                with self._changed:
                    self._limit = max(1, self._limit - 1)
                    if self._threads > 1:
                        self._full.put(task)
                        return False
                if not remaining or self._stop.wait(FIRST_PAUSE):
                    raise
        with self._changed:
            self._under_way -= 1
            self._changed.notify_all()
        return True

    def _store(self, storage: Storage, task: Task) -> None:
        builder, numbers = task
        try:
            size, digest = self._put(storage, builder)
        except NameTaken:  # a torn upload that may not be deleted holds the name: not used again
            builder.reopen()
            size, digest = self._put(storage, builder)
        chunks = tuple(NumberedChunk(number, *blob) for number, blob in zip(numbers, builder.blobs, strict=True))
        self.bytes_stored += size
        closed = ClosedPack(StoredPack(builder.number, size, digest), self._cipher, self._keys.version, chunks)
        self._free.put(builder)
        if self._kept is not None:
            self._kept(closed)
        with self._changed:
            self._waiting += 1
        self._untold.acquire()
        self._closed.put(closed)

    def _put(self, storage: Storage, builder: PackBuilder) -> tuple[int, bytes]:
        view, digest = builder.close()
        with view:
            attempt(lambda: storage.put_new(pack_name(builder.number, digest), view), self._stop)
            return len(view), digest

    def _fail(self, error: BaseException) -> None:
        with self._changed:
            if self._failure is None:
                self._failure = error
            self._changed.notify_all()
        self._stop.set()
        self._free.put(None)
