"""A customer's story on every kind of storage: back up, change, back up, browse, download, restore, compare."""
from __future__ import annotations

import os
from collections.abc import Callable
from hashlib import sha256
from urllib.parse import quote, unquote, urlsplit

import pytest

from server.paths import address_of, portable
from tests.parts.browser import Browser, Page
from tests.parts.ftp_servers import FtpServer
from tests.parts.house import PASSWORD, Computer, House
from tests.parts.trees import Picture, change, files_of, picture, plant
from tests.stories.conftest import OpenHouse

StartFtp = Callable[..., FtpServer]
PLACES = [
    ("gateway", True, "sqlite"), ("vsftpd", False, "sqlite"), ("vsftpd", True, "sqlite"), ("proftpd", False, "sqlite"),
    ("proftpd", True, "sqlite"), ("pureftpd", False, "sqlite"), ("pureftpd", True, "sqlite"),
    ("pyftpdlib", False, "sqlite"), ("pyftpdlib", True, "sqlite"),
    ("gateway", True, "mariadb"), ("vsftpd", True, "mariadb"),
]


@pytest.fixture(params=PLACES, ids=lambda place: f"{place[0]}-{'tls' if place[1] else 'plain'}-{place[2]}")
def computer(request: pytest.FixtureRequest, open_house: OpenHouse, start_ftp: StartFtp) -> Computer:
    """An enrolled computer in a house of each kind."""
    kind, tls, database = request.param
    house = open_house(database)
    if kind != "gateway":
        house.use_storage(start_ftp(kind, tls=tls).address("/backups"))
    return house.computer(house.sell("alice"))


def test_it_keeps_both_states_of_a_folder(computer: Computer) -> None:
    plant(computer.source)
    before = picture(computer.source)
    assert computer.must_back_up() == 1
    change(computer.source)
    after = picture(computer.source)
    assert computer.must_back_up() == 2
    assert before != after
    browser = computer.house.browser("alice")
    for number, seen in ((1, before), (2, after)):
        check_pages(browser, computer, number, seen)
        check_downloads(browser, computer, number, seen)
        assert picture(computer.must_restore(number)) == seen


def check_pages(browser: Browser, computer: Computer, number: int, seen: Picture) -> None:
    """From the sign-in to the folder by clicking, then through all of it: the pages show exactly what was there."""
    calendar = browser.get(f"/files/{computer.id}/")
    page = browser.get(next(address for _, address in calendar.links if address.endswith(f"/{number}/")))
    for step in computer.source.parts[1:]:
        page = browser.get(page.link(step))
    top = address_of(steps(computer))
    assert {address.removeprefix(f"/{top}/") for address in shown_below(browser, page)} == {
        address_of(tuple(path.split(b"/"))) for path, (kind, *_) in seen.items() if kind == "folder" and path != b"."
    }
    kinds = [kind for path, (kind, *_) in seen.items() if path != b"." and b"/" not in path]
    assert f"{len(kinds)} entries" in page.text


def shown_below(browser: Browser, page: Page) -> set[str]:
    """The folders that links lead to from a folder's page, and from there on."""
    here = unquote(urlsplit(page.address).path)
    below = {address for _, address in page.links if unquote(urlsplit(address).path).startswith(f"{here}/")}
    found = {unquote(urlsplit(address).path).partition("/folder")[2] for address in below}
    return found.union(*(shown_below(browser, browser.get(address)) for address in below))


def check_downloads(browser: Browser, computer: Computer, number: int, seen: Picture) -> None:
    """One file, one folder as ZIP, and the whole protected folder as ZIP."""
    base = f"/files/{computer.id}/{number}/download/{quote(address_of(steps(computer)))}"
    image = browser.get(f"{base}/disk.img")
    assert (image.status, image.headers["Content-Length"]) == (200, "1800000")
    assert digest(image.body) == seen[b"disk.img"][4]
    letters = browser.get(f"{base}/letters").zip
    assert letters.keys() == {path.decode() for path in files_of(seen) if path.startswith(b"letters/")}
    for name, content in letters.items():
        assert digest(content) == seen[name.encode()][4]
    everything = browser.get(base).zip
    note = everything.pop("source/About this archive.txt").decode()
    assert "left out, because it is a link" in note
    assert sorted(map(digest, everything.values())) == sorted(str(seen[path][4]) for path in files_of(seen))
    for path in files_of(seen):
        name = path.split(b"/")[-1]
        if name.isascii() and portable(name) == name.decode() and name.lower() != b"twin.txt":
            assert digest(everything["source/" + path.decode()]) == seen[path][4]


def steps(computer: Computer) -> tuple[bytes, ...]:
    """The path of the protected folder as the catalogue holds it."""
    return tuple(os.fsencode(step) for step in computer.source.parts[1:])


def digest(content: bytes) -> str:
    """As pictures have it."""
    return sha256(content).hexdigest()


def test_nobody_else_sees_a_customers_files(house: House) -> None:
    computer = house.computer(house.sell("alice"))
    (computer.source / "diary").write_text("mine")
    computer.must_back_up()
    house.sell("bob")
    bob, stranger = house.browser("bob"), Browser(house.address)
    for address in (f"/files/{computer.id}/", f"/files/{computer.id}/1/", f"/files/{computer.id}/1/download/"):
        assert bob.get(address).status == 404
        assert "Sign in" in stranger.get(address).text
    assert PASSWORD not in house.browser("alice").get("/").text
