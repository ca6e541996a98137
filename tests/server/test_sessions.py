"""The browsers in which somebody is signed in: seen, listed and ended."""
from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from playwright.sync_api import Browser, expect

from server.extensions import db
from server.models import AuditEvent, BrowserSession
from server.services.people import accounts, staff
from server.services.signing_in import browser_sessions
from server.services.signing_in.browser_names import browser_name
from tests.parts.chromium import window
from tests.parts.pages import PageClient, browse
from tests.parts.portal_world import PASSWORD, PortalWorld
from tests.parts.queries import count_queries
from tests.parts.web_server import serve

PAGE = "/your-sign-in"
PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1 Version/18.0 Safari/604.1"


def sessions_of(name: str) -> list[BrowserSession]:
    """The rows of a person, oldest first, as they stand now."""
    db.session.rollback()
    return list(db.session.query(BrowserSession).filter_by(person=name).order_by(BrowserSession.id)
                .populate_existing())


def on_a_phone(app: Flask, name: str) -> PageClient:
    """Somebody who signed in from elsewhere."""
    phone = browse(app)
    phone.environ_base |= {"HTTP_USER_AGENT": PHONE, "REMOTE_ADDR": "203.0.113.9"}
    assert phone.sign_in(name).status_code == 302
    return phone


def test_sign_ins_are_listed_with_browser_and_address_and_ended_one_by_one(app: Flask, world: PortalWorld) -> None:
    desk, phone = browse(app, "alice.front"), on_a_phone(app, "alice.front")
    page = desk.get(PAGE).text
    assert "Safari on iPhone" in page
    assert "203.0.113.9" in page
    number = sessions_of(world.owner.get_id())[1].id
    assert desk.fill(PAGE, action=f"{PAGE}/{number}/end").location == PAGE
    assert phone.get("/").location == "/sign-in"
    assert desk.get("/").status_code == 200
    assert "Safari on iPhone" not in desk.get(PAGE).text


def test_all_others_end_at_once(app: Flask, world: PortalWorld) -> None:
    desk, others = browse(app, "alice.front"), [on_a_phone(app, "alice.front") for _ in range(3)]
    bob = browse(app, "bob")
    assert desk.fill(PAGE, action=f"{PAGE}/end-others").location == PAGE
    assert "3 other sign-ins ended." in desk.get(PAGE).text
    assert [other.get("/").status_code for other in others] == [302, 302, 302]
    assert bob.get("/").status_code == desk.get("/").status_code == 200
    assert db.session.query(AuditEvent).filter_by(action="ended all other sign-ins").one().detail == "3"


def test_nobody_ends_anothers_sign_in(app: Flask, world: PortalWorld) -> None:
    alice, bob = browse(app, "alice.front"), browse(app, "bob")
    number = sessions_of(world.owner.get_id())[0].id
    for sender in (bob, browse(app, "alice.back"), browse(app, "admin@example.com")):
        answer = sender.post(f"{PAGE}/{number}/end", data={"csrf_token": sender.token(PAGE)})
        assert answer.status_code == 404
    assert alice.get("/").status_code == 200


def test_a_copied_cookie_is_worth_nothing_after_signing_out(app: Flask, world: PortalWorld) -> None:
    browser = browse(app, "alice.front")
    copy = browser.get_cookie("session")
    assert copy is not None
    browser.post("/sign-out", data={"csrf_token": browser.token("/")})
    thief = browse(app)
    thief.set_cookie("session", copy.value)
    assert thief.get("/").location == "/sign-in"


def test_a_sign_in_ends_so_many_hours_after_its_last_use(app: Flask, world: PortalWorld) -> None:
    browser = browse(app, "alice.front")
    session = sessions_of(world.owner.get_id())[0]
    session.seen_at = datetime.now(UTC) - timedelta(hours=11, minutes=59)
    db.session.commit()
    assert browser.get("/").status_code == 200  # that was a use
    assert datetime.now(UTC) - sessions_of(world.owner.get_id())[0].seen_at < timedelta(minutes=1)
    browse(app, "admin@example.com").fill("/settings/signing-in", {"hours": "2"})
    session = sessions_of(world.owner.get_id())[0]
    session.seen_at = datetime.now(UTC) - timedelta(hours=2, seconds=1)
    db.session.commit()
    assert browser.get("/").location == "/sign-in"


def test_what_a_page_asks_by_itself_does_not_prolong_a_sign_in(app: Flask, world: PortalWorld) -> None:
    admin = browse(app, "admin@example.com")
    session = sessions_of(world.administrator.get_id())[0]
    session.seen_at = before = datetime.now(UTC) - timedelta(minutes=6)
    db.session.commit()
    admin.get("/overview/running", headers={"HX-Request": "true"})
    assert sessions_of(world.administrator.get_id())[0].seen_at == before
    admin.get("/overview")
    noted = sessions_of(world.administrator.get_id())[0].seen_at
    assert noted > before
    admin.get("/overview")
    assert sessions_of(world.administrator.get_id())[0].seen_at == noted  # a write each five minutes at most


def test_stay_signed_in_begins_the_hours_anew(app: Flask, world: PortalWorld) -> None:
    browser = browse(app, "alice.front")
    token = browser.token(PAGE)
    session = sessions_of(world.owner.get_id())[0]
    session.seen_at = before = datetime.now(UTC) - timedelta(minutes=4)
    db.session.commit()
    assert browser.post(f"{PAGE}/stay", data={"csrf_token": token}).status_code == 204
    assert sessions_of(world.owner.get_id())[0].seen_at > before


def test_a_page_asks_one_question_more_for_its_browser(app: Flask, world: PortalWorld) -> None:
    browser = browse(app, "alice.front")
    with count_queries() as queries:
        browser.get(PAGE)
    assert len([query for query in queries if "browser_session" in query]) == 2  # who asks, and the list
    with count_queries() as queries:
        browser.get("/your-sign-in/password")
    assert len([query for query in queries if "browser_session" in query]) == 1


def test_a_closed_sign_in_ends_at_once_and_is_told_the_same_as_a_wrong_password(app: Flask, world: PortalWorld) -> None:
    tech, alice = browse(app, "tech@example.com"), browse(app, "alice.front")
    accounts.switch_open(world.owner, False, world.now, actor="admin@example.com")
    staff.close_staff(world.implementor, True, world.implementor.version, world.now, actor="admin@example.com")
    assert (tech.get("/overview").status_code, alice.get("/").status_code) == (302, 302)
    for name in ("tech@example.com", "alice.front"):
        answer = browse(app).sign_in(name)
        assert (answer.status_code, "The user name or password isn&#39;t right" in answer.text) == (401, True)


def test_a_changed_password_ends_the_others_and_keeps_this_one(app: Flask, world: PortalWorld) -> None:
    desk, phone = browse(app, "alice.front"), on_a_phone(app, "alice.front")
    page = f"{PAGE}/password"
    new = {"password": "a better password", "again": "a better password"}
    assert desk.fill(page, {"old": "not hers", **new}).status_code == 400
    assert desk.fill(page, {"old": PASSWORD, "password": "short", "again": "short"}).status_code == 400
    assert phone.get("/").status_code == 200
    assert desk.fill(page, {"old": PASSWORD, **new}).location == PAGE
    assert desk.get("/").status_code == 200
    assert phone.get("/").location == "/sign-in"
    assert browse(app).sign_in("alice.front").status_code == 401
    assert browse(app).sign_in("alice.front", "a better password").status_code == 302


def test_guessing_the_present_password_closes_the_sign_in(app: Flask, world: PortalWorld) -> None:
    browser = browse(app, "alice.front")
    form = browser.form(f"{PAGE}/password") | {"password": "a better password", "again": "a better password"}
    answers = [browser.post(f"{PAGE}/password", data=form | {"old": f"guess {number}"}) for number in range(11)]
    assert {answer.status_code for answer in answers} == {400}
    assert "Too many tries" in answers[-1].text


def test_old_rows_are_forgotten(app: Flask, world: PortalWorld) -> None:
    browser_sessions.begin(world.owner, "", "", world.now - timedelta(days=31))
    browser_sessions.begin(world.owner, "", "", world.now)
    db.session.commit()
    browser_sessions.forget_old(world.now)
    assert len(sessions_of(world.owner.get_id())) == 1


def test_browsers_have_short_names() -> None:
    chrome = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/140.0 Safari/537.36"
    assert browser_name(chrome) == "Chrome on Windows"
    assert browser_name(f"{chrome} Edg/140.0") == "Edge on Windows"
    assert browser_name("\x00<b>") == "Unknown browser"


def test_a_page_knows_when_its_sign_in_ends(app: Flask, world: PortalWorld) -> None:
    browser = browse(app, "alice.front")
    session = sessions_of(world.owner.get_id())[0]
    session.seen_at = datetime.now(UTC) - timedelta(minutes=3)
    db.session.commit()
    page = browser.get("/").text
    left, lasts = (int(page.split(f'data-{word}="')[1].split('"')[0]) for word in ("left", "lasts"))
    assert (lasts - 185 <= left <= lasts - 180, lasts) == (True, 12 * 3600)
    assert 'id="leaving"' not in browse(app).get("/sign-in").text


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_page_warns_before_its_sign_in_ends_and_lets_the_reader_stay(
    app: Flask, world: PortalWorld, browser: Browser
) -> None:
    with serve(app) as (host, port), window(browser, f"http://{host}:{port}", width=360) as opened:
        opened.page.clock.install()
        opened.sign_in("alice.front", PASSWORD)
        warning = opened.page.locator("#leaving")
        opened.page.clock.fast_forward("11:57:00")
        expect(warning).to_be_hidden()
        opened.page.clock.fast_forward("01:30")
        expect(warning).to_be_visible()
        assert opened.sideways() <= 0
        with opened.page.expect_response("**/your-sign-in/stay") as answer:
            warning.get_by_role("button", name="Stay signed in").click()
        assert answer.value.status == 204
        expect(warning).to_be_hidden()
        opened.page.clock.fast_forward("01:00:00")
        expect(warning).to_be_hidden()
        sessions_of(world.owner.get_id())[0].ended_at = datetime.now(UTC)
        db.session.commit()
        opened.page.clock.fast_forward("11:00:10")
        opened.page.wait_for_url("**/sign-in")
        assert opened.complaints == []
