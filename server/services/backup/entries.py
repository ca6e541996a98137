"""Writing a run's entries into the catalogue, and taking them back."""
from __future__ import annotations

import sys
from array import array
from collections.abc import Iterator, Sequence
from hashlib import blake2b
from itertools import groupby

from sqlalchemy import Connection, text

from protocol.errors import BadRequest
from protocol.messages import AddEntries, Entry, Gone
from server.extensions import db
from server.models import Run, RunBatch
from server.models.catalogue import FOREVER, INLINE_CHUNKS, NAME_LIMIT, SEGMENT_CHUNKS
from server.services.backup.leases import require_open
from server.services.files.bulk import VALUES_PER_QUERY, Row, bytes_list, insert_rows, number_list, slices
from vault.records import FILE, FOLDER, LINK

KINDS = frozenset({FILE, FOLDER, LINK})
NUMBER_LENGTH = 4
INLINE_LENGTH = INLINE_CHUNKS * NUMBER_LENGTH
SEGMENT_LENGTH = SEGMENT_CHUNKS * NUMBER_LENGTH
SEGMENTS_PER_STATEMENT = 64
FIRST_MOMENT, LAST_MOMENT = -(2**63), 2**63 - 1
ROWS_PER_UNDO = 10_000
VERSION_COLUMNS = (
    "vault_id, parent_no, name, first_run, last_run, node_no, kind, size, mtime_ns, attributes, chunks, segments"
)
FOLDER_COLUMNS = "vault_id, node_no, parent_no, name"
SEGMENT_COLUMNS = "vault_id, node_no, first_run, seg_no, chunks"


def add_entries(run: Run, message: AddEntries, body: bytes) -> None:
    """Take a batch of an open run, whose row the caller has locked; `body` is the request as it came.

    The same batch twice counts once. Nothing is visible before the run is committed. Raises LeaseLost, BadRequest.
    """
    require_open(run)
    digest = blake2b(body, digest_size=32).digest()
    known = db.session.get(RunBatch, (run.vault_id, run.run_no, message.batch))
    if known is not None:
        if known.digest != digest:
            raise BadRequest(reason=f"batch {message.batch} differs from the one that was sent before")
        db.session.rollback()
        return
    versions, segments = _rows(run, message.entries)
    highest_chunk = _check_numbers(run, message.entries)
    db.session.add(
        RunBatch(
            vault_id=run.vault_id,
            run_no=run.run_no,
            batch_no=message.batch,
            digest=digest,
            root=message.root,
            highest_node=max((entry.node for entry in message.entries), default=0),
            highest_chunk=highest_chunk,
        )
    )
    db.session.flush()
    connection = db.session.connection()
    _close(connection, run, message.gone)
    insert_rows(connection, "version", VERSION_COLUMNS, sorted(versions))
    folders = [(run.vault_id, one.node, one.parent, one.name) for one in message.entries if one.kind == FOLDER]
    insert_rows(connection, "folder", FOLDER_COLUMNS, sorted(folders), verb="REPLACE")
    insert_rows(connection, "content_segment", SEGMENT_COLUMNS, sorted(segments), SEGMENTS_PER_STATEMENT)
    db.session.commit()


def undo_run(vault_id: int, run_no: int) -> None:
    """Take back every entry of a run that has no snapshot, and what it closed. Commits as it goes; may be repeated.

    Safe because run numbers are dense and one run is open at a time: only run R adds rows with first_run = R, and only
    it closes rows at R - 1.
    """
    values = {"vault": vault_id, "run": run_no, "before": run_no - 1, "forever": FOREVER}
    connection = db.session.connection()
    long_files = connection.execute(
        text("SELECT node_no FROM version WHERE vault_id = :vault AND first_run = :run AND segments > 0"), values
    ).scalars()
    for nodes in slices(list(long_files), VALUES_PER_QUERY):
        connection.exec_driver_sql(
            f"DELETE FROM content_segment WHERE vault_id = {vault_id:d} AND first_run = {run_no:d}"
            f" AND node_no IN ({number_list(nodes)})"
        )
    _repeat("DELETE FROM version WHERE vault_id = :vault AND first_run = :run", values)
    _repeat("UPDATE version SET last_run = :forever WHERE vault_id = :vault AND last_run = :before", values)


def close_other_trees(run: Run) -> None:
    """End at `run` whatever the runs before it left open: its client has sent everything under a new root."""
    db.session.execute(
        text(
            "UPDATE version SET last_run = :last"
            " WHERE vault_id = :vault AND last_run = :forever AND first_run < :run"
        ),
        {"vault": run.vault_id, "run": run.run_no, "last": run.run_no - 1, "forever": FOREVER},
    )


def _repeat(statement: str, values: dict[str, int]) -> None:
    """Run a statement slice by slice where the database can, so that no transaction grows large."""
    limited = db.session.connection().dialect.name == "mysql"
    while True:
        done = db.session.connection().execute(
            text(f"{statement} LIMIT {ROWS_PER_UNDO}" if limited else statement), values
        )
        db.session.commit()
        if not limited or done.rowcount < ROWS_PER_UNDO:
            return


def _rows(run: Run, entries: Sequence[Entry]) -> tuple[list[Row], list[Row]]:
    """Rows of version and of content_segment. Raises BadRequest for what no client of ours would send."""
    vault, number = run.vault_id, run.run_no
    versions: list[Row] = []
    segments: list[Row] = []
    for entry in entries:
        name, chunks, count = entry.name, entry.chunks, 0
        if (
            not 0 < len(name) <= NAME_LIMIT or b"/" in name or b"\0" in name or name in (b".", b"..")
            or entry.kind not in KINDS or len(chunks) % NUMBER_LENGTH or not entry.node
            or not FIRST_MOMENT <= entry.mtime_ns <= LAST_MOMENT or not 0 <= entry.size <= LAST_MOMENT
        ):
            raise BadRequest(reason=f"the entry with node {entry.node} is not valid")
        if len(chunks) > INLINE_LENGTH:
            parts = list(_parts(chunks))
            segments += [(vault, entry.node, number, place, part) for place, part in enumerate(parts)]
            chunks, count = b"", len(parts)
        versions.append((
            vault, entry.parent, name, number, FOREVER, entry.node, entry.kind, entry.size, entry.mtime_ns,
            entry.attributes, chunks, count,
        ))  # fmt: skip
    return versions, segments


def _parts(chunks: bytes) -> Iterator[bytes]:
    return (chunks[start : start + SEGMENT_LENGTH] for start in range(0, len(chunks), SEGMENT_LENGTH))


def _check_numbers(run: Run, entries: Sequence[Entry]) -> int:
    """The highest chunk number named. Raises BadRequest when one from before this run is not in the catalogue.

    Whether those of this run are all there can be told only at its commit, as packs and entries travel side by side.
    """
    numbers = array("I", b"".join([entry.chunks for entry in entries]))
    if sys.byteorder == "big":
        numbers.byteswap()
    if not numbers:
        return 0
    older = sorted({number for number in numbers if number < run.first_chunk})
    connection = db.session.connection()
    for part in slices(older, VALUES_PER_QUERY):
        found = connection.exec_driver_sql(
            f"SELECT COUNT(*) FROM chunk WHERE vault_id = {run.vault_id:d} AND chunk_no IN ({number_list(part)})"
        ).scalar_one()
        if found != len(part):
            raise BadRequest(reason="an entry names a chunk that was never stored")
    return max(numbers)


def _close(connection: Connection, run: Run, gone: Sequence[Gone]) -> None:
    """End the versions that the parent snapshot had under these names."""
    for parent, group in groupby(sorted(gone, key=_place), key=_parent):
        for names in slices([item.name for item in group], VALUES_PER_QUERY):
            connection.exec_driver_sql(
                f"UPDATE version SET last_run = {run.run_no - 1:d} WHERE vault_id = {run.vault_id:d}"
                f" AND parent_no = {parent:d} AND name IN ({bytes_list(names)})"
                f" AND last_run = {FOREVER} AND first_run < {run.run_no:d}"
            )


def _place(gone: Gone) -> tuple[int, bytes]:
    return gone.parent, gone.name


def _parent(gone: Gone) -> int:
    return gone.parent
