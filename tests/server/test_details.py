"""A customer's own details: contact, switches, recovery sheets."""
from __future__ import annotations

from pathlib import Path
from uuid import UUID

import html5lib
import pytest
from flask import Flask
from sqlalchemy import select

from server.extensions import db
from server.models import Account, AuditEvent, Customer
from server.submissions import new_token
from tests.parts.pages import PageClient, browse
from tests.parts.portal_world import PASSWORD, BackedUp, PortalWorld, days_ago
from tests.parts.queries import MOST, count_queries
from vault.keys import recovery_wrapping_key, unwrap_key

CONTACT = {"contact": "Alice", "email": "new@example.com", "phone": "+44 20 7946 0018", "country": "GB",
           "time_zone": "Europe/London", "language": "en", "city": "London"}


def send(browser: PageClient, page: str, address: str, **fields: str) -> int:
    """Fill in a form of `page` and send it; the status of the answer."""
    fields = {"csrf_token": browser.token(page), "submission": new_token(), **fields}
    return browser.post(address, data=fields).status_code


def test_it_shows_number_registration_and_both_switches(app: Flask, world: PortalWorld) -> None:
    page = browse(app, "alice.front").get("/details").text
    assert world.alice.label in page
    assert "Alice Rivers" in page
    assert "alice.back" in page
    assert page.count("Accept backups <span") == 2
    own = browse(app, "alice.back").get("/details").text
    assert own.count("Accept backups <span") == 1
    assert "alice.front" not in own
    assert "alice@example.com" in own  # the address to which its own mail goes
    assert "Change contact details" not in own


def test_the_owner_switches_backups_of_every_account_with_a_reason(app: Flask, world: PortalWorld) -> None:
    box = world.computer(world.second, "BACK")
    box.store({(b"x",): b""}, days_ago(1))
    browser, address = browse(app, "alice.front"), f"/details/accounts/{world.second.id}/backups"
    assert "1 restore point stays and can be restored." in browser.get("/details").text
    assert send(browser, "/details", address, accepts="no", reason="moving") == 303
    second = db.session.get(Account, world.second.id, populate_existing=True)
    assert second is not None
    assert (second.accepts_backups, second.accept_changed_by, second.accept_reason) == (False, "alice.front", "moving")
    page = browser.get("/details").text
    assert "moving" in page
    assert "Set by alice.front" in page
    assert send(browser, "/details", address, accepts="yes") == 303
    assert send(browser, "/details", address, accepts="perhaps") == 400
    db.session.refresh(second)
    assert second.accepts_backups


def test_who_is_not_the_owner_decides_over_nobody_else(app: Flask, world: PortalWorld) -> None:
    browser = browse(app, "alice.back")
    for account in (world.owner, world.stranger):
        assert send(browser, "/details", f"/details/accounts/{account.id}/backups", accepts="no") == 404
        assert send(browser, "/details", f"/details/accounts/{account.id}/mail", choice="off") == 404
    assert send(browser, "/details", f"/details/accounts/{world.second.id}/mail", choice="weekly") == 303
    db.session.expire_all()
    assert (world.second.mail_on_completion, world.second.mail_changed_by) == ("weekly", "alice.back")
    assert send(browser, "/details", f"/details/accounts/{world.second.id}/mail", choice="hourly") == 400


def test_the_owner_changes_the_contact_details(app: Flask, world: PortalWorld) -> None:
    browser = browse(app, "alice.front")
    assert send(browser, "/details/contact", "/details/contact", version="1", **CONTACT) == 303
    customer = db.session.get(Customer, world.alice.id, populate_existing=True)
    assert customer is not None
    assert (customer.email, customer.city, customer.country) == ("new@example.com", "London", "GB")
    assert customer.name == "Alice Rivers"
    event = db.session.scalars(select(AuditEvent).where(AuditEvent.action == "changed a registration")).one()
    assert '"email": "alice@example.com"' in event.before


def test_name_and_notes_cannot_be_changed_from_here(app: Flask, world: PortalWorld) -> None:
    browser = browse(app, "alice.front")
    send(browser, "/details/contact", "/details/contact", version="1", **CONTACT, name="Eve", notes="x", number="7")
    customer = db.session.get(Customer, world.alice.id, populate_existing=True)
    assert customer is not None
    assert (customer.name, customer.notes, customer.number) == ("Alice Rivers", None, 1)


def test_the_second_of_two_who_edit_is_told_and_keeps_what_was_typed(app: Flask, world: PortalWorld) -> None:
    browser = browse(app, "alice.front")
    assert send(browser, "/details/contact", "/details/contact", version="1", **CONTACT) == 303
    answer = browser.post("/details/contact", data={
        **CONTACT, "city": "Leeds", "version": "1", "csrf_token": browser.token("/details/contact")})
    assert answer.status_code == 409
    assert "alice.front changed this meanwhile" in answer.text
    assert 'value="Leeds"' in answer.text


@pytest.mark.parametrize(("field", "value"), [("email", "nonsense"), ("email", ""), ("phone", "call me"),
                                              ("country", "Atlantis"), ("city", "\u202egnp"), ("street", "x" * 300)])
def test_what_cannot_be_is_said_beside_its_field(app: Flask, world: PortalWorld, field: str, value: str) -> None:
    browser = browse(app, "alice.front")
    answer = browser.post("/details/contact", data={
        **CONTACT, field: value, "version": "1", "csrf_token": browser.token("/details/contact")})
    assert answer.status_code == 400
    page = html5lib.parse(answer.text, namespaceHTMLElements=False)
    assert any(one.get("id") == field and one.get("aria-invalid") == "true" for one in page.iter())
    assert db.session.get(Customer, world.alice.id, populate_existing=True).email == "alice@example.com"  # type: ignore[union-attr]


def code_on(page: str) -> str:
    """The recovery code on a sheet; "" for a blank to write it."""
    tree = html5lib.parse(page, namespaceHTMLElements=False)
    return next(("".join(one.itertext()) for one in tree.iter("strong") if one.get("class") == "code"), "")


def opened_with(box: BackedUp, code: str) -> bool:
    """Whether a key on the storage opens with that code, as the recover command tries it."""
    uuid = UUID(box.vault.uuid)
    wrapping = recovery_wrapping_key(code, uuid)
    for name in Path(box.folder.folder / "k").iterdir():
        if unwrap_key(name.read_bytes(), wrapping, vault=uuid).vault_key:
            return True
    return False


def test_a_sheet_tells_how_to_recover_and_leaves_room_for_the_code(app: Flask, world: PortalWorld) -> None:
    box = world.computer(world.owner, "FRONT")
    browser = browse(app, "alice.front")
    assert "FRONT" in browser.get("/details/recovery").text
    page = browser.get(f"/details/recovery/{box.computer.id}").text
    assert box.vault.uuid in page
    assert "ibs-client recover" in page
    assert "Write it here by hand." in page
    assert code_on(page) == ""


def test_the_owner_makes_a_new_code_that_opens_the_vault_and_is_shown_once(app: Flask, world: PortalWorld) -> None:
    box = world.computer(world.second, "BACK")
    box.store({(b"x",): b"1"}, days_ago(1))
    browser, address = browse(app, "alice.front"), f"/details/recovery/{box.computer.id}"
    assert send(browser, address, address, password=PASSWORD) == 303
    code = code_on(browser.get(address).text)
    assert opened_with(box, code)
    assert code_on(browser.get(address).text) == ""
    cookie = browser.get_cookie("session")
    assert cookie is not None
    assert db.session.scalars(select(AuditEvent).where(AuditEvent.action == "made a new recovery code for")).one()
    assert code not in str([event.detail for event in db.session.scalars(select(AuditEvent))])


def test_a_wrong_password_makes_no_code(app: Flask, world: PortalWorld) -> None:
    box = world.computer(world.owner, "FRONT")
    box.store({(b"x",): b"1"}, days_ago(1))
    browser, address = browse(app, "alice.front"), f"/details/recovery/{box.computer.id}"
    assert send(browser, address, address, password="wrong password") == 400
    assert send(browser, address, address, password="") == 400
    assert code_on(browser.get(address).text) == ""
    assert not (box.folder.folder / "k").exists()


def test_only_the_owner_makes_codes_and_only_when_there_is_something_to_recover(app: Flask, world: PortalWorld) -> None:
    box = world.computer(world.second, "BACK")
    address = f"/details/recovery/{box.computer.id}"
    second, owner = browse(app, "alice.back"), browse(app, "alice.front")
    assert "Make a new recovery code" not in second.get(address).text
    assert send(second, address, address, password=PASSWORD) == 403
    assert send(owner, address, address, password=PASSWORD) == 409
    assert browse(app, "bob").get(address).status_code == 404


def test_it_asks_little_of_the_database(app: Flask, world: PortalWorld) -> None:
    for number in range(15):
        world.account(world.alice, f"more.{number}")
    browser = browse(app, "alice.front")
    for address in ("/details", "/details/contact", "/details/recovery"):
        with count_queries() as queries:
            browser.get(address)
        assert len(queries) <= MOST, list(queries)
