"""The pipeline of a run: files are read, named, compressed and sealed by a few threads while the scan goes on.

Small files are read by the workers in batches. A large file is read and cut by the caller, whose pieces the workers
share, so that one large file keeps all of them busy. Results are taken in the order of the scan.
"""
from __future__ import annotations

import contextlib
import io
import os
import queue
import threading
from collections.abc import Callable, Collection
from typing import NamedTuple

from client.run.deduplication import ChunkStore
from client.run.merge import Step
from client.store.index import LINK
from client.system.sources import Status, describe_status, open_source, read_live
from vault.chunks import MAXIMUM, WHOLE, Chunker, read_full

BATCH_FILES = 200
BATCH_BYTES = 1 << 20
WAITING = 1
"""Batches that wait for a worker: with those in work, all the plaintext that is in memory."""
WORKERS = 2


class Outcome(NamedTuple):
    """What reading brought. `status` is that of the opened file, or None with a `failure`."""

    status: Status | None
    ids: bytes = b""
    numbers: bytes = b""
    unstable: bool = False
    failure: OSError | None = None


class _Pieces:
    """A part of a large file's chunks, and where the results go."""

    __slots__ = ("done", "ids", "numbers", "plains")

    def __init__(self, plains: list[bytes]) -> None:
        self.plains = plains
        self.ids = self.numbers = b""
        self.done = False


def _go_on(*_: str) -> None:
    """Nobody minds."""


class Item:
    """A file or link to be read. `outcome` is set when it is done; of a large file, when its `pieces` are."""

    __slots__ = ("outcome", "pieces", "step", "whole")

    def __init__(self, step: Step) -> None:
        self.step = step
        self.outcome: Outcome | None = None
        self.pieces: list[_Pieces] | None = None
        self.whole: Outcome | None = None

    def done(self) -> bool:
        """Whether the outcome is there."""
        if self.outcome is None and self.whole is not None and self.pieces is not None:
            if not all(piece.done for piece in self.pieces):
                return False
            ids = b"".join(piece.ids for piece in self.pieces)
            numbers = b"".join(piece.numbers for piece in self.pieces)
            self.outcome, self.pieces = self.whole._replace(ids=ids, numbers=numbers), None
        return self.outcome is not None


class Pipeline:
    """Takes items, hands out their outcomes. One thread uses it; what makes a worker fail is raised by any call."""

    def __init__(
        self, store: ChunkStore, gear: int, lost: Collection[bytes] = (), workers: int = WORKERS, *,
        tell: Callable[[str], None] = _go_on, wait: Callable[[], None] = _go_on,
        read_at: Callable[[str], str] = read_live,
    ) -> None:
        """`gear` is VaultKeys.gear; `lost` are the ids of chunks that the vault has no more. `tell` hears the path of a
        large file now and then while it is read; each worker calls `wait` before it reads a file. See
        client.run.scan.Scanner for `read_at`."""
        self._tell, self._wait, self._read_at = tell, wait, read_at
        self._store, self._chunker, self._lost = store, Chunker(gear), frozenset(lost)
        self._tasks: queue.Queue[list[Item] | _Pieces | None] = queue.Queue(WAITING)
        self._batch: list[Item] = []
        self._batch_bytes = 0
        self._changed = threading.Condition()
        self._failure: BaseException | None = None
        self.bytes_read = 0
        self.bytes_under_way = 0
        """Of the large file that is read now."""
        self._threads = [
            threading.Thread(target=self._work, name=f"worker-{number}", daemon=True) for number in range(workers)
        ]
        for thread in self._threads:
            thread.start()

    def add(self, item: Item) -> None:
        """Reads `item` now or soon."""
        assert item.step.scanned is not None
        size = item.step.scanned.status[0]
        if size > WHOLE and item.step.scanned.kind != LINK:
            self.flush()
            self._read_large(item, item.step.scanned.path)
            return
        self._batch.append(item)
        self._batch_bytes += size
        if len(self._batch) >= BATCH_FILES or self._batch_bytes >= BATCH_BYTES:
            self.flush()

    def flush(self) -> None:
        """Hands a batch that is not full to the workers."""
        self._raise_failure()
        if self._batch:
            batch, self._batch, self._batch_bytes = self._batch, [], 0
            self._put(batch)

    def wait(self, item: Item) -> Outcome:
        """The item's outcome."""
        if not item.done():
            self.flush()
            with self._changed:
                self._changed.wait_for(lambda: item.done() or self._failure is not None)
        self._raise_failure()
        assert item.outcome is not None
        return item.outcome

    def close(self) -> None:
        """Ends the workers, which have nothing left to do."""
        for _ in self._threads:
            self._tasks.put(None)
        for thread in self._threads:
            thread.join()

    def stop(self, error: BaseException) -> None:
        """Whoever adds or waits gets `error`."""
        self._fail(error)

    def abort(self) -> None:
        """Lets the workers drop what they hold and end by themselves."""
        self._fail(RuntimeError("aborted"))
        for _ in self._threads:
            with contextlib.suppress(queue.Full):
                self._tasks.put_nowait(None)

    def _put(self, task: list[Item] | _Pieces) -> None:
        self._raise_failure()
        self._tasks.put(task)

    def _raise_failure(self) -> None:
        if self._failure is not None:
            raise self._failure

    def _fail(self, error: BaseException) -> None:
        with self._changed:
            self._failure = self._failure or error
            self._changed.notify_all()

    def _work(self) -> None:
        while (task := self._tasks.get()) is not None:
            if self._failure is not None:
                continue
            try:
                if isinstance(task, _Pieces):
                    ids = [self._store.identify(plain) for plain in task.plains]
                    task.ids, task.numbers = b"".join(ids), pack_numbers(self._store.store(task.plains, ids))
                    task.plains = []
                    task.done = True
                else:
                    self._store_files(task)
            except BaseException as error:  # noqa: BLE001 - raised by the thread that uses the pipeline
                self._fail(error)
            del task
            with self._changed:
                self._changed.notify_all()

    def _store_files(self, batch: list[Item]) -> None:
        changed: list[tuple[Item, bytes, Outcome]] = []
        total = 0
        for item in batch:
            self._wait()
            plain, outcome = _read_small(item, self._read_at)
            total += len(plain)
            if not plain:
                item.outcome = outcome
                continue
            outcome = Outcome(outcome.status, self._store.identify(plain), b"", outcome.unstable)
            if self._is_unchanged(item, outcome):
                item.outcome = outcome
            else:
                changed.append((item, plain, outcome))
        numbers = self._store.store([plain for _, plain, _ in changed], [outcome.ids for _, _, outcome in changed])
        for (item, _, read), number in zip(changed, numbers, strict=True):
            item.outcome = Outcome(read.status, read.ids, number.to_bytes(4, "little"), read.unstable)
        self.bytes_read += total

    def _is_unchanged(self, item: Item, outcome: Outcome) -> bool:
        """A file that was read only to make sure, and is what the last snapshot has: nobody needs to be asked."""
        known = item.step.indexed
        return (
            known is not None and known.chunks == outcome.ids and known[3:8] == outcome.status
            and outcome.ids not in self._lost
        )

    def _read_large(self, item: Item, path: str) -> None:
        if item.step.indexed is not None:
            self._store.expect(item.step.indexed.chunks)
        for last in (False, True):
            item.pieces = []
            try:
                item.whole = self._cut(path, item.pieces)
            except OSError as error:
                item.outcome = Outcome(None, failure=error)
                return
            if last or not item.whole.unstable:
                return

    def _cut(self, path: str, pieces: list[_Pieces]) -> Outcome:
        """Reads a large file into `pieces`; its outcome, but for ids and numbers."""
        with io.FileIO(open_source(self._read_at(path)), "rb") as file:
            before = describe_status(os.fstat(file.fileno()))
            held: list[bytes] = []
            size = count = 0
            cut = self._chunker.cut(file, path) if before[0] > MAXIMUM else self._chunker.cut_whole(
                read_full(file, MAXIMUM), path)  # a file that grows meanwhile shows at the end
            for plain in cut:
                held.append(plain)
                size += len(plain)
                count += len(plain)
                if size >= BATCH_BYTES:
                    pieces.append(_Pieces(held))
                    self._put(pieces[-1])
                    held, size = [], 0
                    self.bytes_under_way = count
                    self._tell(path)
            if held:
                pieces.append(_Pieces(held))
                self._put(pieces[-1])
            after = describe_status(os.fstat(file.fileno()))
        self.bytes_read += count
        self.bytes_under_way = 0
        return Outcome((count, *before[1:]), unstable=before[:2] != after[:2] or count != before[0])


def pack_numbers(numbers: list[int]) -> bytes:
    """Chunk numbers as an Entry carries them: four bytes each, little-endian."""
    return b"".join(number.to_bytes(4, "little") for number in numbers)


def _read_small(item: Item, read_at: Callable[[str], str]) -> tuple[bytes, Outcome]:
    """(content, outcome without ids) of a file that fits one chunk, or of a link."""
    scanned = item.step.scanned
    assert scanned is not None
    try:
        if scanned.kind == LINK:
            target = os.fsencode(os.readlink(read_at(scanned.path)))
            return target, Outcome((len(target), *scanned.status[1:]))
        before = scanned.status
        for _ in range(3):  # what differs from the scan may have come to rest since
            content, after = _read_whole(read_at(scanned.path), before[0])
            if before == after and len(content) == before[0]:
                return content, Outcome(before)
            before = after
        return content, Outcome((len(content), *after[1:]), unstable=True)
    except OSError as error:
        return b"", Outcome(None, failure=error)


def _read_whole(path: str, expected: int) -> tuple[bytes, Status]:
    """(content, status afterwards), for a file of about `expected` bytes.

    Never more than a chunk may hold: a file that grew is read up to there and, being longer than that, counts as
    unstable.
    """
    handle = open_source(path)
    try:
        content = os.read(handle, min(expected, WHOLE) + 1)
        while 0 < len(content) < expected and (more := os.read(handle, expected - len(content))):
            content += more
        return content[:WHOLE], describe_status(os.fstat(handle))
    finally:
        os.close(handle)
