"""The store as a whole: every file fits its description, and a kill at any moment leaves a store that starts."""
from __future__ import annotations

import random
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from client.computer import hardware
from client.events import Notice, Started
from client.gui.placement import load_placement
from client.run.opening import KeptJournal
from client.store import documents
from client.store.activity import ActivityLog, log_files, read_logs, repair_logs
from client.store.agenda import Agenda, load_agenda
from client.store.index import FILE, FOLDER, Indexed, IndexWriter, read_head, read_index
from client.store.settings import (
    Journal,
    Settings,
    load_identity,
    load_journal,
    load_settings,
)

ROUNDS = 5
"""Kills for each kind of file; where in a write they fall is left to chance."""

WRITERS = {
    "settings": "save_settings(Settings(home, tuple(f'/folder/{value}/{n}' for n in range(50))))",
    "identity": "save_identity(home, Identity('https://a.example', '', f'{value}', 'v', 'alice', 'C-1', 't', False))",
    "run": "save_journal(home, Journal(value, bytes(32), value, 'uuid', 'lease' * 50))",
    "agenda": "change_agenda(home, lambda agenda: replace(agenda, failures=value, folders=tuple("
              "KnownFolder(f'/folder/{n}', value, value) for n in range(50))))",
    "index": "write_index(home, value)",
    "activity": "write_log(home, value)",
    "hardware": "hardware._save(home, replace(kept, boot=f'{value}'))",
    "access": "save_public(home, Identity('https://a.example', '', f'{value}', 'v', 'alice', 'C-1', 't', False))",
    "window": "save_placement(home, Placement(800 + value % 100, 600, 0, 0, False))",
}
"""Name → what a child does for ever, with ever new values."""

PREPARE = """
import sys
import threading
from dataclasses import replace
from pathlib import Path
from client.computer import hardware
from client.store.agenda import KnownFolder, change_agenda
from client.gui.placement import Placement, save_placement
from client.api.restore_access import save_public
from client.store.settings import Identity, Journal, Settings, save_identity, save_journal, save_settings
from tests.client.test_store import write_index, write_log
home = Path(sys.argv[1])
kept = hardware._load(home)
value = 1
{step}
print(flush=True)
while True:
    value += 1
    {step}
"""


def write_index(home: Path, run: int) -> None:
    """An index of a folder with a few hundred files."""
    writer = IndexWriter(home, "vault", 1)
    writer.add(Indexed(FOLDER, b"home", 2, 0, run, 0o40755, 0, 0, False, b""))
    for node in range(300):
        writer.add(Indexed(FILE, b"%04d" % node, node + 3, run, run, 0o100644, run, node, False, bytes(16)))
    writer.leave()
    writer.finish(run, bytes(32))


def write_log(home: Path, run: int) -> None:
    """The log of a run with a few notices."""
    with ActivityLog(home, "backup") as log:
        log.record(Started(run))
        for number in range(20):
            log.record(Notice(f"Notice {number}"))


def starts(home: Path, name: str) -> None:
    """What a client does when it starts: reads everything; nothing raises, nothing is half."""
    told: list[str] = []
    if name == "settings":
        first = load_settings(home, told.append).folders[0]
        assert len(load_settings(home, told.append).folders) == 50, first
    elif name == "identity":
        assert int(load_identity(home, told.append).computer) > 0
    elif name == "run":
        journal = load_journal(home, told.append)
        assert journal.run is not None
        assert journal.last_commit == journal.run
    elif name == "agenda":
        agenda = load_agenda(home, told.append)
        assert {folder.files for folder in agenda.folders} == {agenda.failures}
    elif name == "index":
        head = read_head(home)
        if head is not None:  # a kill between the two renames costs a longer run
            assert sum(1 for entry in read_index(home) if entry is not None) == 301
    elif name == "activity":
        repair_logs(home)
        assert not list((home / "activity").glob("*.open"))
        for path in log_files(home)[-3:]:
            assert not list(documents.load_schema("activity").iter_errors(documents.parse(path.read_bytes())))
        assert all(job.outcome in {"", "interrupted"} for job in read_logs(home, 3))
    elif name == "access":
        assert int(documents.parse((home / "access.xml").read_bytes()).get("computer", "")) > 0
    elif name == "hardware":
        kept = hardware._load(home)
        assert kept is not None
        assert kept.report.host_name
    else:
        assert load_placement(home).height == 600
    assert told == []


@pytest.mark.parametrize("name", list(WRITERS))
def test_f20_a_kill_during_any_write_of_any_file_leaves_a_store_that_starts(
    tmp_path: Path, known_hardware: Path, name: str,
) -> None:
    (tmp_path / "hardware.xml").write_bytes(known_hardware.read_bytes())
    moment = random.Random(name)
    for _ in range(ROUNDS):
        child = subprocess.Popen(
            [sys.executable, "-c", PREPARE.format(step=WRITERS[name]), str(tmp_path)], stdout=subprocess.PIPE,
        )
        assert child.stdout is not None
        assert child.stdout.readline() == b"\n"
        with pytest.raises(subprocess.TimeoutExpired):
            child.wait(0.02 + 0.1 * moment.random())
        child.kill()
        child.wait()
        child.stdout.close()
        starts(tmp_path, name)
        if name == "activity":
            for path in log_files(tmp_path)[:-5]:
                path.with_suffix(".unsent").unlink(missing_ok=True)
                path.unlink()


@pytest.mark.parametrize("name", ["settings", "identity", "run", "agenda", "hardware", "window", "access"])
def test_f20_each_single_step_of_a_write_may_be_the_last(tmp_path: Path, known_hardware: Path, name: str) -> None:
    """A child ends before its first, second, third … call that changes the disk, as if the power had gone."""
    (tmp_path / "hardware.xml").write_bytes(known_hardware.read_bytes())
    script = (
        PREPARE.partition("print(")[0] + "import os\nleft = int(sys.argv[2])\n"
        "def limited(call):\n    def counted(*words, **how):\n        global left\n        left -= 1\n"
        "        if left < 0:\n            os._exit(9)\n        return call(*words, **how)\n    return counted\n"
        "for name in ('open', 'replace', 'rename', 'fsync', 'unlink', 'write'):\n"
        "    setattr(os, name, limited(getattr(os, name)))\n"
        "value += 1\n{step}\nos._exit(0)\n"
    ).format(step=WRITERS[name])
    for steps in range(100):
        done = subprocess.run([sys.executable, "-c", script, str(tmp_path), str(steps)], check=False, timeout=60)
        starts(tmp_path, name)
        if done.returncode == 0:
            break
        assert done.returncode == 9
    assert 2 < steps < 99


def test_what_never_happened_is_no_failure(tmp_path: Path) -> None:
    assert load_agenda(tmp_path, pytest.fail) == Agenda()
    assert load_journal(tmp_path, pytest.fail) == Journal()
    assert load_settings(tmp_path, pytest.fail) == Settings(tmp_path)
    assert read_head(tmp_path) is None


def test_a_heartbeat_that_meets_the_end_of_a_run_leaves_the_journal_of_the_end(tmp_path: Path) -> None:
    ended = Journal(7, b"\x07" * 32)
    for _ in range(30):
        journal = KeptJournal(tmp_path, pytest.fail)
        journal.begin_anew(Journal(6, b"\x06" * 32, 7, "uuid-7", "lease-0"))
        failures: list[BaseException] = []

        def beat(journal: KeptJournal = journal, failures: list[BaseException] = failures) -> None:
            try:
                for number in range(4):
                    journal.change(lease=f"lease-{number}")
            except BaseException as error:  # noqa: BLE001 - asked for below
                failures.append(error)

        heart = threading.Thread(target=beat)
        heart.start()
        journal.begin_anew(ended)
        heart.join()
        assert failures == []
        assert load_journal(tmp_path, pytest.fail) == ended
