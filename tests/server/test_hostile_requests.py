"""What the client API answers to requests that no client of ours would send."""
from __future__ import annotations

import json
from typing import Any

import pytest
from flask import Flask
from msgspec.structs import asdict, replace

from protocol import messages
from protocol.errors import BadRequest, LeaseLost
from protocol.messages import API, Entry, Gone
from server.extensions import db
from server.models import Chunk, RunLog, Version
from server.services.backup.activity_logs import read_log
from tests.parts.api_computer import ApiComputer, chunk_ids


def send(desk: ApiComputer, path: str, body: bytes, method: str = "POST") -> tuple[int, dict[str, Any]]:
    """A request as it is written; its status and what the answer says."""
    response = desk.web.open(API + path, method=method, data=body, headers=desk.headers())
    assert response.mimetype == "application/json"
    return response.status_code, json.loads(response.data)


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{", b"null", b"[]", b"\xff\xfe", b'{"ids": 5}', b'{"ids": ["short"]}', b'{"ids": ["====!"]}',
        b'{"ids": ["' + b"A" * 24 + b'"]}', b"[" * 100_000, b'{"ids": ' + b"[" * 100_000, b'{"ids": ["\\ud800"]}',
        b'{"ids": NaN}', b"{" + b'"a":{' * 50_000,
    ],
)
def test_it_refuses_what_is_no_message(desk: ApiComputer, body: bytes) -> None:
    desk.open_run()
    status, problem = send(desk, desk.run_path("chunks"), body)
    assert (status, problem["code"]) == (400, "IBS-1302")
    desk.heartbeat()


def test_it_refuses_bodies_of_ten_megabytes(desk: ApiComputer) -> None:
    desk.open_run()
    status, problem = send(desk, desk.run_path("entries"), b'{"batch": 0, "root": 1, "entries": [' + b" " * 10_000_000)
    assert (status, problem["code"]) == (413, "IBS-1302")
    assert "8 MiB" in problem["sentence"]
    desk.heartbeat()


def test_it_answers_computers_in_json_whatever_is_wrong(desk: ApiComputer) -> None:
    assert send(desk, "/nowhere", b"")[0] == 404
    assert send(desk, "/runs/notanumber/chunks", b"{}")[0] == 404
    assert send(desk, "/runs/99999999999999999999/heartbeat", b"{}")[0] == 404
    assert send(desk, "/status", b"", "DELETE")[0] == 405
    desk.token = "gone"
    status, problem = send(desk, "/runs", desk_opening(desk))
    assert (status, problem["code"]) == (401, "IBS-1104")


def desk_opening(desk: ApiComputer) -> bytes:
    """The bytes of a correct message that opens a run."""
    return messages.encode(desk.opening())


def test_it_takes_nothing_under_a_wrong_lease(desk: ApiComputer) -> None:
    desk.open_run()
    right = desk.lease
    for wrong in ("", "wrong", right[:-1], right + "x"):
        desk.lease = wrong
        for call in (desk.heartbeat, desk.end, desk.commit, lambda: desk.lookup([bytes(16)])):
            with pytest.raises(LeaseLost):
                call()
    desk.lease = right
    desk.heartbeat()


@pytest.mark.parametrize(
    "change",
    [
        {"name": b""}, {"name": b"."}, {"name": b".."}, {"name": b"a/b"}, {"name": b"a\0b"}, {"name": b"x" * 1021},
        {"kind": 0}, {"kind": 9}, {"kind": -1}, {"node": 0}, {"chunks": b"abc"}, {"mtime_ns": 2**63},
        {"mtime_ns": -(2**63) - 1}, {"mtime_ns": 10**30}, {"size": 2**63}, {"size": -1}, {"attributes": 2**32},
        {"parent": 2**32}, {"node": 2**40},
    ],
    ids=str,
)
def test_it_refuses_entries_that_could_not_be_stored_or_restored(desk: ApiComputer, change: dict[str, Any]) -> None:
    desk.open_run()
    plain = {"parent": desk.root, "name": b"file", "node": 7, "kind": 1, "size": 0, "mtime_ns": 0, "attributes": 0,
             "chunks": b""}
    with pytest.raises(BadRequest):
        desk.add_entries([desk.entry(b"first"), Entry(**(plain | change))])
    assert db.session.query(Version).count() == 0
    desk.add_entries([desk.entry(b"file")])


def test_it_refuses_the_same_entry_twice(desk: ApiComputer) -> None:
    desk.open_run()
    with pytest.raises(BadRequest):
        desk.add_entries([desk.entry(b"file"), desk.entry(b"file")])
    desk.add_entries([desk.entry(b"file")])
    with pytest.raises(BadRequest):
        desk.add_entries([desk.entry(b"file")])
    desk.commit()
    assert desk.names(1) == [(b"file",)]


def test_it_ends_only_what_an_earlier_snapshot_holds(desk: ApiComputer) -> None:
    desk.back_up({b"a": chunk_ids("a")[0]})
    desk.open_run()
    desk.add_entries([desk.entry(b"b")], [Gone(desk.root, b"nothing"), Gone(12345, b"a")])
    desk.add_entries([], [Gone(desk.root, b"b")])
    desk.commit()
    assert desk.names(2) == [(b"a",), (b"b",)]


@pytest.mark.parametrize(
    "change",
    [
        {"number": 0}, {"offset": 50}, {"length": 101}, {"offset": 2**32 - 1, "length": 2**32 - 1}, {"kind": 256},
        {"kind": -1}, {"compression": 300},
    ],
    ids=str,
)
def test_it_refuses_chunks_that_do_not_fit_into_their_pack(desk: ApiComputer, change: dict[str, Any]) -> None:
    desk.open_run()
    message = desk.put_pack(chunk_ids("a"))
    chunk = messages.PackedChunk(**(asdict(message.chunks[0]) | change))
    with pytest.raises(BadRequest):
        desk.ask("POST", desk.run_path("packs"), messages.PackAdded, replace(message, chunks=(chunk,)))
    assert db.session.query(Chunk).count() == 0
    desk.ask("POST", desk.run_path("packs"), messages.PackAdded, message)


def test_it_refuses_to_give_a_known_chunk_another_number_or_another_content(desk: ApiComputer) -> None:
    desk.open_run()
    (identity, other) = chunk_ids("a", "b")
    desk.store_pack([identity])
    with pytest.raises(BadRequest):
        desk.store_pack([identity], [9])
    with pytest.raises(BadRequest):
        desk.store_pack([other], [1])
    with pytest.raises(BadRequest):
        desk.store_pack([other, other], [5, 5])
    assert desk.lookup([identity, other]).numbers == (1, 0)


@pytest.mark.parametrize(
    "log",
    [
        b"", b"not xml", b"<open>", b"<a/><b/>",
        b'<!DOCTYPE a [<!ENTITY x "lol">]><a>&x;</a>',
        b'<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>',
        b'<!DOCTYPE a [<!ENTITY % p SYSTEM "http://example.com/x"> %p;]><a/>',
        b"<?xml version='1.0' encoding='no-such-code'?><a/>",
    ],
)
def test_it_keeps_no_activity_log_that_is_not_plain_xml(desk: ApiComputer, log: bytes) -> None:
    desk.open_run()
    with pytest.raises(BadRequest):
        desk.ask("PUT", desk.run_path("log"), messages.Done, log)
    assert db.session.query(RunLog).count() == 0


def test_it_keeps_the_activity_log_of_a_run_that_has_ended(desk: ApiComputer) -> None:
    desk.open_run()
    desk.end()
    log = "<activity><skipped name='ä'/></activity>".encode()
    desk.ask("PUT", desk.run_path("log"), messages.Done, log)
    assert read_log(desk.computer.vault_id, 1) == log


@pytest.mark.parametrize("cursor", ["x", "====", "AAAA", "kA==", "a" * 4000, "ä"])
def test_it_refuses_cursors_that_it_did_not_make(desk: ApiComputer, cursor: str) -> None:
    desk.back_up({b"a": chunk_ids("a")[0]})
    request = messages.ListEntries(cursor=cursor, deep=True)
    try:
        page = desk.ask("POST", "/snapshots/1/entries", messages.SnapshotPage, request)
    except BadRequest:
        return
    assert [entry.path for entry in page.entries] == [(b"a",)]


def test_it_limits_how_often_an_address_may_try_to_enrol(app: Flask, desk: ApiComputer) -> None:
    statuses = [desk.web.post(f"{API}/enrolments", data=b"{}").status_code for _ in range(70)]
    assert statuses[0] == 400
    assert statuses[-1] == 429
    status, problem = send(desk, "/enrolments", b"{}")
    assert (status, problem["code"]) == (429, "IBS-1102")
