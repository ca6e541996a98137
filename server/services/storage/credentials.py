"""Short-lived sign-ins for the bundled storage, which it checks without asking anyone.

The user name is the vault's identifier; the password is "<expiry>.<scope>.<proof>", the proof a keyed hash over the
other parts. Only the holder of the portal's gateway key can make one.
"""
from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

VALID_FOR = timedelta(hours=24)
WRITE = "write"
"""May add objects and read; may not change or remove what is complete."""
READ = "read"


@dataclass(frozen=True)
class Grant:
    """What a valid credential allows, in one vault, until a moment (seconds since 1970)."""

    vault: str
    scope: str
    expires: int


def issue_password(key: bytes, vault: str, scope: str, now: datetime) -> str:
    """The password for `vault`'s folder; `scope` is WRITE or READ. It lapses after VALID_FOR."""
    expires = int((now + VALID_FOR).timestamp())
    return f"{expires}.{scope}.{_proof(key, vault, scope, expires)}"


def check_password(key: bytes, vault: str, password: str, now: datetime) -> Grant | None:
    """The grant that `password` proves for `vault`; None when it is wrong, foreign or has lapsed."""
    expiry, _, rest = password.partition(".")
    scope, _, proof = rest.partition(".")
    if not _is_vault_name(vault) or scope not in {WRITE, READ} or not (expiry.isascii() and expiry.isdigit()):
        return None
    if len(expiry) > 12 or not hmac.compare_digest(proof.encode(), _proof(key, vault, scope, int(expiry)).encode()):
        return None
    return Grant(vault, scope, int(expiry)) if now.timestamp() < int(expiry) else None


def _proof(key: bytes, vault: str, scope: str, expires: int) -> str:
    claim = f"{vault}.{scope}.{expires}".encode()
    return hashlib.blake2b(claim, key=key, digest_size=32, person=b"ibs gateway").hexdigest()


def _is_vault_name(name: str) -> bool:
    try:
        return str(UUID(name)) == name
    except ValueError:
        return False
