"""The base of every table, and column types that mean the same on SQLite and on MySQL/MariaDB."""
from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import BigInteger, DateTime, Dialect, Integer, LargeBinary, MetaData, String, TypeDecorator
from sqlalchemy.dialects import mysql
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import TypeEngine

Binary = bytes
"""`bytes` by another name, for classes that have a column called bytes."""

TABLE_OPTIONS: dict[str, Any] = {
    "mysql_engine": "InnoDB",
    "mysql_row_format": "DYNAMIC",
    "mysql_charset": "utf8mb4",
    "mysql_collate": "utf8mb4_bin",
}
"""Text compares byte by byte on every database; what people type is folded before it is stored."""

CLUSTERED_TABLE_OPTIONS = {**TABLE_OPTIONS, "sqlite_with_rowid": False}
"""For the large tables: SQLite, too, keeps the rows in the order of the primary key."""


class Model(DeclarativeBase):
    """Base of every table's class."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    __table_args__: Any = TABLE_OPTIONS


class Moment(TypeDecorator[datetime]):
    """An aware UTC time with microseconds. A naive one is refused, because nobody knows what it means."""

    impl = DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """MySQL drops fractions of a second unless told otherwise."""
        return dialect.type_descriptor(mysql.DATETIME(fsp=6) if dialect.name == "mysql" else DateTime())

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Aware, any zone → naive UTC, as both databases keep it. Raises ValueError for a naive time."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a zone can't be stored")
        return value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Naive UTC → aware UTC."""
        return None if value is None else value.replace(tzinfo=UTC)


def number() -> TypeEngine[int]:
    """0 to 2**32 - 1."""
    return Integer().with_variant(mysql.INTEGER(unsigned=True), "mysql")


def large_number() -> TypeEngine[int]:
    """0 to 2**63 - 1, as sizes in bytes need it."""
    return BigInteger().with_variant(mysql.BIGINT(unsigned=True), "mysql")


def small_number() -> TypeEngine[int]:
    """0 to 255."""
    return Integer().with_variant(mysql.TINYINT(unsigned=True), "mysql")


def fixed_bytes(length: int) -> TypeEngine[bytes]:
    """Exactly `length` bytes."""
    return LargeBinary(length).with_variant(mysql.BINARY(length), "mysql")


def short_bytes(limit: int) -> TypeEngine[bytes]:
    """Up to `limit` bytes, kept in the row and fit for a key."""
    return LargeBinary(limit).with_variant(mysql.VARBINARY(limit), "mysql")


def long_bytes() -> TypeEngine[bytes]:
    """Up to 16 MiB."""
    return LargeBinary().with_variant(mysql.MEDIUMBLOB(), "mysql")


class Versioned:
    """What a record has that several people may edit: `version` counts its changes, so that the second is told."""

    version: Mapped[int] = mapped_column(default=1)
    changed_by: Mapped[str] = mapped_column(String(255), default="")
    changed_at: Mapped[datetime | None] = mapped_column(Moment)
