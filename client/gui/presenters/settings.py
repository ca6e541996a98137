"""Settings in words: what the schedule's form says, what is wrong with it, and what to ask the client for."""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from typing import Any

from client.errors import ScheduleUnusable
from client.gui.presenters import words
from client.schedules.limits import read_limit_words
from client.schedules.schedule import (
    DAYS,
    HOURLY,
    MIDNIGHT,
    OFF,
    WEEKLY,
    Schedule,
    check,
    in_words,
    next_due,
    read_time,
)

Fields = Mapping[str, Any]

EVERY = (1, 2, 3, 4, 6, 8, 12)
"""The steps that the list of hours offers."""
WAITING = {
    "battery": "A backup is due and waits until this computer is plugged in.",
    "metered": "A backup is due and waits for a connection that isn't metered.",
    "switched-off": "A backup is due and waits: backups are switched off in the portal.",
    "retry": "The last backup failed and is tried again by itself.",
}


@dataclass(frozen=True)
class ScheduleForm:
    """What stands in the form, as it was typed. `days` are numbers from Monday = 0."""

    plan: str = OFF
    at: str = "18:00"
    days: frozenset[int] = frozenset(range(5))
    every: int = 1
    some_hours: bool = False
    begins: str = "08:00"
    ends: str = "18:00"
    catch_up: bool = True
    on_battery: bool = True
    on_metered: bool = True


@dataclass(frozen=True)
class Judgement:
    """`problems` by the field's name; without any, what the form means in words and what comes next."""

    problems: dict[str, str] = field(default_factory=dict)
    preview: str = ""
    upcoming: str = ""

    @property
    def good(self) -> bool:
        """Whether it can be saved."""
        return not self.problems


def form_of(answer: Fields) -> ScheduleForm:
    """The form that shows what `schedule show --json` answered."""
    some = answer["from"] != answer["until"]
    return ScheduleForm(
        plan=answer["plan"], at=answer["at"], days=frozenset(DAYS.index(day) for day in answer["days"]),
        every=int(answer["every"]), some_hours=some, begins=answer["from"] if some else "08:00",
        ends=answer["until"] if some else "18:00", catch_up=bool(answer["catch_up"]),
        on_battery=bool(answer["on_battery"]), on_metered=bool(answer["on_metered"]),
    )


def judge(form: ScheduleForm, now: datetime, *, saved: ScheduleForm | None = None, due: datetime | None = None,
          zone: tzinfo | None = None) -> Judgement:
    """What the form means at `now`. When it is as it was `saved`, the next backup is the one that is `due`."""
    problems: dict[str, str] = {}
    times = {"at": form.at, "begins": form.begins, "ends": form.ends}
    for name in _asked(form):
        if name in times:
            try:
                times[name] = f"{read_time(times[name]):%H:%M}"
            except ScheduleUnusable:
                problems[name] = "Write a time such as 18:00."
    if form.plan == WEEKLY and not form.days:
        problems["days"] = "Choose at least one day."
    if {"begins", "ends"} <= set(_asked(form)) - set(problems) and times["begins"] == times["ends"]:
        problems["ends"] = "Choose an end that differs from the beginning."
    if problems:
        return Judgement(problems)
    plan = _schedule_of(form, times)
    moment = due if form == saved else next_due(plan, now, now, zone)
    return Judgement({}, f"{in_words(plan)}.", _upcoming(moment, now))


def _asked(form: ScheduleForm) -> tuple[str, ...]:
    """The fields that matter for the plan that is chosen."""
    if form.plan == OFF:
        return ()
    if form.plan == HOURLY:
        return ("every", "begins", "ends") if form.some_hours else ("every",)
    return ("at", "days") if form.plan == WEEKLY else ("at",)


def _schedule_of(form: ScheduleForm, times: Mapping[str, str]) -> Schedule:
    hours = (read_time(times["begins"]), read_time(times["ends"])) if "begins" in _asked(form) else (MIDNIGHT, MIDNIGHT)
    at = read_time(times["at"]) if "at" in _asked(form) else Schedule.at
    return check(Schedule(
        plan=form.plan, at=at, days=tuple(sorted(form.days)), every_hours=form.every, begins=hours[0], ends=hours[1],
        catch_up=form.catch_up, on_battery=form.on_battery, on_metered=form.on_metered,
    ))


def _upcoming(due: datetime | None, now: datetime) -> str:
    if due is None:
        return "Nothing is backed up until you press “Back up now”."
    return "Next backup: now." if due <= now else f"Next backup: {words.moment(due, now)}."


def words_to_save(form: ScheduleForm) -> list[str]:
    """The command that keeps the form; it must have been judged good."""
    if form.plan == OFF:
        return ["schedule", "off", "--json"]
    said = ["schedule", "set", form.plan]
    asked = _asked(form)
    if "at" in asked:
        said += ["--at", form.at.strip()]
    if "days" in asked:
        said += ["--days", ",".join(DAYS[day][:3].lower() for day in sorted(form.days))]
    if form.plan == HOURLY:
        said += ["--every", str(form.every)]
        said += ["--from", form.begins.strip(), "--until", form.ends.strip()] if form.some_hours else ["--all-day"]
    said.append("--catch-up" if form.catch_up else "--no-catch-up")
    said.append("--on-battery" if form.on_battery else "--not-on-battery")
    said.append("--on-metered" if form.on_metered else "--not-on-metered")
    return [*said, "--json"]


# --- speed -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class LimitForm:
    """A speed limit as it is typed: KB a second, and the hours when it does not hold all day."""

    speed: str = ""
    some_hours: bool = True
    begins: str = "08:00"
    ends: str = "18:00"


def judge_limit(form: LimitForm) -> dict[str, str]:
    """What is wrong with it, by field."""
    problems = {}
    try:
        read_limit_words(f"{form.speed.strip()}K" if form.speed.strip().isdecimal() else "")
    except ScheduleUnusable:
        problems["speed"] = "Write a number of KB a second, at least 10."
    if form.some_hours:
        for name in ("begins", "ends"):
            try:
                read_time(getattr(form, name))
            except ScheduleUnusable:
                problems[name] = "Write a time such as 18:00."
    return problems


def words_of_limits(answer: Fields, *, add: LimitForm | None = None, without: int | None = None) -> list[str]:
    """The command that keeps the limits there are, with one more or without the one at that place."""
    kept = [f"{limit['bytes_per_second']}@{limit['from']}-{limit['until']}"
            for place, limit in enumerate(answer["limits"]) if place != without]
    if add is not None:
        hours = f"@{add.begins.strip()}-{add.ends.strip()}" if add.some_hours else ""
        kept.append(f"{add.speed.strip()}K{hours}")
    limits = [word for limit in kept for word in ("--limit", limit)] or ["--no-limit"]
    return ["schedule", "set", *limits, "--json"]


def limits_in_words(answer: Fields) -> list[str]:
    """Each limit that holds, as a sentence."""
    return [f"{limit['words']}" + ("" if limit["from"] != limit["until"] else ", all day")
            for limit in answer["limits"]]


def schedule_hint(waiting: str) -> str:
    """Why a backup that is due waits; "" when none does."""
    return WAITING.get(waiting, "")


