"""One computer with all that staff may know of it: its state and why, its last runs, its space, its activity."""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, or_, select

from server.extensions import db
from server.models import AuditEvent, Computer, Run, Staff, Vault
from server.models.runs import OPEN
from server.services.fleet import health, results
from server.services.fleet.computer_changes import RENAMED
from server.services.fleet.computers import Listing, whole_computers
from server.services.fleet.health import Health
from server.services.fleet.results import DayResult
from server.services.house import audit
from server.services.people.ownership import sentence_for
from server.services.selling.stored import used_bytes

EVENTS_PER_PAGE = 50


@dataclass(frozen=True)
class Summary:
    """A computer as its page shows it. Bytes: `stored` by itself, `used` by all of its subscription."""

    computer: Computer
    health: Health
    stored: int
    used: int
    storage: str
    last_run: Run | None
    last_commit: Run | None
    strip: Sequence[DayResult]

    @property
    def running(self) -> Run | None:
        """The run that is open, if any."""
        return self.last_run if self.last_run is not None and self.last_run.state == OPEN else None


def head_of(computer: Computer, now: datetime) -> Health:
    """What stands above each tab: the computer's state, with its account, customer and plan loaded beside it."""
    query = whole_computers(health.state_at(now)).where(Computer.id == computer.id)
    found, state = db.session.execute(query.execution_options(populate_existing=True)).one()
    return health.describe(found, state, now)


def summarise(person: Staff, computer: Computer, now: datetime) -> Summary:
    """All that the first tab shows to `person`."""
    query = whole_computers(health.state_at(now)).where(Computer.id == computer.id)
    found, state = db.session.execute(query.execution_options(populate_existing=True)).one()
    vault = db.session.get_one(Vault, found.vault_id)
    runs = {run.run_no: run for run in db.session.scalars(select(Run).where(
        Run.vault_id == vault.id, or_(Run.run_no == vault.last_run_no, Run.run_no == vault.last_commit_run)))}
    last = runs.get(vault.last_run_no)
    return Summary(
        computer=found,
        health=health.describe(found, state, now, sentence_for(person, last.code, last.sentence) if last else ""),
        stored=vault.stored_bytes,
        used=used_bytes(found.subscription_id),
        storage=vault.storage.name,
        last_run=last,
        last_commit=runs.get(vault.last_commit_run or 0),
        strip=results.strips([vault.id], now)[vault.id],
    )


def activity_of(computer: Computer, page: int) -> Listing:
    """What people and the portal did to the computer under all of its names, newest first."""
    mine: Any = (
        AuditEvent.customer_id == computer.customer_id,
        or_(AuditEvent.object == computer.name, AuditEvent.detail.contains(computer.id, autoescape=True),
            *_under_earlier_names(computer)),
    )
    total = int(db.session.scalar(select(func.count()).select_from(AuditEvent).where(*mine)) or 0)
    pages = max(1, -(-total // EVENTS_PER_PAGE))
    shown = min(max(page, 1), pages)
    query: Select[Any] = select(AuditEvent).where(*mine).order_by(AuditEvent.id.desc())
    events = db.session.scalars(query.limit(EVENTS_PER_PAGE).offset((shown - 1) * EVENTS_PER_PAGE)).all()
    return Listing(events, shown, pages, total)


def _under_earlier_names(computer: Computer) -> list[ColumnElement[bool]]:
    """For each name that the computer had: events about that name, until it was renamed."""
    renamed = db.session.execute(select(AuditEvent.id, AuditEvent.before).where(
        AuditEvent.customer_id == computer.customer_id, AuditEvent.action == RENAMED, AuditEvent.detail == computer.id))
    return [and_(AuditEvent.object == audit.values_of(before)["name"], AuditEvent.id < number)
            for number, before in renamed]
