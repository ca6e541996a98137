"""Two-step sign-in: set up with an app, asked after the password, and never a way around it."""
from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pyotp
import pytest
from flask import Flask

from protocol.errors import SecondStepNeeded
from protocol.messages import SignIn
from server.config import Config
from server.extensions import db
from server.models import AuditEvent, BrowserSession, Preference, SpareCode
from server.services.fleet import restore_tokens
from server.services.signing_in import second_step
from server.services.signing_in.second_step import CodeRefused
from server.services.signing_in.sign_in import TRIES
from tests.parts.pages import PageClient, browse
from tests.parts.portal_world import PASSWORD, PortalWorld
from tests.parts.queries import MOST, count_queries

PAGE = "/your-sign-in/two-step"
OFF, CODES = f"{PAGE}/off", f"{PAGE}/codes"


def switch_on(browser: PageClient) -> tuple[str, list[str]]:
    """Set the second step up in the browser; the app's key, and the spare codes."""
    page = browser.get(PAGE).text
    secret = key_in(page)
    answer = browser.fill(PAGE, {"code": pyotp.TOTP(secret).now()})
    assert (answer.status_code, answer.location) == (303, CODES)
    return secret, re.findall(r"<li>([a-z0-9]{4}-[a-z0-9]{4})</li>", browser.get(CODES).text)


def key_in(page: str) -> str:
    """The key as a page shows it in groups of four."""
    found = re.search(r'<p class="code">([A-Z2-7 ]+)</p>', page)
    assert found is not None
    return found[1].replace(" ", "")


def later(secret: str, steps: int = 1) -> str:
    """The code that the app shows so many steps of 30 seconds from now."""
    return pyotp.TOTP(secret).at(datetime.now(UTC) + timedelta(seconds=30 * steps))


def deeds() -> list[str]:
    """What the audit log tells, oldest first."""
    return [event.action for event in db.session.query(AuditEvent).order_by(AuditEvent.id)]


@pytest.mark.parametrize("name", ["alice.front", "admin@example.com"])
def test_it_is_set_up_with_an_app_and_asked_after_the_password(app: Flask, world: PortalWorld, name: str) -> None:
    secret, spare = switch_on(browse(app, name))
    assert len(set(spare)) == 10
    browser = browse(app)
    answer = browser.sign_in(name, wanted="/your-sign-in")
    assert (answer.status_code, answer.location) == (302, "/sign-in/code?next=/your-sign-in")
    page = "/sign-in/code?next=/your-sign-in"
    assert 'autocomplete="one-time-code"' in browser.get(page).text
    answer = browser.fill(page, {"code": later(secret)})
    assert (answer.status_code, answer.location) == (302, "/your-sign-in")
    assert browser.get("/your-sign-in").status_code == 200
    assert {"switched two-step sign-in on", "signed in to the portal"} <= set(deeds())


def test_the_key_is_kept_sealed_and_shown_no_more(app: Flask, world: PortalWorld) -> None:
    browser = browse(app, "alice.front")
    secret, spare = switch_on(browser)
    db.session.refresh(world.owner)
    assert secret.encode() not in world.owner.totp_sealed
    assert secret not in browser.get(PAGE).text.replace(" ", "")
    assert browser.get(CODES).location == PAGE
    kept = b"".join(row.code_hash for row in db.session.query(SpareCode))
    assert not any(code.replace("-", "").encode() in kept for code in spare)


def test_it_is_not_on_before_a_code_proves_the_app(app: Flask, world: PortalWorld) -> None:
    browser = browse(app, "alice.front")
    secret = key_in(browser.get(PAGE).text)
    answer = browser.fill(PAGE, {"code": "000000" if pyotp.TOTP(secret).now() != "000000" else "111111"})
    assert (answer.status_code, "isn&#39;t right" in answer.text) == (400, True)
    assert key_in(answer.text) == secret
    assert browse(app).sign_in("alice.front").location == "/"


def test_a_right_password_alone_opens_nothing(app: Flask, world: PortalWorld) -> None:
    switch_on(browse(app, "admin@example.com"))
    browser = browse(app)
    browser.sign_in("admin@example.com")
    for rule in app.url_map.iter_rules():
        if "GET" in (rule.methods or set()) and not rule.arguments and rule.endpoint != "static":
            answer = browser.get(rule.rule)
            open_to_all = rule.endpoint in {
                "auth.sign_in_form", "auth.code", "auth.forgotten", "settings.logo", "openapi.description"}
            refused = answer.status_code in {401, 404} or (answer.location or "").startswith("/sign-in")
            assert refused or open_to_all or rule.rule.startswith(("/api/", "/download")), rule.rule


def test_who_used_the_browser_before_is_signed_out_by_a_right_password(app: Flask, world: PortalWorld) -> None:
    switch_on(browse(app, "admin@example.com"))
    browser = browse(app, "alice.front")
    cookie = browser.get_cookie("session")
    assert cookie is not None
    names = {"name": "admin@example.com", "password": PASSWORD, "csrf_token": browser.token("/")}
    assert browser.post("/sign-in", data=names).location == "/sign-in/code"
    thief = browse(app)
    thief.set_cookie("session", cookie.value)
    assert thief.get("/").status_code == 302
    assert db.session.query(BrowserSession).filter_by(person=world.owner.get_id(), ended_at=None).count() == 0


def test_it_is_not_passed_by_restoring_in_the_client(app: Flask, world: PortalWorld) -> None:
    computer = world.computer(world.owner, "FRONT").computer
    asked = SignIn(user_name="alice.front", password=PASSWORD, computer=computer.id)
    assert restore_tokens.sign_in(asked, "192.0.2.1", world.config, datetime.now(UTC)).token
    switch_on(browse(app, "alice.front"))
    db.session.expire_all()
    with pytest.raises(SecondStepNeeded):
        restore_tokens.sign_in(asked, "192.0.2.1", world.config, datetime.now(UTC))


def test_half_a_sign_in_lasts_five_minutes(app: Flask, world: PortalWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    secret, _ = switch_on(browse(app, "alice.front"))
    monkeypatch.setattr("server.browser.HALF_SECONDS", -1)
    browser = browse(app)
    browser.sign_in("alice.front")
    assert browser.get("/sign-in/code").location == "/sign-in"
    answer = browser.post("/sign-in/code", data={"csrf_token": browser.token(), "code": later(secret)})
    assert answer.location == "/sign-in"
    assert browser.get("/").location == "/sign-in"


def test_a_new_password_ends_half_a_sign_in(app: Flask, world: PortalWorld) -> None:
    alice = browse(app, "alice.front")
    switch_on(alice)
    browser = browse(app)
    browser.sign_in("alice.front")
    new = {"old": PASSWORD, "password": "a better password", "again": "a better password"}
    assert alice.fill("/your-sign-in/password", new).status_code == 303
    assert browser.get("/sign-in/code").location == "/sign-in"


def test_each_code_works_once_and_clocks_may_differ_by_one_step(
    app: Flask, world: PortalWorld, config: Config
) -> None:
    now, kek = datetime(2026, 5, 4, 12, 0, 10, tzinfo=UTC), config.secrets.kek
    secret = second_step.new_secret()
    codes = {step: pyotp.TOTP(secret).at(now + timedelta(seconds=30 * step)) for step in range(-3, 4)}
    assert len(set(codes.values())) == len(codes)
    second_step.turn_on(world.owner, secret, codes[-1], kek, now)
    for step in (-1, -2, 2):
        with pytest.raises(CodeRefused):
            second_step.check_code(world.owner, codes[step], kek, now)
    second_step.check_code(world.owner, codes[0], kek, now)
    second_step.check_code(world.owner, f" {codes[1][:3]} {codes[1][3:]} ", kek, now)
    for step in (0, 1):  # an earlier one does not work after a later one
        with pytest.raises(CodeRefused):
            second_step.check_code(world.owner, codes[step], kek, now)


def test_a_spare_code_takes_its_place_once(app: Flask, world: PortalWorld) -> None:
    _, spare = switch_on(browse(app, "alice.front"))
    spoken = spare[4].upper().replace("-", " ")
    for code, status in ((spare[3], 302), (spare[3], 401), (spoken, 302), ("zzzz-0000", 401)):
        browser = browse(app)
        browser.sign_in("alice.front")
        assert browser.fill("/sign-in/code", {"code": code}).status_code == status, code
    assert second_step.count_spare_codes(world.owner) == 8


def test_spare_codes_belong_to_one_person(app: Flask, world: PortalWorld) -> None:
    _, spare = switch_on(browse(app, "alice.front"))
    switch_on(browse(app, "bob"))
    browser = browse(app)
    browser.sign_in("bob")
    assert browser.fill("/sign-in/code", {"code": spare[0]}).status_code == 401


def test_wrong_codes_close_the_sign_in_however_often_the_password_is_right(app: Flask, world: PortalWorld) -> None:
    secret, _ = switch_on(browse(app, "alice.front"))
    browser = browse(app)
    for number in range(TRIES):
        assert browser.sign_in("alice.front").status_code == 302
        assert browser.fill("/sign-in/code", {"code": f"no-{number}"}).status_code == 401
    answer = browser.fill("/sign-in/code", {"code": later(secret)})
    assert (answer.status_code, "Too many tries" in answer.text) == (429, True)
    assert browse(app).sign_in("alice.front").status_code == 429


def test_it_is_switched_off_with_password_and_code_only(app: Flask, world: PortalWorld) -> None:
    browser = browse(app, "alice.front")
    secret, spare = switch_on(browser)
    form = browser.form(PAGE, CODES)
    for password, code in (("wrong password", later(secret)), (PASSWORD, "wrong"), ("", "")):
        assert browser.post(OFF, data=form | {"password": password, "code": code}).status_code == 400
    assert browse(app).sign_in("alice.front").location == "/sign-in/code"
    assert browser.post(OFF, data=form | {"password": PASSWORD, "code": spare[0]}).location == PAGE
    assert browse(app).sign_in("alice.front").location == "/"
    assert deeds().count("switched two-step sign-in off") == 1
    assert db.session.query(SpareCode).count() == 0


def test_new_spare_codes_end_the_earlier_ones(app: Flask, world: PortalWorld) -> None:
    browser = browse(app, "alice.front")
    secret, spare = switch_on(browser)
    assert "You have 10 spare codes left" in browser.get(PAGE).text
    answer = browser.post(CODES, data=browser.form(PAGE, CODES) | {"password": PASSWORD, "code": later(secret)})
    assert answer.location == CODES
    renewed = re.findall(r"<li>([a-z0-9]{4}-[a-z0-9]{4})</li>", browser.get(CODES).text)
    assert len(renewed) == 10
    assert not set(renewed) & set(spare)
    visitor = browse(app)
    visitor.sign_in("alice.front")
    assert visitor.fill("/sign-in/code", {"code": spare[0]}).status_code == 401
    assert visitor.fill("/sign-in/code", {"code": renewed[0]}).status_code == 302


def test_staff_who_need_it_reach_nothing_before_they_have_it(app: Flask, world: PortalWorld) -> None:
    admin, tech, alice = (browse(app, name) for name in ("admin@example.com", "tech@example.com", "alice.front"))
    switch_on(admin)
    assert admin.fill("/settings/signing-in", {"staff_need_second_step": "y", "hours": "8"}).status_code == 303
    assert "led to set it up" in admin.get("/settings/signing-in").text
    for rule in app.url_map.iter_rules():
        if "GET" in (rule.methods or set()) and not rule.arguments:
            answer = tech.get(rule.rule)
            shown = rule.endpoint.startswith("auth.") or answer.status_code == 404 or rule.rule.startswith(
                ("/api/", "/download"))
            assert answer.location == PAGE or shown, rule.rule
    assert tech.get("/your-sign-in").location == PAGE
    assert "Everybody who works here needs it" in tech.get(PAGE).text
    assert admin.get("/overview").status_code == alice.get("/").status_code == 200
    switch_on(tech)
    assert tech.get("/overview").status_code == 200


def test_an_administrator_takes_it_from_somebody_who_lost_the_phone(app: Flask, world: PortalWorld) -> None:
    switch_on(browse(app, "tech@example.com"))
    admin = browse(app, "admin@example.com")
    page = f"/staff/{world.implementor.id}"
    assert admin.fill(page, action=f"{page}/remove-second-step").location == page
    assert browse(app).sign_in("tech@example.com").location == "/"
    assert deeds().count("removed two-step sign-in") == 1
    assert db.session.query(SpareCode).count() == 0


def test_the_rules_for_signing_in_are_held_to_their_limits(app: Flask, world: PortalWorld) -> None:
    admin = browse(app, "admin@example.com")
    for hours in ("0", "721", "", "many"):
        assert admin.fill("/settings/signing-in", {"hours": hours}).status_code == 400
    assert db.session.get(Preference, "signing in") is None
    stale = admin.form("/settings/signing-in")
    assert admin.post("/settings/signing-in", data=stale | {"hours": "9"}).status_code == 303
    assert admin.post("/settings/signing-in", data=stale | {"hours": "7"}).status_code == 409


def test_the_pages_ask_little_of_the_database(app: Flask, world: PortalWorld) -> None:
    browser = browse(app, "alice.front")
    switch_on(browser)
    for address in (PAGE, "/your-sign-in", "/your-sign-in/password"):
        with count_queries() as queries:
            assert browser.get(address).status_code == 200
        assert len(queries) <= min(MOST, 6), queries
