"""The audit log: who did what, as administrators read, filter and save it."""
from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from flask import Flask

from server.extensions import db
from server.models import AuditEvent
from server.services.house import audit, audit_log
from server.services.house.audit_log import Wanted
from tests.parts.pages import PageClient, browse
from tests.parts.portal_world import PortalWorld
from tests.parts.queries import MOST, count_queries

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.fixture
def admin(app: Flask, world: PortalWorld) -> PageClient:
    """The administrator's browser; what was done until now is not in the log."""
    browser = browse(app, "admin@example.com")
    db.session.query(AuditEvent).delete()
    db.session.commit()
    return browser


def deed(number: int, **more: object) -> None:
    """One more line, older by an hour than the one before."""
    audit.record(**{"actor": f"person {number}", "action": "changed a plan", "what": f"Plan {number}",
                    "now": NOW - timedelta(hours=number), **more})  # type: ignore[arg-type]
    db.session.commit()


def test_it_shows_who_did_what_to_whom_and_what_changed(app: Flask, admin: PageClient, world: PortalWorld) -> None:
    deed(1, customer=world.alice.id, before={"quota": 5}, after={"quota": 7}, address="192.0.2.7")
    with count_queries() as queries:
        page = admin.get("/audit-log").text
    assert len(queries) <= MOST
    for words in ("person 1", "Changed a plan", "Plan 1", "Alice Rivers", world.alice.label, "192.0.2.7", "quota"):
        assert words in page
    assert '<span class="name">5</span> → <span class="name">7</span>' in page


def test_it_is_paged_and_no_line_is_lost_between_pages(app: Flask, admin: PageClient) -> None:
    for number in range(120):
        deed(number)
    seen: list[str] = []
    before = 0
    for _ in range(3):
        page = audit_log.read_page(Wanted(before=before), UTC)
        seen += [line.event.object for line in page.rows]
        before = page.older
    assert before == 0
    assert len(seen) == len(set(seen)) == 120
    assert 'rel="next"' in admin.get("/audit-log").text


@pytest.mark.parametrize(("wanted", "expected"), [
    (Wanted(actor="PERSON 1"), {1, 10, 11}), (Wanted(action="changed"), set(range(12))), (Wanted(action="%"), set()),
    (Wanted(customer="C-000001"), {3}), (Wanted(customer="1"), {3}), (Wanted(customer="nobody"), set()),
    (Wanted(customer="C-" + "9" * 20), set()), (Wanted(customer="9" * 9), set()),
    (Wanted(first=NOW.date(), last=NOW.date()), {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}),
])
def test_it_can_be_filtered(app: Flask, admin: PageClient, world: PortalWorld, wanted: Wanted, expected: set[int]
                            ) -> None:
    for number in range(12):
        deed(number, customer=world.alice.id if number == 3 else None)
    rows = audit_log.read_page(wanted, UTC).rows
    assert {int(line.event.object.split()[1]) for line in rows} == expected


def test_days_are_those_of_the_reader(app: Flask, admin: PageClient) -> None:
    deed(0, now=datetime(2026, 11, 22, 23, 30, tzinfo=UTC))
    day = Wanted(first=datetime(2026, 11, 23, tzinfo=UTC).date())
    assert audit_log.read_page(day, ZoneInfo("Europe/Berlin")).rows
    assert not audit_log.read_page(day, UTC).rows


def test_it_is_saved_as_csv_without_formulas(app: Flask, admin: PageClient) -> None:
    deed(1, actor="=1+1", detail="@SUM(A1)")
    deed(2)
    answer = admin.get("/audit-log/audit-log.csv?actor=%3D")
    rows = list(csv.reader(io.StringIO(answer.data.decode("utf-8-sig"))))
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert [row[1] for row in rows] == ["Who", "'=1+1"]
    assert rows[1][5] == "'@SUM(A1)"


def test_a_long_log_is_saved_whole(app: Flask, admin: PageClient) -> None:
    db.session.add_all(AuditEvent(at=NOW, actor="a", action="did", object=str(number)) for number in range(2345))
    db.session.commit()
    answer = admin.get("/audit-log/audit-log.csv")
    objects = [row[3] for row in csv.reader(io.StringIO(answer.data.decode("utf-8-sig")))][1:]
    assert objects == [str(number) for number in reversed(range(2345))]


def test_hostile_words_stay_text(app: Flask, admin: PageClient) -> None:
    deed(1, actor="<script>alert(1)</script>", what="\u202egnp.exe")
    page = admin.get("/audit-log?actor=%3Cscript%3E&before=99999999999999999999&first=2026-99-99").text
    assert "<script>alert" not in page


def test_it_says_what_to_do_when_nothing_matches(app: Flask, admin: PageClient) -> None:
    assert "Nothing has happened yet" in admin.get("/audit-log").text
    assert "Clear filter" in admin.get("/audit-log?actor=nobody").text
