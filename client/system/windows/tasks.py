"""Task Scheduler: the task as XML, and the calls of schtasks that register, look at and remove it."""
from __future__ import annotations

import contextlib
import os
import re
import subprocess
import tempfile
from collections.abc import Sequence
from datetime import datetime
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from client.system.registered import Registered, SchedulerTrouble
from client.system.windows.calls import Calls, native
from client.system.windows.powershell import program

NAMESPACE = "http://schemas.microsoft.com/windows/2004/02/mit/task"
NAME = "\\IBS\\Backup"
SYSTEM_SID = "S-1-5-18"
INTERVAL = "PT5M"
TIMEOUT = 60.0
SETTINGS = {
    "MultipleInstancesPolicy": "IgnoreNew",
    "DisallowStartIfOnBatteries": "false",
    "StopIfGoingOnBatteries": "false",
    "AllowHardTerminate": "true",
    "StartWhenAvailable": "true",
    "RunOnlyIfNetworkAvailable": "true",
    "AllowStartOnDemand": "true",
    "Enabled": "true",
    "Hidden": "false",
    "RunOnlyIfIdle": "false",
    "WakeToRun": "false",
    "ExecutionTimeLimit": "PT0S",
    "Priority": "7",
}
"""Battery and metered lines are the schedule's to judge. A run may last: every wait inside it has an end. Nothing wakes
the computer, as the task looks at the clock every few minutes and would keep it awake."""


def render_task(command: Sequence[str], folder: str, begins: datetime, *, user: str = "") -> bytes:
    """The task as schtasks takes it: UTF-16 with its mark. `command` looks at the clock, in `folder`.

    For the whole computer it runs as SYSTEM, else as `user` while that one is signed in. `begins` is a wall time.
    """
    root = Element("Task", {"version": "1.2", "xmlns": NAMESPACE})
    _fill(SubElement(root, "RegistrationInfo"), {
        "Author": "Integrated Backup Solution",
        "Description": "Looks every five minutes whether a backup is due, and makes it.",
        "URI": NAME,
    })
    _add_triggers(SubElement(root, "Triggers"), begins, user)
    principal = SubElement(SubElement(root, "Principals"), "Principal", id="Author")
    _fill(principal, {"UserId": user or SYSTEM_SID})
    if user:
        _fill(principal, {"LogonType": "InteractiveToken"})
    _fill(principal, {"RunLevel": "LeastPrivilege" if user else "HighestAvailable"})
    settings = SubElement(root, "Settings")
    _fill(settings, SETTINGS)
    _fill(SubElement(settings, "RestartOnFailure"), {"Interval": "PT15M", "Count": "3"})
    execute = SubElement(SubElement(root, "Actions", Context="Author"), "Exec")
    _fill(execute, {
        "Command": command[0], "Arguments": subprocess.list2cmdline(command[1:]), "WorkingDirectory": folder,
    })
    ElementTree.indent(root)
    text = ElementTree.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-16"?>\r\n{text}\r\n'.encode("utf-16")


def _add_triggers(triggers: Element, begins: datetime, user: str) -> None:
    """Every few minutes for ever, and soon after each start of the system or sign-in."""
    starting = SubElement(triggers, "LogonTrigger" if user else "BootTrigger")
    _fill(starting, {"Enabled": "true"} | ({"UserId": user} if user else {}) | {"Delay": "PT2M"})
    clock = SubElement(triggers, "TimeTrigger")
    _fill(clock, {"Enabled": "true", "StartBoundary": begins.replace(tzinfo=None).isoformat(timespec="seconds")})
    _fill(SubElement(clock, "Repetition"), {"Interval": INTERVAL, "StopAtDurationEnd": "false"})
    _fill(clock, {"RandomDelay": "PT30S"})


def _fill(parent: Element, values: dict[str, str]) -> None:
    for name, value in values.items():
        SubElement(parent, name).text = value


class TaskScheduler:
    """The registration with the Task Scheduler."""

    def __init__(self, task: bytes, *, whole: bool, calls: Calls | None = None) -> None:
        """`task` is that of render_task; `calls` is Windows itself unless a test gives another."""
        self._task, self._whole = task, whole
        self._calls = calls or native()

    def install(self) -> None:
        """Register the task, in the place of an older one; raises SchedulerTrouble."""
        handle, path = tempfile.mkstemp(suffix=".xml", prefix="ibs-task-")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(self._task)
            self._must("/Create", "/TN", NAME, "/XML", path, *(("/RU", "SYSTEM") if self._whole else ()), "/F")
        finally:
            with contextlib.suppress(OSError):
                os.unlink(path)

    def remove(self) -> None:
        """Take the task away; one that is not there is no failure."""
        if self._ask("/Query", "/TN", NAME)[0] == 0:
            self._must("/Delete", "/TN", NAME, "/F")

    def verify(self) -> Registered:
        """Whether the task is registered with the command and the settings that it should have."""
        code, said = self._ask("/Query", "/TN", NAME, "/XML")
        if code:
            return Registered(False, f"the task {NAME} is missing")
        there, wanted = _essence(said), _essence(self._task)
        if there is None or wanted is None:
            return Registered(False, f"the task {NAME} can't be read")
        for place, value in wanted.items():
            if there.get(place) != value:
                return Registered(False, f"the task {NAME} differs in {place}: {there.get(place) or 'nothing'}")
        return Registered(True, f"the task {NAME} is registered")

    def _ask(self, *words: str) -> tuple[int, bytes]:
        try:
            ran = self._calls.run([program("schtasks.exe"), *words], TIMEOUT)
        except OSError as error:
            raise SchedulerTrouble(error.strerror or str(error)) from error
        return ran.code, ran.output or ran.complaint

    def _must(self, *words: str) -> None:
        code, said = self._ask(*words)
        if code:
            lines = said.decode("utf-8", "replace").strip().splitlines()
            raise SchedulerTrouble(lines[0] if lines else f"schtasks ended with {code}")


def _essence(document: bytes) -> dict[str, str] | None:
    """Command, arguments and settings of a task; None when it can't be read.

    schtasks writes in the code page of the console, whatever it says, so letters outside ASCII count as equal.
    """
    if document[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        text = document.decode("utf-16", "replace")
    else:
        text = document.decode("latin-1")
    text = re.sub("[^\x00-\x7f?]+|[?]+", "?", text.partition("<Task")[2])
    try:
        root = ElementTree.fromstring(f"<Task{text}")
    except ElementTree.ParseError:
        return None
    found: dict[str, str] = {}
    for parent in root.iter():
        for child in parent:
            name = child.tag.rpartition("}")[2]
            if name in {"Command", "Arguments", "WorkingDirectory", "Interval", *SETTINGS}:
                found[f"{parent.tag.rpartition('}')[2]}/{name}"] = (child.text or "").strip()
    return found
