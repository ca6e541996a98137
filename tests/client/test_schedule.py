"""When backups are due: plans, missed runs, clocks that change and clocks that are wrong."""
from __future__ import annotations

import time as time_of_system
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from client.errors import ScheduleUnusable
from client.schedules import schedule
from client.schedules.schedule import DAILY, HOURLY, WEEKLY, Schedule, in_words, longest_gap, next_due
from client.store.documents import parse, render

VIENNA = ZoneInfo("Europe/Vienna")
SPRING = datetime(2026, 3, 29, tzinfo=VIENNA)  # 02:00 becomes 03:00
AUTUMN = datetime(2026, 10, 25, tzinfo=VIENNA)  # 03:00 becomes 02:00
ZONES = ["Europe/Vienna", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "UTC", "America/Havana",
         "Africa/Casablanca", "Pacific/Apia"]

DAILY_AT_SIX = Schedule(DAILY, time(18))
NIGHTLY = Schedule(DAILY, time(2, 30))


def vienna(text: str) -> datetime:
    """A moment by the wall clock of Vienna."""
    return datetime.fromisoformat(text).replace(tzinfo=VIENNA).astimezone(UTC)


def due(plan: Schedule, last: str | None, now: str) -> datetime:
    """When `plan` is due in Vienna, by its wall clock."""
    found = next_due(plan, None if last is None else vienna(last), vienna(now), VIENNA)
    assert found is not None
    assert found.tzinfo is UTC
    return found


def test_without_a_plan_nothing_is_ever_due() -> None:
    assert next_due(Schedule(), None, vienna("2026-11-23 09:00")) is None
    assert longest_gap(Schedule()) is None
    assert in_words(Schedule()) == "Automatic backup is off"


@pytest.mark.parametrize(("plan", "last", "now", "expected"), [
    (DAILY_AT_SIX, None, "2026-11-23 09:00", "2026-11-23 18:00"),
    (DAILY_AT_SIX, "2026-11-22 18:00:04", "2026-11-23 09:00", "2026-11-23 18:00"),
    (DAILY_AT_SIX, "2026-11-23 18:00:04", "2026-11-23 18:10", "2026-11-24 18:00"),
    (Schedule(WEEKLY, time(20), (0, 4)), "2026-11-23 20:01", "2026-11-24 08:00", "2026-11-27 20:00"),
    (Schedule(WEEKLY, time(20), (6,)), "2026-11-22 20:01", "2026-11-24 08:00", "2026-11-29 20:00"),
    (Schedule(HOURLY, every_hours=1), "2026-11-23 09:00:30", "2026-11-23 09:20", "2026-11-23 10:00"),
    (Schedule(HOURLY, every_hours=4), "2026-11-23 20:00:30", "2026-11-23 20:20", "2026-11-24 00:00"),
    (Schedule(HOURLY, every_hours=3, begins=time(8), ends=time(18)), "2026-11-23 17:01", "2026-11-23 17:20",
     "2026-11-24 08:00"),
    (Schedule(HOURLY, every_hours=2, begins=time(22), ends=time(5)), "2026-11-23 22:01", "2026-11-23 23:00",
     "2026-11-24 00:00"),
    (Schedule(HOURLY, every_hours=2, begins=time(22), ends=time(5)), "2026-11-24 04:01", "2026-11-24 04:30",
     "2026-11-24 22:00"),
])
def test_the_next_time_of_each_plan(plan: Schedule, last: str | None, now: str, expected: str) -> None:
    assert due(plan, last, now) == vienna(expected)


def test_a_missed_time_is_due_until_it_is_made_up_for() -> None:
    assert due(DAILY_AT_SIX, "2026-11-19 18:00:04", "2026-11-23 08:00") <= vienna("2026-11-23 08:00")
    assert due(DAILY_AT_SIX, "2026-11-23 08:00:10", "2026-11-23 08:05") == vienna("2026-11-23 18:00")


def test_a_computer_that_never_ran_at_its_time_catches_up_since_the_plan_was_chosen() -> None:
    plan = replace(DAILY_AT_SIX, since=vienna("2026-11-20 12:00"))
    assert due(plan, None, "2026-11-20 17:00") == vienna("2026-11-20 18:00")
    assert due(plan, None, "2026-11-23 09:00") == vienna("2026-11-20 18:00")


def test_without_catching_up_a_missed_time_is_left_out() -> None:
    plan = replace(DAILY_AT_SIX, catch_up=False)
    assert due(plan, "2026-11-19 18:00:04", "2026-11-23 08:00") == vienna("2026-11-23 18:00")
    assert due(plan, "2026-11-19 18:00:04", "2026-11-23 18:04") == vienna("2026-11-23 18:00")
    assert due(plan, "2026-11-19 18:00:04", "2026-11-23 18:20") == vienna("2026-11-24 18:00")


def test_a_new_plan_does_not_make_up_for_times_before_it_was_chosen() -> None:
    morning = schedule.choose(DAILY_AT_SIX, replace(DAILY_AT_SIX, at=time(9)), vienna("2026-11-23 10:00"))
    assert due(morning, "2026-11-22 18:00:04", "2026-11-23 10:01") == vienna("2026-11-24 09:00")


def test_a_change_of_conditions_alone_leaves_open_what_is_due() -> None:
    before = replace(DAILY_AT_SIX, since=vienna("2026-11-01 10:00"))
    after = schedule.choose(before, replace(before, on_battery=False), vienna("2026-11-23 10:00"))
    assert after.since == before.since
    assert due(after, "2026-11-20 18:00:04", "2026-11-23 10:01") < vienna("2026-11-23 10:01")


def test_f21_a_time_that_the_clocks_jump_over_comes_once_an_hour_later_by_the_wall() -> None:
    jumped = due(NIGHTLY, "2026-03-28 02:30:05", "2026-03-29 00:00")
    assert jumped == datetime(2026, 3, 29, 1, 30, tzinfo=UTC)
    assert jumped.astimezone(VIENNA).strftime("%H:%M") == "03:30"
    assert due(NIGHTLY, "2026-03-29 03:30:05", "2026-03-29 03:40") == vienna("2026-03-30 02:30")


def test_f21_a_time_that_comes_twice_counts_once() -> None:
    first = due(NIGHTLY, "2026-10-24 02:30:05", "2026-10-25 00:00")
    assert first == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    after = next_due(NIGHTLY, first + timedelta(seconds=5), first + timedelta(minutes=1), VIENNA)
    assert after == vienna("2026-10-26 02:30")


@pytest.mark.parametrize(("day", "hours"), [(SPRING, 23), (AUTUMN, 25)])
def test_f21_an_hourly_plan_goes_on_hourly_when_the_clocks_change(day: datetime, hours: int) -> None:
    plan = Schedule(HOURLY)
    moment, seen = day.astimezone(UTC) - timedelta(seconds=1), []
    end = (day + timedelta(days=1)).astimezone(UTC)
    while (found := next_due(plan, moment, moment, VIENNA)) is not None and found < end:
        seen.append(found)
        moment = found
    assert len(seen) == hours
    assert {later - earlier for earlier, later in pairwise(seen)} == {timedelta(hours=1)}


def test_the_same_plan_follows_a_computer_into_another_zone() -> None:
    now = vienna("2026-11-23 12:00")
    assert next_due(DAILY_AT_SIX, now, now, VIENNA) == datetime(2026, 11, 23, 17, tzinfo=UTC)
    assert next_due(DAILY_AT_SIX, now, now, ZoneInfo("America/New_York")) == datetime(2026, 11, 23, 23, tzinfo=UTC)


@pytest.fixture
def in_vienna(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """This process's own clock hangs on a wall in Vienna."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "Europe/Vienna")
        time_of_system.tzset()
        yield
    time_of_system.tzset()


@pytest.mark.usefixtures("in_vienna")
@pytest.mark.parametrize("plan", [NIGHTLY, Schedule(HOURLY), Schedule(WEEKLY, time(2, 15), (6,))])
@pytest.mark.parametrize("day", [SPRING, AUTUMN])
def test_f21_the_clock_of_the_system_itself_counts_like_that_of_its_zone(plan: Schedule, day: datetime) -> None:
    moment = day.astimezone(UTC) - timedelta(hours=30)
    for _ in range(80):
        assert next_due(plan, moment, moment) == next_due(plan, moment, moment, VIENNA)
        moment += timedelta(minutes=47)


def test_a_last_backup_in_the_far_future_stops_nothing() -> None:
    assert due(DAILY_AT_SIX, "2031-01-01 18:00", "2026-11-23 09:00") <= vienna("2026-11-23 09:00")
    chosen = replace(DAILY_AT_SIX, since=vienna("2026-11-23 08:00"))
    assert due(chosen, "2031-01-01 18:00", "2026-11-23 09:00") == vienna("2026-11-23 18:00")


def test_a_clock_that_is_set_back_a_little_starts_nothing_twice() -> None:
    assert due(DAILY_AT_SIX, "2026-11-23 18:00:05", "2026-11-23 17:40") == vienna("2026-11-24 18:00")


def test_a_clock_that_jumps_ahead_makes_the_plan_due_once() -> None:
    assert due(DAILY_AT_SIX, "2026-11-22 18:00:05", "2027-02-01 10:00") <= vienna("2027-02-01 10:00")
    assert due(DAILY_AT_SIX, "2027-02-01 10:00", "2027-02-01 10:01") == vienna("2027-02-01 18:00")


@pytest.mark.parametrize(("plan", "hours"), [
    (DAILY_AT_SIX, 24), (Schedule(WEEKLY, days=(0, 1, 2, 3, 4)), 72), (Schedule(WEEKLY, days=(3,)), 168),
    (Schedule(HOURLY), 1), (Schedule(HOURLY, every_hours=5), 5),
    (Schedule(HOURLY, every_hours=2, begins=time(8), ends=time(18)), 14),
    (Schedule(HOURLY, every_hours=24, begins=time(8)), 24),
])
def test_the_longest_gap_of_each_plan(plan: Schedule, hours: int) -> None:
    assert longest_gap(plan) == hours * 3600


@pytest.mark.parametrize(("plan", "words"), [
    (DAILY_AT_SIX, "Every day at 18:00"),
    (Schedule(WEEKLY, time(7, 5)), "Monday to Friday at 07:05"),
    (Schedule(WEEKLY, days=(0, 2, 4)), "Every Monday, Wednesday and Friday at 18:00"),
    (Schedule(WEEKLY, days=(5, 6)), "Every Saturday and Sunday at 18:00"),
    (Schedule(WEEKLY, days=(6,)), "Every Sunday at 18:00"),
    (Schedule(WEEKLY, days=tuple(range(7))), "Every day at 18:00"),
    (Schedule(HOURLY), "Every hour"),
    (Schedule(HOURLY, every_hours=4, begins=time(8), ends=time(18)), "Every 4 hours between 08:00 and 18:00"),
])
def test_plans_in_words(plan: Schedule, words: str) -> None:
    assert in_words(plan) == words


def test_conditions_in_words() -> None:
    assert schedule.conditions_in_words(DAILY_AT_SIX) == "Missed backups are caught up."
    strict = replace(DAILY_AT_SIX, catch_up=False, on_battery=False, on_metered=False)
    assert schedule.conditions_in_words(strict) == (
        "Missed backups are left out. Not on battery or on a metered connection."
    )
    assert schedule.conditions_in_words(Schedule()) == ""


@pytest.mark.parametrize("text", ["", "18", "25:00", "18:60", "18:0", "-1:30", "１８:００", "noon", "18:00:00"])
def test_what_is_no_time_of_the_day_is_refused(text: str) -> None:
    with pytest.raises(ScheduleUnusable, match="no time of the day"):
        schedule.read_time(text)


def test_days_may_be_written_short_or_long_in_any_order() -> None:
    assert schedule.read_days("Friday mon,  we") == (0, 2, 4)
    with pytest.raises(ScheduleUnusable, match="Freitag"):
        schedule.read_days("mon Freitag")


@pytest.mark.parametrize("wrong", [
    Schedule("monthly"), Schedule(WEEKLY, days=()), Schedule(WEEKLY, days=(7,)), Schedule(HOURLY, every_hours=0),
    Schedule(HOURLY, every_hours=25),
])
def test_a_plan_without_a_time_is_refused(wrong: Schedule) -> None:
    with pytest.raises(ScheduleUnusable):
        schedule.check(wrong)


WALLS = st.times().map(lambda moment: moment.replace(second=0, microsecond=0))
PLANS = st.builds(
    Schedule,
    plan=st.sampled_from([DAILY, WEEKLY, HOURLY]), at=WALLS,
    days=st.sets(st.integers(0, 6), min_size=1).map(lambda days: tuple(sorted(days))),
    every_hours=st.integers(1, 24), begins=WALLS, ends=WALLS,
    catch_up=st.booleans(), on_battery=st.booleans(), on_metered=st.booleans(),
    since=st.none() | st.datetimes(datetime(2000, 1, 1), datetime(2090, 1, 1)).map(
        lambda moment: moment.replace(microsecond=0, tzinfo=UTC)),
)


@given(PLANS)
def test_every_schedule_comes_back_from_xml(plan: Schedule) -> None:
    assert schedule.read_schedule(parse(render(schedule.write_schedule(plan)))) == plan


@given(PLANS, st.datetimes(datetime(2000, 1, 1), datetime(2040, 1, 1)), st.sampled_from(ZONES))
def test_every_plan_is_due_again_within_its_longest_gap(plan: Schedule, wall: datetime, zone: str) -> None:
    """A change of clocks adds an hour at most; where a day was left out, as once in Samoa, a day."""
    plan = replace(plan, since=None)
    now = wall.replace(tzinfo=UTC)
    found = next_due(plan, now, now, ZoneInfo(zone))
    gap = longest_gap(plan)
    assert found is not None
    assert gap is not None
    allowed = timedelta(days=1) if zone == "Pacific/Apia" else timedelta(hours=1)
    assert now < found <= now + timedelta(seconds=gap) + allowed
