"""Computers as staff see them: the list with its filters, and one computer with all that is known of it."""
from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Select, select
from sqlalchemy.orm import contains_eager, joinedload

from server.models import Computer, Subscription
from server.services.health import with_states


def whole_computers(*columns: ColumnElement[Any]) -> Select[Any]:
    """Computers with customer, account, subscription and plan in one query, each with the values of `columns`."""
    return with_states(select(Computer, *columns)).options(
        contains_eager(Computer.account),
        contains_eager(Computer.subscription).joinedload(Subscription.plan),
        joinedload(Computer.customer),
    )
