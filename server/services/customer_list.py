"""The list of customers: searched, filtered, sorted and paged by the database."""
from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, Subquery, func, or_, select
from sqlalchemy.orm import joinedload

from server.extensions import db
from server.models import Account, Computer, Customer, HardwareIdentifier, Staff, Subscription, Vault
from server.services import stages
from server.services.health import GONE, RETIRED, WORST_FIRST, rank_of, state_at, with_states
from server.services.ownership import served_by

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
    used and granted by subscriptions in force, and those; without one in force, the last that ended."""

    customer: Customer
    state: str = ""
    computers: int = 0
    used: int = 0
    granted: int = 0
    subscriptions: list[Subscription] = field(default_factory=list)


@dataclass(frozen=True)
class Listing:
    """One page of the list, how many pages there are, and how many customers on all of them."""

    rows: Sequence[Row]
    page: int
    pages: int
    total: int


def list_customers(person: Staff, wanted: Wanted, now: datetime) -> Listing:
    """The page of customers that `person` serves and that are `wanted`; the last page when there are fewer."""
    found = _page(person, wanted, now, wanted.page)
    if not found and wanted.page > 1:
        total = len(db.session.execute(_query(person, wanted, now)).all())
        last = max(1, -(-total // ROWS_PER_PAGE))
        found = _page(person, wanted, now, last) if total else []
        wanted = Wanted(**{**vars(wanted), "page": last})
    total = found[0][1] if found else 0
    rows = _filled([customer for customer, _ in found], now)
    return Listing(rows, wanted.page if rows else 1, max(1, -(-total // ROWS_PER_PAGE)), total)


def _page(person: Staff, wanted: Wanted, now: datetime, page: int) -> list[Any]:
    query = _query(person, wanted, now).add_columns(func.count().over())
    return list(db.session.execute(query.limit(ROWS_PER_PAGE).offset((max(page, 1) - 1) * ROWS_PER_PAGE)).all())


def _query(person: Staff, wanted: Wanted, now: datetime) -> Select[Any]:
    """Customers under the filter in their order; joined with sums of all computers only where these matter."""
    query = select(Customer).where(served_by(person))
    if wanted.search:
        query = query.where(or_(*_matches(wanted.search)))
    if wanted.stage:
        query = query.where(Customer.id.in_(
            select(Subscription.customer_id).where(stages.is_in_stage(wanted.stage, now))))
    if wanted.implementor:
        chosen = None if wanted.implementor == NOBODY else int(wanted.implementor)
        query = query.where(Customer.implementor_id == chosen)
    order: Any
    key, descending = wanted.sort.removeprefix("-"), wanted.sort.startswith("-")
    if wanted.state or key in {"state", "computers", "used"}:
        sums = _computer_sums(now).subquery()
        query = query.outerjoin(sums, sums.c.customer_id == Customer.id)
        if wanted.state:
            query = query.where(sums.c.rank == WORST_FIRST.index(wanted.state))
    else:
        sums = None
    if key == "until":
        ends = _ends(now)
        query = query.outerjoin(ends, ends.c.customer_id == Customer.id)
        order = func.coalesce(ends.c.until, "9999-12-31")
    elif sums is not None and key in {"state", "computers", "used"}:
        order = {
            "state": func.coalesce(sums.c.rank, len(WORST_FIRST)),
            "computers": func.coalesce(sums.c.computers, 0),
            "used": func.coalesce(sums.c.used, 0),
        }[key]
    else:
        order = func.lower(Customer.name) if key == "name" else Customer.number
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


def _computer_sums(now: datetime, *conditions: ColumnElement[bool]) -> Select[Any]:
    """For each customer: the worst state's rank, computers in use, and bytes used by all."""
    columns: Any = select(
        Computer.customer_id,
        func.min(rank_of(state_at(now))).label("rank"),
        func.count(func.nullif(Computer.state, GONE)).label("computers"),
        func.sum(Vault.stored_bytes).label("used"),
    )
    joined: Select[Any] = with_states(columns.join(Vault, Vault.id == Computer.vault_id))
    return joined.where(*conditions).group_by(Computer.customer_id)


def _ends(now: datetime) -> Subquery:
    """For each customer: when the first of its subscriptions in force ends."""
    return select(Subscription.customer_id, func.min(Subscription.valid_until).label("until")).where(
        Subscription.grace_until >= now.date()).group_by(Subscription.customer_id).subquery()


def _filled(customers: Sequence[Customer], now: datetime) -> list[Row]:
    rows = {customer.id: Row(customer) for customer in customers}
    if not rows:
        return []
    for customer_id, rank, computers, used in db.session.execute(
            _computer_sums(now, Computer.customer_id.in_(rows))).all():
        row = rows[customer_id]
        row.state = WORST_FIRST[rank] if WORST_FIRST[rank] != RETIRED else ""
        row.computers, row.used = computers, int(used)
    bought = select(Subscription).where(Subscription.customer_id.in_(rows)).options(joinedload(Subscription.plan))
    ended: dict[int, Subscription] = {}
    for one in db.session.scalars(bought.order_by(Subscription.valid_until, Subscription.id)):
        if one.grace_until >= now.date():
            rows[one.customer_id].subscriptions.append(one)
            rows[one.customer_id].granted += one.quota
        else:
            ended[one.customer_id] = one
    for customer_id, last in ended.items():
        if not rows[customer_id].subscriptions:
            rows[customer_id].subscriptions = [last]
            rows[customer_id].granted = last.quota
    return list(rows.values())
