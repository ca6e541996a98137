"""The audit trail: who did what."""
from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

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
    account: int | None = None,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> AuditEvent:
    """Add a deed to the running transaction; the caller commits it together with the deed itself.

    `actor` is a person's or computer's name, `action` a verb phrase ("enrolled a computer"), `what` its object.
    `customer` and `account` are the ids of those whom it touched: the customer's owner reads of it, and that account.
    `before` and `after` are the values that changed, by field.
    """
    event = AuditEvent(
        at=now,
        actor=actor[:NAME_LENGTH],
        action=action,
        object=what[:NAME_LENGTH],
        detail=detail[:DETAIL_LENGTH],
        address=address[:ADDRESS_LENGTH],
        customer_id=customer,
        account_id=account,
        before=_written(before),
        after=_written(after),
    )
    db.session.add(event)
    return event


def _written(values: Mapping[str, Any] | None) -> str:
    """Values as JSON, sorted by field; dates and decimals as their texts. Nothing is the empty text."""
    return json.dumps(values, default=str, ensure_ascii=False, sort_keys=True) if values else ""


def values_of(written: str) -> dict[str, Any]:
    """The values that record() was given as `before` or `after`; dates and decimals stay texts."""
    return dict(json.loads(written)) if written else {}
