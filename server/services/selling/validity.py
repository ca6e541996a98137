"""For how long a subscription is valid: renewing, extending, suspending and resuming it.

Whatever its stage, what was backed up can be browsed, restored and downloaded; only new backups depend on it.
"""
from __future__ import annotations

from datetime import date, datetime, timedelta

from server.models import Subscription
from server.services.house.refusals import ValueRefused
from server.services.house.versions import check_version
from server.services.selling import changes
from server.services.selling.subscriptions import DaysRefused, check_days


def next_period(subscription: Subscription, now: datetime) -> tuple[date, date]:
    """First and last day after a renewal: it goes on after its present end, or from today when it has expired."""
    today, length = now.date(), timedelta(days=subscription.plan.days)
    if subscription.grace_until < today:
        return today, today + length
    return subscription.valid_from, subscription.valid_until + length


def renew(subscription: Subscription, version: int | None, now: datetime, *, actor: str, address: str = "") -> None:
    """Add one period of the plan. A suspended one stays suspended. Raises EditedMeanwhile, DaysRefused."""
    check_version(subscription, version)
    before = changes.facts_of(subscription)
    first, last = next_period(subscription, now)
    check_days(first, last)
    subscription.valid_from, subscription.valid_until = first, last
    changes.complete(subscription, "renewed", before, now, actor=actor, address=address)


def extend(subscription: Subscription, last: date, reason: str, version: int | None, now: datetime, *, actor: str,
           address: str = "") -> None:
    """Make `last` the last day, later or earlier than before. Raises EditedMeanwhile, DaysRefused."""
    check_version(subscription, version)
    check_days(subscription.valid_from, last)
    if last == subscription.valid_until:
        raise DaysRefused(first=subscription.valid_from, last=last, reason="that is its last day already")
    before = changes.facts_of(subscription)
    subscription.valid_until = last
    changes.complete(subscription, "extended", before, now, actor=actor, reason=reason, address=address)


def suspend(subscription: Subscription, reason: str, version: int | None, now: datetime, *, actor: str,
            address: str = "") -> None:
    """Make no new backups until it is resumed. Raises EditedMeanwhile, ValueRefused without a reason."""
    check_version(subscription, version)
    if not reason.strip():
        raise ValueRefused(field="reason", reason="it is shown to the customer and must not be empty")
    before = changes.facts_of(subscription)
    subscription.suspended, subscription.suspended_reason = True, reason.strip()[: changes.REASON_LENGTH]
    changes.complete(subscription, "suspended", before, now, actor=actor, reason=reason.strip(), address=address)


def resume(subscription: Subscription, version: int | None, now: datetime, *, actor: str, address: str = "") -> None:
    """End a suspension; validity goes on as if there had been none. Raises EditedMeanwhile."""
    check_version(subscription, version)
    before = changes.facts_of(subscription)
    subscription.suspended, subscription.suspended_reason = False, ""
    changes.complete(subscription, "resumed", before, now, actor=actor, address=address)
