"""Granting space to a subscription, and choosing the storage that its new vaults go to."""
from __future__ import annotations

from datetime import datetime

from server.models import Plan, Storage, Subscription
from server.services.house.refusals import ValueRefused
from server.services.house.versions import check_version
from server.services.selling import changes
from server.services.selling.allocation import Outlook, find_default, outlook, storage_of
from server.services.selling.subscriptions import check_quota


def preview_grant(subscription: Subscription, quota: int, now: datetime) -> Outlook | None:
    """How the subscription's storage stands and would stand with this quota; None without any storage.

    Raises ValueRefused.
    """
    check_quota(quota)
    storage = storage_of(subscription)
    return outlook(storage, quota - subscription.quota, now) if storage else None


def room_for(plan: Plan, quota: int | None, storage: Storage | None, now: datetime) -> Outlook | None:
    """How `storage` (None: the default one) would stand if a plan was sold with this quota (None: the plan's own).

    None when there is room for it, when nobody said how much there is, or when there is no storage.
    """
    place = storage or find_default()
    if place is None:
        return None
    there = outlook(place, plan.quota if quota is None else quota, now)
    return there if there.then.overcommitted else None


def grant(subscription: Subscription, quota: int, reason: str, version: int | None, now: datetime, *, actor: str,
          address: str = "") -> None:
    """Grant so many bytes from now on. What is stored stays, also above a smaller quota.

    Raises EditedMeanwhile, ValueRefused.
    """
    check_version(subscription, version)
    check_quota(quota)
    if quota == subscription.quota:
        raise ValueRefused(field="quota", reason="it is granted already")
    before = changes.facts_of(subscription)
    subscription.quota = quota
    changes.complete(subscription, "quota granted", before, now, actor=actor, reason=reason.strip(), address=address)


def choose_storage(subscription: Subscription, storage: Storage | None, version: int | None, now: datetime, *,
                   actor: str, address: str = "") -> None:
    """Where vaults of computers that are set up from now on go; None is the default storage. Others stay.

    Raises EditedMeanwhile.
    """
    check_version(subscription, version)
    subscription.storage_id = storage.id if storage else None
    subscription.storage = storage
    before = changes.facts_of(subscription)
    changes.complete(subscription, "storage chosen", before, now, actor=actor, address=address,
                     reason=storage.name if storage else "the default storage")
