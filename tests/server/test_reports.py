"""Reports: what the pages show, a spreadsheet gets too, and nothing in it can calculate."""
from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask

from server.extensions import db
from server.models import AuditEvent, Customer, Run, Subscription
from server.services.people import customers
from server.services.selling import plans, reports, subscriptions
from tests.parts.pages import PageClient, browse
from tests.parts.portal_world import PortalWorld, let_hold
from tests.parts.queries import MOST, count_queries

GB = 10**9
NOW = datetime.now(UTC)
PAGES = ("expiring", "protection", "quota", "failed-runs")


@pytest.fixture
def admin(app: Flask, world: PortalWorld) -> PageClient:
    """The administrator's browser."""
    return browse(app, "admin@example.com")


def sheet(admin: PageClient, name: str, **query: str) -> list[dict[str, str]]:
    """A CSV file as a spreadsheet reads it."""
    answer = admin.get(f"/reports/{name}.csv", query_string=query)
    assert answer.status_code == 200
    assert answer.content_type == "text/csv; charset=utf-8"
    assert "attachment" in answer.headers["Content-Disposition"]
    return list(csv.DictReader(io.StringIO(answer.data.decode("utf-8-sig"))))


def ends_in(licence: Subscription, days: int) -> None:
    """Let it end so many days from now."""
    licence.valid_from = NOW.date() - timedelta(days=200)
    licence.valid_until = NOW.date() + timedelta(days=days)
    db.session.commit()


def test_what_ends_in_sixty_days_is_listed_soonest_first(app: Flask, admin: PageClient, world: PortalWorld) -> None:
    assert "No subscription ends in the next 60 days." in admin.get("/reports/expiring").text
    alices, bobs = (world.subscriptions[person.id] for person in (world.alice, world.bob))
    ends_in(alices, 61)
    assert sheet(admin, "expiring") == []
    ends_in(alices, 60)
    ends_in(bobs, 3)
    rows = sheet(admin, "expiring")
    assert [(row["Customer"], row["Stage"], row["Days left"]) for row in rows] == [
        ("Bob Stone", "Expiring", "3"), ("Alice Rivers", "Active", "60")]
    page = admin.get("/reports/expiring").text
    assert page.index("Bob Stone") < page.index("Alice Rivers")
    bobs.plan.grace_days = 7
    db.session.flush()
    ends_in(bobs, -5)
    assert sheet(admin, "expiring")[0]["Stage"] == "Grace"
    ends_in(bobs, -8)
    assert [row["Customer"] for row in sheet(admin, "expiring")] == ["Alice Rivers"]


def test_protection_counts_the_states_of_each_customer_worst_first(app: Flask, admin: PageClient, world: PortalWorld
                                                                   ) -> None:
    safe, failing = world.computer(world.owner, "safe"), world.computer(world.owner, "failing")
    bobs, gone = world.computer(world.stranger, "bobs"), world.computer(world.stranger, "gone")
    for box in (safe, failing, bobs):
        box.store({(b"a",): b"x"}, NOW)
    failing.end("failed", NOW)
    gone.computer.state = "retired"
    db.session.commit()
    customers.create_customer("Nobody yet", "n@example.com", NOW)
    rows = sheet(admin, "protection")
    assert [row["Customer"] for row in rows] == ["Alice Rivers", "Bob Stone", "Nobody yet"]
    assert [rows[0][word] for word in ("Worst", "Computers", "Failed", "Protected")] == ["Failed", "2", "1", "1"]
    assert [rows[1][word] for word in ("Worst", "Computers", "Protected")] == ["Protected", "1", "1"]
    assert [rows[2][word] for word in ("Worst", "Computers")] == ["", "0"]
    assert "Failed" in admin.get("/reports/protection").text


def test_quota_shows_the_fullest_first(app: Flask, admin: PageClient, world: PortalWorld) -> None:
    let_hold(world.computer(world.owner, "desk").vault, 10 * GB)
    let_hold(world.computer(world.stranger, "bobs").vault, 48 * GB)
    rows = sheet(admin, "quota")
    assert [(row["Customer"], row["Used (bytes)"], row["Used (%)"]) for row in rows] == [
        ("Bob Stone", str(48 * GB), "96"), ("Alice Rivers", str(10 * GB), "20")]
    page = admin.get("/reports/quota").text
    assert "48 GB" in page
    assert "96 %" in page


def test_failed_runs_of_a_period_the_newest_first(app: Flask, admin: PageClient, world: PortalWorld) -> None:
    desk = world.computer(world.owner, "desk")
    for days, state in ((40, "failed"), (20, "full"), (6, "abandoned"), (2, "failed"), (1, "cancelled")):
        desk.end(state, NOW - timedelta(days=days), f"Story of {days}")
    desk.store({(b"a",): b"x"}, NOW)
    assert [row["Reason"] for row in sheet(admin, "failed-runs")] == ["Story of 2", "Story of 6"]
    assert len(sheet(admin, "failed-runs", days="30")) == 3
    assert len(sheet(admin, "failed-runs", days="90")) == 4
    assert len(sheet(admin, "failed-runs", days="9999")) == 2
    assert [row["Result"] for row in sheet(admin, "failed-runs", days="90")] == [
        "Failed", "Interrupted", "Storage full", "Failed"]
    page = admin.get("/reports/failed-runs?days=90").text
    assert "Story of 40" in page
    assert "Story of 1<" not in page


def test_what_looks_like_a_formula_stays_text(app: Flask, admin: PageClient, world: PortalWorld) -> None:
    world.alice.name = "=HYPERLINK(\"http://evil\")"
    desk = world.computer(world.owner, "@SUM(1)")
    desk.end("failed", NOW, "+1+1")
    ends_in(world.subscriptions[world.alice.id], 5)
    assert sheet(admin, "expiring")[0]["Customer"].startswith("'=")
    row = sheet(admin, "failed-runs")[0]
    assert (row["Computer"], row["Reason"]) == ("'@SUM(1)", "'+1+1")


def test_a_long_report_comes_in_pages_and_the_file_has_all_of_it(app: Flask, admin: PageClient, world: PortalWorld
                                                                 ) -> None:
    db.session.add_all(Customer(number=1000 + place, name=f"Customer {place:04}", email="c@example.com",
                                created_at=NOW) for place in range(1100))
    db.session.commit()
    rows = sheet(admin, "protection")
    assert len({row["Customer number"] for row in rows}) == len(rows) == 1102
    first, last = admin.get("/reports/protection").text, admin.get("/reports/protection?page=45").text
    assert first.count('rel="next"') == 1
    assert "Customer 1099" in last
    assert 'rel="next"' not in last
    printed = admin.get("/reports/protection?rows=500").text
    assert "These are 500 rows; the CSV file has all of them." in printed
    assert admin.get("/reports/protection?page=-1&rows=x").status_code == 200


def test_each_file_that_leaves_is_noted(app: Flask, admin: PageClient) -> None:
    sheet(admin, "quota")
    event = db.session.query(AuditEvent).order_by(AuditEvent.id.desc()).first()
    assert event is not None
    assert (event.actor, event.action, event.object) == ("admin@example.com", "downloaded a report", "Quota")


def test_reports_ask_little_however_many_rows_they_show(app: Flask, admin: PageClient, world: PortalWorld) -> None:
    plan = plans.find_plan("Gold")
    for place in range(30):
        customer = customers.create_customer(f"Customer {place}", "c@example.com", NOW)
        ends_in(subscriptions.create_subscription(customer, plan, NOW), 20)
    desk = world.computer(world.owner, "desk")
    for place in range(30):
        desk.end("failed", NOW - timedelta(hours=place))
    assert db.session.query(Run).count() == 30
    for name in PAGES:
        with count_queries() as queries:
            assert admin.get(f"/reports/{name}").status_code == 200
        assert len(queries) <= MOST, (name, queries)
    assert {report.key for report in reports.REPORTS} == {name.replace("-", "_") for name in PAGES}
