"""The browsers in which people are signed in: each has a key of its own and can be ended from another one."""
from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from hashlib import sha256
from typing import Any

from sqlalchemy import Integer, LargeBinary, Select, String, bindparam, delete, select, update

from protocol.errors import NotFound
from server.extensions import db
from server.models import Account, BrowserSession, Preference, Staff
from server.services.signing_in import sign_in_rules
from server.services.signing_in.sign_in_rules import Rules

KEY_BYTES = 32
NOTED_EVERY = timedelta(minutes=5)
"""How exactly it is known when a browser was seen last; each noting is a write."""
KEPT_FOR = timedelta(days=30)
MOST_SHOWN = 50
LONGEST_NAME, LONGEST_ADDRESS = 255, 64


@dataclass(frozen=True)
class Found:
    """A browser that is signed in, who uses it, and the rules that hold for it."""

    person: Account | Staff
    session: BrowserSession
    rules: Rules

    def ends_at(self) -> datetime:
        """When it is signed out if nobody uses it."""
        return self.session.seen_at + timedelta(hours=self.rules.hours)


def begin(person: Account | Staff, browser: str, address: str, now: datetime) -> str:
    """The key of a browser in which `person` signs in, in the running transaction. The portal keeps only its hash.

    `browser` is what it says of itself.
    """
    key = secrets.token_urlsafe(KEY_BYTES)
    db.session.add(BrowserSession(
        person=person.get_id(), key_hash=_hash(key), begun_at=now, seen_at=now, browser=browser[:LONGEST_NAME],
        address=address[:LONGEST_ADDRESS]))
    return key


def find(key: str, person: str, now: datetime) -> Found | None:
    """The browser with this key, if `person` is still signed in there; one question to the database."""
    kind, number = kind_and_number(person)
    if kind is None:
        return None
    row = db.session.execute(_signed_in(kind), {"id": number, "person": person, "key": _hash(key)}).one_or_none()
    if row is None:
        return None
    found = Found(row[0], row[1], sign_in_rules.rules_of(row[2] or {}))
    return found if now < found.ends_at() else None


@cache
def _signed_in(kind: type[Staff] | type[Account]) -> Select[Any]:
    """A person of that kind, the browser with a key of theirs, and the rules; made once, as every page asks it."""
    rules = select(Preference.values).where(Preference.topic == sign_in_rules.TOPIC).scalar_subquery()
    query: Select[Any] = select(kind, BrowserSession, rules).select_from(kind).join(
        BrowserSession, BrowserSession.person == bindparam("person", type_=String()))
    return query.where(kind.id == bindparam("id", type_=Integer()), BrowserSession.ended_at.is_(None),
                       BrowserSession.key_hash == bindparam("key", type_=LargeBinary()))


def kind_and_number(person: str) -> tuple[type[Staff] | type[Account] | None, int]:
    """The table and the id that get_id() of the models names; None for no such name."""
    kind, _, number = person.partition(":")
    if not (number.isascii() and number.isdigit() and len(number) < 19):
        return None, 0
    return Staff if kind == "staff" else Account if kind == "account" else None, int(number)


def is_to_be_noted(session: BrowserSession, now: datetime) -> bool:
    """Whether it is time to note that a browser was seen."""
    return now - session.seen_at >= NOTED_EVERY


def note_seen(session: BrowserSession, now: datetime) -> None:
    """Note that a browser is in use."""
    db.session.execute(
        update(BrowserSession).where(BrowserSession.id == session.id, BrowserSession.ended_at.is_(None))
        .values(seen_at=now))
    db.session.commit()


def list_open(person: Account | Staff, rules: Rules, now: datetime) -> Sequence[BrowserSession]:
    """Where a person is signed in, the latest seen first."""
    return db.session.scalars(
        select(BrowserSession)
        .where(BrowserSession.person == person.get_id(), BrowserSession.ended_at.is_(None),
               BrowserSession.seen_at > now - timedelta(hours=rules.hours))
        .order_by(BrowserSession.seen_at.desc(), BrowserSession.id.desc()).limit(MOST_SHOWN)).all()


def end(person: Account | Staff, number: int, now: datetime) -> BrowserSession:
    """Sign a person out of one browser, in the running transaction. Raises NotFound for another's browser."""
    session: BrowserSession | None = db.session.get(BrowserSession, number)
    if session is None or session.person != person.get_id():
        raise NotFound(what="such sign-in")
    session.ended_at = session.ended_at or now
    return session


def end_key(key: str, now: datetime) -> None:
    """Sign out the browser with this key, if there is one."""
    db.session.execute(update(BrowserSession).where(
        BrowserSession.key_hash == _hash(key), BrowserSession.ended_at.is_(None)).values(ended_at=now))
    db.session.commit()


def end_others(person: Account | Staff, key: str, now: datetime) -> int:
    """Sign a person out everywhere but in the browser with this key, in the running transaction; how many."""
    ended = db.session.execute(update(BrowserSession).where(
        BrowserSession.person == person.get_id(), BrowserSession.key_hash != _hash(key),
        BrowserSession.ended_at.is_(None)).values(ended_at=now).execution_options(synchronize_session=False))
    return int(ended.rowcount)  # type: ignore[attr-defined]  # an update has it


def forget_old(now: datetime) -> None:
    """Remove what was ended or last seen long ago."""
    db.session.execute(delete(BrowserSession).where(BrowserSession.seen_at < now - KEPT_FOR))
    db.session.commit()


def _hash(key: str) -> bytes:
    return sha256(key.encode("utf-8", "replace")).digest()
