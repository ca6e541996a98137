"""The list of customers: searched, filtered, sorted and paged by the database."""
from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, func, or_, select

from server.extensions import db
from server.models import Account, Computer, Customer, HardwareIdentifier, Plan, Staff, Subscription, Vault
from server.models.people import label_of
from server.services.fleet.health import GONE, RETIRED, WORST_FIRST, rank_at
from server.services.people.ownership import served_by
from server.services.selling import stages

ROWS_PER_PAGE = 50
NOBODY = "nobody"
NUMBER = re.compile(r"(?:C-)?0*([0-9]{1,9})", re.IGNORECASE | re.ASCII)
MAC = re.compile(r"(?:[0-9a-f]{2}[:.-]?){5}[0-9a-f]{2}", re.IGNORECASE)
SORTS = ("state", "number", "name", "computers", "used", "until")
DEFAULT_SORT = "state"
"""Worst first; a sort with a minus before it is the other way round."""


@dataclass(frozen=True)
class Wanted:
    """What to list: words to search for, filters ("" for all), a sort (see SORTS) and a page, counted from 1."""

    search: str = ""
    state: str = ""
    stage: str = ""
    implementor: str = ""
    sort: str = DEFAULT_SORT
    page: int = 1

    @property
    def is_filtered(self) -> bool:
        """Whether some customers may be left out."""
        return bool(self.search or self.state or self.stage or self.implementor)


@dataclass
class Row:
    """A customer with what the list tells: state of the worst computer ("" without any), computers in use, bytes
    used and granted by subscriptions in force, their plans, and the first of them that ends, with its stage; without
    one in force, the last that ended."""

    label: str
    name: str
    state: str = ""
    computers: int = 0
    used: int = 0
    granted: int = 0
    plans: list[str] = field(default_factory=list)
    until: date | None = None
    stage: str = ""


@dataclass(frozen=True)
class Listing:
    """One page of the list, how many pages there are, and how many customers on all of them."""

    rows: Sequence[Row]
    page: int
    pages: int
    total: int


def list_customers(person: Staff, wanted: Wanted, now: datetime) -> Listing:
    """The page of customers that `person` serves and that are `wanted`; the last page when there are fewer."""
    query = _filtered(person, wanted, now)
    total = db.session.scalar(select(func.count()).select_from(query.subquery())) or 0
    pages = max(1, -(-total // ROWS_PER_PAGE))
    page = min(max(wanted.page, 1), pages)
    ordered = _ordered(query, wanted.sort, now).limit(ROWS_PER_PAGE).offset((page - 1) * ROWS_PER_PAGE)
    keys = db.session.scalars(ordered).all() if total else []
    return Listing(_rows(keys, now) if keys else [], page, pages, total)


def _filtered(person: Staff, wanted: Wanted, now: datetime) -> Select[Any]:
    """The ids of the customers under the filter, in no order."""
    query = select(Customer.id).where(served_by(person))
    if wanted.search:
        query = query.where(or_(*_matches(wanted.search)))
    if wanted.stage:
        query = query.where(Customer.id.in_(
            select(Subscription.customer_id).where(stages.is_in_stage(wanted.stage, now))))
    if wanted.implementor:
        chosen = None if wanted.implementor == NOBODY else int(wanted.implementor)
        query = query.where(Customer.implementor_id == chosen)
    if wanted.state:
        worst = _worst(now).subquery()
        query = query.join(worst, worst.c.customer_id == Customer.id).where(
            worst.c.found == WORST_FIRST.index(wanted.state))
    return query


def _ordered(query: Select[Any], sort: str, now: datetime) -> Select[Any]:
    """The ids in their order. Only these are sorted, and joined with no more than the sum by which."""
    key, descending = sort.removeprefix("-"), sort.startswith("-")
    sums = {"state": _worst, "computers": _computers, "used": _used, "until": _ends}.get(key)
    if sums is None:
        order: Any = func.lower(Customer.name) if key == "name" else Customer.number
    else:
        found = sums(now).subquery()
        query = query.outerjoin(found, found.c.customer_id == Customer.id)
        order = func.coalesce(found.c.found, {"state": len(WORST_FIRST), "until": "9999-12-31"}.get(key, 0))
    return query.order_by(order.desc() if descending else order, Customer.number)


def _matches(search: str) -> list[ColumnElement[bool]]:
    """What a customer may be found by: number, name, e-mail, user name, and its computers' names and identifiers."""
    words = search.lower()
    found = [
        func.lower(column).contains(words, autoescape=True) for column in (Customer.name, Customer.email,
                                                                           func.coalesce(Customer.contact, ""))
    ]
    found.append(Customer.id.in_(
        select(Account.customer_id).where(Account.user_name.contains(search.casefold(), autoescape=True))))
    found.append(Customer.id.in_(select(Computer.customer_id).where(or_(
        func.lower(Computer.name).contains(words, autoescape=True),
        Computer.id.startswith(words, autoescape=True),
    ))))
    found.append(Customer.id.in_(
        select(Computer.customer_id).join(HardwareIdentifier, HardwareIdentifier.computer_id == Computer.id)
        .where(HardwareIdentifier.value.in_(_spellings(search)))))
    number = NUMBER.fullmatch(search)
    if number:
        found.append(Customer.number == int(number[1]))
    return found


def _spellings(search: str) -> set[str]:
    """The ways in which an identifier may be kept: as typed, in capitals or small letters, a MAC with colons."""
    spellings = {search, search.lower(), search.upper()}
    if MAC.fullmatch(search):
        digits = re.sub(r"[^0-9a-f]", "", search.lower())
        spellings |= {":".join(digits[at : at + 2] for at in range(0, 12, 2)), digits}
    return spellings


def _worst(now: datetime) -> Select[Any]:
    """For each customer: the place of its worst computer's state among WORST_FIRST."""
    columns: Any = select(Computer.customer_id, func.min(rank_at(now)).label("found"))
    query: Select[Any] = columns.group_by(Computer.customer_id)
    return query


def _computers(_now: datetime) -> Select[Any]:
    """For each customer: how many computers are in use."""
    columns: Any = select(Computer.customer_id, func.count(func.nullif(Computer.state, GONE)).label("found"))
    query: Select[Any] = columns.group_by(Computer.customer_id)
    return query


def _used(_now: datetime) -> Select[Any]:
    """For each customer: the bytes that its computers have stored."""
    columns: Any = select(Computer.customer_id, func.sum(Vault.stored_bytes).label("found"))
    query: Select[Any] = columns.join(Vault, Vault.id == Computer.vault_id).group_by(Computer.customer_id)
    return query


def _ends(now: datetime) -> Select[Any]:
    """For each customer: when the first of its subscriptions in force ends."""
    columns: Any = select(Subscription.customer_id, func.min(Subscription.valid_until).label("found"))
    query: Select[Any] = columns.where(Subscription.grace_until >= now.date()).group_by(Subscription.customer_id)
    return query


def _rows(keys: Sequence[int], now: datetime) -> list[Row]:
    """What the list tells of these customers, in their order; plain columns, since whole records cost more."""
    names = select(Customer.id, Customer.number, Customer.name).where(Customer.id.in_(keys))
    rows = {key: Row(label_of(number), name) for key, number, name in db.session.execute(names)}
    columns: Any = select(
        Computer.customer_id, func.min(rank_at(now)), func.count(func.nullif(Computer.state, GONE)),
        func.sum(Vault.stored_bytes))
    computers: Select[Any] = columns.join(Vault, Vault.id == Computer.vault_id)
    theirs = computers.where(Computer.customer_id.in_(keys)).group_by(Computer.customer_id)
    for key, place, in_use, used in db.session.execute(theirs):
        rows[key].state = WORST_FIRST[place] if WORST_FIRST[place] != RETIRED else ""
        rows[key].computers, rows[key].used = in_use, int(used)
    bought: Any = select(
        Subscription.customer_id, Plan.name, Subscription.valid_until, Subscription.quota, stages.stage_at(now)
    ).join(Plan, Plan.id == Subscription.plan_id).where(Subscription.customer_id.in_(keys))
    for key, *one in db.session.execute(bought.order_by(Subscription.valid_until, Subscription.id)):
        _add(rows[key], *one)
    return [rows[key] for key in keys]


def _add(row: Row, plan: str, until: date, quota: int, stage: str) -> None:
    """Note a subscription; they come in the order of their ends, and those in force replace what expired before."""
    if row.stage in {"", "expired"}:
        row.plans, row.until, row.granted, row.stage = [plan], until, quota, stage
    elif stage != "expired":
        row.plans.append(plan)
        row.granted += quota
