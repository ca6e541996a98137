"""What became of runs, day by day: of one computer as a strip, of all of them as bars. Days are those of UTC."""
from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple

from sqlalchemy import ColumnElement, and_, case, func, select

from server.extensions import db
from server.models import Computer, Customer, FleetDay, Run, Staff
from server.models.runs import COMMITTED, OPEN
from server.services.fleet.health import result_of
from server.services.people.ownership import ADMINISTRATOR, served_by

DAYS = 30
RANKED = (
    ("cancelled", 0), ("refused", 0), (COMMITTED, 0), (COMMITTED, 1), ("abandoned", 0), ("failed", 0), ("full", 0),
)
"""State, and whether files were skipped; the last one of a day that holds is what the day is told by."""
FAILURES = ("failed", "full")


class DayResult(NamedTuple):
    """What a computer's day is told by: a run's result in words, "" when nothing ran."""

    date: date
    word: str


class DayCount(NamedTuple):
    """How many runs ended on a day in which way; `stored` bytes are counted for all computers only."""

    day: date
    completed: int = 0
    warnings: int = 0
    failed: int = 0
    other: int = 0
    stored: int = 0


def strips(vaults: Sequence[int], now: datetime) -> dict[int, list[DayResult]]:
    """The last 30 days of each vault, the oldest day first."""
    rank = case(*((_is(state, skipped), place) for place, (state, skipped) in enumerate(RANKED, 1)), else_=0)
    words: dict[tuple[int, date], str] = {}
    if vaults:
        for vault_id, day, worst in db.session.execute(
            select(Run.vault_id, func.date(Run.finished_at), func.max(rank))
            .where(Run.vault_id.in_(vaults), Run.finished_at >= _since(now))
            .group_by(Run.vault_id, func.date(Run.finished_at))
        ):
            if worst:
                words[vault_id, _as_date(day)] = result_of(*RANKED[worst - 1])
    return {vault: [DayResult(day, words.get((vault, day), "")) for day in days(now)] for vault in vaults}


def fleet(person: Staff, now: datetime) -> list[DayCount]:
    """The last 30 days of all computers that `person` serves, the oldest day first."""
    found = _counted(now) if person.role == ADMINISTRATOR else _counted_for(person, now)
    return [found.get(day, DayCount(day)) for day in days(now)]


def days(now: datetime) -> list[date]:
    """The last 30 days, the oldest first."""
    today = now.astimezone(UTC).date()
    return [today - timedelta(days=back) for back in reversed(range(DAYS))]


def _counted(now: datetime) -> dict[date, DayCount]:
    rows = db.session.execute(
        select(FleetDay.day, FleetDay.completed, FleetDay.warnings, FleetDay.failed, FleetDay.other, FleetDay.stored)
        .where(FleetDay.day >= days(now)[0]))
    return {row.day: DayCount(*row) for row in rows}


def _counted_for(person: Staff, now: datetime) -> dict[date, DayCount]:
    """As the days of all are counted, from the runs of the customers that are assigned to `person`."""
    kinds = (
        and_(Run.state == COMMITTED, Run.skipped == 0), and_(Run.state == COMMITTED, Run.skipped > 0),
        Run.state.in_(FAILURES), Run.state.not_in((COMMITTED, OPEN, *FAILURES)),
    )
    rows = db.session.execute(
        select(func.date(Run.finished_at), *(func.sum(case((kind, 1), else_=0)) for kind in kinds))
        .join(Computer, Computer.vault_id == Run.vault_id).join(Customer, Customer.id == Computer.customer_id)
        .where(served_by(person), Run.finished_at >= _since(now))
        .group_by(func.date(Run.finished_at)))
    return {(day := _as_date(row[0])): DayCount(day, *map(int, row[1:])) for row in rows}


def _is(state: str, skipped: int) -> ColumnElement[bool]:
    if state != COMMITTED:
        return Run.state == state
    return and_(Run.state == state, Run.skipped > 0 if skipped else Run.skipped == 0)


def _since(now: datetime) -> datetime:
    return datetime.combine(days(now)[0], time(), UTC)


def _as_date(day: date | str) -> date:
    """SQLite tells the date of a moment as a text."""
    return date.fromisoformat(day) if isinstance(day, str) else day
