"""The reseller's settings: name, logo and mail server, set by an administrator in the browser."""
from __future__ import annotations

import io

import pytest
from flask import Flask

from server.config import Config
from server.extensions import db
from server.models import AuditEvent
from server.services.house.branding import read_branding
from server.services.mail.delivery import read_settings
from tests.parts.mail_server import running_mail_server
from tests.parts.pages import PageClient, browse
from tests.parts.portal_world import PortalWorld

PNG = b"\x89PNG\r\n\x1a\n" + bytes(64)
LOOK = {"name": "Northwind IT", "colour": "#8a1c7c", "support_phone": "+49 30 1234", "support_email": "help@nw.example",
        "support_hours": "Mon–Fri", "currency": "CHF", "address": "https://backup.nw.example/"}
SERVER = {"host": "127.0.0.1", "security": "plain", "sender": "backup@nw.example", "reseller": "us@nw.example",
          "user": "", "password": ""}


@pytest.fixture
def admin(app: Flask, world: PortalWorld) -> PageClient:
    """The administrator's browser."""
    return browse(app, "admin@example.com")


def test_the_resellers_name_and_colour_stand_on_every_page(app: Flask, admin: PageClient) -> None:
    assert admin.fill("/settings", LOOK).status_code == 303
    for browser, address in ((admin, "/overview"), (browse(app, "alice.front"), "/"), (browse(app), "/sign-in")):
        page = browser.get(address).text
        assert "Northwind IT" in page
        assert "#8a1c7c" in page
    brand = read_branding("IBS")
    assert brand.support == "Northwind IT: +49 30 1234, help@nw.example (Mon–Fri)"
    assert (brand.currency, brand.address) == ("CHF", "https://backup.nw.example")


def test_a_logo_is_shown_kept_and_removed(app: Flask, admin: PageClient) -> None:
    fields = admin.form("/settings") | LOOK
    assert admin.get("/settings/logo").status_code == 404
    answer = admin.post("/settings", data=fields | {"logo": (io.BytesIO(PNG), "logo.png")},
                        content_type="multipart/form-data")
    assert answer.status_code == 303
    picture = browse(app).get("/settings/logo?v=1")
    assert (picture.data, picture.mimetype, picture.headers["X-Content-Type-Options"]) == (PNG, "image/png", "nosniff")
    assert "/settings/logo?v=1" in browse(app).get("/sign-in").text
    admin.fill("/settings", LOOK | {"name": "Other"})
    assert browse(app).get("/settings/logo").data == PNG
    admin.fill("/settings", LOOK | {"remove_logo": "y"})
    assert browse(app).get("/settings/logo").status_code == 404


@pytest.mark.parametrize("content", [b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", b"GIF89a",
                                     PNG + bytes(200_000)])
def test_a_logo_is_a_small_picture_and_no_program(app: Flask, admin: PageClient, content: bytes) -> None:
    answer = admin.post("/settings", data=admin.form("/settings") | LOOK | {"logo": (io.BytesIO(content), "logo.png")},
                        content_type="multipart/form-data")
    assert answer.status_code == 400
    assert 'id="logo-problem"' in answer.text
    assert read_branding("IBS").name == "IBS"


@pytest.mark.parametrize(("field", "value"), [
    ("name", ""), ("name", "<"*101), ("colour", "red"), ("colour", "#12345g"), ("support_email", "nobody"),
    ("currency", "XXX"), ("address", "javascript:alert(1)"), ("address", "ftp://x"), ("name", "a\x00b"),
])
def test_it_says_beside_the_field_what_is_wrong(app: Flask, admin: PageClient, field: str, value: str) -> None:
    answer = admin.fill("/settings", LOOK | {field: value})
    assert answer.status_code == 400
    assert f'id="{field}-problem"' in answer.text


def test_of_two_who_change_settings_the_second_is_told(app: Flask, admin: PageClient) -> None:
    first, second = admin.form("/settings") | LOOK, admin.form("/settings") | LOOK | {"name": "Southwind"}
    assert admin.post("/settings", data=first).status_code == 303
    answer = admin.post("/settings", data=second)
    assert (answer.status_code, read_branding("IBS").name) == (409, "Northwind IT")
    assert 'value="Southwind"' in answer.text


def test_a_test_e_mail_tells_what_the_server_said(app: Flask, admin: PageClient) -> None:
    with running_mail_server() as server:
        assert admin.fill("/settings/mail", SERVER | {"port": str(server.port)}).status_code == 303
        send = {"recipient": "me@nw.example"}
        admin.fill("/settings/mail", send, "/settings/mail/test")
        assert "took the test e-mail to me@nw.example" in admin.get("/settings/mail").text
        assert server.letters[0]["To"] == "me@nw.example"
        server.recipient_replies = ["550 no such user here"]
        admin.fill("/settings/mail", send, "/settings/mail/test")
        page = admin.get("/settings/mail").text
    assert "550 no such user here" in page
    assert "IBS-1353" in page


def test_the_password_is_kept_sealed_and_never_shown(app: Flask, admin: PageClient, config: Config) -> None:
    changed = SERVER | {"user": "portal", "password": "hunter22 words"}
    assert admin.fill("/settings/mail", changed).status_code == 303
    assert admin.fill("/settings/mail", changed | {"password": "", "port": "25"}).status_code == 303
    assert read_settings(config.secrets.kek).password == "hunter22 words"
    assert "hunter22" not in admin.get("/settings/mail").text
    deeds = " ".join(event.before + event.after for event in db.session.query(AuditEvent))
    assert "hunter22" not in deeds
    assert "(secret)" in deeds


def test_without_a_server_the_page_says_that_mail_waits(app: Flask, admin: PageClient) -> None:
    assert "No e-mail is sent until" in admin.get("/settings/mail").text
    admin.fill("/settings/mail", {"recipient": "me@nw.example"}, "/settings/mail/test")
    assert "IBS-1351" in admin.get("/settings/mail").text
