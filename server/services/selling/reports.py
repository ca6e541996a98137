"""The reseller's reports: the rows of each, in SQL order, page by page, for pages and for CSV files alike."""
from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import case, func, select
from sqlalchemy.orm import joinedload

from protocol.errors import NotFound
from server.extensions import db
from server.models import Computer, Customer, Run, Subscription
from server.services.fleet import health
from server.services.fleet.health import RETIRED, WORST_FIRST
from server.services.house import audit
from server.services.house.spreadsheets import csv_file
from server.services.selling import forecast, stages
from server.words import percent

BATCH = 500
FAILURES = ("failed", "full", "abandoned")
PERIODS = (7, 30, 90)
COUNTED = tuple(word for word in WORST_FIRST if word != RETIRED)
Rows = Sequence[Sequence[Any]]


@dataclass(frozen=True)
class Column:
    """A column: its heading and the kind of its values.

    Kinds are customer (the customer), plan (the subscription), computer (its id and name), run (id, number, moment),
    state, states (pairs of a state and a number), text, number, size, percent, day (a date), moment, forecast. Each
    may be None.
    """

    label: str
    kind: str = "text"


@dataclass(frozen=True)
class Report:
    """One report: what it is for, its columns, and what gives rows `offset` to `offset + limit` of it."""

    key: str
    title: str
    purpose: str
    icon: str
    nothing: str
    columns: tuple[Column, ...]
    rows: Callable[[datetime, int, int, int], Rows]
    periods: tuple[int, ...] = ()


@dataclass(frozen=True)
class ReportPage:
    """A page of a report; `more` says that another one follows."""

    rows: Rows
    page: int
    more: bool


def find_report(key: str) -> Report:
    """The report of this name. Raises NotFound."""
    for report in REPORTS:
        if report.key == key:
            return report
    raise NotFound(what="such report")


def page_of_report(report: Report, now: datetime, page: int, length: int, days: int) -> ReportPage:
    """One page; `days` is the period of reports that have one."""
    page = min(max(page, 1), 100_000)
    rows = report.rows(now, length + 1, (page - 1) * length, days)
    return ReportPage(rows[:length], page, len(rows) > length)


def note_export(report: Report, now: datetime, *, actor: str, address: str = "") -> None:
    """Note in the audit trail that a report left the portal."""
    audit.record(actor, "downloaded a report", report.title, address=address, now=now)
    db.session.commit()


def csv_of_report(report: Report, now: datetime, days: int) -> Iterator[bytes]:
    """The whole report as a CSV file, batch by batch; no transaction stays open while it is being sent."""
    return csv_file(_headings(report), _lines(report, now, days))


def _lines(report: Report, now: datetime, days: int) -> Iterator[list[object]]:
    offset = 0
    while True:
        rows = report.rows(now, BATCH, offset, days)
        lines = [[cell for column, value in zip(report.columns, row, strict=True) for cell in _cells(column, value)]
                 for row in rows]
        db.session.commit()
        yield from lines
        if len(rows) < BATCH:
            return
        offset += BATCH


def _headings(report: Report) -> list[str]:
    more = {"customer": ["Customer number", "Customer"], "run": ["Run", "Began (UTC)"], "states": list(COUNTED)}
    words = {"size": " (bytes)", "percent": " (%)", "moment": " (UTC)"}
    return [heading for column in report.columns
            for heading in more.get(column.kind, [column.label + words.get(column.kind, "")])]


def _cells(column: Column, value: Any) -> list[object]:
    if column.kind == "customer":
        return [value.label, value.name]
    if column.kind == "run":
        return [value[1], f"{value[2].astimezone(UTC):%Y-%m-%d %H:%M:%S}"]
    if value is None:
        return [None]
    if column.kind == "states":
        return [number for _, number in value]
    if column.kind == "plan":
        return [value.plan.name]
    if column.kind == "computer":
        return [value[1]]
    if column.kind == "forecast":
        return [value.full_on.isoformat()]
    if column.kind == "moment":
        return [f"{value.astimezone(UTC):%Y-%m-%d %H:%M:%S}"]
    if column.kind == "state":
        return [f"{value[:1].upper()}{value[1:]}"]
    return [value.isoformat() if isinstance(value, date) else value]


def _whole(numbers: Sequence[int]) -> list[Subscription]:
    """Subscriptions with all that a row needs, in this order; sorting them so wide would cost the database much."""
    found = db.session.scalars(select(Subscription).where(Subscription.id.in_(numbers)).options(
        joinedload(Subscription.customer).joinedload(Customer.implementor), joinedload(Subscription.plan)))
    by_id = {one.id: one for one in found}
    return [by_id[number] for number in numbers if number in by_id]


def _expiring(now: datetime, limit: int, offset: int, days: int) -> Rows:
    numbers = db.session.scalars(
        select(Subscription.id).where(stages.ends_soon(now)).order_by(Subscription.valid_until, Subscription.id)
        .limit(limit).offset(offset)).all()
    return [
        (one.customer, one, one.stage(now), one.valid_until, (one.valid_until - now.date()).days, one.grace_until,
         one.customer.email, one.customer.implementor.name if one.customer.implementor else None)
        for one in _whole(numbers)
    ]


def _protection(now: datetime, limit: int, offset: int, days: int) -> Rows:
    rank = health.rank_at(now).label("rank")
    wanted: tuple[Any, ...] = (Computer.customer_id, rank, func.count().label("number"),
                               func.max(Computer.last_commit_at).label("newest"))
    computers = select(*wanted).where(Computer.state != health.GONE).group_by(
        Computer.customer_id, "rank").subquery()  # each state is worked out once, then only counted
    by_customer = select(
        computers.c.customer_id, func.min(computers.c.rank).label("place"),
        func.max(computers.c.newest).label("newest"),
        *(func.sum(case((computers.c.rank == WORST_FIRST.index(word), computers.c.number), else_=0)).label(word)
          for word in COUNTED),
    ).group_by(computers.c.customer_id).subquery()
    columns = [by_customer.c[word] for word in COUNTED]
    place = func.coalesce(by_customer.c.place, len(WORST_FIRST))
    page = select(Customer.id, by_customer.c.place, by_customer.c.newest, *columns).outerjoin(
        by_customer, by_customer.c.customer_id == Customer.id).order_by(place, Customer.number).limit(limit).offset(
        offset).subquery()
    rows = db.session.execute(
        select(Customer, *list(page.c)[1:]).join(page, page.c.id == Customer.id)
        .order_by(func.coalesce(page.c.place, len(WORST_FIRST)), Customer.number))
    found = []
    for customer, worst, newest, *sums in rows:
        counts = [int(one or 0) for one in sums]
        word = None if worst is None else WORST_FIRST[worst]
        found.append((customer, word, sum(counts), tuple(zip(COUNTED, counts, strict=True)), newest))
    return found


def _quota(now: datetime, limit: int, offset: int, days: int) -> Rows:
    fullest = (Subscription.stored_bytes * 1.0 / Subscription.quota).desc()
    found = _whole(db.session.scalars(
        select(Subscription.id).order_by(fullest, Subscription.id).limit(limit).offset(offset)).all())
    foretold = forecast.of_subscriptions(found, {one.id: one.stored_bytes for one in found}, now)
    return [(one.customer, one, one.stage(now), one.quota, one.stored_bytes, max(one.quota - one.stored_bytes, 0),
             percent(one.stored_bytes, one.quota), foretold[one.id]) for one in found]


def _failed_runs(now: datetime, limit: int, offset: int, days: int) -> Rows:
    newest = (
        select(Run.vault_id, Run.run_no).where(Run.opened_at >= now - timedelta(days=days), Run.state.in_(FAILURES))
        .order_by(Run.opened_at.desc(), Run.vault_id).limit(limit).offset(offset).subquery())
    rows = db.session.execute(
        select(Run.run_no, Run.state, Run.opened_at, Run.automatic, Run.code, Run.sentence, Computer.id,
               Computer.name, Customer)
        .join(newest, (newest.c.vault_id == Run.vault_id) & (newest.c.run_no == Run.run_no))
        .join(Computer, Computer.vault_id == Run.vault_id).join(Customer, Customer.id == Computer.customer_id)
        .order_by(Run.opened_at.desc(), Run.vault_id))
    return [(customer, (computer, name), (computer, number, began), health.result_of(state, 0),
             "automatic" if automatic else "manual", code, sentence)
            for number, state, began, automatic, code, sentence, computer, name, customer in rows]


REPORTS = (
    Report("expiring", "Subscriptions expiring", "What ends in the next 60 days, and what is in its days of grace.",
           "calendar-x", "No subscription ends in the next 60 days.",
           (Column("Customer", "customer"), Column("Plan", "plan"), Column("Stage", "state"), Column("Last day", "day"),
            Column("Days left", "number"), Column("With grace", "day"), Column("E-mail"), Column("Implementor")),
           _expiring),
    Report("protection", "Protection per customer", "How many computers of each customer are in which state.",
           "shield-check", "No customers yet.",
           (Column("Customer", "customer"), Column("Worst", "state"), Column("Computers", "number"),
            Column("States", "states"), Column("Newest backup", "moment")),
           _protection),
    Report("quota", "Quota", "How much of each quota is used, the fullest first, and when it is full.",
           "database-fill-x", "No subscriptions yet.",
           (Column("Customer", "customer"), Column("Plan", "plan"), Column("Stage", "state"), Column("Quota", "size"),
            Column("Used", "size"), Column("Free", "size"), Column("Used", "percent"), Column("Full on", "forecast")),
           _quota),
    Report("failed_runs", "Failed runs", "Backups that failed, found no space or were interrupted, the newest first.",
           "x-octagon-fill", "No backup failed in this time.",
           (Column("Customer", "customer"), Column("Computer", "computer"), Column("Run", "run"),
            Column("Result", "state"), Column("Kind"), Column("Code"), Column("Reason")),
           _failed_runs, PERIODS),
)
"""All reports, in the order in which the page lists them."""
