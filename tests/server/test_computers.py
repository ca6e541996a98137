"""Computers as staff see them: found, looked at, paused, moved, retired, never lost."""
from __future__ import annotations

from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from protocol.messages import Disk, HardwareReport
from server.extensions import db
from server.models import AuditEvent, Computer, Subscription
from server.services.fleet import enrolment
from server.services.selling import plans, subscriptions
from server.submissions import new_token
from tests.parts.pages import PageClient, browse
from tests.parts.portal_world import BackedUp, PortalWorld, days_ago
from tests.parts.queries import MOST, count_queries

TREE: dict[tuple[bytes, ...], bytes | None] = {(b"home", b"letter.txt"): b"Dear Bob"}
ADMIN, TECH = "admin@example.com", "tech@example.com"


@pytest.fixture
def front(world: PortalWorld) -> BackedUp:
    """Alice's computer, backed up yesterday."""
    box = world.computer(world.owner, "FRONT")
    box.store(TREE, days_ago(1))
    return box


def fresh(box: BackedUp) -> Computer:
    """The computer as the database has it."""
    db.session.rollback()
    return db.session.get_one(Computer, box.computer.id, populate_existing=True)


def send(browser: PageClient, box: BackedUp, action: str, **fields: str) -> TestResponse:
    """Send one of the forms of the computer's page."""
    page = f"/computers/{box.computer.id}"
    known = {"csrf_token": browser.token(f"{page}/manage"), "submission": new_token(),
             "version": str(fresh(box).version)}
    return browser.post(f"{page}/{action}", data={**known, **fields})


# --- the list ------------------------------------------------------------------------------------------------------


def test_the_list_says_what_will_appear_while_there_is_no_computer(app: Flask, world: PortalWorld) -> None:
    assert "No computers yet" in browse(app, ADMIN).get("/computers").text


def test_the_worst_come_first_with_their_reason(app: Flask, world: PortalWorld, front: BackedUp) -> None:
    stale = world.computer(world.stranger, "STALE")
    stale.store(TREE, days_ago(30))
    bad = world.computer(world.second, "BAD")
    bad.end("failed", days_ago(0), "Can't reach the storage nas.")
    page = browse(app, ADMIN).get("/computers").text
    assert page.index("BAD") < page.index("STALE") < page.index("FRONT")
    assert "Can&#39;t reach the storage nas." in page
    assert "No completed backup for 30 days (expected every 7 days)." in page
    turned = browse(app, ADMIN).get("/computers?sort=-state").text
    assert turned.index("FRONT") < turned.index("STALE") < turned.index("BAD")


def names_in(page: str) -> set[str]:
    """Which of the cast's computers a page names."""
    return {name for name in ("FRONT", "STALE", "GONE") if f"<strong>{name}</strong>" in page}


@pytest.mark.parametrize(("query", "found"), [
    ("", {"FRONT", "STALE"}),
    ("state=Overdue", {"STALE"}),
    ("state=Protected,Late", {"FRONT"}),
    ("state=Retired", {"GONE"}),
    ("state=Nonsense", {"FRONT", "STALE"}),
    ("customer=C-000001", {"FRONT"}),
    ("customer=C-000009", set()),
    ("waiting=1", {"STALE"}),
    ("q=fro", {"FRONT"}),
    ("q=GONE", {"GONE"}),
    ("q=bob+stone", {"STALE", "GONE"}),
    ("q=c-000001", {"FRONT"}),
    ("q=3C-52-82-AA-BB-01", {"STALE"}),
    ("q=3c5282aabb01", {"STALE"}),
    ("q=s4evnx0r", {"STALE"}),
    ("q=100%25", set()),
    ("q=fr%00ont&customer=%00&sort=%00&state=%00", {"FRONT"}),
    ("page=99", {"FRONT", "STALE"}),
    ("page=-3&sort=name&plan=0", {"FRONT", "STALE"}),
    ("plan=99999999999999999999", set()),
])
def test_computers_are_found_by_what_is_known_of_them(
    app: Flask, world: PortalWorld, front: BackedUp, query: str, found: set[str]
) -> None:
    stale, gone = world.computer(world.stranger, "STALE"), world.computer(world.stranger, "GONE")
    stale.store(TREE, days_ago(30))
    enrolment.receive_hardware(stale.computer, HardwareReport(
        host_name="STALE", system="Windows", mac_addresses=("3c:52:82:aa:bb:01",), disks=(Disk(serial="S4EVNX0R"),),
    ), world.now)
    stale.computer.awaits_approval = True
    gone.computer.state = "retired"
    db.session.commit()
    page = browse(app, ADMIN).get(f"/computers?{query}").text
    assert names_in(page) == found
    if not found:
        assert "No computer matches" in page


def test_a_list_filters_by_plan_and_storage(app: Flask, world: PortalWorld, front: BackedUp) -> None:
    silver = plans.create_plan("Silver", 10**9, 2, 30, 30, world.now)
    plan, storage = front.computer.subscription.plan_id, front.vault.storage_id
    browser = browse(app, ADMIN)
    assert names_in(browser.get(f"/computers?plan={plan}&storage={storage}").text) == {"FRONT"}
    assert names_in(browser.get(f"/computers?plan={silver.id}").text) == set()
    assert names_in(browser.get("/computers?storage=77").text) == set()


def test_an_implementor_sees_the_computers_of_assigned_customers_only(
    app: Flask, world: PortalWorld, front: BackedUp
) -> None:
    world.computer(world.stranger, "STALE")
    world.alice.implementor_id, world.bob.implementor_id = world.implementor.id, None
    db.session.commit()
    browser = browse(app, TECH)
    assert names_in(browser.get("/computers").text) == {"FRONT"}
    assert names_in(browser.get("/computers?q=bob").text) == set()


def test_a_page_of_computers_costs_no_more_queries_than_one_computer(app: Flask, world: PortalWorld) -> None:
    plan = world.subscriptions[world.alice.id].plan
    plan.computers = 100
    db.session.commit()
    for number in range(60):
        world.computer(world.owner, f"PC-{number:02}")
    browser = browse(app, ADMIN)
    browser.get("/computers")
    with count_queries() as queries:
        page = browser.get("/computers?sort=name").text
    assert len(queries) <= MOST
    assert "Page 1 of 3" in page
    assert page.count("<strong>PC-") == 25
    assert "PC-59" in browser.get("/computers?sort=name&page=3").text


# --- one computer ----------------------------------------------------------------------------------------------


def test_its_page_tells_state_backups_and_space(app: Flask, world: PortalWorld, front: BackedUp) -> None:
    front.computer.schedule = "Every day at 18:00"
    db.session.commit()
    browser = browse(app, ADMIN)
    with count_queries() as queries:
        page = browser.get(f"/computers/{front.computer.id}").text
    assert len(queries) <= MOST
    assert "Protected" in page
    assert "Every day at 18:00" in page
    assert "1 file, 8 bytes" in page
    assert "Results of FRONT in the last 30 days" in page
    assert f"/files/{front.computer.id}/" in page


def test_every_tab_is_there_while_nothing_has_run(app: Flask, world: PortalWorld) -> None:
    box = world.computer(world.owner, "NEW")
    browser = browse(app, ADMIN)
    for tab, words in (("", "None yet"), ("/hardware", "Nothing to compare"), ("/folders", "No folders known yet"),
                       ("/runs", "Nothing has run yet"), ("/activity", "Enrolled a computer"), ("/manage", "Pause")):
        with count_queries() as queries:
            answer = browser.get(f"/computers/{box.computer.id}{tab}")
        assert (answer.status_code, words in answer.text) == (200, True), tab
        assert len(queries) <= MOST, tab


def test_folders_are_named_to_administrators_and_counted_for_implementors(
    app: Flask, world: PortalWorld, front: BackedUp
) -> None:
    front.computer.folders = [
        {"path": "C:\\Users\\Alice\\<b>", "files": 12, "bytes": 3_000_000, "missing_since": None},
        {"path": "E:\\Photos", "files": 0, "bytes": 0, "missing_since": "2026-11-01T00:00:00Z"}]
    world.alice.implementor_id = world.implementor.id
    db.session.commit()
    page = browse(app, ADMIN).get(f"/computers/{front.computer.id}/folders").text
    assert "C:\\Users\\Alice\\&lt;b&gt;" in page
    assert "Not found" in page
    page = browse(app, TECH).get(f"/computers/{front.computer.id}/folders").text
    assert "Alice\\" not in page
    assert "2 folders are protected; 1 folder was not found the last time." in page


def test_a_computer_of_another_implementor_does_not_exist(app: Flask, world: PortalWorld, front: BackedUp) -> None:
    world.alice.implementor_id = None
    db.session.commit()
    assert browse(app, TECH).get(f"/computers/{front.computer.id}").status_code == 404
    assert browse(app, "alice.front").get(f"/computers/{front.computer.id}").status_code == 404
    assert browse(app, ADMIN).get("/computers/nothing").status_code == 404


# --- what is done to it -------------------------------------------------------------------------------------------


def test_it_can_be_paused_until_a_day_and_resumed(app: Flask, world: PortalWorld, front: BackedUp) -> None:
    browser, day = browse(app, ADMIN), (datetime.now(UTC) + timedelta(days=10)).date()
    assert send(browser, front, "pause", until=str(day)).status_code == 303
    computer = fresh(front)
    assert (computer.state, computer.state_changed_by) == ("paused", ADMIN)
    assert computer.paused_until == datetime(day.year, day.month, day.day, tzinfo=UTC)
    page = browser.get(f"/computers/{computer.id}").text
    assert f"Paused by {ADMIN} until {day.day} {day:%B %Y}." in page
    assert send(browser, front, "resume").status_code == 303
    assert fresh(front).state == "active"
    deeds = [event.action for event in db.session.query(AuditEvent).order_by(AuditEvent.id)][-2:]
    assert deeds == ["paused a computer", "resumed a computer"]
    assert "Resumed a computer" in browser.get(f"/computers/{computer.id}/activity").text


def test_its_activity_stays_when_it_gets_other_names(app: Flask, world: PortalWorld, front: BackedUp) -> None:
    browser = browse(app, ADMIN)
    send(browser, front, "pause")
    for name in ("RECEPTION", "LOBBY"):
        assert send(browser, front, "rename", name=name, version=str(fresh(front).version)).status_code == 303
    other = world.computer(world.owner, "FRONT")
    send(browser, other, "retire")
    page = browser.get(f"/computers/{front.computer.id}/activity").text
    assert page.count("Renamed a computer") == 2
    assert "Paused a computer" in page
    assert "Retired a computer" not in page


@pytest.mark.parametrize("day", ["2020-01-01", "yesterday", "9999-12-31"])
def test_a_pause_needs_a_day_to_come(app: Flask, world: PortalWorld, front: BackedUp, day: str) -> None:
    answer = send(browse(app, ADMIN), front, "pause", until=day)
    assert answer.status_code == 400
    assert 'id="until-problem"' in answer.text
    assert fresh(front).state == "active"


def test_a_pause_sent_twice_is_one_pause(app: Flask, world: PortalWorld, front: BackedUp) -> None:
    browser, token = browse(app, ADMIN), new_token()
    version = str(fresh(front).version)
    answers = [send(browser, front, "pause", submission=token, version=version) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [303, 303]
    assert db.session.query(AuditEvent).filter_by(action="paused a computer").count() == 1


def test_the_second_of_two_people_is_told(app: Flask, world: PortalWorld, front: BackedUp) -> None:
    version = str(front.computer.version)
    assert send(browse(app, ADMIN), front, "rename", name="RECEPTION", version=version).status_code == 303
    answer = send(browse(app, ADMIN), front, "rename", name="LOBBY", version=version)
    assert answer.status_code == 409
    assert "changed this meanwhile" in answer.text
    assert "RECEPTION" in answer.text
    assert "LOBBY" in answer.text
    assert send(browse(app, ADMIN), front, "retire", version=version).status_code == 409
    assert fresh(front).name == "RECEPTION"


@pytest.mark.parametrize("name", ["", " ", "x" * 256, "a\u202eb", "a\x00b"])
def test_a_name_must_be_one(app: Flask, world: PortalWorld, front: BackedUp, name: str) -> None:
    answer = send(browse(app, ADMIN), front, "rename", name=name)
    assert answer.status_code == 400
    assert 'id="name-problem"' in answer.text
    assert fresh(front).name == "FRONT"


def test_a_retired_computer_frees_its_place_and_keeps_its_restore_points(
    app: Flask, world: PortalWorld, front: BackedUp
) -> None:
    world.subscriptions[world.alice.id].plan.computers = 1
    db.session.commit()
    browser = browse(app, ADMIN)
    assert send(browser, front, "retire").status_code == 303
    assert fresh(front).state == "retired"
    assert browser.get(f"/files/{front.computer.id}/1/").status_code == 200
    world.computer(world.second, "NEXT")
    answer = send(browser, front, "resume")
    assert answer.status_code == 403
    assert "all are in use" in answer.text
    assert send(browser, front, "pause").status_code == 409


def test_it_moves_to_another_subscription_of_its_customer_while_there_is_a_place(
    app: Flask, world: PortalWorld, front: BackedUp
) -> None:
    silver = plans.create_plan("Silver", 10**9, 1, 30, 30, world.now)
    target = subscriptions.create_subscription(world.alice, silver, world.now)
    browser = browse(app, ADMIN)
    assert "Move to another subscription" in browser.get(f"/computers/{front.computer.id}/manage").text
    assert send(browser, front, "move", subscription_id=str(target.id)).status_code == 303
    assert fresh(front).subscription_id == target.id
    assert browser.get(f"/files/{front.computer.id}/1/").status_code == 200
    other = world.computer(world.second, "BACK")
    answer = send(browser, other, "move", subscription_id=str(target.id))
    assert answer.status_code == 400
    assert "covers 1 computers" in answer.text


def test_it_never_moves_to_another_customer(app: Flask, world: PortalWorld, front: BackedUp) -> None:
    foreign = world.subscriptions[world.bob.id]
    subscriptions.create_subscription(world.alice, foreign.plan, world.now)
    answer = send(browse(app, ADMIN), front, "move", subscription_id=str(foreign.id))
    assert answer.status_code == 400
    assert db.session.get_one(Subscription, fresh(front).subscription_id).customer_id == world.alice.id


def test_a_backup_can_be_asked_for(app: Flask, world: PortalWorld, front: BackedUp) -> None:
    browser = browse(app, ADMIN)
    assert send(browser, front, "ask-backup").status_code == 303
    computer = fresh(front)
    assert computer.backup_asked_by == ADMIN
    assert "asked for a backup" in browser.get(f"/computers/{computer.id}").text
    front.store(TREE, datetime.now(UTC))
    assert "asked for a backup <" not in browser.get(f"/computers/{computer.id}").text


def test_nobody_asks_in_vain(app: Flask, world: PortalWorld, front: BackedUp) -> None:
    world.owner.accepts_backups = False
    db.session.commit()
    answer = send(browse(app, ADMIN), front, "ask-backup")
    assert answer.status_code == 403
    assert "IBS-1201" in answer.text
    assert fresh(front).backup_asked_at is None


# --- changed hardware --------------------------------------------------------------------------------------------

KNOWN = HardwareReport(host_name="FRONT", system="Windows", board_id="PF3X9K2L", disks=(Disk(serial="S4EVNX0R"),))
CLONE = HardwareReport(host_name="CLONE", system="Windows", board_id="QQ11WW22", disks=(Disk(serial="CLONEDSK"),))


@pytest.fixture
def doubtful(world: PortalWorld, front: BackedUp) -> BackedUp:
    """A computer that reported another machine's hardware."""
    enrolment.receive_hardware(front.computer, KNOWN, world.now)
    enrolment.receive_hardware(front.computer, CLONE, world.now)
    return front


def test_both_reports_stand_side_by_side(app: Flask, world: PortalWorld, doubtful: BackedUp) -> None:
    page = browse(app, ADMIN).get(f"/computers/{doubtful.computer.id}/hardware").text
    assert "Is it still the same computer?" in page
    assert "0 of 2 identifiers match those registered." in page
    for value in ("PF3X9K2L", "QQ11WW22", "S4EVNX0R", "CLONEDSK"):
        assert value in page
    assert page.count("Changed</span>") >= 2


@pytest.mark.parametrize(("decision", "state", "waits"), [
    ("accept", "active", False), ("other", "retired", False), ("", "active", True), ("nonsense", "active", True)])
def test_a_person_decides(
    app: Flask, world: PortalWorld, doubtful: BackedUp, decision: str, state: str, waits: bool
) -> None:
    answer = send(browse(app, ADMIN), doubtful, "decide", decision=decision)
    assert answer.status_code == 303
    computer = fresh(doubtful)
    assert (computer.state, computer.awaits_approval, computer.restore_points) == (state, waits, 1)


def test_names_cannot_become_markup(app: Flask, world: PortalWorld) -> None:
    hostile = "<script>alert(1)</script>"
    box = world.computer(world.owner, hostile)
    box.end("failed", days_ago(0), hostile)
    browser = browse(app, ADMIN)
    for address in ("", f"/{box.computer.id}", f"/{box.computer.id}/manage", f"?q={quote(hostile)}"):
        page = browser.get(f"/computers{address}").text
        assert "<script>alert" not in page
        assert "&lt;script&gt;" in page
