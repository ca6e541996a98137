"""Restore points by date, the folders of one, and who may see them."""
from __future__ import annotations

import re
from datetime import UTC, datetime
from urllib.parse import unquote, urlsplit

import html5lib
import pytest
from flask import Flask
from hypothesis import example, given
from hypothesis import strategies as st

from protocol.errors import NotFound
from server.extensions import db
from server.paths import PortableNames, address_of, name_of, path_of, portable, readable, step_of
from tests.parts.pages import PageClient, browse
from tests.parts.portal_world import BackedUp, PortalWorld, days_ago
from tests.parts.queries import MOST, count_queries

TREE: dict[tuple[bytes, ...], bytes | None] = {
    (b"home", b"alice", b"letter.txt"): b"Dear Bob",
    (b"home", b"alice", b"Archive"): None,
    (b"home", b"alice", b"photo.jpg"): b"x" * 2_500_000,
}
WHEN = datetime(2026, 10, 5, 8, 30, tzinfo=UTC)


def links(page: str) -> list[str]:
    """Every address that a page leads to."""
    tree = html5lib.parse(page, namespaceHTMLElements=False)
    return [link.get("href") for link in tree.iter("a")]


def front(world: PortalWorld) -> BackedUp:
    """Alice's first computer with one restore point."""
    box = world.computer(world.owner, "FRONT")
    box.store(TREE, WHEN)
    return box


def test_a_customer_walks_from_the_date_to_the_file(app: Flask, world: PortalWorld) -> None:
    box = front(world)
    browser = browse(app, "alice.front")
    computers = browser.get("/files/").text
    assert f"/files/{box.computer.id}/" in links(computers)
    month = browser.get(f"/files/{box.computer.id}/").text
    assert "October 2026" in month
    assert "Monday, 5 October 2026" in month
    assert "08:30" in month
    root = f"/files/{box.computer.id}/1/"
    assert root in links(computers)
    assert root in links(month)
    assert f"{root}folder/home" in links(browser.get(root).text)
    folder = browser.get(f"{root}folder/home/alice").text
    assert folder.index("Archive") < folder.index("letter.txt") < folder.index("photo.jpg")
    assert "8 bytes" in folder
    assert "2.5 MB" in folder
    assert f"{root}download/home/alice/letter.txt" in links(folder)
    assert "This folder is empty" in browser.get(f"{root}folder/home/alice/Archive").text


def test_the_calendar_leads_to_the_months_that_have_restore_points(app: Flask, world: PortalWorld) -> None:
    box = world.computer(world.owner, "FRONT")
    for when in (datetime(2025, 3, 31, 23, 30, tzinfo=UTC), datetime(2026, 10, 5, 8, tzinfo=UTC),
                 datetime(2026, 10, 5, 18, tzinfo=UTC), datetime(2026, 10, 6, 8, tzinfo=UTC)):
        box.store(TREE, when)
    browser, address = browse(app, "alice.front"), f"/files/{box.computer.id}/"
    newest = browser.get(address).text
    assert "Tuesday, 6 October 2026" in newest
    assert f"{address}?day=2026-10-05" in links(newest)
    assert f"{address}?day=2025-03" in links(newest)
    both = browser.get(f"{address}?day=2026-10-05").text
    assert both.index("18:00") < both.index("08:00")
    earlier = browser.get(f"{address}?day=2025-03").text
    assert "Monday, 31 March 2025" in earlier
    assert f"{address}?day=2026-10" in links(earlier)
    world.alice.time_zone = "Europe/Berlin"
    assert "Tuesday, 1 April 2025" in browser.get(f"{address}?day=2025-04").text


def test_a_day_without_restore_points_gives_the_newest_there_are(app: Flask, world: PortalWorld) -> None:
    box = front(world)
    browser = browse(app, "alice.front")
    for day in ("2024-01", "9999-12-31", "0000-00", "yesterday", "2026-10-99", "%00", "2026-10-04", "2026-W01-1"):
        answer = browser.get(f"/files/{box.computer.id}/?day={day}")
        assert answer.status_code == 200
        assert "Monday, 5 October 2026" in answer.text


def test_it_says_when_the_first_restore_point_appears(app: Flask, world: PortalWorld) -> None:
    box = world.computer(world.owner, "NEW")
    browser = browse(app, "alice.front")
    assert "No restore points yet" in browser.get(f"/files/{box.computer.id}/").text
    assert "No restore points yet" in browser.get("/files/").text
    assert "No files yet" in browse(app, "bob").get("/files/").text


def test_an_older_restore_point_shows_the_folder_as_it_was(app: Flask, world: PortalWorld) -> None:
    box = front(world)
    box.store({(b"home", b"alice", b"new.txt"): b"later"}, days_ago(1))
    browser, address = browse(app, "alice.front"), f"/files/{box.computer.id}"
    assert "letter.txt" in browser.get(f"{address}/1/folder/home/alice").text
    later = browser.get(f"{address}/2/folder/home/alice").text
    assert ("letter.txt" in later, "new.txt" in later) == (False, True)


PLACES = [
    "", "1/", "1/folder/home", "1/download/home/alice/letter.txt", "1/download/", "1/download/home", "points",
    "search?q=letter", "1/versions/home/alice/letter.txt", "1/version/1/home/alice/letter.txt",
]


@pytest.mark.parametrize("stranger", ["bob", "alice.back"])
def test_it_hides_other_peoples_computers_as_if_there_were_none(
    app: Flask, world: PortalWorld, stranger: str
) -> None:
    box = front(world)
    browser = browse(app, stranger)
    for place in PLACES:
        theirs = browser.get(f"/files/{box.computer.id}/{place}")
        nobodys = browser.get(f"/files/00000000-0000-0000-0000-000000000000/{place}")
        assert theirs.status_code == nobodys.status_code == 404
        of_the_second = r'name="csrf_token" value="[^"]+"|data-left="\d+"'
        assert re.sub(of_the_second, "", theirs.text) == re.sub(of_the_second, "", nobodys.text)


def test_the_administrator_may_and_the_implementor_may_not(app: Flask, world: PortalWorld) -> None:
    box = front(world)
    administrator, implementor = browse(app, "admin@example.com"), browse(app, "tech@example.com")
    for place in PLACES:
        address = f"/files/{box.computer.id}/{place}"
        assert administrator.get(address).status_code == 200
        refused = implementor.get(address)
        assert refused.status_code == 403
        assert "letter" not in refused.text


def test_it_requires_a_sign_in(app: Flask, world: PortalWorld) -> None:
    box = front(world)
    browser = browse(app)
    for place in PLACES:
        answer = browser.get(f"/files/{box.computer.id}/{place}")
        assert answer.status_code == 302
        assert urlsplit(answer.location).path == "/sign-in"


NOWHERE = [
    "2/", "0/", "99999999999999999999/", "1/folder/nowhere", "1/folder/home/alice/letter.txt",
    "1/folder/home/alice/letter.txt/deeper", "1/folder/~2E~2E", "1/folder/home/~zz", "1/folder/%ff",
    "1/versions/home", "1/versions/nowhere", "1/version/2/home/alice/letter.txt", "1/version/1/home",
    "1/download/nowhere", "1/download/home/alice/letter.txt/deeper", "-1/", "1/folder/~",
]


def test_what_is_not_there_is_not_found(app: Flask, world: PortalWorld) -> None:
    box = front(world)
    browser = browse(app, "alice.front")
    assert [place for place in NOWHERE if browser.get(f"/files/{box.computer.id}/{place}").status_code != 404] == []


def test_a_run_that_is_not_committed_cannot_be_seen(app: Flask, world: PortalWorld) -> None:
    box = front(world)
    box.end("failed", days_ago(0))
    assert browse(app, "alice.front").get(f"/files/{box.computer.id}/2/").status_code == 404


ODD_NAMES = [
    b"a b", b"a b ", b" ", b".", b"..", b"~", b"100%", b"a?b#c", b"a\\b", b"a\nb", b"\xff\xfe", b"\xed\xa0\x80",
    "grün".encode(), "gru\u0308n".encode(), "\u202egnp.exe".encode(), b"<b>&amp;\"'", b"CON", b"x" * 255,
]


def test_f18_every_name_is_shown_and_leads_back_to_its_own_bytes(app: Flask, world: PortalWorld) -> None:
    box = world.computer(world.owner, "FRONT")
    box.store({(b"odd", name, b"inside"): name for name in ODD_NAMES}, WHEN)
    browser = browse(app, "alice.front")
    page = browser.get(f"/files/{box.computer.id}/1/folder/odd").text
    folders = [address for address in links(page) if "/1/folder/odd/" in address]
    assert len(folders) == len(ODD_NAMES)
    contents = set()
    for address in folders:
        files = [link for link in links(browser.get(address).text) if link.endswith("/inside") and "/download/" in link]
        contents.add(browser.get(files[0]).data)
    assert contents == set(ODD_NAMES)
    assert "\u202e" not in page


def test_a_large_folder_comes_page_by_page(app: Flask, world: PortalWorld) -> None:
    box = world.computer(world.owner, "FRONT")
    box.store({(b"many", b"%04d" % number): b"" for number in range(603)}, WHEN)
    browser, address = browse(app, "alice.front"), f"/files/{box.computer.id}/1/folder/many"
    first, last = (names_on(browser, f"{address}?page={page}") for page in (1, 99))
    assert (len(first), len(last), first & last) == (100, 3, set())


def names_on(browser: PageClient, address: str) -> set[str]:
    """The files that a page of a folder offers."""
    return {link for link in links(browser.get(address).text) if "/download/many/" in link}


def test_nothing_of_it_depends_on_switch_validity_or_quota(app: Flask, world: PortalWorld) -> None:
    box = front(world)
    world.owner.accepts_backups = False
    world.subscriptions[world.alice.id].suspended = True
    world.subscriptions[world.alice.id].quota = 1
    box.computer.state = "retired"
    db.session.commit()
    browser = browse(app, "alice.front")
    for place in PLACES:
        assert browser.get(f"/files/{box.computer.id}/{place}").status_code == 200


@given(st.binary(max_size=40))
@example(b".")
@example(b"..")
@example(b"")
@example(b"~")
@example(b"a/b")
def test_f18_an_address_step_gives_back_the_exact_bytes(name: bytes) -> None:
    step = step_of(name)
    assert name_of(step) == name
    assert step not in {"", ".", ".."}
    assert not set(step) & set("/\\")
    assert step.isprintable() or readable(name) != step
    assert path_of(address_of((name, b"x", name))) == (name, b"x", name)


@pytest.mark.parametrize("step", ["~", "~4", "~41", "~gg", "a~2f", "\x00", "\ud800", "a\\b", ".", ".."])
def test_an_address_that_no_name_has_is_not_found(step: str) -> None:
    if step == "~":
        assert name_of(step) == b""
    else:
        with pytest.raises(NotFound):
            name_of(step)


@given(st.binary(max_size=300))
@example(b"nul.tar.gz")
@example(b"LPT1 ")
@example("é".encode() * 200)
def test_f18_a_portable_name_can_be_written_everywhere(name: bytes) -> None:
    text = portable(name)
    assert 1 <= len(text.encode()) <= 240
    assert not set(text) & set('<>:"/\\|?*')
    assert text == text.rstrip(" .")
    assert all(ord(sign) >= 32 for sign in text)
    assert text.split(".")[0].strip().upper() not in {"CON", "PRN", "AUX", "NUL", "COM1", "LPT1"}


def test_f18_case_twins_get_different_names() -> None:
    names = PortableNames()
    chosen = [names.choose(name) for name in (b"a.txt", b"A.txt", b"a (2).txt", b"A.TXT", b"a.txt ", "ü".encode(),
                                              "u\u0308".encode())]
    assert chosen == ["a.txt", "A (2).txt", "a (2) (2).txt", "A (3).TXT", "a (4).txt", "ü", "u\u0308 (2)"]


def names_in_order(browser: PageClient, address: str, *names: str) -> list[str]:
    """Which of `names` the page has, in the order of their links."""
    there = [unquote(link.rsplit("/", 1)[-1].partition("?")[0]) for link in links(browser.get(address).text)
             if "/versions/" in link or "/folder/d/" in link]
    return [name for name in there if name in names]


def test_a_folder_is_sorted_as_asked_with_its_folders_first(app: Flask, world: PortalWorld) -> None:
    box = world.computer(world.owner, "FRONT")
    box.store({(b"d", b"b.txt"): b"333", (b"d", "ä.txt".encode()): b"4444", (b"d", b"C.txt"): b"1",
               (b"d", b"sub"): None}, WHEN)
    browser, address = browse(app, "alice.front"), f"/files/{box.computer.id}/1/folder/d"
    shown = ("b.txt", "ä.txt", "C.txt", "sub")
    assert names_in_order(browser, address, *shown) == ["sub", "ä.txt", "b.txt", "C.txt"]
    assert names_in_order(browser, f"{address}?sort=-name", *shown) == ["sub", "C.txt", "b.txt", "ä.txt"]
    assert names_in_order(browser, f"{address}?sort=size", *shown) == ["sub", "C.txt", "b.txt", "ä.txt"]
    assert names_in_order(browser, f"{address}?sort=-size", *shown) == ["sub", "ä.txt", "b.txt", "C.txt"]
    assert names_in_order(browser, f"{address}?sort=drop%20table", *shown) == ["sub", "ä.txt", "b.txt", "C.txt"]
    page = browser.get(f"{address}?sort=-size").text
    assert 'aria-sort="descending"' in page
    assert page.count("aria-sort") == 1


def test_all_computers_share_one_calendar(app: Flask, world: PortalWorld) -> None:
    front, back = world.computer(world.owner, "FRONT"), world.computer(world.second, "BACK")
    front.store(TREE, WHEN)
    back.store(TREE, WHEN)
    back.store(TREE, datetime(2026, 10, 9, 8, tzinfo=UTC))
    page = browse(app, "alice.front").get("/files/?day=2026-10-05").text
    assert f"/files/{front.computer.id}/1/" in links(page)
    assert f"/files/{back.computer.id}/1/" in links(page)
    assert "/files/?day=2026-10-09" in links(page)
    own = browse(app, "alice.back").get("/files/?day=2026-10-05").text
    assert (f"/files/{front.computer.id}/1/" in links(own), f"/files/{back.computer.id}/1/" in links(own)) == (
        False, True)


def test_by_plan_it_goes_through_account_and_computer_to_the_restore_points(app: Flask, world: PortalWorld) -> None:
    front, back = world.computer(world.owner, "FRONT"), world.computer(world.second, "BACK")
    front.store(TREE, WHEN)
    front.store(TREE, datetime(2026, 10, 9, 8, tzinfo=UTC))
    browser = browse(app, "alice.front")
    page = browser.get("/files/by-plan").text
    page = page.partition("<main")[2]
    assert page.index("Gold") < page.index("alice.back") < page.index("BACK") < page.index("alice.front")
    assert page.count("<h2") == 1
    points = f"/files/{front.computer.id}/points"
    assert points in links(page)
    assert f"/files/{back.computer.id}/points" not in links(page)
    listed = browser.get(points).text
    assert listed.index("9 October 2026, 08:00") < listed.index("5 October 2026, 08:30")
    assert f"/files/{front.computer.id}/2/" in links(listed)
    assert "alice.front" not in browse(app, "alice.back").get("/files/by-plan").text


def test_the_administrator_goes_by_date_and_by_plan_too(app: Flask, world: PortalWorld) -> None:
    box, browser = front(world), browse(app, "admin@example.com")
    page = browser.get(f"/files/customers/{world.alice.label}/").text
    assert "Files of Alice Rivers" in page
    assert f"/files/{box.computer.id}/1/" in links(page)
    assert f"/files/{box.computer.id}/points" in links(
        browser.get(f"/files/customers/{world.alice.label}/by-plan").text)
    assert f"/files/customers/{world.alice.label}/" in links(browser.get(f"/files/{box.computer.id}/1/").text)
    assert browser.get("/files/customers/C-999999/").status_code == 404


def test_restore_points_of_one_minute_can_be_told_apart(app: Flask, world: PortalWorld) -> None:
    box = world.computer(world.owner, "FRONT")
    for second in (4, 20, 20):
        box.store(TREE, WHEN.replace(second=second))
    box.store(TREE, WHEN.replace(hour=9))
    browser = browse(app, "alice.front")
    for address in (f"/files/{box.computer.id}/?day=2026-10-05", f"/files/{box.computer.id}/points"):
        tree = html5lib.parse(browser.get(address).text, namespaceHTMLElements=False)
        texts = ["".join(link.itertext()).rsplit(" of ")[-1].rsplit(", ")[-1] for link in tree.iter("a")
                 if re.fullmatch(rf"/files/{box.computer.id}/\d/", link.get("href"))]
        assert texts == ["09:30", "08:30:20 (no. 3)", "08:30:20 (no. 2)", "08:30:04"]


def test_many_restore_points_come_page_by_page(app: Flask, world: PortalWorld) -> None:
    box = world.computer(world.owner, "FRONT")
    for number in range(53):
        box.store({(b"x",): b""}, days_ago(60 - number))
    browser, address = browse(app, "alice.front"), f"/files/{box.computer.id}/points"
    assert "53 restore points" in browser.get(address).text
    assert f"/files/{box.computer.id}/53/" in links(browser.get(address).text)
    last = links(browser.get(f"{address}?page=2").text)
    assert [link for link in last if re.fullmatch(r"/files/[^/]*/[0-9]+/", link)] == [
        f"/files/{box.computer.id}/{number}/" for number in (3, 2, 1)]


@pytest.mark.parametrize("deep", [3, 30])
def test_no_page_of_the_files_asks_much_of_the_database(app: Flask, world: PortalWorld, deep: int) -> None:
    box = world.computer(world.owner, "FRONT")
    path = tuple(b"step %d" % number for number in range(deep))
    for number in range(deep):
        box.store({(*path, b"%d.txt" % file): b"" for file in range(deep)}, days_ago(number))
    browser = browse(app, "alice.front")
    place = "/".join(step_of(step) for step in path)
    for address in ("/files/", "/files/by-plan", *(f"/files/{box.computer.id}/{rest}" for rest in (
            "", "points", "search?q=txt", f"1/folder/{place}", f"1/versions/{place}/1.txt", "1/version/1/step%200"))):
        with count_queries() as queries:
            browser.get(address)
        assert len(queries) <= MOST, (address, list(queries))
