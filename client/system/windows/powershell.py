"""PowerShell, asked with a script and answering with one JSON object: the one way to CIM and to WinRT."""
from __future__ import annotations

import json
import os
from typing import Any

from client.system.windows.calls import Calls, native

TIMEOUT = 60.0
PREAMBLE = """\
$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue'
try { [Console]::OutputEncoding = New-Object Text.UTF8Encoding $false } catch { }
"""


def program(*steps: str) -> str:
    """The full path of a program of the system, so that none of that name in another folder is ever started."""
    root = os.environ.get("SystemRoot") or "C:\\Windows"  # noqa: SIM112 (as Windows spells it)
    return "\\".join((root, "System32", *steps))


def command_for(script: str) -> list[str]:
    """The words that run `script`, which stands among them in clear: whoever watches over the computer can read it in
    its logs, and no watchdog takes it for something that hides."""
    return [program("WindowsPowerShell", "v1.0", "powershell.exe"), "-NoLogo", "-NoProfile", "-NonInteractive",
            "-Command", PREAMBLE + script]


def quoted(text: str) -> str:
    """`text` as a literal in a script, whatever is in it. PowerShell takes typographic quotes for plain ones."""
    return "'" + "".join(sign * 2 if sign in "'\u2018\u2019\u201a\u201b" else sign for sign in text) + "'"


def ask_powershell(script: str, *, timeout: float = TIMEOUT, calls: Calls | None = None) -> dict[str, Any]:
    """What the script wrote as JSON; {} when that is none. Raises OSError, TimeoutError after `timeout` seconds."""
    return read_answer((calls or native()).run(command_for(script), timeout).output)


def read_answer(output: bytes) -> dict[str, Any]:
    """The last line of an output that is a JSON object; a module may have greeted before it."""
    for line in reversed(output.decode("utf-8-sig", "replace").splitlines()):
        if line.strip():
            try:
                answer = json.loads(line)
            except ValueError:
                return {}
            return answer if isinstance(answer, dict) else {}
    return {}


def records(value: object) -> list[dict[str, Any]]:
    """A list of objects in an answer; PowerShell may write a list of one as the one."""
    values = value if isinstance(value, list) else [value]
    return [record for record in values if isinstance(record, dict)]
