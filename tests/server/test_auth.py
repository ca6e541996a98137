"""Signing in to the portal and out of it."""
from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from server.extensions import db
from server.models import AuditEvent, Staff
from server.services.signing_in.sign_in import TRIES, hash_password
from tests.parts.pages import browse
from tests.parts.portal_world import PASSWORD, PortalWorld


def test_it_asks_who_is_not_signed_in_and_goes_on_to_the_wanted_page(app: Flask, world: PortalWorld) -> None:
    browser = browse(app)
    answer = browser.get("/files/")
    assert (answer.status_code, answer.location) == (302, "/sign-in?next=/files/")
    assert browser.sign_in("alice.front", wanted="/files/").location == "/files/"
    assert browser.get("/files/").status_code == 200


@pytest.mark.parametrize("name", ["alice.front", " ALICE.FRONT ", "bob@example.com", "admin@example.com"])
def test_it_takes_a_user_name_or_an_email_address(app: Flask, world: PortalWorld, name: str) -> None:
    answer = browse(app).sign_in(name)
    assert (answer.status_code, answer.location) == (302, "/")


def test_it_does_not_guess_among_accounts_that_share_an_address(app: Flask, world: PortalWorld) -> None:
    assert browse(app).sign_in("alice@example.com").status_code == 401


def test_it_says_the_same_of_a_wrong_password_and_of_nobody(app: Flask, world: PortalWorld) -> None:
    wrong, nobody = browse(app).sign_in("alice.front", "not her password"), browse(app).sign_in("nobody", "whatever")
    assert wrong.status_code == nobody.status_code == 401
    sentence = "The user name or password isn&#39;t right. Nothing was changed."
    assert sentence in wrong.text
    assert sentence in nobody.text
    assert "IBS-1101" in wrong.text


def test_it_keeps_the_name_and_never_the_password_in_the_form(app: Flask, world: PortalWorld) -> None:
    page = browse(app).sign_in("alice.front", "not her password").text
    assert 'value="alice.front"' in page
    assert "not her password" not in page


def test_it_names_each_empty_field(app: Flask, world: PortalWorld) -> None:
    answer = browse(app).sign_in("", "")
    assert answer.status_code == 400
    assert "Enter your user name or e-mail address." in answer.text
    assert "Enter your password." in answer.text


@pytest.mark.parametrize("name", ["alice.front", "admin@example.com"])
def test_it_closes_a_sign_in_that_is_guessed_at_and_opens_it_later(
    app: Flask, world: PortalWorld, name: str
) -> None:
    browser = browse(app)
    for _ in range(TRIES):
        assert browser.sign_in(name, "a wrong guess").status_code == 401
    answer = browser.sign_in(name)
    assert answer.status_code == 429
    assert "Too many tries. Sign-in opens again at" in answer.text
    person = world.owner if name == "alice.front" else world.administrator
    db.session.refresh(person)
    person.locked_until = datetime.now(UTC) - timedelta(seconds=1)
    db.session.commit()
    assert browser.sign_in(name).status_code == 302


def test_it_signs_out_by_a_form_only(app: Flask, world: PortalWorld) -> None:
    browser = browse(app, "alice.front")
    assert browser.get("/sign-out").status_code == 405
    assert browser.post("/sign-out").status_code == 400
    assert browser.get("/").status_code == 200
    assert browser.post("/sign-out", data={"csrf_token": browser.token("/")}).location == "/sign-in"
    assert browser.get("/").status_code == 302


def test_it_refuses_a_sign_in_form_from_elsewhere(app: Flask, world: PortalWorld) -> None:
    answer = browse(app).post("/sign-in", data={"name": "alice.front", "password": PASSWORD})
    assert answer.status_code == 400
    assert browse(app).get("/").status_code == 302


@pytest.mark.parametrize("wanted", [
    "https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:alert(1)", "/%0d%0aSet-Cookie:a=b", "",
])
def test_it_never_leads_out_of_the_portal(app: Flask, world: PortalWorld, wanted: str) -> None:
    assert browse(app).sign_in("alice.front", wanted=wanted).location == "/"


def test_a_new_password_ends_earlier_sessions(app: Flask, world: PortalWorld) -> None:
    browser = browse(app, "alice.front")
    world.owner.password_hash = hash_password("another password")
    db.session.commit()
    assert browser.get("/").location == "/sign-in"


def test_a_session_of_someone_who_is_gone_ends(app: Flask, world: PortalWorld) -> None:
    browser = browse(app, "admin@example.com")
    db.session.delete(db.session.get(Staff, world.administrator.id))
    db.session.commit()
    assert browser.get("/overview").location == "/sign-in?next=/overview"


def test_it_notes_who_signed_in_and_from_where(app: Flask, world: PortalWorld) -> None:
    browse(app, "alice.front")
    event = db.session.scalars(select(AuditEvent).order_by(AuditEvent.id.desc())).first()
    assert event is not None
    assert (event.actor, event.action, event.address) == ("alice.front", "signed in to the portal", "127.0.0.1")


def test_every_answer_forbids_foreign_and_inline_code(app: Flask, world: PortalWorld) -> None:
    browser = browse(app, "alice.front")
    for address in ("/", "/sign-out", "/static/theme.css", "/nothing-here"):
        headers = browser.get(address).headers
        assert "script-src 'self'" in headers["Content-Security-Policy"]
        assert "unsafe-inline" not in headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "same-origin"
    assert browser.get("/").headers["Cache-Control"] == "private, no-store"


def test_the_cookie_stays_on_tls_and_out_of_reach_of_scripts(app: Flask, world: PortalWorld) -> None:
    browser = browse(app)
    plain = browser.get("/sign-in").headers["Set-Cookie"]
    assert "HttpOnly" in plain
    assert "SameSite=Lax" in plain
    assert "Secure" not in plain
    safe = browse(app).get("/sign-in", base_url="https://backup.example/")
    assert "Secure" in safe.headers["Set-Cookie"]
    assert "max-age" in safe.headers["Strict-Transport-Security"]


def test_assets_with_a_version_are_kept_and_changed_ones_get_another_address(app: Flask, world: PortalWorld) -> None:
    page = browse(app).get("/sign-in").text
    address = next(part for part in page.split('"') if part.startswith("/static/theme.css?v="))
    assert "immutable" in browse(app).get(address).headers["Cache-Control"]
    assert "immutable" not in browse(app).get("/static/theme.css").headers.get("Cache-Control", "")
