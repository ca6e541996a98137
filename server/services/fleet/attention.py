"""What needs a person: computers, subscriptions and accounts in one list, worst first, paged by the database."""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
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

from server.extensions import db
from server.models import Account, Computer, Customer, Hardware, Plan, Run, Staff, Subscription, Vault
from server.models.base import Moment, large_number
from server.services.fleet import health
from server.services.fleet.computers import lean_computers, serves
from server.services.fleet.health import GONE, PAUSED
from server.services.people.ownership import sentence_for, served_by
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


def read(person: Staff, now: datetime, *, limit: int, offset: int = 0) -> Attention:
    """From the `offset`th item on, at most `limit`, of what `person` serves; two queries."""
    everything = union_all(
        _computers(person, now), _subscriptions(person, now), _accounts(person, now)).subquery()
    columns = everything.c
    query = select(everything, func.count().over().label("total")).order_by(
        columns.rank, columns.day, columns.moment, columns.title, columns.computer_id)
    rows = db.session.execute(query.limit(limit).offset(offset)).all()
    computers = _load(person, [row.computer_id for row in rows if row.computer_id is not None], now)
    items = [computers[row.computer_id](row) if row.computer_id else _told(row, now) for row in rows
             if not row.computer_id or row.computer_id in computers]
    return Attention(items, rows[0].total if rows else 0)


# --- the three kinds, as rows of the same columns ------------------------------------------------------------------


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
    query = _row(rank, Customer.name, Customer.number, Computer.name, computer_id=Computer.id, moment=moment)
    first = query.select_from(Computer).prefix_with("STRAIGHT_JOIN", dialect="mysql")  # most rows need no customer
    return _with_customers(first, Computer.customer_id).where(
        serves(person), Computer.state != GONE, not_(health.is_paused_at(now)),
        or_(health.IS_FAILED, overdue, Computer.awaits_approval, warns, is_new))


def _subscriptions(person: Staff, now: datetime) -> Select[Any]:
    today = now.date()
    sums = select(Computer.subscription_id, func.sum(Vault.stored_bytes).label("used")).join(
        Vault, Vault.id == Computer.vault_id).group_by(Computer.subscription_id).subquery()
    used = func.coalesce(sums.c.used, 0)
    rank = case(
        (used * 100 >= Subscription.quota * NEARLY_FULL, IS_FULL),
        (Subscription.valid_until < today, IS_IN_GRACE),
        (Subscription.valid_until <= today + ENDS_SOON, ENDS),
    )
    query = _row(rank, Customer.name, Customer.number, Plan.name, record_id=Subscription.id, quota=Subscription.quota,
                 used=used, day=Subscription.valid_until)
    return _with_customers(query.select_from(Subscription), Subscription.customer_id).join(
        Plan, Plan.id == Subscription.plan_id).outerjoin(sums, sums.c.subscription_id == Subscription.id).where(
        served_by(person), rank.is_not(None), Subscription.suspended.is_(False), Subscription.valid_from <= today,
        Subscription.grace_until >= today)


def _accounts(person: Staff, now: datetime) -> Select[Any]:
    in_use = select(Computer.id).where(Computer.account_id == Account.id, Computer.state != GONE).exists()
    query = _row(literal(IS_OFF), Customer.name, Customer.number, Account.user_name, record_id=Account.id,
                 by=Account.accept_changed_by, why=Account.accept_reason, moment=Account.accept_changed_at)
    return _with_customers(query.select_from(Account), Account.customer_id).where(
        served_by(person), Account.accepts_backups.is_(False), Account.closed.is_(False), in_use,
        or_(Account.accept_changed_at.is_(None), Account.accept_changed_at < now - LONG_OFF))


def _with_customers(query: Select[Any], key: Any) -> Select[Any]:
    joined: Select[Any] = query.join(Customer, Customer.id == key)
    return joined


def _row(rank: ColumnElement[Any], customer: Any, number: Any, title: Any, **more: Any) -> Select[Any]:
    """The columns that all kinds have; those not in `more` are empty."""
    kinds: dict[str, Any] = {
        "computer_id": String(36), "record_id": Integer(), "moment": Moment(), "day": Date(), "quota": large_number(),
        "used": large_number(), "by": String(255), "why": String(255),
    }
    rest = [type_coerce(more.get(name, null()), kind).label(name) for name, kind in kinds.items()]
    return select(rank.label("rank"), customer.label("customer"), number.label("number"), title.label("title"), *rest)


# --- in words --------------------------------------------------------------------------------------------------------


def _load(person: Staff, ids: Sequence[str], now: datetime) -> dict[str, Any]:
    """For each computer, what makes an item of its row."""
    if not ids:
        return {}
    reported = select(func.max(Hardware.received_at)).where(Hardware.computer_id == Computer.id).scalar_subquery()
    query = lean_computers(health.state_at(now), Vault.last_run_no, Vault.last_commit_run, Run.code, Run.sentence,
                           reported)
    query = query.join(Vault, Vault.id == Computer.vault_id).outerjoin(
        Run, (Run.vault_id == Vault.id) & (Run.run_no == Vault.last_run_no)).where(Computer.id.in_(ids))

    def maker(computer: Computer, *facts: Any) -> Any:
        return lambda row: _of_computer(row, person, computer, now, *facts)

    return {row[0].id: maker(*row) for row in db.session.execute(query)}


def _of_computer(row: Any, person: Staff, computer: Computer, now: datetime, state: str, last_run: int,
                 last_commit: int | None, code: str | None, sentence: str | None, reported: datetime | None) -> Item:
    told = health.describe(computer, state, now, sentence_for(person, code or "", sentence or ""))
    known: dict[str, object] = {"computer_id": computer.id}
    ask = Ask("Open", "computers.page", known)
    word, since, reason = told.state, told.since, told.reason
    if row.rank == IS_CHANGED:
        ask = Ask("Decide", "computers.hardware", known)
        word, since, reason = "Awaits approval", reported, "Its hardware changed; no backup is made until you decide."
    elif row.rank == IS_FAILED and last_run:
        ask = Ask("See the run", "runs.page", {**known, "number": last_run})
    elif row.rank == WARNS and last_commit:
        ask = Ask("See the run", "runs.page", {**known, "number": last_commit})
    return Item(row.customer, row.number, computer.name, word, since, reason, ask, computer.vault_id)


def _told(row: Any, now: datetime) -> Item:
    """An item about a subscription or an account."""
    if row.rank == IS_OFF:
        by = f" by {row.by}" if row.by else ""
        why = f" (“{row.why}”)" if row.why else ""
        return Item(row.customer, row.number, row.title, PAUSED, row.moment, f"Backups were switched off{by}{why}.",
                    Ask("Open", "accounts.page", {"account_id": row.record_id}))
    ask = Ask("Renew", "subscriptions.page", {"subscription_id": row.record_id})
    title = f"Plan {row.title}"
    if row.rank == IS_FULL:
        words = f"{size(int(row.used))} of {size(row.quota)} are used ({percent(int(row.used), row.quota)} %)."
        word = "Storage full" if row.used >= row.quota else "Nearly full"
        return Item(row.customer, row.number, title, word, None, words, Ask("Give more", *ask[1:]))
    ended = _midnight(row.day + timedelta(days=1))
    if row.rank == IS_IN_GRACE:
        return Item(row.customer, row.number, title, "Grace", ended,
                    f"It ended on {full_date(row.day)}; backups go on for the days of grace only.", ask)
    left = (row.day - now.date()).days
    when = f"in {count(left, 'day')}" if left else "today"
    return Item(row.customer, row.number, title, "Expiring", None, f"It ends on {full_date(row.day)}, {when}.", ask)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
