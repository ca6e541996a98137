"""How long restore points are kept, and from when on one may be removed.

A shorter keep-time never removes anything at once: for two weeks the longer one stays in force, so that the change
can be undone.
"""
from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import func, select

from server.extensions import db
from server.models import Computer, Run, Subscription, SubscriptionChange, Vault
from server.models.runs import COMMITTED

NOTICE = timedelta(days=14)
"""So long after a change nothing is removed because of it."""


@dataclass(frozen=True)
class Leaving:
    """The restore points of one computer that a shorter keep-time would not keep: how many, from when to when."""

    computer: str
    points: int
    oldest: datetime
    newest: datetime


def keep_days_in_force(subscription: Subscription, now: datetime) -> int:
    """The days for which restore points are kept at `now`: the longest keep-time of the last two weeks.

    This is what decides whether a restore point may be removed, never the plan alone.
    """
    days = [subscription.plan.keep_days]
    for before in db.session.scalars(
        select(SubscriptionChange.before)
        .where(SubscriptionChange.subscription_id == subscription.id, SubscriptionChange.at > now - NOTICE)
    ):
        days.append(before.get("keep_days", 0))
    return max(days)


def removed_from(now: datetime) -> date:
    """The first day on which a change made at `now` may remove anything."""
    return (now + NOTICE).date()


def leaving_points(subscription: Subscription, keep_days: int, now: datetime) -> list[Leaving]:
    """The restore points older than `keep_days` on the day from which they may be removed, by computer.

    The newest restore point of a computer is always kept.
    """
    rows = db.session.execute(
        select(Computer.name, func.count(), func.min(Run.finished_at), func.max(Run.finished_at))
        .join(Vault, Vault.id == Computer.vault_id)
        .join(Run, (Run.vault_id == Vault.id) & (Run.run_no != Vault.last_commit_run))
        .where(Computer.subscription_id == subscription.id, Run.state == COMMITTED,
               Run.finished_at < now + NOTICE - timedelta(days=keep_days))
        .group_by(Computer.id, Computer.name).order_by(Computer.name))
    return [Leaving(name, points, oldest, newest) for name, points, oldest, newest in rows if oldest and newest]
