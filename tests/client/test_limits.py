"""Speed limits by the time of day, as settings, words and commands spell them."""
from __future__ import annotations

from datetime import datetime, time

import pytest

from client.errors import ScheduleUnusable
from client.schedules import limits
from client.schedules.limits import SpeedLimit, rate_at
from client.store.documents import parse, render

OFFICE = SpeedLimit(500_000, time(8), time(18))
NIGHT = SpeedLimit(4_000_000, time(22), time(6))
ALWAYS = SpeedLimit(10_000_000)


@pytest.mark.parametrize(("wall", "rate"), [
    ("08:00", 500_000), ("17:59", 500_000), ("18:00", 10_000_000), ("07:59", 10_000_000), ("22:00", 4_000_000),
    ("03:00", 4_000_000), ("06:00", 10_000_000),
])
def test_the_lowest_limit_of_the_hour_holds(wall: str, rate: int) -> None:
    assert rate_at([ALWAYS, OFFICE, NIGHT], datetime.fromisoformat(f"2026-11-23 {wall}")) == rate


def test_outside_the_hours_of_all_limits_there_is_none() -> None:
    assert rate_at([OFFICE, NIGHT], datetime(2026, 11, 23, 20)) is None
    assert rate_at([], datetime(2026, 11, 23, 20)) is None


@pytest.mark.parametrize(("text", "limit", "words"), [
    ("500K@08:00-18:00", OFFICE, "500 KB/s from 08:00 to 18:00"),
    ("500 KB/s@8:00-18:00", OFFICE, "500 KB/s from 08:00 to 18:00"),
    ("4M@22:00-06:00", NIGHT, "4 MB/s from 22:00 to 06:00"),
    ("10000000", ALWAYS, "10 MB/s"),
    ("1500k", SpeedLimit(1_500_000), "1.5 MB/s"),
])
def test_limits_as_commands_and_people_spell_them(text: str, limit: SpeedLimit, words: str) -> None:
    assert limits.read_limit_words(text) == limit
    assert limits.in_words(limit) == words


@pytest.mark.parametrize("text", ["", "fast", "-5K", "5G", "9K", "500K@8", "500K@08:00-25:00", "٥٠٠K", "9" * 40])
def test_what_is_no_limit_is_refused(text: str) -> None:
    with pytest.raises(ScheduleUnusable):
        limits.read_limit_words(text)


@pytest.mark.parametrize("limit", [OFFICE, NIGHT, ALWAYS])
def test_limits_come_back_from_xml(limit: SpeedLimit) -> None:
    assert limits.read_limit(parse(render(limits.write_limit(limit)))) == limit
