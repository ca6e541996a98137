"""A customer's own plans: their state, their history, and the wish to change one."""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import NamedTuple

from sqlalchemy import or_, select

from server.extensions import db
from server.models import Account, Customer, Staff, Subscription
from server.services.house import audit
from server.services.house.branding import Branding
from server.services.house.refusals import ValueRefused
from server.services.mail import letters, outbox
from server.services.mail.letters import Fact, Letter
from server.services.people.ownership import ADMINISTRATOR
from server.services.selling import changes, subscription_states
from server.services.selling.retention import keep_days_in_force
from server.services.selling.subscription_states import SubscriptionState
from server.words import full_date

LONGEST_WISH = 2000
ASKED = "asked for a change of plan"


class Change(NamedTuple):
    """A line of a plan's history: when, what was done, and both sides in words."""

    at: datetime
    kind: str
    before: str
    after: str


@dataclass(frozen=True)
class OwnPlan:
    """A subscription with its state, for how many days its restore points are kept, and what was changed."""

    state: SubscriptionState
    keep_days: int
    history: Sequence[Change]


def plans_of(account: Account, now: datetime) -> list[SubscriptionState]:
    """The subscriptions that `account` may see, the newest first: the owner all, others the one they belong to."""
    if account.is_owner:
        found = subscription_states.subscriptions_of(account.customer)
    else:
        found = [account.subscription] if account.subscription else []
    return subscription_states.states_of(found, now)


def describe(state: SubscriptionState, now: datetime) -> OwnPlan:
    """One subscription with its history."""
    subscription = state.subscription
    history = [Change(one.at, one.kind, changes.in_words(one.before), changes.in_words(one.after))
               for one in changes.history_of(subscription)]
    return OwnPlan(state, keep_days_in_force(subscription, now), history)


def ask_for_change(
    account: Account, subscription: Subscription, wish: str, brand: Branding, now: datetime, *, address: str = ""
) -> None:
    """Tell the reseller that a customer would like its plan to be changed: by e-mail and in the audit trail.

    The e-mail goes to the administrators and to the implementor who serves the customer. Raises ValueRefused for an
    empty wish.
    """
    wish = wish.strip()
    if not 1 <= len(wish) <= LONGEST_WISH:
        raise ValueRefused(field="wish", reason=f"it needs 1 to {LONGEST_WISH} characters")
    event = audit.record(account.user_name, ASKED, subscription.plan.name, detail=wish, address=address, now=now,
                         customer=account.customer_id, account=account.id)
    db.session.flush()
    compose = partial(_letter, account, subscription, wish, brand)
    for reader in _readers(account.customer):
        outbox.queue(f"wish:{event.id}:staff:{reader.id}", reader.email, compose, now, customer=account.customer_id)
    db.session.commit()


def _readers(customer: Customer) -> Sequence[Staff]:
    """Who is told of a customer's wishes."""
    serve = or_(Staff.role == ADMINISTRATOR, Staff.id == customer.implementor_id)
    return db.session.scalars(select(Staff).where(serve, Staff.closed.is_(False)).order_by(Staff.id)).all()


def _letter(account: Account, subscription: Subscription, wish: str, brand: Branding) -> Letter:
    customer = account.customer
    facts = [
        Fact("Customer", f"{customer.name}, {customer.label}"),
        Fact("Account", f"{account.user_name}, {account.email}"),
        Fact("Plan", f"{subscription.plan.name}, valid until {full_date(subscription.valid_until)}"),
    ]
    link = ("Open the subscription", f"{brand.address}/subscriptions/{subscription.id}") if brand.address else None
    return letters.write(
        f"{customer.name} ({customer.label}) asks for a change of {subscription.plan.name}", brand,
        [f"{account.user_name} wrote:", *(part for part in wish.split("\n") if part.strip())], facts=facts, link=link,
        footer="You get this letter because you serve this customer.",
    )
