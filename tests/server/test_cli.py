"""The commands of ibs-server, as an administrator types them."""
from __future__ import annotations

import argparse
import io
import socket
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from server.cli import build_parser, main
from server.commands import values
from server.config import create_data, load_config
from tests.parts.ftp_servers import FtpServer
from tests.parts.mariadb import MariaDb

PASSWORD = "correct horse battery"


@dataclass
class Desk:
    """An administrator's terminal."""

    data: Path
    capture: pytest.CaptureFixture[str]
    monkeypatch: pytest.MonkeyPatch

    def type(self, *words: str, stdin: str = PASSWORD + "\n") -> tuple[int, str, str]:
        """Run one command; its exit code, what it printed, and its complaints."""
        self.monkeypatch.setattr(sys, "stdin", io.StringIO(stdin))
        try:
            code = main(["--data", str(self.data), *words])
        except SystemExit as ending:
            code = int(ending.code or 0)
        printed = self.capture.readouterr()
        return code, printed.out, printed.err

    def init(self, *words: str) -> tuple[int, str, str]:
        """ibs-server init."""
        return self.type("init", "--admin", "admin@example.com", "--password-stdin", *words)

    def rows(self, statement: str) -> list[tuple[object, ...]]:
        """What the portal's SQLite file holds."""
        engine = create_engine(f"sqlite:///{self.data}/catalogue.sqlite")
        with engine.connect() as connection:
            found = [tuple(row) for row in connection.execute(text(statement))]
        engine.dispose()
        return found


@pytest.fixture
def desk(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Desk:
    monkeypatch.delenv("IBS_DATA", raising=False)
    return Desk(tmp_path / "data", capsys, monkeypatch)


@pytest.fixture
def portal(desk: Desk) -> Desk:
    """A terminal whose portal exists."""
    assert desk.init()[0] == 0
    return desk


# Making a portal


def test_init_makes_a_portal_with_administrator_and_default_storage(desk: Desk) -> None:
    code, printed, complaints = desk.init()
    assert (code, complaints) == (0, "")
    assert "admin@example.com signs in as its administrator" in printed
    assert desk.rows("SELECT email, role FROM staff") == [("admin@example.com", "administrator")]
    assert desk.rows("SELECT kind, is_default FROM storage") == [("gateway", 1)]
    assert PASSWORD not in str(desk.rows("SELECT * FROM staff"))


def test_init_uses_the_database_that_it_is_given(desk: Desk, mariadb: MariaDb) -> None:
    address = mariadb.new_database().replace("mysql+pymysql://", "mariadb://")
    code, _, complaints = desk.init("--database", address)
    assert (code, complaints) == (0, "")
    assert load_config(desk.data, {}).database_url == address
    assert not (desk.data / "catalogue.sqlite").exists()
    assert desk.type("customer", "create", "Ärzte GmbH", "--email", "a@b.example")[:2] == (0, "C-000001\n")


def test_a_second_init_is_refused_and_changes_nothing(portal: Desk) -> None:
    before = (portal.data / "server.toml").read_bytes()
    code, _, complaints = portal.init()
    assert code == 1
    assert "IBS-9102" in complaints
    assert (portal.data / "server.toml").read_bytes() == before
    assert len(portal.rows("SELECT * FROM staff")) == 1


def test_an_init_that_failed_can_be_repeated(desk: Desk) -> None:
    code, _, complaints = desk.type("init", "--admin", "admin@example.com", "--password-stdin", stdin="short\n")
    assert code == 4
    assert "at least 8 characters" in complaints
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        nobody = f"mysql://ibs:hidden@127.0.0.1:{probe.getsockname()[1]}/ibs"
        code, _, complaints = desk.init("--database", nobody)
    assert code == 1
    assert "IBS-9107" in complaints
    assert "hidden" not in complaints
    code, _, complaints = desk.init("--database", "postgresql://x/y")
    assert code == 1
    assert "IBS-9104" in complaints
    keys = (desk.data / "keys" / "kek").read_bytes()
    assert desk.init()[0] == 0
    assert (desk.data / "keys" / "kek").read_bytes() == keys


@pytest.mark.parametrize("typed", ["", "\n"])
def test_without_a_password_on_standard_input_it_says_so(desk: Desk, typed: str) -> None:
    code, _, complaints = desk.type("init", "--admin", "admin@example.com", "--password-stdin", stdin=typed)
    assert code == 4
    assert "there was none on standard input" in complaints


def test_upgrade_brings_a_database_up_to_date_and_nothing_runs_before(desk: Desk) -> None:
    create_data(desk.data)
    for command in ("web", "storage", "worker", "run"):
        code, _, complaints = desk.type(command)
        assert code == 1
        assert "IBS-9108" in complaints
    assert desk.type("upgrade") == (0, "The database is up to date.\n", "")
    assert desk.type("upgrade")[0] == 0
    assert desk.type("customer", "create", "Ada", "--email", "ada@example.com")[0] == 0


# Selling


def test_a_reseller_sells_a_plan_and_gives_a_sign_in(portal: Desk) -> None:
    assert portal.type("plan", "create", "Gold", "--quota", "50GB", "--computers", "3", "--days", "365",
                       "--keep-days", "90")[0] == 0
    assert portal.type("customer", "create", "Ada & Söhne", "--email", "ada@example.com") == (0, "C-000001\n", "")
    assert portal.type("subscription", "create", "C-000001", "Gold", "--from", "2026-01-01", "--until", "2026-12-31",
                       "--quota", "1.5TiB") == (0, "1\n", "")
    assert portal.type("account", "create", "C-000001", "Ada", "--password-stdin", "--subscription", "1")[0] == 0
    assert portal.rows("SELECT name, quota, computers, days, keep_days FROM plan") == [("Gold", 50 * 10**9, 3, 365, 90)]
    assert portal.rows("SELECT valid_from, valid_until, quota FROM subscription") == [
        ("2026-01-01", "2026-12-31", 3 * 2**39)]
    assert portal.rows("SELECT user_name, is_owner, subscription_id FROM account") == [("ada", 1, 1)]


@pytest.mark.parametrize(("words", "code", "sentence"), [
    (("subscription", "create", "C-000009", "Gold"), 4, "There is no customer C-000009."),
    (("account", "create", "x", "ada", "--password-stdin"), 4, "There is no customer x."),
    (("plan", "create", "P", "--quota", "5XB", "--computers", "1", "--days", "1", "--keep-days", "1"), 2, "5XB"),
    (("plan", "create", "P", "--quota", "5GB", "--computers", "0", "--days", "1", "--keep-days", "1"), 2, "'0'"),
    (("plan", "create", "P", "--quota", "5GB"), 2, "--computers"),
    (("customer", "create", "Ada", "--email", "not an address"), 4, "e-mail address"),
    (("subscription", "create", "1", "Gold", "--from", "31.12.2026"), 2, "write it like 2026-12-31"),
    (("account", "create", "1", "ada"), 2, "--password-stdin"),
    (("storage", "add", "rack", "http://x/y", "--password-stdin"), 1, "must look like ftps://"),
    (("storage", "add", "rack", "ftps://u:pw@h/y", "--password-stdin"), 1, "must not stand in the address"),
    (("storage", "add", "rack", "ftps://u@h/y", "--password-stdin", "--pin", "12"), 2, "64 hexadecimal digits"),
    (("storage", "add", "rack", "ftps://u@h/y", "--password-stdin", "--ca", "/nowhere"), 1, "can't be read"),
    (("storage", "add", "rack", "ftps://u@h/a\r\nDELE x", "--password-stdin"), 1, "can't be sent to a storage"),
    (("dance",), 2, "dance"),
    ((), 2, "COMMAND"),
])
def test_what_cannot_be_done_is_said_in_a_sentence(portal: Desk, words: tuple[str, ...], code: int,
                                                   sentence: str) -> None:
    ended, printed, complaints = portal.type(*words)
    assert ended == code
    assert sentence in complaints
    assert "Traceback" not in complaints
    assert printed == ""


@pytest.mark.parametrize(("typed", "size"), [
    ("50GB", 50 * 10**9), ("50 gb", 50 * 10**9), ("512MiB", 512 * 2**20), ("1.5TB", 1_500_000_000_000), ("700", 700),
    ("700B", 700), ("1kB", 1000), ("2PB", 2 * 10**15),
])
def test_sizes_are_read_as_people_write_them(typed: str, size: int) -> None:
    assert values.size(typed) == size


@pytest.mark.parametrize("typed", ["", "GB", "-1GB", "0GB", "0.1B", "1iB", "1e9", "٣GB", "1GBB", "9999999PB", "1,5GB"])
def test_what_is_no_size_is_refused(typed: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError):
        values.size(typed)


# Storages


def test_storage_add_examines_a_server_and_registers_it(portal: Desk, start_ftp: Callable[..., FtpServer]) -> None:
    server = start_ftp("pyftpdlib")
    url = f"ftps://{server.user}@127.0.0.1:{server.port}/base"
    words = ("storage", "add", "rack", url, "--password-stdin", "--default", "--idle-seconds", "1")
    code, printed, complaints = portal.type(*words, "--pin", server.certificate.pin.hex(), stdin=server.password + "\n")
    assert (code, complaints) == (0, "")
    assert "A file of 1 MiB was stored" in printed
    assert printed.endswith("rack is registered as the default storage.\n")
    assert portal.rows("SELECT name FROM storage WHERE is_default") == [("rack",)]
    code, _, complaints = portal.type(*words, stdin=server.password + "\n")
    assert code == 4
    assert "The storage rack exists already" in complaints


def test_storage_add_trusts_no_certificate_by_itself(portal: Desk, start_ftp: Callable[..., FtpServer]) -> None:
    server = start_ftp("pyftpdlib")
    url = f"ftps://{server.user}@127.0.0.1:{server.port}/base"
    code, _, complaints = portal.type("storage", "add", "rack", url, "--password-stdin", stdin=server.password + "\n")
    assert code == 1
    assert "IBS-2110" in complaints
    assert server.certificate.pin.hex() in complaints
    other = str(portal.data / "tls" / "storage.pem")
    code, _, complaints = portal.type("storage", "add", "rack", url, "--password-stdin", "--ca", other,
                                      stdin=server.password + "\n")
    assert code == 1
    assert "IBS-2110" in complaints
    assert portal.rows("SELECT count(*) FROM storage") == [(1,)]


# Talking


def test_every_command_explains_itself(desk: Desk) -> None:
    for words in every_command(build_parser()):
        code, printed, _ = desk.type(*words, "--help")
        assert code == 0, words
        assert "--data" in printed, words
    assert len(list(every_command(build_parser()))) == 16


def every_command(parser: argparse.ArgumentParser, words: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """The words of all parsers below this one, and its own."""
    found = [words]
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for word, child in action.choices.items():
                found += every_command(child, (*words, word))
    return found


def test_the_data_directory_comes_before_or_after_the_command_or_from_the_environment(
    portal: Desk, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    customer = ["customer", "create", "Ada", "--email", "ada@example.com"]
    assert main([*customer, "--data", str(portal.data)]) == 0
    monkeypatch.setenv("IBS_DATA", str(portal.data))
    assert main(customer) == 0
    assert capsys.readouterr().out == "C-000001\nC-000002\n"
    monkeypatch.delenv("IBS_DATA")
    with pytest.raises(SystemExit) as ending:
        main(customer)
    assert ending.value.code == 2
    assert "--data or IBS_DATA" in capsys.readouterr().err
    assert main(["--data", str(portal.data / "nowhere"), *customer]) == 1
    assert "There is no portal in" in capsys.readouterr().err


def test_a_missing_key_stops_every_command(portal: Desk) -> None:
    (portal.data / "keys" / "kek").unlink()
    for words in (("web",), ("run",), ("customer", "create", "Ada", "--email", "ada@example.com")):
        code, _, complaints = portal.type(*words)
        assert code == 1
        assert "IBS-9103" in complaints


def test_a_port_in_use_is_named(portal: Desk) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = str(other.getsockname()[1])
        code, _, complaints = portal.type("web", "--port", taken)
        assert code == 1
        assert f"port {taken}" in complaints
        portal.monkeypatch.setenv("IBS_STORAGE_PORT", taken)
        code, _, complaints = portal.type("storage")
        assert code == 1
        assert f"port {taken}" in complaints


def test_a_fault_of_ours_ends_with_a_reference_and_is_logged(portal: Desk) -> None:
    (portal.data / "server.toml").unlink()
    (portal.data / "server.toml").mkdir()
    code, _, complaints = portal.type("upgrade")
    assert code == 1
    assert "Reference " in complaints


def test_it_is_installed_as_a_command() -> None:
    shown = subprocess.run([Path(sys.executable).with_name("ibs-server"), "--help"], capture_output=True, text=True,
                           check=True)
    assert "The portal of IBS" in shown.stdout
