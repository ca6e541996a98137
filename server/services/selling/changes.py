"""The history of a subscription: who changed what, when, and why."""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import func, select

from server.extensions import db
from server.models import Subscription, SubscriptionChange
from server.services.house import audit
from server.services.house.versions import note_change
from server.words import count, full_date, size

REASON_LENGTH = 255
DEEDS = {
    "renewed": "renewed a subscription",
    "extended": "moved a subscription's last day",
    "suspended": "suspended a subscription",
    "resumed": "resumed a subscription",
    "plan changed": "changed a subscription's plan",
    "quota granted": "granted a quota",
    "storage chosen": "chose a subscription's storage",
}
"""How the audit trail names each kind of change."""


def facts_of(subscription: Subscription) -> dict[str, Any]:
    """What the history compares, as JSON keeps it."""
    return {
        "plan_id": subscription.plan_id,
        "plan": subscription.plan.name,
        "valid_from": subscription.valid_from.isoformat(),
        "valid_until": subscription.valid_until.isoformat(),
        "quota": subscription.quota,
        "computers": subscription.plan.computers,
        "keep_days": subscription.plan.keep_days,
    }


def note(subscription: Subscription, kind: str, before: Mapping[str, Any], now: datetime, *, actor: str,
         reason: str = "") -> dict[str, Any]:
    """Write a change into the history; the caller commits it together with the change itself.

    `before` are the facts_of() before it; what differs now is kept, and returned with its new values.
    """
    facts = facts_of(subscription)
    after = {field: value for field, value in facts.items() if before.get(field) != value}
    db.session.add(SubscriptionChange(
        subscription_id=subscription.id, at=now, actor=actor[:255], kind=kind, reason=reason[:REASON_LENGTH],
        before={field: before[field] for field in after if field in before}, after=after,
    ))
    return after


def complete(subscription: Subscription, kind: str, before: Mapping[str, Any], now: datetime, *, actor: str,
             reason: str = "", address: str = "") -> None:
    """Note a change in the history and in the audit trail, count it, and commit all of it."""
    after = note(subscription, kind, before, now, actor=actor, reason=reason)
    note_change(subscription, actor, now)
    what = f"{subscription.customer.label} {subscription.plan.name}"
    audit.record(actor, DEEDS[kind], what, detail=reason, address=address, now=now, customer=subscription.customer_id,
                 before={field: before[field] for field in after}, after=after)
    db.session.commit()


def history_of(subscription: Subscription, limit: int = 50, offset: int = 0) -> Sequence[SubscriptionChange]:
    """What was done to a subscription, the newest first."""
    return db.session.scalars(
        select(SubscriptionChange).where(SubscriptionChange.subscription_id == subscription.id)
        .order_by(SubscriptionChange.id.desc()).limit(limit).offset(offset)).all()


def history_length(subscription: Subscription) -> int:
    """How many changes there are."""
    return db.session.scalar(select(func.count()).where(SubscriptionChange.subscription_id == subscription.id)) or 0


def in_words(facts: Mapping[str, Any]) -> str:
    """One side of a history row: Gold, 50 GB, 5 computers, backups kept for 90 days, until 31 March 2027."""
    words = [facts["plan"]] if "plan" in facts else []
    if "quota" in facts:
        words.append(size(facts["quota"]))
    if "computers" in facts:
        words.append(count(facts["computers"], "computer"))
    if "keep_days" in facts:
        words.append(f"backups kept for {count(facts['keep_days'], 'day')}")
    for field, preposition in (("valid_from", "from"), ("valid_until", "until")):
        if field in facts:
            words.append(f"{preposition} {full_date(date.fromisoformat(facts[field]))}")
    return ", ".join(words)
