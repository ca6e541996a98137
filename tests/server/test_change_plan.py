"""Upgrading and downgrading: what changes is told before it is done, and can be undone for two weeks."""
from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask

from server.extensions import db
from server.models import Plan, Subscription, SubscriptionChange
from server.services.house.refusals import ValueRefused
from server.services.selling import plan_changes, plans, retention
from server.services.selling.plans import PlanRetired
from server.words import full_date
from tests.parts.pages import browse
from tests.parts.portal_world import BackedUp, PortalWorld, let_hold

GB = 10**9
NOW = datetime.now(UTC)


@pytest.fixture
def licence(world: PortalWorld) -> Subscription:
    """Alice's subscription to Gold: 50 GB, 5 computers, 90 days kept."""
    return world.subscriptions[world.alice.id]


def boxes_of(world: PortalWorld) -> list[BackedUp]:
    """Three computers, set up one after the other."""
    boxes = [world.computer(world.owner, name) for name in ("FRONT", "BACK", "LAPTOP")]
    for place, box in enumerate(boxes):
        box.computer.enrolled_at = NOW - timedelta(days=90 - place)
    db.session.commit()
    return boxes


@pytest.fixture
def silver(world: PortalWorld) -> Plan:
    """A smaller plan."""
    return plans.create_plan("Silver", 20 * GB, 2, 365, 30, NOW)


def test_an_upgrade_only_adds(app: Flask, world: PortalWorld, licence: Subscription) -> None:
    more = plans.create_plan("Platinum", 500 * GB, 20, 365, 365, NOW)
    seen = plan_changes.preview(licence, more, NOW)
    assert (seen.old.plan, seen.new.plan, seen.new.quota, seen.new.computers) == ("Gold", "Platinum", 500 * GB, 20)
    assert (seen.over, seen.surplus, seen.leaving) == (0, (), ())
    assert seen.effective == NOW.date()
    assert seen.new.valid_until == licence.valid_until
    assert seen.storage is not None
    assert seen.storage.then.granted - seen.storage.now.granted == 450 * GB


def test_a_downgrade_tells_what_it_costs(app: Flask, world: PortalWorld, licence: Subscription, silver: Plan) -> None:
    boxes = boxes_of(world)
    let_hold(boxes[0].vault, 25 * GB)
    for days in (80, 40, 17, 15, 1):
        boxes[0].store({(b"a",): b"%d" % days}, NOW - timedelta(days=days))
    boxes[1].store({(b"a",): b"old"}, NOW - timedelta(days=60))
    seen = plan_changes.preview(licence, silver, NOW)
    assert seen.over == 5 * GB
    assert seen.computers == 3
    assert seen.surplus == ("LAPTOP",)
    assert [(one.computer, one.points) for one in seen.leaving] == [("FRONT", 3)], "the newest of BACK stays"
    assert seen.leaving[0].oldest == NOW - timedelta(days=80)
    assert seen.leaving[0].newest == NOW - timedelta(days=17)
    assert seen.removed_from == (NOW + timedelta(days=14)).date()
    assert licence.plan.name == "Gold"


def test_a_retired_computer_takes_no_place(app: Flask, world: PortalWorld, licence: Subscription, silver: Plan) -> None:
    boxes = boxes_of(world)
    boxes[0].computer.state = "retired"
    db.session.commit()
    seen = plan_changes.preview(licence, silver, NOW)
    assert (seen.computers, seen.surplus) == (2, ())


def test_the_page_shows_both_sides_and_then_does_it(app: Flask, world: PortalWorld, licence: Subscription,
                                                    silver: Plan) -> None:
    box = world.computer(world.owner, "FRONT")
    let_hold(box.vault, 25 * GB)
    for days in (80, 1):
        box.store({(b"a",): b"%d" % days}, NOW - timedelta(days=days))
    admin = browse(app, "admin@example.com")
    address = f"/subscriptions/{licence.id}/change-plan"
    page = admin.get(f"{address}?plan={silver.id}&period=keep").text
    for words in ("Gold becomes Silver today", "50 GB", "20 GB", "exceeded by 5.0 GB", "FRONT: 1 restore point",
                  f"removed on {full_date((NOW + timedelta(days=14)).date())} at the earliest"):
        assert words in page, words
    db.session.refresh(licence)
    assert licence.plan.name == "Gold"
    answer = admin.fill(f"{address}?plan={silver.id}&period=keep", {"reason": "too dear"})
    assert answer.status_code == 303
    db.session.expire_all()
    assert (licence.plan.name, licence.quota) == ("Silver", 20 * GB)
    change = db.session.query(SubscriptionChange).filter_by(kind="plan changed").one()
    assert (change.actor, change.reason) == ("admin@example.com", "too dear")
    assert (change.before["plan"], change.after["plan"]) == ("Gold", "Silver")
    after = admin.get(answer.location).text
    assert "changed back to Gold" in after
    assert "for now still 90 days" in after


def test_nothing_is_removed_for_two_weeks(app: Flask, world: PortalWorld, licence: Subscription, silver: Plan) -> None:
    plan_changes.change_plan(licence, silver, licence.version, NOW, actor="admin")
    for days, kept in ((0, 90), (13, 90), (15, 30)):
        assert retention.keep_days_in_force(licence, NOW + timedelta(days=days)) == kept


def test_it_can_be_undone_even_when_the_old_plan_is_retired(app: Flask, world: PortalWorld, licence: Subscription,
                                                            silver: Plan) -> None:
    gold = licence.plan
    licence.quota = 60 * GB
    db.session.commit()
    plan_changes.change_plan(licence, silver, licence.version, NOW, actor="admin")
    plans.put_on_sale(gold, False, gold.version, NOW, actor="admin")
    back = plan_changes.undoing(licence, NOW + timedelta(days=13))
    assert back is not None
    assert (back.plan.name, back.quota) == ("Gold", 60 * GB)
    admin = browse(app, "admin@example.com")
    page = admin.get(f"/subscriptions/{licence.id}").text
    link = next(part for part in page.split('"') if "/change-plan?" in part).replace("&amp;", "&")
    assert admin.fill(link, action="").status_code == 303
    db.session.expire_all()
    assert (licence.plan.name, licence.quota) == ("Gold", 60 * GB)
    assert plan_changes.undoing(licence, NOW + timedelta(days=15)) is None


def test_a_retired_plan_or_the_present_one_is_no_choice(app: Flask, world: PortalWorld, licence: Subscription,
                                                        silver: Plan) -> None:
    plans.put_on_sale(silver, False, silver.version, NOW, actor="admin")
    with pytest.raises(PlanRetired):
        plan_changes.change_plan(licence, silver, licence.version, NOW, actor="admin")
    db.session.rollback()
    with pytest.raises(ValueRefused):
        plan_changes.preview(licence, licence.plan, NOW)
    admin = browse(app, "admin@example.com")
    assert admin.get(f"/subscriptions/{licence.id}/change-plan?plan={silver.id}&period=keep").status_code == 400
    assert "No other plan is on sale" in admin.get(f"/subscriptions/{licence.id}/change-plan").text


def test_an_implementor_changes_within_the_plan_s_quota(app: Flask, world: PortalWorld, licence: Subscription,
                                                        silver: Plan) -> None:
    tech = browse(app, "tech@example.com")
    address = f"/subscriptions/{licence.id}/change-plan?plan={silver.id}&period=keep&gigabytes=900"
    assert tech.fill(address, {"gigabytes": "900"}, action="").status_code == 303
    db.session.expire_all()
    assert licence.quota == 20 * GB


def test_a_new_period_begins_today_when_asked(app: Flask, world: PortalWorld, licence: Subscription, silver: Plan
                                              ) -> None:
    plan_changes.change_plan(licence, silver, licence.version, NOW, actor="admin", new_period=True, quota=30 * GB)
    assert (licence.valid_from, licence.valid_until) == (NOW.date(), NOW.date() + timedelta(days=365))
    assert licence.quota == 30 * GB


def test_computers_are_expected_as_the_new_plan_says(app: Flask, world: PortalWorld, licence: Subscription, silver: Plan
                                                     ) -> None:
    box = world.computer(world.owner, "FRONT")
    box.store({(b"a",): b"x"}, NOW)
    silver.remind_days = 2
    db.session.commit()
    plan_changes.change_plan(licence, silver, licence.version, NOW, actor="admin")
    assert box.computer.late_at == NOW + timedelta(days=2)


def test_the_second_of_two_who_change_the_plan_is_told(app: Flask, world: PortalWorld, licence: Subscription,
                                                       silver: Plan) -> None:
    admin = browse(app, "admin@example.com")
    address = f"/subscriptions/{licence.id}/change-plan?plan={silver.id}&period=keep"
    form = admin.form(address)
    bronze = plans.create_plan("Bronze", 10 * GB, 1, 365, 30, NOW)
    plan_changes.change_plan(licence, bronze, licence.version, NOW, actor="tech@example.com")
    answer = admin.post(f"/subscriptions/{licence.id}/change-plan", data=form)
    assert answer.status_code == 409
    assert "tech@example.com changed this meanwhile" in answer.text
    assert "Bronze" in answer.text
    db.session.refresh(licence)
    assert licence.plan_id == bronze.id
