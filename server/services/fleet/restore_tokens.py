"""Tokens for a person who restores on a computer whose own token is kept from its users.

Nothing of them is stored: a token names the computer and its end, and is sealed with the portal's key and what the
portal keeps of the account's password, so that a new password ends it.
"""
from __future__ import annotations

import hmac
from datetime import UTC, datetime, timedelta
from hashlib import sha256

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from protocol.errors import NotFound, SecondStepNeeded
from protocol.messages import SignedIn, SignIn
from server.config import Config
from server.extensions import db
from server.models import Computer, Subscription
from server.services.house import audit
from server.services.signing_in.sign_in import sign_in_account

LASTS = timedelta(hours=12)
KIND = "restore"


def sign_in(message: SignIn, address: str, config: Config, now: datetime) -> SignedIn:
    """A token for a person at `address`. Raises SignInFailed, TooManyAttempts,
    SecondStepNeeded, and NotFound for another's computer."""
    account = sign_in_account(message.user_name, message.password, now)
    if account.totp_sealed:
        raise SecondStepNeeded(account=account.user_name)
    computer = _find(message.computer)
    if computer is None or computer.account_id != account.id:
        raise NotFound(what="computer of this account")
    until = (now + LASTS).replace(microsecond=0)
    audit.record(account.user_name, "signed in to restore", computer.name, detail=computer.id, address=address, now=now,
                 customer=account.customer_id, account=account.id)
    db.session.commit()
    seal = _seal(computer, until, config)
    return SignedIn(token=f"{KIND}.{computer.id}.{int(until.timestamp())}.{seal}", until=until)


def find_by_token(token: str, config: Config, now: datetime) -> Computer | None:
    """The computer whose backups the token opens; None for tokens of other kinds, for lapsed and for forged ones."""
    kind, _, rest = token.partition(".")
    name, _, rest = rest.partition(".")
    end, _, seal = rest.partition(".")
    if kind != KIND or not (end.isascii() and end.isdecimal() and len(end) < 12):
        return None
    until, computer = datetime.fromtimestamp(int(end), UTC), _find(name)
    if computer is None or now >= until or computer.account.closed:
        return None
    return computer if hmac.compare_digest(seal.encode(), _seal(computer, until, config).encode()) else None


def _find(name: str) -> Computer | None:
    found: Computer | None = db.session.scalar(
        select(Computer).where(Computer.id == name)
        .options(joinedload(Computer.account), joinedload(Computer.subscription).joinedload(Subscription.plan))
        .execution_options(populate_existing=True)
    )
    return found


def _seal(computer: Computer, until: datetime, config: Config) -> str:
    text = f"{KIND} {computer.id} {int(until.timestamp())} {computer.account.password_hash}"
    return hmac.new(config.secrets.session.encode(), text.encode(), sha256).hexdigest()
