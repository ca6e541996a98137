"""The failures that the FTP transport must survive, by their number: servers that lie, drop and fall silent."""
import hashlib
import os
import ssl
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.parts.ftp_servers import KINDS, FtpServer
from tests.parts.scripted_ftp import ScriptedServer, always
from vault.errors import (
    NameTaken,
    StorageError,
    StorageFull,
    StorageSilent,
    StorageUnreachable,
    TooManyConnections,
    TransferFailed,
)
from vault.ftp import FtpStorage, Profile, Timeouts
from vault.layout import VAULT_FILE
from vault.transfers import StoreRefused, strict_store

PACK = "p/00/000/00000001-0123456789abcdef.ibp"
QUICK = Timeouts(connect=2, transfer=1, reply=1.5, unwrap=0.5, early_close=0.3, goodbye=0.3, pause=0.01, crowded=5)
PATIENT = replace(QUICK, transfer=40, reply=40)
"""Only goodbyes and the end of TLS are not waited for."""
DATA = os.urandom(300_000)


def on(server: ScriptedServer, profile: Profile = Profile(), **options: object) -> FtpStorage:  # noqa: B008
    return FtpStorage(server.address(), "vault", profile, timeouts=QUICK, **options)  # type: ignore[arg-type]


WAYS = pytest.mark.parametrize("together", [False, True], ids=["one by one", "together"])
"""How commands are sent: the second way starts an upload before the server has agreed to it."""


# F01, an upload counts only when everything says so.

WRONG = ["short", "426 connection broken", "450 try later", "451 local error", "452 no space", "552 quota exceeded",
         "late 552 quota exceeded", "226 then reset", "silent"]


@WAYS
@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
@pytest.mark.parametrize("answer", WRONG)
def test_f01_a_wrong_answer_is_never_taken_for_success(answer: str, tls: bool, tmp_path: Path, together: bool) -> None:
    with ScriptedServer(tmp_path, tls=tls) as server, on(server, Profile(pipelined=together)) as storage:
        server.uploads = always(answer)
        with pytest.raises(StorageError):
            storage.put_new(PACK, DATA)
        assert f"vault/{PACK}" not in server.files
        server.uploads = iter(())
        storage.put_new(PACK, DATA)
        assert server.files == {f"vault/{PACK}": DATA}


@WAYS
@pytest.mark.parametrize("in_place", [False, True])
@pytest.mark.parametrize("answer", ["whole 426 lost", "whole 451 local error", "whole 552 quota exceeded"])
def test_f01_the_right_size_does_not_make_a_refusal_good(answer: str, in_place: bool, together: bool) -> None:
    with ScriptedServer() as server, on(server, Profile(rename=not in_place, pipelined=together)) as storage:
        server.uploads = always(answer)
        with pytest.raises(StorageError):
            storage.put_new(PACK, DATA)
        assert server.files == {}


@WAYS
@pytest.mark.parametrize("answer", [answer for answer in WRONG if "52" not in answer])
def test_f01_one_failure_is_repaired_without_a_word(answer: str, together: bool) -> None:
    with ScriptedServer() as server, on(server, Profile(pipelined=together)) as storage:
        server.uploads = iter([answer])
        storage.put_new(PACK, DATA)
        assert server.files == {f"vault/{PACK}": DATA}


@WAYS
def test_f01_a_server_without_size_is_never_believed(together: bool) -> None:
    with ScriptedServer() as server, on(server, Profile(exclusive_rename=True, pipelined=together)) as storage:
        server.refused["SIZE"] = "500 what"
        with pytest.raises(TransferFailed):
            storage.put_new(PACK, DATA)
        assert f"vault/{PACK}" not in server.files


@WAYS
def test_f01_in_place_uploads_are_checked_too(together: bool) -> None:
    with ScriptedServer() as server, on(server, Profile(rename=False, pipelined=together)) as storage:
        server.uploads = iter(["short", "426 broken"])
        with pytest.raises(StorageError):
            storage.put_new(PACK, DATA)
        assert server.files == {}
        storage.put_new(PACK, DATA)
        assert server.files == {f"vault/{PACK}": DATA}
        assert server.count("RNFR") == 0


@WAYS
def test_f01_a_torn_object_in_place_that_cannot_be_removed_burns_its_name(together: bool) -> None:
    profile = Profile(rename=False, delete_parts=False, pipelined=together)
    with ScriptedServer() as server, on(server, profile) as storage:
        server.uploads = iter(["short"])
        server.refused["DELE"] = "550 never"
        with pytest.raises(StorageError):
            storage.put_new(PACK, DATA)
        with pytest.raises(NameTaken):
            storage.put_new(PACK, DATA)


@WAYS
def test_it_says_that_the_storage_is_full(together: bool) -> None:
    with ScriptedServer() as server, on(server, Profile(pipelined=together)) as storage:
        server.most_bytes = 100_000
        with pytest.raises(StorageFull):
            storage.put_new(PACK, DATA)
        assert server.files == {}


@WAYS
def test_it_finds_out_that_a_storage_is_full_that_does_not_say_so(together: bool) -> None:
    with ScriptedServer() as server, on(server, Profile(pipelined=together)) as storage:
        server.most_bytes, server.full_reply = 100_000, "426 failure writing to the network"
        with pytest.raises(StorageFull):
            storage.put_new(PACK, DATA)
        assert server.files == {}


@WAYS
def test_it_does_not_call_a_refusal_a_lack_of_space(together: bool) -> None:
    with ScriptedServer() as server, on(server, Profile(pipelined=together)) as storage:
        server.refused["STOR"] = "550 permission denied"
        with pytest.raises(TransferFailed, match="permission denied"):
            storage.put_new(PACK, DATA)


# F02, tls versions.

@pytest.mark.parametrize("version", ["1.2", "1.3"])
@pytest.mark.parametrize("kind", KINDS)
def test_f02_uploads_are_whole_with_every_tls_version(kind: str, version: str,
                                                      start_ftp: Callable[..., FtpServer]) -> None:
    store_packs(start_ftp(kind), version, 6)


@pytest.mark.long
@pytest.mark.parametrize("version", ["1.2", "1.3"])
@pytest.mark.parametrize("kind", KINDS)
def test_f02_a_hundred_packs_are_whole(kind: str, version: str, start_ftp: Callable[..., FtpServer]) -> None:
    store_packs(start_ftp(kind), version, 100)


def store_packs(server: FtpServer, version: str, count: int) -> None:
    with FtpStorage(server.address(), "vault", Profile(max_tls=version, pipelined=True)) as storage:
        storage.put_new(VAULT_FILE, b"{}")
        session = storage._connection.session
        assert session is not None
        assert isinstance(session.sock, ssl.SSLSocket)
        assert session.sock.version() == f"TLSv{version}"
        for number in range(count):
            data = os.urandom(1_000_000 + number * 37_501)
            name = f"p/00/000/{number:08d}-{hashlib.sha256(data).hexdigest()[:16]}.ibp"
            storage.put_new(name, data)
            assert (server.root / "vault" / name).read_bytes() == data
        assert server.files().keys() == {f"vault/{name}" for name in [VAULT_FILE, *storage.list("p/00/000")]}


# F03, session reuse.

@pytest.mark.parametrize("kind", ["vsftpd", "proftpd"])
def test_f03_reconnecting_sessions_keep_their_uploads(kind: str, start_ftp: Callable[..., FtpServer]) -> None:
    server = start_ftp(kind)
    failures: list[BaseException] = []

    def upload(worker: int) -> None:
        try:
            with FtpStorage(server.address(), "vault", Profile(pipelined=True)) as storage:
                for number in range(8):
                    storage.put_new(f"p/00/000/{worker}-{number}.ibp", DATA)
                    if number % 3 == 2:
                        storage.close()
        except StorageError as error:
            failures.append(error)

    workers = [threading.Thread(target=upload, args=(worker,)) for worker in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert failures == []
    assert server.files() == {f"vault/p/00/000/{worker}-{number}.ibp": len(DATA)
                              for worker in range(2) for number in range(8)}


def test_f03_a_session_is_replaced_before_it_grows_old() -> None:
    now = [1000.0]
    with ScriptedServer() as server, on(server, clock=lambda: now[0]) as storage:
        storage.put_new(PACK, DATA)
        for step, connections in ((20, 1), (59, 1), (61, 2), (50, 2)):
            now[0] += step
            storage.size(PACK)
            assert server.connections == connections
        for _ in range(40):
            now[0] += 50
            storage.size(PACK)
        assert server.connections == 3


# F13, silence.

@WAYS
@pytest.mark.parametrize("command", ["connect", "USER", "PASV", "STOR", "SIZE", "RNTO"])
def test_f13_a_silent_server_costs_a_bounded_time(command: str, together: bool) -> None:
    with ScriptedServer() as server, on(server, Profile(pipelined=together)) as storage:
        server.silent_at.add(command)
        begin = time.monotonic()
        with pytest.raises((StorageSilent, StorageUnreachable)):
            storage.put_new(PACK, DATA)
        assert time.monotonic() - begin < 30
        server.silent_at.clear()
        storage.put_new(PACK, DATA)
        assert server.files[f"vault/{PACK}"] == DATA


def test_f13_a_goodbye_that_is_not_answered_is_not_waited_for() -> None:
    with ScriptedServer() as server:
        storage = FtpStorage(server.address(), "vault", timeouts=PATIENT)
        storage.put_new(PACK, DATA)
        server.silent_at.add("QUIT")
        begin = time.monotonic()
        storage.close()
        assert time.monotonic() - begin < 10


def test_f13_a_missing_end_of_tls_is_waited_for_only_so_long(tmp_path: Path) -> None:
    with (ScriptedServer(tmp_path, tls=True) as server,
          FtpStorage(server.address(), "vault", timeouts=PATIENT) as storage):
        server.uploads = always("hold")
        begin = time.monotonic()
        storage.put_new(PACK, DATA)
        assert 0.4 < time.monotonic() - begin < 10
        assert server.files == {f"vault/{PACK}": DATA}


# F14, too few connections.

def test_f14_two_programs_share_a_single_connection() -> None:
    with ScriptedServer() as server:
        server.most_connections = 1
        profile = Profile(max_sessions=1)
        failures: list[BaseException] = []

        def upload(worker: int) -> None:
            try:
                with on(server, profile) as storage:
                    for number in range(10):
                        storage.put_new(f"p/00/000/{worker}-{number}.ibp", DATA)
            except StorageError as error:
                failures.append(error)

        workers = [threading.Thread(target=upload, args=(worker,)) for worker in range(2)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join(60)
        assert failures == []
        assert len(server.files) == 20


def test_f14_the_owner_of_several_sessions_hears_at_once_that_there_are_too_many() -> None:
    with ScriptedServer() as server, on(server) as first, on(server) as second:
        server.most_connections = 1
        first.put_new(PACK, DATA)
        with pytest.raises(TooManyConnections) as refusal:
            second.size(PACK)
        assert refusal.value.retry
        first.close()
        assert second.size(PACK) == len(DATA)


@pytest.mark.parametrize("kind", KINDS)
def test_f14_real_servers_at_their_limit_are_understood(kind: str, start_ftp: Callable[..., FtpServer]) -> None:
    server = start_ftp(kind, tls=False, clients=1)
    with FtpStorage(server.address(), "vault") as first, FtpStorage(server.address(), "vault") as second:
        take_the_seat(first)
        with pytest.raises(TooManyConnections):
            second.size(VAULT_FILE)


def take_the_seat(storage: FtpStorage) -> None:
    """Stores the vault's file; the look whether the server is ready may hold its only place for a moment longer."""
    deadline = time.monotonic() + 10
    while True:
        try:
            return storage.put_new(VAULT_FILE, b"{}")
        except TooManyConnections:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


# F15, rename.

@pytest.mark.parametrize("profile", [Profile(), Profile(exclusive_rename=True), Profile(pipelined=True)])
def test_f15_a_reply_lost_after_the_rename_leaves_one_object(profile: Profile) -> None:
    with ScriptedServer() as server, on(server, profile) as storage:
        server.cut_after = ["RNTO"]
        storage.put_new(PACK, DATA)
        assert server.files == {f"vault/{PACK}": DATA}
        assert server.count("STOR") <= 2 + profile.exclusive_rename


@WAYS
@pytest.mark.parametrize("command", ["PASV", "STOR", "SIZE", "RNFR", "DELE"])
def test_f15_a_connection_cut_anywhere_leaves_one_object(command: str, together: bool) -> None:
    with ScriptedServer() as server, on(server, Profile(pipelined=together)) as storage:
        server.cut_after = [command]
        storage.put_new(PACK, DATA)
        assert server.files == {f"vault/{PACK}": DATA}


@WAYS
def test_f15_a_refused_rename_is_reported_and_leaves_nothing(together: bool) -> None:
    with ScriptedServer() as server, on(server, Profile(pipelined=together)) as storage:
        server.refused["RNFR"] = "550 rename is not allowed here"
        with pytest.raises(TransferFailed, match="rename is not allowed"):
            storage.put_new(PACK, DATA)
        assert server.files == {}


@pytest.mark.parametrize(("kind", "options", "profile"), [
    ("proftpd", {}, Profile(exclusive_rename=True)),
    ("pureftpd", {"no_rename": True}, Profile(rename=False)),
    ("vsftpd", {"no_rename": True}, Profile(rename=False)),
])
def test_f15_real_servers_that_refuse_renames_keep_one_object(
        kind: str, options: dict[str, bool], profile: Profile, start_ftp: Callable[..., FtpServer]) -> None:
    server = start_ftp(kind, **options)
    with FtpStorage(server.address(), "vault", profile) as storage:
        storage.put_new(PACK, DATA)
        storage.put_new(PACK, DATA)
        with pytest.raises(NameTaken):
            storage.put_new(PACK, DATA[:-1])
        assert server.files() == {f"vault/{PACK}": len(DATA)}
        assert storage.read(PACK) == DATA


# Uploads that begin before the server has agreed.

@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
@pytest.mark.parametrize("size", [0, 1000, 65_536, 5_000_000])
@pytest.mark.parametrize("kind", KINDS)
def test_a_refused_upload_neither_waits_nor_breaks_the_session(
        kind: str, size: int, tls: bool, start_ftp: Callable[..., FtpServer]) -> None:
    """vsftpd leaves the data connection of a refused upload open and unread."""
    server = start_ftp(kind, tls=tls)
    data = memoryview(os.urandom(size))
    with FtpStorage(server.address(), "vault", Profile(pipelined=True)) as storage:
        storage.put_new(VAULT_FILE, b"{}")
        session = storage._connection.session
        assert session is not None
        begin = time.monotonic()
        with pytest.raises(StoreRefused):
            strict_store(session, "vault/missing/folder/object", data)
        assert time.monotonic() - begin < 20
        assert not session.dead
        strict_store(session, "vault/object", data)
        assert (server.root / "vault" / "object").read_bytes() == data


def test_folders_are_made_with_the_first_upload_to_them() -> None:
    with ScriptedServer() as server, on(server, Profile(exclusive_rename=True, pipelined=True)) as storage:
        storage.put_new(PACK, DATA)
        storage.put_new(PACK.replace("00000001", "00000002"), DATA)
        assert server.count("MKD") == 4
        assert server.count("STOR") == 2  # neither was refused first


def test_an_object_that_is_there_leaves_no_open_place_for_data() -> None:
    """pyftpdlib complains after 30 seconds about a place that was not used, in the middle of other replies."""
    with ScriptedServer() as server, on(server, Profile(pipelined=True)) as storage:
        storage.put_new(PACK, DATA)
        storage.put_new(PACK, DATA)
        assert storage.size(PACK) == len(DATA)
        assert server.connections == 2
