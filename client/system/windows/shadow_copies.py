"""Shadow copies: a volume as it stood at one moment, made by VSS through CIM, and surely removed again.

A copy that is left behind takes room until somebody removes it by hand. So PowerShell itself, right after it made one,
leaves a document with its identifier in the client's store; the document goes when the copy is gone, and whatever an
interrupted run left is removed by the next one. Copies of others are never touched.
"""
from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple
from xml.etree.ElementTree import Element, tostring

from client.system.windows.calls import Calls, native
from client.system.windows.paths import extend
from client.system.windows.powershell import ask_powershell, quoted

RECORD = "shadow-copy-{number}.xml"
RECORDS = "shadow-copy-*.xml"
IDENTIFIER = re.compile(r"\{[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}\}")
DEVICE = re.compile(r"\\\\\?\\GLOBALROOT\\Device\\HarddiskVolumeShadowCopy\d+", re.IGNORECASE)
MADE = 0
FULL, FULL_ERROR = 6, 0x8004231F
BUSY, BUSY_ERROR = 9, 0x80042316
REASONS = {
    1: "access was denied", 3: "the volume was not found", 4: "this kind of volume does not support it",
    FULL: "there is no room for it", 7: "the volume is in use", 8: "the volume has as many as it may have",
    BUSY: "another program is making one", 10: "the provider refused", 11: "no provider is registered",
    12: "the provider failed",
}
ATTEMPTS, PAUSE = 6, 10
"""Tries while another program makes a copy, and the seconds between them."""
CREATE_TIMEOUT, DELETE_TIMEOUT = 180.0, 60.0
FIXED = 3

CREATE = """\
$answer = @{{code = -1; id = ''; device = ''; error = ''; result = 0}}
try {{
  $made = Invoke-CimMethod -ClassName Win32_ShadowCopy -MethodName Create `
    -Arguments @{{Volume = {volume}; Context = 'ClientAccessible'}}
  $answer.code = [int64]$made.ReturnValue
  if ($made.ReturnValue -eq 0) {{
    $answer.id = [string]$made.ShadowID
    [IO.File]::WriteAllText({record}, ({before} + $made.ShadowID + {after}))
    $copy = Get-CimInstance -ClassName Win32_ShadowCopy -Filter ("ID='" + $made.ShadowID + "'")
    $answer.device = [string]$copy.DeviceObject
  }}
}} catch {{
  $answer.error = [string]$_.Exception.Message
  $answer.result = [int64]$_.Exception.HResult
}}
ConvertTo-Json -Compress $answer
"""
DELETE = """\
$filter = "ID='{id}'"
try {{ Get-CimInstance -ClassName Win32_ShadowCopy -Filter $filter | Remove-CimInstance }} catch {{ }}
ConvertTo-Json -Compress @{{left = @(Get-CimInstance -ClassName Win32_ShadowCopy -Filter $filter).Count}}
"""


class ShadowCopy(NamedTuple):
    """One copy of ours: the volume's root with its backslash, and the device that shows it as it was."""

    id: str
    volume: str
    device: str
    record: Path


class Refused(Exception):
    """No copy was made; the text says why. `final` when no volume of this run should be tried again."""

    def __init__(self, reason: str, *, final: bool = False, busy: bool = False) -> None:
        super().__init__(reason)
        self.final, self.busy = final, busy


class ShadowCopies:
    """The copies of one run. `protect` makes them, one after the other; `close` removes them."""

    def __init__(self, home: Path, calls: Calls | None = None, sleep: Callable[[float], None] = time.sleep) -> None:
        """`home` is the client's store, where the copies' identifiers are kept."""
        self._home, self._calls, self._sleep = home, calls or native(), sleep
        self._copies: list[ShadowCopy] = []
        self._exhausted = ""
        self.problems: dict[str, str] = {}
        """Volume or folder → why its files are read as they lie on the disk."""

    def protect(self, folders: Iterable[str], go_on: Callable[[], None] = lambda: None) -> None:
        """Makes a copy of each volume that holds one of `folders`. What fails is read live; nothing is raised but by
        `go_on`, which is called after each step and each second of waiting."""
        try:
            if not self._calls.is_administrator():
                self.problems = {"": "only an administrator's account may make shadow copies"}
                return
        except OSError as error:
            self.problems = {"": str(error)}
            return
        remove_leftovers(self._home, self._calls)
        for volume in self._volumes(folders):
            go_on()
            try:
                if self._exhausted:
                    raise Refused(self._exhausted)
                self._copies.append(self._make(volume, go_on))
            except Refused as refusal:
                self.problems[volume] = str(refusal)
                if refusal.final:
                    self._exhausted = str(refusal)
        go_on()

    def _volumes(self, folders: Iterable[str]) -> list[str]:
        found: dict[str, None] = {}
        for folder in folders:
            try:
                volume = self._calls.volume_of(folder)
                if self._calls.drive_kind(volume) == FIXED:
                    found[volume] = None
                else:
                    self.problems[volume] = "it is not a fixed disk of this computer"
            except OSError as error:
                self.problems[folder] = error.strerror or str(error)
        return list(found)

    def _make(self, volume: str, go_on: Callable[[], None]) -> ShadowCopy:
        for remaining in reversed(range(ATTEMPTS)):
            try:
                return create(volume, self._home / RECORD.format(number=len(self._copies) + 1), self._calls)
            except Refused as refusal:
                if not refusal.busy or not remaining:
                    raise
                for _ in range(PAUSE):
                    self._sleep(1.0)
                    go_on()
        raise AssertionError("the last attempt returns or raises")

    def read_at(self, path: str) -> str:
        """Where to read the normalised `path`: in the copy of its volume, else where it lies. For folders above a
        volume's root and for volumes without a copy that is the path itself, as the system takes it at any length."""
        folded = path.lower() + "\\"
        best = max((copy for copy in self._copies if folded.startswith(copy.volume.lower())),
                   key=lambda copy: len(copy.volume), default=None)
        if best is None:
            return extend(path)
        # With the backslash it is the root folder of the copy, without it the device.
        return best.device + "\\" + path[len(best.volume):]

    @property
    def complete(self) -> bool:
        """Whether everything is read from copies."""
        return bool(self._copies) and not self.problems

    def close(self) -> None:
        """Removes the copies. What can't be removed now is removed when the next run starts."""
        while self._copies:
            copy = self._copies.pop()
            _remove(copy.id, copy.record, self._calls)


def create(volume: str, record: Path, calls: Calls) -> ShadowCopy:
    """Make a copy of `volume`, whose identifier PowerShell writes to `record` before anybody uses it. Raises Refused.

    A copy whose device is not told can't be read and is removed at once.
    """
    before, after = tostring(Element("shadow-copy", id="?", volume=volume), encoding="unicode").split("?", 1)
    script = CREATE.format(volume=quoted(volume), record=quoted(str(record)), before=quoted(before),
                           after=quoted(after))
    try:
        answer = ask_powershell(script, timeout=CREATE_TIMEOUT, calls=calls)
    except OSError as error:
        remove_leftovers(record.parent, calls, record.name)
        raise Refused(error.strerror or str(error)) from error
    identifier, device = str(answer.get("id") or ""), str(answer.get("device") or "")
    if answer.get("code") == MADE and DEVICE.fullmatch(device) and record.exists():
        return ShadowCopy(identifier, volume, device, record)
    if IDENTIFIER.fullmatch(identifier):
        _remove(identifier, record, calls)
    raise _refusal(answer)


def _refusal(answer: dict[str, Any]) -> Refused:
    code, result = answer.get("code", -1), int(answer.get("result") or 0) & 0xFFFFFFFF
    if code == FULL or result == FULL_ERROR:
        return Refused(REASONS[FULL], final=True)
    if code == BUSY or result == BUSY_ERROR:
        return Refused(REASONS[BUSY], busy=True)
    if code == MADE and answer.get("id"):
        return Refused(str(answer.get("error") or "") or "the system did not tell where it is")
    said = str(answer.get("error") or "") or REASONS.get(code, "") or f"the system answered {code}"
    return Refused(said.strip().rstrip("."))


def remove_leftovers(home: Path, calls: Calls, pattern: str = RECORDS) -> int:
    """Remove the copies of ours that an interrupted run left behind; how many are still there."""
    left = 0
    for record in sorted(home.glob(pattern)):
        text = ""
        with contextlib.suppress(OSError):
            text = record.read_text("utf-8", errors="replace")
        found = IDENTIFIER.search(text)
        if found is None:  # cut off while it was written: nothing can be learnt from it
            record.unlink(missing_ok=True)
        else:
            left += not _remove(found[0], record, calls)
    return left


def _remove(identifier: str, record: Path, calls: Calls) -> bool:
    """Whether the copy is gone, and with it its record."""
    try:
        answer = ask_powershell(DELETE.format(id=identifier), timeout=DELETE_TIMEOUT, calls=calls)
    except OSError:
        return False
    if answer.get("left") != 0:
        return False
    with contextlib.suppress(OSError):
        record.unlink(missing_ok=True)
    return True
