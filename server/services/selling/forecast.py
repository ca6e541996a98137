"""When will the space be full? A straight line through what was stored in the last 30 days."""
from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from sqlalchemy import func, literal, null, select, union_all

from server.extensions import db
from server.models import Computer, Run, StorageDay, Subscription, Vault
from server.models.runs import COMMITTED

WINDOW_DAYS = 30
LEAST_DAYS = 7
"""With less than a week of data nothing is foretold."""
FARTHEST_DAYS = 3650


@dataclass(frozen=True)
class Forecast:
    """The space is full in about `days` days, on the day `full_on`, if it goes on as it did."""

    days: int
    full_on: date


def foretell(levels: Sequence[int], limit: int, today: date) -> Forecast | None:
    """The forecast from the bytes that were stored at the end of each day, one after the other, the last one today.

    None with less than a week of data, without growth, when the space is full already, and when it lasts for more
    than ten years.
    """
    count = len(levels)
    if count <= LEAST_DAYS or levels[-1] >= limit:
        return None
    middle, mean = (count - 1) / 2, sum(levels) / count
    growth = sum((day - middle) * (level - mean) for day, level in enumerate(levels))
    growth /= sum((day - middle) ** 2 for day in range(count))
    if growth <= 0:
        return None
    days = (limit - levels[-1]) / growth
    if days > FARTHEST_DAYS:
        return None
    whole = max(1, round(days))
    return Forecast(whole, today + timedelta(days=whole))


def levels_from(added: Mapping[date, int], used: int, today: date, *, older: bool) -> list[int]:
    """The bytes stored at the end of each day of the window, from what each day added and what is `used` now.

    The line begins 30 days ago when there are `older` backups, otherwise with the first day on which one was made:
    a first backup is no growth.
    """
    first = today - timedelta(days=WINDOW_DAYS)
    if not older:
        first = min(added, default=today)
    levels, level = [], used
    for back in range((today - first).days + 1):
        levels.append(max(level, 0))
        level -= added.get(today - timedelta(days=back), 0)
    return levels[::-1]


def of_subscription(subscription: Subscription, used: int, now: datetime) -> Forecast | None:
    """When the quota of a subscription is used up; `used` is what its computers have stored now."""
    return of_subscriptions([subscription], {subscription.id: used}, now)[subscription.id]


def of_subscriptions(
    subscriptions: Iterable[Subscription], used: Mapping[int, int], now: datetime
) -> dict[int, Forecast | None]:
    """As of_subscription for several by their ids, in one query however many they are."""
    today = now.astimezone(UTC).date()
    since = datetime.combine(today - timedelta(days=WINDOW_DAYS - 1), time(), UTC)
    by_id = {subscription.id: subscription for subscription in subscriptions}
    of_these = Computer.subscription_id.in_(by_id)
    days = (
        select(Computer.subscription_id, func.date(Run.finished_at), func.sum(Run.stored))
        .join(Run, Run.vault_id == Computer.vault_id)
        .where(of_these, Run.finished_at >= since, Run.state == COMMITTED)
        .group_by(Computer.subscription_id, func.date(Run.finished_at)))
    with_older = select(Computer.subscription_id, null(), literal(0)).where(of_these, select(Run.vault_id).where(
        Run.vault_id == Computer.vault_id, Run.finished_at < since, Run.state == COMMITTED).exists())
    added: dict[int, dict[date, int]] = {number: {} for number in by_id}
    older = set()
    for number, day, stored in db.session.execute(union_all(days, with_older)):
        if day is None:
            older.add(number)
        else:
            added[number][_as_date(day)] = int(stored)
    return {
        number: foretell(levels_from(added[number], used.get(number, 0), today, older=number in older),
                         subscription.quota, today)
        for number, subscription in by_id.items()
    }


def of_storage(storage_id: int, capacity: int | None, used: int, now: datetime) -> Forecast | None:
    """When a storage of `capacity` bytes is full, by its level at the end of each day; see note_levels."""
    if capacity is None:
        return None
    today = now.astimezone(UTC).date()
    known = dict(db.session.execute(
        select(StorageDay.day, StorageDay.used)
        .where(StorageDay.storage_id == storage_id, StorageDay.day >= today - timedelta(days=WINDOW_DAYS),
               StorageDay.day < today)).all())
    known[today] = used
    levels, level = [], 0
    for offset in range((today - min(known)).days + 1):
        level = known.get(min(known) + timedelta(days=offset), level)  # nothing was noted while the portal was off
        levels.append(level)
    return foretell(levels, capacity, today)


def note_levels(now: datetime) -> None:
    """Note for each storage what it holds at this hour; the last note of a day is that day's level."""
    today = now.astimezone(UTC).date()
    noted = {day.storage_id: day for day in db.session.scalars(select(StorageDay).where(StorageDay.day == today))}
    for storage_id, used in db.session.execute(
        select(Vault.storage_id, func.sum(Vault.stored_bytes)).group_by(Vault.storage_id)
    ).all():
        if storage_id in noted:
            noted[storage_id].used = int(used)
        else:
            db.session.add(StorageDay(storage_id=storage_id, day=today, used=int(used)))
    db.session.commit()


def _as_date(day: date | str) -> date:
    """SQLite tells the date of a moment as a text."""
    return date.fromisoformat(day) if isinstance(day, str) else day
