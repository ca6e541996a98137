"""One customer's page: what needs attention, and its subscriptions, accounts and computers."""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import func, select
from sqlalchemy.orm import joinedload

from server.extensions import db
from server.models import Account, Computer, Customer, Subscription, Vault
from server.services.fleet import health
from server.services.fleet.computers import whole_computers
from server.services.fleet.health import Health
from server.words import count, full_date, percent

ROWS_PER_PAGE = 50
FIRST_COMPUTERS = 5
NEARLY_FULL = 95


@dataclass(frozen=True)
class Bought:
    """A subscription with its stage now, the bytes used on it, and its computers in use."""

    subscription: Subscription
    stage: str
    used: int
    computers: int


@dataclass(frozen=True)
class Machine:
    """A computer with its state, and the bytes it has stored."""

    computer: Computer
    health: Health
    stored: int


@dataclass(frozen=True)
class Summary:
    """What the first tab shows; `machines` are the worst few of `computers`."""

    bought: Sequence[Bought]
    accounts: Sequence[Account]
    machines: Sequence[Machine]
    computers: int
    attention: Sequence[str]

    @property
    def sentence(self) -> str:
        """Is all well with this customer?"""
        if not self.computers:
            return "No computer is set up yet."
        if self.attention:
            return f"{count(len(self.attention), 'thing needs', 'things need')} attention."
        return f"{'All' if self.computers > 1 else 'The'} {count(self.computers, 'computer')} " \
               f"{'are' if self.computers > 1 else 'is'} protected, as far as backups are expected."


def summarise(customer: Customer, now: datetime) -> Summary:
    """The customer in one view."""
    bought, accounts = list_bought(customer, now), list_accounts(customer)
    machines = list_machines(customer, now, 1, FIRST_COMPUTERS)
    computers = count_computers(customer)
    return Summary(bought, accounts, machines, computers, _attention(bought, accounts, machines, now))


def list_bought(customer: Customer, now: datetime) -> list[Bought]:
    """The customer's subscriptions, the one that ends last first."""
    sums = {
        number: (int(used), computers) for number, used, computers in db.session.execute(
            select(Computer.subscription_id, func.sum(Vault.stored_bytes),
                   func.count(func.nullif(Computer.state, health.GONE)))
            .join(Vault, Vault.id == Computer.vault_id).where(Computer.customer_id == customer.id)
            .group_by(Computer.subscription_id))
    }
    return [Bought(one, one.stage(now), *sums.get(one.id, (0, 0))) for one in list_subscriptions(customer)]


def list_subscriptions(customer: Customer) -> list[Subscription]:
    """The customer's subscriptions with their plans, the one that ends last first."""
    return list(db.session.scalars(
        select(Subscription).where(Subscription.customer_id == customer.id).options(joinedload(Subscription.plan))
        .order_by(Subscription.valid_until.desc(), Subscription.id.desc())))


def list_accounts(customer: Customer) -> list[Account]:
    """The customer's sign-ins, the owner first, each with its subscription and plan."""
    return list(db.session.scalars(
        select(Account).where(Account.customer_id == customer.id)
        .options(joinedload(Account.subscription).joinedload(Subscription.plan))
        .order_by(Account.is_owner.desc(), Account.user_name)))


def list_machines(customer: Customer, now: datetime, page: int, length: int = ROWS_PER_PAGE) -> list[Machine]:
    """One page of the customer's computers, worst first."""
    return _machines(now, page, length, Computer.customer_id == customer.id)


class MachinePage(NamedTuple):
    """One page of a customer's computers."""

    machines: Sequence[Machine]
    page: int
    pages: int
    total: int


def page_of_machines(customer: Customer, now: datetime, page: int) -> MachinePage:
    """That page of the customer's computers, worst first; the nearest one when there is no such page."""
    total = count_computers(customer)
    pages = max(1, -(-total // ROWS_PER_PAGE))
    page = min(max(page, 1), pages)
    return MachinePage(list_machines(customer, now, page), page, pages, total)


def machines_of(account: Account, now: datetime) -> list[Machine]:
    """The computers that were set up with this account, worst first."""
    return _machines(now, 1, ROWS_PER_PAGE, Computer.account_id == account.id)


def count_computers(customer: Customer) -> int:
    """How many computers the customer has, retired ones included."""
    return db.session.scalar(select(func.count()).where(Computer.customer_id == customer.id)) or 0


def _machines(now: datetime, page: int, length: int, condition: Any) -> list[Machine]:
    found = whole_computers(health.state_at(now)).options(joinedload(Computer.vault)).where(condition).order_by(
        health.rank_at(now), func.lower(Computer.name), Computer.id)
    rows = db.session.execute(found.limit(length).offset((max(page, 1) - 1) * length))
    return [Machine(one, health.describe(one, word, now), one.vault.stored_bytes) for one, word in rows]


def _attention(bought: Sequence[Bought], accounts: Sequence[Account], machines: Sequence[Machine], now: datetime
               ) -> list[str]:
    """What a person has to look at, worst first."""
    found = [f"{one.computer.name}: {one.health.reason or one.health.state}" for one in machines
             if one.health.state in {health.FAILED, health.OVERDUE, health.WARNINGS}]
    found += [f"{one.computer.name} reports other hardware and waits for a decision." for one in machines
              if one.computer.awaits_approval]
    for one in bought:
        plan, until = one.subscription.plan.name, full_date(one.subscription.valid_until)
        end = full_date(one.subscription.grace_until)
        words = {
            "suspended": f"The plan {plan} is suspended; no backups are made on it.",
            "expired": f"The plan {plan} expired on {until}; no backups are made on it.",
            "grace": f"The plan {plan} expired on {until}; backups end after {end}.",
            "expiring": f"The plan {plan} expires on {until}.",
        }.get(one.stage)
        if words and (one.computers or one.stage != "expired"):
            found.append(words)
        if percent(one.used, one.subscription.quota) >= NEARLY_FULL:
            found.append(f"The space of the plan {plan} is {percent(one.used, one.subscription.quota)} % full.")
    return found + [f"Backups of {one.user_name} are switched off." for one in accounts
                    if not one.accepts_backups and not one.closed]
