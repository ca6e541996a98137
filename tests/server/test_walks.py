"""Whole trees out of the catalogue: each folder before what it holds, by name, whatever the sizes of the folders."""
from __future__ import annotations

import pytest
from sqlalchemy import event

from protocol import messages
from server.extensions import db
from server.services.files import catalogue
from tests.parts.api_computer import ApiComputer


def test_it_walks_small_and_large_folders_in_the_order_of_their_names(
    desk: ApiComputer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catalogue, "ROWS_AT_ONCE", 7)
    monkeypatch.setattr(catalogue, "FOLDERS_AT_ONCE", 4)
    desk.open_run()
    expected: list[tuple[bytes, ...]] = []
    for number in (5, 3, 9, 0, 7, 1, 8, 2, 6, 4):  # node numbers that do not follow the names
        folder = desk.entry(b"folder %d" % number, kind=2)
        desk.add_entries([folder])
        expected.append((folder.name,))
        for place in range({3: 20, 6: 7, 7: 8}.get(number, number % 3)):
            desk.add_entries([desk.entry(b"file %02d" % place, parent=folder.node)])
            expected.append((folder.name, b"file %02d" % place))
    desk.commit()
    assert desk.names(desk.opened.number, deep=True) == sorted(expected)


def test_it_reads_small_folders_together(desk: ApiComputer) -> None:
    desk.open_run()
    folders = [desk.entry(b"folder %03d" % number, kind=2) for number in range(200)]
    desk.add_entries(folders)
    desk.add_entries([desk.entry(b"file", parent=folder.node) for folder in folders])
    desk.commit()
    statements: list[str] = []
    event.listen(db.engine, "before_cursor_execute", lambda *given: statements.append(given[2]))
    request = messages.ListEntries(deep=True)
    page = desk.ask("POST", f"/snapshots/{desk.opened.number}/entries", messages.SnapshotPage, request)
    assert len(page.entries) == 400
    assert len(statements) < 20
