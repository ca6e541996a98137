"""Registration with systemd and the Task Scheduler: what is written, and what the real systemd says of it."""
from __future__ import annotations

import configparser
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from client.schedules.registration import is_privileged, is_whole, tick_command
from client.system import default_home
from client.system.registered import SchedulerTrouble
from client.system.systemd import Systemd, render_units, run
from client.system.windows import tasks
from client.system.windows.calls import Ran
from client.system.windows.tasks import TaskScheduler, render_task

BEGINS = datetime(2026, 11, 23, 9)
COMMAND = [r"C:\Program Files\IBS\python\pythonw.exe", "-m", "client.cli", "--home", r"C:\ProgramData\IBS", "tick"]
FOLDER = r"C:\Program Files\IBS\python"
ODD = '100% of "Zoë" $HOME and \\ more'


# --- systemd -----------------------------------------------------------------------------------------------------


def write_units(folder: Path, home: Path, *, whole: bool) -> list[Path]:
    """The units of a store, written where systemd can look at them."""
    folder.mkdir(parents=True, exist_ok=True)
    units = render_units(tick_command(home), home / "requests" / "back-up", whole=whole)
    for name, text in units.items():
        (folder / name).write_text(text, "utf-8")
    return [folder / name for name in units]


@pytest.mark.parametrize("whole", [True, False])
def test_systemd_finds_no_fault_in_the_units(tmp_path: Path, whole: bool) -> None:
    """systemd-analyze knows every setting; where there is none, the units are read as what they are, at least."""
    units = write_units(tmp_path / "units", tmp_path / ODD, whole=whole)
    if shutil.which("systemd-analyze"):
        place = [] if whole else ["--user"]
        done = subprocess.run(
            ["systemd-analyze", *place, "verify", "--man=no", *map(str, units)],
            capture_output=True, text=True, check=False, env=os.environ | {"XDG_RUNTIME_DIR": str(tmp_path)},
        )
        about_ours = [line for line in done.stderr.splitlines() if str(tmp_path) in line or "ibs-client" in line]
        assert about_ours == []
        assert done.returncode == 0, done.stderr
    for unit in units:
        read = configparser.RawConfigParser(strict=False)
        read.read_string(unit.read_text("utf-8"))
        assert "Unit" in read.sections()


def test_systemd_analyze_would_find_a_fault(tmp_path: Path) -> None:
    service = write_units(tmp_path, tmp_path / "home", whole=True)[0]
    service.write_text(service.read_text().replace("ExecStart=", "ExecStart=nowhere/"))
    if shutil.which("systemd-analyze"):
        done = subprocess.run(
            ["systemd-analyze", "verify", "--man=no", str(service)], capture_output=True, text=True, check=False,
        )
        assert done.returncode != 0


def test_a_unit_starts_this_very_program_with_every_odd_path_kept(tmp_path: Path) -> None:
    home = tmp_path / ODD
    service = write_units(tmp_path / "units", home, whole=True)[0].read_text("utf-8")
    line = next(line for line in service.splitlines() if line.startswith("ExecStart="))
    assert f'"{sys.executable}" "-m" "client.cli"' in line
    written = line.partition('"--home" ')[2].removesuffix(' "tick"')
    unescaped = written[1:-1].replace("$$", "$").replace("%%", "%").replace('\\"', '"').replace("\\\\", "\\")
    assert unescaped == str(home)


def test_for_one_user_nothing_waits_for_targets_that_only_the_system_has(tmp_path: Path) -> None:
    units = {unit.name: unit.read_text() for unit in write_units(tmp_path, tmp_path / "home", whole=False)}
    assert "network-online" not in units["ibs-client.service"]
    assert "WantedBy=default.target" in units["ibs-client.path"]


def offline(root: Path) -> Any:
    """systemctl on a tree of its own, where it can do all but start things; a machine without it enables nothing."""

    def ask(command: Sequence[str]) -> tuple[int, str]:
        words = [word for word in command[1:] if word != "--now"]
        if words[0] in {"daemon-reload", "restart"}:
            return 0, ""
        if words[0] == "is-active":
            return 0, "active"
        if shutil.which("systemctl"):
            return run(["systemctl", f"--root={root}", *words])
        return 0, "enabled" if (root / "etc/systemd/system/ibs-client.timer").exists() else "disabled"

    return ask


def test_units_are_installed_verified_and_removed_without_a_trace(tmp_path: Path) -> None:
    folder = tmp_path / "etc/systemd/system"
    units = render_units(tick_command(tmp_path / "home"), tmp_path / "home/requests/back-up", whole=True)
    scheduler = Systemd(units, whole=True, folder=folder, run=offline(tmp_path), booted=tmp_path)
    assert not scheduler.verify().right
    scheduler.install()
    scheduler.install()
    assert scheduler.verify().right, scheduler.verify().words
    if shutil.which("systemctl"):
        assert (folder / "timers.target.wants/ibs-client.timer").is_symlink()
    (folder / "ibs-client.timer").write_text("[Timer]\n")
    assert "differs" in scheduler.verify().words
    scheduler.install()
    scheduler.remove()
    scheduler.remove()
    assert list(tmp_path.rglob("*ibs-client*")) == []
    assert "missing" in scheduler.verify().words


def test_a_system_without_systemd_is_told_of_in_its_own_words(tmp_path: Path) -> None:
    units = {"ibs-client.service": "[Unit]\n"}
    nowhere = Systemd(units, whole=True, folder=tmp_path / "units", booted=tmp_path / "nothing")
    with pytest.raises(SchedulerTrouble, match="not started by systemd"):
        nowhere.install()
    assert not (tmp_path / "units").exists()
    broken = Systemd(units, whole=True, folder=tmp_path / "units", booted=tmp_path,
                     run=lambda command: run(["/nonexistent/systemctl", *command[1:]]))
    with pytest.raises(SchedulerTrouble, match="No such file"):
        broken.install()
    assert not broken.verify().right


def test_a_store_of_ones_own_is_registered_for_oneself_whatever_the_rights(tmp_path: Path) -> None:
    assert not is_whole(tmp_path)
    assert is_whole(default_home()) is is_privileged()


# --- Task Scheduler ----------------------------------------------------------------------------------------------


def task_of(document: bytes) -> dict[str, str]:
    """Every value of a task by its way from the root."""
    found: dict[str, str] = {}

    def walk(element: ElementTree.Element, way: str) -> None:
        for child in element:
            here = f"{way}/{child.tag.rpartition('}')[2]}".strip("/")
            if not len(child):
                found[here] = child.text or ""
            walk(child, here)

    walk(ElementTree.fromstring(document), "")
    return found


def test_the_task_is_utf_16_with_its_mark_and_says_so() -> None:
    document = render_task(COMMAND, FOLDER, BEGINS)
    assert document[:2] == b"\xff\xfe"
    assert document.decode("utf-16").startswith('<?xml version="1.0" encoding="UTF-16"?>\r\n<Task ')


def test_the_task_of_the_whole_computer_has_none_of_the_settings_that_lose_backups() -> None:
    task = task_of(render_task(COMMAND, FOLDER, BEGINS))
    assert task["Principals/Principal/UserId"] == "S-1-5-18"
    assert task["Principals/Principal/RunLevel"] == "HighestAvailable"
    wanted = {
        "DisallowStartIfOnBatteries": "false", "StopIfGoingOnBatteries": "false", "StartWhenAvailable": "true",
        "Priority": "7", "MultipleInstancesPolicy": "IgnoreNew", "ExecutionTimeLimit": "PT0S",
        "RunOnlyIfNetworkAvailable": "true",
    }
    assert {name: task[f"Settings/{name}"] for name in wanted} == wanted
    assert task["Settings/RestartOnFailure/Interval"] == "PT15M"
    assert task["Triggers/TimeTrigger/Repetition/Interval"] == "PT5M"
    assert task["Triggers/TimeTrigger/StartBoundary"] == "2026-11-23T09:00:00"
    assert task["Triggers/TimeTrigger/RandomDelay"] == "PT30S"
    assert "Triggers/BootTrigger/Delay" in task
    assert task["Actions/Exec/Command"] == COMMAND[0]
    assert task["Actions/Exec/WorkingDirectory"] == FOLDER
    assert task["Actions/Exec/Arguments"] == r"-m client.cli --home C:\ProgramData\IBS tick"


def test_the_children_of_each_trigger_stand_in_the_order_that_the_schema_asks_for() -> None:
    root = ElementTree.fromstring(render_task(COMMAND, FOLDER, BEGINS, user="PC\\Zoë"))
    names = {trigger.tag.rpartition("}")[2]: [child.tag.rpartition("}")[2] for child in trigger]
             for trigger in root[1]}
    assert names == {
        "LogonTrigger": ["Enabled", "UserId", "Delay"],
        "TimeTrigger": ["Enabled", "StartBoundary", "Repetition", "RandomDelay"],
    }


def test_the_task_of_one_user_needs_no_administrator() -> None:
    task = task_of(render_task(COMMAND, FOLDER, BEGINS, user="PC\\Zoë"))
    assert task["Principals/Principal/UserId"] == "PC\\Zoë"
    assert task["Principals/Principal/LogonType"] == "InteractiveToken"
    assert task["Principals/Principal/RunLevel"] == "LeastPrivilege"
    assert task["Triggers/LogonTrigger/UserId"] == "PC\\Zoë"


def test_a_path_with_spaces_and_quotes_reaches_the_program_as_one_word() -> None:
    words = ["C:\\a b\\python.exe", "--home", 'C:\\Zoë & Söhne\\"x" y\\', "tick"]
    arguments = task_of(render_task(words, FOLDER, BEGINS))["Actions/Exec/Arguments"]
    assert arguments == subprocess.list2cmdline(words[1:])
    assert arguments == '--home "C:\\Zoë & Söhne\\\\\\"x\\" y\\\\" tick'


class RecordedScheduler:
    """What schtasks does with one task, in the words and with the exit codes of Windows 11."""

    def __init__(self, *, page: str = "cp850", refuses: bool = False) -> None:
        self.task: str | None = None
        self.commands: list[list[str]] = []
        self._page, self._refuses = page, refuses

    def run(self, command: Sequence[str], timeout: float) -> Ran:
        """schtasks /Create, /Query, /Delete."""
        assert 0 < timeout <= 120
        self.commands.append(list(command))
        words = list(command[1:])
        if words[0] == "/Create":
            if self._refuses:
                return Ran(1, b"", b"ERROR: Access is denied.\r\n")
            self.task = Path(words[words.index("/XML") + 1]).read_bytes().decode("utf-16")
            return Ran(0, b'SUCCESS: The scheduled task "\\IBS\\Backup" has successfully been created.\r\n')
        if self.task is None:
            return Ran(1, b"", b"ERROR: The system cannot find the file specified.\r\n")
        if words[0] == "/Query":
            return Ran(0, self.task.encode(self._page, "replace"))
        self.task = None
        return Ran(0, b"SUCCESS\r\n")


@pytest.mark.parametrize("whole", [True, False])
def test_a_task_is_registered_verified_and_removed(whole: bool, tmp_path: Path) -> None:
    calls = RecordedScheduler()
    task = render_task([*COMMAND[:4], "C:\\Büro\\Store", "tick"], FOLDER, BEGINS, user="" if whole else "PC\\Zoë")
    scheduler = TaskScheduler(task, whole=whole, calls=calls)  # type: ignore[arg-type]
    assert "missing" in scheduler.verify().words
    scheduler.install()
    assert scheduler.verify().right, scheduler.verify().words
    created = calls.commands[1]
    assert created[0].lower().endswith("system32\\schtasks.exe")
    assert created[1:4] == ["/Create", "/TN", "\\IBS\\Backup"]
    assert ("/RU" in created) is whole
    assert "/F" in created
    assert not Path(created[created.index("/XML") + 1]).exists()
    scheduler.remove()
    scheduler.remove()
    assert calls.task is None


def test_a_task_that_somebody_changed_is_found_out() -> None:
    calls = RecordedScheduler()
    scheduler = TaskScheduler(render_task(COMMAND, FOLDER, BEGINS), whole=True, calls=calls)  # type: ignore[arg-type]
    scheduler.install()
    assert calls.task is not None
    calls.task = calls.task.replace(
        "<StopIfGoingOnBatteries>false", "<StopIfGoingOnBatteries>true")
    found = scheduler.verify()
    assert not found.right
    assert "StopIfGoingOnBatteries" in found.words
    calls.task = "ERROR"
    assert "can't be read" in scheduler.verify().words


def test_a_refusal_of_the_scheduler_is_told_in_its_own_words() -> None:
    calls = RecordedScheduler(refuses=True)
    scheduler = TaskScheduler(render_task(COMMAND, FOLDER, BEGINS), whole=True, calls=calls)  # type: ignore[arg-type]
    with pytest.raises(SchedulerTrouble, match="Access is denied"):
        scheduler.install()


def test_the_name_of_the_task_lies_in_a_folder_of_our_own() -> None:
    assert tasks.NAME == "\\IBS\\Backup"
