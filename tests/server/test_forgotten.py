"""A forgotten password: a link by e-mail, and the same words for everybody who asks."""
from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask

from server.config import Config
from server.extensions import db
from server.models import Mail, PasswordLink
from server.services import mail
from server.services.house import branding
from server.services.house.branding import Branding
from server.services.mail import delivery
from server.services.signing_in import forgotten
from tests.parts.mail_server import MailServer, running_mail_server
from tests.parts.pages import PageClient, browse
from tests.parts.portal_world import PASSWORD, PortalWorld

BRAND = Branding("Northwind IT", support_phone="+49 30 1234", address="https://backup.nw.example")
NEW = "quite another passphrase"


@pytest.fixture
def server(world: PortalWorld, config: Config) -> Iterator[MailServer]:
    """A portal that sends e-mail, and the server that takes it."""
    with running_mail_server() as running:
        now = datetime.now(UTC)
        branding.change_branding(BRAND, 0, now, actor="admin@example.com")
        delivery.change_settings(running.settings(), config.secrets.kek, 0, now, actor="admin@example.com")
        yield running


def ask(browser: PageClient, name: str) -> str:
    """Ask for a link; the page that comes then, without what differs between any two of them."""
    assert "Forgotten the password?" in browser.get("/sign-in").text
    answer = browser.fill("/forgotten", {"name": name})
    assert (answer.status_code, answer.location) == (303, "/sign-in")
    return re.sub(r'name="csrf_token" value="[^"]+"', "", browser.get("/sign-in").text)


def waiting() -> list[Mail]:
    """The letters in the outbox."""
    db.session.rollback()
    return list(db.session.query(Mail).order_by(Mail.id))


@pytest.mark.parametrize(("name", "user"), [("bob", "bob"), (" BOB@example.com", "bob"), ("admin@example.com",) * 2])
def test_a_link_comes_by_mail_and_sets_a_password(
    app: Flask, config: Config, server: MailServer, name: str, user: str
) -> None:
    ask(browse(app), name)
    assert mail.send_mail(config, datetime.now(UTC)) == 1
    letter = server.letters[0]
    text = letter.get_body(("plain",)).get_content()  # type: ignore[union-attr]
    found = re.search(r"https://backup\.nw\.example(/set-password/\S+)", text)
    assert found is not None
    assert user in str(letter["Subject"])
    visitor = browse(app)
    assert visitor.fill(found[1], {"password": NEW, "again": NEW}).status_code == 303
    assert browse(app).sign_in(user, PASSWORD).status_code == 401
    assert browse(app).sign_in(user, NEW).status_code == 302
    assert visitor.get(found[1]).status_code == 410


def test_the_answer_is_the_same_for_everybody(app: Flask, world: PortalWorld, server: MailServer) -> None:
    world.second.closed, world.owner.email = True, ""
    db.session.commit()
    pages = {ask(browse(app), name) for name in ("bob", "nobody", "alice.back", "alice.front", "x@y.example", "%")}
    assert len(pages) == 1
    assert "a link is on its way there" in pages.pop()
    assert [letter.recipient for letter in waiting()] == ["bob@example.com"]


def test_an_address_of_several_accounts_gets_a_link_for_each(app: Flask, world: PortalWorld, server: MailServer
                                                             ) -> None:
    ask(browse(app), "alice@example.com")
    assert [letter.subject for letter in waiting()] == [
        "New password for alice.front", "New password for alice.back"]


def test_it_works_for_an_hour_and_is_not_sent_again_at_once(app: Flask, world: PortalWorld, server: MailServer) -> None:
    now = datetime.now(UTC)
    assert forgotten.send_links("bob", BRAND, now) == 1
    assert forgotten.send_links("bob", BRAND, now + timedelta(minutes=4)) == 0
    link = db.session.query(PasswordLink).one()
    assert link.expires_at - link.created_at == timedelta(hours=1)
    assert forgotten.send_links("bob", BRAND, now + timedelta(minutes=6)) == 1
    assert len(waiting()) == 2


def test_many_who_ask_from_one_address_are_slowed_down(app: Flask, server: MailServer) -> None:
    browser = browse(app)
    form = browser.form("/forgotten")
    answers = [browser.post("/forgotten", data=form | {"name": f"guess{number}"}) for number in range(11)]
    assert [answer.status_code for answer in answers] == [303] * 10 + [429]


def test_an_empty_name_is_told(app: Flask, server: MailServer) -> None:
    answer = browse(app).fill("/forgotten", {"name": "  "})
    assert (answer.status_code, "Enter your user name or e-mail address." in answer.text) == (400, True)


@pytest.mark.parametrize("missing", ["address", "mail server"])
def test_without_mail_the_page_says_whom_to_ask(app: Flask, world: PortalWorld, config: Config, missing: str) -> None:
    now = datetime.now(UTC)
    brand = Branding("Northwind IT", support_phone="+49 30 1234", address="" if missing == "address" else BRAND.address)
    branding.change_branding(brand, 0, now, actor="admin@example.com")
    if missing == "address":
        settings = delivery.MailSettings(host="127.0.0.1", sender="backup@nw.example")
        delivery.change_settings(settings, config.secrets.kek, 0, now, actor="admin@example.com")
    browser = browse(app)
    page = browser.get("/forgotten").text
    assert "Ask Northwind IT: +49 30 1234 for a link" in page
    assert "<form" not in page
    answer = browser.post("/forgotten", data={"name": "bob", "csrf_token": browser.token()})
    assert answer.status_code == 400
    assert waiting() == []
