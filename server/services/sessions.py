"""Who signs in to the portal's pages, and who a session belongs to."""
from __future__ import annotations

import hashlib
import hmac
from datetime import datetime

from sqlalchemy import func, select

from server.extensions import db
from server.models import Account, Staff
from server.services import audit
from server.services.sign_in import check_password, fold


def sign_in(name: str, password: str, address: str, now: datetime) -> Account | Staff:
    """The person with this user name or e-mail address. Raises SignInFailed, TooManyAttempts."""
    person = _find(fold(name))
    check_password(person, password, now)
    assert person is not None  # check_password has refused
    audit.record(
        name_of(person), "signed in to the portal", address=address, now=now,
        customer=person.customer_id if isinstance(person, Account) else None,
        account=person.id if isinstance(person, Account) else None,
    )  # fmt: skip
    db.session.commit()
    return person


def name_of(person: Account | Staff) -> str:
    """The name under which a person's deeds are recorded."""
    return person.user_name if isinstance(person, Account) else person.email


def find_person(key: str) -> Account | Staff | None:
    """Whose session says `key` (see get_id of the models), if that sign-in still exists."""
    kind, _, number = key.partition(":")
    if not (number.isascii() and number.isdigit() and len(number) < 19):
        return None
    staff: Staff | None = db.session.get(Staff, int(number)) if kind == "staff" else None
    account: Account | None = db.session.get(Account, int(number)) if kind == "account" else None
    return staff or account


def seal_of(person: Account | Staff, key: str) -> str:
    """What a session keeps of the password, so that a new password ends all earlier sessions."""
    return hmac.new(key.encode(), person.password_hash.encode(), hashlib.sha256).hexdigest()[:32]


def _find(name: str) -> Account | Staff | None:
    account: Account | None = db.session.scalar(select(Account).where(Account.user_name == name).with_for_update())
    if account is not None:
        return account
    staff: Staff | None = db.session.scalar(select(Staff).where(Staff.email == name).with_for_update())
    if staff is not None:
        return staff
    # An address that several accounts share tells none of them.
    accounts = db.session.scalars(select(Account).where(func.lower(Account.email) == name).limit(2)).all()
    return accounts[0] if len(accounts) == 1 else None
