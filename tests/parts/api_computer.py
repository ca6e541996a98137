"""A computer that talks to the client API message by message, and stores real objects in its vault."""
from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import blake2b, sha256
from typing import Any, TypeVar
from uuid import UUID, uuid4

import msgspec
from flask.testing import FlaskClient

from protocol import messages
from protocol.errors import recognise
from protocol.messages import AddEntries, Entry, Gone, Message, OpenedRun, PackedChunk, PackRecord, Problem, encode
from server.config import Config
from server.extensions import db
from server.models import Computer, Run, Vault
from tests.parts.portal_world import PASSWORD
from vault.keys import VaultKeys, derive_keys
from vault.layout import commit_name, pack_name, vault_folder
from vault.manifests import Commit, write_commit
from vault.storage import FolderStorage

Answer = TypeVar("Answer", bound=Message)
HARDWARE = messages.HardwareReport(host_name="desk", system="Linux", mac_addresses=("02:00:00:00:00:01",))


@dataclass
class ApiComputer:
    """An enrolled computer and the state of its run."""

    web: FlaskClient
    config: Config
    enrolled: messages.EnrolledComputer
    token: str = ""
    lease: str = ""
    uuid: UUID = field(default_factory=uuid4)
    root: int = 0
    clock_ahead: timedelta = timedelta(0)
    opened: OpenedRun = None  # type: ignore[assignment]
    batches: list[bytes] = field(default_factory=list)
    packs: int = 0
    chunks: int = 0
    adopted: set[int] = field(default_factory=set)
    next_node: int = 0

    # --- talking -------------------------------------------------------------------------------------------------

    def ask(self, method: str, path: str, answer: type[Answer], message: Message | bytes | None = None) -> Answer:
        """Send a message; returns the answer or raises the refusal, as a client does."""
        body = message if isinstance(message, bytes | None) else encode(message)
        response = self.web.open(messages.API + path, method=method, data=body, headers=self.headers())
        if response.status_code != 200:
            problem = msgspec.json.decode(response.data, type=Problem)
            raise recognise(problem)
        return msgspec.json.decode(response.data, type=answer)

    def headers(self) -> dict[str, str]:
        """Token and lease."""
        return {messages.TOKEN_HEADER: f"Bearer {self.token or self.enrolled.token}", messages.LEASE_HEADER: self.lease}

    def run_path(self, action: str) -> str:
        """The path of a call of the open run."""
        return f"/runs/{self.opened.number}/{action}"

    # --- the run -------------------------------------------------------------------------------------------------

    def open_run(self, **changes: Any) -> OpenedRun:
        """Open a run and take over what it says."""
        self.uuid = changes.pop("uuid", None) or uuid4()
        request = self.opening(**changes)
        self.opened = self.ask("POST", "/runs", OpenedRun, request)
        self.lease, self.batches, self.packs, self.chunks = self.opened.lease, [], 0, 0
        self.adopted = set()
        self.root = self.root if self.opened.parent else self.opened.next_node
        self.next_node = self.opened.next_node + 1
        return self.opened

    def opening(self, **changes: Any) -> messages.OpenRun:
        """The message that opens a run."""
        plain: dict[str, Any] = {
            "uuid": str(self.uuid), "automatic": True, "client_version": "1",
            "client_time": datetime.now(UTC) + self.clock_ahead, "hardware_hash": sha256(b"desk").digest(),
        }
        return messages.OpenRun(**(plain | changes))

    def store_pack(self, ids: Sequence[bytes], numbers: Sequence[int] = ()) -> messages.AddPack:
        """Store a pack with a chunk for each id and register it; the message, so that it can be sent again."""
        message = self.put_pack(ids, numbers)
        self.ask("POST", self.run_path("packs"), messages.PackAdded, message)
        return message

    def put_pack(self, ids: Sequence[bytes], numbers: Sequence[int] = ()) -> messages.AddPack:
        """Store a pack on the storage, without telling the portal; the message that would."""
        data = secrets.token_bytes(100 * len(ids))
        record = PackRecord(number=self.opened.next_pack + self.packs, sha256=sha256(data).digest(), size=len(data))
        self.storage.put_new(pack_name(record.number, record.sha256), data)
        first = self.opened.next_chunk + self.chunks
        self.packs += 1
        self.chunks += 0 if numbers else len(ids)
        chunks = tuple(
            PackedChunk(number, identity, 1, 0, 100 * place, 100, 64)
            for place, (number, identity) in enumerate(zip(numbers or range(first, first + len(ids)), ids, strict=True))
        )
        return messages.AddPack(pack=record, cipher=1, key_version=1, chunks=chunks)

    def add_entries(self, entries: Sequence[Entry], gone: Sequence[Gone] = ()) -> bytes:
        """Send a batch; the bytes, so that it can be sent again."""
        body = encode(AddEntries(batch=len(self.batches), root=self.root, entries=tuple(entries), gone=tuple(gone)))
        self.ask("POST", self.run_path("entries"), messages.Done, body)
        self.batches.append(blake2b(body, digest_size=32).digest())
        return body

    def entry(self, name: bytes, chunks: Sequence[int] = (), *, parent: int = 0, kind: int = 1) -> Entry:
        """A new entry with the next node number."""
        self.next_node += 1
        numbers = b"".join(number.to_bytes(4, "little") for number in chunks)
        return Entry(parent or self.root, name, self.next_node, kind, 64, 1_700_000_000_000_000_000, 0o644, numbers)

    def lookup(self, ids: Sequence[bytes]) -> messages.KnownChunks:
        """Which chunks the vault holds; packs that come along are the run's from now on."""
        request = messages.LookupChunks(ids=tuple(ids))
        known = self.ask("POST", self.run_path("chunks"), messages.KnownChunks, request)
        self.adopted |= {taken.pack.number for taken in known.adopted}
        return known

    def commit_object(self, **changes: Any) -> bytes:
        """The commit object that tells of the run as it is."""
        opened, parent = self.opened, self.opened.parent
        moment = datetime.now(UTC) + self.clock_ahead
        plain: dict[str, Any] = {
            "run": opened.number, "run_uuid": self.uuid, "parent": parent.number if parent else 0,
            "parent_hash": parent.commit_hash if parent else b"", "kind": "f" if opened.checkpoint_due else "d",
            "root": self.root, "windows_names": False, "pack_count": self.packs + len(self.adopted),
            "chunk_count": self.chunks,
            "first_chunk": opened.next_chunk, "batches": len(self.batches),
            "entries_digest": blake2b(b"".join(self.batches), digest_size=32).digest(), "files": 1, "bytes": 64,
            "stored": 100, "skipped": 0, "computer": self.enrolled.computer, "client_version": "1",
            "consistency": "live", "started_at": moment, "finished_at": moment,
        }
        return write_commit(Commit(**(plain | changes)), self.keys, UUID(opened.vault))

    def leave_commit(self, data: bytes) -> None:
        """Store the commit object, which makes the run a snapshot as far as the storage is concerned."""
        self.storage.put_new(commit_name(self.opened.number), data)

    def commit(self, data: bytes | None = None) -> messages.CommittedRun:
        """Tell the portal of the commit object."""
        message = messages.CommitRun(
            commit=data or self.commit_object(), files=1, bytes=64, read=64, stored=100, skipped=0
        )
        return self.ask("POST", self.run_path("commit"), messages.CommittedRun, message)

    def heartbeat(self) -> messages.RenewedLease:
        """Renew the lease and use it from now on."""
        renewed = self.ask("POST", self.run_path("heartbeat"), messages.RenewedLease, messages.Heartbeat())
        self.lease = renewed.lease
        return renewed

    def end(self, state: str = "failed") -> None:
        """End the run without a snapshot."""
        self.ask("POST", self.run_path("end"), messages.Done, messages.EndRun(state=state))

    def back_up(self, files: dict[bytes, bytes], gone: Sequence[bytes] = ()) -> int:
        """A whole run: new files in the root, each with one chunk whose id is given; the snapshot's number."""
        opened = self.open_run()
        known = self.lookup(list(files.values())).numbers if files else ()
        new = [identity for identity, number in zip(files.values(), known, strict=True) if not number]
        numbers = dict(zip(files.values(), known, strict=True))
        if new:
            numbers |= {chunk.id: chunk.number for chunk in self.store_pack(new).chunks}
        if files or gone:
            self.add_entries(
                [self.entry(name, [numbers[identity]]) for name, identity in files.items()],
                [Gone(self.root, name) for name in gone],
            )
        data = self.commit_object()
        self.leave_commit(data)
        self.commit(data)
        return opened.number

    # --- looking -------------------------------------------------------------------------------------------------

    @property
    def storage(self) -> FolderStorage:
        """The vault's folder on the bundled storage."""
        return FolderStorage(self.config.storage_folder / vault_folder(UUID(self.enrolled.vault)))

    @property
    def keys(self) -> VaultKeys:
        """The vault's keys, as the opened run gave them."""
        return derive_keys(self.opened.vault_key, UUID(self.opened.vault), self.opened.key_version)

    @property
    def computer(self) -> Computer:
        """The portal's record of this computer."""
        return db.session.get_one(Computer, self.enrolled.computer, populate_existing=True)

    @property
    def vault(self) -> Vault:
        """The portal's record of the vault."""
        return db.session.get_one(Vault, self.computer.vault_id, populate_existing=True)

    def run(self, number: int | None = None) -> Run:
        """The portal's record of a run, by default the one opened last."""
        return db.session.get_one(
            Run, (self.computer.vault_id, number or self.opened.number), populate_existing=True
        )

    def let_lease_lapse(self) -> None:
        """What eleven minutes of silence do to the open run."""
        run = self.run()
        run.lease_until -= timedelta(minutes=11)
        run.seen_at -= timedelta(minutes=11)
        db.session.commit()

    def names(self, number: int, path: tuple[bytes, ...] = (), *, deep: bool = True) -> list[tuple[bytes, ...]]:
        """The paths in a snapshot, over all its pages."""
        return [entry.path for entry in self.entries(number, path, deep=deep)]

    def entries(self, number: int, path: tuple[bytes, ...] = (), *, deep: bool = True) -> list[messages.SnapshotEntry]:
        """The entries of a snapshot, over all its pages."""
        found: list[messages.SnapshotEntry] = []
        cursor = ""
        while True:
            request = messages.ListEntries(path=path, deep=deep, cursor=cursor)
            page = self.ask("POST", f"/snapshots/{number}/entries", messages.SnapshotPage, request)
            found += page.entries
            if not (cursor := page.cursor):
                return found


def enrol_computer(web: FlaskClient, config: Config, user_name: str, name: str = "desk") -> ApiComputer:
    """Enrol by user name and the cast's password."""
    request = messages.EnrolComputer(
        user_name=user_name, password=PASSWORD, client_version="1", windows_names=False,
        hardware=msgspec.structs.replace(HARDWARE, host_name=name),
    )
    response = web.post(f"{messages.API}/enrolments", data=encode(request))
    if response.status_code != 200:
        raise recognise(msgspec.json.decode(response.data, type=Problem))
    return ApiComputer(web, config, msgspec.json.decode(response.data, type=messages.EnrolledComputer))


def chunk_ids(*texts: str) -> list[bytes]:
    """Ids of chunks that hold these texts."""
    return [blake2b(text.encode(), digest_size=16).digest() for text in texts]


def last_commit_of(computer: ApiComputer) -> tuple[int | None, bytes | None]:
    """What the catalogue takes for the last snapshot."""
    return computer.vault.last_commit_run, computer.vault.last_commit_hash
