"""What needs a person: computers, subscriptions and accounts in one list, worst first, paged by the database."""
from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Date,
    Integer,
    Select,
    String,
    and_,
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
from sqlalchemy.orm import joinedload

from server.extensions import db
from server.models import Account, Computer, Hardware, Run, Staff, Subscription, Vault
from server.models.base import Moment
from server.services.fleet import health
from server.services.fleet.computers import lean_computers
from server.services.fleet.health import GONE, PAUSED
from server.services.people.ownership import sentence_for, serves
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
    everything = union_all(
        _computers(person, now), _subscriptions(person, now), _accounts(person, now)).subquery()
    columns = everything.c
    query = select(everything, func.count().over().label("total")).order_by(
        columns.rank, columns.day, columns.moment, columns.computer_id, columns.record_id)
    rows = db.session.execute(query.limit(limit).offset(offset)).all()
    makers = _load_computers(person, {row.computer_id for row in rows} - {None}, now)
    makers |= _load_subscriptions({row.record_id for row in rows if not row.computer_id and row.rank != IS_OFF}, now)
    makers |= _load_accounts({row.record_id for row in rows if row.rank == IS_OFF})
    items = [makers[key](row.rank) for row in rows if (key := _key(row)) in makers]
    return Attention(items, rows[0].total if rows else 0)


# --- the three kinds, as narrow rows of the same columns: the database sorts them all --------------------------------


def _computers(person: Staff, now: datetime) -> Select[Any]:
    """Computers, each with its worst reason."""
    failed = func.coalesce(Computer.failed_since, Computer.last_run_at)
    warned = func.coalesce(Computer.warned_since, Computer.last_commit_at)
    warns = and_(Computer.last_skipped > 0, warned < now - PATIENCE)
    is_new = and_(Computer.last_commit_at.is_(None), Computer.enrolled_at < now - PATIENCE)
    overdue = and_(Computer.last_commit_at.is_not(None), health.is_overdue_at(now))
    rank = case((health.IS_FAILED, IS_FAILED), (overdue, IS_OVERDUE), (Computer.awaits_approval, IS_CHANGED),
                (warns, WARNS), (is_new, IS_NOT_SET_UP))
    moment = case((health.IS_FAILED, failed), (overdue, Computer.overdue_at), (warns, warned),
                  else_=Computer.enrolled_at)
    return _row(rank, computer_id=Computer.id, moment=moment).where(
        serves(person, Computer.customer_id), Computer.state != GONE,
        or_(health.IS_FAILED, overdue, Computer.awaits_approval, warns, is_new),
        not_(health.is_paused_at(now)))  # last, as it costs most


def _subscriptions(person: Staff, now: datetime) -> Select[Any]:
    today = now.date()
    rank = case(
        (Subscription.stored_bytes * 100 >= Subscription.quota * NEARLY_FULL, IS_FULL),
        (Subscription.valid_until < today, IS_IN_GRACE),
        (Subscription.valid_until <= today + ENDS_SOON, ENDS),
    )
    return _row(rank, record_id=Subscription.id, day=Subscription.valid_until).where(
        serves(person, Subscription.customer_id), rank.is_not(None), Subscription.suspended.is_(False),
        Subscription.valid_from <= today, Subscription.grace_until >= today)


def _accounts(person: Staff, now: datetime) -> Select[Any]:
    in_use = select(Computer.id).where(Computer.account_id == Account.id, Computer.state != GONE).exists()
    return _row(literal(IS_OFF), record_id=Account.id, moment=Account.accept_changed_at).where(
        serves(person, Account.customer_id), Account.accepts_backups.is_(False), Account.closed.is_(False),
        in_use, or_(Account.accept_changed_at.is_(None), Account.accept_changed_at < now - LONG_OFF))


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


def _load_computers(person: Staff, ids: Collection[str], now: datetime) -> Makers:
    reported = select(func.max(Hardware.received_at)).where(Hardware.computer_id == Computer.id).scalar_subquery()
    query = lean_computers(health.state_at(now), Vault.last_run_no, Vault.last_commit_run, Run.code, Run.sentence,
                           reported)
    query = query.join(Vault, Vault.id == Computer.vault_id).outerjoin(
        Run, (Run.vault_id == Vault.id) & (Run.run_no == Vault.last_run_no)).where(Computer.id.in_(ids))
    return {("computer", computer.id): partial(_of_computer, person, computer, now, *facts)
            for computer, *facts in (db.session.execute(query) if ids else ())}


def _load_subscriptions(numbers: Collection[int], now: datetime) -> Makers:
    query = select(Subscription).where(Subscription.id.in_(numbers)).options(
        joinedload(Subscription.customer), joinedload(Subscription.plan))
    return {("subscription", one.id): partial(_of_subscription, one, now)
            for one in (db.session.scalars(query) if numbers else ())}


def _load_accounts(numbers: Collection[int]) -> Makers:
    query = select(Account).where(Account.id.in_(numbers)).options(joinedload(Account.customer))
    return {("account", one.id): partial(_of_account, one) for one in (db.session.scalars(query) if numbers else ())}


def _of_computer(person: Staff, computer: Computer, now: datetime, state: str, last_run: int, last_commit: int | None,
                 code: str | None, sentence: str | None, reported: datetime | None, rank: int) -> Item:
    told = health.describe(computer, state, now, sentence_for(person, code or "", sentence or ""))
    known: dict[str, object] = {"computer_id": computer.id}
    ask = Ask("Open", "computers.page", known)
    word, since, reason = told.state, told.since, told.reason
    if rank == IS_CHANGED:
        ask = Ask("Decide", "computers.hardware", known)
        word, since, reason = "Awaits approval", reported, "Its hardware changed; no backup is made until you decide."
    elif rank == IS_FAILED and last_run:
        ask = Ask("See the run", "runs.page", {**known, "number": last_run})
    elif rank == WARNS and last_commit:
        ask = Ask("See the run", "runs.page", {**known, "number": last_commit})
    customer = computer.customer
    return Item(customer.name, customer.number, computer.name, word, since, reason, ask, computer.vault_id)


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
