"""A subscription as pages show it: its stage in words, the space and the places that are used, and for how long."""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from server.extensions import db
from server.models import Computer, Customer, Subscription
from server.services.selling import allocation, forecast
from server.services.selling.forecast import Forecast
from server.services.selling.retention import keep_days_in_force
from server.words import days_left, full_date

SHOWN_COMPUTERS = 100
SAFE = "Everything that was backed up can be restored."


@dataclass(frozen=True)
class Headline:
    """A subscription with its stage, as a word and as a sentence."""

    subscription: Subscription
    stage: str
    sentence: str


@dataclass(frozen=True)
class SubscriptionState(Headline):
    """A subscription with its stage, the bytes and places that are used, and when its quota is full."""

    used: int
    computers: int
    forecast: Forecast | None

    @property
    def free(self) -> int:
        """What is left of the quota."""
        return max(self.subscription.quota - self.used, 0)


def states_of(subscriptions: Sequence[Subscription], now: datetime) -> list[SubscriptionState]:
    """Several at once, with two queries however many they are."""
    used = allocation.used_by(subscriptions)
    foretold = forecast.of_subscriptions(subscriptions, {number: bytes_ for number, (bytes_, _) in used.items()}, now)
    return [
        SubscriptionState(subscription, subscription.stage(now), sentence_for(subscription, now),
                          *used[subscription.id], foretold[subscription.id])
        for subscription in subscriptions
    ]


def headline_of(subscription: Subscription, now: datetime) -> Headline:
    """The little that needs no query."""
    return Headline(subscription, subscription.stage(now), sentence_for(subscription, now))


def state_of(subscription: Subscription, now: datetime) -> SubscriptionState:
    """One of them."""
    return states_of([subscription], now)[0]


def subscriptions_of(customer: Customer) -> Sequence[Subscription]:
    """A customer's subscriptions with their plans and storages, the newest first."""
    return db.session.scalars(
        select(Subscription).where(Subscription.customer_id == customer.id)
        .options(joinedload(Subscription.plan), joinedload(Subscription.storage)).order_by(Subscription.id.desc())
    ).all()


def computers_of(subscription: Subscription) -> Sequence[Computer]:
    """Its first computers by name."""
    return db.session.scalars(
        select(Computer).where(Computer.subscription_id == subscription.id).order_by(Computer.name, Computer.id)
        .limit(SHOWN_COMPUTERS)).all()


def sentence_for(subscription: Subscription, now: datetime) -> str:
    """The stage as a sentence: until when, and what it means for backups and restoring."""
    last, stage = full_date(subscription.valid_until), subscription.stage(now)
    if stage == "suspended":
        why = f" (“{subscription.suspended_reason}”)" if subscription.suspended_reason else ""
        return f"Suspended{why}. No new backups are made. {SAFE}"
    if stage == "not begun":
        return f"Begins on {full_date(subscription.valid_from)}. Backups are made from then on."
    if stage == "expired":
        return f"Expired on {last}. No new backups are made. {SAFE}"
    if stage == "grace":
        return f"Expired on {last}. Backups are made until {full_date(subscription.grace_until)} all the same."
    return f"Valid until {last}, {days_left(subscription.valid_until, now)}."


def retention_sentence(subscription: Subscription, now: datetime) -> str:
    """For how long restore points are kept, also while a longer keep-time is still in force."""
    promised, kept = subscription.plan.keep_days, keep_days_in_force(subscription, now)
    if kept > promised:
        return f"{promised} days; for now still {kept} days, because the time was shortened less than two weeks ago"
    return f"{promised:,} days" if promised > 1 else "1 day"
