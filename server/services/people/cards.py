"""A customer's computers as Home shows them: state, last backup, last run, and the sentences above them."""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple

from sqlalchemy import ColumnElement, select

from server.extensions import db
from server.models import Account, Computer, Run, Subscription, Vault
from server.services.fleet import health
from server.services.fleet.computers import whole_computers
from server.services.fleet.health import FAILED, OVERDUE, PAUSED, PROTECTED, RETIRED, WORST_FIRST, Health, result_of


@dataclass(frozen=True)
class Card:
    """A computer as a first screen shows it; `health` says since when and why it is in its state."""

    computer: Computer
    health: Health
    last_commit: Run | None
    last_run: Run | None

    @property
    def state(self) -> str:
        """The computer's state in one word."""
        return self.health.state

    @property
    def points(self) -> int:
        """How many restore points it has."""
        return self.computer.restore_points

    @property
    def last_result(self) -> str:
        """The last run's result in words; "" when nothing has run."""
        return result_of(self.last_run.state, self.last_run.skipped) if self.last_run else ""


class Notice(NamedTuple):
    """A sentence that stands above the computers, and what it is about: a switch of an account, or a plan."""

    words: str
    about: str


def cards_of(account: Account, now: datetime) -> list[Card]:
    """The computers that `account` may see: the owner sees those of all of the customer's accounts. Worst first."""
    mine = Computer.customer_id == account.customer_id if account.is_owner else Computer.account_id == account.id
    return cards_where(mine, now)


def cards_where(condition: ColumnElement[bool], now: datetime) -> list[Card]:
    """The computers for which `condition` holds, worst first."""
    rows = db.session.execute(whole_computers(health.state_at(now)).where(condition)).all()
    vaults = [computer.vault_id for computer, _ in rows]
    commits = _runs(vaults, Vault.last_commit_run)
    last = _runs(vaults, Vault.last_run_no)
    cards = []
    for computer, state in rows:
        run = last.get(computer.vault_id)
        told = health.describe(computer, state, now, run.sentence if run else "")
        cards.append(Card(computer, told, commits.get(computer.vault_id), run))
    return sorted(cards, key=_worst_first)


def sentence_for(cards: Sequence[Card]) -> str:
    """The first sentence of a customer's Home: am I safe?"""
    expected = [card for card in cards if card.state not in {PAUSED, RETIRED}]
    if not cards:
        return "Nothing is being backed up yet."
    if not expected:
        return "Backups are paused." if len(cards) == 1 else "Backups of all computers are paused."
    safe = sum(card.state == PROTECTED for card in expected)
    if safe == len(expected):
        paused = sum(card.state == PAUSED for card in cards)
        words = f"All {safe} computers are protected" if safe > 1 else f"{expected[0].computer.name} is protected"
        return f"{words}; backups of {paused} more are paused." if paused else f"{words}."
    if len(expected) == 1:
        return f"{expected[0].computer.name} needs a look: {expected[0].state.lower()}."
    return f"{safe} of {len(expected)} computers are protected."


def last_backup(cards: Sequence[Card]) -> datetime | None:
    """When the newest restore point of these computers was made."""
    return max((card.computer.last_commit_at for card in cards if card.computer.last_commit_at), default=None)


def attention_count(cards: Sequence[Card]) -> int:
    """How many computers need a person."""
    return sum(card.state in {FAILED, OVERDUE} for card in cards)


def notices_for(account: Account, cards: Sequence[Card], now: datetime) -> list[Notice]:
    """What stands above the computers: why no backups are made, by whom, and that everything can be restored."""
    owners = {card.computer.account.id: card.computer.account for card in cards} or {account.id: account}
    plans = {card.computer.subscription.id: card.computer.subscription for card in cards}
    if account.subscription is not None:
        plans.setdefault(account.subscription.id, account.subscription)
    return [Notice(_switched_off(owner), "switch") for owner in owners.values() if not owner.accepts_backups] + [
        Notice(sentence, "plan") for plan in plans.values() if (sentence := _stage_sentence(plan, now))
    ]


def _runs(vaults: Sequence[int], which: object) -> dict[int, Run]:
    """The run that a column of Vault names, by vault."""
    runs = select(Run).join(Vault, (Vault.id == Run.vault_id) & (which == Run.run_no)).where(Vault.id.in_(vaults))
    return {run.vault_id: run for run in db.session.scalars(runs)}


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


def _worst_first(card: Card) -> tuple[int, str]:
    return WORST_FIRST.index(card.state), card.computer.name.casefold()
