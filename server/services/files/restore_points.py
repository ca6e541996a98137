"""Restore points: of a month, a day or one computer, each with a time of its own."""
from __future__ import annotations

from bisect import bisect_right
from calendar import Calendar
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sqlalchemy import Select, func, select

from server.extensions import db
from server.models import Customer, Run, Staff
from server.models.runs import COMMITTED

MONTH_LENGTH = len("2026-11")
FIRST_YEAR, LAST_YEAR = 1971, 9000
POINTS_PER_PAGE = 50


class Point(NamedTuple):
    """A restore point; `time` is its time of day, exact enough to tell it from the others of its computer."""

    vault_id: int
    run_no: int
    finished_at: datetime
    files: int
    bytes: int
    skipped: int
    time: str = ""


class PointsPage(NamedTuple):
    """One page of a computer's restore points, newest first."""

    rows: list[Point]
    total: int
    page: int
    pages: int


@dataclass(frozen=True)
class Day:
    """A day of the calendar; `inside` is False for the days of the neighbouring months that fill its weeks."""

    date: date
    inside: bool
    points: int


@dataclass(frozen=True)
class Month:
    """One page of the calendar: its weeks from Monday on, and the nearest earlier and later month with points.

    `chosen` is the day whose restore points are listed in `points`, newest first.
    """

    first: date
    weeks: tuple[tuple[Day, ...], ...]
    earlier: date | None
    later: date | None
    chosen: date
    points: tuple[Point, ...]


class Times:
    """When each snapshot of a vault was made, which ones lie within a span of runs, and the `roots` of their trees."""

    def __init__(self, vault_id: int) -> None:
        """Reads them in one query."""
        rows = db.session.execute(
            select(Run.run_no, Run.finished_at, Run.root_node).where(Run.vault_id == vault_id, Run.state == COMMITTED)
            .order_by(Run.run_no)).all()
        self._numbers = [row.run_no for row in rows]
        self._moments = {row.run_no: row.finished_at for row in rows}
        self.roots = {row.root_node for row in rows}

    @property
    def newest(self) -> int:
        """The last snapshot's number; 0 for none."""
        return self._numbers[-1] if self._numbers else 0

    def of(self, run_no: int) -> datetime:
        """When that snapshot was made."""
        moment: datetime = self._moments[run_no]
        return moment

    def within(self, first: int, last: int) -> list[int]:
        """The snapshots from run `first` to run `last`, oldest first."""
        return self._numbers[bisect_right(self._numbers, first - 1) : bisect_right(self._numbers, last)]


def zone_of(reader: Customer | Staff | None) -> tzinfo:
    """The zone in which a customer or a member of staff reads times; UTC when none is known."""
    try:
        return ZoneInfo(reader.time_zone) if reader is not None and reader.time_zone else UTC
    except (ZoneInfoNotFoundError, ValueError):
        return UTC


def month_of(vaults: Sequence[int], zone: tzinfo, asked: str) -> Month | None:
    """The month of `asked`, a month (2026-11) or a day (2026-11-22), with that day chosen; None without any points.

    Anything else, or a month without restore points, gives the newest month. Without a day, the newest of the month is
    chosen.
    """
    wanted = _read_date(asked if len(asked) > MONTH_LENGTH else f"{asked}-01")
    points = _points_of_month(vaults, wanted, zone) if wanted else []
    if not points:
        wanted, newest = None, _moment(vaults, func.max(Run.finished_at))
        if newest is None:
            return None
        points = _points_of_month(vaults, newest.astimezone(zone).date(), zone)
    by_day: dict[date, list[Point]] = {}
    for point in points:
        by_day.setdefault(point.finished_at.astimezone(zone).date(), []).append(point)
    first = min(by_day).replace(day=1)
    chosen = wanted if wanted in by_day and len(asked) > MONTH_LENGTH else max(by_day)
    start, end = _bounds(first, zone)
    return Month(
        first=first,
        weeks=tuple(
            tuple(Day(day, day.month == first.month, len(by_day.get(day, ()))) for day in week)
            for week in Calendar().monthdatescalendar(first.year, first.month)
        ),
        earlier=_month(_moment(vaults, func.max(Run.finished_at), Run.finished_at < start), zone),
        later=_month(_moment(vaults, func.min(Run.finished_at), Run.finished_at >= end), zone),
        chosen=chosen,
        points=tuple(with_times(by_day[chosen], zone)),
    )


def page_of_points(vault_id: int, zone: tzinfo, page: int, within: Sequence[int] | None = None) -> PointsPage:
    """A computer's restore points, or only those of the runs `within`; the nearest page when there is no such one."""
    query = _points([vault_id])
    if within is not None:
        total = len(within)
    else:
        total = db.session.scalar(select(func.count()).where(Run.vault_id == vault_id, Run.state == COMMITTED)) or 0
    pages = max(1, -(-total // POINTS_PER_PAGE))
    page = min(max(page, 1), pages)
    if within is not None:
        shown = sorted(within, reverse=True)[(page - 1) * POINTS_PER_PAGE : page * POINTS_PER_PAGE]
        query = query.where(Run.run_no.in_(shown))
    else:
        query = query.limit(POINTS_PER_PAGE).offset((page - 1) * POINTS_PER_PAGE)
    rows = db.session.execute(query.order_by(Run.run_no.desc()))
    return PointsPage(with_times([Point(*row) for row in rows], zone), total, page, pages)


def with_times(points: Iterable[Point], zone: tzinfo) -> list[Point]:
    """The points with their times of day: to the minute where that tells them apart, else to the second."""
    points = list(points)
    local = [point.finished_at.astimezone(zone) for point in points]
    minutes = Counter((point.vault_id, f"{moment:%F %H:%M}") for point, moment in zip(points, local, strict=True))
    seconds = Counter((point.vault_id, f"{moment:%F %T}") for point, moment in zip(points, local, strict=True))
    named = []
    for point, moment in zip(points, local, strict=True):
        if minutes[point.vault_id, f"{moment:%F %H:%M}"] == 1:
            time = f"{moment:%H:%M}"
        elif seconds[point.vault_id, f"{moment:%F %T}"] == 1:
            time = f"{moment:%T}"
        else:
            time = f"{moment:%T} (no. {point.run_no})"
        named.append(point._replace(time=time))
    return named


def _points(vaults: Sequence[int]) -> Select[*tuple[Any, ...]]:
    columns = Run.__table__.columns
    return select(*(columns[name] for name in Point._fields[:-1])).where(
        Run.vault_id.in_(vaults), Run.state == COMMITTED)


def _points_of_month(vaults: Sequence[int], day: date, zone: tzinfo) -> list[Point]:
    start, end = _bounds(day.replace(day=1), zone)
    rows = db.session.execute(
        _points(vaults).where(Run.finished_at >= start, Run.finished_at < end)
        .order_by(Run.finished_at.desc(), Run.run_no.desc()))
    return [Point(*row) for row in rows]


def _bounds(first: date, zone: tzinfo) -> tuple[datetime, datetime]:
    """When the month that begins on `first` begins and ends in `zone`."""
    following = (first + timedelta(days=31)).replace(day=1)
    return (datetime(first.year, first.month, 1, tzinfo=zone).astimezone(UTC),
            datetime(following.year, following.month, 1, tzinfo=zone).astimezone(UTC))


def _moment(vaults: Sequence[int], which: Any, *conditions: Any) -> datetime | None:
    found: datetime | None = db.session.scalar(
        select(which).where(Run.vault_id.in_(vaults), Run.state == COMMITTED, *conditions))
    return found


def _month(moment: datetime | None, zone: tzinfo) -> date | None:
    return moment.astimezone(zone).date().replace(day=1) if moment else None


def _read_date(text: str) -> date | None:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if FIRST_YEAR <= day.year <= LAST_YEAR else None
