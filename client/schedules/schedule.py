"""When backups are due: plans by the clock on this computer's wall, and what they mean in moments and in words.

Plans are kept as wall times, moments are UTC. A wall time that the clocks jump over in spring counts as the moment it
would have been without the jump; one that comes twice in autumn counts once, but for hourly plans, which go on hourly.
"""
from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from itertools import pairwise
from xml.etree.ElementTree import Element

from client.errors import ScheduleUnusable

OFF, DAILY, WEEKLY, HOURLY = "off", "daily", "weekly", "hourly"
PLANS = (OFF, DAILY, WEEKLY, HOURLY)
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
WORKDAYS = (0, 1, 2, 3, 4)
MIDNIGHT = time(0)
DAY = timedelta(days=1)
PUNCTUAL = timedelta(minutes=15)
"""A time that passed longer ago was missed."""
DOUBTFUL = timedelta(hours=1)
"""What lies further ahead was written by a clock that was wrong, then or now."""


@dataclass(frozen=True)
class Schedule:
    """A plan and its conditions. Times are wall times, `days` count from Monday = 0, `since` is when it was chosen.

    daily: at `at`. weekly: at `at` on `days`. hourly: every `every_hours` hours, counted from `begins`, until `ends`;
    the whole day when these are equal, over midnight when `ends` is earlier. With `catch_up` a missed time is made up
    for; `on_battery` and `on_metered` say whether a backup starts without mains or on a line that is paid by volume.
    """

    plan: str = OFF
    at: time = time(18)
    days: tuple[int, ...] = WORKDAYS
    every_hours: int = 1
    begins: time = MIDNIGHT
    ends: time = MIDNIGHT
    catch_up: bool = True
    on_battery: bool = True
    on_metered: bool = True
    since: datetime | None = None

    def same_times(self, other: Schedule) -> bool:
        """True when both ask for backups at the same times, whatever their conditions."""
        return all(
            getattr(self, name) == getattr(other, name)
            for name in ("plan", "at", "days", "every_hours", "begins", "ends")
        )


def check(schedule: Schedule) -> Schedule:
    """The schedule with its days in order; raises ScheduleUnusable when it names no time at all."""
    if schedule.plan not in PLANS:
        raise ScheduleUnusable(reason=f"“{schedule.plan}” is no plan")
    if schedule.plan == WEEKLY and not schedule.days:
        raise ScheduleUnusable(reason="a weekly plan needs a day of the week")
    if not set(schedule.days) <= set(range(7)):
        raise ScheduleUnusable(reason="a week has seven days")
    if not 1 <= schedule.every_hours <= 24:
        raise ScheduleUnusable(reason="an hourly plan repeats after 1 to 24 hours")
    return replace(schedule, days=tuple(sorted(set(schedule.days))))


def choose(before: Schedule, after: Schedule, now: datetime) -> Schedule:
    """`after`, checked, as chosen at `now`; a change of conditions alone leaves open what is due already."""
    after = check(after)
    return replace(after, since=before.since if before.same_times(after) and before.since else now.astimezone(UTC))


def next_due(
    schedule: Schedule, last: datetime | None, now: datetime, zone: tzinfo | None = None,
) -> datetime | None:
    """When the next backup is due, UTC: a moment that is not later than `now` means that it is due already.

    `last` is the start of the last backup that counts, `zone` whose wall the clock hangs on (this computer's). None
    when the plan is off. Neither a clock that was wrong once nor one that is set back stops backups: a `last` in the
    future is not believed.
    """
    if schedule.plan == OFF:
        return None
    reference = _reference(schedule, last, now)
    if not schedule.catch_up:
        reference = max(reference, now - PUNCTUAL)
    return next((moment for moment in _moments(schedule, reference, zone) if moment > reference), None)


def _reference(schedule: Schedule, last: datetime | None, now: datetime) -> datetime:
    """The moment up to which everything due has been done."""
    known = [moment for moment in (last, schedule.since) if moment is not None]
    believable = [moment for moment in known if moment <= now + DOUBTFUL]
    if believable:
        return max(believable)
    return now - timedelta(seconds=longest_gap(schedule) or 0) - DAY if known else now


def _moments(schedule: Schedule, start: datetime, zone: tzinfo | None) -> Iterator[datetime]:
    """The plan's moments in order, from the day before `start` over more than a week."""
    first = start.astimezone(zone).date() - DAY
    for number in range(10):
        yield from sorted({
            _moment(wall, fold, zone)
            for wall in _walls(schedule, first + number * DAY)
            for fold in ((0, 1) if schedule.plan == HOURLY else (0,))
            if not fold or _comes_twice(wall, zone)
        })


def _walls(schedule: Schedule, day: date) -> list[datetime]:
    """The wall times, without a zone, that belong to `day`."""
    if schedule.plan == DAILY or (schedule.plan == WEEKLY and day.weekday() in schedule.days):
        return [datetime.combine(day, schedule.at)]
    if schedule.plan != HOURLY:
        return []
    begin, end = datetime.combine(day, schedule.begins), datetime.combine(day, schedule.ends)
    if end <= begin:
        end += DAY
    step = timedelta(hours=schedule.every_hours)
    walls = [begin + number * step for number in range((end - begin) // step + 1)]
    return [wall for wall in walls if wall < begin + DAY]


def _moment(wall: datetime, fold: int, zone: tzinfo | None) -> datetime:
    if zone is None:  # astimezone of a wall time that the clocks jump over would come out an hour too early
        return datetime.fromtimestamp(wall.replace(fold=fold).timestamp(), UTC)
    return wall.replace(tzinfo=zone, fold=fold).astimezone(UTC)


def _comes_twice(wall: datetime, zone: tzinfo | None) -> bool:
    """True for a wall time in the hour that is repeated when the clocks go back."""
    return _moment(wall, 1, zone) > _moment(wall, 0, zone)


def longest_gap(schedule: Schedule) -> int | None:
    """Seconds between the two neighbouring times that lie farthest apart; None when the plan is off."""
    monday = date(2024, 1, 1)
    walls = [wall for number in range(16) for wall in _walls(schedule, monday + number * DAY)]
    gaps = [int((later - earlier).total_seconds()) for earlier, later in pairwise(walls)]
    return max(gaps, default=None)


def in_words(schedule: Schedule) -> str:
    """The plan as a person says it: “Monday to Friday at 18:00”."""
    if schedule.plan == OFF:
        return "Automatic backup is off"
    if schedule.plan == HOURLY:
        often = "Every hour" if schedule.every_hours == 1 else f"Every {schedule.every_hours} hours"
        if schedule.begins == schedule.ends:
            return often
        return f"{often} between {schedule.begins:%H:%M} and {schedule.ends:%H:%M}"
    return f"{_days_in_words(schedule)} at {schedule.at:%H:%M}"


def _days_in_words(schedule: Schedule) -> str:
    days = schedule.days
    if schedule.plan == DAILY or len(days) == len(DAYS):
        return "Every day"
    if len(days) > 2 and days == tuple(range(days[0], days[-1] + 1)):
        return f"{DAYS[days[0]]} to {DAYS[days[-1]]}"
    names = [DAYS[day] for day in days]
    return "Every " + " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))


def conditions_in_words(schedule: Schedule) -> str:
    """What else decides: “Missed backups are caught up. Not on battery.”"""
    if schedule.plan == OFF:
        return ""
    said = ["Missed backups are caught up." if schedule.catch_up else "Missed backups are left out."]
    places = [name for name, allowed in (
        ("on battery", schedule.on_battery), ("on a metered connection", schedule.on_metered)) if not allowed]
    if places:
        said.append(f"Not {' or '.join(places)}.")
    return " ".join(said)


def read_schedule(element: Element | None) -> Schedule:
    """The schedule in settings.xml; off without one. Raises ValueError or ScheduleUnusable for what makes no sense."""
    if element is None:
        return Schedule()
    since = element.get("since")
    return check(Schedule(
        plan=element.get("plan", OFF),
        at=read_time(element.get("at", "18:00")),
        days=tuple(_day_number(name) for name in element.get("days", "mon tue wed thu fri").split()),
        every_hours=int(element.get("every-hours", "1")),
        begins=read_time(element.get("from", "00:00")),
        ends=read_time(element.get("until", "00:00")),
        catch_up=element.get("catch-up") not in {"false", "0"},
        on_battery=element.get("on-battery") not in {"false", "0"},
        on_metered=element.get("on-metered") not in {"false", "0"},
        since=None if since is None else datetime.fromisoformat(since).astimezone(UTC),
    ))


def write_schedule(schedule: Schedule) -> Element:
    """The element that read_schedule reads."""
    element = Element("schedule", {
        "plan": schedule.plan,
        "at": f"{schedule.at:%H:%M}",
        "days": " ".join(DAYS[day][:3].lower() for day in schedule.days),
        "every-hours": str(schedule.every_hours),
        "from": f"{schedule.begins:%H:%M}",
        "until": f"{schedule.ends:%H:%M}",
        "catch-up": str(schedule.catch_up).lower(),
        "on-battery": str(schedule.on_battery).lower(),
        "on-metered": str(schedule.on_metered).lower(),
    })
    if schedule.since is not None:
        element.set("since", schedule.since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"))
    return element


def read_time(text: str) -> time:
    """A wall time such as 18:00 or 7:30; raises ScheduleUnusable."""
    hour, _, minute = text.strip().partition(":")
    try:
        if not (hour.isascii() and minute.isascii() and hour.isdecimal() and len(minute) == 2):
            raise ValueError(text)
        return time(int(hour), int(minute))
    except ValueError as error:
        raise ScheduleUnusable(reason=f"“{text}” is no time of the day such as 18:00") from error


def read_days(text: str) -> tuple[int, ...]:
    """Days of the week such as “mon, wed” or “Monday Friday”; raises ScheduleUnusable."""
    return tuple(sorted({_day_number(name) for name in text.replace(",", " ").split()}))


def _day_number(name: str) -> int:
    for number, day in enumerate(DAYS):
        if len(name) >= 2 and day.lower().startswith(name.lower()):
            return number
    raise ScheduleUnusable(reason=f"“{name}” is no day of the week")
