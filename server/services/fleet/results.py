"""What became of runs, day by day: of one computer as a strip, of all of them as bars. Days are those of UTC."""
from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Date, Select, String, and_, bindparam, case, cast, func, select

from server.extensions import db
from server.models import CustomerDay, FleetDay, Run, Staff
from server.models.base import Moment
from server.models.runs import COMMITTED
from server.services.fleet.health import result_of
from server.services.people.ownership import ADMINISTRATOR, AnyOf, serves

DAYS = 30
RANKED = (
    ("cancelled", 0), ("refused", 0), (COMMITTED, 0), (COMMITTED, 1), ("abandoned", 0), ("failed", 0), ("full", 0),
)
"""State, and whether files were skipped; the last one of a day that holds is what the day is told by."""


def _is(state: str, skipped: int) -> ColumnElement[bool]:
    if state != COMMITTED:
        return Run.state == state
    return and_(Run.state == state, Run.skipped > 0 if skipped else Run.skipped == 0)


_RANK = case(*((_is(state, skipped), place) for place, (state, skipped) in enumerate(RANKED, 1)), else_=0)
_DAY = func.date(Run.finished_at)
_DAYS = select(Run.vault_id, (cast(_DAY, String) + "=" + cast(func.max(_RANK), String)).label("told")).where(
    Run.vault_id.in_(bindparam("vaults", expanding=True)), Run.finished_at >= bindparam("since", type_=Moment()),
).group_by(Run.vault_id, _DAY).subquery()
_WORST = select(_DAYS.c.vault_id, func.group_concat(_DAYS.c.told)).group_by(_DAYS.c.vault_id)
"""The worst rank of each day of a vault, as 2026-11-22=3,2026-11-23=6: a row for each day takes longer to read."""


class DayResult(NamedTuple):
    """What a computer's day is told by: a run's result in words, "" when nothing ran."""

    date: date
    word: str


class DayCount(NamedTuple):
    """How many runs ended on a day in which way, and what they stored."""

    day: date
    completed: int = 0
    warnings: int = 0
    failed: int = 0
    other: int = 0
    stored: int = 0


def strips(vaults: Sequence[int], now: datetime) -> dict[int, list[DayResult]]:
    """The last 30 days of each vault, the oldest day first."""
    words: dict[tuple[int, date], str] = {}
    if vaults:
        for vault_id, told in db.session.execute(_WORST, {"vaults": list(vaults), "since": _since(now)}):
            for day, worst in (one.split("=") for one in told.split(",")):
                if int(worst):
                    words[vault_id, date.fromisoformat(day)] = result_of(*RANKED[int(worst) - 1])
    month = days(now)
    return {vault: [DayResult(day, words.get((vault, day), "")) for day in month] for vault in vaults}


def fleet(person: Staff, now: datetime) -> list[DayCount]:
    """The last 30 days of all computers that `person` serves, the oldest day first."""
    month = days(now)
    rows = db.session.execute(_counts(person.role), {"first": month[0], "person": person.id})
    found = {row[0]: DayCount(row[0], *map(int, row[1:])) for row in rows}
    return [found.get(day, DayCount(day)) for day in month]


@cache
def _counts(role: str) -> Select[Any]:
    """The counts of each day for staff of that role: kept ones of all customers, or the sums of those they serve."""
    first = bindparam("first", type_=Date())
    names = DayCount._fields[1:]
    if role == ADMINISTRATOR:
        return select(FleetDay.day, *(getattr(FleetDay, name) for name in names)).where(FleetDay.day >= first)
    return select(CustomerDay.day, *(func.sum(getattr(CustomerDay, name)) for name in names)).where(
        CustomerDay.day >= first, serves(AnyOf(role), CustomerDay.customer_id)).group_by(CustomerDay.day)


def days(now: datetime) -> list[date]:
    """The last 30 days, the oldest first."""
    today = now.astimezone(UTC).date()
    return [today - timedelta(days=back) for back in reversed(range(DAYS))]


def _since(now: datetime) -> datetime:
    return datetime.combine(days(now)[0], time(), UTC)
