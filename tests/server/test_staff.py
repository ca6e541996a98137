"""The reseller's people: added, changed and closed by an administrator in the browser."""
from __future__ import annotations

import pytest
from flask import Flask

from server.extensions import db
from server.models import AuditEvent, Staff
from server.services.people import staff
from server.services.people.staff import LastAdministrator
from tests.parts.pages import PageClient, browse
from tests.parts.portal_world import PASSWORD, PortalWorld
from tests.parts.queries import MOST, count_queries

NORA = {"email": "Nora@Example.com ", "name": "Nora Hill", "role": "implementor", "time_zone": "Europe/Berlin"}


@pytest.fixture
def admin(app: Flask, world: PortalWorld) -> PageClient:
    """The administrator's browser."""
    return browse(app, "admin@example.com")


def person(email: str) -> Staff:
    """As the database has them now."""
    db.session.expire_all()
    return db.session.query(Staff).filter_by(email=email).one()


def test_it_adds_an_implementor_who_has_no_password_yet(app: Flask, admin: PageClient) -> None:
    answer = admin.fill("/staff/add", NORA)
    assert answer.status_code == 303
    nora = person("nora@example.com")
    assert (nora.name, nora.role, nora.time_zone) == ("Nora Hill", "implementor", "Europe/Berlin")
    page = admin.get(answer.location).text
    assert "Nora Hill" in page
    assert "Not yet" in page
    assert db.session.query(AuditEvent).filter_by(action="added staff", object="nora@example.com").count() == 1


def test_the_same_form_sent_twice_adds_one_person(app: Flask, admin: PageClient) -> None:
    fields = admin.form("/staff/add") | NORA
    first, second = admin.post("/staff/add", data=fields), admin.post("/staff/add", data=fields)
    assert first.location == second.location
    assert db.session.query(Staff).filter_by(email="nora@example.com").count() == 1


@pytest.mark.parametrize(("field", "value", "words"), [
    ("email", "", "Enter the address"), ("email", "nobody", "name@example.com"),
    ("email", "TECH@example.com", "exists already"), ("name", "x" * 256, "too long"), ("name", "a\x00", "U+0000"),
    ("role", "owner", "Not a valid choice"), ("time_zone", "Mars/Olympus", "Not a valid choice"),
])
def test_it_says_beside_the_field_what_is_wrong(
    app: Flask, admin: PageClient, field: str, value: str, words: str
) -> None:
    answer = admin.fill("/staff/add", NORA | {field: value})
    assert answer.status_code == 400
    assert words in answer.text
    assert f'id="{field}-problem"' in answer.text
    assert db.session.query(Staff).count() == 3


def test_nobody_of_staff_is_named_like_an_account(app: Flask, admin: PageClient, world: PortalWorld) -> None:
    world.account(world.alice, "nora@example.com")
    answer = admin.fill("/staff/add", NORA)
    assert answer.status_code == 400
    assert "exists already" in answer.text
    assert db.session.query(Staff).filter_by(email="nora@example.com").count() == 0


def test_a_change_is_on_record_with_what_was_and_what_is(app: Flask, admin: PageClient, world: PortalWorld) -> None:
    address = f"/staff/{world.implementor.id}/edit"
    assert admin.fill(address, {"role": "administrator", "name": "Tech"}).status_code == 303
    assert person("tech@example.com").role == "administrator"
    event = db.session.query(AuditEvent).filter_by(action="changed staff").one()
    assert '"implementor"' in event.before
    assert '"administrator"' in event.after


def test_of_two_who_edit_the_same_person_the_second_is_told(app: Flask, admin: PageClient, world: PortalWorld) -> None:
    address = f"/staff/{world.implementor.id}/edit"
    mine, other = admin.form(address), admin.form(address)
    assert admin.post(address, data=other | {"name": "First"}).status_code == 303
    answer = admin.post(address, data=mine | {"name": "Second"})
    assert answer.status_code == 409
    assert "IBS-1307" in answer.text
    assert "First" in answer.text
    assert 'value="Second"' in answer.text
    assert person("tech@example.com").name == "First"


def test_the_last_administrator_stays_one(app: Flask, admin: PageClient, world: PortalWorld) -> None:
    answer = admin.fill(f"/staff/{world.administrator.id}/edit", {"role": "implementor"})
    assert answer.status_code == 400
    assert "only administrator" in answer.text
    assert person("admin@example.com").role == "administrator"
    with pytest.raises(LastAdministrator):
        staff.close_staff(world.administrator, True, 1, world.now, actor="x")
    db.session.rollback()
    staff.create_staff("second@example.com", PASSWORD, "administrator", world.now)
    staff.close_staff(world.administrator, True, 1, world.now, actor="x")
    assert person("admin@example.com").closed


def test_a_closed_person_can_be_reopened(app: Flask, admin: PageClient, world: PortalWorld) -> None:
    page = f"/staff/{world.implementor.id}"
    assert admin.post(f"{page}/close", data=admin.form(page, f"{page}/close")).status_code == 303
    assert person("tech@example.com").closed
    assert "Closed" in admin.get(page).text
    assert admin.post(f"{page}/reopen", data=admin.form(page, f"{page}/reopen")).status_code == 303
    assert not person("tech@example.com").closed


def test_the_list_says_how_many_customers_each_serves(app: Flask, admin: PageClient, world: PortalWorld) -> None:
    with count_queries() as queries:
        page = admin.get("/staff").text
    assert len(queries) <= MOST
    assert "tech@example.com" in page
    assert page.count("<tr>") == 1 + db.session.query(Staff).count()
