"""The history of one file: its versions, and the restore points that hold each of them."""
from __future__ import annotations

from datetime import UTC, datetime

from flask import Flask

from server.extensions import db
from server.models import Version
from server.models.catalogue import FOREVER
from tests.parts.pages import browse
from tests.parts.portal_world import BackedUp, PortalWorld, days_ago
from tests.server.test_files import links

PATH = (b"home", b"letter.txt")


def grown(world: PortalWorld) -> BackedUp:
    """A letter in four restore points; the client sent everything anew each time, as after it was set up again."""
    box = world.computer(world.owner, "FRONT")
    for day, text in ((5, b"one"), (6, b"two!"), (7, b"two!"), (8, b"three")):
        box.store({PATH: text, (b"home", b"other"): b""}, datetime(2026, 10, day, 8, tzinfo=UTC))
    return box


def test_each_version_can_be_downloaded_as_it_was(app: Flask, world: PortalWorld) -> None:
    box, browser = grown(world), browse(app, "alice.front")
    page = browser.get(f"/files/{box.computer.id}/2/versions/home/letter.txt").text
    assert "4 versions" in page
    downloads = [link for link in links(page) if "/download/" in link]
    assert [browser.get(link).data for link in downloads] == [b"three", b"two!", b"two!", b"one"]
    assert "the newest" in page


def test_a_version_that_stayed_the_same_is_one_row_with_all_its_restore_points(app: Flask, world: PortalWorld) -> None:
    box = world.computer(world.owner, "FRONT")
    for day in (5, 6, 7):
        box.store({PATH: b"same"}, datetime(2026, 10, day, 8, tzinfo=UTC))
    box.end("failed", datetime(2026, 10, 8, 8, tzinfo=UTC))
    kept = db.session.query(Version).filter_by(first_run=1)
    kept.update({"last_run": FOREVER})
    db.session.query(Version).filter(Version.first_run > 1).delete()
    db.session.commit()
    browser = browse(app, "alice.front")
    page = browser.get(f"/files/{box.computer.id}/1/versions/home/letter.txt").text
    assert "1 version " in page
    assert "3 restore points" in page
    points = browser.get(f"/files/{box.computer.id}/1/version/1/home/letter.txt").text
    assert [link for link in links(points) if "/download/" in link] == [
        f"/files/{box.computer.id}/{number}/download/home/letter.txt" for number in (3, 2, 1)]


def test_a_folder_a_link_and_nothing_have_no_versions(app: Flask, world: PortalWorld) -> None:
    box = world.computer(world.owner, "FRONT")
    box.store({PATH: b""}, days_ago(1), links=((b"home", b"link"),))
    browser = browse(app, "alice.front")
    for path in ("home", "home/link", "home/nothing", "letter.txt"):
        answer = browser.get(f"/files/{box.computer.id}/1/versions/{path}")
        assert answer.status_code == 404
        assert "There is no file" in answer.text


def test_many_versions_come_page_by_page(app: Flask, world: PortalWorld) -> None:
    box = world.computer(world.owner, "FRONT")
    for number in range(55):
        box.store({PATH: b"%d" % number}, days_ago(60 - number))
    browser, address = browse(app, "alice.front"), f"/files/{box.computer.id}/1/versions/home/letter.txt"
    first, last = (
        [link for link in links(browser.get(f"{address}?page={page}").text) if "/download/" in link]
        for page in (1, 2))
    assert (len(first), len(last)) == (50, 5)
    assert browser.get(last[-1]).data == b"0"
