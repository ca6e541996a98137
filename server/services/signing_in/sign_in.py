"""Passwords: keeping them, checking them, and closing a sign-in that is being guessed at."""
from __future__ import annotations

from datetime import datetime, timedelta
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError
from sqlalchemy import select

from protocol.errors import SignInFailed, TooManyAttempts
from server.extensions import db
from server.models import Account
from server.models.people import SignIn
from server.services.house.refusals import ValueRefused

SHORTEST_PASSWORD = 8
LONGEST_PASSWORD = 1024
TRIES = 10
LOCKED_FOR = timedelta(minutes=15)
HASHER = PasswordHasher()


def hash_password(password: str) -> str:
    """The Argon2id hash to keep. Raises ValueRefused for a password that is too short or too long."""
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        raise ValueRefused(field="password", reason=f"it needs at least {SHORTEST_PASSWORD} characters")
    return HASHER.hash(password)


def sign_in_account(user_name: str, password: str, now: datetime) -> Account:
    """The account of that user name. Raises SignInFailed, TooManyAttempts."""
    known = select(Account).where(Account.user_name == fold(user_name))
    account: Account | None = db.session.scalar(known.with_for_update())
    check_password(account, password, now)
    assert account is not None  # check_password has refused
    return account


def check_password(person: SignIn | None, password: str, now: datetime) -> None:
    """Let `person` pass, None being somebody unknown, who takes as long and is told the same as a wrong password.

    So is a closed sign-in. Ten wrong tries in a row, of passwords or of second steps, close the sign-in for 15
    minutes; where there is a second step, only a full sign-in ends the row. Raises SignInFailed, TooManyAttempts.
    """
    if person is None or person.closed:
        _matches(_hash_of_nobody(), password)
        raise SignInFailed
    refuse_locked(person, now)
    if not _matches(person.password_hash, password):
        note_wrong_try(person, now)
        raise SignInFailed
    if HASHER.check_needs_rehash(person.password_hash):
        person.password_hash = HASHER.hash(password)
    if not person.totp_sealed:
        note_sign_in(person, now)
    db.session.commit()


def refuse_locked(person: SignIn, now: datetime) -> None:
    """Raises TooManyAttempts while too many wrong tries keep this sign-in closed."""
    if person.locked_until is not None and person.is_locked(now):
        raise TooManyAttempts(until=f"{person.locked_until:%H:%M} UTC")


def note_wrong_try(person: SignIn, now: datetime) -> None:
    """Count a wrong password or code, and close the sign-in for a while when it was one too many."""
    person.failed_sign_ins += 1
    if person.failed_sign_ins >= TRIES:
        person.locked_until = now + LOCKED_FOR
        person.failed_sign_ins = 0
    db.session.commit()


def note_sign_in(person: SignIn, now: datetime) -> None:
    """Every step was right: earlier wrong tries are forgotten. The caller commits."""
    person.failed_sign_ins, person.locked_until, person.last_sign_in_at = 0, None, now


def fold(name: str) -> str:
    """A user name or e-mail address as it is stored and compared: without spaces around it, in lower case."""
    return name.strip().casefold()


def _matches(password_hash: str, password: str) -> bool:
    try:
        return HASHER.verify(password_hash, password[:LONGEST_PASSWORD])
    except (VerifyMismatchError, InvalidHashError):
        return False


@cache
def _hash_of_nobody() -> str:
    return HASHER.hash("nobody")
