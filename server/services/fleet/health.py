"""Is a computer protected? Its state as an expression for the database, and since when and why in words.

A state follows from facts that are kept with the computer (server/services/fleet/endings.py), its account's switch, its
subscription, and the portal's clock.
"""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Date, Float, Integer, Select, and_, bindparam, case, or_, select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import aliased
from sqlalchemy.sql.functions import GenericFunction

from server.models import Account, Computer, Plan, Subscription
from server.models.base import Moment
from server.services.fleet import uptime
from server.words import ago, count, duration, full_date

PAUSED, NOT_SET_UP, FAILED, OVERDUE, WARNINGS, LATE, PROTECTED, RETIRED = (
    "Paused", "Not set up", "Failed", "Overdue", "Warnings", "Late", "Protected", "Retired")
WORST_FIRST = (FAILED, OVERDUE, WARNINGS, LATE, NOT_SET_UP, PROTECTED, PAUSED, RETIRED)
LEAST_GRACE, MOST_GRACE = timedelta(hours=2), timedelta(hours=24)
LONGEST_GRACE = timedelta(days=31)
"""No plan gives more than this; an outage that ended earlier matters to nobody."""
ACTIVE, HELD, GONE = "active", "paused", "retired"
"""The values of Computer.state."""
RESULTS = {
    "open": "Running",
    "committed": "Completed",
    "failed": "Failed",
    "full": "Storage full",
    "refused": "Refused",
    "cancelled": "Cancelled",
    "abandoned": "Interrupted",
}
_ACCOUNT, _BOUGHT = aliased(Account), aliased(Subscription)
"""Looked up beside those that a query may have joined; made once, since each has all columns of its table."""


class seconds_between(GenericFunction[int]):  # noqa: N801  # a function of SQL
    """The seconds from one moment to a later one; each database has its own word for it."""

    type = Integer()
    inherit_cache = True


@compiles(seconds_between)
def _in_mysql(element: seconds_between, compiler: Any, **options: Any) -> str:
    return f"TIMESTAMPDIFF(SECOND, {compiler.process(element.clauses, **options)})"


@compiles(seconds_between, "sqlite")
def _in_sqlite(element: seconds_between, compiler: Any, **options: Any) -> str:
    earlier, later = (compiler.process(clause, **options) for clause in element.clauses)
    return f"(CAST(strftime('%s', {later}) AS INTEGER) - CAST(strftime('%s', {earlier}) AS INTEGER))"


@dataclass(frozen=True)
class Health:
    """A computer's state, since when it holds (None: not known), and why, as a sentence; "" when all is well."""

    state: str
    since: datetime | None
    reason: str


# --- for the database ----------------------------------------------------------------------------------------------


def with_states(query: Select[Any]) -> Select[Any]:
    """A query over Computer, joined with what the reason of a state is told from: its account and its subscription."""
    return query.join(Account, Account.id == Computer.account_id).join(
        Subscription, Subscription.id == Computer.subscription_id)


class Clock(NamedTuple):
    """What a state depends on besides the computer: the moment, its day (UTC), when the last outage of the portal that
    still matters began (`now` without one), and the seconds since it ended."""

    now: Any
    today: Any
    outage_began: Any
    up_for: Any


LATER = Clock(bindparam("now", type_=Moment()), bindparam("today", type_=Date()),
              bindparam("outage_began", type_=Moment()), bindparam("up_for", type_=Float()))
"""The parameters of a statement that is made once; whoever executes it gives clock_at(now)._asdict()."""


def clock_at(now: datetime) -> Clock:
    """What states depend on at `now`. Asks the database when the portal was out of order last."""
    outage = uptime.last_outage(now)
    if outage is None or now - outage.ended > LONGEST_GRACE:
        return Clock(now, now.date(), now, 0)
    return Clock(now, now.date(), outage.began, (now - outage.ended).total_seconds())


def state_at(now: datetime) -> ColumnElement[str]:
    """The state of a computer at `now`, one of WORST_FIRST. Asks the database when the portal was out of order last."""
    state: ColumnElement[str] = _judge(clock_at(now), {word: word for word in WORST_FIRST})
    return state


def rank_at(now: datetime) -> ColumnElement[int]:
    """The place of state_at() among WORST_FIRST: 0 is the worst; the least of several computers is their customer's."""
    return rank_by(clock_at(now))


def rank_by(clock: Clock) -> ColumnElement[int]:
    """As rank_at()."""
    rank: ColumnElement[int] = _judge(clock, {word: place for place, word in enumerate(WORST_FIRST)})
    return rank


def _judge(clock: Clock, told: Mapping[str, Any]) -> Any:
    return case(
        (Computer.state == GONE, told[RETIRED]),
        (is_paused(clock), told[PAUSED]),
        (IS_FAILED, told[FAILED]),
        (Computer.last_commit_at.is_(None), told[NOT_SET_UP]),
        (is_overdue(clock), told[OVERDUE]),
        (Computer.last_skipped > 0, told[WARNINGS]),
        (Computer.late_at < clock.now, told[LATE]),
        else_=told[PROTECTED],
    )


def is_paused(clock: Clock) -> ColumnElement[bool]:
    """Whether no backups are expected: by a person, by the account's switch, or by the subscription.

    The few accounts and subscriptions that stop backups are looked up once; joining all of them costs three times that.
    """
    return or_(
        and_(Computer.state == HELD, or_(Computer.paused_until.is_(None), Computer.paused_until > clock.now)),
        Computer.account_id.in_(select(_ACCOUNT.id).where(_ACCOUNT.accepts_backups.is_(False))),
        Computer.subscription_id.in_(select(_BOUGHT.id).where(or_(
            _BOUGHT.suspended.is_(True), _BOUGHT.valid_from > clock.today, _BOUGHT.grace_until < clock.today))),
    )


def is_overdue(clock: Clock) -> ColumnElement[bool]:
    """Whether a backup is overdue. After an outage of the portal nobody becomes so until it was up for the grace."""
    waited_enough = seconds_between(Computer.late_at, Computer.overdue_at) < clock.up_for
    return and_(Computer.overdue_at < clock.now, or_(Computer.overdue_at <= clock.outage_began, waited_enough))


IS_FAILED: ColumnElement[bool] = or_(
    Computer.last_run_state.in_(("failed", "full")),
    and_(Computer.last_run_state == "abandoned", Computer.previous_run_state == "abandoned"),
)
"""Whether the last ended run failed, or the last two were interrupted."""


# --- when the next backup is expected ------------------------------------------------------------------------------


def expect_next(computer: Computer, plan: Plan) -> None:
    """Set from when on the computer is late and overdue: by its schedule, else by what its plan promises."""
    if computer.last_commit_at is None:
        computer.late_at = computer.overdue_at = None
        return
    expected = expected_interval(computer, plan)
    computer.late_at = computer.last_commit_at + expected
    computer.overdue_at = computer.late_at + grace_of(expected, plan)


def expected_interval(computer: Computer, plan: Plan) -> timedelta:
    """The longest time between two backups that is as it should be."""
    return timedelta(seconds=computer.longest_gap) if computer.longest_gap else timedelta(days=plan.remind_days)


def grace_of(expected: timedelta, plan: Plan) -> timedelta:
    """How late a backup may be before somebody is told: as the plan says, else half of `expected`, 2 to 24 hours."""
    if plan.grace_hours is not None:
        return min(timedelta(hours=plan.grace_hours), LONGEST_GRACE)
    return min(max(expected / 2, LEAST_GRACE), MOST_GRACE)


def holds_back(computer: Computer, now: datetime) -> bool:
    """Whether a person paused or retired this computer, and it still holds."""
    if computer.state != HELD:
        return computer.state != ACTIVE
    return computer.paused_until is None or computer.paused_until > now


# --- for people ----------------------------------------------------------------------------------------------------


def describe(computer: Computer, state: str, now: datetime, sentence: str = "") -> Health:
    """Since when and why the computer is in `state`, which the database gave; `sentence` is its last run's own."""
    if state == RETIRED:
        by = f" by {computer.state_changed_by}" if computer.state_changed_by else ""
        return Health(state, computer.state_changed_at, f"Retired{by}. Its restore points stay.")
    if state == PAUSED:
        return _why_paused(computer, now)
    if state == FAILED:
        return Health(state, computer.failed_since or computer.last_run_at, sentence or _why_failed(computer))
    if state == NOT_SET_UP:
        waited = duration(now - computer.enrolled_at)
        return Health(state, computer.enrolled_at,
                      f"No backup yet, {waited} after it was set up." if waited else "Set up a moment ago.")
    if state in {OVERDUE, LATE}:
        return Health(state, computer.overdue_at if state == OVERDUE else computer.late_at, _why_late(computer, now))
    if state == WARNINGS:
        files = count(computer.last_skipped, "file")
        return Health(state, computer.warned_since or computer.last_commit_at,
                      f"{files} could not be backed up the last time.")
    return Health(state, computer.last_commit_at, "")


def _why_paused(computer: Computer, now: datetime) -> Health:
    account, subscription = computer.account, computer.subscription
    if holds_back(computer, now):
        by = f" by {computer.state_changed_by}" if computer.state_changed_by else ""
        until = f" until {full_date(computer.paused_until.date())}" if computer.paused_until else ""
        return Health(PAUSED, computer.state_changed_at, f"Paused{by}{until}.")
    if not account.accepts_backups:
        by = f" by {account.accept_changed_by}" if account.accept_changed_by else ""
        why = f" (“{account.accept_reason}”)" if account.accept_reason else ""
        return Health(PAUSED, account.accept_changed_at,
                      f"Backups of {account.user_name} were switched off{by}{why}.")
    plan = subscription.plan.name
    words = {
        "suspended": f"The plan {plan} is suspended.",
        "not begun": f"The plan {plan} begins on {full_date(subscription.valid_from)}.",
    }
    return Health(PAUSED, None, words.get(
        subscription.stage(now), f"The plan {plan} expired on {full_date(subscription.valid_until)}."))


def _why_failed(computer: Computer) -> str:
    return {"full": "The storage or the quota is full.", "abandoned": "The last two backups were interrupted."}.get(
        computer.last_run_state, "The last backup failed.")


def _why_late(computer: Computer, now: datetime) -> str:
    assert computer.last_commit_at is not None  # only what was backed up can be late
    assert computer.late_at is not None
    expected = every(computer.late_at - computer.last_commit_at)
    seen = f" Last seen {ago(computer.last_seen_at, now)}." if computer.last_seen_at else ""
    return f"No completed backup for {duration(now - computer.last_commit_at)} (expected {expected}).{seen}"


def every(interval: timedelta) -> str:
    """An interval in the words of a schedule: every hour, daily, every 7 days."""
    words = duration(interval) or "minute"
    return {"1 day": "daily", "1 hour": "hourly"}.get(words, f"every {words.removeprefix('1 ')}")


def result_of(state: str, skipped: int) -> str:
    """A run's result in the words of the pages."""
    return "Completed with warnings" if state == "committed" and skipped else RESULTS[state]
