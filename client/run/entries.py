"""Entries on their way to the portal: idempotent batches, sent by a thread of its own while the run goes on."""
from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Callable
from hashlib import blake2b

from protocol.messages import ENTRIES_LIMIT, AddEntries, Entry, Gone, encode

WAITING = 4
"""Batches that may wait before the run does."""
BATCH_BYTES = 4 << 20
"""A batch with very long chunk lists is closed early."""


class EntrySender:
    """Collects entries and sends them; what makes a batch fail is raised by the next call."""

    def __init__(self, send: Callable[[bytes], None], root: int) -> None:
        """`send` posts the bytes of one AddEntries message; `root` is the run's root node."""
        self._send, self._root = send, root
        self._entries: list[Entry] = []
        self._gone: list[Gone] = []
        self._bytes = 0
        self._digests: list[bytes] = []
        self._queue: queue.Queue[bytes | None] = queue.Queue(WAITING)
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._work, name="entries", daemon=True)
        self._thread.start()

    def add(self, entry: Entry) -> None:
        """An entry that is new or changed."""
        self._entries.append(entry)
        self._bytes += len(entry.chunks)
        if len(self._entries) >= ENTRIES_LIMIT or self._bytes > BATCH_BYTES:
            self._close_batch()

    def end(self, gone: Gone) -> None:
        """An entry of the parent snapshot that is there no more; with an entry of that name after it, a change."""
        if len(self._gone) >= ENTRIES_LIMIT - 1 or len(self._entries) >= ENTRIES_LIMIT - 1:
            self._close_batch()
        self._gone.append(gone)

    def finish(self) -> tuple[int, bytes]:
        """(batches, digest over their digests), when all of them have arrived."""
        self._close_batch()
        self._queue.put(None)
        self._thread.join()
        self._raise_failure()
        return len(self._digests), blake2b(b"".join(self._digests), digest_size=32).digest()

    def abort(self) -> None:
        """Sends nothing more; the thread ends by itself."""
        self._failure = self._failure or RuntimeError("aborted")
        with contextlib.suppress(queue.Full):
            self._queue.put_nowait(None)

    def _raise_failure(self) -> None:
        if self._failure is not None:
            raise self._failure

    def _close_batch(self) -> None:
        self._raise_failure()
        if not self._entries and not self._gone:
            return
        message = AddEntries(
            batch=len(self._digests), root=self._root, entries=tuple(self._entries), gone=tuple(self._gone)
        )
        body = encode(message)
        self._digests.append(blake2b(body, digest_size=32).digest())
        self._entries, self._gone, self._bytes = [], [], 0
        self._queue.put(body)

    def _work(self) -> None:
        while (body := self._queue.get()) is not None:
            if self._failure is None:
                try:
                    self._send(body)
                except BaseException as error:  # noqa: BLE001 - raised by the next call of the thread that adds
                    self._failure = error
