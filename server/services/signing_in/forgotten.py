"""A forgotten password: a link by e-mail, for whoever reads the letters of that person."""
from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy import func, select

from server.extensions import db
from server.models import Account, PasswordLink, Staff
from server.services.house.branding import Branding
from server.services.mail import letters, outbox
from server.services.signing_in import password_links
from server.services.signing_in.sessions import name_of
from server.services.signing_in.sign_in import fold

VALID_FOR = timedelta(hours=1)
NOT_BEFORE = timedelta(minutes=5)
"""How long after one link no other is sent to the same person."""
MOST_ACCOUNTS = 10
"""How many sign-ins one e-mail address gets links for."""


def send_links(name: str, brand: Branding, now: datetime, *, address: str = "") -> int:
    """Send links to set a password to whoever has this user name or e-mail address; how many were sent.

    Who can't sign in, has no e-mail address, or got a link a moment ago gets none. The page must not tell which.
    """
    sent = 0
    for person in _find(fold(name)):
        if person.email and not _asked_just_now(person, now):
            sent += _send(person, brand, now, address)
    return sent


def _find(name: str) -> Sequence[Account | Staff]:
    people: list[Account | Staff] = list(db.session.scalars(select(Staff).where(Staff.email == name)))
    people += db.session.scalars(
        select(Account).where((Account.user_name == name) | (func.lower(Account.email) == name))
        .order_by(Account.id).limit(MOST_ACCOUNTS))
    return [person for person in people if not person.closed]


def _asked_just_now(person: Account | Staff, now: datetime) -> bool:
    return db.session.scalar(select(PasswordLink.created_at).where(
        PasswordLink.person == person.get_id(), PasswordLink.created_at > now - NOT_BEFORE).limit(1)) is not None


def _send(person: Account | Staff, brand: Branding, now: datetime, address: str) -> bool:
    token = password_links.create_link(person, now, valid_for=VALID_FOR, actor=f"somebody as {name_of(person)}",
                                       address=address)
    compose = partial(
        letters.write, f"New password for {name_of(person)}", brand,
        [f"Somebody asked for a new password of the sign-in {name_of(person)} at {brand.name}.",
         "If that was you, set it here within an hour. The link works once. All earlier sign-ins then end.",
         "If it was not you, nothing is to be done: your password stays as it is."],
        link=("Set a password", f"{brand.address}/set-password/{token}"),
        footer="You get this e-mail because somebody chose “Forgotten the password?” on the sign-in page.")
    customer = person.customer_id if isinstance(person, Account) else None
    queued = outbox.queue(f"forgotten:{person.get_id()}:{now:%Y%m%dT%H%M%S.%f}", person.email, compose, now,
                          customer=customer)
    db.session.commit()
    return queued
