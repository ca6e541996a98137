"""One-time links with which a person sets a password, so that none is ever sent or told."""
from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from hashlib import sha256

from sqlalchemy import delete, select

from protocol.errors import Refusal
from server.extensions import db
from server.models import Account, PasswordLink, Staff
from server.services.house import audit
from server.services.signing_in import browser_sessions
from server.services.signing_in.sessions import find_person, marks_of, name_of
from server.services.signing_in.sign_in import hash_password

TOKEN_BYTES = 32
LONGEST_TOKEN = 100
VALID_FOR = timedelta(days=3)


class LinkUsedUp(Refusal):
    """This link was used already, has expired, or was replaced by a newer one. Nothing was changed."""

    code = "IBS-1310"
    hint = "Ask for a new link."
    status = 410


def create_link(
    person: Account | Staff, now: datetime, *, valid_for: timedelta = VALID_FOR, actor: str = "", address: str = ""
) -> str:
    """The token of a new link; earlier links of this person no longer work. The portal keeps only its hash.

    `actor` is who asked for it, if it was not the person.
    """
    token = secrets.token_urlsafe(TOKEN_BYTES)
    db.session.execute(
        delete(PasswordLink).where(PasswordLink.person == person.get_id(), PasswordLink.used_at.is_(None)))
    db.session.add(PasswordLink(token_hash=_hash(token), person=person.get_id(), created_at=now,
                                expires_at=now + valid_for))
    audit.record(actor or name_of(person), "made a password link", name_of(person), address=address, now=now,
                 **marks_of(person))
    db.session.commit()
    return token


def find_link(token: str, now: datetime) -> Account | Staff:
    """Whose password the link may set. Raises LinkUsedUp."""
    return _open_link(token, now)[1]


def use_link(token: str, password: str, now: datetime, *, address: str = "") -> Account | Staff:
    """Set the password of the person whose link it is, and open a sign-in that was closed by wrong passwords.

    All earlier sessions end, since they are tied to the earlier password. Raises LinkUsedUp, ValueRefused for a
    password that is too short or too long; the link can then be used again.
    """
    link, person = _open_link(token, now)
    person.password_hash = hash_password(password)
    person.failed_sign_ins, person.locked_until, link.used_at = 0, None, now
    browser_sessions.end_others(person, "", now)
    audit.record(name_of(person), "set a password by link", name_of(person), address=address, now=now,
                 **marks_of(person))
    db.session.commit()
    return person


def _open_link(token: str, now: datetime) -> tuple[PasswordLink, Account | Staff]:
    asked = select(PasswordLink).where(PasswordLink.token_hash == _hash(token[:LONGEST_TOKEN])).with_for_update()
    link: PasswordLink | None = db.session.scalar(asked)
    if link is None or link.used_at is not None or now >= link.expires_at:
        raise LinkUsedUp
    person = find_person(link.person)
    if person is None or person.closed:
        raise LinkUsedUp
    return link, person


def _hash(token: str) -> bytes:
    return sha256(token.encode("utf-8", "replace")).digest()
