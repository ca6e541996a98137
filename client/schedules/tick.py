"""The decision of a look at the clock: is a backup due, and does anything speak against it?"""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

from client.schedules.schedule import DOUBTFUL, OFF, Schedule, next_due
from client.store.agenda import Agenda

FIRST_RETRY, LONGEST_RETRY = timedelta(minutes=15), timedelta(hours=4)
ASK_EVERY = timedelta(minutes=10)
"""The portal is asked for wishes no more often than that."""

NOTHING, DUE, CAUGHT_UP, AGAIN, WISHED, REQUESTED = "nothing", "due", "caught-up", "again", "wished", "requested"
BATTERY, METERED, SWITCHED_OFF, RETRY = "battery", "metered", "switched-off", "retry"
CAUGHT_UP_AFTER = timedelta(minutes=30)


@dataclass(frozen=True)
class Circumstances:
    """Questions to the system, asked only when the answer would change something."""

    on_battery: Callable[[], bool]
    on_metered: Callable[[], bool]


@dataclass(frozen=True)
class Decision:
    """Whether a backup starts now, and why or why not; `words` are a sentence for the activity log, or empty."""

    start: bool
    reason: str
    words: str = ""


def decide(
    schedule: Schedule, agenda: Agenda, now: datetime, circumstances: Circumstances, *, requested: bool = False,
    zone: tzinfo | None = None,
) -> Decision:
    """What to do at `now`. A person at this computer (`requested`) gets a backup whatever else there is."""
    if requested:
        return Decision(True, REQUESTED, "Somebody at this computer asked for this backup.")
    reason, words = _occasion(schedule, agenda, now, zone)
    if reason == NOTHING:
        return Decision(False, NOTHING)
    if not agenda.accepts:
        return Decision(False, SWITCHED_OFF, "A backup is due and waits: backups are switched off in the portal.")
    insisted = agenda.wish is not None and agenda.tried is not None and agenda.wish > agenda.tried
    if agenda.failures and not insisted and now < _next_try(agenda, now):
        return Decision(False, RETRY)
    if not schedule.on_battery and circumstances.on_battery():
        return Decision(False, BATTERY, "A backup is due and waits: this computer runs on battery.")
    if not schedule.on_metered and circumstances.on_metered():
        return Decision(False, METERED, "A backup is due and waits: the connection is a metered one.")
    return Decision(True, reason, words)


def _occasion(schedule: Schedule, agenda: Agenda, now: datetime, zone: tzinfo | None) -> tuple[str, str]:
    """Why a backup could start now: the strongest reason, and its words."""
    if agenda.wish is not None:
        return WISHED, f"{agenda.wished_by or 'Somebody'} asked for this backup in the portal."
    due = next_due(schedule, agenda.settled, now, zone)
    if due is not None and due <= now:
        if now - due > CAUGHT_UP_AFTER and not agenda.failures:
            return CAUGHT_UP, f"This backup was due at {due.astimezone(zone):%Y-%m-%d %H:%M} and is made up for."
        return DUE, "This backup was due by its schedule."
    if schedule.plan != OFF and agenda.failures:
        return AGAIN, "The backup before this one failed; this is another try."
    return NOTHING, ""


def _next_try(agenda: Agenda, now: datetime) -> datetime:
    """When a backup that failed is tried again: after a quarter of an hour, then after twice as long each time."""
    if agenda.tried is None or agenda.tried > now + DOUBTFUL:
        return now
    pause = LONGEST_RETRY if agenda.refused else FIRST_RETRY * 2 ** min(agenda.failures - 1, 10)
    return agenda.tried + min(pause, LONGEST_RETRY)


def is_time_to_ask(agenda: Agenda, now: datetime) -> bool:
    """Whether the portal is to be asked for wishes: some minutes after the last time, by whatever clock."""
    return agenda.asked is None or not agenda.asked - DOUBTFUL <= now < agenda.asked + ASK_EVERY
