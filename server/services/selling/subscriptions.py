"""Selling a plan to a customer, and the question whether a backup may be made."""
from __future__ import annotations

from datetime import date, datetime, timedelta

from sqlalchemy import update

from protocol.errors import (
    BackupsSwitchedOff,
    ComputerPaused,
    HardwareChanged,
    NotFound,
    QuotaReached,
    Refusal,
    SubscriptionExpired,
    SubscriptionMissing,
    SubscriptionNotBegun,
    SubscriptionSuspended,
)
from server.extensions import db
from server.models import Account, Computer, Customer, Plan, Storage, Subscription
from server.services.fleet.health import holds_back
from server.services.house import audit
from server.services.house.refusals import ValueRefused
from server.services.selling import changes
from server.services.selling.plans import LARGEST, PlanRetired

FIRST_YEAR, LAST_YEAR = 2000, 2200
SUSPENDED = "suspended"


def find_subscription(number: int) -> Subscription:
    """The subscription of this id. Raises NotFound."""
    subscription = db.session.get(Subscription, number)
    if subscription is None:
        raise NotFound(what=f"subscription {number}")
    return subscription


class DaysRefused(Refusal):
    """A subscription can't be valid from {first} to {last}: {reason}. Nothing was changed."""

    code = "IBS-1322"
    hint = "Correct the days and try again."
    status = 400


def create_subscription(
    customer: Customer,
    plan: Plan,
    now: datetime,
    *,
    valid_from: date | None = None,
    valid_until: date | None = None,
    quota: int | None = None,
    storage: Storage | None = None,
    actor: str = "",
    address: str = "",
) -> Subscription:
    """A customer's licence to a plan: from today for the plan's days, with its quota, unless told otherwise.

    New vaults go to `storage`, or to the default one. Accounts of the customer that have no subscription get this one.
    Raises DaysRefused, ValueRefused, PlanRetired.
    """
    actor = actor or "command line"
    if not plan.active:
        raise PlanRetired(name=plan.name)
    first = valid_from or now.date()
    last = valid_until or first + timedelta(days=plan.days)
    check_days(first, last)
    check_quota(plan.quota if quota is None else quota)
    subscription = Subscription(
        customer_id=customer.id, plan=plan, storage_id=storage.id if storage else None, valid_from=first,
        valid_until=last, quota=quota or plan.quota, created_at=now,
    )
    db.session.add(subscription)
    db.session.flush()
    db.session.execute(
        update(Account).where(Account.customer_id == customer.id, Account.subscription_id.is_(None))
        .values(subscription_id=subscription.id))
    changes.note(subscription, "created", {}, now, actor=actor)
    detail = f"{plan.name}, {first} to {last}"
    audit.record(actor, "added a subscription", customer.label, detail=detail, address=address, now=now,
                 customer=customer.id)
    db.session.commit()
    return subscription


def check_days(first: date, last: date) -> None:
    """Raises DaysRefused unless a subscription may be valid from `first` to `last`."""
    if last < first:
        raise DaysRefused(first=first, last=last, reason="the last day lies before the first")
    if first.year < FIRST_YEAR or last.year > LAST_YEAR:
        raise DaysRefused(first=first, last=last, reason=f"only days of {FIRST_YEAR} to {LAST_YEAR} are taken")


def check_quota(quota: int) -> None:
    """Raises ValueRefused unless so many bytes can be granted."""
    if not 1 <= quota <= LARGEST:
        raise ValueRefused(field="quota", reason=f"it must lie between 1 and {LARGEST}")


def check_stage(subscription: Subscription | None, account: Account, now: datetime) -> Subscription:
    """The subscription, if backups may be made on it now. Raises SubscriptionMissing, …NotBegun, …Expired."""
    if subscription is None:
        raise SubscriptionMissing(account=account.user_name)
    stage = subscription.stage(now)
    if stage == "not begun":
        raise SubscriptionNotBegun(plan=subscription.plan.name, since=subscription.valid_from)
    if stage == "expired":
        raise SubscriptionExpired(plan=subscription.plan.name, until=subscription.valid_until)
    if stage == SUSPENDED:
        raise SubscriptionSuspended(plan=subscription.plan.name)
    return subscription


def check_backup_allowed(computer: Computer, now: datetime) -> None:
    """Ask for a computer all that may have changed since it was asked last, except the quota.

    Raises BackupsSwitchedOff, ComputerPaused, HardwareChanged, SubscriptionNotBegun, SubscriptionExpired,
    SubscriptionSuspended.
    """
    account = computer.account
    if not account.accepts_backups:
        raise BackupsSwitchedOff(
            by=account.accept_changed_by or "the portal",
            since=f"{account.accept_changed_at:%Y-%m-%d}" if account.accept_changed_at else "an earlier day",
            reason=f" ({account.accept_reason})" if account.accept_reason else "",
        )
    if holds_back(computer, now):
        raise ComputerPaused(computer=computer.name)
    if computer.awaits_approval:
        raise HardwareChanged(computer=computer.name)
    check_stage(computer.subscription, account, now)


def check_space(subscription: Subscription, used: int) -> None:
    """Raises QuotaReached when nothing is left of the subscription's quota."""
    if used >= subscription.quota:
        raise QuotaReached(used=f"{used:,} bytes", quota=f"{subscription.quota:,} bytes")
