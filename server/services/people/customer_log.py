"""One customer's log: what people did for it and what its computers did, in the order of time."""
from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import func, null, select, union_all

from server.extensions import db
from server.models import AuditEvent, Computer, Customer, Run
from server.services.backup.run_list import load_runs
from server.services.fleet.health import result_of
from server.services.house import audit
from server.words import count, size

ROWS_PER_PAGE = 50
DOWNLOADS = "downloaded"
"""Deeds whose details are names of files begin with this."""


class Line(NamedTuple):
    """One line: when, who, what was done, to what, and more of it; a run's line has its computer and number.

    `changes` are values that changed: the field's name, what it was, and what it became.
    """

    at: datetime
    actor: str
    action: str
    what: str
    detail: str
    run: tuple[str, int] | None = None
    changes: Sequence[tuple[str, object, object]] = ()


class LogPage(NamedTuple):
    """One page of the log, newest first."""

    rows: Sequence[Line]
    page: int
    pages: int


def read_log(customer: Customer, page: int, *, names: bool) -> LogPage:
    """That page of the log, the nearest one when there is no such page; without names of files unless `names`."""
    vaults = {one.vault_id: one for one in db.session.scalars(
        select(Computer).where(Computer.customer_id == customer.id))}
    deeds = select(AuditEvent.at.label("at"), AuditEvent.id.label("id"), null().label("vault_id")).where(
        AuditEvent.customer_id == customer.id)
    runs = select(Run.opened_at, Run.run_no, Run.vault_id).where(Run.vault_id.in_(vaults))
    both = union_all(deeds, runs).subquery()
    total = db.session.scalar(select(func.count()).select_from(both)) or 0
    pages = max(1, -(-total // ROWS_PER_PAGE))
    page = min(max(page, 1), pages)
    keys = db.session.execute(
        select(both.c.id, both.c.vault_id).order_by(both.c.at.desc(), both.c.id.desc())
        .limit(ROWS_PER_PAGE).offset((page - 1) * ROWS_PER_PAGE)).all()
    events = {event.id: event for event in db.session.scalars(
        select(AuditEvent).where(AuditEvent.id.in_([number for number, vault in keys if vault is None])))}
    ran = load_runs((vault, number) for number, vault in keys if vault is not None)
    rows = [_deed(events[number], customer, names) if vault is None else _run(ran[vault, number], vaults[vault], names)
            for number, vault in keys]
    return LogPage(rows, page, pages)


def _deed(event: AuditEvent, customer: Customer, names: bool) -> Line:
    hidden = not names and event.action.startswith(DOWNLOADS)
    before, after = audit.values_of(event.before), audit.values_of(event.after)
    changes = [(name.replace("_", " "), before.get(name), after.get(name)) for name in sorted({*before, *after})]
    detail = "" if hidden or (before and after) else event.detail
    what = "" if event.object == customer.label else event.object
    return Line(event.at, event.actor, event.action, what, "" if detail == customer.label else detail,
                changes=changes)


def _run(run: Run, computer: Computer, names: bool) -> Line:
    what = f"{count(run.files, 'file')}, {size(run.bytes)}" if run.files else ""
    return Line(run.opened_at, computer.name, result_of(run.state, run.skipped),
                "automatic run" if run.automatic else "manual run", (run.sentence if names else "") or what,
                (computer.id, run.run_no))
