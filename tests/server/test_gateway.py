"""The bundled storage: computers add to their own vault, see no other, and destroy nothing."""
from __future__ import annotations

import ftplib
import io
import secrets
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy.exc import OperationalError

from server.config import create_data
from server.services.storage.credentials import READ, WRITE, check_password, issue_password
from server.services.storage.storages import GATEWAY_PROFILE
from tests.parts.gateway import QUICK, RunningGateway, new_vault_name, running_gateway
from vault.doctor import examine
from vault.errors import NameTaken, ObjectMissing, StorageFull, StorageRefused
from vault.ftp import FtpStorage
from vault.layout import VAULT_FILE, pack_name

PACK = pack_name(1, bytes(32))


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    with running_gateway(create_data(tmp_path_factory.mktemp("gateway") / "data")) as gateway:
        yield gateway


@pytest.fixture
def gateway(running: RunningGateway) -> RunningGateway:
    """One storage serves all tests, as it does in life; each has vaults of its own."""
    running.ahead = timedelta(0)
    return running


@pytest.fixture
def vault(gateway: RunningGateway) -> str:
    """A vault that holds its own file and one finished pack."""
    name = new_vault_name()
    with gateway.storage(name) as storage:
        storage.put_new(VAULT_FILE, b"{}")
        storage.put_new(PACK, b"finished")
    return name


def refusal_of(session: ftplib.FTP_TLS, *commands: str) -> str:
    """The reply to the last of these commands; the earlier ones must succeed."""
    for command in commands[:-1]:
        session.sendcmd(command)
    with pytest.raises(ftplib.Error) as refused:
        session.sendcmd(commands[-1])
    return str(refused.value)


def next_refusal(session: ftplib.FTP_TLS) -> str:
    """The reply that is under way."""
    with pytest.raises(ftplib.Error) as refused:
        session.getresp()
    return str(refused.value)


def signing_in_with(gateway: RunningGateway, vault: str, password: str) -> FtpStorage:
    """The computer's transport with another password."""
    return FtpStorage(replace(gateway.address(vault), password=password), vault, timeouts=QUICK)


def wait_until(happens: Callable[[], bool]) -> None:
    """Return when it happens; fail when it takes too long."""
    end = time.monotonic() + 10
    while not happens():
        assert time.monotonic() < end, "it does not happen"
        time.sleep(0.02)


# Adding and reading


def test_it_stores_and_returns_what_a_computer_sends(gateway: RunningGateway) -> None:
    vault, data = new_vault_name(), secrets.token_bytes(3_000_001)
    with gateway.storage(vault) as storage:
        storage.put_new(VAULT_FILE, b"{}")
        storage.put_new(PACK, data)
        storage.put_new(PACK, data)
        storage.put_new("s/00/000/00000001-d-p0000-00.ibm", b"")
        storage.put_small("s/00/000/00000001.ack", b"signed")
        assert storage.size(PACK) == len(data)
        assert storage.read(PACK) == data
        assert storage.read(PACK, 1_000_000, 70_000) == data[1_000_000:1_070_000]
        assert storage.read(PACK, 3_000_000, 1) == data[-1:]
        assert storage.size("p/00/000/none.ibp") is None
        assert storage.list("s/00/000") == ["s/00/000/00000001-d-p0000-00.ibm", "s/00/000/00000001.ack"]
        with pytest.raises(ObjectMissing):
            storage.read("p/00/000/none.ibp")
        with pytest.raises(NameTaken):
            storage.put_new(PACK, data[1:])
        with pytest.raises(NameTaken):
            storage.put_small("s/00/000/00000001.ack", b"signed again")
    assert (gateway.folder(vault) / PACK).read_bytes() == data
    assert gateway.half_written() == []


def test_many_connections_of_many_vaults_go_on_at_once(gateway: RunningGateway) -> None:
    vaults = [new_vault_name() for _ in range(6)]
    data = secrets.token_bytes(1_000_000)

    def fill(vault: str) -> None:
        with gateway.storage(vault) as storage:
            for number in range(5):
                storage.put_new(pack_name(number, bytes(32)), data)

    threads = [threading.Thread(target=fill, args=(vault,)) for vault in vaults]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for vault in vaults:
        assert list(gateway.files(vault).values()) == [len(data)] * 5


def test_of_two_uploads_to_one_name_exactly_one_is_kept(gateway: RunningGateway, vault: str) -> None:
    sessions = [gateway.client(vault) for _ in range(4)]
    outcomes: list[str] = []
    barrier = threading.Barrier(len(sessions))

    def store(session: ftplib.FTP_TLS, content: bytes) -> None:
        connection = session.transfercmd(f"STOR {vault}/p/00/000/contested.ibp")
        connection.sendall(content)
        barrier.wait()
        connection.unwrap()
        connection.close()
        outcomes.append(session.getmultiline()[:3])

    def attempt(session: ftplib.FTP_TLS, content: bytes) -> None:
        try:
            store(session, content)
        except ftplib.Error as error:
            outcomes.append(str(error)[:3])

    threads = [threading.Thread(target=attempt, args=(session, bytes([65 + number]) * 1000))
               for number, session in enumerate(sessions)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["226", "550", "550", "550"]
    assert len(set((gateway.folder(vault) / "p/00/000/contested.ibp").read_bytes())) == 1
    for session in sessions:
        session.close()


# Destroying


@pytest.mark.parametrize("commands", [
    ("STOR {v}/" + PACK,),
    ("REST 4", "STOR {v}/" + PACK),
    ("REST 0", "STOR {v}/" + PACK),
    ("APPE {v}/" + PACK,),
    ("DELE {v}/" + PACK,),
    ("DELE {v}/" + VAULT_FILE,),
    ("RNFR {v}/" + PACK,),
    ("RNFR {v}/p",),
    ("RNFR {v}",),
    ("RMD {v}/p/00/000",),
    ("RMD {v}",),
    ("STOU",),
    ("MFMT 20200101000000 {v}/" + PACK,),
    ("SITE CHMOD 000 {v}/" + PACK,),
    ("MKD {v}/" + PACK,),
    ("REIN",),
], ids=lambda commands: commands[-1].replace("{v}/", ""))
def test_no_command_changes_what_is_finished(gateway: RunningGateway, vault: str, commands: tuple[str, ...]) -> None:
    before = gateway.files(vault)
    session = gateway.client(vault)
    assert refusal_of(session, *(command.format(v=vault) for command in commands))[0] == "5"
    assert session.sendcmd("NOOP").startswith("200")
    assert gateway.files(vault) == before
    assert (gateway.folder(vault) / PACK).read_bytes() == b"finished"
    session.close()


def test_a_part_may_be_renamed_once_and_only_to_a_free_name_beside_it(gateway: RunningGateway, vault: str) -> None:
    session = gateway.client(vault)
    part = f"{vault}/p/00/000/new.ibp.part"
    session.storbinary(f"STOR {part}", io.BytesIO(b"other"))
    assert refusal_of(session, f"RNFR {part}", f"RNTO {vault}/{PACK}").startswith("550 The name is taken")
    assert refusal_of(session, f"RNFR {part}", f"RNTO {vault}/s/new.ibp").startswith("550 A file keeps its folder")
    assert refusal_of(session, f"RNTO {vault}/p/00/000/new.ibp").startswith("503")
    session.rename(part, f"{vault}/p/00/000/new.ibp")
    assert refusal_of(session, f"RNFR {vault}/p/00/000/new.ibp").startswith("550")
    assert (gateway.folder(vault) / PACK).read_bytes() == b"finished"
    session.close()


def test_the_leftover_of_a_failed_upload_may_be_removed(gateway: RunningGateway, vault: str) -> None:
    session = gateway.client(vault)
    session.storbinary(f"STOR {vault}/p/00/000/new.ibp.part", io.BytesIO(b"half"))
    session.delete(f"{vault}/p/00/000/new.ibp.part")
    assert "p/00/000/new.ibp.part" not in gateway.files(vault)
    session.mkd(f"{vault}/p/00/000/folder.part")
    assert refusal_of(session, f"DELE {vault}/p/00/000/folder.part").startswith("550")
    assert refusal_of(session, f"RNFR {vault}/p/00/000/folder.part").startswith("550")
    session.close()


def test_a_reader_may_read_and_nothing_else(gateway: RunningGateway, vault: str) -> None:
    with gateway.storage(vault, READ) as storage:
        assert storage.read(PACK) == b"finished"
    session = gateway.client(vault, scope=READ)
    for command in ("STOR {v}/p/00/000/more.ibp", "MKD {v}/x", "MKD {v}", "DELE {v}/a.part", "RNFR {v}/a.part"):
        assert refusal_of(session, command.format(v=vault)) == "550 This credential may only read."
    session.close()


def test_names_that_no_vault_has_are_refused(gateway: RunningGateway, vault: str) -> None:
    session = gateway.client(vault)
    for name in (".hidden", "p/.x", "UPPER", "a b", "ä", "g/000/00000001.gc", "1/2/3/4/5/6/7", "x" * 100):
        assert refusal_of(session, f"STOR {vault}/{name}") == "550 A vault has no such name."
        assert refusal_of(session, f"MKD {vault}/{name}") == "550 A vault has no such name."
    assert refusal_of(session, "STOR loose.ibp").startswith("550")
    session.close()


# Seeing


def test_a_computer_sees_its_own_vault_only(gateway: RunningGateway, vault: str) -> None:
    own = new_vault_name()
    with gateway.storage(own) as storage:
        storage.put_new(VAULT_FILE, b"{}")
    session = gateway.client(own)
    assert session.nlst("/") == [own]
    for path in (f"/{vault}", f"../{vault}", f"/{own}/../{vault}", f"/{own}/../../keys", "/.incoming", f"//{vault}"):
        assert refusal_of(session, f"CWD {path}").startswith("550")
        for command in ("SIZE", "RETR", "STOR", "DELE", "RNFR", "MKD", "LIST", "NLST", "STAT"):
            assert refusal_of(session, f"{command} {path}/{VAULT_FILE}").startswith("550")
    assert session.cwd("..").startswith("250")
    assert session.pwd() == "/"
    assert refusal_of(session, "RETR ../../keys/kek").startswith("550")
    session.close()


def test_a_link_that_leads_out_of_the_vault_leads_nowhere(gateway: RunningGateway, vault: str) -> None:
    (gateway.folder(vault) / "out").symlink_to(gateway.config.data / "keys")
    (gateway.folder(vault) / "kek.part").symlink_to(gateway.config.data / "keys" / "kek")
    session = gateway.client(vault)
    for command in (f"RETR {vault}/out/kek", f"CWD {vault}/out", f"STOR {vault}/out/more", f"DELE {vault}/kek.part"):
        assert refusal_of(session, command).startswith("550")
    assert (gateway.config.data / "keys" / "kek").exists()
    session.close()


@pytest.mark.parametrize("line", [b"SIZE a\x00b", b"STOR \xff\xfe", b"SIZE " + b"x" * 3000, b"\x01\x02", b"STAT -R /*",
                                  b"SITE EXEC ls", b"OPTS UTF8", b"REST -1", b"TYPE E", b"EPSV 7"])
def test_hostile_lines_get_an_answer_and_end_nothing(gateway: RunningGateway, vault: str, line: bytes) -> None:
    session = gateway.client(vault)
    assert session.sock is not None
    session.sock.sendall(line + b"\r\n")
    assert session.getmultiline()[0] in "25"
    if len(line) < 2000:
        assert session.sendcmd("NOOP").startswith("200")
    session.close()


# Signing in


def test_a_wrong_foreign_or_altered_credential_proves_nothing() -> None:
    key, vault, now = secrets.token_bytes(32), new_vault_name(), datetime.now(UTC)
    good = issue_password(key, vault, WRITE, now)
    expiry, scope, proof = good.split(".")
    assert check_password(key, vault, good, now) is not None
    assert check_password(key, vault, good, now + timedelta(hours=24, seconds=1)) is None
    for password in ("", "x", "..", f"{int(expiry) + 1}.{scope}.{proof}", f"{expiry}.{scope}.", good.upper(),
                     f"{expiry}.admin.{proof}", f"\u0661{expiry}.{scope}.{proof}", f"{expiry}.{scope}.ä",
                     issue_password(key, vault, READ, now).replace(READ, WRITE),
                     issue_password(key, new_vault_name(), WRITE, now), issue_password(bytes(32), vault, WRITE, now)):
        assert check_password(key, vault, password, now) is None, password


def test_a_name_that_is_no_vault_s_signs_nobody_in() -> None:
    key, now = secrets.token_bytes(32), datetime.now(UTC)
    for user in ("..", "", "anonymous", "../../keys", ".incoming", new_vault_name().upper(), f"{new_vault_name()}/"):
        assert check_password(key, user, issue_password(key, user, WRITE, now), now) is None, user


def test_the_storage_refuses_a_credential_that_proves_nothing(gateway: RunningGateway, vault: str) -> None:
    with pytest.raises(StorageRefused):
        signing_in_with(gateway, vault, gateway.address(new_vault_name()).password).size(VAULT_FILE)


def test_a_credential_lapses_after_a_day_also_in_an_open_session(gateway: RunningGateway, vault: str) -> None:
    session = gateway.client(vault)
    gateway.ahead = timedelta(hours=23, minutes=59)
    session.storbinary(f"STOR {vault}/p/00/000/late.ibp", io.BytesIO(b"in time"))
    gateway.ahead = timedelta(hours=24, seconds=1)
    assert refusal_of(session, f"STOR {vault}/p/00/000/too-late.ibp") == "550 This credential has lapsed."
    session.close()
    with pytest.raises(StorageRefused):
        gateway.storage(vault).size(VAULT_FILE)


def test_nothing_is_said_in_clear_and_nothing_by_tls_1_3(gateway: RunningGateway, vault: str) -> None:
    with ftplib.FTP(timeout=5) as plain:
        plain.connect("127.0.0.1", gateway.config.gateway_port)
        assert refusal_of(plain, f"USER {vault}").startswith("550 SSL/TLS required")
    session = gateway.stranger(ssl.TLSVersion.TLSv1_3)
    session.login(vault, gateway.address(vault).password)
    assert isinstance(session.sock, ssl.SSLSocket)
    assert session.sock.version() == "TLSv1.2"
    assert refusal_of(session, "PASV").startswith("550 SSL/TLS required")
    assert refusal_of(session, "PORT 127,0,0,1,200,200").startswith("500")
    session.close()


def test_data_connections_use_the_ports_and_the_address_that_the_settings_name(tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    config = replace(create_data(tmp_path / "data"), passive_ports=(port, port), masquerade="192.0.2.7")
    with running_gateway(config) as gateway:
        session = gateway.client(new_vault_name())
        assert session.sendcmd("PASV").endswith(f"(192,0,2,7,{port // 256},{port % 256}).")
        session.close()


def test_the_doctor_finds_what_the_portal_says_of_it(gateway: RunningGateway) -> None:
    vault = new_vault_name()
    diagnosis = examine(replace(gateway.address(vault), base=f"/{vault}"), idle_seconds=0.05, timeouts=QUICK)
    assert diagnosis.profile == GATEWAY_PROFILE
    assert diagnosis.usable
    assert diagnosis.isolated


# Failing


def test_f01_an_upload_that_was_cut_off_is_never_kept_nor_confirmed(gateway: RunningGateway, vault: str) -> None:
    session = gateway.client(vault)
    connection = session.transfercmd(f"STOR {vault}/p/00/000/cut.ibp")
    connection.sendall(bytes(100_000))
    connection.close()  # no TLS farewell: the rest may be missing
    assert next_refusal(session).startswith("426")
    assert "p/00/000/cut.ibp" not in gateway.files(vault)
    session.storbinary(f"STOR {vault}/p/00/000/cut.ibp", io.BytesIO(b"whole"))
    session.close()


def test_f01_a_computer_that_vanishes_leaves_nothing_behind(gateway: RunningGateway, vault: str) -> None:
    before = gateway.files(vault)
    session = gateway.client(vault)
    connection = session.transfercmd(f"STOR {vault}/p/00/000/gone.ibp")
    connection.sendall(bytes(100_000))
    session.close()
    connection.close()
    waiting = gateway.client(vault)
    waiting.sendcmd("PASV")
    waiting.sendcmd(f"STOR {vault}/p/00/000/never.ibp")  # the data connection never comes
    waiting.close()
    wait_until(lambda: gateway.half_written() == [])
    assert gateway.files(vault) == before


def test_what_a_killed_storage_left_half_written_is_removed_at_its_next_start(tmp_path: Path) -> None:
    config = create_data(tmp_path / "data")
    (config.storage_folder / ".incoming").mkdir(parents=True)
    (config.storage_folder / ".incoming" / "half").write_bytes(b"half")
    with running_gateway(config) as gateway:
        assert gateway.half_written() == []


def test_text_mode_would_alter_files_and_is_refused(gateway: RunningGateway, vault: str) -> None:
    session = gateway.client(vault)
    session.voidcmd("TYPE A")
    assert refusal_of(session, f"STOR {vault}/p/00/000/text.ibp").startswith("550")
    session.close()


# Space


def test_f16_a_full_quota_ends_an_upload_and_loses_nothing(gateway: RunningGateway) -> None:
    vault, data = new_vault_name(), secrets.token_bytes(1_000_000)
    gateway.allowed[vault] = 2_500_000
    with gateway.storage(vault) as storage:
        storage.put_new(VAULT_FILE, b"{}")
        storage.put_new(pack_name(1, bytes(32)), data)
        storage.put_new(pack_name(2, bytes(32)), data)
        with pytest.raises(StorageFull):
            storage.put_new(pack_name(3, bytes(32)), data)
        assert set(gateway.files(vault)) == {VAULT_FILE, pack_name(1, bytes(32)), pack_name(2, bytes(32))}
        assert gateway.half_written() == []
        storage.put_new(pack_name(4, bytes(32)), data[:500_000])
        storage.put_new("s/00/000/00000001.commit", b"the run can still be completed")
        assert storage.read(pack_name(2, bytes(32))) == data
        with pytest.raises(StorageFull):
            storage.put_new(pack_name(5, bytes(32)), b"x")


def test_f16_the_reply_to_an_upload_beyond_the_quota_is_552(gateway: RunningGateway) -> None:
    vault = new_vault_name()
    gateway.allowed[vault] = 300_000
    session = gateway.client(vault)
    session.mkd(vault)
    session.mkd(f"{vault}/p")
    with pytest.raises(ftplib.error_perm, match=r"^552 The quota"):
        session.storbinary(f"STOR {vault}/p/1.ibp.part", io.BytesIO(bytes(5_000_000)))
    session.storbinary(f"STOR {vault}/p/2.ibp.part", io.BytesIO(bytes(300_000)))
    assert gateway.files(vault) == {"p/2.ibp.part": 300_000}
    session.delete(f"{vault}/p/2.ibp.part")
    session.storbinary(f"STOR {vault}/p/3.ibp.part", io.BytesIO(bytes(300_000)))
    session.close()


def test_f16_an_endless_upload_beyond_the_quota_is_cut_off(gateway: RunningGateway) -> None:
    vault = new_vault_name()
    gateway.allowed[vault] = 1000
    session = gateway.client(vault)
    session.mkd(vault)
    session.mkd(f"{vault}/p")
    connection = session.transfercmd(f"STOR {vault}/p/1.ibp")
    with pytest.raises((ConnectionError, ssl.SSLError)):
        connection.sendall(bytes(200_000_000))
    connection.close()
    assert next_refusal(session).startswith("552")
    session.close()


def test_manifests_cannot_grow_without_end_either(gateway: RunningGateway) -> None:
    vault = new_vault_name()
    gateway.allowed[vault] = 0
    session = gateway.client(vault)
    session.mkd(vault)
    session.mkd(f"{vault}/s")
    session.storbinary(f"STOR {vault}/s/1.ibm", io.BytesIO(bytes(16 * 1024 * 1024)))
    with pytest.raises(ftplib.error_perm, match=r"^552"):
        session.storbinary(f"STOR {vault}/s/2.ibm", io.BytesIO(b"x"))
    session.close()


def test_without_a_database_a_known_vault_keeps_its_quota_and_an_unknown_one_gets_none(tmp_path: Path) -> None:
    broken = threading.Event()

    def allowance(vault: str) -> int:
        if broken.is_set():
            raise OperationalError("SELECT", {}, Exception("gone away"))
        return 1_000_000

    with running_gateway(create_data(tmp_path / "data"), allowance) as gateway:
        known, unknown = new_vault_name(), new_vault_name()
        with gateway.storage(known) as storage:
            storage.put_new(PACK, b"first")
            broken.set()
            storage.put_new(pack_name(2, bytes(32)), b"second")
        with gateway.storage(unknown) as storage, pytest.raises(StorageFull):
            storage.put_new(PACK, b"first")


def test_a_closing_storage_ends_its_sessions(tmp_path: Path) -> None:
    with running_gateway(create_data(tmp_path / "data")) as gateway:
        session = gateway.client(new_vault_name())
    with pytest.raises((EOFError, OSError)):
        session.sendcmd("NOOP")
    session.close()
