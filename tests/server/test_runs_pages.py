"""Runs as staff see them: filtered, paged by their keys, each with its log, which implementors see in counts."""
from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from markupsafe import escape

from server.extensions import db
from server.models import Run
from server.services.backup import activity_logs, run_list
from server.services.backup.run_list import Wanted
from server.services.people.ownership import UNNAMED
from tests.parts.pages import browse
from tests.parts.portal_world import BackedUp, PortalWorld, days_ago
from tests.parts.queries import MOST, count_queries

TREE: dict[tuple[bytes, ...], bytes | None] = {(b"home", b"letter.txt"): b"Dear Bob"}
ADMIN, TECH = "admin@example.com", "tech@example.com"
ODD = base64.b64encode(b"/home/caf\xe9.txt").decode()
LOG = f"""<?xml version="1.0" encoding="UTF-8"?>
<activity job="backup" began="2026-11-22T09:00:00Z" client="1">
<started at="2026-11-22T09:00:00Z" run="1" job="backup" />
<file-skipped at="2026-11-22T09:00:03Z" path="/home/&lt;secret&gt;.pst" code="IBS-4101" reason="in use" />
<file-skipped at="2026-11-22T09:00:04Z" pathb64="{ODD}" code="IBS-4101" reason="in use" />
<folder-missing at="2026-11-22T09:00:05Z" path="/photos" code="IBS-4102" reason="not found" />
<finished at="2026-11-22T09:01:00Z" snapshot="1" files="7" bytes="9" read="9" stored="9" skipped="3" seconds="60.0" />
</activity>
""".encode()


@pytest.fixture
def front(world: PortalWorld) -> BackedUp:
    """Alice's computer, assigned to the implementor; it ran five times."""
    world.alice.implementor_id, world.bob.implementor_id = world.implementor.id, None
    box = world.computer(world.owner, "FRONT")
    box.store(TREE, days_ago(5, world.now))
    box.store(TREE, days_ago(4, world.now), skipped=3)
    box.end("failed", days_ago(3, world.now), "Can't reach the storage nas.")
    box.end("full", days_ago(2, world.now))
    box.end("abandoned", days_ago(1, world.now))
    world.computer(world.stranger, "BOBS").store(TREE, days_ago(6, world.now))
    db.session.query(Run).filter_by(vault_id=box.vault.id, run_no=1).update({"automatic": False})
    db.session.commit()
    return box


def listed(world: PortalWorld, wanted: Wanted, *, implementor: bool = False) -> list[str]:
    """The results in the list, newest first."""
    person = world.implementor if implementor else world.administrator
    return [f"{row.computer} {row.run_no} {run_list.word_of(row, world.now)}"
            for row in run_list.list_runs(person, wanted, world.now).rows]


def test_the_newest_come_first(app: Flask, world: PortalWorld, front: BackedUp) -> None:
    assert listed(world, Wanted()) == [
        "FRONT 5 Interrupted", "FRONT 4 Storage full", "FRONT 3 Failed", "FRONT 2 Completed with warnings",
        "FRONT 1 Completed", "BOBS 1 Completed"]
    assert listed(world, Wanted(), implementor=True) == listed(world, Wanted())[:5]
    page = browse(app, ADMIN).get("/runs").text
    assert page.index("Interrupted</span>") < page.index("Storage full</span>")
    assert "Can&#39;t reach the storage nas." in page
    assert "3 left out" in page


def test_an_implementor_of_many_computers_sees_no_others_either(
    world: PortalWorld, front: BackedUp, monkeypatch: pytest.MonkeyPatch
) -> None:
    few = listed(world, Wanted(), implementor=True)
    monkeypatch.setattr(run_list, "FEW_VAULTS", 0)
    assert listed(world, Wanted(), implementor=True) == few
    assert listed(world, Wanted(customer=world.alice.label)) == few
    assert listed(world, Wanted(kind="manual")) == ["FRONT 1 Completed"]


@pytest.mark.parametrize(("query", "numbers"), [
    ("state=Failed", [3]),
    ("state=Completed", [1]),
    ("state=Completed+with+warnings", [2]),
    ("state=Running", []),
    ("state=Nonsense", [5, 4, 3, 2, 1]),
    ("kind=manual", [1]),
    ("kind=automatic&state=Interrupted", [5]),
    ("kind=nonsense", [5, 4, 3, 2, 1]),
    ("customer=C-000001", [5, 4, 3, 2, 1]),
    ("customer=C-000002", []),
    ("customer=x%00y&computer=x%00y", [5, 4, 3, 2, 1]),
    ("since=nonsense&until=", [5, 4, 3, 2, 1]),
    ("since=2999-01-01", []),
    ("until=1999-01-01", []),
    ("before=nonsense", [5, 4, 3, 2, 1]),
    ("before=2999-01-01T00:00:00%2B00:00~1~99999999999999", [5, 4, 3, 2, 1]),
])
def test_runs_are_found_by_result_kind_customer_and_days(
    app: Flask, world: PortalWorld, front: BackedUp, query: str, numbers: list[int]
) -> None:
    page = browse(app, TECH).get(f"/runs?{query}").text
    found = [number for number in (5, 4, 3, 2, 1) if f'href="/runs/{front.computer.id}/{number}"' in page]
    assert found == numbers


def test_a_day_counts_from_its_beginning_to_its_end(world: PortalWorld, front: BackedUp) -> None:
    day = days_ago(3, world.now).date()
    assert listed(world, Wanted(since=day, until=day)) == ["FRONT 3 Failed"]
    assert len(listed(world, Wanted(since=day))) == 3
    assert len(listed(world, Wanted(computer=front.computer.id, until=day))) == 3


def test_every_run_is_on_exactly_one_page(app: Flask, world: PortalWorld) -> None:
    box = world.computer(world.owner, "FRONT")
    moment = world.now - timedelta(days=9)
    for number in range(120):
        box.end("failed", moment + timedelta(minutes=number // 40))  # forty at a time in the same moment
    seen, before = [], ""
    while True:
        listing = run_list.list_runs(world.administrator, Wanted(before=before), world.now)
        seen += [row.run_no for row in listing.rows]
        before = listing.older
        if not before:
            break
    assert seen == list(range(120, 0, -1))
    browser = browse(app, ADMIN)
    browser.get("/runs")
    with count_queries() as queries:
        page = browser.get("/runs").text
    assert len(queries) <= MOST
    assert page.count("Failed</span>") == 50
    assert "Older" in page


def test_a_run_has_its_figures_and_its_log(app: Flask, world: PortalWorld, front: BackedUp) -> None:
    activity_logs.keep_log(front.vault.id, 2, LOG, world.now)
    browser, address = browse(app, ADMIN), f"/runs/{front.computer.id}/2"
    with count_queries() as queries:
        page = browser.get(address).text
    assert len(queries) <= MOST
    assert "Completed with warnings" in page
    assert "/home/&lt;secret&gt;.pst" in page
    assert "caf" in page
    assert "7 files, 3 left out" in page
    assert "<dd>in use</dd>" in page
    document = browser.get(f"{address}/log.xml")
    assert document.data == LOG
    assert document.headers["Content-Disposition"].startswith("attachment; ")


def test_an_implementor_sees_how_many_but_never_which(app: Flask, world: PortalWorld, front: BackedUp) -> None:
    activity_logs.keep_log(front.vault.id, 2, LOG, world.now)
    browser, address = browse(app, TECH), f"/runs/{front.computer.id}/2"
    page = browser.get(address).text
    assert "secret" not in page
    assert "photos" not in page
    assert "<dd>in use</dd>" in page
    assert "5 lines" in page
    assert browser.get(f"{address}/log.xml").status_code == 403


def test_an_implementor_reads_no_name_of_a_folder_anywhere(app: Flask, world: PortalWorld, front: BackedUp) -> None:
    front.end("failed", world.now, "None of the protected folders is there: /home/alice/Divorce papers.", "IBS-4102")
    number = front.vault.last_run_no
    tells = ["/overview", "/overview/attention", "/runs", f"/runs/{front.computer.id}/{number}",
             f"/computers/{front.computer.id}"]
    customer = world.alice.label
    silent = ["/computers", f"/runs/{front.computer.id}/{number}/progress", f"/customers/{customer}",
              f"/customers/{customer}/log", f"/computers/{front.computer.id}/folders",
              f"/computers/{front.computer.id}/runs", f"/computers/{front.computer.id}/activity"]
    for address in tells:
        assert "Divorce papers" in browse(app, ADMIN).get(address).text, address
    implementor = browse(app, TECH)
    for address in (*tells, *silent):
        answer = implementor.get(address)
        assert answer.status_code in {200, 286}, address
        assert "Divorce papers" not in answer.text, address
    assert str(escape(UNNAMED)) in implementor.get(f"/runs/{front.computer.id}/{number}").text


def test_a_run_without_a_log_says_when_it_comes(app: Flask, world: PortalWorld, front: BackedUp) -> None:
    browser = browse(app, ADMIN)
    assert "sends its log after the run" in browser.get(f"/runs/{front.computer.id}/3").text
    assert browser.get(f"/runs/{front.computer.id}/3/log.xml").status_code == 404
    assert browser.get(f"/runs/{front.computer.id}/99").status_code == 404


def test_odd_logs_break_nothing(app: Flask, world: PortalWorld, front: BackedUp) -> None:
    odd = b'<activity><a/>text<file-skipped at="never" pathb64="%%%"/><omitted skipped="-1"/><x><y/></x></activity>'
    activity_logs.keep_log(front.vault.id, 2, odd, world.now)
    assert browse(app, ADMIN).get(f"/runs/{front.computer.id}/2").status_code == 200


def test_a_long_log_is_cut_on_the_page(app: Flask, world: PortalWorld, front: BackedUp) -> None:
    line = b'<file-skipped at="2026-11-22T09:00:03Z" path="/a" code="IBS-4101" reason="in use"/>\n'
    activity_logs.keep_log(front.vault.id, 2, b"<activity>" + line * 800 + b"</activity>", world.now)
    page = browse(app, ADMIN).get(f"/runs/{front.computer.id}/2").text
    assert "first 500 of 800 lines" in page
    assert ">800</dt>" in page


def test_a_running_one_is_followed_until_it_ends(app: Flask, world: PortalWorld, front: BackedUp) -> None:
    run = db.session.get_one(Run, (front.vault.id, 5))
    run.state, run.finished_at, run.files = "open", None, 4321
    run.lease_until = datetime.now(UTC) + timedelta(minutes=5)
    db.session.commit()
    browser, address = browse(app, ADMIN), f"/runs/{front.computer.id}/5"
    page = browser.get(address).text
    assert f'hx-get="{address}/progress"' in page
    assert "4,321 files" in page
    assert browser.get(f"{address}/progress").status_code == 200
    assert "Running" in browser.get("/runs?state=Running").text
    run = db.session.get_one(Run, (front.vault.id, 5), populate_existing=True)
    run.lease_until = datetime.now(UTC)
    db.session.commit()
    answer = browser.get(f"{address}/progress")
    assert (answer.status_code, "hx-get" in answer.text, "Interrupted" in answer.text) == (286, False, True)
