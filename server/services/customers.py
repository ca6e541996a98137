"""Customers, and the reseller's staff."""
from __future__ import annotations

from datetime import datetime

from sqlalchemy import func, select

from protocol.errors import NotFound
from server.extensions import db
from server.models import Customer, Staff
from server.services import audit
from server.services.contacts import checked_email
from server.services.refusals import NameInUse, ValueRefused
from server.services.sign_in import fold, hash_password

ROLES = ("administrator", "implementor")
FIRST_NUMBER = 1


def create_staff(email: str, password: str, role: str, now: datetime, *, name: str = "", actor: str = "") -> Staff:
    """A new member of staff; `role` is one of ROLES. Raises ValueRefused, NameInUse."""
    if role not in ROLES:
        raise ValueRefused(field="role", reason=f"it is one of {', '.join(ROLES)}")
    folded = fold(checked_email(email))
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
    customer = Customer(number=last + 1, name=name, email=checked_email(email), created_at=now)
    db.session.add(customer)
    db.session.flush()
    audit.record(actor or "command line", "added a customer", customer.label, detail=name, now=now,
                 customer=customer.id)
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
