"""Writing a manifest: records into sections, sections into parts, and the commit object when all else is stored."""
from __future__ import annotations

import contextlib
import hashlib
import threading
from collections.abc import Callable, Iterable
from uuid import UUID

from vault.errors import BackupError, TransferFailed
from vault.keys import VaultKeys
from vault.layout import VAULT_FILE, commit_name, part_name
from vault.manifests import INDEX, INLINE_LIMIT, NAMES, PACKS, STRUCTURE, PartRecord, seal_section
from vault.packing import ClosedPack
from vault.records import pack_location, pack_names, pack_packs, pack_structure
from vault.storage import Storage
from vault.writer import Job, attempt

PART_SIZE = 2 << 20
"""A part is stored when its records reach this size."""


def store_verified(storage: Storage, name: str, data: bytes, stop: threading.Event) -> None:
    """Stores an object and reads it back: manifests and commits must be right, not only complete."""

    def store() -> None:
        storage.put_new(name, data)
        if storage.read(name, 0, len(data)) != data:
            raise TransferFailed(name=name, reason="it read back differently")

    attempt(store, stop)


class ManifestWriter:
    """Collects what a run changed. One thread calls `add` and `finish`; `add_pack` may be called by others."""

    def __init__(
        self, open_storage: Callable[[], Storage], vault: UUID, keys: VaultKeys, run: int, kind: str, cipher: int = 1,
        *, defer: bool = False, do: Callable[[Job], None] | None = None,
    ) -> None:
        """`kind` is "d" for a delta, "f" for a full checkpoint. The storage is opened when the first part is full, or,
        to `defer`, when all packs are stored and their connection may be used. `do` has a part stored on another
        connection, beside others; whoever gave it waits for them before the commit."""
        self._open_storage, self._vault, self._keys = open_storage, vault, keys
        self._run, self._kind, self._cipher = run, kind, cipher
        self._sections: dict[int, bytearray] = {section: bytearray() for section in (STRUCTURE, NAMES, PACKS, INDEX)}
        self._counts = {kind: 0, "x": 0}
        self._storage: Storage | None = None
        self._early: threading.Thread | None = None
        self._files: list[tuple[str, bytes]] = []
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._defer, self._do = defer, do
        self._ending = False
        self._deferred: list[tuple[str, bytes]] = []
        self.parts: list[PartRecord] = []
        self.pack_count = 0
        self.chunk_count = 0

    @property
    def storage(self) -> Storage:
        """The connection that parts and commit go over."""
        if self._early is not None:
            self._early.join()
            self._early = None
        if self._storage is None:
            self._storage = self._open_storage()
        while self._files:  # what the early thread could not store; an object that is there already counts as stored
            self._storage.put_new(*self._files[0])
            del self._files[0]
        return self._storage

    def begin(self, files: Iterable[tuple[str, bytes]], *, beside: bool) -> None:
        """Connects and stores the files that a new vault begins with.

        `beside` does so on a thread of its own, while the run looks around: on a slow line it takes a third of a
        second. What fails there is tried again, and then raised, by the first use of `storage`.
        """
        self._files = list(files)
        if not beside:
            self.storage.close()
            return
        storage = self._storage = self._open_storage()

        def connect() -> None:
            with contextlib.suppress(BackupError):
                while self._files:
                    storage.put_new(*self._files[0])
                    del self._files[0]
                storage.size(VAULT_FILE)

        self._early = threading.Thread(target=connect, name="connect early", daemon=True)
        self._early.start()

    def add(
        self, operation: int, kind: int, node: int, parent: int, size: int, chunks: bytes, name: bytes,
        mtime_ns: int, attributes: int,
    ) -> None:
        """Records one entry; `chunks` are its chunk ids one after the other."""
        self._append(STRUCTURE, pack_structure(operation, kind, node, parent, size, chunks))
        self._append(NAMES, pack_names(operation, node, mtime_ns, attributes, name))

    def add_pack(self, closed: ClosedPack) -> None:
        """Records a stored pack and where its chunks lie."""
        number = closed.pack.number
        locations = b"".join(
            pack_location(chunk.id, number, chunk.offset, chunk.length, chunk.plain, chunk.kind, chunk.compression)
            for chunk in closed.chunks
        )
        with self._lock:
            self._sections[PACKS] += pack_packs([closed.pack])
            self._sections[INDEX] += locations
            self.pack_count += 1
            self.chunk_count += len(closed.chunks)

    def _append(self, section: int, records: bytes) -> None:
        content = self._sections[section]
        if len(content) + len(records) > PART_SIZE:
            self._flush(section)
            content = self._sections[section]
            self._flush_index()
        content += records

    def _flush_index(self) -> None:
        """Packs come on other threads, which must not wait for a storage; their full sections go with the entries'."""
        for section in (PACKS, INDEX):
            if len(self._sections[section]) > PART_SIZE:
                self._flush(section)

    def _flush(self, section: int) -> None:
        with self._lock:
            content, self._sections[section] = bytes(self._sections[section]), bytearray()
        record = 40 if section == PACKS else 34
        step = PART_SIZE // record * record if section in {PACKS, INDEX} else len(content)
        for start in range(0, len(content), step or 1):
            self._store(section, content[start : start + step])

    def _store(self, section: int, content: bytes) -> None:
        sealed, kind, index = self._seal(section, content)
        digest = hashlib.sha256(sealed).digest()
        name = part_name(self._run, kind, index, digest)
        if self._defer:
            self._deferred.append((name, sealed))
        elif self._ending and self._do is not None:
            self._do(lambda storage: store_verified(storage, name, sealed, self._stop))
        else:
            store_verified(self.storage, name, sealed, self._stop)
        self.parts.append(PartRecord(name, section, len(sealed), digest))

    def _seal(self, section: int, content: bytes) -> tuple[bytes, str, int]:
        kind = "x" if section in {PACKS, INDEX} else self._kind
        index = self._counts[kind]
        self._counts[kind] += 1
        return (
            seal_section(self._keys, self._vault, self._run, kind, section, index, content, self._cipher), kind, index
        )

    def store_entries(self) -> None:
        """Stores the entries and the index so far while the last packs are still under way, unless the entries are few
        enough for the commit."""
        if len(self._sections[STRUCTURE]) + len(self._sections[NAMES]) > 4 * INLINE_LIMIT:
            self._ending = True
            self._flush(INDEX)
            self._ending = False
            self._flush(STRUCTURE)
            self._flush(NAMES)

    def finish(self) -> dict[int, bytes]:
        """Stores what is left, or has it stored. Returns sections so small that they travel in the commit object."""
        storage = self.storage  # connected, and a new vault begun, before anything counts on it
        sections = {section: content for section, content in self._sections.items() if content}
        if not self.parts and sum(map(len, sections.values())) <= 4 * INLINE_LIMIT:
            sealed = {section: self._seal(section, bytes(content))[0] for section, content in sections.items()}
            if sum(map(len, sealed.values())) <= INLINE_LIMIT:
                return sealed
            self._counts = dict.fromkeys(self._counts, 0)
        self._ending = True
        for section in sections:
            self._flush(section)
        for name, part in self._deferred:
            store_verified(storage, name, part, self._stop)
        return {}

    def store_commit(self, data: bytes) -> None:
        """Stores the commit object; from here on the snapshot exists."""
        store_verified(self.storage, commit_name(self._run), data, self._stop)

    def abort(self) -> None:
        """As `close`, after a failure; a connection that is only being made is not waited for."""
        self._stop.set()
        if self._early is None or not self._early.is_alive():
            self.close()

    def close(self) -> None:
        """Ends the connection."""
        self._stop.set()
        if self._storage is not None:
            self._storage.close()
