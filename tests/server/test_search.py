"""Searching a computer's files by name over all restore points."""
from __future__ import annotations

import re
from datetime import UTC, datetime
from itertools import count
from urllib.parse import unquote

import pytest
from flask import Flask

from server.services.files import file_search
from tests.parts.pages import PageClient, browse
from tests.parts.portal_world import BackedUp, PortalWorld, Tree
from tests.parts.queries import MOST, count_queries
from tests.server.test_files import links

FIRST = datetime(2026, 10, 5, 8, 30, tzinfo=UTC)
LATER = datetime(2026, 10, 9, 8, 30, tzinfo=UTC)


@pytest.fixture
def box(world: PortalWorld) -> BackedUp:
    """Alice's computer: a letter that changed, a photo that is gone, names in several scripts."""
    box = world.computer(world.owner, "FRONT")
    old: Tree = {(b"home", b"alice", b"Letter to Bob.txt"): b"1", (b"home", b"alice", b"photo.JPG"): b"22",
           (b"home", "MÜLLER".encode(), b"x.txt"): b"", (b"home", "Отчёт.txt".encode()): b"", (b"100%_a.txt",): b"",
           (b"home", b"\xff\xfe.bin"): b""}
    box.store(old, FIRST)
    del old[b"home", b"alice", b"photo.JPG"]
    old[b"home", b"alice", b"Letter to Bob.txt"] = b"333"
    box.store(old, LATER)
    return box


def found(browser: PageClient, box: BackedUp, words: str) -> list[str]:
    """The paths that a search finds, in their order."""
    page = browser.get(f"/files/{box.computer.id}/search", query_string={"q": words}).text
    paths = [unquote(link.split("/", 5)[5]) for link in links(page)
             if re.match(rf"/files/{box.computer.id}/\d+/(download|folder)/", link) and "/folder/" not in link]
    return paths


@pytest.mark.parametrize("words", ["letter", "LETTER", "to bob", "r to B"])
def test_it_finds_a_part_of_a_name_in_any_case(app: Flask, world: PortalWorld, box: BackedUp, words: str) -> None:
    assert found(browse(app, "alice.front"), box, words) == ["home/alice/Letter to Bob.txt"]


@pytest.mark.parametrize(
    ("words", "path"),
    [("müller", "home/MÜLLER"), ("mu\u0308ller", "home/MÜLLER"), ("muller", "home/MÜLLER"), ("отчЁт", "home/Отчёт.txt"),
     ("100%", "100%_a.txt"), ("%_a", "100%_a.txt"), (".bin", "home/~FF~FE.bin")],
)
def test_it_knows_other_scripts_accents_and_signs(
    app: Flask, world: PortalWorld, box: BackedUp, words: str, path: str
) -> None:
    assert found(browse(app, "alice.front"), box, words) == [path]


def test_a_file_that_is_gone_is_found_with_its_time_and_leads_to_the_last_restore_point_that_holds_it(
    app: Flask, world: PortalWorld, box: BackedUp
) -> None:
    browser = browse(app, "alice.front")
    page = browser.get(f"/files/{box.computer.id}/search?q=photo.jpg").text
    assert "5 Oct to 5 Oct" in page
    download = f"/files/{box.computer.id}/1/download/home/alice/photo.JPG"
    assert download in links(page)
    assert browser.get(download).data == b"22"


def test_a_file_that_changed_is_one_row_with_its_versions(app: Flask, world: PortalWorld, box: BackedUp) -> None:
    page = browse(app, "alice.front").get(f"/files/{box.computer.id}/search?q=letter").text
    assert "3 bytes" in page
    assert f"/files/{box.computer.id}/2/versions/home/alice/Letter%20to%20Bob.txt" in links(page)
    assert "5 Oct to now" in page


@pytest.mark.parametrize("words", ["nowhere", "letter%", "l_tter", "\x00", "a\\b", "' OR 1=1 --", "x" * 4000, "<b>"])
def test_hostile_and_fruitless_words_find_nothing(app: Flask, world: PortalWorld, box: BackedUp, words: str) -> None:
    answer = browse(app, "alice.front").get(f"/files/{box.computer.id}/search", query_string={"q": words})
    assert answer.status_code == 200
    assert "Nothing found" in answer.text or len(words) < 2
    assert "<b>" not in answer.text


def test_one_letter_is_too_little_and_nothing_asks_for_words(app: Flask, world: PortalWorld, box: BackedUp) -> None:
    browser = browse(app, "alice.front")
    for words in ("", "a", "  "):
        page = browser.get(f"/files/{box.computer.id}/search", query_string={"q": words}).text
        assert "What is it called?" in page


def test_many_results_come_page_by_page_and_none_twice(app: Flask, world: PortalWorld) -> None:
    box = world.computer(world.owner, "FRONT")
    box.store({(b"%02d" % (number % 7), b"file %03d.txt" % number): b"" for number in range(120)}, FIRST)
    browser, address, seen = browse(app, "alice.front"), f"/files/{box.computer.id}/search?q=file", []
    for _ in range(3):
        page = browser.get(address).text
        seen += [link for link in links(page) if "/versions/" in link]
        address = next((link for link in links(page) if "after=" in link), "")
    assert (len(seen), len(set(seen)), address) == (120, 120, "")


def test_when_its_time_is_up_it_shows_what_it_has_and_goes_on_from_there(
    app: Flask, world: PortalWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    box = world.computer(world.owner, "FRONT")
    box.store({(b"%02d" % folder, b"report.txt"): b"" for folder in range(30)}, FIRST)
    monkeypatch.setattr(file_search, "ROWS_AT_ONCE", (10, 10))
    seen: list[str] = []
    after, rounds = None, 0
    while True:
        slow = count(step=2.0)  # two seconds between two looks at the clock
        result = file_search.search(box.computer.vault_id, "REPORT", after, clock=slow.__next__)
        seen += [one.path[0].decode() for one in result.rows]
        rounds += 1
        if result.next is None:
            break
        assert not result.in_time
        after = file_search.read_cursor(str(result.next))
    assert sorted(seen) == [f"{folder:02}" for folder in range(30)]
    assert rounds > 2


@pytest.mark.parametrize("cursor", ["x", "-1/a", "99999999999/a", "5/~zz", "5/../..", "%00/a", "²/a"])
def test_a_place_to_go_on_from_that_was_made_up_does_no_harm(
    app: Flask, world: PortalWorld, box: BackedUp, cursor: str
) -> None:
    answer = browse(app, "alice.front").get(
        f"/files/{box.computer.id}/search", query_string={"q": "letter", "after": cursor})
    assert answer.status_code in {200, 404}


def test_an_open_run_shows_nothing_yet(app: Flask, world: PortalWorld, box: BackedUp) -> None:
    run = box._open_run(LATER)
    box._add_version(run, 1, b"secret plan.txt", 99, 1, 0, 0, [])
    assert found(browse(app, "alice.front"), box, "secret") == []


@pytest.mark.parametrize("words", ["report", "nowhere"])
def test_it_asks_little_of_the_database(
    app: Flask, world: PortalWorld, monkeypatch: pytest.MonkeyPatch, words: str
) -> None:
    box = world.computer(world.owner, "FRONT")
    box.store({(b"%02d" % folder, b"report %d.txt" % folder): b"" for folder in range(60)}, FIRST)
    monkeypatch.setattr(file_search, "ROWS_AT_ONCE", (5, 30))
    browser = browse(app, "alice.front")
    with count_queries() as queries:
        assert "Go on searching" in browser.get(f"/files/{box.computer.id}/search?q={words}").text
    assert len(queries) <= MOST, list(queries)
