"""Customers, their accounts, and the reseller's staff."""
from __future__ import annotations

import re
from datetime import datetime

from sqlalchemy import func, select

from protocol.errors import NotFound
from server.extensions import db
from server.models import Account, Customer, Staff, Subscription
from server.services import audit
from server.services.refusals import NameInUse, ValueRefused
from server.services.sign_in import fold, hash_password

ROLES = ("administrator", "implementor")
USER_NAME = re.compile(r"[^\s/\\:\x00-\x1f\x7f]{1,255}")
EMAIL = re.compile(r"[^\s@\x00-\x1f\x7f]{1,64}@[^\s@\x00-\x1f\x7f]{1,190}")
FIRST_NUMBER = 1


def create_staff(email: str, password: str, role: str, now: datetime, *, name: str = "", actor: str = "") -> Staff:
    """A new member of staff; `role` is one of ROLES. Raises ValueRefused, NameInUse."""
    if role not in ROLES:
        raise ValueRefused(field="role", reason=f"it is one of {', '.join(ROLES)}")
    folded = fold(_checked_email(email))
    if db.session.scalar(select(Staff.id).where(Staff.email == folded)) is not None:
        raise NameInUse(what="e-mail address", name=folded)
    person = Staff(email=folded, name=name, role=role, password_hash=hash_password(password), created_at=now)
    db.session.add(person)
    audit.record(actor or "command line", "added staff", folded, detail=role, now=now)
    db.session.commit()
    return person


def create_customer(name: str, email: str, now: datetime, *, actor: str = "") -> Customer:
    """A new customer with the next customer number. Raises ValueRefused."""
    name = name.strip()
    if not 1 <= len(name) <= 255:
        raise ValueRefused(field="name", reason="it needs 1 to 255 characters")
    last = db.session.scalar(select(func.max(Customer.number)).with_for_update()) or FIRST_NUMBER - 1
    customer = Customer(number=last + 1, name=name, email=_checked_email(email), created_at=now)
    db.session.add(customer)
    audit.record(actor or "command line", "added a customer", customer.label, detail=name, now=now)
    db.session.commit()
    return customer


def find_customer(number: str) -> Customer:
    """The customer with this number, written C-000042 or 42. Raises NotFound."""
    digits = number.strip().upper().removeprefix("C-")
    found = None
    if digits.isascii() and digits.isdigit() and len(digits) <= 9:
        found = db.session.scalar(select(Customer).where(Customer.number == int(digits)))
    if found is None:
        raise NotFound(what=f"customer {number}")
    return found


def create_account(
    customer: Customer,
    user_name: str,
    password: str,
    now: datetime,
    *,
    subscription: Subscription | None = None,
    email: str = "",
    actor: str = "",
) -> Account:
    """A new sign-in of a customer; the first one is the owner.

    Without `subscription` it belongs to the customer's newest one, if there is any. Raises ValueRefused, NameInUse,
    NotFound when the subscription is another customer's.
    """
    folded = fold(user_name)
    if not USER_NAME.fullmatch(folded):
        raise ValueRefused(field="user name", reason="it needs 1 to 255 characters without spaces, “/”, “\\” and “:”")
    if db.session.scalar(select(Account.id).where(Account.user_name == folded)) is not None:
        raise NameInUse(what="user name", name=folded)
    if subscription is None:
        subscription = db.session.scalar(
            select(Subscription).where(Subscription.customer_id == customer.id).order_by(Subscription.id.desc())
        )
    elif subscription.customer_id != customer.id:
        raise NotFound(what=f"subscription {subscription.id} of {customer.label}")
    others = db.session.scalar(select(func.count()).where(Account.customer_id == customer.id))
    account = Account(
        customer_id=customer.id,
        user_name=folded,
        email=_checked_email(email or customer.email),
        password_hash=hash_password(password),
        is_owner=not others,
        subscription_id=subscription.id if subscription else None,
        created_at=now,
    )
    db.session.add(account)
    audit.record(actor or "command line", "added an account", folded, detail=customer.label, now=now)
    db.session.commit()
    return account


def switch_backups(account: Account, accepts: bool, now: datetime, *, actor: str, reason: str = "") -> None:
    """Accept or reject backups of an account; a running one stops at its next pack."""
    account.accepts_backups = accepts
    account.accept_changed_by = actor[:255]
    account.accept_changed_at = now
    account.accept_reason = reason[:255]
    audit.record(actor, "accepts backups" if accepts else "rejects backups", account.user_name, detail=reason, now=now)
    db.session.commit()


def _checked_email(email: str) -> str:
    email = email.strip()
    if not EMAIL.fullmatch(email):
        raise ValueRefused(field="e-mail address", reason="it must look like name@example.com")
    return email
