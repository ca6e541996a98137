"""Whether this computer runs on battery, and whether its line to the world is paid by volume."""
from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

TIMEOUT = 5.0
METERED = {"1", "3"}
"""NetworkManager's yes and guess-yes; 2 and 4 are no and guess-no, 0 is unknown."""
ASK_NETWORK_MANAGER = (
    "busctl", "--system", "--timeout=3", "get-property", "org.freedesktop.NetworkManager",
    "/org/freedesktop/NetworkManager", "org.freedesktop.NetworkManager", "Metered",
)
ASK_BY_NMCLI = ("nmcli", "--terse", "--get-values", "GENERAL.METERED", "device", "show")

Run = Callable[[Sequence[str]], str]


def on_battery(root: Path = Path("/")) -> bool:
    """True when there is a battery in use and no supply from outside; `root` is where /sys is found on Linux."""
    if sys.platform == "win32":
        from client.system.windows.circumstances import on_battery as ask_windows

        return ask_windows()
    supplies = root / "sys/class/power_supply"
    discharging = False
    try:
        devices = sorted(supplies.iterdir())
    except OSError:
        return False
    for device in devices:
        kind = _text(device / "type")
        if kind in {"Mains", "USB"} and _text(device / "online") == "1":
            return False
        of_a_mouse = _text(device / "scope") == "Device"
        discharging |= kind == "Battery" and not of_a_mouse and _text(device / "status") == "Discharging"
    return discharging


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""


def on_metered_line() -> bool:
    """True when the system says that the line in use is paid by volume; one that is not known counts as not metered."""
    if sys.platform == "win32":
        from client.system.windows.circumstances import on_metered_line as ask_windows

        return ask_windows()
    return is_metered(_run)


def is_metered(run: Run) -> bool:
    """As NetworkManager tells: over D-Bus, or by its own command where busctl is missing."""
    answer = run(ASK_NETWORK_MANAGER).split()
    if answer[:1] == ["u"] and len(answer) == 2:
        return answer[1] in METERED
    lines = run(ASK_BY_NMCLI).split()
    return any(line == "yes" for line in lines)


def _run(command: Sequence[str]) -> str:
    """What a command says; nothing when it is missing, fails or takes too long."""
    try:
        done = subprocess.run(
            list(command), stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=TIMEOUT, check=False,
        )
    except (OSError, subprocess.TimeoutExpired, UnicodeDecodeError):
        return ""
    return done.stdout if done.returncode == 0 else ""
