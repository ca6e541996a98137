r"""The Windows Task Scheduler, asked by schtasks: tasks are XML documents in the folder \IBS."""
from __future__ import annotations

import os
import tempfile
from pathlib import Path

from client.system.windows.calls import Calls, native
from client.system.windows.powershell import program

TIMEOUT = 60.0
FOLDER = "\\IBS\\"


class TaskRefused(OSError):
    """The scheduler said no; the text is its own."""


def create_task(name: str, document: str, *, as_system: bool = False, calls: Calls | None = None) -> None:
    r"""Register \IBS\`name` as `document` describes it, or replace it. Raises TaskRefused, or another OSError.

    The document is written as UTF-16 with a byte order mark, the only encoding that schtasks takes without doubt; its
    first line must not name another one. `as_system` runs the task as SYSTEM and needs an elevated process.
    """
    handle, place = tempfile.mkstemp(prefix="ibs-task-", suffix=".xml")
    try:
        with open(handle, "wb") as file:
            file.write(b"\xff\xfe" + document.encode("utf-16-le"))
        words = ["/Create", "/TN", FOLDER + name, "/XML", place, "/F"]
        _ask(words + (["/RU", "SYSTEM"] if as_system else []), calls)
    finally:
        Path(place).unlink(missing_ok=True)


def task_document(name: str, calls: Calls | None = None) -> str | None:
    r"""The XML of \IBS\`name` as the scheduler has it; None when there is no such task."""
    ran = (calls or native()).run([program("schtasks.exe"), "/Query", "/TN", FOLDER + name, "/XML"], TIMEOUT)
    return None if ran.code else _text(ran.output).strip()


def run_task(name: str, calls: Calls | None = None) -> None:
    r"""Start \IBS\`name` now. Raises TaskRefused."""
    _ask(["/Run", "/TN", FOLDER + name], calls)


def delete_task(name: str, calls: Calls | None = None) -> bool:
    r"""Remove \IBS\`name`; False when there was no such task. Raises TaskRefused."""
    if task_document(name, calls) is None:
        return False
    _ask(["/Delete", "/TN", FOLDER + name, "/F"], calls)
    return True


def _ask(words: list[str], calls: Calls | None) -> None:
    ran = (calls or native()).run([program("schtasks.exe"), *words], TIMEOUT)
    if ran.code:
        said = _text(ran.complaint or ran.output).strip()
        raise TaskRefused(None, said or f"schtasks ended with {ran.code}", words[2])


def _text(output: bytes) -> str:
    """What schtasks wrote: UTF-16 when its output goes to no console on some versions, else the console's letters."""
    if output[:2] == b"\xff\xfe" or output[1:2] == b"\0":
        return output.decode("utf-16", "replace").removeprefix("\ufeff")
    return output.decode("oem" if os.name == "nt" else "utf-8", "replace")
