"""Customers and their numbers."""
from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import TypeVar

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError, OperationalError

from protocol.errors import NotFound
from server.extensions import db
from server.models import Customer, Staff
from server.services.house import audit
from server.services.house.refusals import ValueRefused
from server.services.house.versions import check_version, note_change
from server.services.people.contacts import checked_email

FIRST_NUMBER = 1
TRIES = 20
PAUSE_SECONDS = 0.05
Result = TypeVar("Result")
Values = Mapping[str, str | int | None]
"""Fields of a customer by the names of their columns."""


def create_customer(
    name: str, email: str, now: datetime, *, details: Values | None = None, actor: str = "", address: str = ""
) -> Customer:
    """A new customer with the next customer number; `details` are further fields, as registrations.check() gives them.

    Raises ValueRefused.
    """
    name = name.strip()
    if not 1 <= len(name) <= 255:
        raise ValueRefused(field="name", reason="it needs 1 to 255 characters")
    values: Values = {**(details or {}), "name": name, "email": checked_email(email)}
    return until_numbered(lambda: add_customers([values], now, actor=actor, address=address))[0]


def until_numbered(work: Callable[[], Result]) -> Result:
    """Commit what `work` adds; done again from its beginning when somebody else took the same numbers meanwhile."""
    for attempt in range(1, TRIES + 1):
        try:
            result = work()
            db.session.commit()
        except (IntegrityError, OperationalError):
            db.session.rollback()
            if attempt == TRIES:
                raise
            time.sleep(PAUSE_SECONDS * attempt * random.random())  # so that two do not meet again
        else:
            return result
    raise AssertionError  # the last try has raised


def hold_numbers() -> int:
    """The next customer number. Whoever asks after us waits until our transaction ends.

    Customers are never removed, so the highest number and those below it were given out and come never again.
    """
    return (db.session.scalar(select(func.max(Customer.number)).with_for_update()) or FIRST_NUMBER - 1) + 1


def add_customers(rows: Sequence[Values], now: datetime, *, actor: str, address: str = "") -> list[Customer]:
    """Add customers to the running transaction, numbered in their order; see until_numbered()."""
    first = hold_numbers()
    added = [Customer(number=first + place, created_at=now, **values) for place, values in enumerate(rows)]
    db.session.add_all(added)
    db.session.flush()
    for customer in added:
        audit.record(actor or "command line", "added a customer", customer.label, detail=customer.name,
                     address=address, now=now, customer=customer.id)
    return added


def update_customer(
    customer: Customer, values: Values, version: int | None, now: datetime, *, actor: str, address: str = ""
) -> list[str]:
    """Change the fields that differ from `values`, as registrations.check() gives them; the names of those changed.

    What they were and what they became stays in the audit trail. Raises EditedMeanwhile when `version` is no longer
    the customer's.
    """
    check_version(customer, version)
    before = {name: getattr(customer, name) for name, value in values.items() if (getattr(customer, name) or "") !=
              (value or "")}
    after = {name: values[name] for name in before}
    for name, value in after.items():
        setattr(customer, name, value)
    if after:
        note_change(customer, actor, now)
        audit.record(actor, "changed a registration", customer.label, detail=", ".join(sorted(after)), now=now,
                     address=address, customer=customer.id, before=before, after=after)
    db.session.commit()
    return list(after)


def implementors() -> list[Staff]:
    """The members of staff to whom customers can be assigned."""
    return list(db.session.scalars(
        select(Staff).where(Staff.role == "implementor", Staff.closed.is_(False)).order_by(Staff.name, Staff.email)))


def find_customer(number: str) -> Customer:
    """The customer with this number, written C-000042 or 42. Raises NotFound."""
    digits = number.strip().upper().removeprefix("C-")
    found = None
    if digits.isascii() and digits.isdigit() and len(digits) <= 9:
        found = db.session.scalar(select(Customer).where(Customer.number == int(digits)))
    if found is None:
        raise NotFound(what=f"customer {number}")
    return found
