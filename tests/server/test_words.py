"""Numbers, sizes and times as the pages say them."""
from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from server import words

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)


@pytest.mark.parametrize(("number", "text"), [
    (0, "0 bytes"), (1, "1 byte"), (999, "999 bytes"), (1000, "1.0 kB"), (9_949, "9.9 kB"), (9_950, "10 kB"),
    (999_499, "999 kB"), (999_500, "1.0 MB"), (3_200_000_000, "3.2 GB"), (5 * 10**21, "5000 EB"),
])
def test_sizes_count_by_thousands(number: int, text: str) -> None:
    assert words.size(number) == text


@pytest.mark.parametrize(("part", "whole", "share"), [
    (0, 10, 0), (1, 1000, 1), (799, 1000, 80), (9_999, 10_000, 99), (10, 10, 100), (12, 10, 120),
    (0, 0, 0), (5, 0, 100),
])
def test_full_is_said_only_when_it_is_and_nothing_only_of_nothing(part: int, whole: int, share: int) -> None:
    assert words.percent(part, whole) == share


@pytest.mark.parametrize(("gone", "text"), [
    (timedelta(seconds=59), "just now"), (timedelta(minutes=1), "1 minute ago"), (timedelta(minutes=119), "1 hour ago"),
    (timedelta(days=4, hours=23), "4 days ago"), (timedelta(hours=-3), "in 3 hours"),
    (timedelta(seconds=-5), "just now"),
])
def test_a_distance_in_time_is_told_in_its_largest_unit(gone: timedelta, text: str) -> None:
    assert words.ago(NOW - gone, NOW) == text


def test_days_are_those_of_the_reader() -> None:
    late = datetime(2026, 11, 21, 20, tzinfo=UTC)
    assert words.moment(late, UTC, NOW) == "yesterday at 20:00"
    assert words.moment(late, ZoneInfo("Asia/Kolkata"), NOW) == "today at 01:30"
    assert words.moment(datetime(2025, 12, 31, 7, 30, tzinfo=UTC), UTC, NOW) == "31 Dec 2025 at 07:30"


@pytest.mark.parametrize(("until", "text"), [
    (date(2026, 11, 22), "last day"), (date(2026, 11, 23), "1 day left"), (date(2027, 3, 31), "129 days left"),
    (date(2026, 11, 19), "ended 3 days ago"),
])
def test_the_days_left_count_the_last_one(until: date, text: str) -> None:
    assert words.days_left(until, NOW) == text


@pytest.mark.parametrize(("seconds", "text"), [(0.4, "0 s"), (59.4, "59 s"), (252, "4 min 12 s"), (7500, "2 h 5 min")])
def test_work_is_told_in_two_units_at_most(seconds: float, text: str) -> None:
    assert words.took(seconds) == text


def test_a_noun_goes_with_its_number() -> None:
    assert (words.count(1, "file"), words.count(2148, "file")) == ("1 file", "2,148 files")
    assert words.count(2, "entry", "entries") == "2 entries"
