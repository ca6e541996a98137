"""Set-up codes: with one of them a technician enrols a computer for an account, without anybody's password.

A code is seven signs of an alphabet of 28 without look-alikes: 28**7 or 1.3e10 of them, told as KX4-92QM. Enrolments
are limited to 60 a minute and address, and to 600 wrong codes an hour from everywhere; against 100 codes that are open
at the same time, a guess that hits is to be expected once in 25 years of guessing without a pause.
"""
from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from typing import NamedTuple

from sqlalchemy import func, select
from sqlalchemy.orm import joinedload

from protocol.errors import NotFound, SetUpCodeUsedUp, TooManyAttempts
from server.extensions import db
from server.models import Account, AuditEvent, Computer, Customer, SetUpCode, Staff
from server.services.house import audit
from server.services.people.ownership import served_by

ALPHABET = "ABCDEFGHJKLMNPQRTUVWXYZ23479"
LENGTH, FIRST_PART = 7, 3
VALID_FOR = timedelta(hours=24)
SHOWN_FOR = timedelta(days=14)
WRONG_CODE = "tried a wrong set-up code"
WRONG_ALLOWED, WRONG_WITHIN = 600, timedelta(hours=1)


class Visit(NamedTuple):
    """One visit: its code's row, for whom it is, and the computer that was enrolled with it, if it was."""

    code: SetUpCode
    account: Account
    customer: Customer
    computer: Computer | None


def create_code(account: Account, now: datetime, *, actor: str, address: str = "") -> tuple[SetUpCode, str]:
    """A new visit: its row, and the code, which is told only here. Earlier unused codes of the account no longer work.
    """
    code = "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))
    for earlier in db.session.scalars(select(SetUpCode).where(
            SetUpCode.account_id == account.id, SetUpCode.computer_id.is_(None), SetUpCode.expires_at > now)):
        earlier.expires_at = now
    visit = SetUpCode(code_hash=_hash(code), account_id=account.id, created_by=actor[:255], created_at=now,
                      expires_at=now + VALID_FOR)
    db.session.add(visit)
    audit.record(actor, "made a set-up code", account.user_name, address=address, now=now,
                 customer=account.customer_id, account=account.id)
    db.session.commit()
    return visit, f"{code[:FIRST_PART]}-{code[FIRST_PART:]}"


def open_code(code: str, address: str, now: datetime) -> SetUpCode:
    """The visit of a code, held for the running transaction; whoever enrols notes the computer in it.

    Raises SetUpCodeUsedUp, TooManyAttempts when too many wrong ones were tried from anywhere.
    """
    visit: SetUpCode | None = db.session.scalar(
        select(SetUpCode).where(SetUpCode.code_hash == _hash(code)).with_for_update())
    if visit is None or visit.computer_id is not None or now >= visit.expires_at:
        _note_wrong_code(address, now)
        raise SetUpCodeUsedUp
    account = db.session.get_one(Account, visit.account_id, with_for_update=True, populate_existing=True)
    if account.closed:
        raise SetUpCodeUsedUp
    return visit


def visits_for(person: Staff, now: datetime) -> Sequence[Visit]:
    """The visits of the last two weeks to customers that `person` may serve, the newest first."""
    rows = db.session.execute(
        select(SetUpCode, Account, Customer, Computer).join(Account, Account.id == SetUpCode.account_id)
        .join(Customer, Customer.id == Account.customer_id).outerjoin(Computer, Computer.id == SetUpCode.computer_id)
        .where(served_by(person), SetUpCode.created_at > now - SHOWN_FOR).order_by(SetUpCode.id.desc()).limit(50)).all()
    return [Visit(*row) for row in rows]


def find_visit(number: int) -> SetUpCode:
    """The visit with this id. Raises NotFound."""
    visit = db.session.get(SetUpCode, number)
    if visit is None:
        raise NotFound(what="such visit")
    return visit


def account_of(visit: SetUpCode) -> Account:
    """The account for which a visit enrols a computer."""
    account: Account = db.session.scalars(
        select(Account).where(Account.id == visit.account_id)
        .options(joinedload(Account.customer), joinedload(Account.subscription))).one()
    return account


def _note_wrong_code(address: str, now: datetime) -> None:
    tried = db.session.scalar(select(func.count()).select_from(AuditEvent).where(
        AuditEvent.at > now - WRONG_WITHIN, AuditEvent.action == WRONG_CODE)) or 0
    if tried >= WRONG_ALLOWED:
        raise TooManyAttempts(until=f"{now + WRONG_WITHIN:%H:%M} UTC")
    audit.record("somebody", WRONG_CODE, address=address, now=now)
    db.session.commit()


def _hash(code: str) -> bytes:
    plain = "".join(sign for sign in code.upper() if sign.isalnum())
    return sha256(b"ibs-set-up-code" + plain.encode("utf-8", "replace")).digest()
