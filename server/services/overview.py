"""What first screens show: every computer with its state, its last backup and its last run, worst first."""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Integer, Select, cast, func, select
from sqlalchemy.orm import joinedload

from server.extensions import db
from server.models import Account, Computer, Customer, Run, Subscription, Vault
from server.models.runs import COMMITTED, OPEN
from server.services.health import FAILED, OVERDUE, PAUSED, PROTECTED, WORST_FIRST, Facts, result_of, state_of

LOOKED_AT = 3
"""Runs of a vault that its state can depend on: an open one and the two before it."""


@dataclass(frozen=True)
class Card:
    """A computer as a first screen shows it."""

    computer: Computer
    state: str
    last_commit: Run | None
    last_run: Run | None
    points: int

    @property
    def last_result(self) -> str:
        """The last run's result in words; "" when nothing has run."""
        return result_of(self.last_run.state, self.last_run.skipped) if self.last_run else ""


@dataclass(frozen=True)
class Row:
    """A line of the staff's overview; `card` is None for a customer without computers."""

    customer: Customer
    card: Card | None


def cards_of(account: Account, now: datetime) -> list[Card]:
    """The computers that `account` may see: the owner sees those of all of the customer's accounts. Worst first."""
    mine = Computer.customer_id == account.customer_id if account.is_owner else Computer.account_id == account.id
    return _cards(db.session.scalars(_computers().where(mine)).all(), now)


def rows_of_all(now: datetime) -> list[Row]:
    """Every computer of every customer, worst first, then the customers without computers."""
    cards = _cards(db.session.scalars(_computers()).all(), now)
    served = {card.computer.customer_id for card in cards}
    customers = db.session.scalars(select(Customer).order_by(Customer.number)).all()
    return [Row(card.computer.customer, card) for card in cards] + [
        Row(customer, None) for customer in customers if customer.id not in served
    ]


def sentence_for(cards: Sequence[Card]) -> str:
    """The first sentence of a customer's Home: am I safe?"""
    expected = [card for card in cards if card.state != PAUSED]
    if not cards:
        return "Nothing is being backed up yet."
    if not expected:
        return "Backups are paused." if len(cards) == 1 else "Backups of all computers are paused."
    safe = sum(card.state == PROTECTED for card in expected)
    if safe == len(expected):
        paused = len(cards) - len(expected)
        words = f"All {safe} computers are protected" if safe > 1 else f"{expected[0].computer.name} is protected"
        return f"{words}; backups of {paused} more are paused." if paused else f"{words}."
    if len(expected) == 1:
        return f"{expected[0].computer.name} needs a look: {expected[0].state.lower()}."
    return f"{safe} of {len(expected)} computers are protected."


def sentence_for_staff(cards: Sequence[Card]) -> str:
    """The first sentence of the staff's overview."""
    attention = attention_count(cards)
    if not attention:
        return "Nothing needs attention."
    return f"{attention} computer{' needs' if attention == 1 else 's need'} attention."


def last_backup(cards: Sequence[Card]) -> datetime | None:
    """When the newest restore point of these computers was made."""
    moments = [card.last_commit.finished_at for card in cards if card.last_commit]
    return max((moment for moment in moments if moment), default=None)


def notices_for(account: Account, cards: Sequence[Card], now: datetime) -> list[str]:
    """What stands above the computers: why no backups are made, by whom, and that everything can be restored."""
    owners = {card.computer.account.id: card.computer.account for card in cards} or {account.id: account}
    plans = {card.computer.subscription.id: card.computer.subscription for card in cards}
    if account.subscription is not None:
        plans.setdefault(account.subscription.id, account.subscription)
    return [_switched_off(owner) for owner in owners.values() if not owner.accepts_backups] + [
        sentence for plan in plans.values() if (sentence := _stage_sentence(plan, now))
    ]


def _switched_off(account: Account) -> str:
    since = f" on {_date(account.accept_changed_at)}" if account.accept_changed_at else ""
    by = f" by {account.accept_changed_by}" if account.accept_changed_by else ""
    reason = f" (“{account.accept_reason}”)" if account.accept_reason else ""
    return (f"Backups of {account.user_name} were switched off{by}{since}{reason}. "
            "Its restore points are safe and can be restored.")


def _stage_sentence(subscription: Subscription, now: datetime) -> str:
    name, until = subscription.plan.name, _date(subscription.valid_until)
    safe = "New backups are off; everything backed up until then can be restored."
    return {
        "suspended": f"The plan {name} is suspended. New backups are off; everything backed up can be restored.",
        "not begun": f"The plan {name} begins on {_date(subscription.valid_from)}. Backups can be made from then on.",
        "expired": f"The plan {name} expired on {until}. {safe}",
        "grace": f"The plan {name} expired on {until}. Backups still go on for a few days; renew it soon.",
        "expiring": f"The plan {name} is valid until {until}.",
    }.get(subscription.stage(now), "")


def _date(day: date) -> str:
    return f"{day.day} {day:%B %Y}"


def attention_count(cards: Sequence[Card]) -> int:
    """How many computers need a person."""
    return sum(card.state in {FAILED, OVERDUE} for card in cards)


def _computers() -> Select[Computer]:
    return select(Computer).options(
        joinedload(Computer.customer), joinedload(Computer.account), joinedload(Computer.subscription)
    )


def _cards(computers: Sequence[Computer], now: datetime) -> list[Card]:
    vaults = [computer.vault_id for computer in computers]
    commits = {run.vault_id: run for run in db.session.scalars(
        select(Run).join(Vault, (Vault.id == Run.vault_id) & (Vault.last_commit_run == Run.run_no))
        .where(Vault.id.in_(vaults)))}
    recent: dict[int, list[Run]] = {}
    newest = cast(Vault.last_run_no, Integer)  # MySQL refuses to go below zero with an unsigned number
    for run in db.session.scalars(
            select(Run).join(Vault, (Vault.id == Run.vault_id) & (Run.run_no > newest - LOOKED_AT))
            .where(Vault.id.in_(vaults)).order_by(Run.run_no.desc())):
        recent.setdefault(run.vault_id, []).append(run)
    points = dict(db.session.execute(
        select(Run.vault_id, func.count()).where(Run.vault_id.in_(vaults), Run.state == COMMITTED)
        .group_by(Run.vault_id)).all())
    cards = [_card(computer, commits.get(computer.vault_id), recent.get(computer.vault_id, []),
                   points.get(computer.vault_id, 0), now) for computer in computers]
    return sorted(cards, key=_worst_first)


def _card(computer: Computer, commit: Run | None, recent: list[Run], points: int, now: datetime) -> Card:
    facts = Facts(
        accepts_backups=computer.account.accepts_backups,
        stage=computer.subscription.stage(now),
        active=computer.state == "active",
        last_commit=commit.finished_at if commit else None,
        last_skipped=commit.skipped if commit else 0,
        finished=tuple(run.state for run in recent if run.state != OPEN),
    )
    return Card(computer, state_of(facts, now), commit, recent[0] if recent else None, points)


def _worst_first(card: Card) -> tuple[int, str]:
    return WORST_FIRST.index(card.state), card.computer.name.casefold()
