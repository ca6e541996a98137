"""Plans, subscriptions, and the question whether a backup may be made."""
from __future__ import annotations

from datetime import date, datetime, timedelta

from sqlalchemy import func, select

from protocol.errors import (
    BackupsSwitchedOff,
    ComputerPaused,
    NotFound,
    QuotaReached,
    SubscriptionExpired,
    SubscriptionMissing,
    SubscriptionNotBegun,
    SubscriptionSuspended,
)
from server.extensions import db
from server.models import Account, Computer, Customer, Plan, Subscription, Vault
from server.services import audit
from server.services.refusals import NameInUse, ValueRefused

LARGEST = 2**63 - 1
MOST_DAYS = 36_525
SUSPENDED = "suspended"


def create_plan(
    name: str, quota: int, computers: int, days: int, keep_days: int, now: datetime, *, grace_days: int = 0,
    actor: str = "",
) -> Plan:
    """A new plan: `quota` in bytes, `days` of validity, `keep_days` of history. Raises ValueRefused, NameInUse."""
    name = name.strip()
    if not 1 <= len(name) <= 100:
        raise ValueRefused(field="plan's name", reason="it needs 1 to 100 characters")
    for field, value, least, most in (
        ("quota", quota, 1, LARGEST),
        ("number of computers", computers, 1, 1_000_000),
        ("number of days", days, 1, MOST_DAYS),
        ("number of days to keep", keep_days, 1, MOST_DAYS),
        ("number of days of grace", grace_days, 0, MOST_DAYS),
    ):
        if not least <= value <= most:
            raise ValueRefused(field=field, reason=f"it must lie between {least} and {most}")
    if db.session.scalar(select(Plan.id).where(Plan.name == name)) is not None:
        raise NameInUse(what="plan", name=name)
    plan = Plan(name=name, quota=quota, computers=computers, days=days, keep_days=keep_days, grace_days=grace_days)
    db.session.add(plan)
    audit.record(actor or "command line", "added a plan", name, now=now)
    db.session.commit()
    return plan


def find_plan(name: str) -> Plan:
    """The plan of this name. Raises NotFound."""
    plan = db.session.scalar(select(Plan).where(Plan.name == name.strip()))
    if plan is None:
        raise NotFound(what=f"plan {name}")
    return plan


def find_subscription(number: int) -> Subscription:
    """The subscription of this id. Raises NotFound."""
    subscription = db.session.get(Subscription, number)
    if subscription is None:
        raise NotFound(what=f"subscription {number}")
    return subscription


def create_subscription(
    customer: Customer,
    plan: Plan,
    now: datetime,
    *,
    valid_from: date | None = None,
    valid_until: date | None = None,
    quota: int | None = None,
    actor: str = "",
) -> Subscription:
    """A customer's licence to a plan: from today for the plan's days, with its quota, unless told otherwise.

    Accounts of the customer that have no subscription get this one. Raises ValueRefused.
    """
    first = valid_from or now.date()
    last = valid_until or first + timedelta(days=plan.days)
    if last < first:
        raise ValueRefused(field="last day", reason="it lies before the first")
    if quota is not None and not 1 <= quota <= LARGEST:
        raise ValueRefused(field="quota", reason=f"it must lie between 1 and {LARGEST}")
    subscription = Subscription(
        customer_id=customer.id,
        plan=plan,
        valid_from=first,
        valid_until=last,
        quota=quota or plan.quota,
        created_at=now,
    )
    db.session.add(subscription)
    db.session.flush()
    for account in db.session.scalars(
        select(Account).where(Account.customer_id == customer.id, Account.subscription_id.is_(None))
    ):
        account.subscription_id = subscription.id
    detail = f"{plan.name}, {first} to {last}"
    audit.record(actor or "command line", "added a subscription", customer.label, detail=detail, now=now,
                 customer=customer.id)
    db.session.commit()
    return subscription


def used_bytes(subscription_id: int) -> int:
    """What all computers of a subscription have stored."""
    return int(
        db.session.scalar(
            select(func.coalesce(func.sum(Vault.stored_bytes), 0))
            .join(Computer, Computer.vault_id == Vault.id)
            .where(Computer.subscription_id == subscription_id)
        )
        or 0
    )


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

    Raises BackupsSwitchedOff, ComputerPaused, SubscriptionNotBegun, SubscriptionExpired, SubscriptionSuspended.
    """
    account = computer.account
    if not account.accepts_backups:
        raise BackupsSwitchedOff(
            by=account.accept_changed_by or "the portal",
            since=f"{account.accept_changed_at:%Y-%m-%d}" if account.accept_changed_at else "an earlier day",
            reason=f" ({account.accept_reason})" if account.accept_reason else "",
        )
    if computer.state != "active":
        raise ComputerPaused(computer=computer.name)
    check_stage(computer.subscription, account, now)


def check_space(subscription: Subscription, used: int) -> None:
    """Raises QuotaReached when nothing is left of the subscription's quota."""
    if used >= subscription.quota:
        raise QuotaReached(used=f"{used:,} bytes", quota=f"{subscription.quota:,} bytes")
