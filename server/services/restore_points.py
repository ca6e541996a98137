"""A computer's restore points by date: the months and days that have some, in the customer's time zone."""
from __future__ import annotations

from calendar import Calendar
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from server.models import Customer, Run, Staff

MONTH_LENGTH = len("2026-11")


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
    points: tuple[Run, ...]


def zone_of(reader: Customer | Staff | None) -> tzinfo:
    """The zone in which a customer or a member of staff reads times; UTC when none is known."""
    try:
        return ZoneInfo(reader.time_zone) if reader is not None and reader.time_zone else UTC
    except (ZoneInfoNotFoundError, ValueError):
        return UTC


def month_of(points: Sequence[Run], zone: tzinfo, asked: str) -> Month:
    """The month of `asked`, a month (2026-11) or a day (2026-11-22), with that day chosen.

    Anything else, or a month without restore points, gives the newest month. Without a day, the newest of the month is
    chosen. `points` must not be empty.
    """
    by_day: dict[date, list[Run]] = {}
    for point in points:
        if point.finished_at is not None:
            by_day.setdefault(point.finished_at.astimezone(zone).date(), []).append(point)
    wanted = _read_date(asked if len(asked) > MONTH_LENGTH else f"{asked}-01")
    months = sorted({day.replace(day=1) for day in by_day})
    first = wanted.replace(day=1) if wanted else months[-1]
    if first not in months:
        first = months[-1]
    newest = max(day for day in by_day if day.replace(day=1) == first)
    chosen = wanted if wanted in by_day and len(asked) > MONTH_LENGTH else newest
    weeks = tuple(
        tuple(Day(day, day.month == first.month, len(by_day.get(day, ()))) for day in week)
        for week in Calendar().monthdatescalendar(first.year, first.month)
    )
    return Month(
        first=first,
        weeks=weeks,
        earlier=max((month for month in months if month < first), default=None),
        later=min((month for month in months if month > first), default=None),
        chosen=chosen,
        points=tuple(sorted(by_day[chosen], key=_age)),
    )


def _read_date(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _age(point: Run) -> int:
    return -point.run_no

