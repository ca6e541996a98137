"""Backups, restores and recoveries by command, against a real portal: what comes back, what is said, exit codes."""
from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from tests.client.conftest import Client
from tests.client.running_portal import RunningPortal

pytestmark = pytest.mark.xdist_group("running_portal")


def contents(folder: Path) -> dict[str, bytes | None]:
    """Every file below `folder` with its bytes; folders are None."""
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None for path in folder.rglob("*")
    }


def test_it_backs_up_lists_and_restores_what_was_protected(protected: Client, source: Path, tmp_path: Path) -> None:
    first = protected("backup", "--json")
    assert first.code == 0, first.complained
    assert first.json["files"] == 3
    assert first.json["bytes"] == 700_008
    before = contents(source)
    (source / "letters" / "one.txt").write_text("changed\n")
    second = protected("backup")
    assert second.code == 0
    assert second.said.startswith("Snapshot 2: 3 files, ")
    listed = protected("snapshots", "--json").json
    assert [(snapshot["number"], snapshot["files"], snapshot["bytes"]) for snapshot in listed] == [
        (1, 3, 700_008), (2, 3, 700_012),
    ]
    assert datetime.fromisoformat(listed[0]["finished_at"]).tzinfo is not None
    folder = protected("list", "1", str(source / "letters"), "--json").json
    assert (folder["files"], folder["bytes"]) == (2, 8)
    restored = protected("restore", "--snapshot", "1", "--to", str(tmp_path / "back"), "--json")
    assert restored.code == 0, restored.complained
    assert restored.json["files"] == 3
    del before["left out.tmp"]
    assert contents(tmp_path / "back" / source.relative_to("/")) == before


def test_a_date_chooses_the_snapshot_and_nothing_is_overwritten_unasked(
    protected: Client, source: Path, tmp_path: Path,
) -> None:
    assert protected("backup").code == 0
    tomorrow = (datetime.now().astimezone() + timedelta(days=1)).strftime("%Y-%m-%d")
    back = tmp_path / "back"
    assert protected("restore", "--date", tomorrow, "--to", str(back), str(source / "letters")).code == 0
    restored = back / source.relative_to("/") / "letters" / "one.txt"
    assert restored.read_text() == "one\n"
    assert not (restored.parent.parent / "big.bin").exists()
    restored.write_text("mine")
    again = protected("restore", "--to", str(back))
    assert again.code == 3
    assert "one.txt" in again.complained
    assert restored.read_text() == "mine"
    assert protected("restore", "--overwrite", "--to", str(back)).code == 0
    assert restored.read_text() == "one\n"
    assert protected("restore", "--date", "2001-01-01", "--to", str(back)).code == 1


def test_the_storage_alone_gives_the_files_back(
    client: Client, make_client: Callable[[str], Client], running_portal: RunningPortal, source: Path, tmp_path: Path,
) -> None:
    enrolled = client.enrol(running_portal, "--json").json
    client("folder", "add", str(source))
    assert client("backup").code == 0
    stranger = make_client("another computer")
    words = f"no password for a folder\n{enrolled['recovery_code']}\n"
    arguments = ("recover", str(running_portal.data / "storage"), enrolled["vault"], "--to", str(tmp_path / "back"))
    recovered = stranger(*arguments, words=words)
    assert recovered.code == 0, recovered.complained
    assert contents(tmp_path / "back" / source.relative_to("/")) == contents(source)
    letters = enrolled["recovery_code"]
    wrong = letters[:-1] + ("A" if letters[-1] != "A" else "B")
    refused = stranger(*arguments, words=f"\n{wrong}\n")
    assert refused.code == 1
    assert "IBS-5301" in refused.complained


def test_a_skipped_file_is_named_and_makes_exit_code_three(protected: Client, source: Path) -> None:
    assert protected("backup").code == 0
    (source.parent / "away").mkdir()
    assert protected("folder", "add", str(source.parent / "away")).code == 0
    (source.parent / "away").rmdir()
    ended = protected("backup")
    assert ended.code == 3
    assert "IBS-4102" in ended.complained
    assert "1 skipped" in ended.said
    assert "IBS-4102" in protected("log").said


def test_events_are_one_json_line_each_and_the_first_and_last_are_known(protected: Client) -> None:
    ended = protected("backup", "--events")
    events = [json.loads(line) for line in ended.said.splitlines()]
    assert events[0]["event"] == "started"
    assert events[-1]["event"] == "finished"
    assert events[-1]["files"] == 3
    assert ended.said.isascii()


def test_the_log_of_a_run_lies_with_the_portal_too(protected: Client, running_portal: RunningPortal) -> None:
    assert protected("backup").code == 0
    assert not list((protected.home / "activity").glob("*.unsent"))
    job = protected("log", "--json").json["jobs"][0]
    assert (job["job"], job["outcome"]) == ("backup", "finished")


def test_names_cannot_speak_to_the_terminal(protected: Client, source: Path) -> None:
    protected("backup")
    said = protected("list", "1", str(source / "letters")).said
    assert "\x1b" not in said
    assert r"caf\udce9\x1b[31m\n.txt" in said


def test_a_second_client_on_the_same_store_is_sent_away(protected: Client) -> None:
    script = (
        "import sys\nfrom pathlib import Path\nfrom client.store.instance import hold\n"
        "with hold(Path(sys.argv[1])):\n    print(flush=True)\n    sys.stdin.read()\n"
    )
    command = [sys.executable, "-c", script, str(protected.home)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as first:
        assert first.stdout is not None
        first.stdout.readline()
        ended = protected("backup")
        assert ended.code == 1
        assert "IBS-9201" in ended.complained
        assert protected("status").code == 0
        assert protected("folder", "list").code == 0
        assert protected("exclude", "add", "*.bak").code == 0
        first.kill()
    assert protected("backup").code == 0


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_a_cancelled_backup_says_so_and_the_next_one_uses_what_was_stored(
    protected: Client, source: Path, sent: signal.Signals,
) -> None:
    (source / "large.bin").write_bytes(os.urandom(1 << 20) * 200)
    with subprocess.Popen(
        protected.command("backup", "--events"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as running:
        assert running.stdout is not None
        assert json.loads(running.stdout.readline())["event"] == "started"
        running.send_signal(sent)
        output, complaints = running.communicate(timeout=60)
    assert running.returncode == 130, complaints
    assert json.loads(output.splitlines()[-1])["event"] == "cancelled"
    assert "Traceback" not in complaints
    assert protected("log", "--json").json["jobs"][0]["outcome"] == "cancelled"
    assert protected("backup").code == 0


def test_a_window_that_closes_stops_no_backup(protected: Client) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        protected.command("backup", "--events"), stdout=writer, stderr=subprocess.PIPE, check=False,
    )
    os.close(writer)
    assert done.returncode == 0, done.stderr
    assert done.stderr == b""
    assert len(protected("snapshots", "--json").json) == 1


def test_a_terminal_shows_how_far_it_is(protected: Client) -> None:
    master, slave = pty.openpty()
    done = subprocess.run(protected.command("backup"), stdout=subprocess.PIPE, stderr=slave, check=False)
    os.close(slave)
    drawn = os.read(master, 65536).decode()
    os.close(master)
    assert done.returncode == 0
    assert "\r" in drawn
    assert "files · " in drawn
    assert b"\r" not in done.stdout


def test_a_start_that_finds_nothing_to_do_is_quick_and_loads_no_schema_library(protected: Client) -> None:
    protected("backup")
    script = (
        "import sys, resource\nfrom client.cli import main\ncode = main(sys.argv[1:])\n"
        "used = resource.getrusage(resource.RUSAGE_SELF)\n"
        "heavy = {'xmlschema', 'psutil', 'cpuinfo', 'sqlite3', 'tkinter', 'flask'} & set(sys.modules)\n"
        "print(code, used.ru_utime + used.ru_stime, *heavy, file=sys.stderr)\n"
    )
    words = [sys.executable, "-c", script, "--home", str(protected.home), "backup", "--json"]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    code, seconds, *heavy = done.stderr.split()
    assert code == "0"
    assert heavy == []
    assert float(seconds) < 1


def test_a_portal_that_restarts_with_its_storage_does_not_end_a_run(
    protected: Client, running_portal: RunningPortal, source: Path, tmp_path: Path,
) -> None:
    (source / "large.bin").write_bytes(b"".join(os.urandom(1 << 20) for _ in range(150)))
    with subprocess.Popen(
        protected.command("backup", "--events"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as running:
        assert running.stdout is not None
        while json.loads(running.stdout.readline())["event"] != "pack_stored":
            pass
        running_portal.stop()
        running_portal.start()
        output, complaints = running.communicate(timeout=200)
    assert running.returncode == 0, complaints
    assert json.loads(output.splitlines()[-1])["files"] == 4
    assert protected("restore", "--to", str(tmp_path / "back")).code == 0
    restored = tmp_path / "back" / source.relative_to("/") / "large.bin"
    assert restored.read_bytes() == (source / "large.bin").read_bytes()
