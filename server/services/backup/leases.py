"""The lease of a run: the fencing token that tells the one computer that may write from all others."""
from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from hashlib import sha256
from hmac import compare_digest

from sqlalchemy import select

from protocol.errors import LeaseLost, NotFound
from server.extensions import db
from server.models import Run
from server.models.runs import OPEN

LEASE = timedelta(minutes=10)
LEASE_BYTES = 32


def new_lease() -> str:
    """256 random bits."""
    return secrets.token_urlsafe(LEASE_BYTES)


def hash_lease(lease: str) -> bytes:
    """What the portal keeps of a lease."""
    return sha256(lease.encode()).digest()


def holds(run: Run, lease: str) -> bool:
    """Whether `lease` is the run's, or the one before it: the answer that told the newer one may have been lost."""
    presented = hash_lease(lease)
    return any(
        kept is not None and compare_digest(presented, kept) for kept in (run.lease_hash, run.previous_lease_hash)
    )


def run_of_lease(vault_id: int, number: int, lease: str, *, exclusive: bool) -> Run:
    """The run `number` of the vault, held by `lease`. Raises NotFound, LeaseLost.

    Its row stays locked until the transaction ends: shared, or exclusively for what changes the run itself, so that
    nothing is added to a run while it is being closed. Locks are taken in the order run, vault.
    """
    run = db.session.scalar(
        select(Run)
        .where(Run.vault_id == vault_id, Run.run_no == number)
        .with_for_update(read=not exclusive)
        .execution_options(populate_existing=True)
    )
    if run is None:
        raise NotFound(what=f"run {number}")
    if not holds(run, lease):
        raise LeaseLost
    return run


def require_open(run: Run) -> None:
    """Raises LeaseLost when the run was closed."""
    if run.state != OPEN:
        raise LeaseLost


def renew(run: Run, presented: str, now: datetime) -> str:
    """A new lease for the holder of `presented`, which stays valid until the next renewal."""
    lease = new_lease()
    run.previous_lease_hash = hash_lease(presented)
    run.lease_hash = hash_lease(lease)
    run.seen_at = now
    run.lease_until = now + LEASE
    return lease
