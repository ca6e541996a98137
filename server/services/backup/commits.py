"""Commits: what must be true before a run becomes a snapshot, and what changes then."""
from __future__ import annotations

from datetime import datetime
from hashlib import blake2b
from uuid import UUID

from sqlalchemy import func, select, update

from protocol.errors import CommitRefused
from protocol.messages import CommitRun, CommittedRun
from server.config import Config
from server.extensions import db
from server.models import Chunk, Pack, Run, RunBatch, Vault
from server.models.catalogue import BAD, LIVE, PENDING
from server.models.runs import COMMITTED
from server.services.backup.entries import close_other_trees
from server.services.backup.leases import require_open
from server.services.backup.vault_keys import keys_of
from server.services.files.catalogue import describe_snapshot
from server.services.fleet.endings import note_end
from vault.errors import VaultError
from vault.manifests import NAMES, STRUCTURE, Commit, commit_hash, read_commit, sign_commit

CHECKPOINT = "f"


def commit_run(run: Run, message: CommitRun, config: Config, now: datetime) -> CommittedRun:
    """Make a run, whose row the caller has locked, a snapshot. The same commit twice counts once.

    Raises LeaseLost when the run was closed without a snapshot, CommitRefused with the reason.
    """
    vault = _locked_vault(run)
    if run.state == COMMITTED:
        if run.commit_hash != commit_hash(message.commit):
            raise CommitRefused(reason="the run was committed with another commit object")
    else:
        require_open(run)
        accept(run, vault, message.commit, config, now)
        run.read_bytes = message.read
    db.session.commit()
    signature = sign_commit(message.commit, run.run_no, UUID(vault.uuid), config.secrets.signing)
    return CommittedRun(snapshot=describe_snapshot(run), acknowledgement=signature)


def accept_left_commit(run: Run, data: bytes, config: Config, now: datetime) -> None:
    """Make an open run a snapshot by the commit object that its computer left on the storage; commits nothing.

    Raises CommitRefused.
    """
    accept(run, _locked_vault(run), data, config, now)


def accept(run: Run, vault: Vault, data: bytes, config: Config, now: datetime) -> None:
    """Check commit object `data` against all that the portal was told of the run, and close the run with it.

    The moment of the snapshot is the portal's `now`; the client's clock decides nothing. Raises CommitRefused.
    """
    try:
        commit = read_commit(data, keys_of(vault, config.secrets.kek), UUID(vault.uuid))
    except VaultError as error:
        raise CommitRefused(reason=error.sentence) from error
    _check_identity(run, vault, commit)
    highest_node = _check_entries(run, vault, commit)
    _check_chunks(run, commit)
    db.session.execute(
        update(Pack)
        .where(Pack.vault_id == run.vault_id, Pack.run_no == run.run_no, Pack.state == PENDING)
        .values(state=LIVE)
    )
    if commit.batches and commit.parent and commit.root != _root_of(run.vault_id, commit.parent):
        close_other_trees(run)
    vault.next_node = max(vault.next_node, highest_node + 1, commit.root + 1)
    _close(run, vault, commit, data, now)


def _locked_vault(run: Run) -> Vault:
    return db.session.get_one(Vault, run.vault_id, with_for_update=True, populate_existing=True)


def _check_identity(run: Run, vault: Vault, commit: Commit) -> None:
    if commit.run != run.run_no or commit.run_uuid != UUID(run.uuid):
        raise CommitRefused(reason="the commit object is another run's")
    parent = (vault.last_commit_run or 0, vault.last_commit_hash or b"")
    if (commit.parent, commit.parent_hash) != parent:
        raise CommitRefused(reason="it does not follow the last snapshot")


def _check_entries(run: Run, vault: Vault, commit: Commit) -> int:
    """That every batch has come and is the one that was sent; returns the highest node number named."""
    rows = db.session.execute(
        select(RunBatch.batch_no, RunBatch.digest, RunBatch.root, RunBatch.highest_node, RunBatch.highest_chunk)
        .where(RunBatch.vault_id == run.vault_id, RunBatch.run_no == run.run_no)
        .order_by(RunBatch.batch_no)
    ).all()
    digest = blake2b(b"".join(row.digest for row in rows), digest_size=32).digest()
    if [row.batch_no for row in rows] != list(range(commit.batches)) or digest != commit.entries_digest:
        raise CommitRefused(reason="not all of its entries have arrived")
    roots = {row.root for row in rows} or {_root_of(run.vault_id, commit.parent) or commit.root}
    if roots != {commit.root}:
        raise CommitRefused(reason="its entries hang under another root")
    if max((row.highest_chunk for row in rows), default=0) >= commit.first_chunk + commit.chunk_count:
        raise CommitRefused(reason="an entry names a chunk that was not stored")
    return max((row.highest_node for row in rows), default=0)


def _check_chunks(run: Run, commit: Commit) -> None:
    """That each chunk of the run is registered in a sound pack, and that commit and portal know the same packs."""
    if commit.first_chunk != run.first_chunk:
        raise CommitRefused(reason="its chunks begin at another number")
    of_run = (
        Chunk.vault_id == run.vault_id,
        Chunk.chunk_no >= run.first_chunk,
        Chunk.chunk_no < run.first_chunk + commit.chunk_count,
    )
    if db.session.scalar(select(func.count()).where(*of_run)) != commit.chunk_count:
        raise CommitRefused(reason="a chunk is missing")
    packs = (Pack.vault_id == run.vault_id, Pack.run_no == run.run_no)
    if db.session.scalar(select(func.count()).where(*packs)) != commit.pack_count:
        raise CommitRefused(reason="its packs are not those that were registered")
    bad = db.session.scalars(select(Pack.pack_no).where(*packs, Pack.state == BAD)).all()
    if bad and db.session.scalar(select(func.count()).where(*of_run, Chunk.pack_no.in_(bad))):
        raise CommitRefused(reason="one of its packs is damaged")


def _root_of(vault_id: int, run_no: int) -> int | None:
    """The root node of a committed run; None for 0, which is no run."""
    return db.session.scalar(select(Run.root_node).where(Run.vault_id == vault_id, Run.run_no == run_no))


def _close(run: Run, vault: Vault, commit: Commit, data: bytes, now: datetime) -> None:
    run.state = COMMITTED
    run.finished_at = now
    run.root_node = commit.root
    run.checkpoint = commit.kind == CHECKPOINT
    run.manifest_bytes = sum(part.size for part in commit.parts if part.section in (STRUCTURE, NAMES))
    run.manifest_bytes += sum(len(commit.inline.get(section, b"")) for section in (STRUCTURE, NAMES))
    run.batches = commit.batches
    run.commit, run.commit_hash = data, commit_hash(data)
    run.files, run.bytes = commit.files, commit.bytes
    run.stored, run.skipped = commit.stored, commit.skipped
    vault.last_commit_run, vault.last_commit_hash = run.run_no, run.commit_hash
    note_end(run)
