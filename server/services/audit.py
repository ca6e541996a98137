"""The audit trail: who did what."""
from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime

from server.extensions import db
from server.models import AuditEvent

ADDRESS_LENGTH = 64
NAME_LENGTH = 255
DETAIL_LENGTH = 2000


def record(
    actor: str,
    action: str,
    what: str = "",
    *,
    detail: str = "",
    address: str = "",
    now: datetime,
    customer: int | None = None,
    before: Mapping[str, object] | None = None,
    after: Mapping[str, object] | None = None,
) -> AuditEvent:
    """Add a deed to the running transaction; the caller commits it together with the deed itself.

    `actor` is a person's or computer's name, `action` a verb phrase ("enrolled a computer"), `what` its object,
    `customer` the id of the customer whom it touched. `before` and `after` hold the values that changed, by name.
    """
    event = AuditEvent(
        at=now,
        actor=actor[:NAME_LENGTH],
        action=action,
        object=what[:NAME_LENGTH],
        detail=detail[:DETAIL_LENGTH],
        address=address[:ADDRESS_LENGTH],
        customer_id=customer,
        before=_as_json(before),
        after=_as_json(after),
    )
    db.session.add(event)
    return event


def _as_json(values: Mapping[str, object] | None) -> str:
    return json.dumps(values, ensure_ascii=False, default=str) if values else ""
