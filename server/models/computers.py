"""The computers that are backed up, and what they reported of their hardware."""
from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import JSON, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from server.models.base import (
    CLUSTERED_TABLE_OPTIONS,
    Model,
    Moment,
    Versioned,
    fixed_bytes,
    large_number,
    long_bytes,
    number,
)

if TYPE_CHECKING:
    from server.models.people import Account, Customer
    from server.models.plans import Subscription
    from server.models.storages import Vault


class Computer(Versioned, Model):
    """One installed client: active, paused or retired. `token_hash` is the SHA-256 of the token it presents.

    `paused_until` ends a pause by itself. `schedule` is the client's plan in words, `longest_gap` the seconds between
    two of its times that lie farthest apart (None: it has told none), `folders` its protected folders with what it
    last knew of each. `backup_asked_at` is when somebody last asked in the portal for a backup.

    The rest is what its state follows from, noted when a run ends, so that states can be counted and sorted by the
    database: the last snapshot, the states of the last two ended runs, since when they fail and snapshots lack files,
    and from when on it is late and overdue.
    """

    __tablename__ = "computer"
    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"), index=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id"), index=True)
    subscription_id: Mapped[int] = mapped_column(ForeignKey("subscription.id"), index=True)
    vault_id: Mapped[int] = mapped_column(ForeignKey("vault.id"), unique=True)
    name: Mapped[str] = mapped_column(String(255))
    token_hash: Mapped[bytes] = mapped_column(fixed_bytes(32), unique=True)
    windows_names: Mapped[bool]
    state: Mapped[str] = mapped_column(String(20), default="active")
    client_version: Mapped[str] = mapped_column(String(255), default="")
    enrolled_at: Mapped[datetime] = mapped_column(Moment)
    last_seen_at: Mapped[datetime | None] = mapped_column(Moment)
    state_changed_by: Mapped[str] = mapped_column(String(255), default="")
    state_changed_at: Mapped[datetime | None] = mapped_column(Moment)
    paused_until: Mapped[datetime | None] = mapped_column(Moment)
    schedule: Mapped[str] = mapped_column(String(255), default="")
    longest_gap: Mapped[int | None]
    next_run_at: Mapped[datetime | None] = mapped_column(Moment)
    folders: Mapped[list[Any]] = mapped_column(JSON, default=list)
    backup_asked_by: Mapped[str] = mapped_column(String(255), default="")
    backup_asked_at: Mapped[datetime | None] = mapped_column(Moment)
    awaits_approval: Mapped[bool] = mapped_column(default=False)
    last_commit_at: Mapped[datetime | None] = mapped_column(Moment)
    last_skipped: Mapped[int] = mapped_column(large_number(), default=0)
    last_run_state: Mapped[str] = mapped_column(String(20), default="")
    previous_run_state: Mapped[str] = mapped_column(String(20), default="")
    last_run_at: Mapped[datetime | None] = mapped_column(Moment)
    failed_since: Mapped[datetime | None] = mapped_column(Moment)
    warned_since: Mapped[datetime | None] = mapped_column(Moment)
    late_at: Mapped[datetime | None] = mapped_column(Moment)
    overdue_at: Mapped[datetime | None] = mapped_column(Moment)
    restore_points: Mapped[int] = mapped_column(number(), default=0)
    account: Mapped[Account] = relationship()
    customer: Mapped[Customer] = relationship()
    subscription: Mapped[Subscription] = relationship()
    vault: Mapped[Vault] = relationship(back_populates="computer")


class Hardware(Model):
    """A hardware report: kept when it differs from the one before.

    `matching` of `compared` identifiers were those of the last accepted report. `decision` is accepted, waiting or
    other (it is another computer); whoever decided is named, nobody when the portal did.
    """

    __tablename__ = "hardware"

    id: Mapped[int] = mapped_column(primary_key=True)
    computer_id: Mapped[str] = mapped_column(ForeignKey("computer.id"), index=True)
    received_at: Mapped[datetime] = mapped_column(Moment)
    report: Mapped[bytes] = mapped_column(long_bytes())
    hash: Mapped[bytes] = mapped_column(fixed_bytes(32))
    matching: Mapped[int] = mapped_column(default=0)
    compared: Mapped[int] = mapped_column(default=0)
    decision: Mapped[str] = mapped_column(String(10), default="accepted")
    decided_by: Mapped[str] = mapped_column(String(255), default="")
    decided_at: Mapped[datetime | None] = mapped_column(Moment)


class HardwareIdentifier(Model):
    """An identifier in a computer's last report, to search by: kind mac, disk, board or machine."""

    __tablename__ = "hardware_identifier"
    __table_args__ = (Index(None, "value"), CLUSTERED_TABLE_OPTIONS)

    computer_id: Mapped[str] = mapped_column(ForeignKey("computer.id"), primary_key=True)
    kind: Mapped[str] = mapped_column(String(10), primary_key=True)
    value: Mapped[str] = mapped_column(String(255), primary_key=True)


class SetUpCode(Model):
    """A one-time code with which a technician enrols a computer for an account, without its password."""

    __tablename__ = "set_up_code"

    id: Mapped[int] = mapped_column(primary_key=True)
    code_hash: Mapped[bytes] = mapped_column(fixed_bytes(32), unique=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"), index=True)
    created_by: Mapped[str] = mapped_column(String(255))
    created_at: Mapped[datetime] = mapped_column(Moment)
    expires_at: Mapped[datetime] = mapped_column(Moment)
    computer_id: Mapped[str | None] = mapped_column(ForeignKey("computer.id"), index=True)


class RestoreReport(Model):
    """How a restore on a computer ended: what came back, verified, and what did not."""

    __tablename__ = "restore_report"

    id: Mapped[int] = mapped_column(primary_key=True)
    computer_id: Mapped[str] = mapped_column(ForeignKey("computer.id"), index=True)
    at: Mapped[datetime] = mapped_column(Moment)
    run_no: Mapped[int] = mapped_column(number())
    files: Mapped[int] = mapped_column(large_number())
    bytes: Mapped[int] = mapped_column(large_number())
    problems: Mapped[int] = mapped_column(large_number(), default=0)
