"""The stages of subscriptions in queries; the table of truth is server.models.plans.STAGES."""
from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, case, literal

from server.models import Subscription
from server.models.plans import STAGES

BACKS_UP = ("active", "expiring", "grace")
"""The stages in which new backups are made. Restoring and downloading ask for none of this."""
NAMES = ("not begun", "active", "expiring", "grace", "expired", "suspended")
LISTED_DAYS = 60


def stage_at(now: datetime) -> ColumnElement[str]:
    """The stage of a subscription at `now`, for a query that has Subscription."""
    return case(*((holds(Subscription, now.date()), literal(stage)) for stage, holds in STAGES))


def is_in_stage(stage: str, now: datetime) -> ColumnElement[bool]:
    """Whether a subscription is in that stage at `now`. Raises KeyError for a word that is none."""
    conditions: list[ColumnElement[bool]] = []
    for name, holds in STAGES:
        condition = holds(Subscription, now.date())
        if name == stage:
            return and_(condition, *conditions)
        conditions.append(~condition)
    raise KeyError(stage)


def ends_soon(now: datetime, days: int = LISTED_DAYS) -> ColumnElement[bool]:
    """Whether a subscription ends within `days`, or is in its days of grace."""
    today = now.date()
    return and_(Subscription.grace_until >= today, Subscription.valid_until <= today + timedelta(days=days))
