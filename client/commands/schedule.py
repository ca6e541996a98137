"""ibs-client schedule: when backups run by themselves, and how fast they may send."""
from __future__ import annotations

import argparse
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from client.console import complain, moment, say, say_json
from client.outcomes import DONE
from client.schedules.limits import in_words as limit_in_words
from client.schedules.limits import read_limit_words
from client.schedules.schedule import (
    DAILY,
    DAYS,
    HOURLY,
    MIDNIGHT,
    OFF,
    WEEKLY,
    Schedule,
    choose,
    conditions_in_words,
    in_words,
    next_due,
    read_days,
    read_time,
)
from client.store.agenda import load_agenda
from client.store.decisions import note_changes
from client.store.instance import SETTINGS_LOCK, SETTINGS_PATIENCE, hold
from client.store.settings import IDENTITY, Settings, load_settings, save_settings
from vault.errors import BackupError

EXAMPLES = """examples:
  ibs-client schedule set daily --at 18:00
  ibs-client schedule set weekly --at 12:30 --days mon,wed,fri --not-on-battery
  ibs-client schedule set hourly --every 2 --from 08:00 --until 18:00
  ibs-client schedule set --limit 500K@08:00-18:00 --limit 4M@18:00-22:00"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The words of `schedule`."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="set|show|off|install|remove|verify")
    _add_set(actions.add_parser(
        "set", help="choose a plan or its conditions; what is not named stays as it is", epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    ))
    for action, purpose in (("show", "show the plan and the next backup"), ("off", "no backups by themselves")):
        actions.add_parser(action, help=purpose).add_argument("--json", action="store_true")
    for action, purpose in (
        ("install", "register with the system's scheduler"), ("remove", "take that back"),
        ("verify", "look whether it is registered"),
    ):
        words = actions.add_parser(action, help=purpose)
        words.add_argument("--json", action="store_true")
        words.add_argument("--whole-computer", action="store_true", help="for all users; else for this user alone")


def _add_set(words: argparse.ArgumentParser) -> None:
    words.add_argument("plan", nargs="?", choices=(DAILY, WEEKLY, HOURLY), help="how often")
    words.add_argument("--at", metavar="HH:MM", help="the time of the day (daily, weekly)")
    words.add_argument("--days", metavar="DAYS", help="days of the week, such as mon,wed,fri (weekly)")
    words.add_argument("--every", type=int, metavar="N", help="every N hours (hourly)")
    words.add_argument("--from", dest="begins", metavar="HH:MM", help="not before (hourly)")
    words.add_argument("--until", dest="ends", metavar="HH:MM", help="not after (hourly)")
    words.add_argument("--all-day", action="store_true", help="by day and by night (hourly)")
    for name, yes, no in (
        ("catch_up", "make up for missed backups", "leave missed backups out"),
        ("on_battery", "also on battery", "not on battery"),
        ("on_metered", "also on metered connections", "not on metered connections"),
    ):
        option = name.replace("_", "-")
        choice = words.add_mutually_exclusive_group()
        choice.add_argument(f"--{option}", dest=name, action="store_true", default=None, help=yes)
        refusal = "no-catch-up" if name == "catch_up" else f"not-{option}"
        choice.add_argument(f"--{refusal}", dest=name, action="store_false", default=None, help=no)
    limits = words.add_mutually_exclusive_group()
    limits.add_argument("--limit", action="append", dest="limits", metavar="SPEED[@FROM-UNTIL]",
                        help="bytes a second at most, such as 500K@08:00-18:00; may be given several times")
    limits.add_argument("--no-limit", action="store_true", help="as fast as the line allows")
    words.add_argument("--json", action="store_true")


def run(arguments: argparse.Namespace) -> int:
    """Change or show the schedule."""
    home: Path = arguments.home
    if arguments.action in {"install", "remove", "verify"}:
        from client.schedules.registration import act

        return act(arguments)
    if arguments.action == "show":
        return _show(load_settings(home, complain), arguments.json)
    now = datetime.now(UTC)
    with hold(home, SETTINGS_LOCK, SETTINGS_PATIENCE):
        before = load_settings(home, complain)
        after = change(before, arguments, now)
        if after != before:
            save_settings(after)
            note_changes(before, after)
    _tell_portal(after, now)
    return _show(after, arguments.json)


def change(settings: Settings, arguments: argparse.Namespace, now: datetime) -> Settings:
    """The settings as the words of `set` or `off` want them; raises ScheduleUnusable."""
    plan = settings.schedule
    if arguments.action == "off":
        return replace(settings, schedule=choose(plan, replace(plan, plan=OFF), now))
    changes: dict[str, Any] = {}
    for field, word, read in (
        ("plan", arguments.plan, str), ("at", arguments.at, read_time), ("days", arguments.days, read_days),
        ("every_hours", arguments.every, int), ("begins", arguments.begins, read_time),
        ("ends", arguments.ends, read_time), ("catch_up", arguments.catch_up, bool),
        ("on_battery", arguments.on_battery, bool), ("on_metered", arguments.on_metered, bool),
    ):
        if word is not None:
            changes[field] = read(word)
    if arguments.all_day:
        changes |= {"begins": MIDNIGHT, "ends": MIDNIGHT}
    limits = settings.limits
    if arguments.limits:
        limits = tuple(map(read_limit_words, arguments.limits))
    elif arguments.no_limit:
        limits = ()
    chosen = replace(plan, **changes)
    return replace(settings, schedule=choose(plan, chosen, now) if chosen != plan else plan, limits=limits)


def _tell_portal(settings: Settings, now: datetime) -> None:
    """The portal judges by the schedule whether this computer is late; what it misses now the next tick tells."""
    if not (settings.home / IDENTITY).exists():
        return
    from client.api.connection import connect
    from client.api.reporting import tell_plan

    try:
        with connect(settings.home, complain) as (_, portal):
            portal.patience = 0.0
            tell_plan(settings, portal, now)
    except BackupError as error:
        complain(f"The portal will be told later. {error.explain()}")


def _show(settings: Settings, as_json: bool) -> int:
    plan = settings.schedule
    agenda = load_agenda(settings.home)
    due = next_due(plan, agenda.settled, datetime.now(UTC))
    if as_json:
        say_json(as_fields(settings, due, agenda.waiting))
        return DONE
    say(in_words(plan) + "." + (f" {conditions_in_words(plan)}" if plan.plan != OFF else ""))
    if due is not None:
        say(f"Next backup: {moment(due) if due > datetime.now(UTC) else 'now'}")
    for limit in settings.limits:
        say(f"Speed limit: {limit_in_words(limit)}")
    return DONE


def as_fields(settings: Settings, due: datetime | None, waiting: str) -> dict[str, object]:
    """The schedule as `--json` tells it."""
    plan: Schedule = settings.schedule
    return {
        "plan": plan.plan, "at": f"{plan.at:%H:%M}", "days": [DAYS[day] for day in plan.days],
        "every": plan.every_hours, "from": f"{plan.begins:%H:%M}", "until": f"{plan.ends:%H:%M}",
        "catch_up": plan.catch_up, "on_battery": plan.on_battery, "on_metered": plan.on_metered,
        "words": in_words(plan), "conditions": conditions_in_words(plan),
        "next_run_at": None if due is None else due.isoformat(), "waiting": waiting,
        "limits": [
            {"bytes_per_second": limit.rate, "from": f"{limit.begins:%H:%M}", "until": f"{limit.ends:%H:%M}",
             "words": limit_in_words(limit)}
            for limit in settings.limits
        ],
    }
