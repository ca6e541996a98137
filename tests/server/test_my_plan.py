"""A customer's own plan."""
from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from server.extensions import db
from server.models import AuditEvent, Mail, SubscriptionChange
from server.services.selling import subscriptions
from server.submissions import new_token
from tests.parts.pages import browse
from tests.parts.portal_world import PortalWorld, days_ago, let_hold
from tests.parts.queries import MOST, count_queries


def test_it_tells_validity_space_computers_and_how_long_backups_are_kept(app: Flask, world: PortalWorld) -> None:
    box = world.computer(world.owner, "FRONT")
    let_hold(box.vault, 5 * 10**9)
    subscription = world.subscriptions[world.alice.id]
    subscription.valid_until = datetime.now(UTC).date() + timedelta(days=129)
    db.session.commit()
    page = browse(app, "alice.front").get("/plan").text
    assert "129 days left" in page
    assert "5.0 GB of 50 GB (10 %)" in page
    assert "1 of 5 in use" in page
    assert "<dt>Keep backups for</dt>\n  <dd>90 days</dd>" in page
    assert "Active" in page
    assert "price" not in page.lower()


def test_an_expired_plan_says_that_everything_can_be_restored_and_whom_to_ask(app: Flask, world: PortalWorld) -> None:
    subscription = world.subscriptions[world.alice.id]
    subscription.valid_from, subscription.valid_until = date(2025, 1, 1), date(2026, 3, 31)
    db.session.commit()
    page = browse(app, "alice.front").get("/plan").text
    assert "Expired on 31 March 2026." in page
    assert "Ask IBS to renew it." in page


def test_upgrades_and_downgrades_are_listed(app: Flask, world: PortalWorld) -> None:
    db.session.add(SubscriptionChange(
        subscription_id=world.subscriptions[world.alice.id].id, at=days_ago(3), actor="admin@example.com",
        kind="plan changed", before={"plan": "Bronze", "quota": 10**10}, after={"plan": "Gold", "quota": 5 * 10**10},
        reason="paid by cheque"))
    db.session.commit()
    page = browse(app, "alice.front").get("/plan").text
    assert "Plan changed" in page
    assert "Bronze, 10 GB" in page
    assert "Gold, 50 GB" in page
    assert "cheque" not in page


def test_the_owner_sees_every_plan_and_another_account_its_own(app: Flask, world: PortalWorld) -> None:
    silver = subscriptions.create_subscription(world.alice, world.subscriptions[world.bob.id].plan, world.now)
    for name, expected in (("alice.front", 2), ("alice.back", 1), ("bob", 1)):
        page = browse(app, name).get("/plan").text
        assert page.count("Ask for a change") == expected
    assert browse(app, "alice.back").get(f"/plan/{silver.id}/wish").status_code == 404


def test_a_wish_reaches_the_reseller_once(app: Flask, world: PortalWorld) -> None:
    browser, number = browse(app, "alice.back"), world.subscriptions[world.alice.id].id
    form = {"wish": "More space,\nfor two years", "submission": new_token(),
            "csrf_token": browser.token(f"/plan/{number}/wish")}
    for _ in range(2):
        answer = browser.post(f"/plan/{number}/wish", data=form)
        assert (answer.status_code, answer.location) == (303, "/plan")
    event = db.session.scalars(select(AuditEvent).where(AuditEvent.action == "asked for a change of plan")).one()
    assert (event.actor, event.object, event.detail) == ("alice.back", "Gold", "More space,\nfor two years")
    assert (event.customer_id, event.account_id) == (world.alice.id, world.second.id)
    mails = db.session.scalars(select(Mail).order_by(Mail.id)).all()
    assert [mail.recipient for mail in mails] == ["admin@example.com", "tech@example.com"]  # who serves Alice
    mail = mails[0]
    assert mail.customer_id == world.alice.id
    assert mail.subject == "Alice Rivers (C-000001) asks for a change of Gold"
    text = mail.text.decode()
    assert "alice.back wrote:" in text
    assert "for two years" in text


def test_only_who_serves_the_customer_is_told_and_markup_stays_text(app: Flask, world: PortalWorld) -> None:
    world.alice.implementor_id = None
    db.session.commit()
    browser, number = browse(app, "alice.front"), world.subscriptions[world.alice.id].id
    browser.post(f"/plan/{number}/wish", data={
        "wish": "<b>Now</b>", "submission": new_token(), "csrf_token": browser.token(f"/plan/{number}/wish")})
    mail = db.session.scalars(select(Mail)).one()
    assert mail.recipient == "admin@example.com"
    assert b"&lt;b&gt;Now" in mail.html
    assert b"<b>Now" not in mail.html


@pytest.mark.parametrize("wish", ["", "   ", "x" * 2001, "\u202egnp", "a\x00b"])
def test_a_wish_that_is_none_is_said_beside_its_field(app: Flask, world: PortalWorld, wish: str) -> None:
    browser, number = browse(app, "alice.front"), world.subscriptions[world.alice.id].id
    answer = browser.post(f"/plan/{number}/wish", data={
        "wish": wish, "submission": new_token(), "csrf_token": browser.token(f"/plan/{number}/wish")})
    assert answer.status_code == 400
    assert 'aria-invalid="true"' in answer.text
    assert db.session.scalar(select(AuditEvent).where(AuditEvent.action == "asked for a change of plan")) is None


def test_who_has_no_plan_learns_whom_to_ask(app: Flask, world: PortalWorld) -> None:
    world.second.subscription_id = None
    db.session.commit()
    assert "Ask IBS for one." in browse(app, "alice.back").get("/plan").text


def test_it_asks_little_of_the_database(app: Flask, world: PortalWorld) -> None:
    browser = browse(app, "alice.front")
    with count_queries() as queries:
        browser.get("/plan")
    assert len(queries) <= MOST, list(queries)
