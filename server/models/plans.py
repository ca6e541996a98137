"""What is sold and what was bought: plans and the subscriptions to them."""
from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from sqlalchemy import JSON, Connection, ForeignKey, Index, Numeric, String, event, select
from sqlalchemy.orm import Mapped, Mapper, mapped_column, relationship

from server.models.base import TABLE_OPTIONS, Model, Moment, Versioned, large_number

if TYPE_CHECKING:
    from server.models.people import Account, Customer
    from server.models.storages import Storage

EXPIRING_DAYS = 30
STAGES: tuple[tuple[str, Callable[[Any, date], Any]], ...] = (
    ("suspended", lambda licence, today: licence.suspended),
    ("not begun", lambda licence, today: licence.valid_from > today),
    ("expired", lambda licence, today: licence.grace_until < today),
    ("grace", lambda licence, today: licence.valid_until < today),
    ("expiring", lambda licence, today: licence.valid_until < today + timedelta(days=EXPIRING_DAYS)),
    ("active", lambda licence, today: licence.valid_from <= today),
)
"""The stages of a subscription, the first that holds counts; with one row in Python, with the columns in SQL."""


class Plan(Versioned, Model):
    """A product: how much space, how many computers, how long.

    `days` is the usual validity, `grace_days` follow it; `price` is for one `period` (month or year) in the portal's
    currency. `remind_days` is how often a backup is expected from a computer that has told no schedule, and
    `grace_hours` how late one may be (None: half of what is expected, 2 to 24 hours). `colour` is #rrggbb.
    """

    __tablename__ = "plan"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(100), unique=True)
    quota: Mapped[int] = mapped_column(large_number())
    computers: Mapped[int]
    days: Mapped[int]
    keep_days: Mapped[int]
    grace_days: Mapped[int] = mapped_column(default=0)
    active: Mapped[bool] = mapped_column(default=True)
    price: Mapped[Decimal | None] = mapped_column(Numeric(12, 2))
    period: Mapped[str] = mapped_column(String(10), default="year")
    colour: Mapped[str] = mapped_column(String(7), default="#475467")
    remind_days: Mapped[int] = mapped_column(default=7)
    grace_hours: Mapped[int | None]


class Subscription(Versioned, Model):
    """A customer's licence to a plan. It is valid on both of its days and on those between, by UTC.

    `grace_until` is its last day with the plan's days of grace. It is noted when the row is written, so that the
    database can search by stage; whoever changes a plan's days of grace brings its subscriptions up to date.
    `stored_bytes` is what the vaults of its computers hold, as server/services/selling/stored.py keeps it.
    """

    __tablename__ = "subscription"
    __table_args__ = (Index(None, "valid_until"), Index(None, "grace_until"), TABLE_OPTIONS)

    id: Mapped[int] = mapped_column(primary_key=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id"), index=True)
    plan_id: Mapped[int] = mapped_column(ForeignKey("plan.id"), index=True)
    storage_id: Mapped[int | None] = mapped_column(ForeignKey("storage.id"), index=True)
    valid_from: Mapped[date]
    valid_until: Mapped[date]
    quota: Mapped[int] = mapped_column(large_number())
    stored_bytes: Mapped[int] = mapped_column(large_number(), default=0)
    grace_until: Mapped[date]
    suspended: Mapped[bool] = mapped_column(default=False)
    suspended_reason: Mapped[str] = mapped_column(String(255), default="")
    created_at: Mapped[datetime] = mapped_column(Moment)
    customer: Mapped[Customer] = relationship(back_populates="subscriptions")
    plan: Mapped[Plan] = relationship()
    storage: Mapped[Storage | None] = relationship()
    accounts: Mapped[list[Account]] = relationship(back_populates="subscription", order_by="Account.id")

    def stage(self, now: datetime) -> str:
        """One of suspended, not begun, active, expiring, grace (still backs up), expired."""
        return next(stage for stage, holds in STAGES if holds(self, now.date()))


@event.listens_for(Subscription, "before_insert")
@event.listens_for(Subscription, "before_update")
def note_grace(mapper: Mapper[Subscription], connection: Connection, subscription: Subscription) -> None:
    """Keep `grace_until` what it must be."""
    days = connection.scalar(select(Plan.grace_days).where(Plan.id == subscription.plan_id))
    subscription.grace_until = subscription.valid_until + timedelta(days=days or 0)


class SubscriptionChange(Model):
    """What was done to a subscription: created, renewed, extended, plan changed, quota granted, suspended, resumed.

    `before` and `after` hold the values that changed: plan, valid_from, valid_until, quota, computers, keep_days.
    """

    __tablename__ = "subscription_change"

    id: Mapped[int] = mapped_column(primary_key=True)
    subscription_id: Mapped[int] = mapped_column(ForeignKey("subscription.id"), index=True)
    at: Mapped[datetime] = mapped_column(Moment)
    actor: Mapped[str] = mapped_column(String(255))
    kind: Mapped[str] = mapped_column(String(20))
    before: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    after: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    reason: Mapped[str] = mapped_column(String(255), default="")
