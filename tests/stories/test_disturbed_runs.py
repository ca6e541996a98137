"""Storages and portals that fail in every way: a sentence, a code, an exit code, and every earlier file still there."""
from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import pytest

from server.extensions import db
from server.models import Storage
from tests.parts.ftp_servers import FtpServer
from tests.parts.house import Computer, House
from tests.parts.ports import free_port
from tests.parts.scripted_ftp import ScriptedServer, always
from tests.parts.trees import noise, picture, write
from vault import writer

FAILED = 1


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    """A storage that misbehaves on command."""
    with ScriptedServer() as server:
        yield server


@pytest.fixture
def computer(house: House, server: ScriptedServer) -> Computer:
    """A computer with one snapshot on that storage, and with more to back up."""
    house.use_storage(server.address("/backups"))
    computer = house.computer(house.sell("alice"))
    computer.use_small_packs()
    write(computer.source / "letter.txt", "Dear Anna,\n")
    computer.must_back_up()
    for number in range(10):
        write(computer.source / f"film {number:02}", noise(480_000, number))
    return computer


def must_recover(computer: Computer) -> None:
    """The storage works again: the first snapshot is whole, the next backup too, and nothing half-done is left."""
    letter = computer.must_restore(1) / "letter.txt"
    assert letter.read_text() == "Dear Anna,\n"
    snapshot = computer.must_back_up()
    assert picture(computer.must_restore(snapshot)) == picture(computer.source)


def test_a_storage_that_is_gone_is_waited_for_by_the_next_backup(
    computer: Computer, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(writer, "FIRST_PAUSE", 0.1)
    set_port(computer.house, free_port())
    computer.back_up().must_say(FAILED, "IBS-2101")
    ended, _ = computer.restore(1)
    ended.must_say(FAILED, "IBS-2101")
    assert computer.runs()[-1][1:] == ("failed", "IBS-2101")
    page = computer.house.browser("alice").get(f"/files/{computer.id}/1/download/")
    assert page.status == 503
    assert "IBS-2101" in page.text
    set_port(computer.house, server.port)
    must_recover(computer)


def set_port(house: House, port: int) -> None:
    """Where the portal believes the storage to be."""
    with house.portal():
        db.session.query(Storage).filter_by(kind="ftp").update({"port": port})


def test_a_storage_that_lets_nobody_in_is_said_at_once(computer: Computer, server: ScriptedServer) -> None:
    server.refused["PASS"] = "530 Login incorrect."
    computer.back_up().must_say(FAILED, "IBS-2103")
    server.refused.clear()
    must_recover(computer)


def test_f16_a_storage_that_is_full_keeps_what_it_has(computer: Computer, server: ScriptedServer) -> None:
    server.most_bytes = sum(map(len, server.files.values())) + 3_000_000
    computer.back_up().must_say(FAILED, "IBS-3002")
    assert computer.runs()[-1][1:] == ("full", "IBS-3002")
    assert not [name for name in server.files if name.endswith(".part")]
    server.most_bytes = None
    must_recover(computer)


def test_f01_a_storage_that_lies_is_never_believed(computer: Computer, server: ScriptedServer) -> None:
    server.uploads = always("short")
    ended = computer.back_up()
    assert ended.code == FAILED
    assert "IBS-2120" in ended.complained or "IBS-3002" in ended.complained  # it may seem full, too
    assert not [name for name in server.files if name.endswith(".part")]
    assert computer.snapshots() == [1]
    server.uploads = iter(())
    must_recover(computer)


@pytest.mark.parametrize("fault", ["short", "426 cut", "451 local error", "226 then reset", "late 552 full"])
def test_f01_one_bad_upload_is_repaired_without_a_word(computer: Computer, server: ScriptedServer, fault: str) -> None:
    server.uploads = iter(["good", fault])
    ended = computer.back_up()
    if "552" in fault:
        ended.must_say(FAILED, "IBS-3002")
    else:
        assert ended.code == 0, ended
    must_recover(computer)


def test_a_storage_that_drops_its_connections_delays_the_backup(computer: Computer, server: ScriptedServer) -> None:
    for number in (1, 2):
        computer.house.at_request("/packs", server.drop_all, number=number)
    must_recover(computer)


def test_a_slow_storage_is_waited_for(computer: Computer, server: ScriptedServer) -> None:
    server.delay = 0.1
    must_recover(computer)


@pytest.mark.long
def test_f13_a_storage_that_falls_silent_ends_the_run_in_bounded_time(
    computer: Computer, server: ScriptedServer,
) -> None:
    server.silent_at = {"STOR"}
    began = time.monotonic()
    ended = computer.back_up()
    assert ended.code == FAILED
    assert "earlier backups are safe" in ended.complained
    assert time.monotonic() - began < 280
    server.silent_at = set()
    must_recover(computer)


@pytest.mark.parametrize("kind", ["proftpd", "pureftpd", "vsftpd"])
def test_f15_a_server_that_forbids_renaming_keeps_backups_too(
    house: House, start_ftp: Callable[..., FtpServer], kind: str,
) -> None:
    server = start_ftp(kind, tls=False, no_rename=True)
    house.use_storage(server.address("/backups"))
    computer = house.computer()
    computer.use_small_packs()
    write(computer.source / "film", noise(3_000_000))
    computer.must_back_up()
    assert [name for name in server.files() if name.endswith(".ibp")]
    assert not [name for name in server.files() if name.endswith((".part", ".new")) and computer.vault in name]
    assert picture(computer.must_restore(1)) == picture(computer.source)


def test_f14_a_server_with_a_single_connection_serves_client_and_portal_in_turns(
    house: House, start_ftp: Callable[..., FtpServer],
) -> None:
    house.use_storage(start_ftp("vsftpd", clients=1).address("/backups"))
    computer = house.computer(house.sell("alice"))
    computer.use_small_packs()
    write(computer.source / "letter.txt", "Dear Anna,\n")
    computer.must_back_up()
    for number in range(10):
        write(computer.source / f"film {number:02}", noise(480_000, number))
    browser, ended, got = house.browser("alice"), threading.Event(), []

    def download() -> None:
        while not ended.wait(0.2):  # even a busy person leaves the storage some moments to others
            got.append(browser.get(f"/files/{computer.id}/1/download/").zip)

    other = threading.Thread(target=download)
    other.start()
    try:
        computer.must_back_up()
    finally:
        ended.set()
        other.join()
    assert got
    assert all(list(files.values()) == [b"Dear Anna,\n"] for files in got)
    assert picture(computer.must_restore(2)) == picture(computer.source)


def test_a_portal_that_is_away_costs_one_backup(computer: Computer) -> None:
    computer.house.stop_portal()
    for ended in (computer.back_up(), computer("restore", "--to", computer.folder / "nothing")):
        ended.must_say(FAILED, "IBS-2201")
    computer.house.start_portal()
    must_recover(computer)
    jobs = computer("log", "--json").json["jobs"]
    assert [job["outcome"] for job in jobs if job["job"] == "backup"].count("failed") == 1


@pytest.mark.parametrize("call", ["/entries", "/packs", "/commit", "/chunks"])
def test_a_portal_that_restarts_in_the_middle_ends_no_run(computer: Computer, call: str) -> None:
    house = computer.house

    def restart() -> None:
        house.stop_portal()
        time.sleep(0.5)
        house.start_portal()

    restarting = threading.Thread(target=restart)
    house.at_request(call, restarting.start)
    assert computer.must_back_up() == 2
    restarting.join()
    assert computer.runs() == [(1, "committed", ""), (2, "committed", "")]
    assert picture(computer.must_restore(2)) == picture(computer.source)


@pytest.mark.long
def test_a_portal_that_stays_away_ends_the_run_and_the_next_one_goes_on(computer: Computer) -> None:
    stopping = threading.Thread(target=computer.house.stop_portal)
    computer.house.at_request("/packs", stopping.start)
    computer.back_up().must_say(FAILED, "IBS-2201")
    stopping.join()
    computer.house.start_portal()
    must_recover(computer)
