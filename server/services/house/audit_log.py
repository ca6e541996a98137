"""The audit trail as administrators read it: filtered, paged, and as a file."""
from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from typing import NamedTuple

from sqlalchemy import Select, false, func, select

from server.extensions import db
from server.models import AuditEvent, Customer
from server.services.house import audit
from server.services.people.ownership import LABEL

ROWS_PER_PAGE = 50
BLOCK = 1000
HEADINGS = ("Time (UTC)", "Who", "Deed", "Object", "Customer", "Details", "Before", "After", "Address")


@dataclass(frozen=True)
class Wanted:
    """What to list: who (part of the name), the deed's words (part), a customer number, days in the reader's zone.

    `before` is the id of the last line of the page before this one; 0 begins with the newest.
    """

    actor: str = ""
    action: str = ""
    customer: str = ""
    first: date | None = None
    last: date | None = None
    before: int = 0

    @property
    def is_filtered(self) -> bool:
        """Whether some deeds may be left out."""
        return bool(self.actor or self.action or self.customer or self.first or self.last)


class Line(NamedTuple):
    """One deed with the customer whom it touched, and its changes: field, what it was, what it became."""

    event: AuditEvent
    customer: Customer | None
    changes: Sequence[tuple[str, object, object]]


class LogPage(NamedTuple):
    """One page; `older` is what to ask the next one with, 0 on the last."""

    rows: Sequence[Line]
    older: int


def read_page(wanted: Wanted, zone: tzinfo) -> LogPage:
    """The newest deeds that are wanted. Pages are told apart by ids, so that none is slower than the first."""
    asked = _select(wanted, zone)
    if wanted.before:
        asked = asked.where(AuditEvent.id < wanted.before)
    rows = [_line(event, customer) for event, customer in db.session.execute(asked.limit(ROWS_PER_PAGE + 1)).all()]
    more = len(rows) > ROWS_PER_PAGE
    return LogPage(rows[:ROWS_PER_PAGE], rows[ROWS_PER_PAGE - 1].event.id if more else 0)


def cells_of_all(wanted: Wanted, zone: tzinfo) -> Iterator[tuple[object, ...]]:
    """Every wanted deed, newest first, in the order of HEADINGS; read block by block."""
    before = 0
    while True:
        asked = _select(wanted, zone)
        if before:
            asked = asked.where(AuditEvent.id < before)
        rows = db.session.execute(asked.limit(BLOCK)).all()
        for event, customer in rows:
            yield (f"{event.at:%Y-%m-%d %H:%M:%S}", event.actor, event.action, event.object,
                   customer.label if customer else "", event.detail, event.before, event.after, event.address)
        if len(rows) < BLOCK:
            return
        before = rows[-1][0].id
        db.session.expunge_all()


def _select(wanted: Wanted, zone: tzinfo) -> Select[AuditEvent, Customer]:
    asked = (select(AuditEvent, Customer).outerjoin(Customer, Customer.id == AuditEvent.customer_id)
             .order_by(AuditEvent.id.desc()))
    if wanted.actor:
        asked = asked.where(func.lower(AuditEvent.actor).contains(wanted.actor.lower(), autoescape=True))
    if wanted.action:
        asked = asked.where(func.lower(AuditEvent.action).contains(wanted.action.lower(), autoescape=True))
    if wanted.customer:
        number = LABEL.fullmatch(f"C-{wanted.customer.upper().removeprefix('C-'):0>6}")
        asked = asked.where(Customer.number == int(number[1]) if number else false())
    if wanted.first:
        asked = asked.where(AuditEvent.at >= datetime.combine(wanted.first, time(), zone))
    if wanted.last:
        asked = asked.where(AuditEvent.at < datetime.combine(wanted.last + timedelta(days=1), time(), zone))
    return asked


def _line(event: AuditEvent, customer: Customer | None) -> Line:
    was, became = audit.values_of(event.before), audit.values_of(event.after)
    return Line(event, customer, [
        (name.replace("_", " "), was.get(name), became.get(name)) for name in sorted({*was, *became})])
