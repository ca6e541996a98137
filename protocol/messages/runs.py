"""One run, from its opening to its commit or end."""
from __future__ import annotations

from datetime import datetime
from typing import Annotated

from msgspec import Meta, Struct

from protocol.messages.base import ChunkId, Data, Digest, Message, Number, Size, Text
from protocol.messages.storages import StorageAccess

LOOKUP_LIMIT = 2_000
ENTRIES_LIMIT = 2_000


class PackRecord(Message, frozen=True, kw_only=True):
    """A stored pack file."""

    number: Number
    sha256: Digest
    size: Size


class VaultFile(Message, frozen=True, kw_only=True):
    """A small file that the client stores as it is when the vault is new (ibs-vault.json, wrapped keys)."""

    name: Text
    data: bytes


class Snapshot(Message, frozen=True, kw_only=True):
    """A committed run."""

    number: Number
    finished_at: datetime
    files: Size
    bytes: Size
    stored: Size
    skipped: Size = 0
    commit_hash: Digest


class OpenRun(Message, frozen=True, kw_only=True):
    """POST /runs. `last_commit` is what the client knows; `unfinished` is the run of its journal, if any."""

    uuid: Text
    automatic: bool
    client_version: Text
    client_time: datetime
    hardware_hash: Digest
    last_commit: int | None = None
    last_commit_hash: bytes | None = None
    unfinished_uuid: Text = ""
    unfinished_lease: str = ""


class OpenedRun(Message, frozen=True, kw_only=True):
    """All that a run needs. Numbers below the `next_*` are taken."""

    number: Number
    lease: str
    lease_seconds: int
    vault: Text
    vault_key: bytes
    key_version: int
    storage: StorageAccess
    pack_size: int
    next_pack: Number
    next_chunk: Number
    next_node: Number
    parent: Snapshot | None
    checkpoint_due: bool
    """True when this run's manifest is to be a full checkpoint."""
    recent_packs: tuple[PackRecord, ...]
    """Packs for the second look: the parent run's and those left by later runs without a snapshot, at most 64."""
    vault_files: tuple[VaultFile, ...]
    """Not empty while the vault has no committed run: to be stored first."""
    compression_level: int = 3
    lost_chunks: tuple[ChunkId, ...] = ()
    """Chunks in damaged packs that nothing has replaced yet, or only a pack that no commit names: they are asked for at
    the beginning, and files that hold them are read again."""


class Heartbeat(Message, frozen=True, kw_only=True):
    """POST /runs/N/heartbeat, each minute; the answer rotates the lease."""

    files: Size = 0
    bytes: Size = 0
    stored: Size = 0


class RenewedLease(Message, frozen=True, kw_only=True):
    """The lease to present from now on."""

    lease: str
    storage: StorageAccess


class LookupChunks(Message, frozen=True, kw_only=True):
    """POST /runs/N/chunks: which of these does the vault hold?"""

    ids: Annotated[tuple[ChunkId, ...], Meta(max_length=LOOKUP_LIMIT)]


class PackedChunk(Struct, frozen=True, array_like=True):
    """Where one chunk lies in its pack; `length` is the blob's with salt and tag, `plain` the chunk's."""

    number: Number
    id: ChunkId
    kind: int
    compression: int
    offset: Number
    length: Number
    plain: Number


class AdoptedPack(Message, frozen=True, kw_only=True):
    """A pack that an earlier run stored and never committed; the run that uses it lists and indexes it as its own."""

    pack: PackRecord
    chunks: tuple[PackedChunk, ...]


class KnownChunks(Message, frozen=True, kw_only=True):
    """For each id asked, in order: 0 unknown; n > 0 stored as chunk n; -n known as chunk n, but its pack is damaged:
    store it again under the same number."""

    numbers: tuple[int, ...]
    adopted: tuple[AdoptedPack, ...] = ()


class AddPack(Message, frozen=True, kw_only=True):
    """POST /runs/N/packs: a pack is completely stored. Idempotent."""

    pack: PackRecord
    cipher: int
    key_version: int
    chunks: tuple[PackedChunk, ...]


class PackAdded(Message, frozen=True, kw_only=True):
    """The run may go on; `used` and `quota` count the whole subscription."""

    used: Size
    quota: Size


class Entry(Struct, frozen=True, array_like=True):
    """A file, folder or link that is new or changed since the parent snapshot.

    `kind`: 1 file, 2 folder, 3 symbolic link (its target is its content). `attributes`: POSIX mode, or Windows file
    attributes. `chunks`: the content's chunk numbers, four bytes each, little-endian. The parent of a protected
    folder is the run's root node.
    """

    parent: Number
    name: bytes
    node: Number
    kind: int
    size: Size
    mtime_ns: int
    attributes: Number
    chunks: bytes


class Gone(Struct, frozen=True, array_like=True):
    """What the parent snapshot had under this name ends with this run; a change is a Gone and an Entry."""

    parent: Number
    name: bytes


class AddEntries(Message, frozen=True, kw_only=True):
    """POST /runs/N/entries: batches numbered from 0, each idempotent, invisible until the run is committed."""

    batch: Number
    root: Number
    entries: Annotated[tuple[Entry, ...], Meta(max_length=ENTRIES_LIMIT)]
    gone: Annotated[tuple[Gone, ...], Meta(max_length=ENTRIES_LIMIT)] = ()


class ReportDamage(Message, frozen=True, kw_only=True):
    """POST /runs/N/damage: packs whose size on the storage is wrong, or that are gone."""

    packs: tuple[Number, ...]


class DamageConfirmed(Message, frozen=True, kw_only=True):
    """The chunks that the portal, too, finds lost; to be stored again where the source still has them."""

    ids: tuple[ChunkId, ...]


class CommitRun(Message, frozen=True, kw_only=True):
    """POST /runs/N/commit: `commit` are the bytes of the commit object now on the storage. Idempotent by run uuid."""

    commit: Data
    files: Size
    bytes: Size
    read: Size
    stored: Size
    skipped: Size


class CommittedRun(Message, frozen=True, kw_only=True):
    """The portal's signature, to be stored as the acknowledgement."""

    snapshot: Snapshot
    acknowledgement: bytes


class EndRun(Message, frozen=True, kw_only=True):
    """POST /runs/N/end: the run ends without a snapshot. `state`: failed, full, refused, cancelled."""

    state: Text
    code: Text = ""
    sentence: Annotated[str, Meta(max_length=2000)] = ""
    files: Size = 0
    bytes: Size = 0
    stored: Size = 0
