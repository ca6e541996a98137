"""Where backups lie: registered storages and the vaults on them."""
from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import JSON, ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from server.models.base import Model, Moment, Versioned, fixed_bytes, large_number, number, short_bytes

if TYPE_CHECKING:
    from server.models.computers import Computer


class Storage(Versioned, Model):
    """An FTP server of the reseller (kind ftp) or the portal's own (kind gateway).

    A row of kind draft is an address that is tried out before it becomes a storage, or replaces that of the storage
    `replaces_id`; no vault lies there. `seen` is the certificate (PEM) that the server showed and nobody trusts yet.

    `password_sealed` is sealed under the portal's key; `pin` is the certificate's SHA-256, `ca` a certificate as text.
    `profile` and `findings` are what the doctor found. `capacity` is how many bytes the reseller has there, None when
    that was not said. `problem_code` and `problem` tell why the last check could not be made, since `problem_since`.
    """

    __tablename__ = "storage"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(100), unique=True)
    kind: Mapped[str] = mapped_column(String(20))
    host: Mapped[str] = mapped_column(String(255), default="")
    port: Mapped[int] = mapped_column(default=21)
    user: Mapped[str] = mapped_column(String(255), default="")
    password_sealed: Mapped[bytes] = mapped_column(short_bytes(1024), default=b"")
    base: Mapped[str] = mapped_column(String(1000), default="")
    tls: Mapped[bool] = mapped_column(default=True)
    pin: Mapped[bytes | None] = mapped_column(fixed_bytes(32))
    ca: Mapped[str | None] = mapped_column(Text)
    profile: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    findings: Mapped[list[Any]] = mapped_column(JSON, default=list)
    checked_at: Mapped[datetime | None] = mapped_column(Moment)
    capacity: Mapped[int | None] = mapped_column(large_number())
    problem_code: Mapped[str] = mapped_column(String(20), default="")
    problem: Mapped[str] = mapped_column(String(2000), default="")
    problem_since: Mapped[datetime | None] = mapped_column(Moment)
    check_asked_at: Mapped[datetime | None] = mapped_column(Moment)
    is_default: Mapped[bool] = mapped_column(default=False)
    seen: Mapped[str | None] = mapped_column(Text)
    replaces_id: Mapped[int | None] = mapped_column(ForeignKey("storage.id"), index=True)


class StorageDay(Model):
    """What a storage held on a day (UTC), as noted last on that day; forecasts follow from it."""

    __tablename__ = "storage_day"

    storage_id: Mapped[int] = mapped_column(ForeignKey("storage.id"), primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    used: Mapped[int] = mapped_column(large_number())


class Vault(Model):
    """One computer's encrypted store. `id` leads every key of the catalogue; `uuid` names the vault's folder.

    `next_node` is the lowest node number never used. `stored_bytes` counts the packs that the portal knows.
    """

    __tablename__ = "vault"

    id: Mapped[int] = mapped_column(primary_key=True)
    uuid: Mapped[str] = mapped_column(String(36), unique=True)
    storage_id: Mapped[int] = mapped_column(ForeignKey("storage.id"), index=True)
    computer_id: Mapped[str] = mapped_column(String(36), unique=True)
    key_version: Mapped[int] = mapped_column(default=1)
    wrapped_portal: Mapped[bytes] = mapped_column(short_bytes(2048))
    wrapped_recovery: Mapped[bytes] = mapped_column(short_bytes(2048))
    recovery_key_sealed: Mapped[bytes] = mapped_column(short_bytes(1024))
    stored_bytes: Mapped[int] = mapped_column(large_number(), default=0)
    pack_size: Mapped[int] = mapped_column(number(), default=8 * 1024 * 1024)
    created_at: Mapped[datetime] = mapped_column(Moment)
    next_node: Mapped[int] = mapped_column(number(), default=1)
    last_run_no: Mapped[int] = mapped_column(number(), default=0)
    last_commit_run: Mapped[int | None] = mapped_column(number())
    last_commit_hash: Mapped[bytes | None] = mapped_column(fixed_bytes(32))
    storage: Mapped[Storage] = relationship()
    computer: Mapped[Computer] = relationship(
        primaryjoin="foreign(Computer.vault_id) == Vault.id", back_populates="vault", uselist=False, viewonly=True
    )

    @property
    def first_commit(self) -> bool:
        """True once the vault holds a snapshot."""
        return self.last_commit_run is not None
