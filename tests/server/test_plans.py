"""Plans: made, edited, retired and deleted by an administrator in the browser."""
from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from flask import Flask

from server.extensions import db
from server.models import AuditEvent, Plan, Subscription, SubscriptionChange
from server.services.house.refusals import ValueRefused
from server.services.selling import plans, retention, subscriptions
from server.services.selling.plans import PlanInUse, PlanRetired
from tests.parts.pages import PageClient, browse, form_values
from tests.parts.portal_world import PortalWorld
from tests.parts.queries import MOST, count_queries

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
TERMS = {
    "name": "Platinum", "gigabytes": "500", "computers": "20", "keep_days": "365", "days": "365", "grace_days": "14",
    "price": "1200,50", "period": "year", "colour": "#6941c6", "remind_days": "2", "grace_hours": "",
}


@pytest.fixture
def admin(app: Flask, world: PortalWorld) -> PageClient:
    """The administrator's browser."""
    return browse(app, "admin@example.com")


def gold() -> Plan:
    """As it stands in the database."""
    db.session.expire_all()
    return plans.find_plan("Gold")


def test_it_adds_a_plan_with_all_its_terms(app: Flask, admin: PageClient) -> None:
    answer = admin.fill("/plans/add", TERMS)
    assert answer.status_code == 303
    plan = plans.find_plan("Platinum")
    assert (plan.quota, plan.computers, plan.keep_days, plan.price) == (500 * 10**9, 20, 365, Decimal("1200.50"))
    assert plan.grace_hours is None
    page = admin.get(answer.location)
    assert "Platinum" in page.text
    assert "500 GB" in page.text
    assert "EUR 1,200.50 a year" in admin.get("/plans").text
    event = db.session.query(AuditEvent).filter_by(action="added a plan", object="Platinum").one()
    assert event.actor == "admin@example.com"


def test_the_same_form_sent_twice_adds_one_plan(app: Flask, admin: PageClient) -> None:
    fields = admin.form("/plans/add") | TERMS
    first, second = admin.post("/plans/add", data=fields), admin.post("/plans/add", data=fields)
    assert (first.status_code, second.status_code, first.location) == (303, 303, second.location)
    assert db.session.query(Plan).filter_by(name="Platinum").count() == 1


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("name", "", "Enter a name"), ("name", "x" * 101, "too long"), ("name", "a\x00b", "invisible character U+0000"),
        ("name", "Go\u202eld", "U+202E"), ("name", " Gold ", "exists already"), ("gigabytes", "much", "Enter a number"),
        ("gigabytes", "-1", "Enter a number"), ("gigabytes", "NaN", "Enter a number"),
        ("gigabytes", "1e99999", "Enter a number"), ("computers", "0", "whole number from 1"),
        ("computers", "two", "whole number"), ("keep_days", "", "whole number"), ("grace_hours", "745", "whole number"),
        ("price", "-0.01", "Enter a number"), ("colour", "red;}", "Not a valid choice"),
    ],
)
def test_it_says_beside_the_field_what_is_wrong_and_keeps_what_was_typed(
    app: Flask, admin: PageClient, field: str, value: str, words: str
) -> None:
    answer = admin.fill("/plans/add", TERMS | {field: value})
    assert answer.status_code == 400
    assert words in answer.text
    assert f'id="{field}-problem"' in answer.text
    if field != "computers":
        assert 'value="20"' in answer.text
    assert db.session.query(Plan).count() == 1


def test_markup_in_a_name_stays_text(app: Flask, admin: PageClient) -> None:
    answer = admin.fill("/plans/add", TERMS | {"name": "<script>alert(1)</script>"})
    assert answer.status_code == 303
    for address in ("/plans", answer.location):
        assert "<script>alert" not in admin.get(address).text


def test_a_new_quota_leaves_what_was_granted(app: Flask, admin: PageClient, world: PortalWorld) -> None:
    number = gold().id
    page = admin.get(f"/plans/{number}/edit").text
    assert "quotas that were granted stay as they are" in page
    assert admin.fill(f"/plans/{number}/edit", TERMS | {"name": "Gold"}).status_code == 303
    assert gold().quota == 500 * 10**9
    assert world.subscriptions[world.alice.id].quota == 50 * 10**9


def test_new_days_of_grace_hold_for_everybody_at_once(app: Flask, admin: PageClient, world: PortalWorld) -> None:
    licence = world.subscriptions[world.alice.id]
    admin.fill(f"/plans/{gold().id}/edit", TERMS | {"name": "Gold", "grace_days": "21"})
    db.session.refresh(licence)
    assert licence.grace_until == licence.valid_until + timedelta(days=21)


def test_computers_are_expected_by_the_new_rule_at_once(app: Flask, admin: PageClient, world: PortalWorld) -> None:
    desk = world.computer(world.owner, "desk")
    desk.store({(b"a",): b"x"}, NOW)
    admin.fill(f"/plans/{gold().id}/edit", TERMS | {"name": "Gold", "remind_days": "2", "grace_hours": "3"})
    db.session.refresh(desk.computer)
    assert desk.computer.late_at == NOW + timedelta(days=2)
    assert desk.computer.overdue_at == NOW + timedelta(days=2, hours=3)


def test_a_shorter_keep_time_removes_nothing_for_two_weeks(app: Flask, admin: PageClient, world: PortalWorld) -> None:
    licence = world.subscriptions[world.alice.id]
    admin.fill(f"/plans/{gold().id}/edit", TERMS | {"name": "Gold", "keep_days": "30"})
    db.session.expire_all()
    changed = db.session.query(SubscriptionChange).filter_by(subscription_id=licence.id, kind="plan edited").one()
    assert changed.before["keep_days"] == 90
    assert changed.after["keep_days"] == 30
    assert retention.keep_days_in_force(licence, changed.at + timedelta(days=13)) == 90
    assert retention.keep_days_in_force(licence, changed.at + timedelta(days=14, seconds=1)) == 30


def test_the_second_of_two_who_edit_a_plan_is_told(app: Flask, admin: PageClient, world: PortalWorld) -> None:
    number = gold().id
    shown = admin.form(f"/plans/{number}/edit")
    other = browse(app, "admin@example.com")
    other.fill(f"/plans/{number}/edit", TERMS | {"name": "Gold", "computers": "7"})
    answer = admin.post(f"/plans/{number}/edit", data=shown | TERMS | {"name": "Gold", "computers": "9"})
    assert answer.status_code == 409
    assert "IBS-1307" in answer.text
    assert "<td>7</td><td>9</td>" in answer.text
    assert gold().computers == 7
    assert admin.post(f"/plans/{number}/edit", data=form_values(answer.text)).status_code == 303
    assert gold().computers == 9


def test_a_retired_plan_goes_on_but_is_not_sold(app: Flask, admin: PageClient, world: PortalWorld) -> None:
    number = gold().id
    assert admin.fill(f"/plans/{number}", action=f"/plans/{number}/retire").status_code == 303
    assert not gold().active
    assert "Retired" in admin.get("/plans").text
    with pytest.raises(PlanRetired):
        subscriptions.create_subscription(world.bob, gold(), NOW)
    db.session.rollback()
    assert admin.fill(f"/plans/{number}", action=f"/plans/{number}/sell").status_code == 303
    assert gold().active


def test_only_a_plan_that_was_never_sold_can_be_deleted(app: Flask, admin: PageClient, world: PortalWorld) -> None:
    with pytest.raises(PlanInUse):
        plans.delete_plan(gold(), gold().version, NOW, actor="admin")
    db.session.rollback()
    assert "never sold" not in admin.get(f"/plans/{gold().id}").text
    spare = plans.create_plan("Spare", 10**9, 1, 30, 30, NOW)
    answer = admin.fill(f"/plans/{spare.id}", action=f"/plans/{spare.id}/delete")
    assert answer.status_code == 303
    assert admin.get(f"/plans/{spare.id}").status_code == 404


def test_without_plans_three_usual_ones_are_one_click_away(app: Flask, admin: PageClient, world: PortalWorld) -> None:
    for table in (SubscriptionChange, Subscription):
        if table is Subscription:
            for account in (world.owner, world.second, world.stranger):
                account.subscription_id = None
            db.session.flush()
        db.session.query(table).delete()
    db.session.query(Plan).delete()
    db.session.commit()
    assert "No plans yet" in admin.get("/plans").text
    assert admin.fill("/plans", action="/plans/standard").status_code == 303
    assert [row.plan.name for row in plans.list_plans(NOW)] == ["Gold", "Silver", "Bronze"]
    plans.create_standard_plans(NOW, actor="admin")
    assert db.session.query(Plan).count() == 3


def test_terms_that_mean_nothing_are_refused_by_the_service_too(app: Flask) -> None:
    for changes in ({"colour": "red"}, {"period": "week"}, {"remind_days": 0}, {"grace_hours": -1}):
        with pytest.raises(ValueRefused):
            plans.add_plan(plans.PlanTerms("X", 1, 1, 1, 1, **changes), NOW, actor="admin")  # type: ignore[arg-type]


def test_the_pages_of_plans_ask_little(app: Flask, admin: PageClient) -> None:
    for number in range(30):
        plans.create_plan(f"Plan {number}", 10**9, 1, 30, 30, NOW)
    for address in ("/plans", f"/plans/{gold().id}", "/plans/add", f"/plans/{gold().id}/edit"):
        with count_queries() as queries:
            assert admin.get(address).status_code == 200
        assert len(queries) <= MOST, (address, queries)
