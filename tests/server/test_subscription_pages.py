"""A subscription in the browser: sold, renewed, extended, suspended, granted space; and who may do which of it."""
from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from flask import Flask

from server.extensions import db
from server.models import AuditEvent, Storage, Subscription, SubscriptionChange
from server.services.house.versions import EditedMeanwhile
from server.services.selling import plans, stages, subscription_states, validity
from server.services.storage import storages
from tests.parts.pages import PageClient, browse
from tests.parts.portal_world import PortalWorld, let_hold
from tests.parts.queries import MOST, count_queries

GB = 10**9
TODAY = datetime.now(UTC).date()


@pytest.fixture
def admin(app: Flask, world: PortalWorld) -> PageClient:
    """The administrator's browser."""
    return browse(app, "admin@example.com")


@pytest.fixture
def tech(app: Flask, world: PortalWorld) -> PageClient:
    """The browser of Alice's implementor."""
    return browse(app, "tech@example.com")


@pytest.fixture
def licence(world: PortalWorld) -> Subscription:
    """Alice's subscription."""
    return world.subscriptions[world.alice.id]


def fresh(licence: Subscription) -> Subscription:
    """As it stands in the database."""
    db.session.rollback()
    db.session.refresh(licence)
    return licence


def last_change(licence: Subscription) -> SubscriptionChange:
    """The newest row of its history."""
    return db.session.query(SubscriptionChange).filter_by(subscription_id=licence.id).order_by(
        SubscriptionChange.id.desc()).limit(1).one()


def begin(licence: Subscription, first: date, last: date, *, grace: int = 7) -> None:
    """Give it these days, and its plan days of grace."""
    licence.plan.grace_days = grace
    db.session.flush()
    licence.valid_from, licence.valid_until = first, last
    db.session.commit()


# Selling


def test_it_sells_a_plan_with_its_usual_terms(app: Flask, admin: PageClient, world: PortalWorld) -> None:
    address = f"/customers/{world.bob.label}/subscriptions/add"
    answer = admin.fill(address, {"valid_from": TODAY.isoformat()})
    assert answer.status_code == 303
    sold = db.session.query(Subscription).filter_by(customer_id=world.bob.id).order_by(Subscription.id.desc()).first()
    assert sold is not None
    assert (sold.quota, sold.valid_from, sold.valid_until) == (50 * GB, TODAY, TODAY + timedelta(days=365))
    page = admin.get(answer.location).text
    assert "Gold of Bob Stone" in page
    assert "Created" in page
    assert last_change(sold).actor == "admin@example.com"


def test_the_same_form_sent_twice_sells_once(app: Flask, admin: PageClient, world: PortalWorld) -> None:
    address = f"/customers/{world.bob.label}/subscriptions/add"
    form = admin.form(address)
    assert [admin.post(address, data=form).status_code for _ in range(2)] == [303, 303]
    assert db.session.query(Subscription).filter_by(customer_id=world.bob.id).count() == 2


def test_overcommitting_a_storage_is_shown_before_it_is_granted(app: Flask, admin: PageClient, world: PortalWorld
                                                                ) -> None:
    db.session.query(Storage).update({"capacity": 120 * GB})
    db.session.commit()
    address = f"/customers/{world.bob.label}/subscriptions/add"
    answer = admin.fill(address, {"gigabytes": "40"})
    assert answer.status_code == 409
    assert "20 GB more are granted on bundled than it holds" in answer.text
    assert db.session.query(Subscription).count() == 2
    assert admin.fill(address, {"gigabytes": "40", "confirmed": "y"}).status_code == 303
    assert admin.fill(address, {"gigabytes": "0.5"}).status_code == 409
    assert db.session.query(Subscription).count() == 3


def test_days_that_make_no_sense_are_told_at_their_field(app: Flask, admin: PageClient, world: PortalWorld) -> None:
    address = f"/customers/{world.bob.label}/subscriptions/add"
    for days, field, words in (
        ({"valid_from": "2026-02-01", "valid_until": "2026-01-01"}, "valid_until", "before the first"),
        ({"valid_from": "9999-02-01", "valid_until": "9999-03-01"}, "valid_until", "only days of 2000"),
        ({"valid_from": "soon"}, "valid_from", "Enter a date like"),
        ({"valid_from": ""}, "valid_from", "Enter the first"),
        ({"gigabytes": "-4"}, "gigabytes", "Enter a number"), ({"plan": "99"}, "plan", "Not a valid choice"),
        ({"storage": "99"}, "storage", "Not a valid choice"),
    ):
        answer = admin.fill(address, days)
        assert answer.status_code == 400
        assert f'id="{field}-problem"' in answer.text, days
        assert words in answer.text
    assert db.session.query(Subscription).count() == 2


def test_an_implementor_sells_a_plan_on_its_own_terms_only(app: Flask, tech: PageClient, world: PortalWorld) -> None:
    address = f"/customers/{world.alice.label}/subscriptions/add"
    assert not {"gigabytes", "valid_until", "storage"} & tech.form(address).keys()
    more = {"gigabytes": "9000", "valid_until": "2099-01-01", "storage": "1"}
    assert tech.fill(address, more).status_code == 303
    sold = db.session.query(Subscription).order_by(Subscription.id.desc()).first()
    assert sold is not None
    assert (sold.quota, sold.valid_until, sold.storage_id) == (50 * GB, TODAY + timedelta(days=365), None)


def test_an_implementor_too_is_shown_that_a_storage_gets_overcommitted(app: Flask, tech: PageClient,
                                                                       world: PortalWorld) -> None:
    db.session.query(Storage).update({"capacity": 120 * GB})
    db.session.commit()
    address = f"/customers/{world.alice.label}/subscriptions/add"
    answer = tech.fill(address)
    assert answer.status_code == 409
    assert "30 GB more are granted on bundled than it holds" in answer.text
    assert db.session.query(Subscription).count() == 2
    assert tech.fill(address, {"confirmed": "y"}).status_code == 303
    assert db.session.query(Subscription).count() == 3


# Validity


def test_renewing_goes_on_after_the_present_end(app: Flask, tech: PageClient, licence: Subscription) -> None:
    last = licence.valid_until
    address = f"/subscriptions/{licence.id}"
    assert tech.fill(address, action=f"{address}/renew").status_code == 303
    assert fresh(licence).valid_until == last + timedelta(days=365)
    change = last_change(licence)
    assert (change.kind, change.actor) == ("renewed", "tech@example.com")
    assert change.before["valid_until"] == last.isoformat()
    assert change.after == {"valid_until": (last + timedelta(days=365)).isoformat()}


def test_an_expired_one_is_renewed_from_today(app: Flask, admin: PageClient, licence: Subscription) -> None:
    begin(licence, TODAY - timedelta(days=400), TODAY - timedelta(days=30))
    address = f"/subscriptions/{licence.id}"
    admin.fill(address, action=f"{address}/renew")
    assert (fresh(licence).valid_from, licence.valid_until) == (TODAY, TODAY + timedelta(days=365))


def test_in_its_days_of_grace_no_day_is_given_away(app: Flask, admin: PageClient, licence: Subscription) -> None:
    first, last = TODAY - timedelta(days=360), TODAY - timedelta(days=3)
    begin(licence, first, last)
    address = f"/subscriptions/{licence.id}"
    assert "Grace" in admin.get(address).text
    admin.fill(address, action=f"{address}/renew")
    assert (fresh(licence).valid_from, licence.valid_until) == (first, last + timedelta(days=365))


def test_a_double_click_renews_once(app: Flask, admin: PageClient, licence: Subscription) -> None:
    last, address = licence.valid_until, f"/subscriptions/{licence.id}"
    form = admin.form(address, f"{address}/renew")
    codes = [admin.post(f"{address}/renew", data=form).status_code for _ in range(2)]
    assert codes == [303, 409]
    assert fresh(licence).valid_until == last + timedelta(days=365)


def test_it_extends_to_a_day_and_keeps_the_reason(app: Flask, admin: PageClient, licence: Subscription) -> None:
    address = f"/subscriptions/{licence.id}/extend"
    wanted = licence.valid_until + timedelta(days=14)
    answer = admin.fill(address, {"valid_until": wanted.isoformat(), "reason": "our mistake"})
    assert answer.status_code == 303
    assert fresh(licence).valid_until == wanted
    assert "our mistake" in admin.get(answer.location).text
    for wrong in ("", "soon", "1999-01-01", wanted.isoformat()):
        answer = admin.fill(address, {"valid_until": wrong})
        assert (answer.status_code, "valid_until-problem" in answer.text) == (400, True)


def test_the_second_of_two_who_change_it_is_told(app: Flask, admin: PageClient, licence: Subscription) -> None:
    address = f"/subscriptions/{licence.id}/extend"
    form = admin.form(address)
    other = licence.valid_until + timedelta(days=1)
    browse(app, "admin@example.com").fill(address, {"valid_until": other.isoformat()})
    answer = admin.post(address, data=form | {"valid_until": "2033-03-03"})
    assert answer.status_code == 409
    assert "IBS-1307" in answer.text
    assert other.isoformat() in answer.text
    assert fresh(licence).valid_until == other


def test_it_is_suspended_with_a_reason_and_resumed(app: Flask, admin: PageClient, licence: Subscription) -> None:
    address = f"/subscriptions/{licence.id}"
    answer = admin.fill(f"{address}/suspend", {"reason": " "})
    assert (answer.status_code, "reason-problem" in answer.text) == (400, True)
    assert admin.fill(f"{address}/suspend", {"reason": "invoice 7 is <open>"}).status_code == 303
    assert fresh(licence).suspended
    page = admin.get(address).text
    assert "Suspended (“invoice 7 is &lt;open&gt;”)" in page
    assert admin.fill(address, action=f"{address}/resume").status_code == 303
    assert (fresh(licence).suspended, licence.suspended_reason) == (False, "")
    kinds = [change.kind for change in db.session.query(SubscriptionChange).filter_by(subscription_id=licence.id)]
    assert kinds == ["created", "suspended", "resumed"]


# Space


def test_a_grant_shows_what_it_does_to_the_storage_first(app: Flask, admin: PageClient, world: PortalWorld,
                                                         licence: Subscription) -> None:
    db.session.query(Storage).update({"capacity": 120 * GB})
    let_hold(world.computer(world.owner, "desk").vault, 30 * GB)
    address = f"/subscriptions/{licence.id}/grant"
    page = admin.get(f"{address}?gigabytes=90").text
    assert "90 GB instead of 50 GB" in page
    assert "overcommitted by 20 GB" in page
    assert fresh(licence).quota == 50 * GB
    answer = admin.fill(f"{address}?gigabytes=90", {"reason": "asked for"}, action="")
    assert answer.status_code == 303
    assert fresh(licence).quota == 90 * GB
    assert "30 GB of 90 GB" in admin.get(answer.location).text
    assert "30 GB are used already" in admin.get(f"{address}?gigabytes=20").text
    for wrong in ("", "0", "many", "\x00"):
        assert admin.get(f"{address}?gigabytes={wrong}").status_code == 400


def test_the_same_quota_again_changes_nothing(app: Flask, admin: PageClient, licence: Subscription) -> None:
    answer = admin.fill(f"/subscriptions/{licence.id}/grant?gigabytes=50")
    assert (answer.status_code, "granted already" in answer.text) == (400, True)
    assert last_change(licence).kind == "created"


def test_new_computers_go_to_the_storage_that_was_chosen(app: Flask, admin: PageClient, world: PortalWorld,
                                                         licence: Subscription) -> None:
    rack = Storage(name="rack", kind=storages.FTP, host="rack.example.com", user="u")
    db.session.add(rack)
    db.session.commit()
    first = world.computer(world.owner, "first")
    assert admin.fill(f"/subscriptions/{licence.id}/storage", {"storage": str(rack.id)}).status_code == 303
    fresh(licence)
    assert world.computer(world.owner, "second").vault.storage.name == "rack"
    assert first.vault.storage.name == "bundled"
    assert "back up to <a" in admin.get(f"/subscriptions/{licence.id}").text
    assert last_change(licence).reason == "rack"


# Stages, the same in Python and in SQL


def test_every_stage_is_the_same_for_the_database(app: Flask, world: PortalWorld, licence: Subscription) -> None:
    first, last = date(2026, 6, 1), date(2026, 8, 31)
    begin(licence, first, last)
    seen = set()
    for day in range(-3, 110):
        for suspended in (False, True):
            licence.suspended = suspended
            db.session.flush()
            now = datetime(2026, 6, 1, 23, 59, tzinfo=UTC) + timedelta(days=day)
            stage = licence.stage(now)
            query = db.session.query(Subscription.id, stages.stage_at(now)).filter_by(id=licence.id)
            assert query.one()[1] == stage
            found = [name for name in stages.NAMES
                     if db.session.query(Subscription.id).filter(
                         Subscription.id == licence.id, stages.is_in_stage(name, now)).count()]
            assert found == [stage]
            seen.add(stage)
    assert seen == set(stages.NAMES)


def test_each_stage_has_its_sentence(app: Flask, world: PortalWorld, licence: Subscription) -> None:
    begin(licence, date(2026, 6, 1), date(2026, 8, 31))
    for day, words in ((date(2026, 5, 1), "Begins on 1 June 2026"),
                       (date(2026, 7, 1), "Valid until 31 August 2026, 61 days left"),
                       (date(2026, 8, 31), "last day"), (date(2026, 9, 2), "Backups are made until 7 September 2026"),
                       (date(2026, 9, 8), "Expired on 31 August 2026. No new backups are made.")):
        moment = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
        assert words in subscription_states.sentence_for(licence, moment)


# Rights


def test_an_implementor_renews_and_changes_plans_but_nothing_else(app: Flask, tech: PageClient, licence: Subscription
                                                                  ) -> None:
    page = tech.get(f"/subscriptions/{licence.id}").text
    assert "Renew" in page
    assert "Change plan" in page
    for word in ("extend", "suspend", "grant", "storage"):
        assert f"/subscriptions/{licence.id}/{word}" not in page
        assert tech.get(f"/subscriptions/{licence.id}/{word}").status_code == 403
        assert tech.post(f"/subscriptions/{licence.id}/{word}",
                         data={"csrf_token": tech.token(f"/subscriptions/{licence.id}")}).status_code == 403
    assert browse(app, "other@example.com").get(f"/subscriptions/{licence.id}").status_code == 404


def test_every_change_is_in_the_audit_trail_with_its_customer(app: Flask, world: PortalWorld, licence: Subscription
                                                              ) -> None:
    validity.renew(licence, licence.version, datetime.now(UTC), actor="admin@example.com", address="192.0.2.1")
    event = db.session.query(AuditEvent).order_by(AuditEvent.id.desc()).first()
    assert event is not None
    assert (event.action, event.customer_id, event.address) == ("renewed a subscription", world.alice.id, "192.0.2.1")
    assert "valid_until" in event.before
    with pytest.raises(EditedMeanwhile):
        validity.renew(licence, licence.version - 1, datetime.now(UTC), actor="admin@example.com")


def test_its_pages_ask_little_however_many_computers_it_has(app: Flask, admin: PageClient, world: PortalWorld,
                                                            licence: Subscription) -> None:
    licence.plan.computers = 50
    silver = plans.create_plan("Silver", 20 * GB, 2, 365, 30, world.now).id
    for number in range(20):
        world.computer(world.owner, f"PC {number}").store({(b"a",): b"x"}, world.now - timedelta(days=40))
    for action in ("", "/extend", "/suspend", "/grant?gigabytes=70", "/storage",
                   f"/change-plan?plan={silver}&period=keep"):
        address = f"/subscriptions/{licence.id}{action}"
        with count_queries() as queries:
            assert admin.get(address).status_code == 200
        assert len(queries) <= MOST, (address, queries)
