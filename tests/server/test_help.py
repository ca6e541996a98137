"""Help: each of the three people finds a page of their own, and whom to ask."""
from __future__ import annotations

import re
from datetime import UTC, datetime

import html5lib
import pytest
from flask import Flask

from server.services.house import branding
from server.services.house.branding import Branding
from tests.parts.pages import browse
from tests.parts.portal_world import PortalWorld
from tests.parts.queries import count_queries

PEOPLE = {"alice.front": "Get files back", "tech@example.com": "Print the hand-over sheet",
          "admin@example.com": "Audit log"}


@pytest.mark.parametrize("name", PEOPLE)
def test_each_reads_of_the_own_pages_and_of_no_others(app: Flask, world: PortalWorld, name: str) -> None:
    browser = browse(app, name)
    page = browser.get("/help").text
    for reader, words in PEOPLE.items():
        assert (words in page) == (reader == name), words
    main = next(html5lib.parse(page, namespaceHTMLElements=False).iter("main"))
    links = {link.get("href", "") for link in main.iter("a")}
    assert len(links) > 4
    assert [address for address in links if browser.get(address).status_code != 200] == []


def test_it_is_the_last_place_of_everybody(app: Flask, world: PortalWorld) -> None:
    for name in PEOPLE:
        page = browse(app, name).get("/help").text
        navigation = page[page.index('<nav aria-label="Main">') : page.index("</nav>")]
        assert re.findall(r'<a href="([^"]+)"', navigation)[-1] == "/help"


def test_it_says_whom_to_ask(app: Flask, world: PortalWorld) -> None:
    branding.change_branding(Branding("Northwind IT", support_phone="+49 30 1234", support_hours="Mon–Fri"), 0,
                             datetime.now(UTC), actor="admin@example.com")
    for name in PEOPLE:
        assert "Northwind IT: +49 30 1234 (Mon–Fri)" in browse(app, name).get("/help").text
    assert world.alice.label in browse(app, "alice.front").get("/help").text


def test_it_asks_little_of_the_database(app: Flask, world: PortalWorld) -> None:
    browser = browse(app, "alice.front")
    with count_queries() as queries:
        browser.get("/help")
    assert len(queries) <= 4, queries
