"""Runs: one backup job each, its lease, its result, its batches of entries and its activity log."""
from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from server.models.base import (
    CLUSTERED_TABLE_OPTIONS,
    Binary,
    Model,
    Moment,
    fixed_bytes,
    large_number,
    long_bytes,
    number,
)

OPEN = "open"
COMMITTED = "committed"
ABANDONED = "abandoned"
ENDED_STATES = ("failed", "full", "refused", "cancelled")
"""How a client may end a run without a snapshot."""


class Run(Model):
    """One run of a vault. Numbers are dense, one is open at a time, and none is ever given out twice.

    `lease_hash` and `previous_lease_hash` are the SHA-256 of the leases that are accepted. `first_chunk` is the first
    chunk number that was free when the run was opened. `manifest_bytes` is the stored size of its delta or
    checkpoint. `read_bytes` were read from the source. `told` is set once e-mail about its end waits in the outbox, or
    nobody wants any.
    """

    __tablename__ = "run"
    __table_args__ = (
        UniqueConstraint("vault_id", "uuid"),
        Index(None, "vault_id", "finished_at", "state", "skipped", "stored"),  # all that summaries ask of a run
        Index(None, "state", "lease_until"),
        Index(None, "finished_at"),
        Index(None, "opened_at"),
        Index(None, "told", "finished_at"),
        Index(None, "state", "opened_at"),
        Index(None, "automatic", "opened_at"),
        CLUSTERED_TABLE_OPTIONS,
    )

    vault_id: Mapped[int] = mapped_column(number(), primary_key=True, autoincrement=False)
    run_no: Mapped[int] = mapped_column(number(), primary_key=True, autoincrement=False)
    uuid: Mapped[str] = mapped_column(String(36))
    state: Mapped[str] = mapped_column(String(20), default=OPEN)
    automatic: Mapped[bool] = mapped_column(default=True)
    opened_at: Mapped[datetime] = mapped_column(Moment)
    seen_at: Mapped[datetime] = mapped_column(Moment)
    finished_at: Mapped[datetime | None] = mapped_column(Moment)
    lease_hash: Mapped[Binary] = mapped_column(fixed_bytes(32))
    previous_lease_hash: Mapped[Binary | None] = mapped_column(fixed_bytes(32))
    lease_until: Mapped[datetime] = mapped_column(Moment)
    hardware_hash: Mapped[Binary] = mapped_column(fixed_bytes(32))
    parent_run: Mapped[int] = mapped_column(number(), default=0)
    root_node: Mapped[int | None] = mapped_column(number())
    first_chunk: Mapped[int] = mapped_column(number())
    checkpoint: Mapped[bool] = mapped_column(default=False)
    manifest_bytes: Mapped[int] = mapped_column(large_number(), default=0)
    batches: Mapped[int] = mapped_column(number(), default=0)
    commit_hash: Mapped[Binary | None] = mapped_column(fixed_bytes(32))
    commit: Mapped[Binary | None] = mapped_column(long_bytes())
    files: Mapped[int] = mapped_column(large_number(), default=0)
    bytes: Mapped[int] = mapped_column(large_number(), default=0)
    read_bytes: Mapped[int] = mapped_column(large_number(), default=0)
    stored: Mapped[int] = mapped_column(large_number(), default=0)
    skipped: Mapped[int] = mapped_column(large_number(), default=0)
    code: Mapped[str] = mapped_column(String(20), default="")
    sentence: Mapped[str] = mapped_column(String(2000), default="")
    told: Mapped[bool] = mapped_column(default=False)

    def is_live(self, now: datetime) -> bool:
        """True while the run is open and its lease holds."""
        return self.state == OPEN and now < self.lease_until


class RunBatch(Model):
    """A batch of entries that was taken; its digest tells a repetition from another batch of the same number.

    `root` is the root node under which the run's entries hang; `highest_node` and `highest_chunk` are the highest
    numbers that the batch names.
    """

    __tablename__ = "run_batch"
    __table_args__ = CLUSTERED_TABLE_OPTIONS

    vault_id: Mapped[int] = mapped_column(number(), primary_key=True, autoincrement=False)
    run_no: Mapped[int] = mapped_column(number(), primary_key=True, autoincrement=False)
    batch_no: Mapped[int] = mapped_column(number(), primary_key=True, autoincrement=False)
    digest: Mapped[bytes] = mapped_column(fixed_bytes(32))
    root: Mapped[int] = mapped_column(number())
    highest_node: Mapped[int] = mapped_column(number())
    highest_chunk: Mapped[int] = mapped_column(number())


class RunCounts:
    """How many runs ended in which way, and what they stored; counted as they end."""

    completed: Mapped[int] = mapped_column(default=0)
    warnings: Mapped[int] = mapped_column(default=0)
    failed: Mapped[int] = mapped_column(default=0)
    other: Mapped[int] = mapped_column(default=0)
    stored: Mapped[int] = mapped_column(large_number(), default=0)


class FleetDay(RunCounts, Model):
    """The runs of all computers that ended on a day (UTC)."""

    __tablename__ = "fleet_day"

    day: Mapped[date] = mapped_column(primary_key=True)


class CustomerDay(RunCounts, Model):
    """As FleetDay, of one customer's computers."""

    __tablename__ = "customer_day"

    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id"), primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)


class RunLog(Model):
    """The client's activity log of a run: XML, compressed with zlib."""

    __tablename__ = "run_log"
    __table_args__ = CLUSTERED_TABLE_OPTIONS

    vault_id: Mapped[int] = mapped_column(number(), primary_key=True, autoincrement=False)
    run_no: Mapped[int] = mapped_column(number(), primary_key=True, autoincrement=False)
    received_at: Mapped[datetime] = mapped_column(Moment)
    xml: Mapped[bytes] = mapped_column(long_bytes())
