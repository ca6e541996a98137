"""Numbers, sizes and times in the words of the pages."""
from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import lru_cache
from typing import Any

UNITS = ("kB", "MB", "GB", "TB", "PB", "EB")
STEPS = ((timedelta(days=1), "day"), (timedelta(hours=1), "hour"), (timedelta(minutes=1), "minute"))


def size(number: int) -> str:
    """Bytes in the words of the pages: 512 bytes, 3.2 GB."""
    if number < 1000:
        return count(number, "byte")
    value = float(number)
    for unit in UNITS:
        value /= 1000
        if value < 999.5 or unit == UNITS[-1]:
            break
    return f"{value:.1f} {unit}" if value < 9.95 else f"{value:.0f} {unit}"


def count(number: int, word: str, several: str = "") -> str:
    """A number with its noun: 1 file, 2,148 files; `several` for those that do not just add an s."""
    return f"{number:,} {word}" if number == 1 else f"{number:,} {several or f'{word}s'}"


def percent(part: float, whole: float) -> int:
    """How many hundredths of `whole` are `part`; 100 is said only when it is reached, 0 only for nothing."""
    if whole <= 0:
        return 100 if part > 0 else 0
    share = part * 100 / whole
    if 0 < share < 1:
        return 1
    return 99 if 99 < share < 100 else round(share)


def day(moment_: datetime, zone: tzinfo, now: datetime) -> str:
    """Today, yesterday, or the date; the year is named when it is another one."""
    date_, today = moment_.astimezone(zone).date(), now.astimezone(zone).date()
    if date_ == today:
        return "today"
    if date_ == today - timedelta(days=1):
        return "yesterday"
    return f"{date_.day} {date_:%b}" if date_.year == today.year else f"{date_.day} {date_:%b %Y}"


def moment(moment_: datetime, zone: tzinfo, now: datetime) -> str:
    """A day and its time: today at 09:14, 3 Nov at 18:00, 31 Dec 2025 at 07:30."""
    return f"{day(moment_, zone, now)} at {moment_.astimezone(zone):%H:%M}"


@lru_cache(maxsize=512)  # a page with charts tells the same thirty days some hundred times
def full_date(day_: date) -> str:
    """A date that stands for itself: 31 March 2027."""
    return f"{day_.day} {day_:%B %Y}"


def ago(moment_: datetime, now: datetime) -> str:
    """How long since: just now, 12 minutes ago, 4 days ago. Of a time to come: in 3 hours."""
    gone = now - moment_
    words = duration(abs(gone))
    if not words:
        return "just now"
    return f"{words} ago" if gone > timedelta(0) else f"in {words}"


def duration(length: timedelta) -> str:
    """The largest unit that fits: 4 days, 3 hours, 12 minutes; "" below a minute."""
    for step, word in STEPS:
        if length >= step:
            return count(length // step, word)
    return ""


def took(seconds: float) -> str:
    """How long a piece of work took: 8 s, 4 min 12 s, 2 h 5 min."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def days_left(until: date, now: datetime) -> str:
    """The days to a date that still belongs to them: 129 days left, 1 day left, last day, ended 3 days ago."""
    days = (until - now.astimezone(UTC).date()).days
    if days == 0:
        return "last day"
    return f"{count(days, 'day')} left" if days > 0 else f"ended {count(-days, 'day')} ago"


FILTERS: dict[str, Callable[..., Any]] = {
    word.__name__: word
    for word in (size, count, percent, day, moment, full_date, ago, duration, took, days_left)
}
"""The words as filters of the templates, by their names."""
