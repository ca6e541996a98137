"""What is sold, to whom, and for how long."""
from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from flask import Flask

from protocol.errors import NotFound
from server.extensions import db
from server.models import AuditEvent, Plan, Subscription
from server.services.house.refusals import NameInUse, ValueRefused
from server.services.people import accounts, customers
from server.services.selling import plans, subscriptions
from tests.parts.portal_world import PASSWORD, PortalWorld

NOW = datetime(2026, 6, 15, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("day", "stage"),
    [
        (date(2026, 5, 31), "not begun"), (date(2026, 6, 1), "active"), (date(2026, 8, 1), "active"),
        (date(2026, 8, 2), "expiring"), (date(2026, 8, 31), "expiring"), (date(2026, 9, 1), "grace"),
        (date(2026, 9, 7), "grace"), (date(2026, 9, 8), "expired"),
    ],
)
def test_a_subscription_passes_through_its_stages(day: date, stage: str) -> None:
    subscription = Subscription(valid_from=date(2026, 6, 1), valid_until=date(2026, 8, 31),
                                grace_until=date(2026, 9, 7), suspended=False)
    for hour in (0, 23):
        assert subscription.stage(datetime(day.year, day.month, day.day, hour, 59, tzinfo=UTC)) == stage
    subscription.suspended = True
    assert subscription.stage(NOW) == "suspended"


def test_customers_are_numbered_one_after_the_other(app: Flask) -> None:
    labels = [customers.create_customer(f"Customer {n}", "a@example.com", NOW).label for n in range(3)]
    assert labels == ["C-000001", "C-000002", "C-000003"]
    assert customers.find_customer("C-000002").name == customers.find_customer("2").name == "Customer 1"
    for wrong in ("C-000004", "", "C-", "two", "-1", "٢", "9" * 30):
        with pytest.raises(NotFound):
            customers.find_customer(wrong)


def test_the_first_account_is_the_owner_and_gets_the_newest_subscription(app: Flask, world: PortalWorld) -> None:
    assert (world.owner.is_owner, world.second.is_owner) == (True, False)
    assert world.owner.subscription_id == world.subscriptions[world.alice.id].id
    carol = customers.create_customer("Carol", "carol@example.com", NOW)
    account = accounts.create_account(carol, "carol", PASSWORD, NOW)
    assert account.subscription is None
    bought = subscriptions.create_subscription(carol, plans.find_plan("Gold"), NOW)
    assert account.subscription_id == bought.id
    assert bought.valid_until == NOW.date() + timedelta(days=365)


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"user_name": "ALICE.FRONT"}, NameInUse), ({"user_name": ""}, ValueRefused),
        ({"user_name": "a b"}, ValueRefused), ({"user_name": "a/b"}, ValueRefused),
        ({"user_name": "x" * 256}, ValueRefused), ({"password": "short"}, ValueRefused),
        ({"password": "x" * 1025}, ValueRefused), ({"email": "nobody"}, ValueRefused),
        ({"email": "a@b\r\nBcc: c@d"}, ValueRefused),
    ],
    ids=str,
)
def test_an_account_with_unusable_values_is_not_made(
    app: Flask, world: PortalWorld, changes: dict[str, Any], refusal: type[Exception]
) -> None:
    values = {"user_name": "new", "password": PASSWORD, "email": "new@example.com"} | changes
    with pytest.raises(refusal):
        accounts.create_account(world.alice, now=NOW, **values)
    db.session.rollback()
    assert accounts.create_account(world.alice, "new", PASSWORD, NOW).user_name == "new"


def test_an_account_cannot_use_another_customers_subscription(app: Flask, world: PortalWorld) -> None:
    foreign = world.subscriptions[world.bob.id]
    with pytest.raises(NotFound):
        accounts.create_account(world.alice, "new", PASSWORD, NOW, subscription=foreign)


@pytest.mark.parametrize(
    "changes",
    [{"name": ""}, {"name": "x" * 101}, {"quota": 0}, {"quota": 2**63}, {"computers": 0}, {"days": 0},
     {"days": 10**9}, {"keep_days": -1}, {"grace_days": -1}],
    ids=str,
)
def test_a_plan_with_unusable_values_is_not_made(app: Flask, changes: dict[str, Any]) -> None:
    values = {"name": "Silver", "quota": 10**9, "computers": 1, "days": 30, "keep_days": 30} | changes
    with pytest.raises(ValueRefused):
        plans.create_plan(now=NOW, **values)
    assert db.session.query(Plan).count() == 0


def test_two_plans_cannot_have_one_name(app: Flask, world: PortalWorld) -> None:
    with pytest.raises(NameInUse):
        plans.create_plan("Gold", 1, 1, 1, 1, NOW)


def test_every_deed_is_in_the_audit_trail(app: Flask, world: PortalWorld) -> None:
    accounts.switch_backups(world.owner, False, NOW, actor="alice.front", reason="holiday")
    last = db.session.query(AuditEvent).order_by(AuditEvent.id.desc()).first()
    assert last is not None
    assert (last.actor, last.action, last.object, last.detail) == (
        "alice.front", "rejects backups", "alice.front", "holiday"
    )
    deeds = {event.action for event in db.session.query(AuditEvent)}
    assert {"added staff", "added a customer", "added a plan", "added a subscription", "added an account"} <= deeds
