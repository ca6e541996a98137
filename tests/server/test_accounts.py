"""Accounts as staff see them: added with a link for the password, switched, closed; and the services behind."""
from __future__ import annotations

from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import pytest
from flask import Flask

from protocol.errors import SignInFailed
from server.extensions import db
from server.models import Account, AuditEvent, PasswordLink
from server.services.house.refusals import NameInUse, ValueRefused
from server.services.house.versions import EditedMeanwhile
from server.services.people import accounts
from server.services.signing_in import password_links
from server.services.signing_in.password_links import LinkUsedUp
from server.services.signing_in.sign_in import sign_in_account
from tests.parts.pages import browse
from tests.parts.portal_world import PASSWORD, PortalWorld, days_ago
from tests.parts.queries import MOST, count_queries

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
NEW_PASSWORD = "a long enough sentence"
TREE: dict[tuple[bytes, ...], bytes | None] = {(b"home", b"letter.txt"): b"Dear Bob"}


def events(action: str) -> list[AuditEvent]:
    """The deeds of that kind, the oldest first."""
    db.session.commit()
    return db.session.query(AuditEvent).filter_by(action=action).order_by(AuditEvent.id).all()


# --- the two switches ---------------------------------------------------------------------------------------------


def test_it_says_who_switched_backups_off_since_when_and_why(app: Flask, world: PortalWorld) -> None:
    box = world.computer(world.owner, "FRONT")
    box.store(TREE, days_ago(2))
    box.store(TREE, days_ago(1))
    browser = browse(app, "admin@example.com")
    address = f"/accounts/{world.owner.id}"
    page = browser.get(address).text
    assert "Their 2 restore points stay and can be restored." in page
    answer = browser.fill(address, {"reason": "holiday"}, f"{address}/backups")
    assert (answer.status_code, answer.location) == (303, address)
    page = browser.get(address).text
    assert "Backups of alice.front are rejected from now on." in page
    assert "Set by admin@example.com <time" in page
    assert 'Reason: <span class="name">holiday</span>' in page
    assert "It takes effect at once" in page
    db.session.refresh(world.owner)
    assert not world.owner.accepts_backups


def test_switching_what_is_switched_already_keeps_who_did_it_first(app: Flask, world: PortalWorld) -> None:
    accounts.switch_backups(world.owner, False, NOW, actor="alice.front", reason="holiday")
    accounts.switch_backups(world.owner, False, NOW + timedelta(days=1), actor="admin@example.com")
    assert (world.owner.accept_changed_by, world.owner.accept_changed_at) == ("alice.front", NOW)
    assert len(events("rejects backups")) == 1
    accounts.switch_backups(world.owner, False, NOW + timedelta(days=1), actor="admin@example.com", reason="unpaid")
    assert (world.owner.accept_changed_by, world.owner.accept_reason) == ("admin@example.com", "unpaid")
    told = events("rejects backups")[-1]
    assert (told.customer_id, told.account_id) == (world.alice.id, world.owner.id)
    assert '"reason": "holiday"' in told.before


@pytest.mark.parametrize("choice", ["every", "problems", "weekly", "off"])
def test_the_mail_switch_takes_each_choice(app: Flask, world: PortalWorld, choice: str) -> None:
    accounts.switch_mail(world.owner, "off" if choice != "off" else "every", NOW, actor="alice.front")
    browser, address = browse(app, "tech@example.com"), f"/accounts/{world.owner.id}"
    assert browser.fill(address, {"choice": choice}, f"{address}/mail").status_code == 303
    db.session.refresh(world.owner)
    assert (world.owner.mail_on_completion, world.owner.mail_changed_by) == (choice, "tech@example.com")
    assert f'value="{choice}" selected' in browser.get(address).text or f'selected value="{choice}"' in browser.get(
        address).text


def test_a_choice_that_nobody_offered_is_refused(app: Flask, world: PortalWorld) -> None:
    with pytest.raises(ValueRefused):
        accounts.switch_mail(world.owner, "hourly", NOW, actor="alice.front")
    browser, address = browse(app, "admin@example.com"), f"/accounts/{world.owner.id}"
    answer = browser.fill(address, {"choice": "hourly"}, f"{address}/mail")
    assert answer.status_code == 400
    assert "Not a valid choice" in answer.text
    answer = browser.fill(address, {"accepts": "perhaps"}, f"{address}/backups")
    assert answer.status_code == 400
    answer = browser.fill(address, {"reason": "x" * 256}, f"{address}/backups")
    assert answer.status_code == 400
    assert "That is too long" in answer.text
    db.session.refresh(world.owner)
    assert (world.owner.accepts_backups, world.owner.mail_on_completion) == (True, "every")


# --- adding and editing -------------------------------------------------------------------------------------------


def test_it_adds_an_account_whose_password_nobody_knows(app: Flask, world: PortalWorld) -> None:
    browser, address = browse(app, "tech@example.com"), f"/customers/{world.alice.label}/accounts/add"
    answer = browser.fill(address, {"user_name": " Alice.Laptop ", "email": "laptop@example.com"})
    added = db.session.query(Account).filter_by(user_name="alice.laptop").one()
    assert (answer.status_code, answer.location) == (303, f"/accounts/{added.id}")
    assert (added.customer_id, added.email, added.is_owner) == (world.alice.id, "laptop@example.com", False)
    assert added.subscription_id == world.subscriptions[world.alice.id].id
    with pytest.raises(SignInFailed):
        sign_in_account("alice.laptop", "", NOW)
    assert [(one.actor, one.customer_id, one.account_id) for one in events("added an account")][-1] == (
        "tech@example.com", world.alice.id, added.id)


def test_the_link_is_shown_once_and_whoever_opens_it_sets_the_password(app: Flask, world: PortalWorld) -> None:
    browser, address = browse(app, "tech@example.com"), f"/customers/{world.alice.label}/accounts/add"
    page = browser.get(browser.fill(address, {"user_name": "alice.laptop"}).location).text
    link = page.split('<p class="code">')[1].split("</p>")[0]
    assert "Give this link to alice.laptop. It is shown only now" in page
    account = db.session.query(Account).filter_by(user_name="alice.laptop").one()
    assert "set-password" not in browser.get(f"/accounts/{account.id}").text
    path = urlsplit(link).path
    answer = browse(app).fill(path, {"password": NEW_PASSWORD, "again": NEW_PASSWORD})
    assert answer.status_code == 303, answer.text
    db.session.refresh(account)
    assert sign_in_account("alice.laptop", NEW_PASSWORD, datetime.now(UTC)) == account
    assert browse(app).get(path).status_code == 410
    again = browser.fill(f"/accounts/{account.id}", action=f"/accounts/{account.id}/password-link")
    assert urlsplit(browser.get(again.location).text.split('<p class="code">')[1].split("</p>")[0]).path != path


def test_the_same_form_sent_twice_adds_one_account(app: Flask, world: PortalWorld) -> None:
    browser, address = browse(app, "admin@example.com"), f"/customers/{world.alice.label}/accounts/add"
    form = browser.form(address) | {"user_name": "alice.laptop"}
    first, second = browser.post(address, data=form), browser.post(address, data=form)
    assert (first.status_code, second.status_code, first.location) == (303, 303, second.location)
    assert db.session.query(Account).filter_by(user_name="alice.laptop").count() == 1


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@pytest.mark.parametrize(("user_name", "words"), [
    ("", "Enter a user name."), ("a b", "without spaces"), ("ALICE.BACK", "exists already"), ("a/b", "without spaces"),
    ("x" * 256, "That is too long"), ("a\u202eb", "Remove the invisible character U+202E"),
    ("a\0b", "Remove the invisible character U+0000"),
])
def test_a_wrong_user_name_is_told_at_its_field_and_what_was_typed_stays(
    app: Flask, world: PortalWorld, user_name: str, words: str
) -> None:
    browser, address = browse(app, "admin@example.com"), f"/customers/{world.alice.label}/accounts/add"
    answer = browser.fill(address, {"user_name": user_name, "email": "kept@example.com"})
    assert answer.status_code == 400
    assert words in answer.text
    assert 'value="kept@example.com"' in answer.text
    assert db.session.query(Account).count() == 3


def test_a_user_name_cannot_be_somebody_elses_way_to_sign_in(app: Flask, world: PortalWorld) -> None:
    for name in ("admin@example.com", "BOB@example.com"):
        with pytest.raises(NameInUse):
            accounts.create_account(world.alice, name, PASSWORD, NOW)
        db.session.rollback()
    assert accounts.create_account(world.alice, "alice@example.com", PASSWORD, NOW).user_name == "alice@example.com"


def test_who_saves_second_is_told_and_nothing_is_lost(app: Flask, world: PortalWorld) -> None:
    address = f"/accounts/{world.second.id}/edit"
    first, second = browse(app, "admin@example.com"), browse(app, "tech@example.com")
    form = second.form(address)
    assert first.fill(address, {"email": "first@example.com"}).status_code == 303
    answer = second.post(address, data=form | {"email": "second@example.com"})
    assert answer.status_code == 409
    assert "admin@example.com changed this meanwhile" in answer.text
    assert "first@example.com" in answer.text
    assert "second@example.com" in answer.text
    db.session.refresh(world.second)
    assert world.second.email == "first@example.com"
    with pytest.raises(EditedMeanwhile):
        accounts.update_account(world.second, "third@example.com", None, 1, NOW, actor="tech@example.com")
    db.session.rollback()


def test_an_account_moves_to_another_subscription_of_its_customer_only(app: Flask, world: PortalWorld) -> None:
    browser, address = browse(app, "admin@example.com"), f"/accounts/{world.owner.id}/edit"
    foreign = world.subscriptions[world.bob.id].id
    assert browser.fill(address, {"subscription_id": str(foreign)}).status_code == 400
    assert browser.fill(address, {"subscription_id": "0"}).status_code == 303
    db.session.refresh(world.owner)
    assert world.owner.subscription_id is None
    assert "subscription_id" in events("changed an account")[0].before


# --- closing ------------------------------------------------------------------------------------------------------


def test_a_closed_account_can_be_reopened_and_keeps_everything(app: Flask, world: PortalWorld) -> None:
    world.computer(world.owner, "FRONT").store(TREE, days_ago(1))
    browser, address = browse(app, "admin@example.com"), f"/accounts/{world.owner.id}"
    assert browser.fill(address, action=f"{address}/close").status_code == 303
    page = browser.get(address).text
    assert "This account is closed" in page
    assert "FRONT" in page
    assert browser.fill(address, action=f"{address}/reopen").status_code == 303
    assert "This account is closed" not in browser.get(address).text
    assert [len(events(f"{word} an account")) for word in ("closed", "reopened")] == [1, 1]


# --- one-time links -----------------------------------------------------------------------------------------------


def test_a_link_sets_a_password_once(app: Flask, world: PortalWorld) -> None:
    token = password_links.create_link(world.owner, NOW, actor="admin@example.com")
    assert token not in {one.detail for one in db.session.query(AuditEvent)}
    assert db.session.query(PasswordLink).one().token_hash != token.encode()
    assert password_links.find_link(token, NOW) == world.owner
    with pytest.raises(ValueRefused):
        password_links.use_link(token, "short", NOW)
    db.session.rollback()
    assert password_links.use_link(token, NEW_PASSWORD, NOW) == world.owner
    assert sign_in_account("alice.front", NEW_PASSWORD, NOW) == world.owner
    with pytest.raises(SignInFailed):
        sign_in_account("alice.front", PASSWORD, NOW)
    with pytest.raises(LinkUsedUp):
        password_links.use_link(token, NEW_PASSWORD, NOW)


@pytest.mark.parametrize("late", [timedelta(days=3), timedelta(days=400)])
def test_a_link_lapses(app: Flask, world: PortalWorld, late: timedelta) -> None:
    token = password_links.create_link(world.owner, NOW)
    password_links.find_link(token, NOW + timedelta(days=3) - timedelta(seconds=1))
    with pytest.raises(LinkUsedUp):
        password_links.find_link(token, NOW + late)


def test_a_newer_link_replaces_the_one_before(app: Flask, world: PortalWorld) -> None:
    first, other = password_links.create_link(world.owner, NOW), password_links.create_link(world.second, NOW)
    second = password_links.create_link(world.owner, NOW)
    with pytest.raises(LinkUsedUp):
        password_links.find_link(first, NOW)
    assert password_links.find_link(second, NOW) == world.owner
    assert password_links.find_link(other, NOW) == world.second
    for nonsense in ("", "x" * 10_000, "\0", "ä\ud800"):
        with pytest.raises(LinkUsedUp):
            password_links.find_link(nonsense, NOW)


def test_a_link_opens_a_sign_in_that_wrong_passwords_closed_but_not_a_closed_account(
    app: Flask, world: PortalWorld
) -> None:
    world.owner.locked_until, world.owner.failed_sign_ins = NOW + timedelta(minutes=9), 3
    password_links.use_link(password_links.create_link(world.owner, NOW), NEW_PASSWORD, NOW)
    assert sign_in_account("alice.front", NEW_PASSWORD, NOW) == world.owner
    token = password_links.create_link(world.owner, NOW)
    accounts.switch_open(world.owner, False, NOW, actor="admin@example.com")
    with pytest.raises(LinkUsedUp):
        password_links.use_link(token, NEW_PASSWORD, NOW)


# --- the page -----------------------------------------------------------------------------------------------------


def test_the_page_asks_little_of_the_database(app: Flask, world: PortalWorld) -> None:
    for number in range(5):
        world.computer(world.owner, f"PC-{number}").store(TREE, days_ago(1))
    browser = browse(app, "admin@example.com")
    with count_queries() as found:
        page = browser.get(f"/accounts/{world.owner.id}").text
    assert "PC-4" in page
    assert len(found) <= MOST
    assert all(found.count(query) <= 2 for query in found.repeated)


def test_markup_in_a_reason_stays_text(app: Flask, world: PortalWorld) -> None:
    accounts.switch_backups(world.owner, False, NOW, actor="alice.front", reason="<script>alert(1)</script>")
    page = browse(app, "admin@example.com").get(f"/accounts/{world.owner.id}").text
    assert "<script>alert" not in page
    assert "&lt;script&gt;" in page
