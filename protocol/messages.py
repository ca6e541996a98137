"""The messages of the client API, version 1: JSON on the wire, checked on both sides.

Numbers are bytes, times are nanoseconds since 1970 UTC in `*_ns` and RFC 3339 UTC elsewhere. `bytes` travel as base64.
Records that come by the thousand are arrays on the wire (`array_like`) and keep their order of fields for ever; new
fields go to the end with a default.
"""
from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

API = "/api/v1"
TOKEN_HEADER = "Authorization"
LEASE_HEADER = "IBS-Lease"
LOOKUP_LIMIT = 2_000
ENTRIES_LIMIT = 2_000

ChunkId = Annotated[bytes, Meta(min_length=16, max_length=16)]
Digest = Annotated[bytes, Meta(min_length=32, max_length=32)]
Data = bytes  # a name of its own, as a message with a field `bytes` would take that for the type
Number = Annotated[int, Meta(ge=0, lt=2**32)]
Size = Annotated[int, Meta(ge=0, le=2**63 - 1)]
Text = Annotated[str, Meta(max_length=255)]


class Message(Struct, frozen=True, kw_only=True):
    """Base of every message; unknown fields are ignored, so that older programs read newer ones."""


class Problem(Message, frozen=True, kw_only=True):
    """A refusal or failure: `sentence` and `hint` for people, `code` for programs, `details` for the sentence."""

    code: str
    sentence: str
    hint: str = ""
    details: dict[str, str] = {}


# --- the computer and its account ------------------------------------------------------------------------------


class Disk(Message, frozen=True, kw_only=True):
    """One physical disk as the system names it."""

    serial: Text
    model: Text = ""
    size: Size = 0


class HardwareReport(Message, frozen=True, kw_only=True):
    """What identifies a computer; evidence only, its identity is the identifier given at enrolment."""

    host_name: Text
    system: Text
    machine_id: Text = ""
    board_id: Text = ""
    processor: Text = ""
    memory: Size = 0
    mac_addresses: tuple[Text, ...] = ()
    disks: tuple[Disk, ...] = ()


class EnrolComputer(Message, frozen=True, kw_only=True):
    """POST /enrolments: sign this computer in with an account's user name and password."""

    user_name: Text
    password: Annotated[str, Meta(max_length=1024)]
    client_version: Text
    windows_names: bool
    """True when names are UTF-8 with surrogates passed (Windows); False for the raw bytes of Linux names."""
    hardware: HardwareReport


class EnrolledComputer(Message, frozen=True, kw_only=True):
    """The computer's identity. `token` and `recovery_code` are told only here."""

    computer: Text
    vault: Text
    token: str
    recovery_code: str
    customer_number: Text
    account: Text
    plan: Text
    valid_until: datetime
    quota: Size


class ComputerStatus(Message, frozen=True, kw_only=True):
    """GET /status."""

    computer: Text
    name: Text
    customer_number: Text
    account: Text
    reseller: Text
    plan: Text
    valid_from: datetime
    valid_until: datetime
    quota: Size
    used: Size
    accepts_backups: bool
    accept_changed_by: Text = ""
    accept_changed_at: datetime | None = None
    accept_reason: Text = ""
    snapshots: int = 0
    last_snapshot: int | None = None
    last_finished_at: datetime | None = None


# --- the storage, as the portal describes it to a computer ------------------------------------------------------


class StorageAddress(Message, frozen=True, kw_only=True):
    """An FTP server and how to sign in; field for field vault.ftp.FtpAddress."""

    host: str
    port: int
    user: str
    password: str
    base: str
    tls: bool
    pin: bytes | None = None
    ca: str | None = None


class StorageProfile(Message, frozen=True, kw_only=True):
    """What the doctor found; field for field vault.ftp.Profile."""

    max_tls: str = "1.2"
    rename: bool = True
    ranged: bool = True
    part_visible: bool = True
    append_only: bool = False
    delete_parts: bool = True
    max_sessions: int = 2
    idle_limit: int | None = None
    prefer_epsv: bool = False
    trust_pasv_ip: bool = False
    exclusive_rename: bool = False
    pipelined: bool = False


class StorageAccess(Message, frozen=True, kw_only=True):
    """Where the vault lies. Credentials of the bundled storage lapse; a heartbeat brings new ones."""

    address: StorageAddress
    profile: StorageProfile


# --- one run -----------------------------------------------------------------------------------------------------


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
    """Packs for the second look: the parent run's, at most 64."""
    vault_files: tuple[VaultFile, ...]
    """Not empty while the vault has no committed run: to be stored first."""
    compression_level: int = 3
    lost_chunks: tuple[ChunkId, ...] = ()
    """Chunks in damaged packs that nothing has replaced yet: files that hold them are read again."""


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


class Done(Message, frozen=True, kw_only=True):
    """Nothing more to say."""


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


# --- snapshots and restores --------------------------------------------------------------------------------------


class Snapshots(Message, frozen=True, kw_only=True):
    """GET /snapshots, oldest first."""

    snapshots: tuple[Snapshot, ...]


class SnapshotEntry(Struct, frozen=True, array_like=True):
    """One entry of a snapshot. `path` holds the name bytes of every step from the root; `chunks` indexes the page's
    `chunks` list."""

    path: tuple[bytes, ...]
    node: Number
    kind: int
    size: Size
    mtime_ns: int
    attributes: Number
    chunks: tuple[int, ...] = ()


class ChunkLocation(Struct, frozen=True, array_like=True):
    """Where a chunk lies: `pack` indexes the page's `packs` list."""

    pack: int
    id: ChunkId
    kind: int
    compression: int
    offset: Number
    length: Number
    plain: Number


class ListEntries(Message, frozen=True, kw_only=True):
    """POST /snapshots/N/entries: one folder (`deep` False) or all below `path`, parents before children.

    With `locations`, files come with where their chunks lie. `cursor` continues a former page.
    """

    path: tuple[bytes, ...] = ()
    deep: bool = False
    locations: bool = False
    cursor: str = ""


class SnapshotPage(Message, frozen=True, kw_only=True):
    """A page of entries; `cursor` is empty on the last."""

    entries: tuple[SnapshotEntry, ...]
    chunks: tuple[ChunkLocation, ...] = ()
    packs: tuple[PackRecord, ...] = ()
    cursor: str = ""


class RestoreAccess(Message, frozen=True, kw_only=True):
    """POST /restores: what reading the vault needs; never blocked by validity, quota or the account's switch."""

    vault: Text
    vault_key: bytes
    key_version: int
    storage: StorageAccess


ENCODER = msgspec.json.Encoder()


def encode(message: Message) -> bytes:
    """The message as it travels."""
    return ENCODER.encode(message)
