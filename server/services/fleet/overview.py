"""The staff's first page: how everybody's backups are, and how the portal itself is."""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import Select, bindparam, func, select

from server.extensions import db
from server.models import Computer, Mail, Staff, Storage, Subscription, Vault
from server.models.base import Moment
from server.services.fleet import attention, health, results, uptime
from server.services.fleet.attention import Attention
from server.services.fleet.health import GONE, LATE, LATER, NOT_SET_UP, OVERDUE, PROTECTED, WORST_FIRST
from server.services.fleet.results import DayCount, DayResult
from server.services.people.ownership import ADMINISTRATOR, AnyOf, serves
from server.services.selling import forecast
from server.services.selling.forecast import Forecast
from server.words import ago, count, percent

ROWS_SHOWN = 10
NEARLY_FULL = 95
MAIL_PATIENCE = timedelta(hours=1)
DRAFT = "draft"


_USED = select(Vault.storage_id, func.sum(Vault.stored_bytes).label("used")).group_by(Vault.storage_id).with_hint(
    Vault, "IGNORE INDEX (ix_vault_storage_id)", "mysql").subquery()
_STORAGES = select(
    Storage.name, Storage.capacity, Storage.problem, Storage.problem_since,
    func.coalesce(_USED.c.used, 0).label("used"),
).outerjoin(_USED, _USED.c.storage_id == Storage.id).where(Storage.kind != DRAFT).order_by(Storage.name)
"""The storages and what is used of each. All vaults count, and reading them by an index only takes longer."""


@dataclass(frozen=True)
class Counters:
    """How many computers (without retired ones) there are, and in which states."""

    computers: int
    protected: int
    overdue: int
    not_set_up: int


@dataclass(frozen=True)
class Space:
    """Bytes of all storages: granted, used, and what there is (None: nobody said)."""

    granted: int
    used: int
    capacity: int | None
    forecast: Forecast | None

    @property
    def free(self) -> int | None:
        """What is not used yet."""
        return None if self.capacity is None else max(self.capacity - self.used, 0)


@dataclass(frozen=True)
class Overview:
    """All that the page shows. `strips` are the last 30 days by vault; `space` is for administrators."""

    counters: Counters
    attention: Attention
    strips: dict[int, list[DayResult]]
    fleet: Sequence[DayCount]
    faults: Sequence[str]
    space: Space | None

    @property
    def sentence(self) -> str:
        """What stands above everything else."""
        total = self.attention.total
        if not total:
            return "Nothing needs attention."
        return f"{count(total, 'thing')} {'needs' if total == 1 else 'need'} attention."


def look(person: Staff, now: datetime) -> Overview:
    """The first page of `person`: of everybody for administrators, of assigned customers for implementors."""
    everything = person.role == ADMINISTRATOR
    counters, granted, mails = _count(person, now)
    items = attention.read(person, now, limit=ROWS_SHOWN)
    fleet = results.fleet(person, now)
    faults, space = _storages(granted, fleet, now) if everything else ([], None)
    return Overview(
        counters=counters,
        attention=items,
        strips=results.strips([item.vault_id for item in items.items if item.vault_id is not None], now),
        fleet=fleet,
        faults=[*_faults(mails, now), *faults] if everything else [],
        space=space,
    )


def _count(person: Staff, now: datetime) -> tuple[Counters, int, int]:
    """The counters, the bytes that are granted, and how many e-mails have been waiting for too long; one query."""
    rows = db.session.execute(_counted(person.role), {
        **health.clock_at(now)._asdict(), "person": person.id, "long_ago": now - MAIL_PATIENCE}).all()
    found = {WORST_FIRST[row[0]]: int(row[1]) for row in rows}
    counters = Counters(sum(found.values()), found.get(PROTECTED, 0) + found.get(LATE, 0), found.get(OVERDUE, 0),
                        found.get(NOT_SET_UP, 0))
    return (counters, int(rows[0][2] or 0), int(rows[0][3])) if rows else (counters, 0, 0)


@cache
def _counted(role: str) -> Select[Any]:
    """The states of the computers that staff of that role serve, each with its number and the sums of the portal."""
    granted = select(func.sum(Subscription.quota)).where(Subscription.grace_until >= LATER.today).scalar_subquery()
    mails = select(func.count()).select_from(Mail).where(
        Mail.sent_at.is_(None), Mail.given_up_at.is_(None), Mail.created_at < bindparam("long_ago", type_=Moment()),
        Mail.tries > 0).scalar_subquery()
    query: Select[Any] = select(health.rank_by(LATER).label("rank"), func.count(), granted, mails)
    return query.select_from(Computer).where(
        serves(AnyOf(role), Computer.customer_id), Computer.state != GONE).group_by("rank")


def _faults(mails: int, now: datetime) -> list[str]:
    """What is wrong with the portal itself."""
    found = []
    stopped = uptime.worker_stopped(now)
    if stopped is not None:
        found.append(f"The background work was last heard of {ago(stopped, now)}: no e-mails are sent, no storage is "
                     "checked, and runs that lost their computer stay open. Start “ibs-server worker”.")
    if mails:
        found.append(f"{count(mails, 'e-mail')} could not be sent for an hour and {'is' if mails == 1 else 'are'} "
                     "tried again. Look at Settings, Mail.")
    return found


def _storages(granted: int, fleet: Sequence[DayCount], now: datetime) -> tuple[list[str], Space]:
    """What is wrong with storages, and the space of all of them; one query."""
    rows = db.session.execute(_STORAGES).all()
    faults = []
    for row in rows:
        if row.problem_since is not None:
            faults.append(f"Storage {row.name}: {row.problem} First noticed {ago(row.problem_since, now)}.")
        elif row.capacity and percent(int(row.used), row.capacity) >= NEARLY_FULL:
            faults.append(f"Storage {row.name} is nearly full: {percent(int(row.used), row.capacity)} % are used.")
    total = sum(int(row.used) for row in rows)
    known = [row.capacity for row in rows if row.capacity is not None]
    capacity = sum(known) if rows and len(known) == len(rows) else None
    today = now.astimezone(UTC).date()
    foretold = None
    if capacity:
        added = {day.day: day.stored for day in fleet if day.stored}
        older = fleet[0].day in added
        foretold = forecast.foretell(forecast.levels_from(added, total, today, older=older), capacity, today)
    return faults, Space(granted, total, capacity, foretold)
