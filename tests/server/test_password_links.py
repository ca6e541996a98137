"""One-time links: a person opens one and sets a password that nobody else knows."""
from __future__ import annotations

from datetime import UTC, datetime, timedelta

from flask import Flask

from server.extensions import db
from server.models import AuditEvent
from server.services.signing_in import password_links
from tests.parts.pages import browse
from tests.parts.portal_world import PASSWORD, PortalWorld

NEW = "quite another passphrase"


def test_a_link_sets_a_password_once_and_ends_earlier_sign_ins(app: Flask, world: PortalWorld) -> None:
    earlier = browse(app, "alice.front")
    address = "/set-password/" + password_links.create_link(world.owner, world.now, actor="admin@example.com")
    visitor = browse(app)
    assert "alice.front" in visitor.get(address).text
    answer = visitor.fill(address, {"password": NEW, "again": NEW})
    assert (answer.status_code, answer.location) == (303, "/sign-in")
    assert "The password is set" in visitor.get("/sign-in").text
    assert earlier.get("/").status_code == 302
    assert browse(app).sign_in("alice.front", PASSWORD).status_code == 401
    assert browse(app).sign_in("alice.front", NEW).status_code == 302
    again = visitor.get(address)
    assert (again.status_code, "IBS-1310" in again.text) == (410, True)
    deeds = [event.action for event in db.session.query(AuditEvent).filter_by(object="alice.front")]
    assert deeds[-2:] == ["made a password link", "set a password by link"]


def test_a_newer_link_and_time_end_a_link(app: Flask, world: PortalWorld) -> None:
    now = datetime.now(UTC)
    first = password_links.create_link(world.owner, now)
    second = password_links.create_link(world.owner, now)
    late = password_links.create_link(world.second, now - timedelta(days=3))
    statuses = [browse(app).get(f"/set-password/{token}").status_code for token in (first, second, late, "x" * 500)]
    assert statuses == [410, 200, 410, 410]


def test_a_wrong_password_is_told_and_the_link_stays_usable(app: Flask, world: PortalWorld) -> None:
    address = "/set-password/" + password_links.create_link(world.administrator, world.now)
    visitor = browse(app)
    for password, again, words in (("short", "short", "at least 8"), (NEW, "other", "the same"), ("", "", "Enter a")):
        answer = visitor.fill(address, {"password": password, "again": again})
        assert answer.status_code == 400
        assert words in answer.text
    assert visitor.fill(address, {"password": NEW, "again": NEW}).status_code == 303


def test_a_closed_account_gets_no_password(app: Flask, world: PortalWorld) -> None:
    token = password_links.create_link(world.owner, world.now)
    world.owner.closed = True
    db.session.commit()
    assert browse(app).get(f"/set-password/{token}").status_code == 410
