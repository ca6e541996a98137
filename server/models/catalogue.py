"""The catalogue's tables: versions of files and folders, chunks, packs. Every key begins with the vault."""
from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from server.models.base import (
    CLUSTERED_TABLE_OPTIONS,
    Model,
    Moment,
    fixed_bytes,
    large_number,
    number,
    short_bytes,
    small_number,
)

FOREVER = 2**32 - 1
"""`last_run` of a version that still holds."""
INLINE_CHUNKS = 64
SEGMENT_CHUNKS = 4096
NAME_LIMIT = 1020
PENDING = "pending"
LIVE = "live"
BAD = "bad"


class Version(Model):
    """A file, folder or link as it was from snapshot `first_run` to `last_run`, under its parent folder.

    `chunks` are up to 64 chunk numbers, four bytes each, little-endian; longer lists lie in `segments` rows of
    content_segment and leave `chunks` empty.
    """

    __tablename__ = "version"
    __table_args__ = (
        Index(None, "vault_id", "last_run"),
        Index(None, "vault_id", "first_run"),
        CLUSTERED_TABLE_OPTIONS,
    )

    vault_id: Mapped[int] = mapped_column(number(), primary_key=True, autoincrement=False)
    parent_no: Mapped[int] = mapped_column(number(), primary_key=True, autoincrement=False)
    name: Mapped[bytes] = mapped_column(short_bytes(NAME_LIMIT), primary_key=True)
    first_run: Mapped[int] = mapped_column(number(), primary_key=True, autoincrement=False)
    last_run: Mapped[int] = mapped_column(number(), default=FOREVER)
    node_no: Mapped[int] = mapped_column(number())
    kind: Mapped[int] = mapped_column(small_number())
    size: Mapped[int] = mapped_column(large_number())
    mtime_ns: Mapped[int] = mapped_column(BigInteger)
    attributes: Mapped[int] = mapped_column(number())
    chunks: Mapped[bytes] = mapped_column(short_bytes(INLINE_CHUNKS * 4))
    segments: Mapped[int] = mapped_column(number(), default=0)


class Folder(Model):
    """Where a folder stands, so that a path can be told from below. A node keeps its place for ever.

    A run that comes to no snapshot may leave rows whose numbers the next run gives to other folders; they are
    overwritten then, and until then nothing refers to them.
    """

    __tablename__ = "folder"
    __table_args__ = (Index(None, "vault_id", "parent_no", "name"), CLUSTERED_TABLE_OPTIONS)

    vault_id: Mapped[int] = mapped_column(number(), primary_key=True, autoincrement=False)
    node_no: Mapped[int] = mapped_column(number(), primary_key=True, autoincrement=False)
    parent_no: Mapped[int] = mapped_column(number())
    name: Mapped[bytes] = mapped_column(short_bytes(NAME_LIMIT))


class VaultContent(Model):
    """What snapshot `run_no` of a vault holds, counted now and then, as counting takes too long for a page.

    `folders` are lists of address, files and bytes, `types` of a file type's word, files and bytes; largest first.
    """

    __tablename__ = "vault_content"
    __table_args__ = CLUSTERED_TABLE_OPTIONS

    vault_id: Mapped[int] = mapped_column(number(), primary_key=True, autoincrement=False)
    run_no: Mapped[int] = mapped_column(number())
    counted_at: Mapped[datetime] = mapped_column(Moment)
    folders: Mapped[list[Any]] = mapped_column(JSON, default=list)
    types: Mapped[list[Any]] = mapped_column(JSON, default=list)


class ContentSegment(Model):
    """Up to 4096 chunk numbers of a large file's version."""

    __tablename__ = "content_segment"
    __table_args__ = CLUSTERED_TABLE_OPTIONS

    vault_id: Mapped[int] = mapped_column(number(), primary_key=True, autoincrement=False)
    node_no: Mapped[int] = mapped_column(number(), primary_key=True, autoincrement=False)
    first_run: Mapped[int] = mapped_column(number(), primary_key=True, autoincrement=False)
    seg_no: Mapped[int] = mapped_column(number(), primary_key=True, autoincrement=False)
    chunks: Mapped[bytes] = mapped_column(short_bytes(SEGMENT_CHUNKS * 4))


class Chunk(Model):
    """Where a chunk lies in its pack."""

    __tablename__ = "chunk"
    __table_args__ = (
        UniqueConstraint("vault_id", "chunk_key"),
        Index(None, "vault_id", "pack_no"),
        CLUSTERED_TABLE_OPTIONS,
    )

    vault_id: Mapped[int] = mapped_column(number(), primary_key=True, autoincrement=False)
    chunk_no: Mapped[int] = mapped_column(number(), primary_key=True, autoincrement=False)
    chunk_key: Mapped[bytes] = mapped_column(fixed_bytes(16))
    kind: Mapped[int] = mapped_column(small_number())
    compression: Mapped[int] = mapped_column(small_number())
    pack_no: Mapped[int] = mapped_column(number())
    offset: Mapped[int] = mapped_column(number())
    length: Mapped[int] = mapped_column(number())
    plain: Mapped[int] = mapped_column(number())


class Pack(Model):
    """A pack file on the storage: pending until a commit lists it, then live; bad once the portal found it damaged.

    `run_no` is the run that stored it, or the latest one that took it over (`adopted`) from a run without a commit.
    """

    __tablename__ = "pack"
    __table_args__ = (
        Index(None, "vault_id", "run_no"),
        Index(None, "vault_id", "state"),
        CLUSTERED_TABLE_OPTIONS,
    )

    vault_id: Mapped[int] = mapped_column(number(), primary_key=True, autoincrement=False)
    pack_no: Mapped[int] = mapped_column(number(), primary_key=True, autoincrement=False)
    sha256: Mapped[bytes] = mapped_column(fixed_bytes(32))
    size: Mapped[int] = mapped_column(large_number())
    cipher: Mapped[int] = mapped_column(small_number())
    key_version: Mapped[int] = mapped_column(number())
    state: Mapped[str] = mapped_column(String(10), default=PENDING)
    run_no: Mapped[int] = mapped_column(number())
    adopted: Mapped[bool] = mapped_column(default=False)
