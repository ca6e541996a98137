"""What people are told without a run: backups that are overdue, and subscriptions that come to their end."""
from __future__ import annotations

from datetime import date, datetime, timedelta
from functools import partial

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from server.extensions import db
from server.models import Account, Computer, Customer, Subscription
from server.services.files.restore_points import zone_of
from server.services.fleet import health
from server.services.house.branding import Branding
from server.services.mail import outbox
from server.services.mail.delivery import MailSettings
from server.services.mail.letters import Fact, Letter, write
from server.words import count, full_date, moment

REMINDERS = (30, 7, 1)
"""Days before a subscription's last day at which its customer is reminded."""
FORGOTTEN_AFTER = timedelta(days=14)
"""Nobody is told of an end that lies so far back: a portal that was away for long does not begin with old news."""
SAFE = "Everything backed up so far is safe and can be restored at any time."


def queue_overdue(brand: Branding, settings: MailSettings, now: datetime) -> int:
    """Tell of computers whose backup is overdue, each once until it has backed up again; how many letters.

    The account is told, and the reseller if it wants to be.
    """
    query = select(Computer).where(health.state_at(now) == health.OVERDUE)
    queued = 0
    for computer in db.session.scalars(query.options(joinedload(Computer.account).joinedload(Account.customer))):
        account = computer.account
        compose = partial(_overdue, computer, brand, now)
        spell = f"overdue:{computer.id}:{computer.last_commit_at:%Y%m%d%H%M%S}"
        readers = [("account", "" if account.closed else account.email)]
        if settings.alarms:
            readers.append(("reseller", settings.reseller))
        queued += sum(outbox.queue(f"{spell}:{role}", address, compose, now, customer=account.customer_id)
                      for role, address in readers)
        db.session.commit()
    return queued


def queue_reminders(brand: Branding, now: datetime) -> int:
    """Tell customers that a subscription ends in 30, 7 or 1 days, has ended, or is out of grace; how many letters."""
    today = now.date()
    ending = select(Subscription).options(joinedload(Subscription.customer), joinedload(Subscription.plan)).where(
        Subscription.suspended.is_(False), Subscription.valid_from <= today,
        Subscription.valid_until <= today + timedelta(days=max(REMINDERS)),
        Subscription.grace_until >= today - FORGOTTEN_AFTER,
    )  # fmt: skip
    queued = 0
    for subscription in db.session.scalars(ending):
        step = step_of(subscription.valid_until, subscription.grace_until, today)
        key = f"expiry:{subscription.id}:{subscription.valid_until}:{step}"
        queued += outbox.queue(key, subscription.customer.email, partial(_reminder, subscription, step, brand, today),
                               now, customer=subscription.customer_id)
    db.session.commit()
    return queued


def step_of(last_day: date, grace_until: date, today: date) -> str:
    """The step towards its end that a subscription has reached: 30, 7 or 1 (days), ended, or out of grace."""
    if today > grace_until and grace_until > last_day:
        return "out of grace"
    if today > last_day:
        return "ended"
    left = (last_day - today).days
    return str(min(days for days in REMINDERS if left <= days))


def _overdue(computer: Computer, brand: Branding, now: datetime) -> Letter:
    assert computer.last_commit_at is not None  # else it would not be overdue but not set up
    zone = zone_of(computer.account.customer)
    last = moment(computer.last_commit_at, zone, now)
    seen = moment(computer.last_seen_at, zone, now) if computer.last_seen_at else "never"
    days = count((now - computer.last_commit_at).days, "day")
    return write(
        f"Backup overdue – {computer.name}, no backup for {days}", brand,
        [f"{computer.name} has not completed a backup for {days}. {SAFE}",
         "Switch the computer on and connect it to the internet; the backup then starts at its next time, or at once "
         "with Back up now. If that does not help, ask us."],
        facts=[Fact("Last backup", last), Fact("Last seen", seen), Fact("Account", computer.account.user_name),
               Fact("Customer number", computer.account.customer.label)],
        link=("Open the portal", brand.address) if brand.address else None, look="error",
        footer="You get this once, until the computer has backed up again.",
    )


def _reminder(subscription: Subscription, step: str, brand: Branding, today: date) -> Letter:
    plan, last = subscription.plan.name, full_date(subscription.valid_until)
    customer: Customer = subscription.customer
    left = (subscription.valid_until - today).days
    if step == "out of grace":
        subject, look = f"Backups have stopped – your {plan} plan expired", "error"
        told = f"Your {plan} plan expired on {last}. New backups are off. {SAFE}"
    elif step == "ended":
        subject, look = f"Your {plan} plan expired on {last}", "warn"
        still = subscription.grace_until > subscription.valid_until
        told = (f"Your {plan} plan expired on {last}. "
                + (f"Backups still go on until {full_date(subscription.grace_until)}. " if still else
                   "New backups are off. ") + SAFE)
    else:
        subject, look = f"Your {plan} plan is valid until {last}", "neutral" if left > 7 else "warn"
        told = f"Your {plan} plan ends in {count(left, 'day')}, on {last}. " + SAFE if left else (
            f"Your {plan} plan ends today. " + SAFE)
    return write(
        subject, brand, [told, f"Ask {brand.name} to renew it."],
        facts=[Fact("Customer", customer.name), Fact("Customer number", customer.label), Fact("Plan", plan),
               Fact("Valid until", last)],
        link=("Open the portal", brand.address) if brand.address else None, look=look,
    )  # fmt: skip
