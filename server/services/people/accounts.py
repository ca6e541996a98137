"""Customers' sign-ins: adding and closing them, and their two switches."""
from __future__ import annotations

import re
import secrets
from datetime import datetime

from sqlalchemy import func, or_, select
from sqlalchemy.exc import IntegrityError

from protocol.errors import NotFound
from server.extensions import db
from server.models import Account, Computer, Customer, Staff, Subscription
from server.services.house import audit
from server.services.house.refusals import NameInUse, ValueRefused
from server.services.house.versions import check_version, note_change
from server.services.people.contacts import checked_email
from server.services.signing_in.sign_in import fold, hash_password

USER_NAME = re.compile(r"[^\s/\\:\x00-\x1f\x7f]{1,255}")
MAIL_CHOICES = {
    "every": "After every run",
    "problems": "Only when something went wrong",
    "weekly": "A summary every week",
    "off": "Off",
}
"""When an account is told of its runs by e-mail, in words."""
REASON_LENGTH = 255


def create_account(
    customer: Customer,
    user_name: str,
    password: str | None,
    now: datetime,
    *,
    subscription: Subscription | None = None,
    email: str = "",
    actor: str = "",
    address: str = "",
) -> Account:
    """A new sign-in of a customer; the first one is the owner.

    Without `password` nobody can sign in until one is set by a one-time link. Without `subscription` it belongs to
    the customer's newest one, if there is any. Raises ValueRefused, NameInUse, NotFound when the subscription is
    another customer's.
    """
    folded = fold(user_name)
    if not USER_NAME.fullmatch(folded):
        raise ValueRefused(field="user name", reason="it needs 1 to 255 characters without spaces, “/”, “\\” and “:”")
    reach = checked_email(email or customer.email)
    password_hash = hash_password(secrets.token_urlsafe(32) if password is None else password)
    db.session.scalar(select(Customer.id).where(Customer.id == customer.id).with_for_update())  # one owner, not two
    _check_free(folded, customer)
    others = db.session.scalar(select(func.count()).where(Account.customer_id == customer.id))
    account = Account(
        customer_id=customer.id, user_name=folded, email=reach, password_hash=password_hash, is_owner=not others,
        subscription_id=_subscription_of(customer, subscription), created_at=now,
    )  # fmt: skip
    db.session.add(account)
    try:
        db.session.flush()
    except IntegrityError as error:  # somebody took the name at the same moment
        db.session.rollback()
        raise NameInUse(what="user name", name=folded) from error
    audit.record(actor or "command line", "added an account", folded, detail=customer.label, address=address, now=now,
                 customer=customer.id, account=account.id)
    db.session.commit()
    return account


def update_account(
    account: Account, email: str, subscription: Subscription | None, version: int | None, now: datetime, *,
    actor: str, address: str = "",
) -> None:
    """Change the address and the subscription to which its further computers will belong.

    Raises EditedMeanwhile when `version` is no longer the account's, ValueRefused, NotFound when the subscription is
    another customer's.
    """
    check_version(account, version)
    if subscription is not None and subscription.customer_id != account.customer_id:
        raise NotFound(what=f"subscription {subscription.id}")
    after = {"email": checked_email(email), "subscription_id": subscription.id if subscription else None}
    before = {name: getattr(account, name) for name, value in after.items() if getattr(account, name) != value}
    if before:
        account.email, account.subscription = str(after["email"]), subscription
        note_change(account, actor, now)
        audit.record(actor, "changed an account", account.user_name, address=address, now=now,
                     customer=account.customer_id, account=account.id, before=before,
                     after={name: after[name] for name in before})
    db.session.commit()


def switch_backups(
    account: Account, accepts: bool, now: datetime, *, actor: str, reason: str = "", address: str = ""
) -> None:
    """Accept or reject backups of an account; a running one stops at its next pack.

    Setting what is set already, for no new reason, changes nothing: who switched and since when stays true.
    """
    reason = reason.strip()[:REASON_LENGTH]
    db.session.refresh(account, with_for_update=True)
    if account.accepts_backups == accepts and reason in {"", account.accept_reason}:
        db.session.commit()
        return
    before = {"accepts_backups": account.accepts_backups, "reason": account.accept_reason}
    account.accepts_backups, account.accept_reason = accepts, reason
    account.accept_changed_by, account.accept_changed_at = actor[:255], now
    audit.record(actor, "accepts backups" if accepts else "rejects backups", account.user_name, detail=reason,
                 address=address, now=now, customer=account.customer_id, account=account.id, before=before,
                 after={"accepts_backups": accepts, "reason": reason})
    db.session.commit()


def switch_mail(account: Account, choice: str, now: datetime, *, actor: str, address: str = "") -> None:
    """Choose when the account is told of its runs by e-mail, one of MAIL_CHOICES. Raises ValueRefused.

    It holds from the next run that ends; alarms have settings of their own.
    """
    if choice not in MAIL_CHOICES:
        raise ValueRefused(field="choice of e-mails", reason=f"it is one of {', '.join(MAIL_CHOICES)}")
    db.session.refresh(account, with_for_update=True)
    before = account.mail_on_completion
    if choice != before:
        account.mail_on_completion = choice
        account.mail_changed_by, account.mail_changed_at = actor[:255], now
        audit.record(actor, "changed e-mail after runs", account.user_name, detail=MAIL_CHOICES[choice],
                     address=address, now=now, customer=account.customer_id, account=account.id,
                     before={"mail": before}, after={"mail": choice})
    db.session.commit()


def restore_points_of(account: Account) -> int:
    """How many restore points the account's computers have; they stay whatever is switched."""
    points = select(func.coalesce(func.sum(Computer.restore_points), 0)).where(Computer.account_id == account.id)
    return int(db.session.scalar(points) or 0)


def switch_open(account: Account, open_: bool, now: datetime, *, actor: str, address: str = "") -> None:
    """Close an account, so that nobody signs in with it, or open it again. Its computers and files stay as they are."""
    db.session.refresh(account, with_for_update=True)
    if account.closed == open_:
        account.closed = not open_
        note_change(account, actor, now)
        audit.record(actor, "reopened an account" if open_ else "closed an account", account.user_name,
                     address=address, now=now, customer=account.customer_id, account=account.id)
    db.session.commit()


def _check_free(user_name: str, customer: Customer) -> None:
    """Raises NameInUse when the name signs somebody else in already: as a user name or as an e-mail address."""
    taken = db.session.scalar(select(Account.id).where(or_(
        Account.user_name == user_name,
        (func.lower(Account.email) == user_name) & (Account.customer_id != customer.id),
    )).limit(1)) or db.session.scalar(select(Staff.id).where(Staff.email == user_name))
    if taken is not None:
        raise NameInUse(what="user name", name=user_name)


def _subscription_of(customer: Customer, chosen: Subscription | None) -> int | None:
    if chosen is not None and chosen.customer_id != customer.id:
        raise NotFound(what=f"subscription {chosen.id} of {customer.label}")
    if chosen is not None:
        return chosen.id
    newest = select(Subscription.id).where(Subscription.customer_id == customer.id).order_by(Subscription.id.desc())
    found: int | None = db.session.scalar(newest.limit(1))
    return found
