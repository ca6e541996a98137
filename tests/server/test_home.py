"""First pages: a customer's Home and the staff's Overview."""
from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from flask import Flask

from server.extensions import db
from server.models import AuditEvent, Run
from server.services.people import accounts
from server.submissions import new_token
from tests.parts.pages import browse
from tests.parts.portal_world import PortalWorld, days_ago
from tests.parts.queries import MOST, count_queries

TREE: dict[tuple[bytes, ...], bytes | None] = {(b"home", b"letter.txt"): b"Dear Bob"}


def test_it_says_in_one_sentence_that_all_is_well(app: Flask, world: PortalWorld) -> None:
    world.computer(world.owner, "FRONT").store(TREE, days_ago(0))
    page = browse(app, "alice.front").get("/").text
    assert "<h1>FRONT is protected.</h1>" in page
    assert "Last backup <time" in page
    assert "1 file, 8 bytes" in page
    assert "Restore files" in page


def test_it_shows_what_needs_a_look_first(app: Flask, world: PortalWorld) -> None:
    world.computer(world.owner, "GOOD").store(TREE, days_ago(0))
    bad = world.computer(world.owner, "BAD")
    bad.store(TREE, days_ago(1))
    bad.end("failed", days_ago(0), "Can't reach the storage nas: timed out. Your earlier backups are safe.")
    page = browse(app, "alice.front").get("/").text
    assert "1 of 2 computers are protected." in page
    assert "<title>(1) Home" in page
    assert page.index("BAD") < page.index("GOOD")
    assert "Can&#39;t reach the storage nas" in page


def test_it_tells_a_new_customer_what_to_do(app: Flask, world: PortalWorld) -> None:
    page = browse(app, "bob").get("/").text
    assert "No computers yet" in page
    assert "sign in as bob" in page


def test_the_owner_sees_all_computers_and_another_account_its_own(app: Flask, world: PortalWorld) -> None:
    world.computer(world.owner, "FRONT")
    world.computer(world.second, "BACK")
    world.computer(world.stranger, "BOBS")
    owner, second = browse(app, "alice.front").get("/").text, browse(app, "alice.back").get("/").text
    assert ("FRONT" in owner, "BACK" in owner, "BOBS" in owner) == (True, True, False)
    assert ("FRONT" in second, "BACK" in second, "BOBS" in second) == (False, True, False)


def test_it_says_who_switched_backups_off_and_that_files_can_be_restored(app: Flask, world: PortalWorld) -> None:
    world.computer(world.owner, "FRONT").store(TREE, days_ago(3))
    accounts.switch_backups(world.owner, False, datetime(2026, 11, 12, tzinfo=UTC), actor="alice.front",
                             reason="moving to a new PC")
    page = browse(app, "alice.front").get("/").text
    assert "Backups are paused." in page
    assert ("Backups of alice.front were switched off by alice.front on 12 November 2026 (“moving to a new PC”). "
            "Its restore points are safe and can be restored.") in page
    assert "Restore files" in page


def test_it_says_that_the_plan_expired(app: Flask, world: PortalWorld) -> None:
    world.computer(world.owner, "FRONT").store(TREE, days_ago(3))
    world.subscriptions[world.alice.id].valid_from = date(2025, 1, 1)
    world.subscriptions[world.alice.id].valid_until = date(2026, 3, 31)
    db.session.commit()
    page = browse(app, "alice.front").get("/").text
    assert "The plan Gold expired on 31 March 2026." in page
    assert "everything backed up until then can be restored" in page


def test_times_are_those_of_the_customer(app: Flask, world: PortalWorld) -> None:
    when = datetime(2025, 6, 1, 20, 30, tzinfo=UTC)
    world.computer(world.owner, "FRONT").store(TREE, when)
    world.alice.time_zone = "Asia/Kolkata"
    db.session.commit()
    page = browse(app, "alice.front").get("/").text
    assert "2 Jun 2025 at 02:00" in page
    assert 'datetime="2025-06-01T20:30:00+00:00"' in page
    world.alice.time_zone = "Nowhere/Atall"
    db.session.commit()
    assert "1 Jun 2025 at 20:30" in browse(app, "alice.front").get("/").text


def test_a_backup_can_be_asked_for_once_and_home_says_so(app: Flask, world: PortalWorld) -> None:
    box = world.computer(world.second, "BACK")
    box.store(TREE, days_ago(1))
    browser = browse(app, "alice.front")
    form = {"csrf_token": browser.token("/"), "submission": new_token()}
    for _ in range(2):
        assert browser.post(f"/home/{box.computer.id}/back-up", data=form).status_code == 303
    db.session.expire_all()
    assert box.computer.backup_asked_by == "alice.front"
    assert db.session.query(AuditEvent).filter_by(action="asked for a backup").count() == 1
    page = browser.get("/").text
    assert "BACK was asked for a backup." in page
    assert "A backup was asked for <time" in page
    assert "Back up now" not in page
    box.store(TREE, datetime.now(UTC) + timedelta(seconds=1))
    assert "Back up now" in browser.get("/").text
    bob = browse(app, "bob")
    form = {"csrf_token": bob.token("/"), "submission": new_token()}
    assert bob.post(f"/home/{box.computer.id}/back-up", data=form).status_code == 404


def test_no_backup_is_asked_for_while_none_would_be_taken(app: Flask, world: PortalWorld) -> None:
    box = world.computer(world.owner, "FRONT")
    box.store(TREE, days_ago(1))
    browser = browse(app, "alice.front")
    token = browser.token("/")
    accounts.switch_backups(world.owner, False, datetime.now(UTC), actor="alice.front")
    assert "Back up now" not in browser.get("/").text
    answer = browser.post(f"/home/{box.computer.id}/back-up", data={"csrf_token": token, "submission": new_token()})
    assert answer.status_code == 403
    assert "IBS-1201" in answer.text


def test_home_asks_little_of_the_database_however_many_computers_there_are(app: Flask, world: PortalWorld) -> None:
    world.subscriptions[world.alice.id].plan.computers = 50
    for number in range(20):
        box = world.computer(world.owner if number % 2 else world.second, f"PC-{number}")
        box.store(TREE, days_ago(number))
        box.end("failed", days_ago(0), "Can't reach the storage.")
    browser = browse(app, "alice.front")
    with count_queries() as queries:
        assert browser.get("/").status_code == 200
    assert len(queries) <= MOST, list(queries)


def test_names_cannot_become_markup(app: Flask, world: PortalWorld) -> None:
    world.computer(world.owner, "<script>alert(1)</script>").store(TREE, days_ago(0))
    page = browse(app, "alice.front").get("/").text
    assert "<script>" not in page
    assert "&lt;script&gt;" in page


def test_staff_go_on_to_their_overview(app: Flask, world: PortalWorld) -> None:
    assert browse(app, "admin@example.com").get("/").location == "/overview"


def test_customers_have_no_overview(app: Flask, world: PortalWorld) -> None:
    answer = browse(app, "alice.front").get("/overview")
    assert answer.status_code == 404
    assert "There is no such page." in answer.text


def test_a_broken_database_still_gives_a_page(app: Flask, world: PortalWorld) -> None:
    browser = browse(app, "alice.front")
    Run.__table__.drop(db.engine)  # type: ignore[attr-defined]
    try:
        answer = browser.get("/")
    finally:
        Run.__table__.create(db.engine)  # type: ignore[attr-defined]
    assert answer.status_code == 500
    assert "Something went wrong" in answer.text
    assert "IBS-9002" in answer.text
    assert "run" not in answer.text
