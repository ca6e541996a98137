"""Computers as staff see them: the list with its filters, and what states and pages need in one query."""
from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, func, or_, select
from sqlalchemy.orm import contains_eager, load_only

from server.extensions import db
from server.models import (
    Account,
    Computer,
    Customer,
    HardwareIdentifier,
    Plan,
    Run,
    Staff,
    Storage,
    Subscription,
    Vault,
)
from server.services.fleet import health
from server.services.fleet.health import WORST_FIRST, Health, rank_at, with_states
from server.services.people.ownership import LABEL, sentence_for, serves

ROWS_PER_PAGE = 25
SORTS = ("state", "name", "customer", "backup", "stored", "seen")
DEFAULT_SORT = "state"
"""Worst first; a minus before a sort turns it round."""


@dataclass(frozen=True)
class Wanted:
    """What to list: words to search for, and filters ("" and 0 for all).

    `state` is one or several states with commas between; without it, retired computers are left out. `waiting` are
    computers whose changed hardware waits for a decision.
    """

    search: str = ""
    state: str = ""
    customer: str = ""
    plan: int = 0
    storage: int = 0
    waiting: bool = False
    sort: str = DEFAULT_SORT
    page: int = 1

    @property
    def is_filtered(self) -> bool:
        """Whether some computers in use may be left out."""
        return bool(self.search or self.state or self.customer or self.plan or self.storage or self.waiting)


@dataclass(frozen=True)
class Row:
    """A computer in the list: its state with reason, and how many bytes it has stored."""

    computer: Computer
    health: Health
    stored: int


@dataclass(frozen=True)
class Listing:
    """One page of a list, counted from 1, and how much there is in all."""

    rows: Sequence[Any]
    page: int
    pages: int
    total: int


def whole_computers(*columns: Any) -> Select[Any]:
    """Computers with customer, account, subscription and plan in one query, each with the values of `columns`."""
    joined: Select[Any] = with_states(select(Computer, *columns)).join(Customer, Customer.id == Computer.customer_id)
    return joined.options(
        contains_eager(Computer.account),
        contains_eager(Computer.customer),
        contains_eager(Computer.subscription).joinedload(Subscription.plan),
    )


_LEAN = (
    load_only(
        Computer.account_id, Computer.customer_id, Computer.subscription_id, Computer.vault_id, Computer.name,
        Computer.state, Computer.state_changed_by, Computer.state_changed_at, Computer.paused_until,
        Computer.enrolled_at, Computer.last_seen_at, Computer.awaits_approval, Computer.last_commit_at,
        Computer.last_skipped, Computer.last_run_state, Computer.last_run_at, Computer.failed_since,
        Computer.warned_since, Computer.late_at, Computer.overdue_at),
    contains_eager(Computer.account).load_only(
        Account.user_name, Account.accepts_backups, Account.accept_changed_by, Account.accept_changed_at,
        Account.accept_reason),
    contains_eager(Computer.customer).load_only(Customer.name, Customer.number),
    contains_eager(Computer.subscription).load_only(
        Subscription.plan_id, Subscription.valid_from, Subscription.valid_until, Subscription.grace_until,
        Subscription.suspended).joinedload(Subscription.plan).load_only(Plan.name, Plan.grace_days),
)


def lean_computers(*columns: Any) -> Select[Any]:
    """As whole_computers, without what lists do not show; a driver that is written in Python counts every value."""
    joined: Select[Any] = with_states(select(Computer, *columns)).join(Customer, Customer.id == Computer.customer_id)
    return joined.options(*_LEAN)


def list_computers(person: Staff, wanted: Wanted, now: datetime) -> Listing:
    """The page of computers that `person` serves and that are `wanted`; the first page when there is no such one."""
    page = max(wanted.page, 1)
    keys = _page(person, wanted, now, page)
    if not keys and page > 1:
        page, keys = 1, _page(person, wanted, now, 1)
    total = keys[0].total if keys else 0
    query = lean_computers(health.state_at(now), Vault.stored_bytes, Run.code, Run.sentence).join(
        Vault, Vault.id == Computer.vault_id).outerjoin(
        Run, (Run.vault_id == Vault.id) & (Run.run_no == Vault.last_run_no)).where(
        Computer.id.in_([key.id for key in keys]))
    rows = {}
    for computer, word, stored, code, sentence in db.session.execute(query) if keys else ():
        told = sentence_for(person, code or "", sentence or "")
        rows[computer.id] = Row(computer, health.describe(computer, word, now, told), stored)
    return Listing([rows[key.id] for key in keys if key.id in rows], page, max(1, -(-total // ROWS_PER_PAGE)), total)


def _page(person: Staff, wanted: Wanted, now: datetime, page: int) -> Sequence[Any]:
    """The keys of a page in their order, each with the number of all; sorting whole rows would be slow.

    All are counted beside: a window over them would have the database sort them all instead of keeping the first.
    """
    query: Any = select(Computer.id).where(*_conditions(person, wanted, now))
    if wanted.search or wanted.customer or "customer" in wanted.sort:
        query = query.join(Customer, Customer.id == Computer.customer_id)
    if wanted.plan:
        query = query.join(Subscription, Subscription.id == Computer.subscription_id)
    if wanted.storage or "stored" in wanted.sort:
        query = query.join(Vault, Vault.id == Computer.vault_id)
    total = select(func.count()).select_from(query.subquery()).scalar_subquery()
    query = query.add_columns(total.label("total")).order_by(*_order(wanted.sort, now))
    return db.session.execute(query.limit(ROWS_PER_PAGE).offset((page - 1) * ROWS_PER_PAGE)).all()


def read_wanted(given: Wanted) -> Wanted:
    """`given` without what means nothing: an unknown state or sort, a customer number that is none."""
    states = ",".join(state for state in given.state.split(",") if state in WORST_FIRST)
    sort = given.sort if given.sort.removeprefix("-") in SORTS else DEFAULT_SORT
    customer = given.customer if LABEL.fullmatch(given.customer) else ""
    return replace(given, state=states, sort=sort, customer=customer, search=_cleaned(given.search))


def _cleaned(words: str) -> str:
    """Words to search for, without what no name holds."""
    return "".join(sign for sign in words if sign.isprintable()).strip()[:255]


def plans_and_storages() -> tuple[dict[int, str], dict[int, str]]:
    """What an administrator may filter by: the names of plans and storages by their ids."""
    plans = db.session.execute(select(Plan.id, Plan.name).order_by(Plan.name))
    storages = db.session.execute(
        select(Storage.id, Storage.name).where(Storage.id.in_(select(Vault.storage_id))).order_by(Storage.name))
    return {row.id: row.name for row in plans}, {row.id: row.name for row in storages}


def _conditions(person: Staff, wanted: Wanted, now: datetime) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = [serves(person, Computer.customer_id)]
    if wanted.state:
        found.append(health.state_at(now).in_(wanted.state.split(",")))
    elif not wanted.search:
        found.append(Computer.state != health.GONE)
    if wanted.customer:
        label = LABEL.fullmatch(wanted.customer)
        found.append(Customer.number == (int(label[1]) if label else None))
    if wanted.plan:
        found.append(Subscription.plan_id == wanted.plan)
    if wanted.storage:
        found.append(Vault.storage_id == wanted.storage)
    if wanted.waiting:
        found.append(Computer.awaits_approval.is_(True))
    if wanted.search:
        found.append(or_(*_matches(wanted.search)))
    return found


def _matches(search: str) -> list[ColumnElement[bool]]:
    """What a computer may be found by: its name or ID, its customer, a MAC address or a serial number."""
    words = search.lower()
    identifiers = {words, *_spellings(words)}
    found = [
        func.lower(Computer.name).contains(words, autoescape=True),
        Computer.id.startswith(words, autoescape=True),
        func.lower(Customer.name).contains(words, autoescape=True),
        Computer.id.in_(select(HardwareIdentifier.computer_id).where(HardwareIdentifier.value.in_(identifiers))),
    ]
    label = LABEL.fullmatch(search.upper())
    if label:
        found.append(Customer.number == int(label[1]))
    return found


def _spellings(words: str) -> set[str]:
    """A MAC address may be typed with colons, with hyphens, in groups of four, or without anything."""
    digits = re.sub(r"[:.\-]", "", words)
    if not re.fullmatch(r"[0-9a-f]{12}", digits):
        return set()
    return {":".join(digits[at : at + 2] for at in range(0, 12, 2))}


def _order(sort: str, now: datetime) -> list[Any]:
    key, descending = sort.removeprefix("-"), sort.startswith("-")
    first: Any = {
        "state": rank_at(now),
        "name": func.lower(Computer.name),
        "customer": Customer.name,
        "backup": Computer.last_commit_at,
        "stored": Vault.stored_bytes,
        "seen": Computer.last_seen_at,
    }[key]
    return [first.desc() if descending else first, func.lower(Computer.name), Computer.id]

