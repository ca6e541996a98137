"""The reseller's own people: adding, changing and closing them."""
from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from protocol.errors import NotFound, Refusal
from server.extensions import db
from server.models import Account, Customer, Staff
from server.services.house import audit
from server.services.house.refusals import NameInUse, ValueRefused
from server.services.house.versions import check_version, note_change
from server.services.people.contacts import checked_email
from server.services.people.ownership import ADMINISTRATOR, IMPLEMENTOR
from server.services.signing_in.sign_in import fold, hash_password

ROLES = (ADMINISTRATOR, IMPLEMENTOR)
WHAT = "e-mail address"


class LastAdministrator(Refusal):
    """{name} is the only administrator who can sign in. Nothing was changed."""

    code = "IBS-1350"
    hint = "Make somebody else an administrator first."
    status = 409


@dataclass(frozen=True)
class Member:
    """A line of the list: a person, and how many customers they are assigned."""

    person: Staff
    customers: int


@dataclass(frozen=True)
class Details:
    """What can be changed of a person; `time_zone` is a name like Europe/Berlin, None for UTC."""

    email: str
    name: str
    role: str
    time_zone: str | None = None


def create_staff(
    email: str, password: str | None, role: str, now: datetime, *, name: str = "", time_zone: str | None = None,
    actor: str = "", address: str = "",
) -> Staff:
    """A new member of staff; `role` is one of ROLES. Without `password` they set one by a link.

    Raises ValueRefused, NameInUse.
    """
    details = _checked(Details(email, name, role, time_zone))
    password_hash = hash_password(secrets.token_urlsafe(32) if password is None else password)
    person = Staff(email=details.email, name=details.name, role=role, time_zone=time_zone, password_hash=password_hash,
                   created_at=now)
    _check_free(details.email)
    db.session.add(person)
    audit.record(actor or "command line", "added staff", person.email, detail=role, address=address, now=now)
    _commit(person.email)
    return person


def list_staff() -> Sequence[Member]:
    """Everybody, those who can sign in first, by name."""
    served = (select(Customer.implementor_id, func.count().label("customers")).group_by(Customer.implementor_id)
              .subquery())
    rows = db.session.execute(
        select(Staff, served.c.customers).outerjoin(served, served.c.implementor_id == Staff.id)
        .order_by(Staff.closed, func.lower(Staff.name), Staff.email)).all()
    return [Member(person, customers or 0) for person, customers in rows]


def find_staff(number: int) -> Staff:
    """The member of staff with this id. Raises NotFound."""
    person = db.session.get(Staff, number)
    if person is None:
        raise NotFound(what="such member of staff")
    return person


def edit_staff(person: Staff, details: Details, version: int | None, now: datetime, *, actor: str, address: str = ""
               ) -> None:
    """Give a person other details. Raises ValueRefused, NameInUse, LastAdministrator, EditedMeanwhile."""
    details = _checked(details)
    check_version(person, version)
    if details.role != ADMINISTRATOR:
        _keep_an_administrator(person)
    if details.email != person.email:
        _check_free(details.email)
    new = {"email": details.email, "name": details.name, "role": details.role, "time_zone": details.time_zone}
    before = {field: getattr(person, field) for field, value in new.items() if getattr(person, field) != value}
    for field, value in new.items():
        setattr(person, field, value)
    note_change(person, actor, now)
    audit.record(actor, "changed staff", person.email, address=address, now=now, before=before,
                 after={field: new[field] for field in before})
    _commit(details.email)


def close_staff(person: Staff, closed: bool, version: int | None, now: datetime, *, actor: str, address: str = ""
                ) -> None:
    """Let a person sign in no more, or again. Raises LastAdministrator, EditedMeanwhile."""
    check_version(person, version)
    if closed:
        _keep_an_administrator(person)
    person.closed = closed
    note_change(person, actor, now)
    audit.record(actor, "closed staff" if closed else "reopened staff", person.email, address=address, now=now)
    db.session.commit()


def _checked(details: Details) -> Details:
    if details.role not in ROLES:
        raise ValueRefused(field="role", reason=f"it is one of {', '.join(ROLES)}")
    return Details(fold(checked_email(details.email)), details.name.strip()[:255], details.role, details.time_zone)


def _check_free(email: str) -> None:
    """Raises NameInUse; an account of that name counts too, as it would be found first when somebody signs in."""
    accounts = select(Account.id).where(Account.user_name == email)
    if db.session.scalar(select(Staff.id).where(Staff.email == email).union_all(accounts).limit(1)) is not None:
        raise NameInUse(what=WHAT, name=email)


def _keep_an_administrator(person: Staff) -> None:
    """Raises LastAdministrator when nobody else is one; both rows are held, so that two can't close each other."""
    others = db.session.scalars(
        select(Staff.id).where(Staff.role == ADMINISTRATOR, Staff.closed.is_(False)).order_by(Staff.id)
        .with_for_update()).all()
    if person.role == ADMINISTRATOR and not person.closed and set(others) <= {person.id}:
        raise LastAdministrator(name=person.email)


def _commit(email: str) -> None:
    try:
        db.session.commit()
    except IntegrityError as error:  # somebody else took the address a moment ago
        db.session.rollback()
        raise NameInUse(what=WHAT, name=email) from error
