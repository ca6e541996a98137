"""Chunks and packs of a run: which are known, which came, which were lost."""
from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import and_, func, select, update

from protocol.errors import BadRequest, QuotaReached
from protocol.messages import (
    AddPack,
    AdoptedPack,
    DamageConfirmed,
    KnownChunks,
    PackAdded,
    PackedChunk,
    PackRecord,
)
from server.config import Config
from server.extensions import db
from server.models import Chunk, Computer, Pack, Run, Vault
from server.models.catalogue import BAD, PENDING
from server.services.backup.leases import require_open
from server.services.files.bulk import VALUES_PER_QUERY, bytes_list, insert_rows, slices
from server.services.selling.stored import note_stored, used_bytes
from server.services.selling.subscriptions import check_backup_allowed
from server.services.storage.storages import open_vault_storage
from vault.layout import pack_name

CHUNK_COLUMNS = "vault_id, chunk_no, chunk_key, kind, compression, pack_no, `offset`, length, plain"
LOOKUP = (
    "SELECT chunk_key, chunk_no, pack_no, state, run_no, adopted FROM chunk JOIN pack USING (vault_id, pack_no)"
    " WHERE vault_id = {vault:d} AND chunk_key IN ({keys})"
)
"""Written out, as passing each key as a parameter takes longer than finding it."""
SMALL = 256
PACKS_PER_REPORT = 1000


def lookup_chunks(run: Run, ids: Sequence[bytes]) -> KnownChunks:
    """Which of `ids` the vault holds. Packs left over by runs without a snapshot are taken over by this run.

    They come along each time one of their chunks is asked for, as an earlier answer may have been lost.
    Raises LeaseLost.
    """
    require_open(run)
    numbers: dict[bytes, int] = {}
    adopted: set[int] = set()
    for part in slices(sorted(set(ids)), VALUES_PER_QUERY):
        rows = db.session.connection().exec_driver_sql(LOOKUP.format(vault=run.vault_id, keys=bytes_list(part)))
        for row in rows:
            numbers[row.chunk_key] = -row.chunk_no if row.state == BAD else row.chunk_no
            if row.state == PENDING and (row.run_no != run.run_no or row.adopted):
                adopted.add(row.pack_no)
    taken = _adopt(run, sorted(adopted)) if adopted else ()
    db.session.commit()
    return KnownChunks(numbers=tuple(numbers.get(identity, 0) for identity in ids), adopted=taken)


def add_pack(computer: Computer, run: Run, message: AddPack, now: datetime) -> PackAdded:
    """Take note of a pack that is completely stored, then ask whether the run may go on.

    The pack is kept even if not, since it lies on the storage: the next run uses it. Raises LeaseLost, BadRequest,
    QuotaReached and whatever check_backup_allowed raises.
    """
    require_open(run)
    pack = message.pack
    known = db.session.get(Pack, (run.vault_id, pack.number))
    if known is None:
        _register(run, message)
    elif (known.sha256, known.size) != (pack.sha256, pack.size):
        raise BadRequest(reason=f"pack {pack.number} is known with other content")
    used, quota = used_bytes(computer.subscription_id), computer.subscription.quota
    db.session.commit()
    check_backup_allowed(computer, now)
    if used > quota:
        raise QuotaReached(used=f"{used:,} bytes", quota=f"{quota:,} bytes")
    return PackAdded(used=used, quota=quota)


def report_damage(run: Run, packs: Iterable[int], config: Config) -> DamageConfirmed:
    """Look at packs that a computer found damaged; those that the portal, too, finds so are out of use.

    Returns the ids of the chunks lost with them. Raises LeaseLost, BadRequest, StorageError.
    """
    require_open(run)
    wanted = sorted(set(packs))
    if len(wanted) > PACKS_PER_REPORT:
        raise BadRequest(reason=f"a report names at most {PACKS_PER_REPORT} packs")
    vault_id = run.vault_id
    vault = db.session.get_one(Vault, vault_id)
    reported = db.session.scalars(select(Pack).where(Pack.vault_id == vault_id, Pack.pack_no.in_(wanted))).all()
    storage = open_vault_storage(vault, config)
    db.session.commit()  # no transaction stays open while the storage is asked
    try:
        lost = [pack for pack in reported if pack.state == BAD or not _is_there(storage.size(_name(pack)), pack)]
    finally:
        storage.close()
    numbers = [pack.pack_no for pack in lost]
    fresh = [pack.pack_no for pack in lost if pack.state != BAD]
    db.session.execute(
        update(Pack).where(Pack.vault_id == vault_id, Pack.pack_no.in_(fresh), Pack.state != BAD).values(state=BAD)
    )
    ids = db.session.scalars(
        select(Chunk.chunk_key)
        .where(Chunk.vault_id == vault_id, Chunk.pack_no.in_(numbers))
        .order_by(Chunk.chunk_no)
    ).all()
    db.session.commit()
    return DamageConfirmed(ids=tuple(ids))


def _is_there(size: int | None, pack: Pack) -> bool:
    return size == pack.size


def _name(pack: Pack) -> str:
    return pack_name(pack.pack_no, pack.sha256)


def _adopt(run: Run, numbers: Sequence[int]) -> tuple[AdoptedPack, ...]:
    of_vault = Pack.vault_id == run.vault_id
    db.session.execute(
        update(Pack)
        .where(of_vault, Pack.pack_no.in_(numbers), Pack.run_no != run.run_no)
        .values(run_no=run.run_no, adopted=True)
    )
    packs = db.session.execute(
        select(Pack.pack_no, Pack.sha256, Pack.size).where(of_vault, Pack.pack_no.in_(numbers)).order_by(Pack.pack_no)
    ).all()
    rows = db.session.execute(
        select(
            Chunk.pack_no, Chunk.chunk_no, Chunk.chunk_key, Chunk.kind, Chunk.compression, Chunk.offset,
            Chunk.length, Chunk.plain,
        )
        .where(Chunk.vault_id == run.vault_id, Chunk.pack_no.in_(numbers))
        .order_by(Chunk.pack_no, Chunk.offset)
    )  # fmt: skip
    chunks: dict[int, list[PackedChunk]] = {pack.pack_no: [] for pack in packs}
    for row in rows:
        chunks[row.pack_no].append(PackedChunk(*row[1:]))
    return tuple(
        AdoptedPack(
            pack=PackRecord(number=pack.pack_no, sha256=pack.sha256, size=pack.size),
            chunks=tuple(chunks[pack.pack_no]),
        )
        for pack in packs
    )


def _register(run: Run, message: AddPack) -> None:
    pack, chunks = message.pack, message.chunks
    _check_chunks(message)
    db.session.add(
        Pack(
            vault_id=run.vault_id,
            pack_no=pack.number,
            sha256=pack.sha256,
            size=pack.size,
            cipher=message.cipher,
            key_version=message.key_version,
            run_no=run.run_no,
        )
    )
    db.session.flush()
    known = _move_lost_chunks(run, message)
    rows = [
        (run.vault_id, chunk.number, chunk.id, chunk.kind, chunk.compression, pack.number, chunk.offset,
         chunk.length, chunk.plain)
        for chunk in chunks if chunk.number not in known
    ]  # fmt: skip
    insert_rows(db.session.connection(), "chunk", CHUNK_COLUMNS, sorted(rows))
    note_stored(run.vault_id, pack.size)


def _check_chunks(message: AddPack) -> None:
    if not message.pack.number:
        raise BadRequest(reason="packs are numbered from 1")
    if len({chunk.number for chunk in message.chunks}) != len(message.chunks):
        raise BadRequest(reason=f"pack {message.pack.number} names a chunk twice")
    for chunk in message.chunks:
        if (
            not chunk.number or chunk.offset + chunk.length > message.pack.size
            or not 0 <= chunk.kind < SMALL or not 0 <= chunk.compression < SMALL
        ):
            raise BadRequest(reason=f"chunk {chunk.number} does not fit into pack {message.pack.number}")
    if not 0 <= message.cipher < SMALL or not 0 <= message.key_version < SMALL * SMALL:
        raise BadRequest(reason=f"pack {message.pack.number} has an unknown cipher")


def _move_lost_chunks(run: Run, message: AddPack) -> set[int]:
    """The numbers among the message's chunks that are known; those whose pack is bad now lie in the new pack."""
    highest = db.session.scalar(select(func.max(Chunk.chunk_no)).where(Chunk.vault_id == run.vault_id)) or 0
    candidates = {chunk.number: chunk for chunk in message.chunks if chunk.number <= highest}
    known: set[int] = set()
    for part in slices(sorted(candidates), VALUES_PER_QUERY):
        rows = db.session.execute(
            select(Chunk.chunk_no, Chunk.chunk_key, Pack.state)
            .join(Pack, and_(Pack.vault_id == Chunk.vault_id, Pack.pack_no == Chunk.pack_no))
            .where(Chunk.vault_id == run.vault_id, Chunk.chunk_no.in_(part))
        ).all()
        for row in rows:
            new = candidates[row.chunk_no]
            if new.id != row.chunk_key:
                raise BadRequest(reason=f"chunk {row.chunk_no} is known with another content")
            known.add(row.chunk_no)
            if row.state == BAD:
                db.session.execute(
                    update(Chunk)
                    .where(Chunk.vault_id == run.vault_id, Chunk.chunk_no == row.chunk_no)
                    .values(
                        kind=new.kind, compression=new.compression, pack_no=message.pack.number, offset=new.offset,
                        length=new.length, plain=new.plain,
                    )
                )  # fmt: skip
    return known
