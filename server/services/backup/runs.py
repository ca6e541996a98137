"""Runs: opening one, keeping it alive, ending it."""
from __future__ import annotations

import random
from datetime import datetime
from uuid import UUID

from sqlalchemy import and_, func, select

from protocol.errors import BadRequest, CatalogueBehind, IdentityShared, LeaseLost, VaultBusy
from protocol.messages import EndRun, Heartbeat, OpenedRun, OpenRun, PackRecord, RenewedLease, RestoreAccess
from server.config import Config
from server.extensions import db
from server.models import Chunk, Computer, Pack, Run, RunBatch, Vault
from server.models.catalogue import BAD, PENDING
from server.models.runs import COMMITTED, ENDED_STATES, OPEN
from server.services.backup.entries import undo_run
from server.services.backup.leases import LEASE, hash_lease, holds, new_lease, renew, require_open
from server.services.backup.settlement import close_without_snapshot, settle
from server.services.backup.vault_keys import founding_files, open_vault_key
from server.services.files.catalogue import describe_snapshot
from server.services.selling.stored import used_bytes
from server.services.selling.subscriptions import check_backup_allowed, check_space
from server.services.storage.credentials import READ
from server.services.storage.storages import access_for

RUNS_PER_CHECKPOINT = 30
SMALL_MANIFEST = 256 * 1024
"""Deltas below this size in all are never worth a checkpoint before its time."""
MOST_LOST = 100_000
"""Lost chunks named at a time; what is beyond waits for a later run."""
LOOKED_AT = 64
NEWEST_LOOKED_AT = 32


def open_run(
    computer: Computer, message: OpenRun, config: Config, now: datetime, chance: random.Random | None = None
) -> OpenedRun:
    """Open a run, after settling one that was left open.

    `chance` draws the packs for the second look. Raises whatever check_backup_allowed raises, QuotaReached, VaultBusy,
    IdentityShared, CatalogueBehind, BadRequest, and StorageError when an older run can't be settled.
    """
    _check_uuid(message.uuid)
    check_backup_allowed(computer, now)
    check_space(computer.subscription, used_bytes(computer.subscription_id))
    vault_id = computer.vault_id
    repeated = _clear_the_way(computer, message, config, now)
    vault = db.session.get_one(Vault, vault_id, with_for_update=True, populate_existing=True)
    if (message.last_commit or 0) > (vault.last_commit_run or 0):
        raise CatalogueBehind(known=vault.last_commit_run or 0, made=message.last_commit)
    lease = new_lease()
    run = repeated or _new_run(vault, message, now)
    run.lease_hash, run.previous_lease_hash = hash_lease(lease), None
    run.seen_at, run.lease_until = now, now + LEASE
    computer.last_seen_at, computer.client_version = now, message.client_version
    answer = _describe(vault, run, lease, config, now, chance or random.SystemRandom())
    db.session.commit()
    return answer


def heartbeat(
    computer: Computer, run: Run, presented: str, message: Heartbeat, config: Config, now: datetime
) -> RenewedLease:
    """Keep a run alive and renew its lease and its way to the storage. Raises LeaseLost."""
    require_open(run)
    lease = renew(run, presented, now)
    run.files, run.bytes, run.stored = message.files, message.bytes, message.stored
    computer.last_seen_at = now
    access = access_for(computer.vault, config, now)
    db.session.commit()
    return RenewedLease(lease=lease, storage=access)


def end_run(run: Run, message: EndRun, now: datetime) -> None:
    """End a run without a snapshot, as its computer says. Twice counts once. Raises LeaseLost, BadRequest."""
    if message.state not in ENDED_STATES:
        raise BadRequest(reason=f"a run ends as one of {', '.join(ENDED_STATES)}")
    if run.state == message.state:
        return
    if run.state != OPEN:
        raise LeaseLost
    run.files, run.bytes, run.stored = message.files, message.bytes, message.stored
    close_without_snapshot(run, message.state, now, code=message.code[:20], sentence=message.sentence)


def open_restore(computer: Computer, config: Config, now: datetime) -> RestoreAccess:
    """What reading the vault needs; whatever became of the subscription, what is stored can be restored."""
    vault = computer.vault
    key = open_vault_key(vault, config.secrets.kek)
    return RestoreAccess(
        vault=vault.uuid,
        vault_key=key.vault_key,
        key_version=key.version,
        storage=access_for(vault, config, now, READ),
    )


def _check_uuid(text: str) -> None:
    try:
        UUID(text)
    except ValueError as error:
        raise BadRequest(reason="a run's identifier is a UUID") from error


def _clear_the_way(computer: Computer, message: OpenRun, config: Config, now: datetime) -> Run | None:
    """Settle the vault's open run or refuse; returns it instead when it is this very run, asked for again.

    Afterwards nothing is left in the catalogue of a run without a snapshot.
    """
    vault_id = computer.vault_id
    last = db.session.scalar(
        select(Run).where(Run.vault_id == vault_id).order_by(Run.run_no.desc()).limit(1).with_for_update()
    )
    if last is None or last.state == COMMITTED:
        return None
    if last.state != OPEN:
        undo_run(vault_id, last.run_no)
        return None
    shared = last.hardware_hash != message.hardware_hash
    if last.uuid == message.uuid and not shared and _is_untouched(last):
        return last
    own = last.uuid == message.unfinished_uuid and holds(last, message.unfinished_lease)
    if last.is_live(now) and not own:
        if shared:
            raise IdentityShared(computer=computer.name)
        raise VaultBusy(computer=computer.name, since=f"{last.opened_at:%Y-%m-%d %H:%M} UTC")
    settle(vault_id, last.run_no, config, now, forced=own)
    return None


def _is_untouched(run: Run) -> bool:
    """True while nothing was registered for a run: then the answer that opened it may have been lost."""
    for table in (Pack, RunBatch):
        if db.session.scalar(select(func.count()).where(table.vault_id == run.vault_id, table.run_no == run.run_no)):
            return False
    return True


def _new_run(vault: Vault, message: OpenRun, now: datetime) -> Run:
    """The vault's next run; the vault's row is locked. Raises VaultBusy when another request was quicker."""
    state = db.session.scalar(select(Run.state).where(Run.vault_id == vault.id, Run.run_no == vault.last_run_no))
    if state == OPEN:
        raise VaultBusy(computer=vault.computer.name, since="a moment ago")
    if db.session.scalar(select(Run.run_no).where(Run.vault_id == vault.id, Run.uuid == message.uuid)) is not None:
        raise BadRequest(reason="a run with this identifier was there before")
    highest = db.session.scalar(select(func.max(Chunk.chunk_no)).where(Chunk.vault_id == vault.id)) or 0
    vault.last_run_no += 1
    run = Run(
        vault_id=vault.id,
        run_no=vault.last_run_no,
        uuid=message.uuid,
        automatic=message.automatic,
        opened_at=now,
        hardware_hash=message.hardware_hash,
        parent_run=vault.last_commit_run or 0,
        first_chunk=highest + 1,
    )
    db.session.add(run)
    return run


def _describe(
    vault: Vault, run: Run, lease: str, config: Config, now: datetime, chance: random.Random
) -> OpenedRun:
    key = open_vault_key(vault, config.secrets.kek)
    parent = db.session.get(Run, (vault.id, run.parent_run)) if run.parent_run else None
    highest_pack = db.session.scalar(select(func.max(Pack.pack_no)).where(Pack.vault_id == vault.id)) or 0
    return OpenedRun(
        number=run.run_no,
        lease=lease,
        lease_seconds=int(LEASE.total_seconds()),
        vault=vault.uuid,
        vault_key=key.vault_key,
        key_version=key.version,
        storage=access_for(vault, config, now),
        pack_size=vault.pack_size,
        next_pack=highest_pack + 1,
        next_chunk=run.first_chunk,
        next_node=_next_node(vault),
        parent=describe_snapshot(parent) if parent else None,
        checkpoint_due=_checkpoint_is_due(vault),
        recent_packs=_packs_to_look_at(run, chance),
        vault_files=() if vault.first_commit else founding_files(vault),
        lost_chunks=_lost_chunks(vault.id) if parent else (),
    )


def _next_node(vault: Vault) -> int:
    """The lowest node number that no run has used, those without a snapshot included."""
    highest = select(func.max(RunBatch.highest_node), func.max(RunBatch.root)).where(
        RunBatch.vault_id == vault.id, RunBatch.run_no > (vault.last_commit_run or 0)
    )
    nodes = db.session.execute(highest).one()
    return max(vault.next_node, (nodes[0] or 0) + 1, (nodes[1] or 0) + 1)


def _lost_chunks(vault_id: int) -> tuple[bytes, ...]:
    """The ids of the chunks that lie in bad packs only, then of those that a run without a snapshot stored again: until
    a commit names their new pack, whoever has nothing but the storage does not find them."""
    bad = db.session.scalars(select(Pack.pack_no).where(Pack.vault_id == vault_id, Pack.state == BAD)).all()
    lost = select(Chunk.chunk_key).where(Chunk.vault_id == vault_id, Chunk.pack_no.in_(bad)).limit(MOST_LOST)
    ids = list(db.session.scalars(lost)) if bad else []
    unnamed = (
        select(Chunk.chunk_key)
        .join(Pack, and_(Pack.vault_id == Chunk.vault_id, Pack.pack_no == Chunk.pack_no))
        .join(Run, and_(Run.vault_id == Pack.vault_id, Run.run_no == Pack.run_no))
        .where(Pack.vault_id == vault_id, Pack.state == PENDING, Chunk.chunk_no < Run.first_chunk)
        .limit(MOST_LOST - len(ids))
    )
    return *ids, *db.session.scalars(unnamed)


def _checkpoint_is_due(vault: Vault) -> bool:
    """True without a checkpoint, after 30 runs, or when the deltas since it have grown beyond half of it."""
    committed = (Run.vault_id == vault.id, Run.state == COMMITTED)
    last = db.session.execute(
        select(Run.run_no, Run.manifest_bytes).where(*committed, Run.checkpoint).order_by(Run.run_no.desc()).limit(1)
    ).one_or_none()
    if last is None:
        return True
    deltas, size = db.session.execute(
        select(func.count(), func.coalesce(func.sum(Run.manifest_bytes), 0)).where(
            *committed, Run.run_no > last.run_no
        )
    ).one()
    return deltas + 1 >= RUNS_PER_CHECKPOINT or size > max(last.manifest_bytes // 2, SMALL_MANIFEST)


def _packs_to_look_at(run: Run, chance: random.Random) -> tuple[PackRecord, ...]:
    """The packs of the parent and of the runs without a snapshot since, which `run` may take over: at most 64, the 32
    last ones and 32 drawn at random from the others."""
    rows = db.session.execute(
        select(Pack.pack_no, Pack.sha256, Pack.size)
        .where(Pack.vault_id == run.vault_id, Pack.run_no >= run.parent_run, Pack.state != BAD)
        .order_by(Pack.pack_no)
    ).all()
    if len(rows) > LOOKED_AT:
        older = chance.sample(rows[:-NEWEST_LOOKED_AT], LOOKED_AT - NEWEST_LOOKED_AT)
        rows = [*older, *rows[-NEWEST_LOOKED_AT:]]
    return tuple(PackRecord(number=row.pack_no, sha256=row.sha256, size=row.size) for row in rows)
