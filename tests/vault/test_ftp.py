"""FtpStorage: addresses, signing in, absence, round trips."""
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from tests.parts.certificates import make_certificate
from tests.parts.ftp_servers import KINDS, FtpServer
from tests.parts.scripted_ftp import ScriptedServer
from vault.errors import (
    CertificateRejected,
    DeleteRefused,
    StorageError,
    StorageRefused,
    StorageUnreachable,
    StorageUnsuitable,
    TransferFailed,
    UnsafeName,
)
from vault.ftp import FtpAddress, FtpStorage, Profile, Timeouts, parse_address
from vault.layout import VAULT_FILE

PACK = "p/00/000/00000001-0123456789abcdef.ibp"
QUICK = Timeouts(connect=2, transfer=1, reply=1.5, unwrap=0.5, early_close=0.3, goodbye=0.3, pause=0.01, crowded=5)
DATA = os.urandom(300_000)


def on(server: ScriptedServer, profile: Profile = Profile(), **options: object) -> FtpStorage:  # noqa: B008
    return FtpStorage(server.address(), "vault", profile, timeouts=QUICK, **options)  # type: ignore[arg-type]


# F20, what is sent.

@pytest.mark.parametrize("base", ["/a\rb", "/a\nb", "/a\r\nDELE x", "/\x00", "relative", "/a/../b", "/end/"])
def test_f20_a_dangerous_base_folder_is_refused(base: str) -> None:
    with pytest.raises(UnsafeName):
        FtpAddress("host", 21, "user", "secret", base)


@pytest.mark.parametrize("url", ["ftp://user@host/a\r\nDELE b", "ftp://user@host/a%0d%0aDELE%20b", "ftp://us%0aer@host/",
                                 "ftp://user@host/a/%2e%2e/b"])
def test_f20_a_dangerous_url_is_refused(url: str) -> None:
    with pytest.raises(UnsafeName):
        parse_address(url, "secret")


def test_f20_a_password_with_a_line_break_is_refused_and_not_repeated() -> None:
    with pytest.raises(UnsafeName) as refusal:
        FtpAddress("host", 21, "user", "sec\r\nret", "")
    assert "ret" not in str(refusal.value).replace("characters", "")


# Addresses

def test_it_reads_addresses() -> None:
    assert parse_address("ftps://anna%40example.com@nas.example:2121/vol%201/backup/", "p") == FtpAddress(
        "nas.example", 2121, "anna@example.com", "p", "/vol 1/backup", tls=True)
    assert parse_address("ftp://u@[::1]", "p") == FtpAddress("::1", 21, "u", "p", "", tls=False)
    assert parse_address("ftps://u@h/", "p", tls=False).tls is False


@pytest.mark.parametrize("url", ["http://u@h", "ftp://host/", "ftp://u:secret@h/", "nonsense", "ftp://u@h:99999/",
                                 "ftp://u@h:port/", "ftp://u@h/a?b", "ftp://u@h/a#b", "ftp://u@h:0/"])
def test_it_explains_unusable_addresses(url: str) -> None:
    with pytest.raises(StorageUnsuitable) as refusal:
        parse_address(url, "p")
    assert "secret" not in refusal.value.explain()


def test_it_never_shows_the_password() -> None:
    assert "topsecret" not in repr(FtpAddress("h", 21, "u", "topsecret", ""))


# Signing in

def test_it_reports_a_wrong_password_on_every_server(start_ftp: Callable[..., FtpServer]) -> None:
    def sign_in(server: FtpServer) -> StorageError | None:
        try:
            with FtpStorage(replace(server.address(), password="wrong"), "vault") as storage:
                storage.size(VAULT_FILE)
        except StorageError as error:
            return error
        return None

    servers = [start_ftp(kind, tls=tls) for kind, tls in zip(KINDS, (True, False, True, False), strict=True)]
    with ThreadPoolExecutor() as pool:  # servers answer a wrong password late, on purpose
        for refusal in pool.map(sign_in, servers):
            assert isinstance(refusal, StorageRefused)
            assert not refusal.retry


def test_it_reports_a_server_that_is_not_there() -> None:
    with ScriptedServer() as server:
        address = server.address()
    with FtpStorage(address, "vault", timeouts=QUICK) as storage, pytest.raises(StorageUnreachable):
        storage.put_new(PACK, DATA)


def test_it_reports_a_host_that_does_not_exist() -> None:
    address = FtpAddress("no-such-host.invalid", 21, "u", "p", "")
    with FtpStorage(address, "vault", timeouts=QUICK) as storage, pytest.raises(StorageUnreachable):
        storage.size(PACK)


def test_it_refuses_a_certificate_that_is_not_the_pinned_one(tmp_path: Path) -> None:
    with ScriptedServer(tmp_path, tls=True) as server:
        right = server.address()
        wrong = replace(right, pin=bytes(32))
        with FtpStorage(wrong, "vault") as storage, pytest.raises(CertificateRejected) as refusal:
            storage.size(VAULT_FILE)
        assert make_certificate().pin.hex() in str(refusal.value)
        assert not any(command.startswith(("USER", "PASS")) for command in server.commands)


def test_it_refuses_an_unknown_issuer_and_accepts_a_named_one(tmp_path: Path) -> None:
    with ScriptedServer(tmp_path, tls=True) as server:
        right = server.address()
        unknown = replace(right, pin=None)
        with FtpStorage(unknown, "vault") as storage, pytest.raises(CertificateRejected):
            storage.size(VAULT_FILE)
        known = replace(right, pin=None, ca=make_certificate().trusted)
        with FtpStorage(known, "vault") as storage:
            storage.put_new(PACK, DATA)


def test_it_never_signs_in_without_encryption_when_encryption_was_asked_for() -> None:
    with ScriptedServer() as server:
        server.refused["AUTH"] = "502 no such command"
        address = replace(server.address(), tls=True)
        with FtpStorage(address, "vault", timeouts=QUICK) as storage, pytest.raises(CertificateRejected):
            storage.size(VAULT_FILE)
        assert server.count("PASS") == 0


def test_it_reports_a_missing_base_folder(ftp_server: FtpServer) -> None:
    wrong = replace(ftp_server.address(), base="/missing")
    with FtpStorage(wrong, "vault") as storage, pytest.raises(StorageError, match="/missing"):
        storage.size(VAULT_FILE)


# Absence, deletion, small objects

def test_it_does_not_take_an_unmounted_disk_for_absence() -> None:
    with ScriptedServer() as server, on(server) as storage:
        storage.put_new(VAULT_FILE, b"{}")
        assert storage.size(PACK) is None
        server.files.clear()
        with pytest.raises(StorageError):
            storage.size(PACK)
        assert storage.size(VAULT_FILE) is None


@pytest.mark.parametrize("kind", KINDS)
def test_it_reports_that_deleting_is_not_allowed(kind: str, start_ftp: Callable[..., FtpServer]) -> None:
    server = start_ftp(kind, no_delete=True)
    with FtpStorage(server.address(), "vault") as storage:
        storage.put_new(VAULT_FILE, b"{}")
        with pytest.raises(DeleteRefused):
            storage.delete(VAULT_FILE)
        assert storage.size(VAULT_FILE) == 2


def test_a_small_object_costs_few_commands_and_may_be_repeated(ftp_server: FtpServer) -> None:
    with FtpStorage(ftp_server.address(), "vault") as storage:
        storage.put_small("s/00/000/00000001.ack", b"signature")
        storage.put_small("s/00/000/00000001.ack", b"signature")
        assert ftp_server.files() == {"vault/s/00/000/00000001.ack": 9}


def test_round_trips_are_saved() -> None:
    with ScriptedServer() as server, on(server, Profile(exclusive_rename=True)) as storage:
        storage.put_new(f"{PACK}1", DATA)
        for number in range(2, 5):
            server.commands.clear()
            storage.put_new(f"{PACK}{number}", DATA)
            verbs = [command.split()[0] for command in server.commands]
            assert verbs == ["PASV", "STOR", "SIZE", "RNFR", "RNTO", "SIZE"]
        server.commands.clear()
        storage.put_small("p/00/000/small", b"x")
        assert [command.split()[0] for command in server.commands] == ["PASV", "STOR", "SIZE"]
        storage.list("p/00/000")
        server.commands.clear()
        storage.size(PACK + "1")
        assert server.commands == ["TYPE I", f"SIZE vault/{PACK}1"]


def test_commands_travel_together_where_the_server_takes_that() -> None:
    with ScriptedServer() as server, on(server, Profile(exclusive_rename=True, pipelined=True)) as storage:
        storage.put_new(VAULT_FILE, b"{}")
        server.folders |= {"vault/p", "vault/p/00", "vault/p/00/000"}
        server.arrivals = 0
        storage.put_new(PACK, DATA)
        assert server.arrivals == 4  # PASV, STOR, SIZE with RNFR, RNTO with SIZE
        server.arrivals = 0
        assert storage.sizes([PACK] * 60) == [len(DATA)] * 60
        assert server.arrivals == 2


def test_a_session_that_the_server_dropped_is_replaced() -> None:
    with ScriptedServer() as server, on(server) as storage:
        storage.put_new(PACK, DATA)
        server.cut_after = ["SIZE"]
        assert storage.size(PACK) == len(DATA)
        assert server.connections == 2


def test_a_server_without_rest_still_gives_ranges() -> None:
    with ScriptedServer() as server, on(server, Profile(ranged=False)) as storage:
        server.refused["REST"] = "502 no"
        storage.put_new(PACK, DATA)
        storage.put_new(VAULT_FILE, b"{}")
        assert storage.read(PACK, 123_456, 1000) == DATA[123_456:124_456]


def test_a_short_download_is_reported() -> None:
    with ScriptedServer() as server, on(server) as storage:
        storage.put_new(VAULT_FILE, b"{}")
        storage.put_new(PACK, DATA)
        assert storage.read(PACK, 0, 10) == DATA[:10]
        server.files[f"vault/{PACK}"] = DATA[:1000]
        with pytest.raises(TransferFailed):
            storage.read(PACK, 200_000, 1000)
