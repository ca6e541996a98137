"""The staff's first page: what needs attention, worst first, and nothing of what does not."""
from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from flask import Flask, url_for

from protocol.messages import Disk, HardwareReport
from server.extensions import db
from server.models import Mail, Run, Storage
from server.services.fleet import attention, enrolment, overview, results, uptime
from tests.parts.pages import browse
from tests.parts.portal_world import BackedUp, PortalWorld, days_ago, let_hold
from tests.parts.queries import MOST, count_queries

TREE: dict[tuple[bytes, ...], bytes | None] = {(b"home", b"letter.txt"): b"Dear Bob"}
ADMIN, TECH = "admin@example.com", "tech@example.com"


def titles(world: PortalWorld, now: datetime | None = None) -> list[str]:
    """What needs attention, as an administrator sees it, worst first."""
    found = attention.read(world.administrator, now or world.now, limit=100)
    assert found.total == len(found.items)
    return [f"{item.title}: {item.state}" for item in found.items]


def test_nothing_needs_attention_while_all_is_well(app: Flask, world: PortalWorld) -> None:
    world.computer(world.owner, "FRONT").store(TREE, days_ago(1))
    page = browse(app, ADMIN).get("/overview").text
    assert "<h1>Nothing needs attention.</h1>" in page
    assert "<title>Overview" in page
    assert "No backup is running." in page


def test_an_empty_portal_says_what_to_do(app: Flask, world: PortalWorld) -> None:
    page = browse(app, ADMIN).get("/overview").text
    assert "No computers yet" in page
    assert "Add customer" in page


def full_house(world: PortalWorld) -> dict[str, BackedUp]:
    """Every reason at once, and two computers that nobody needs to look at."""
    now, boxes = world.now, {}
    for name, account in (("FAILED", world.owner), ("STALE", world.owner), ("CHANGED", world.owner),
                          ("WARNS", world.owner), ("GOOD", world.owner)):
        boxes[name] = world.computer(account, name)
    world.subscriptions[world.bob.id].plan.computers = 10
    for name in ("EMPTY", "YOUNG", "LATE"):
        boxes[name] = world.computer(world.stranger, name)
    for name in ("FAILED", "CHANGED", "GOOD"):
        boxes[name].store(TREE, days_ago(0.5, now))
    boxes["FAILED"].end("failed", days_ago(0.1, now), "Can't reach the storage nas.")
    boxes["STALE"].store(TREE, days_ago(30, now))
    boxes["LATE"].store(TREE, days_ago(7.5, now))
    for days in (5, 4):
        boxes["WARNS"].store(TREE, days_ago(days, now), skipped=3)
    boxes["EMPTY"].computer.enrolled_at = days_ago(4, now)
    known = HardwareReport(host_name="x", system="y", disks=(Disk(serial="S4EVNX0R"),))
    enrolment.receive_hardware(boxes["CHANGED"].computer, known, now)
    other = HardwareReport(host_name="x", system="y", disks=(Disk(serial="CLONEDSK"),))
    enrolment.receive_hardware(boxes["CHANGED"].computer, other, now)
    db.session.commit()
    return boxes


def test_the_worst_comes_first_with_since_reason_and_one_action(app: Flask, world: PortalWorld) -> None:
    boxes = full_house(world)
    assert titles(world) == ["FAILED: Failed", "STALE: Overdue", "CHANGED: Awaits approval", "WARNS: Warnings",
                             "EMPTY: Not set up"]
    browser = browse(app, ADMIN)
    with count_queries() as queries:
        page = browser.get("/overview").text
    assert len(queries) <= MOST, queries
    assert "<h1>5 things need attention.</h1>" in page
    assert "<title>(5) Overview" in page
    assert "Can&#39;t reach the storage nas." in page
    assert "3 files could not be backed up the last time." in page
    assert f'href="/runs/{boxes["FAILED"].computer.id}/2"' in page
    assert f'href="/computers/{boxes["CHANGED"].computer.id}/hardware"' in page
    assert "Results of STALE in the last 30 days" in page


def test_the_counters_lead_to_the_filtered_lists(app: Flask, world: PortalWorld) -> None:
    full_house(world)
    counters = overview.look(world.administrator, world.now).counters
    assert counters == overview.Counters(computers=8, protected=3, overdue=1, not_set_up=2)
    page = browse(app, ADMIN).get("/overview").text
    for query in ("Protected,Late", "Overdue", "Not+set+up"):
        assert f"/computers?state={query}" in page
        assert browse(app, ADMIN).get(f"/computers?state={query}").status_code == 200


def test_warnings_and_new_computers_get_three_days(world: PortalWorld) -> None:
    box = world.computer(world.owner, "FRONT")
    assert titles(world, world.now + timedelta(days=2)) == []
    assert titles(world, world.now + timedelta(days=4)) == ["FRONT: Not set up"]
    for hours in (0, 24, 48, 72):
        box.store(TREE, world.now + timedelta(hours=hours), skipped=1)
    assert titles(world, world.now + timedelta(hours=71)) == []
    assert titles(world, world.now + timedelta(hours=73)) == ["FRONT: Warnings"]


@pytest.mark.parametrize(("changes", "found"), [
    ({"valid_until": timedelta(days=7)}, ["Plan Gold: Expiring"]),
    ({"valid_until": timedelta(days=8)}, []),
    ({"valid_until": timedelta(days=0)}, ["Plan Gold: Expiring"]),
    ({"valid_until": timedelta(days=-1)}, ["Plan Gold: Grace"]),
    ({"valid_until": timedelta(days=-4)}, []),
    ({"quota": 1000}, ["Plan Gold: Storage full"]),
    ({"quota": 1050}, ["Plan Gold: Nearly full"]),
    ({"quota": 1060}, []),
    ({"quota": 1000, "suspended": True}, []),
])
def test_a_subscription_needs_attention_before_it_ends_or_is_full(
    world: PortalWorld, changes: dict[str, Any], found: list[str]
) -> None:
    box = world.computer(world.owner, "FRONT")
    box.store(TREE, world.now)
    let_hold(box.vault, 1000)
    subscription = world.subscriptions[world.alice.id]
    subscription.plan.grace_days = 3
    subscription.valid_from = date(2020, 1, 1)
    db.session.flush()
    for name, value in changes.items():
        setattr(subscription, name, world.now.date() + value if isinstance(value, timedelta) else value)
    db.session.commit()
    assert titles(world) == found


def test_backups_that_were_switched_off_for_a_week_need_attention(app: Flask, world: PortalWorld) -> None:
    world.computer(world.owner, "FRONT").store(TREE, world.now)
    world.owner.accepts_backups, world.owner.accept_changed_by = False, "alice.front"
    world.owner.accept_changed_at, world.owner.accept_reason = world.now, "moving"
    db.session.commit()
    assert titles(world, world.now + timedelta(days=6)) == []
    later = world.now + timedelta(days=8)
    assert titles(world, later) == ["alice.front: Paused"]
    item = attention.read(world.administrator, later, limit=1).items[0]
    assert item.reason == "Backups were switched off by alice.front (“moving”)."
    with app.test_request_context():
        for known in attention.read(world.administrator, later, limit=50).items:
            assert url_for(known.ask.endpoint, **known.ask.values)


def test_an_implementor_gets_no_way_to_files(app: Flask, world: PortalWorld) -> None:
    box = full_house(world)["FAILED"]
    for name, shown in ((TECH, False), (ADMIN, True)):
        pages = [browse(app, name).get(address).text for address in (
            "/overview", "/computers", f"/computers/{box.computer.id}", f"/runs/{box.computer.id}/1")]
        assert any(f"/files/{box.computer.id}" in page for page in pages) == shown


def test_an_implementor_sees_assigned_customers_only(app: Flask, world: PortalWorld) -> None:
    full_house(world)
    world.alice.implementor_id, world.bob.implementor_id = None, world.implementor.id
    db.session.commit()
    found = overview.look(world.implementor, world.now)
    assert [item.title for item in found.attention.items] == ["EMPTY"]
    assert (found.counters.computers, found.space, found.faults) == (3, None, [])
    assert sum(day.completed for day in found.fleet) == 1
    page = browse(app, TECH).get("/overview").text
    assert "FAILED" not in page
    assert "Space on the storages" not in page


def test_more_than_ten_are_on_a_page_of_their_own(app: Flask, world: PortalWorld) -> None:
    world.subscriptions[world.alice.id].plan.computers = 100
    db.session.commit()
    for number in range(12):
        world.computer(world.owner, f"PC-{number:02}").end("failed", days_ago(1))
    browser = browse(app, ADMIN)
    browser.get("/overview")
    with count_queries() as queries:
        page = browser.get("/overview").text
    assert len(queries) <= MOST
    assert page.count('<strong class="name">PC-') == 10
    assert "Show all 12" in page
    assert browser.get("/overview/attention").text.count('<strong class="name">PC-') == 12
    assert browser.get("/overview/attention?page=77").text.count('<strong class="name">PC-') == 12


# --- the portal itself ---------------------------------------------------------------------------------------------


def test_a_banner_tells_of_what_is_wrong_with_the_portal(app: Flask, world: PortalWorld) -> None:
    world.computer(world.owner, "FRONT").store(TREE, days_ago(0))
    uptime.note_seen(datetime.now(UTC) - timedelta(hours=3), worker=True)
    storage = db.session.query(Storage).one()
    storage.problem, storage.problem_since = "Can't reach the storage: timed out.", days_ago(1)
    db.session.add(Mail(key="a", message_id="a", recipient="a@example.com", subject="a", text=b"", html=b"",
                        created_at=days_ago(1), due_at=days_ago(0), tries=3, problem="refused"))
    db.session.commit()
    page = browse(app, ADMIN).get("/overview").text
    assert "The background work was last heard of 3 hours ago" in page
    assert "1 e-mail could not be sent for an hour" in page
    assert "timed out. First noticed 1 day ago." in page
    assert "background work" not in browse(app, TECH).get("/overview").text


def test_the_space_of_all_storages_is_told_with_its_forecast(app: Flask, world: PortalWorld) -> None:
    box = world.computer(world.owner, "FRONT")
    for days in range(20, -1, -1):
        number = box.store({(b"a",): str(days).encode()}, days_ago(days, world.now))
        run = db.session.get_one(Run, (box.vault.id, number))
        run.stored = 10**9
    db.session.query(Storage).one().capacity = 41 * 10**9
    let_hold(box.vault, 21 * 10**9)
    db.session.execute(db.text("UPDATE fleet_day SET stored = 1000000000"))
    db.session.commit()
    space = overview.look(world.administrator, world.now).space
    assert space is not None
    assert (space.used, space.free, space.granted) == (21 * 10**9, 20 * 10**9, 100 * 10**9)
    assert space.forecast is not None
    assert space.forecast.days == 20
    assert "in about 20 days" in browse(app, ADMIN).get("/overview").text


def test_what_runs_now_is_polled_and_can_be_left_still(app: Flask, world: PortalWorld) -> None:
    box = world.computer(world.owner, "FRONT")
    box.store(TREE, days_ago(1))
    run = db.session.query(Run).one()
    run.state, run.lease_until = "open", datetime.now(UTC) + timedelta(minutes=5)
    db.session.commit()
    browser = browse(app, ADMIN)
    page = browser.get("/overview").text
    assert 'hx-get="/overview/running"' in page
    assert "Pause updates" in page
    fragment = browser.get("/overview/running")
    assert (fragment.status_code, "FRONT" in fragment.text, "<html" in fragment.text) == (200, True, False)
    assert "hx-get" not in browser.get("/overview?updates=off").text


# --- results by day --------------------------------------------------------------------------------------------------


def test_a_day_is_told_by_its_worst_run(world: PortalWorld) -> None:
    box = world.computer(world.owner, "FRONT")
    now = datetime(2026, 11, 22, 12, tzinfo=UTC)
    box.store(TREE, days_ago(2, now))
    box.end("failed", days_ago(2, now) + timedelta(hours=1))
    box.end("cancelled", days_ago(1, now))
    box.store(TREE, days_ago(1, now) + timedelta(hours=1), skipped=2)
    box.store(TREE, now)
    box.store(TREE, days_ago(45, now))
    strip = results.strips([box.vault.id], now)[box.vault.id]
    assert [day.word for day in strip[-4:]] == ["", "Failed", "Completed with warnings", "Completed"]
    assert len(strip) == 30
    assert strip[-1].date == date(2026, 11, 22)
    assert not any(day.word for day in strip[:-4])


def test_the_days_of_all_computers_are_counted_for_each_reader(world: PortalWorld) -> None:
    now = world.now
    for account, name in ((world.owner, "A"), (world.stranger, "B")):
        box = world.computer(account, name)
        box.store(TREE, days_ago(1, now))
        box.end("failed", days_ago(1, now))
    world.alice.implementor_id, world.bob.implementor_id = world.implementor.id, None
    db.session.commit()
    everything = results.fleet(world.administrator, now)[-2]
    mine = results.fleet(world.implementor, now)[-2]
    assert (everything.completed, everything.failed) == (2, 2)
    assert (mine.completed, mine.failed) == (1, 1)
    assert len(results.fleet(world.implementor, now)) == 30
