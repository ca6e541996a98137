"""The computers that are backed up, and what they reported of their hardware."""
from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from server.models.base import Model, Moment, fixed_bytes, long_bytes

if TYPE_CHECKING:
    from server.models.people import Account, Customer
    from server.models.plans import Subscription
    from server.models.storages import Vault


class Computer(Model):
    """One installed client: active, paused or retired. `token_hash` is the SHA-256 of the token it presents."""

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
    account: Mapped[Account] = relationship()
    customer: Mapped[Customer] = relationship()
    subscription: Mapped[Subscription] = relationship()
    vault: Mapped[Vault] = relationship(back_populates="computer")


class Hardware(Model):
    """A hardware report: kept when it differs from the one before."""

    __tablename__ = "hardware"

    id: Mapped[int] = mapped_column(primary_key=True)
    computer_id: Mapped[str] = mapped_column(ForeignKey("computer.id"), index=True)
    received_at: Mapped[datetime] = mapped_column(Moment)
    report: Mapped[bytes] = mapped_column(long_bytes())
    hash: Mapped[bytes] = mapped_column(fixed_bytes(32))
