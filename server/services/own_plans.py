"""A customer's own plans: their state, their history, and the wish to change one."""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from server.extensions import db
from server.models import Account, Subscription, SubscriptionChange
from server.services import audit, changes, subscription_states
from server.services.refusals import ValueRefused
from server.services.retention import keep_days_in_force
from server.services.subscription_states import SubscriptionState

LONGEST_WISH = 2000
ASKED = "asked for a change of plan"


@dataclass(frozen=True)
class OwnPlan:
    """A subscription with its state, for how many days its restore points are kept, and what was changed."""

    state: SubscriptionState
    keep_days: int
    history: Sequence[SubscriptionChange]


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
    return OwnPlan(state, keep_days_in_force(subscription, now), changes.history_of(subscription))


def ask_for_change(
    account: Account, subscription: Subscription, wish: str, now: datetime, *, address: str = ""
) -> None:
    """Tell the reseller that a customer would like its plan to be changed. Raises ValueRefused for an empty wish."""
    wish = wish.strip()
    if not 1 <= len(wish) <= LONGEST_WISH:
        raise ValueRefused(field="wish", reason=f"it needs 1 to {LONGEST_WISH} characters")
    audit.record(account.user_name, ASKED, subscription.plan.name, detail=wish, address=address, now=now,
                 customer=account.customer_id, account=account.id)
    db.session.commit()
