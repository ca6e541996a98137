"""Downloading what was ticked in a folder."""
from __future__ import annotations

import os
from collections.abc import Mapping

import html5lib
import pytest
from flask import Flask
from sqlalchemy import select
from werkzeug.test import TestResponse

from server.extensions import db
from server.models import AuditEvent
from tests.parts.pages import PageClient, browse
from tests.parts.portal_world import BackedUp, PortalWorld, Tree
from tests.server.test_downloads import flip, packs, stored, unpacked

TREE: Tree = {
    (b"d", b"a.txt"): b"hello", (b"d", b"b.bin"): os.urandom(200_000), (b"d", b"sub", b"c"): b"deep",
    (b"d", b"sub", b"empty"): None, (b"top",): b"1",
}


def boxes(browser: PageClient, address: str) -> Mapping[str, str]:
    """The tick boxes of a folder's page, by their labels."""
    page = html5lib.parse(browser.get(address).text, namespaceHTMLElements=False)
    return {box.get("aria-label"): box.get("value") for box in page.iter("input") if box.get("name") == "pick"}


def choose(browser: PageClient, box: BackedUp, *names: str, folder: str = "d", picks: tuple[str, ...] = ()
           ) -> TestResponse:
    """Tick these entries of a folder and press the button."""
    address = f"/files/{box.computer.id}/1/folder/{folder}" if folder else f"/files/{box.computer.id}/1/"
    known = boxes(browser, address)
    page = html5lib.parse(browser.get(address).text, namespaceHTMLElements=False)
    form = next(form for form in page.iter("form") if "/selection/" in form.get("action"))
    token = next(field.get("value") for field in form.iter("input") if field.get("name") == "csrf_token")
    return browser.post(form.get("action"), data={
        "csrf_token": token, "pick": [*(known[name] for name in names), *picks]})


def test_files_and_folders_come_as_one_zip_of_announced_length(app: Flask, world: PortalWorld) -> None:
    box = stored(world, TREE)
    found = unpacked(choose(browse(app, "alice.front"), box, "b.bin", "sub"))
    assert found == {"d/": b"", "d/b.bin": TREE[b"d", b"b.bin"], "d/sub/": b"", "d/sub/c": b"deep", "d/sub/empty/": b""}


def test_a_single_file_comes_as_itself(app: Flask, world: PortalWorld) -> None:
    answer = choose(browse(app, "alice.front"), stored(world, TREE), "a.txt")
    assert (answer.data, answer.headers["Content-Length"]) == (b"hello", "5")
    assert "filename*=UTF-8''a.txt" in answer.headers["Content-Disposition"]


def test_at_the_top_it_works_as_well(app: Flask, world: PortalWorld) -> None:
    found = unpacked(choose(browse(app, "alice.front"), stored(world, TREE), "top", "d", folder=""))
    assert sorted(name.split("/", 1)[1] for name in found if not name.endswith("/")) == [
        "About this archive.txt", "d/a.txt", "d/b.bin", "d/sub/c", "top"]


def test_nothing_ticked_is_said(app: Flask, world: PortalWorld) -> None:
    answer = choose(browse(app, "alice.front"), stored(world, TREE))
    assert answer.status_code == 400
    assert "Nothing was ticked" in answer.text
    assert "IBS-1340" in answer.text


@pytest.mark.parametrize("picks", [("4294967295",), ("1", "2", "3", "4", "5", "6", "7", "8"), ("-1",)])
def test_what_does_not_lie_in_the_folder_is_not_found(app: Flask, world: PortalWorld, picks: tuple[str, ...]) -> None:
    assert choose(browse(app, "alice.front"), stored(world, TREE), picks=picks).status_code == 404


def test_links_cannot_be_ticked(app: Flask, world: PortalWorld) -> None:
    box = stored(world, TREE)
    assert set(boxes(browse(app, "alice.front"), f"/files/{box.computer.id}/1/folder/d")) == {"a.txt", "b.bin", "sub"}


def test_it_is_in_the_audit_trail_of_the_customer(app: Flask, world: PortalWorld) -> None:
    choose(browse(app, "alice.front"), stored(world, TREE), "a.txt", "sub")
    event = db.session.scalars(select(AuditEvent).where(AuditEvent.action == "downloaded")).one()
    assert (event.actor, event.object, event.detail) == (
        "alice.front", "FRONT", "restore point 1: d (2 entries of it)")
    assert (event.customer_id, event.account_id) == (world.alice.id, world.owner.id)


def test_damage_is_told_before_the_first_byte(app: Flask, world: PortalWorld) -> None:
    box = stored(world, TREE)
    flip(packs(box)[0], 100)
    answer = choose(browse(app, "alice.front"), box, "b.bin", "sub")
    assert answer.status_code in {409, 502}
    assert "attachment" not in answer.headers.get("Content-Disposition", "")
