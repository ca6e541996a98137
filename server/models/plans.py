"""What is sold and what was bought: plans and the subscriptions to them."""
from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from server.models.base import Model, Moment, large_number

if TYPE_CHECKING:
    from server.models.people import Account, Customer
    from server.models.storages import Storage

EXPIRING_DAYS = 30


class Plan(Model):
    """A product: how much space, how many computers, how long."""

    __tablename__ = "plan"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(100), unique=True)
    quota: Mapped[int] = mapped_column(large_number())
    computers: Mapped[int]
    days: Mapped[int]
    keep_days: Mapped[int]
    grace_days: Mapped[int] = mapped_column(default=0)
    active: Mapped[bool] = mapped_column(default=True)


class Subscription(Model):
    """A customer's licence to a plan. It is valid on both of its days and on those between, by UTC."""

    __tablename__ = "subscription"

    id: Mapped[int] = mapped_column(primary_key=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id"), index=True)
    plan_id: Mapped[int] = mapped_column(ForeignKey("plan.id"), index=True)
    storage_id: Mapped[int | None] = mapped_column(ForeignKey("storage.id"), index=True)
    valid_from: Mapped[date]
    valid_until: Mapped[date]
    quota: Mapped[int] = mapped_column(large_number())
    suspended: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime] = mapped_column(Moment)
    customer: Mapped[Customer] = relationship(back_populates="subscriptions")
    plan: Mapped[Plan] = relationship()
    storage: Mapped[Storage | None] = relationship()
    accounts: Mapped[list[Account]] = relationship(back_populates="subscription", order_by="Account.id")

    def stage(self, now: datetime) -> str:
        """One of suspended, not begun, active, expiring, grace (still backs up), expired."""
        today = now.date()
        if self.suspended:
            return "suspended"
        if today < self.valid_from:
            return "not begun"
        if today > self.valid_until + timedelta(days=self.plan.grace_days):
            return "expired"
        if today > self.valid_until:
            return "grace"
        return "expiring" if today > self.valid_until - timedelta(days=EXPIRING_DAYS) else "active"
