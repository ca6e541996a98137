"""Upgrading and downgrading: what a change of plan would do, told before it is done."""
from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import select

from server.extensions import db
from server.models import Computer, Plan, Subscription, SubscriptionChange
from server.services.fleet import health
from server.services.house.refusals import ValueRefused
from server.services.house.versions import check_version
from server.services.selling import changes, retention
from server.services.selling.allocation import RETIRED, Outlook, outlook, storage_of, used_by
from server.services.selling.plans import PlanRetired, plans_on_sale
from server.services.selling.retention import Leaving
from server.services.selling.subscriptions import check_days, check_quota

PLAN_CHANGED = "plan changed"


@dataclass(frozen=True)
class Terms:
    """What a subscription promises: `quota` in bytes, `keep_days` of history."""

    plan: str
    quota: int
    computers: int
    keep_days: int
    valid_from: date
    valid_until: date


@dataclass(frozen=True)
class Preview:
    """A change of plan that nobody has made yet.

    `over` is by how many bytes the new quota is exceeded, `surplus` the computers that have no place in the new plan
    (those set up last), `leaving` the restore points that its keep-time would not keep, which are removed on
    `removed_from` at the earliest; until then the change can be undone.
    """

    old: Terms
    new: Terms
    effective: date
    used: int
    computers: int
    over: int
    surplus: tuple[str, ...]
    leaving: tuple[Leaving, ...]
    removed_from: date
    storage: Outlook | None


@dataclass(frozen=True)
class Undoing:
    """A change that can still be undone: the plan and the quota from before, and the last day for it."""

    plan: Plan
    quota: int
    until: date


def preview(subscription: Subscription, plan: Plan, now: datetime, *, quota: int | None = None,
            new_period: bool = False) -> Preview:
    """What would be different with `plan`: its quota unless `quota` is given, valid as before or for a new period.

    Raises ValueRefused, PlanRetired.
    """
    old, new = _terms(subscription), _new_terms(subscription, plan, now, quota, new_period)
    used, computers = used_by([subscription])[subscription.id]
    names = _surplus(subscription, computers - plan.computers) if computers > plan.computers else ()
    shorter = plan.keep_days < subscription.plan.keep_days
    storage = storage_of(subscription)
    return Preview(
        old, new, now.date(), used, computers, max(used - new.quota, 0), names,
        tuple(retention.leaving_points(subscription, plan.keep_days, now)) if shorter else (),
        retention.removed_from(now), outlook(storage, new.quota - old.quota, now) if storage else None,
    )


def change_plan(
    subscription: Subscription, plan: Plan, version: int | None, now: datetime, *, actor: str, quota: int | None = None,
    new_period: bool = False, reason: str = "", address: str = "",
) -> None:
    """Change the plan at once, as preview() told. Raises EditedMeanwhile, ValueRefused, PlanRetired."""
    check_version(subscription, version)
    new = _new_terms(subscription, plan, now, quota, new_period)
    before = changes.facts_of(subscription)
    subscription.plan, subscription.plan_id, subscription.quota = plan, plan.id, new.quota
    subscription.valid_from, subscription.valid_until = new.valid_from, new.valid_until
    for computer in db.session.scalars(select(Computer).where(Computer.subscription_id == subscription.id)):
        health.expect_next(computer, plan)
    changes.complete(subscription, PLAN_CHANGED, before, now, actor=actor, reason=reason.strip(), address=address)


def undoing(subscription: Subscription, now: datetime) -> Undoing | None:
    """The last change of plan, as long as it can be undone."""
    change = db.session.scalar(
        select(SubscriptionChange)
        .where(SubscriptionChange.subscription_id == subscription.id, SubscriptionChange.kind == PLAN_CHANGED)
        .order_by(SubscriptionChange.id.desc()).limit(1))
    if change is None or change.at <= now - retention.NOTICE:
        return None
    plan = db.session.get(Plan, change.before.get("plan_id"))
    if plan is None or plan.id == subscription.plan_id:
        return None
    return Undoing(plan, change.before.get("quota", subscription.quota), (change.at + retention.NOTICE).date())


def last_day_to_undo(now: datetime) -> date:
    """The last day on which a change made at `now` can be undone."""
    return (now + retention.NOTICE).date()


def choices_for(subscription: Subscription, now: datetime) -> list[Plan]:
    """The plans that it can change to: those on sale, and the one before as long as that can be undone."""
    others = [plan for plan in plans_on_sale() if plan.id != subscription.plan_id]
    back = undoing(subscription, now)
    return others + ([back.plan] if back and back.plan not in others else [])


def _surplus(subscription: Subscription, number: int) -> tuple[str, ...]:
    """The names of the computers that were set up last, the first of them first."""
    names = db.session.scalars(
        select(Computer.name).where(Computer.subscription_id == subscription.id, Computer.state != RETIRED)
        .order_by(Computer.enrolled_at.desc(), Computer.id.desc()).limit(number)).all()
    return tuple(reversed(names))


def _terms(subscription: Subscription) -> Terms:
    plan = subscription.plan
    return Terms(plan.name, subscription.quota, plan.computers, plan.keep_days, subscription.valid_from,
                 subscription.valid_until)


def _new_terms(subscription: Subscription, plan: Plan, now: datetime, quota: int | None, new_period: bool) -> Terms:
    if plan.id == subscription.plan_id:
        raise ValueRefused(field="plan", reason="it is the present one")
    if not plan.active:
        back = undoing(subscription, now)
        if back is None or back.plan.id != plan.id:
            raise PlanRetired(name=plan.name)
    granted = plan.quota if quota is None else quota
    check_quota(granted)
    first, last = subscription.valid_from, subscription.valid_until
    if new_period:
        first, last = now.date(), now.date() + timedelta(days=plan.days)
    check_days(first, last)
    return Terms(plan.name, granted, plan.computers, plan.keep_days, first, last)
