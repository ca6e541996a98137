"""The words of ibs-client: enrolment, settings, mistakes and their exit codes; the portal is a real one."""
from __future__ import annotations

import json
import re
import stat
import zipfile
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from client.cli import COMMANDS, main
from client.store.activity import is_anything_unsent, log_files
from client.store.agenda import Agenda, change_agenda, load_agenda
from client.store.settings import load_identity, save_identity
from tests.client.conftest import Client
from tests.client.running_portal import RunningPortal
from tests.client.talking_portal import HANG_UP, TalkingPortal

pytestmark = pytest.mark.xdist_group("running_portal")

BEFORE = datetime(2026, 11, 22, 18, 0, tzinfo=UTC)


def test_status_tells_account_space_and_folders(protected: Client, source: Path) -> None:
    protected("backup")
    fields = protected("status", "--json").json
    assert (fields["account"], fields["plan"], fields["snapshots"]) == ("alice", "Gold", 1)
    assert fields["folders"] == [str(source)]
    said = protected("status").said
    assert "account alice" in said
    assert "1 snapshot, last 1 of" in said


def test_a_wrong_password_is_refused_and_nothing_is_kept(client: Client, running_portal: RunningPortal) -> None:
    ended = client("enrol", running_portal.address, "--user", "alice", "--password-stdin", words="wrong\n")
    assert ended.code == 4
    assert "IBS-1101" in ended.complained
    assert not (client.home / "identity.xml").exists()


def test_the_recovery_code_is_shown_once_and_kept_nowhere(client: Client, running_portal: RunningPortal) -> None:
    code = client.enrol(running_portal, "--json").json["recovery_code"]
    for path in client.home.rglob("*.xml*"):
        assert code not in path.read_text()


def test_a_second_enrolment_must_be_meant(client: Client, running_portal: RunningPortal) -> None:
    first = client.enrol(running_portal, "--json").json
    refused = client.enrol(running_portal)
    assert refused.code == 1
    assert "IBS-1106" in refused.complained
    second = client.enrol(running_portal, "--again", "--json").json
    assert second["vault"] != first["vault"]
    (client.home / "identity.xml").write_text("<identity")
    ended = client("status")
    assert ended.code == 0
    assert second["computer"] in ended.said
    assert "identity.xml" in ended.complained


def test_an_enrolment_that_the_portal_refuses_leaves_everything_as_it_was(
    protected: Client, running_portal: RunningPortal,
) -> None:
    assert protected("backup").code == 0
    before = {path: path.read_bytes() for path in protected.home.rglob("*") if path.is_file()}
    words = ("enrol", running_portal.address, "--user", "alice", "--password-stdin", "--again")
    refused = protected(*words, words="wrong\n")
    assert refused.code == 4
    assert "IBS-1101" in refused.complained
    assert {path: path.read_bytes() for path in protected.home.rglob("*") if path.is_file()} == before
    assert protected("backup").code == 0


def test_a_new_enrolment_forgets_what_the_portal_before_wished_and_was_told(
    client: Client, running_portal: RunningPortal,
) -> None:
    before = Agenda(settled=BEFORE, failures=2, asked=BEFORE, wish=BEFORE, wished_by="Bob", accepts=False, told="0f3a")
    change_agenda(client.home, lambda _: before)
    assert client.enrol(running_portal).code == 0
    assert load_agenda(client.home) == Agenda(settled=BEFORE, failures=2)


def test_logs_that_the_portal_before_never_got_are_not_taken_for_those_of_the_new_runs(
    protected: Client, running_portal: RunningPortal,
) -> None:
    assert protected("backup").code == 0
    log = log_files(protected.home)[-1]
    log.with_suffix(".unsent").touch()
    assert protected.enrol(running_portal, "--again").code == 0
    assert not is_anything_unsent(protected.home)
    assert log.exists()


def test_a_computer_that_the_portal_forgot_is_told_to_enrol_again(protected: Client) -> None:
    identity = load_identity(protected.home, pytest.fail)
    save_identity(protected.home, type(identity)(**{**vars(identity), "token": "another"}))
    ended = protected("backup")
    assert ended.code == 4
    assert "IBS-1104" in ended.complained


def test_signing_out_forgets_the_identity_and_nothing_else(protected: Client, source: Path) -> None:
    protected("backup")
    assert protected("sign-out").code == 0
    assert not list(protected.home.glob("identity.xml*"))
    assert not (protected.home / "access.xml").exists()
    assert protected("folder", "list", "--json").json["folders"] == [str(source)]
    again = protected("sign-out")
    assert again.code == 1
    assert "IBS-1105" in again.complained


def test_signing_out_withdraws_the_token_at_the_portal(protected: Client) -> None:
    """Who kept a copy of the file can do nothing with it."""
    kept = load_identity(protected.home, pytest.fail)
    ended = protected("sign-out", "--json")
    assert ended.code == 0
    assert (ended.json["computer"], ended.json["untold"]) == (kept.computer, "")
    save_identity(protected.home, kept)
    for words in (["status"], ["backup"], ["snapshots"]):
        assert "IBS-1104" in protected(*words).complained
    assert protected("sign-out", "--json").json["untold"] == ""


def test_signing_out_while_the_portal_is_away_says_what_to_do(protected: Client) -> None:
    identity = load_identity(protected.home, pytest.fail)
    save_identity(protected.home, replace(identity, portal="http://127.0.0.1:9"))
    ended = protected("sign-out")
    assert ended.code == 0
    assert "Signed out." in ended.said
    assert "this computer had: Can't reach the portal http://127.0.0.1:9" in ended.complained
    assert "Ask your backup provider to retire this computer there." in ended.complained
    assert not list(protected.home.glob("identity.xml*"))


def test_about_and_connection_tell_what_is_sent_and_who_answers(
    protected: Client, running_portal: RunningPortal,
) -> None:
    found = protected("about", "--json").json
    assert found["portal"] == running_portal.address
    assert found["hardware"]["host_name"] in protected("about").said
    assert "token" not in protected("about", "--json").said
    line = protected("connection", "--json").json
    assert (line["portal"], line["certificate"], line["own_authority"]) == (running_portal.address, None, False)


def test_a_report_names_problems_and_no_secret(protected: Client, tmp_path: Path) -> None:
    protected("backup")
    target = tmp_path / "report.zip"
    assert protected("report", str(target)).code == 0
    with zipfile.ZipFile(target) as report:
        everything = b"".join(report.read(name) for name in report.namelist())
    assert load_identity(protected.home, pytest.fail).token.encode() not in everything
    assert b"<finished" in everything
    refused = protected("report", str(tmp_path / "no" / "such" / "folder.zip"))
    assert refused.code == 1
    assert "IBS-9204" in refused.complained


def test_what_a_snapshot_does_not_hold_is_said(protected: Client, source: Path, tmp_path: Path) -> None:
    protected("backup")
    assert protected("list", "77").code == 1
    assert protected("list", "1", "/no/such/folder").code == 1
    missing = protected("restore", "--to", str(tmp_path / "back"), "/no/such/folder")
    assert missing.code == 1
    assert not (tmp_path / "back" / "no").exists()


def test_an_unreachable_portal_is_a_failure_with_a_sentence(protected: Client) -> None:
    identity = load_identity(protected.home, pytest.fail)
    save_identity(protected.home, type(identity)(**{**vars(identity), "portal": "http://127.0.0.1:9"}))
    ended = protected("snapshots", "--json")
    assert ended.code == 1
    assert ended.json["error"]["code"] == "IBS-2201"
    assert "IBS-2201" in ended.complained


def test_settings_are_kept_and_mistakes_are_told(client: Client, source: Path) -> None:
    assert client("folder", "add", str(source / "missing")).code == 1
    assert client("folder", "add", str(source)).said == f"Protected: {source}\n"
    assert client("folder", "list").said == f"{source}\n"
    assert client("folder", "list", "--json").json == {"count": 1, "folders": [str(source)]}
    assert "part of a protected folder" in client("folder", "add", str(source / "letters")).said
    assert client("folder", "remove", str(source / "letters")).code == 1
    assert client("folder", "remove", str(source)).code == 0
    assert client("folder", "list").said == ""
    assert client("exclude", "add", "*.tmp", "/home/*/Downloads").code == 0
    assert client("exclude", "remove", "*.tmp").code == 0
    assert client("exclude", "list", "--json").json == {"count": 1, "excludes": ["/home/*/Downloads"]}


def test_the_store_belongs_to_its_owner(protected: Client) -> None:
    protected("backup")
    assert stat.S_IMODE(protected.home.stat().st_mode) == 0o700
    for path in protected.home.rglob("*"):
        shared = path.suffix == ".events" or path.name == "access.xml"  # where the store is the whole computer's
        assert stat.S_IMODE(path.stat().st_mode) & (0o033 if shared else 0o077) == 0, path


@pytest.mark.parametrize("arguments", [
    ("status",), ("snapshots",), ("list", "1"), ("restore", "--to", "/tmp/nowhere"), ("backup",),
])
def test_a_computer_that_is_not_enrolled_is_told_how(client: Client, arguments: tuple[str, ...]) -> None:
    ended = client(*arguments)
    assert ended.code == 1
    assert "IBS-1105" in ended.complained


def test_no_folders_is_a_failure_that_says_what_to_do(client: Client, running_portal: RunningPortal) -> None:
    client.enrol(running_portal)
    ended = client("backup", "--json")
    assert ended.code == 1
    assert ended.json["error"]["code"] == "IBS-4103"
    assert "folder add" in ended.complained


@pytest.mark.parametrize("arguments", [
    ("dance",), ("restore",), ("list",), ("list", "many"), ("backup", "--json", "--events"), ("folder",),
    ("restore", "--to", "x", "--date", "soon"), ("restore", "--to", "x", "--date", "2026-01-01", "--snapshot", "1"),
    ("recover", "ftps://u@h/b", "v", "--to", "x", "--pin", "zz"), ("enrol", "https://portal.example"),
])
def test_words_that_make_no_sense_are_exit_code_two(client: Client, arguments: tuple[str, ...]) -> None:
    assert client(*arguments).code == 2


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main([command, "--help"])
    assert left.value.code == 0
    assert f"ibs-client {command}" in capsys.readouterr().out


def test_without_a_command_it_opens_the_window_or_says_why_it_cannot(
    client: Client, monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    ended = client()
    assert ended.code == 1
    assert "there is no screen" in ended.complained
    assert "“ibs-client --help” lists them. (IBS-9209)" in ended.complained


def test_an_address_without_encryption_is_refused_before_the_password_is_read(client: Client) -> None:
    ended = client("enrol", "http://portal.example", "--user", "alice", "--password-stdin")
    assert ended.code == 1
    assert "IBS-2203" in ended.complained


def test_an_unexpected_error_is_one_sentence_and_a_reference_to_its_traceback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:
    def stumble(_: object) -> int:
        raise ZeroDivisionError("a mistake of ours \udc80")

    monkeypatch.setattr("client.commands.folder.run", stumble)
    assert main(["--home", str(tmp_path), "folder", "list", "--json"]) == 1
    said = capsys.readouterr()
    log = (tmp_path / "technical.log").read_text()
    reference = re.search(r"Reference ([0-9A-F]{4}-[0-9A-F]{2})", log)
    assert reference is not None
    assert reference[1] in said.err
    assert said.err.count("\n") == 1
    assert json.loads(said.out)["error"]["code"] == "IBS-9205"
    assert "ZeroDivisionError: a mistake of ours" in log
    assert "Traceback" not in said.err


def test_a_home_that_cannot_be_used_is_explained(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("a file")
    ended = Client(tmp_path / "home")("folder", "list")
    assert ended.code == 1
    assert "IBS-9204" in ended.complained


def test_a_store_that_cannot_be_written_is_noticed_before_a_computer_is_used_up(client: Client) -> None:
    portal = TalkingPortal(HANG_UP)
    (client.home / "run.xml").mkdir()
    ended = client("enrol", portal.address, "--user", "alice", "--password-stdin", words="secret\n")
    portal.stop()
    assert ended.code == 1
    assert "IBS-9204" in ended.complained
    assert portal.requests == []
