"""What goes over the wire: text compressed for those who take it, the first visit small, assets kept for ever."""
from __future__ import annotations

import gzip
import re

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from tests.parts.pages import PageClient, browse
from tests.parts.portal_world import PortalWorld, days_ago

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
ASKS = {"Accept-Encoding": "gzip, deflate, br"}


def packed(browser: PageClient, address: str) -> TestResponse:
    """An answer as a browser asks for it; read without the look at its HTML, which is compressed."""
    return super(PageClient, browser).open(address, headers=ASKS, buffered=True)


def test_pages_are_compressed_for_those_who_take_it(app: Flask, world: PortalWorld) -> None:
    browser = browse(app, "alice.front")
    plain, small = browser.get("/"), packed(browser, "/")
    assert "Content-Encoding" not in plain.headers
    assert small.headers["Content-Encoding"] == "gzip"
    assert "Accept-Encoding" in small.headers["Vary"]
    assert "Accept-Encoding" in plain.headers["Vary"]
    assert len(small.data) < len(plain.data) / 2
    assert int(small.headers["Content-Length"]) == len(small.data)
    assert b"No computers yet" not in small.data
    assert "No computers yet" in plain.text
    assert "<h1>Nothing is being backed up yet.</h1>" in gzip.decompress(small.data).decode()
    refused = super(PageClient, browser).open("/", headers={"Accept-Encoding": "gzip;q=0"}, buffered=True)
    assert "Content-Encoding" not in refused.headers


def test_assets_are_compressed_once_and_are_the_same(app: Flask, world: PortalWorld) -> None:
    browser = browse(app)
    address = re.findall(r'"(/static/theme\.css[^"]+)"', browser.get("/sign-in").text)[0]
    plain = browser.get(address)
    for _ in range(2):
        small = packed(browser, address)
        assert gzip.decompress(small.data) == plain.data
        assert "immutable" in small.headers["Cache-Control"]
        assert small.headers["ETag"] != plain.headers["ETag"]
    again = super(PageClient, browser).open(address, buffered=True,
                                               headers={**ASKS, "If-None-Match": plain.headers["ETag"]})
    assert again.status_code == 304
    other = super(PageClient, browser).open(address, headers={**ASKS, "Range": "bytes=0-9"}, buffered=True)
    assert (other.status_code, other.data) == (206, plain.data[:10])


def test_downloads_and_the_client_api_stay_as_they_are(app: Flask, world: PortalWorld) -> None:
    box = world.computer(world.owner, "FRONT")
    box.store({(b"home", b"notes.txt"): b"again and again " * 500}, days_ago(1))
    browser = browse(app, "alice.front")
    file = packed(browser, f"/files/{box.computer.id}/1/download/home/notes.txt")
    assert ("Content-Encoding" in file.headers, len(file.data)) == (False, 8000)
    assert "Content-Encoding" not in packed(browser, "/api/v1/openapi.json").headers


def test_the_first_visit_is_small(app: Flask, world: PortalWorld) -> None:
    world.computer(world.owner, "FRONT").store({(b"home", b"letter.txt"): b"1"}, days_ago(1))
    browser = browse(app, "alice.front")
    page = packed(browser, "/")
    text = gzip.decompress(page.data).decode()
    assets = {address.partition("#")[0] for address in re.findall(r'(?:href|src)="(/static/[^"]+)"', text)
              if "noscript.css" not in address}
    assert len(assets) >= 7
    sizes = {address: len(packed(browser, address).data) for address in assets}
    assert len(page.data) + sum(sizes.values()) <= 100_000, sizes
    assert len(page.data) <= 20_000
