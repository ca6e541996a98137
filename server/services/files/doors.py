"""The two doors to a customer's files: by date over all computers, and by plan, account and computer."""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from itertools import groupby
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, func, select

from server.extensions import db
from server.models import Account, Computer, Customer, Plan, Subscription
from server.services.files.restore_points import Month, month_of

COMPUTERS_PER_PAGE = 50


class Box(NamedTuple):
    """A computer as the way to its files shows it."""

    id: str
    name: str
    vault_id: int
    state: str
    restore_points: int
    last_commit_at: datetime | None
    user_name: str
    subscription_id: int
    plan: str
    valid_until: date


@dataclass(frozen=True)
class ByDate:
    """A month over all computers, None without restore points; `computers` are known by their vaults."""

    month: Month | None
    computers: dict[int, Box]


@dataclass(frozen=True)
class ByPlan:
    """Subscriptions with their accounts with their computers, one page of them; `total` counts the computers."""

    plans: list[tuple[Box, list[tuple[str, list[Box]]]]]
    total: int
    page: int
    pages: int


def computers_of(who: Account | Customer) -> ColumnElement[bool]:
    """The condition on Computer for the computers of a customer, or for those that an account may see."""
    if isinstance(who, Customer):
        return Computer.customer_id == who.id
    return Computer.customer_id == who.customer_id if who.is_owner else Computer.account_id == who.id


def by_date(who: Account | Customer, zone: tzinfo, asked: str) -> ByDate:
    """The calendar of all computers; `asked` as in restore_points.month_of."""
    boxes = {box.vault_id: box for box in map(_box, db.session.execute(_boxes(computers_of(who))))}
    return ByDate(month_of(list(boxes), zone, asked) if boxes else None, boxes)


def by_plan(who: Account | Customer, page: int) -> ByPlan:
    """The computers by subscription and account; the nearest page when there is no such one."""
    mine = computers_of(who)
    total = db.session.scalar(select(func.count()).select_from(Computer).where(mine)) or 0
    pages = max(1, -(-total // COMPUTERS_PER_PAGE))
    page = min(max(page, 1), pages)
    rows = db.session.execute(
        _boxes(mine).order_by(Plan.name, Subscription.id, Account.user_name, Computer.name)
        .limit(COMPUTERS_PER_PAGE).offset((page - 1) * COMPUTERS_PER_PAGE))
    return ByPlan(_grouped([_box(row) for row in rows]), total, page, pages)


def _boxes(condition: ColumnElement[bool]) -> Select[*tuple[Any, ...]]:
    columns: tuple[Any, ...] = (
        Computer.id, Computer.name, Computer.vault_id, Computer.state, Computer.restore_points,
        Computer.last_commit_at, Account.user_name, Subscription.id, Plan.name, Subscription.valid_until,
    )
    return (select(*columns).select_from(Computer).join(Account, Account.id == Computer.account_id)
            .join(Subscription, Subscription.id == Computer.subscription_id).join(Plan, Plan.id == Subscription.plan_id)
            .where(condition))


def _box(row: Any) -> Box:
    return Box(*row)


def _grouped(boxes: Sequence[Box]) -> list[tuple[Box, list[tuple[str, list[Box]]]]]:
    plans = []
    for _, of_plan in groupby(boxes, key=_subscription):
        listed = list(of_plan)
        plans.append((listed[0], [(name, list(own)) for name, own in groupby(listed, key=_account)]))
    return plans


def _subscription(box: Box) -> int:
    return box.subscription_id


def _account(box: Box) -> str:
    return box.user_name
