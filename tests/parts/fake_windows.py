"""A Windows made of a folder and a few dictionaries: what client.system.windows.calls.Calls promises, for tests.

It stands in the one place where the client calls Windows, so that everything above that place is the real thing.
Literals in scripts for PowerShell are read as PowerShell reads them.
"""
from __future__ import annotations

import json
import os
import re
import subprocess
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

from client.system.windows.calls import Ran

LITERAL = "'((?:[^'\u2018\u2019]|''|\u2018\u2018|\u2019\u2019)*)'"


def windows_error(number: int, text: str, path: str = "") -> OSError:
    """An OSError as Windows raises it."""
    kinds = {2: FileNotFoundError, 3: FileNotFoundError, 5: PermissionError, 32: PermissionError, 33: PermissionError}
    error = kinds.get(number, OSError)(22, text, path)
    error.winerror = number  # type: ignore[attr-defined]
    return error


@dataclass
class FakeWindows:
    """`files` is what lies on its drives: C:\\data is files/C/data. See the fields for what can be set and seen."""

    files: Path
    administrator: bool = True
    privileges: set[str] = field(default_factory=lambda: {"SeBackupPrivilege"})
    drives: dict[str, int] = field(default_factory=lambda: {"C:\\": 3})
    failures: dict[str, OSError] = field(default_factory=dict)
    copies: dict[str, str] = field(default_factory=dict)
    """Shadow copies: identifier → volume. Those of others are put here by tests."""
    creations: list[dict[str, Any]] = field(default_factory=list)
    """What the next creations answer instead of a copy; {"device": ""} makes one whose device is not told."""
    answers: dict[str, str | OSError] = field(default_factory=dict)
    """Words of another script or program → what it writes."""
    line: int = 1
    awake: float = 0.0
    dpi: int = 96
    contrast: bool = False
    registry: dict[str, str] = field(default_factory=dict)
    opened: list[tuple[str, int, int, int]] = field(default_factory=list)
    attributes: dict[str, int] = field(default_factory=dict)
    commands: list[list[str]] = field(default_factory=list)
    states: list[tuple[int, int]] = field(default_factory=list)
    """(thread, state) of each request to stay awake."""

    def place(self, path: str) -> Path:
        """Where a path of this Windows lies in truth."""
        device = re.fullmatch(r"\\\\\?\\GLOBALROOT\\Device\\HarddiskVolumeShadowCopy\d+\\(.*)", path)
        plain = "C:\\" + device[1] if device else path.removeprefix("\\\\?\\")
        drive, _, rest = plain.partition(":\\")
        return self.files.joinpath(drive, *filter(None, rest.split("\\")))

    def open_file(self, path: str, access: int, share: int, flags: int) -> int:
        self.opened.append((path, access, share, flags))
        if path in self.failures:
            raise self.failures[path]
        return os.open(self.place(path), os.O_RDONLY)

    def set_attributes(self, path: str, attributes: int) -> None:
        self.attributes[path] = attributes

    def volume_of(self, path: str) -> str:
        found = [root for root in self.drives if (path + "\\").lower().startswith(root.lower())]
        if not found:
            raise windows_error(3, "The system cannot find the path specified")
        return max(found, key=len)

    def drive_kind(self, root: str) -> int:
        return self.drives[root]

    def is_administrator(self) -> bool:
        return self.administrator

    def enable_privilege(self, name: str) -> bool:
        return name in self.privileges

    def protect(self, data: bytes, entropy: bytes, flags: int) -> bytes:
        return b"DPAPI %d " % (flags & 4) + entropy[::-1] + bytes(byte ^ 0x5A for byte in data)

    def unprotect(self, data: bytes, entropy: bytes, flags: int) -> bytes:
        head = b"DPAPI 4 " + entropy[::-1]
        if not data.startswith(head):
            raise windows_error(-2146893813, "Key not valid for use in specified state.")
        return bytes(byte ^ 0x5A for byte in data[len(head):])

    def set_execution_state(self, state: int) -> None:
        self.states.append((threading.get_ident(), state))

    def power_line(self) -> int:
        return self.line

    def awake_seconds(self) -> float:
        return self.awake

    def high_contrast(self) -> bool:
        return self.contrast

    def make_dpi_aware(self) -> None:
        if self.dpi == 0:
            raise OSError("the system answered 0x80070005")

    def dots_per_inch(self) -> int:
        return self.dpi

    def registry_value(self, place: str, name: str) -> str:
        try:
            return self.registry[f"{place}\\{name}"]
        except KeyError:
            raise windows_error(2, "The system cannot find the file specified") from None

    def run(self, command: Sequence[str], timeout: float) -> Ran:
        self.commands.append(list(command))
        words = " ".join(command)
        if "-Command" in command:
            words = command[-1]
            if "-MethodName Create" in words:
                return self._create(words)
            if "Remove-CimInstance" in words:
                return self._delete(words)
        for part, answer in self.answers.items():
            if part in words:
                if isinstance(answer, OSError):
                    raise answer
                return Ran(0, answer.encode())
        return Ran(1, b"", b"ERROR: The system cannot find the file specified.\r\n")

    def start(self, command: Sequence[str]) -> subprocess.Popen[bytes]:
        self.commands.append(list(command))
        return subprocess.Popen(list(command), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)

    def _create(self, script: str) -> Ran:
        answer = {"code": 0, "id": "", "device": "", "error": "", "result": 0}
        wanted = self.creations.pop(0) if self.creations else {}
        if wanted.get("hang"):
            self._make(script)
            raise TimeoutError("powershell.exe took longer than 180 s")
        if wanted.get("code", 0) == 0 and not wanted.get("error"):
            number, answer["id"] = self._make(script)
            answer["device"] = f"\\\\?\\GLOBALROOT\\Device\\HarddiskVolumeShadowCopy{number}"
        return Ran(0, (json.dumps(answer | wanted) + "\r\n").encode())

    def _make(self, script: str) -> tuple[int, str]:
        """A copy, and its record as the script writes it."""
        identifier = "{" + str(uuid4()).upper() + "}"
        volume = _literal(re.search(f"Volume = {LITERAL}", script))
        found = re.search(
            rf"WriteAllText\({LITERAL}, \({LITERAL} \+ \$made\.ShadowID \+ {LITERAL}\)\)", script)
        record, before, after = (_literal(found, part) for part in (1, 2, 3))
        self.copies[identifier] = volume
        Path(record).write_text(before + identifier + after, "utf-8")
        return len(self.copies), identifier

    def _delete(self, script: str) -> Ran:
        found = re.search(r"ID='(\{[0-9A-F-]+\})'", script)
        identifier = found[1] if found else ""
        if "undeletable" not in self.answers:
            self.copies.pop(identifier, None)
        return Ran(0, json.dumps({"left": int(identifier in self.copies)}).encode())


def _literal(found: re.Match[str] | None, part: int = 1) -> str:
    """The text of a literal: PowerShell takes typographic quotes for plain ones, and two of any for one."""
    assert found is not None
    return re.sub("['\u2018\u2019]{2}", lambda pair: pair[0][1], found[part])
