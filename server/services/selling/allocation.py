"""Space: what was granted, what is used and what is free, by storage, plan and customer."""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, case, func, or_, select, true

from server.extensions import db
from server.models import Computer, Customer, Plan, Storage, Subscription, Vault
from server.services.house.refusals import ValueRefused

RETIRED = "retired"
DRAFT = "draft"
CUSTOMER_SORTS = ("name", "granted", "used", "-granted", "-used", "-name")


@dataclass(frozen=True)
class Figures:
    """Bytes granted by subscriptions that have not expired, bytes stored, and how many there are (None: not known)."""

    granted: int = 0
    used: int = 0
    capacity: int | None = None
    subscriptions: int = 0
    computers: int = 0

    @property
    def free(self) -> int | None:
        """What is not used yet; None when nobody said how much there is."""
        return None if self.capacity is None else max(self.capacity - self.used, 0)

    @property
    def overcommitted(self) -> int:
        """By how much more was granted than there is."""
        return 0 if self.capacity is None else max(self.granted - self.capacity, 0)


@dataclass(frozen=True)
class Share:
    """What a plan or a customer was granted and uses."""

    owner: Plan | Customer
    granted: int
    used: int
    subscriptions: int

    @property
    def free(self) -> int:
        """What was granted and is not used."""
        return max(self.granted - self.used, 0)


@dataclass(frozen=True)
class Outlook:
    """A storage before and after a grant."""

    storage: Storage
    now: Figures
    then: Figures


def storage_figures(now: datetime) -> dict[int, Figures]:
    """The figures of every storage by its id, in three queries."""
    default = select(Storage.id).where(Storage.is_default).order_by(Storage.id).limit(1).scalar_subquery()
    place = func.coalesce(Subscription.storage_id, default).label("place")
    granted = {number: (int(total), count) for number, total, count in db.session.execute(
        select(place, func.sum(Subscription.quota), func.count())
        .where(Subscription.grace_until >= now.date()).group_by(place))}
    used = {number: (int(total), count) for number, total, count in db.session.execute(
        select(Vault.storage_id, func.sum(Vault.stored_bytes), func.count()).group_by(Vault.storage_id))}
    return {
        number: Figures(granted.get(number, (0, 0))[0], used.get(number, (0, 0))[0], capacity,
                        granted.get(number, (0, 0))[1], used.get(number, (0, 0))[1])
        for number, capacity in db.session.execute(select(Storage.id, Storage.capacity).where(Storage.kind != DRAFT))
    }


def figures_of(storage: Storage, now: datetime) -> Figures:
    """The figures of one storage, in one query."""
    its_own = Subscription.storage_id == storage.id
    place = or_(its_own, Subscription.storage_id.is_(None)) if storage.is_default else its_own
    granted = select(func.coalesce(func.sum(Subscription.quota), 0), func.count()).where(
        place, Subscription.grace_until >= now.date()).subquery()
    used = select(func.coalesce(func.sum(Vault.stored_bytes), 0), func.count()).where(
        Vault.storage_id == storage.id).subquery()
    total, subscriptions, stored, computers = db.session.execute(select(granted, used).join(used, true())).one()
    return Figures(int(total), int(stored), storage.capacity, subscriptions, computers)


def outlook(storage: Storage, added: int, now: datetime) -> Outlook:
    """How a storage stands, and how it would stand with `added` bytes granted beside what there is."""
    figures = figures_of(storage, now)
    then = Figures(figures.granted + added, figures.used, figures.capacity, figures.subscriptions, figures.computers)
    return Outlook(storage, figures, then)


def storage_of(subscription: Subscription) -> Storage | None:
    """Where new vaults of a subscription go: its own storage, else the default one, if there is any."""
    return subscription.storage or find_default()


def find_default() -> Storage | None:
    """The default storage, if there is any."""
    found: Storage | None = db.session.scalar(select(Storage).where(Storage.is_default).order_by(Storage.id))
    return found


def used_by(subscriptions: Sequence[Subscription]) -> dict[int, tuple[int, int]]:
    """By the subscriptions' ids: bytes stored, and how many computers use a place (retired ones don't)."""
    rows = db.session.execute(
        select(Computer.subscription_id, func.sum(Vault.stored_bytes),
               func.sum(case((Computer.state != RETIRED, 1), else_=0)))
        .join(Vault, Vault.id == Computer.vault_id)
        .where(Computer.subscription_id.in_([subscription.id for subscription in subscriptions]))
        .group_by(Computer.subscription_id))
    found = {number: (int(used or 0), int(count or 0)) for number, used, count in rows}
    return {subscription.id: found.get(subscription.id, (0, 0)) for subscription in subscriptions}


def shares_of_plans(now: datetime) -> list[Share]:
    """What was granted with each plan and is used, the largest grant first."""
    granted, used, number = _sums(now)
    rows = db.session.execute(
        select(Plan, granted, used, number).outerjoin(Subscription, Subscription.plan_id == Plan.id)
        .group_by(Plan.id).order_by(granted.desc(), Plan.name))
    return [Share(plan, int(granted), int(used), int(number)) for plan, granted, used, number in rows]


def _sums(now: datetime) -> tuple[ColumnElement[int], ColumnElement[int], ColumnElement[int]]:
    """Of several subscriptions: the bytes that those in force grant, the bytes stored, how many are in force."""
    in_force = Subscription.grace_until >= now.date()
    parts = (case((in_force, Subscription.quota), else_=0), Subscription.stored_bytes, case((in_force, 1), else_=0))
    granted, used, number = (func.coalesce(func.sum(part), 0) for part in parts)
    return granted, used, number


def shares_of_customers(now: datetime, sort: str, limit: int, offset: int) -> list[Share]:
    """What each customer was granted and uses; `sort` is one of CUSTOMER_SORTS. Raises ValueRefused."""
    query = customer_shares(now, sort).limit(limit).offset(offset)
    return [Share(customer, int(granted or 0), int(used or 0), int(count or 0))
            for customer, granted, used, count in db.session.execute(query)]


def customer_shares(now: datetime, sort: str = "name") -> Select[Any]:
    """The query for customers with granted and used bytes and their subscriptions in force. Raises ValueRefused."""
    if sort not in CUSTOMER_SORTS:
        raise ValueRefused(field="order", reason="it is none that the list offers")
    granted, used, number = _sums(now)
    sums = select(
        Subscription.customer_id, granted.label("granted"), used.label("used"), number.label("number"),
    ).group_by(Subscription.customer_id).subquery()
    columns: dict[str, Any] = {
        "name": Customer.name, "granted": func.coalesce(sums.c.granted, 0), "used": func.coalesce(sums.c.used, 0)}
    key = columns[sort.removeprefix("-")]
    return (
        select(Customer, sums.c.granted, sums.c.used, sums.c.number)
        .outerjoin(sums, sums.c.customer_id == Customer.id)
        .order_by(key.desc() if sort.startswith("-") else key, Customer.id))


def count_customers() -> int:
    """How many customers there are."""
    return db.session.scalar(select(func.count(Customer.id))) or 0
