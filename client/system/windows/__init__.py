"""Windows, as the rest of the client asks it: see client.system, whose functions these are on Windows."""
from __future__ import annotations

import os
import subprocess
from pathlib import Path

from client.system.windows.calls import Calls, native
from client.system.windows.hardware import boot_id, machine_facts
from client.system.windows.paths import decode_name, encode_name, normalise, spell_as_on_disk
from client.system.windows.power import awake_seconds, stay_awake
from client.system.windows.secrets import protect_file, protect_secret, protect_token, reveal_secret, share_store

__all__ = [
    "WINDOWS_NAMES", "awake_seconds", "boot_id", "decode_name", "default_home", "encode_name", "hidden_child",
    "machine_facts", "normalise", "protect_file", "protect_secret", "protect_token", "proxy_settings",
    "reveal_secret", "share_store", "spell_as_on_disk", "stay_awake",
]

WINDOWS_NAMES = True


def default_home() -> Path:
    r"""%ProgramData%\IBS where the client is installed for the whole computer, so that the service and the window share
    it; else the user's own %LocalAppData%\IBS."""
    shared = Path(os.environ.get("ProgramData") or "C:\\ProgramData") / "IBS"  # noqa: SIM112 (as Windows spells it)
    own = os.environ.get("LOCALAPPDATA")
    return shared if own is None or shared.is_dir() or _is_administrator() else Path(own) / "IBS"


def _is_administrator(calls: Calls | None = None) -> bool:
    try:
        return (calls or native()).is_administrator()
    except OSError:
        return False


def proxy_settings() -> bool:
    """True: only the registry knows, and reading it is cheap."""
    return True


def hidden_child(command: list[str], calls: Calls | None = None) -> subprocess.Popen[bytes]:
    """Start `command` with a low priority and without a window; its standard output is a pipe."""
    return (calls or native()).start(command)
