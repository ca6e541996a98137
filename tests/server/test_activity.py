"""A customer's activity, in plain words."""
from __future__ import annotations

from datetime import UTC, datetime

import html5lib
from flask import Flask

from server.extensions import db
from server.services.house import audit
from server.services.people import accounts, customers
from tests.parts.pages import PageClient, browse
from tests.parts.portal_world import PortalWorld, days_ago
from tests.parts.queries import MOST, count_queries


def lines(browser: PageClient, address: str = "/activity") -> list[str]:
    """The rows of the page as text."""
    page = html5lib.parse(browser.get(address).text, namespaceHTMLElements=False)
    return [" ".join("".join(cell.itertext()) for cell in row.iter("td")) for row in page.iter("tr")
            if row.find("td") is not None]


def test_runs_sign_ins_downloads_and_switches_are_told_newest_first(app: Flask, world: PortalWorld) -> None:
    box = world.computer(world.owner, "FRONT")
    box.store({(b"home", b"letter.txt"): b"Dear Bob"}, days_ago(2))
    box.end("failed", days_ago(1), "Can't reach the storage nas.")
    browser = browse(app, "alice.front")
    browser.get(f"/files/{box.computer.id}/1/download/home/letter.txt")
    accounts.switch_backups(world.owner, False, datetime.now(UTC), actor="admin@example.com", reason="unpaid")
    told = lines(browser)
    expected = ["IBS switched backups off for alice.front", "You downloaded from FRONT", "You signed in"]
    assert [next(place for place, line in enumerate(told) if words in line) for words in expected] == [0, 1, 2]
    assert "unpaid" in told[0]
    assert "restore point 1: home/letter.txt" in told[1]
    failed, made = (next(line for line in told if words in line) for words in ("Failed", "Completed"))
    assert "Can't reach the storage nas." in failed
    assert "FRONT: automatic backup" in made
    assert "1 file, 8 bytes" in made
    assert told.index(failed) < told.index(made)


def test_the_owner_reads_of_all_accounts_and_others_of_their_own(app: Flask, world: PortalWorld) -> None:
    world.computer(world.owner, "FRONT").store({(b"x",): b""}, days_ago(1))
    world.computer(world.second, "BACK").store({(b"x",): b""}, days_ago(1))
    world.computer(world.stranger, "BOBS").store({(b"x",): b""}, days_ago(1))
    for name in ("alice.front", "alice.back", "bob"):
        browse(app, name)
    owner, second = " ".join(lines(browse(app, "alice.front"))), " ".join(lines(browse(app, "alice.back")))
    assert [word in owner for word in ("FRONT", "BACK", "alice.back", "BOBS", "bob")] == [
        True, True, True, False, False]
    assert [word in second for word in ("FRONT", "BACK", "alice.front", "BOBS", "bob")] == [
        False, True, False, False, False]


def test_what_staff_keep_to_themselves_is_not_told(app: Flask, world: PortalWorld) -> None:
    customers.update_customer(world.alice, {"notes": "pays late"}, world.alice.version, datetime.now(UTC),
                              actor="admin@example.com")
    page = browse(app, "alice.front").get("/activity").text
    assert "IBS</strong> changed the contact details of" in page
    assert "pays late" not in page
    assert "admin@example.com" not in page


def test_it_can_be_narrowed_to_one_kind(app: Flask, world: PortalWorld) -> None:
    box = world.computer(world.owner, "FRONT")
    box.store({(b"x",): b""}, days_ago(1))
    browser = browse(app, "alice.front")
    browser.get(f"/files/{box.computer.id}/1/download/x")
    kinds = {kind: lines(browser, f"/activity?kind={kind}") for kind in ("backups", "sign-ins", "downloads", "changes")}
    assert ["automatic backup" in line for line in kinds["backups"]] == [True]
    assert ["signed in" in line for line in kinds["sign-ins"]] == [True]
    assert ["downloaded" in line for line in kinds["downloads"]] == [True]
    assert not any("downloaded" in line or "signed in" in line or "backup" in line for line in kinds["changes"])
    assert len(lines(browser)) == sum(map(len, kinds.values()))
    assert lines(browser, "/activity?kind=%00nonsense") == lines(browser)


def test_it_comes_page_by_page_with_few_queries(app: Flask, world: PortalWorld) -> None:
    for number in range(120):
        audit.record("alice.front", "signed in to the portal", now=days_ago(200 - number), customer=world.alice.id)
    db.session.commit()
    browser = browse(app, "alice.front")
    pages = [lines(browser, f"/activity?kind=sign-ins&page={page}") for page in (1, 2, 3, 99)]
    assert [len(page) for page in pages] == [50, 50, 21, 21]
    with count_queries() as queries:
        browser.get("/activity")
    assert len(queries) <= MOST


def test_a_new_customer_learns_what_will_stand_there(app: Flask, world: PortalWorld) -> None:
    assert "Nothing of this kind yet" in browse(app, "bob").get("/activity?kind=backups").text
