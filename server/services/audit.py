"""The audit trail: who did what."""
from __future__ import annotations

from datetime import datetime

from server.extensions import db
from server.models import AuditEvent

ADDRESS_LENGTH = 64
NAME_LENGTH = 255
DETAIL_LENGTH = 2000


def record(
    actor: str, action: str, what: str = "", *, detail: str = "", address: str = "", now: datetime
) -> AuditEvent:
    """Add a deed to the running transaction; the caller commits it together with the deed itself.

    `actor` is a person's or computer's name, `action` a verb phrase ("enrolled a computer"), `what` its object.
    """
    event = AuditEvent(
        at=now,
        actor=actor[:NAME_LENGTH],
        action=action,
        object=what[:NAME_LENGTH],
        detail=detail[:DETAIL_LENGTH],
        address=address[:ADDRESS_LENGTH],
    )
    db.session.add(event)
    return event
