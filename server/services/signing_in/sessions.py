"""Who signs in to the portal's pages, and who a session belongs to."""
from __future__ import annotations

import hashlib
import hmac
from datetime import datetime
from typing import Any

from sqlalchemy import func, select

from server.extensions import db
from server.models import Account, Staff
from server.services.house import audit
from server.services.signing_in import browser_sessions
from server.services.signing_in.browser_names import browser_name
from server.services.signing_in.sign_in import check_password, fold, hash_password, note_sign_in


def check_name_and_password(name: str, password: str, now: datetime) -> Account | Staff:
    """The person with this user name or e-mail address, whose second step may still be missing.

    Raises SignInFailed, TooManyAttempts.
    """
    person = _find(fold(name))
    check_password(person, password, now)
    assert person is not None  # check_password has refused
    return person


def sign_in(person: Account | Staff, browser: str, address: str, now: datetime) -> str:
    """Note that a person passed every step; the key with which this browser is known from now on."""
    note_sign_in(person, now)
    audit.record(name_of(person), "signed in to the portal", address=address, now=now, **marks_of(person))
    key = browser_sessions.begin(person, browser, address, now)
    db.session.commit()
    return key


def change_password(person: Account | Staff, password: str, new: str, key: str, now: datetime, *, address: str = ""
                    ) -> None:
    """Give a person who knows the present `password` another one; all sign-ins but that of `key` end.

    Raises SignInFailed, TooManyAttempts, ValueRefused.
    """
    check_again(person, password, now)
    person.password_hash = hash_password(new)
    browser_sessions.end_others(person, key, now)
    audit.record(name_of(person), "changed the password", name_of(person), address=address, now=now, **marks_of(person))
    db.session.commit()


def check_again(person: Account | Staff, password: str, now: datetime) -> None:
    """Ask somebody who is signed in for the password again. Raises SignInFailed, TooManyAttempts."""
    db.session.refresh(person, with_for_update=True)
    check_password(person, password, now)


def end_one(person: Account | Staff, number: int, now: datetime, *, address: str = "") -> None:
    """Sign a person out of one browser. Raises NotFound when there is no such one of theirs."""
    ended = browser_sessions.end(person, number, now)
    audit.record(name_of(person), "ended a sign-in", browser_name(ended.browser), address=address, now=now,
                 **marks_of(person))
    db.session.commit()


def end_others(person: Account | Staff, key: str, now: datetime, *, address: str = "") -> int:
    """Sign a person out everywhere but in the browser with this key; how many that were."""
    ended = browser_sessions.end_others(person, key, now)
    if ended:
        audit.record(name_of(person), "ended all other sign-ins", name_of(person), detail=str(ended), address=address,
                     now=now, **marks_of(person))
    db.session.commit()
    return ended


def marks_of(person: Account | Staff) -> dict[str, Any]:
    """Whom a deed touched, for the audit trail: an account and its customer, nobody's for staff."""
    return {"customer": person.customer_id, "account": person.id} if isinstance(person, Account) else {}


def name_of(person: Account | Staff) -> str:
    """The name under which a person's deeds are recorded."""
    return person.user_name if isinstance(person, Account) else person.email


def find_person(key: str) -> Account | Staff | None:
    """Whose session says `key` (see get_id of the models), if that sign-in still exists."""
    kind, number = browser_sessions.kind_and_number(key)
    staff: Staff | None = db.session.get(Staff, number) if kind is Staff else None
    account: Account | None = db.session.get(Account, number) if kind is Account else None
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
    accounts = db.session.scalars(
        select(Account).where(func.lower(Account.email) == name, Account.closed.is_(False)).limit(2)).all()
    return accounts[0] if len(accounts) == 1 else None
