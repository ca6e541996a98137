"""What needs a person: computers, subscriptions and accounts in one list, worst first, paged by the database."""
from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache, partial
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Date,
    Integer,
    Select,
    String,
    and_,
    bindparam,
    case,
    func,
    literal,
    not_,
    null,
    or_,
    select,
    type_coerce,
    union_all,
)
from sqlalchemy.orm import joinedload, load_only

from server.extensions import db
from server.models import Account, Computer, Customer, Hardware, Run, Staff, Subscription, Vault
from server.models.base import Moment
from server.services.fleet import health
from server.services.fleet.health import GONE, LATER, PAUSED
from server.services.people.ownership import AnyOf, sentence_for, serves
from server.words import count, full_date, percent, size

PATIENCE = timedelta(days=3)
"""So long may a computer warn, or be not set up, before somebody looks at it."""
LONG_OFF = timedelta(days=7)
ENDS_SOON = timedelta(days=7)
NEARLY_FULL = 95
(IS_FAILED, IS_OVERDUE, IS_CHANGED, IS_FULL, IS_IN_GRACE, ENDS, WARNS, IS_NOT_SET_UP, IS_OFF) = range(9)
"""The reasons, worst first."""


class Ask(NamedTuple):
    """What a person can do about it: a label, the page's endpoint, and the words of its address."""

    label: str
    endpoint: str
    values: dict[str, object]


@dataclass(frozen=True)
class Item:
    """Something that needs a person. `vault_id` is that of a computer, None for anything else."""

    customer: str
    customer_number: int
    title: str
    state: str
    since: datetime | None
    reason: str
    ask: Ask
    vault_id: int | None = None

    @property
    def label(self) -> str:
        """The customer number as people see it."""
        return f"C-{self.customer_number:06d}"


@dataclass(frozen=True)
class Attention:
    """A page of what needs a person, and how much there is in all."""

    items: Sequence[Item]
    total: int


Makers = dict[tuple[str, Any], Callable[[int], Item]]
"""What makes an item of a row, given its reason."""


def read(person: Staff, now: datetime, *, limit: int, offset: int = 0) -> Attention:
    """From the `offset`th item on, at most `limit`, of what `person` serves; at most four queries."""
    rows = db.session.execute(_everything(person.role), {
        **health.clock_at(now)._asdict(), "person": person.id, "limit": limit, "offset": offset,
        "patient_since": now - PATIENCE, "off_since": now - LONG_OFF, "soon": now.date() + ENDS_SOON,
    }).all()
    makers = _load_computers(person, {row.computer_id for row in rows} - {None}, now)
    makers |= _load_subscriptions({row.record_id for row in rows if not row.computer_id and row.rank != IS_OFF}, now)
    makers |= _load_accounts({row.record_id for row in rows if row.rank == IS_OFF})
    items = [makers[key](row.rank) for row in rows if (key := _key(row)) in makers]
    return Attention(items, rows[0].total if rows else 0)


# --- the three kinds, as narrow rows of the same columns: the database sorts them all --------------------------------


@cache
def _everything(role: str) -> Select[Any]:
    """What staff of that role are to look at. Made once, since making it takes as long as the database does."""
    person = AnyOf(role)
    kinds = union_all(_computers(person), _subscriptions(person), _accounts(person)).subquery()
    columns = kinds.c
    query = select(kinds, func.count().over().label("total")).order_by(
        columns.rank, columns.day, columns.moment, columns.computer_id, columns.record_id)
    return query.limit(bindparam("limit", type_=Integer())).offset(bindparam("offset", type_=Integer()))


def _computers(person: AnyOf) -> Select[Any]:
    """Computers, each with its worst reason."""
    patient_since = bindparam("patient_since", type_=Moment())
    failed = func.coalesce(Computer.failed_since, Computer.last_run_at)
    warned = func.coalesce(Computer.warned_since, Computer.last_commit_at)
    warns = and_(Computer.last_skipped > 0, warned < patient_since)
    is_new = and_(Computer.last_commit_at.is_(None), Computer.enrolled_at < patient_since)
    overdue = and_(Computer.last_commit_at.is_not(None), health.is_overdue(LATER))
    rank = case((health.IS_FAILED, IS_FAILED), (overdue, IS_OVERDUE), (Computer.awaits_approval, IS_CHANGED),
                (warns, WARNS), (is_new, IS_NOT_SET_UP))
    moment = case((health.IS_FAILED, failed), (overdue, Computer.overdue_at), (warns, warned),
                  else_=Computer.enrolled_at)
    return _row(rank, computer_id=Computer.id, moment=moment).where(
        serves(person, Computer.customer_id), Computer.state != GONE,
        or_(health.IS_FAILED, overdue, Computer.awaits_approval, warns, is_new),
        not_(health.is_paused(LATER)))  # last, as it costs most


def _subscriptions(person: AnyOf) -> Select[Any]:
    rank = case(
        (Subscription.stored_bytes * 100 >= Subscription.quota * NEARLY_FULL, IS_FULL),
        (Subscription.valid_until < LATER.today, IS_IN_GRACE),
        (Subscription.valid_until <= bindparam("soon", type_=Date()), ENDS),
    )
    return _row(rank, record_id=Subscription.id, day=Subscription.valid_until).where(
        serves(person, Subscription.customer_id), rank.is_not(None), Subscription.suspended.is_(False),
        Subscription.valid_from <= LATER.today, Subscription.grace_until >= LATER.today)


def _accounts(person: AnyOf) -> Select[Any]:
    in_use = select(Computer.id).where(Computer.account_id == Account.id, Computer.state != GONE).exists()
    off_since = bindparam("off_since", type_=Moment())
    return _row(literal(IS_OFF), record_id=Account.id, moment=Account.accept_changed_at).where(
        serves(person, Account.customer_id), Account.accepts_backups.is_(False), Account.closed.is_(False),
        in_use, or_(Account.accept_changed_at.is_(None), Account.accept_changed_at < off_since))


def _row(rank: ColumnElement[Any], **more: Any) -> Select[Any]:
    """The columns that all kinds have; those not in `more` are empty."""
    kinds: dict[str, Any] = {"computer_id": String(36), "record_id": Integer(), "moment": Moment(), "day": Date()}
    rest = [type_coerce(more.get(name, null()), kind).label(name) for name, kind in kinds.items()]
    return select(rank.label("rank"), *rest)


def _key(row: Any) -> tuple[str, object]:
    if row.computer_id:
        return "computer", row.computer_id
    return "account" if row.rank == IS_OFF else "subscription", row.record_id


# --- in words --------------------------------------------------------------------------------------------------------


_TOLD = select(
    Computer, Customer.name.label("customer"), Customer.number, Vault.last_run_no, Vault.last_commit_run, Run.code,
    Run.sentence, select(func.max(Hardware.received_at)).where(
        Hardware.computer_id == Computer.id).scalar_subquery().label("reported"),
).join(Customer, Customer.id == Computer.customer_id).join(Vault, Vault.id == Computer.vault_id).outerjoin(
    Run, (Run.vault_id == Vault.id) & (Run.run_no == Vault.last_run_no),
).where(Computer.id.in_(bindparam("ids", expanding=True))).options(load_only(
    Computer.name, Computer.vault_id, Computer.enrolled_at, Computer.last_seen_at, Computer.last_commit_at,
    Computer.last_skipped, Computer.last_run_state, Computer.last_run_at, Computer.failed_since, Computer.warned_since,
    Computer.late_at, Computer.overdue_at))
"""Computers with what their reasons are told from."""
_STATES = {IS_FAILED: health.FAILED, IS_OVERDUE: health.OVERDUE, WARNS: health.WARNINGS,
           IS_NOT_SET_UP: health.NOT_SET_UP}


def _load_computers(person: Staff, ids: Collection[str], now: datetime) -> Makers:
    return {("computer", row.Computer.id): partial(_of_computer, person, row, now)
            for row in (db.session.execute(_TOLD, {"ids": list(ids)}) if ids else ())}


def _load_subscriptions(numbers: Collection[int], now: datetime) -> Makers:
    query = select(Subscription).where(Subscription.id.in_(numbers)).options(
        joinedload(Subscription.customer), joinedload(Subscription.plan))
    return {("subscription", one.id): partial(_of_subscription, one, now)
            for one in (db.session.scalars(query) if numbers else ())}


def _load_accounts(numbers: Collection[int]) -> Makers:
    query = select(Account).where(Account.id.in_(numbers)).options(joinedload(Account.customer))
    return {("account", one.id): partial(_of_account, one) for one in (db.session.scalars(query) if numbers else ())}


def _of_computer(person: Staff, row: Any, now: datetime, rank: int) -> Item:
    computer, whose = row.Computer, (row.customer, row.number, row.Computer.name)
    known: dict[str, object] = {"computer_id": computer.id}
    if rank == IS_CHANGED:
        reason = "Its hardware changed; no backup is made until you decide."
        return Item(*whose, "Awaits approval", row.reported, reason, Ask("Decide", "computers.hardware", known),
                    computer.vault_id)
    told = health.describe(computer, _STATES[rank], now, sentence_for(person, row.code or "", row.sentence or ""))
    ask = Ask("Open", "computers.page", known)
    if rank == IS_FAILED and row.last_run_no:
        ask = Ask("See the run", "runs.page", {**known, "number": row.last_run_no})
    elif rank == WARNS and row.last_commit_run:
        ask = Ask("See the run", "runs.page", {**known, "number": row.last_commit_run})
    return Item(*whose, told.state, told.since, told.reason, ask, computer.vault_id)


def _of_account(account: Account, _rank: int) -> Item:
    by = f" by {account.accept_changed_by}" if account.accept_changed_by else ""
    why = f" (“{account.accept_reason}”)" if account.accept_reason else ""
    return Item(account.customer.name, account.customer.number, account.user_name, PAUSED, account.accept_changed_at,
                f"Backups were switched off{by}{why}.", Ask("Open", "accounts.page", {"account_id": account.id}))


def _of_subscription(bought: Subscription, now: datetime, rank: int) -> Item:
    ask = Ask("Renew", "subscriptions.page", {"subscription_id": bought.id})
    customer, title, last = bought.customer, f"Plan {bought.plan.name}", bought.valid_until
    if rank == IS_FULL:
        used = bought.stored_bytes
        words = f"{size(used)} of {size(bought.quota)} are used ({percent(used, bought.quota)} %)."
        word = "Storage full" if used >= bought.quota else "Nearly full"
        return Item(customer.name, customer.number, title, word, None, words, Ask("Give more", *ask[1:]))
    if rank == IS_IN_GRACE:
        return Item(customer.name, customer.number, title, "Grace", _midnight(last + timedelta(days=1)),
                    f"It ended on {full_date(last)}; backups go on for the days of grace only.", ask)
    left = (last - now.date()).days
    when = f"in {count(left, 'day')}" if left else "today"
    return Item(customer.name, customer.number, title, "Expiring", None, f"It ends on {full_date(last)}, {when}.", ask)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
