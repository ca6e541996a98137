"""The doctor finds out what a server can do, on the real ones and on one that lacks something."""
import ssl
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.parts.certificates import make_certificate
from tests.parts.ftp_servers import KINDS, FtpServer
from tests.parts.scripted_ftp import ScriptedServer, always
from vault.address import FtpAddress, Profile, Timeouts
from vault.doctor import Diagnosis, examine
from vault.errors import (
    CertificateRejected,
    NameTaken,
    StorageRefused,
    StorageUnreachable,
)
from vault.ftp import FtpStorage

QUICK = Timeouts(connect=2, transfer=1, reply=1, unwrap=0.5, early_close=0.3, goodbye=0.3, pause=0.01, crowded=3)


def check(address: FtpAddress) -> Diagnosis:
    return examine(address, idle_seconds=0.05, timeouts=QUICK)


def sentence(diagnosis: Diagnosis, probe: str) -> str:
    return " ".join(finding.sentence for finding in diagnosis.findings if finding.probe == probe)


def good(diagnosis: Diagnosis) -> dict[str, bool]:
    return {finding.probe: finding.good for finding in diagnosis.findings}


def test_it_finds_every_server_usable_with_its_defaults(ftp_server: FtpServer) -> None:
    diagnosis = check(ftp_server.address("/base"))
    assert diagnosis.usable
    assert diagnosis.profile == Profile(max_sessions=5, exclusive_rename=ftp_server.kind == "proftpd", pipelined=True)
    assert diagnosis.pin == (ftp_server.certificate.pin if ftp_server.tls else None)
    assert good(diagnosis)["encryption"] is ftp_server.tls
    assert diagnosis.upload_rate > 1e6
    assert diagnosis.download_rate > 1e6
    assert not diagnosis.isolated
    assert ftp_server.files() == {}
    assert list((ftp_server.root / "base").iterdir()) == []


@pytest.mark.parametrize("kind", ["vsftpd", "proftpd", "pureftpd"])
def test_the_recommended_settings_isolate(kind: str, start_ftp: Callable[..., FtpServer]) -> None:
    server = start_ftp(kind, append_only=True)
    diagnosis = check(server.address("/base"))
    assert diagnosis.usable
    assert diagnosis.isolated
    assert not diagnosis.profile.delete_parts
    with FtpStorage(server.address("/base"), "vault", diagnosis.profile) as storage:
        storage.put_new("p/00/000/a.ibp", b"pack")
        storage.put_new("p/00/000/a.ibp", b"pack")
        with pytest.raises(NameTaken):
            storage.put_new("p/00/000/a.ibp", b"another")
    assert server.files()["base/vault/p/00/000/a.ibp"] == 4


@pytest.mark.parametrize("kind", KINDS)
def test_forbidding_deletion_alone_does_not_isolate(kind: str, start_ftp: Callable[..., FtpServer]) -> None:
    diagnosis = check(start_ftp(kind, no_delete=True).address())
    assert diagnosis.usable
    assert not diagnosis.isolated
    assert "renamed away" in sentence(diagnosis, "append-only")
    assert "deleted" not in sentence(diagnosis, "append-only")


@pytest.mark.parametrize("kind", KINDS)
def test_it_notices_that_renaming_is_refused(kind: str, start_ftp: Callable[..., FtpServer]) -> None:
    diagnosis = check(start_ftp(kind, no_rename=True).address())
    assert diagnosis.usable
    assert not diagnosis.profile.rename


@pytest.mark.parametrize("kind", KINDS)
def test_it_counts_the_connections(kind: str, start_ftp: Callable[..., FtpServer]) -> None:
    diagnosis = check(start_ftp(kind, clients=2).address())
    assert diagnosis.usable
    assert diagnosis.profile.max_sessions == 2


def test_one_connection_is_enough() -> None:
    with ScriptedServer() as server:
        server.most_connections = 1
        diagnosis = check(server.address())
    assert diagnosis.usable
    assert diagnosis.profile.max_sessions == 1
    assert "take turns" in sentence(diagnosis, "sessions")


def test_it_makes_a_missing_base_folder(ftp_server: FtpServer) -> None:
    assert check(replace(ftp_server.address(), base="/new/folder für us")).usable
    assert (ftp_server.root / "new/folder für us").is_dir()


@pytest.mark.parametrize(("refused", "probe"), [
    ({"MKD": "550 not here"}, "base"),
    ({"SIZE": "500 what"}, "store"),
    ({"STOR": "550 read-only"}, "store"),
    ({"RETR": "550 write-only"}, "read"),
])
def test_it_explains_why_a_server_cannot_be_used(refused: dict[str, str], probe: str) -> None:
    with ScriptedServer() as server:
        server.refused = refused
        diagnosis = check(server.address())
    assert not diagnosis.usable
    assert good(diagnosis)[probe] is False


@pytest.mark.parametrize("fault", ["short", "426 lost", "silent", "552 quota exceeded"])
def test_it_does_not_trust_a_server_that_loses_uploads(fault: str) -> None:
    with ScriptedServer() as server:
        server.uploads = always(fault)
        diagnosis = check(server.address())
    assert not diagnosis.usable
    assert good(diagnosis)["store"] is False


def test_it_finds_the_way_around_a_server_without_ranges() -> None:
    with ScriptedServer() as server:
        server.refused = {"REST": "502 no"}
        diagnosis = check(server.address())
    assert diagnosis.usable
    assert not diagnosis.profile.ranged


def test_it_finds_the_way_around_a_server_without_pasv() -> None:
    with ScriptedServer() as server:
        server.refused = {"PASV": "502 no"}
        diagnosis = check(server.address())
    assert diagnosis.usable
    assert diagnosis.profile.prefer_epsv


def test_it_sends_commands_one_by_one_to_a_server_that_forgets_the_rest() -> None:
    with ScriptedServer() as server:
        server.forgetful = True
        diagnosis = check(server.address())
    assert diagnosis.usable
    assert not diagnosis.profile.pipelined


def test_it_notices_how_long_a_session_may_rest() -> None:
    with ScriptedServer() as server:
        diagnosis = examine(server.address(), idle_seconds=20, timeouts=QUICK, sleep=lambda _: server.drop_all())
    assert diagnosis.usable
    assert diagnosis.profile.idle_limit == 10
    assert good(diagnosis)["idle"] is False


def test_it_uses_tls_13_only_where_nothing_else_is_spoken(tmp_path: Path) -> None:
    with ScriptedServer(tmp_path, tls=True) as server:
        server.oldest_tls = ssl.TLSVersion.TLSv1_3
        diagnosis = check(server.address())
    assert diagnosis.usable
    assert diagnosis.profile.max_tls == "1.3"


def test_it_names_the_hash_of_a_certificate_that_is_not_trusted(tmp_path: Path) -> None:
    with ScriptedServer(tmp_path, tls=True) as server:
        with pytest.raises(CertificateRejected) as refusal:
            check(replace(server.address(), pin=None))
        assert make_certificate().pin.hex() in refusal.value.sentence
        assert server.count("PASS") == 0


def test_it_raises_what_staff_have_to_correct_first() -> None:
    with ScriptedServer() as server:
        with pytest.raises(StorageRefused):
            check(replace(server.address(), password="wrong"))
        address = server.address()
    with pytest.raises(StorageUnreachable):
        check(address)
