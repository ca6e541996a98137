"""A reseller's portal with people and computers in it, whose backups are real packs on the bundled storage."""
from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from sqlalchemy import func, select

from protocol.messages import EnrolComputer, HardwareReport
from server.config import Config
from server.extensions import db
from server.models import (
    Account,
    Chunk,
    Computer,
    ContentSegment,
    Customer,
    Folder,
    Pack,
    Run,
    Staff,
    Subscription,
    Vault,
    Version,
)
from server.models.catalogue import FOREVER, INLINE_CHUNKS, SEGMENT_CHUNKS
from server.services.backup.vault_keys import keys_of
from server.services.fleet import enrolment
from server.services.fleet.endings import note_end
from server.services.people import accounts, customers, staff
from server.services.selling import plans, subscriptions
from server.services.storage import storages
from vault.blobs import DATA, seal_blob
from vault.chunks import chunk_id
from vault.keys import VaultKeys
from vault.layout import pack_name, vault_folder
from vault.packs import PackBuilder
from vault.storage import FolderStorage

PASSWORD = "correct horse battery"
FILE, FOLDER, LINK = 1, 2, 3
Tree = dict[tuple[bytes, ...], bytes | None]
"""Paths to the content of files; None is a folder. Folders above a file need not be named."""


def let_hold(vault: Vault, size: int) -> None:
    """Let a vault hold `size` bytes, as if packs of so many had been stored; commits."""
    vault.stored_bytes = size
    sum_up_stored()


def sum_up_stored() -> None:
    """Bring every subscription's sum up to what the vaults hold, which a test wrote by itself; commits."""
    held = dict(db.session.execute(
        select(Computer.subscription_id, func.sum(Vault.stored_bytes))
        .join(Vault, Vault.id == Computer.vault_id).group_by(Computer.subscription_id)).all())
    for subscription in db.session.scalars(select(Subscription)):
        subscription.stored_bytes = int(held.get(subscription.id, 0))
    db.session.commit()


@dataclass
class BackedUp:
    """A computer, and how far its vault is filled. `cut` makes chunks of a file's content."""

    computer: Computer
    config: Config
    cut: Callable[[bytes], list[bytes]] = lambda content: [content] if content else []
    pack_size: int = 1 << 20
    nodes: int = 1
    chunks: dict[bytes, int] = field(default_factory=dict)
    packs: int = 0

    @property
    def folder(self) -> FolderStorage:
        """The vault's own folder."""
        return FolderStorage(self.config.storage_folder / vault_folder(UUID(self.vault.uuid)))

    @property
    def vault(self) -> Vault:
        """The computer's vault."""
        found = db.session.get(Vault, self.computer.vault_id)
        assert found is not None
        return found

    def store(self, tree: Tree, when: datetime, *, links: tuple[tuple[bytes, ...], ...] = (), skipped: int = 0,
              mtime: datetime | None = None) -> int:
        """A committed snapshot of exactly `tree`, recorded at `when`; its number."""
        vault, run = self.vault, self._open_run(when)
        db.session.query(Version).filter_by(vault_id=vault.id, last_run=FOREVER).update({"last_run": run.run_no - 1})
        mtime_ns = int((mtime or when).timestamp()) * 10**9
        lists = self._store_contents(vault, run, {path: data for path, data in tree.items() if data is not None})
        nodes: dict[tuple[bytes, ...], int] = {(): run.root_node or 0}
        everything = {path[:end] for path in (*tree, *links) for end in range(1, len(path) + 1)}
        for path in sorted(everything):
            self.nodes += 1
            nodes[path] = self.nodes
            data = tree.get(path)
            kind = LINK if path in links else FILE if data is not None else FOLDER
            self._add_version(run, nodes[path[:-1]], path[-1], self.nodes, kind, len(data or b""), mtime_ns,
                              lists.get(path, []))
        run.state, run.finished_at, run.skipped, run.commit_hash = "committed", when, skipped, bytes(32)
        run.files, run.bytes = len(lists), sum(len(data) for data in tree.values() if data)
        vault.last_commit_run, vault.last_commit_hash = run.run_no, bytes(32)
        note_end(run)
        db.session.commit()
        return run.run_no

    def end(self, state: str, when: datetime, sentence: str = "", code: str = "") -> None:
        """A run that ended without a snapshot."""
        run = self._open_run(when)
        run.state, run.finished_at, run.sentence, run.code = state, when, sentence, code
        note_end(run)
        db.session.commit()

    def _open_run(self, when: datetime) -> Run:
        self.vault.last_run_no += 1
        self.nodes += 1
        run = Run(
            vault_id=self.computer.vault_id, run_no=self.vault.last_run_no, uuid=str(uuid4()), opened_at=when,
            seen_at=when, lease_hash=bytes(32), lease_until=when, hardware_hash=bytes(32), root_node=self.nodes,
            first_chunk=len(self.chunks) + 1,
        )
        db.session.add(run)
        return run

    def _add_version(self, run: Run, parent: int, name: bytes, node: int, kind: int, size: int, mtime_ns: int,
                     numbers: list[int]) -> None:
        data = struct.pack(f"<{len(numbers)}I", *numbers)
        parts = [data[start : start + 4 * SEGMENT_CHUNKS] for start in range(0, len(data), 4 * SEGMENT_CHUNKS)]
        inline = len(numbers) <= INLINE_CHUNKS
        db.session.add(Version(
            vault_id=run.vault_id, parent_no=parent, name=name, first_run=run.run_no, node_no=node, kind=kind,
            size=size, mtime_ns=mtime_ns, attributes=0o644, chunks=data if inline else b"",
            segments=0 if inline else len(parts),
        ))
        if kind == FOLDER:
            db.session.add(Folder(vault_id=run.vault_id, node_no=node, parent_no=parent, name=name))
        for number, part in enumerate(() if inline else parts):
            db.session.add(ContentSegment(
                vault_id=run.vault_id, node_no=node, first_run=run.run_no, seg_no=number, chunks=part))

    def _store_contents(self, vault: Vault, run: Run, contents: dict[tuple[bytes, ...], bytes]
                        ) -> dict[tuple[bytes, ...], list[int]]:
        uuid, keys = UUID(vault.uuid), keys_of(vault, self.config.secrets.kek)
        builder = PackBuilder(uuid, keys, self.pack_size)
        builder.begin(self.packs + 1, run.run_no)
        lists = {}
        for path in sorted(contents):
            plains = self.cut(contents[path])
            lists[path] = [self._store_chunk(vault, run, builder, keys, plain) for plain in plains]
        if builder.blobs:
            self._close_pack(vault, run, builder)
        return lists

    def _store_chunk(self, vault: Vault, run: Run, builder: PackBuilder, keys: VaultKeys, plain: bytes) -> int:
        identity = chunk_id(keys.chunk, plain)
        if identity not in self.chunks:
            compression, salt, sealed = seal_blob(keys, builder.vault, identity, plain)
            if not builder.fits(16 + len(sealed)):
                self._close_pack(vault, run, builder)
            blob = builder.add(identity, DATA, compression, salt, sealed, len(plain))
            self.chunks[identity] = len(self.chunks) + 1
            db.session.add(Chunk(
                vault_id=vault.id, chunk_no=self.chunks[identity], chunk_key=identity, kind=DATA,
                compression=compression, pack_no=builder.number, offset=blob.offset, length=blob.length,
                plain=blob.plain,
            ))
        return self.chunks[identity]

    def _close_pack(self, vault: Vault, run: Run, builder: PackBuilder) -> None:
        data, digest = builder.close()
        self.folder.put_new(pack_name(builder.number, digest), bytes(data))
        db.session.add(Pack(vault_id=vault.id, pack_no=builder.number, sha256=digest, size=len(data), cipher=1,
                            key_version=1, state="live", run_no=run.run_no))
        data.release()
        self.packs += 1
        builder.begin(self.packs + 1, run.run_no)


class PortalWorld:
    """The cast: an administrator, Alice with two accounts and her implementor; Bob and another implementor, who must
    see nothing of hers."""

    def __init__(self, config: Config, now: datetime) -> None:
        """Needs an application context and an empty database."""
        self.config, self.now = config, now
        storages.register_gateway(config, now)
        self.administrator = self._staff("admin@example.com", "administrator")
        self.implementor = self._staff("tech@example.com", "implementor")
        self.outsider = self._staff("other@example.com", "implementor")
        plan = plans.create_plan("Gold", 50 * 10**9, 5, 365, 90, now)
        self.alice = customers.create_customer("Alice Rivers", "alice@example.com", now)
        self.alice.implementor_id = self.implementor.id
        self.bob = customers.create_customer("Bob Stone", "bob@example.com", now)
        self.subscriptions = {
            person.id: subscriptions.create_subscription(person, plan, now) for person in (self.alice, self.bob)
        }
        self.owner = self.account(self.alice, "alice.front")
        self.second = self.account(self.alice, "alice.back")
        self.stranger = self.account(self.bob, "bob")

    def account(self, customer: Customer, user_name: str) -> Account:
        """One more sign-in of a customer; the first is the owner."""
        return accounts.create_account(customer, user_name, PASSWORD, self.now)

    def computer(self, account: Account, name: str) -> BackedUp:
        """A newly enrolled computer."""
        hardware = HardwareReport(host_name=name, system="Linux")
        enrolled = enrolment.enrol(
            EnrolComputer(user_name=account.user_name, password=PASSWORD, client_version="1", windows_names=False,
                          hardware=hardware), "127.0.0.1", self.config, self.now)
        computer = db.session.get(Computer, enrolled.computer)
        assert computer is not None
        return BackedUp(computer, self.config)

    def _staff(self, email: str, role: str) -> Staff:
        return staff.create_staff(email, PASSWORD, role, self.now)


def days_ago(count: float, now: datetime | None = None) -> datetime:
    """The moment `count` days before `now`."""
    return (now or datetime.now(UTC)) - timedelta(days=count)
