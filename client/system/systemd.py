"""systemd: the timer that looks at the clock every few minutes, and the unit that takes requests at once."""
from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

from client.system.registered import Registered, SchedulerTrouble

UNIT = "ibs-client"
SYSTEM_FOLDER = Path("/etc/systemd/system")
BOOTED = Path("/run/systemd/system")
"""Is there where systemd started the system, as its own sd_booted asks."""
TIMEOUT = 60.0
SERVICE = """\
[Unit]
Description=Backup: look whether one is due, and make it
{after}
[Service]
Type=oneshot
ExecStart={command}
SuccessExitStatus=3 4 130
TimeoutStartSec=infinity
TimeoutStopSec=60
Nice=10
IOSchedulingClass=best-effort
IOSchedulingPriority=7
UMask=0077
NoNewPrivileges=yes
"""
NETWORK = """\
Wants=network-online.target
After=network-online.target
"""
TIMER = """\
[Unit]
Description=Backup: look at the clock every five minutes

[Timer]
OnActiveSec=1min
OnStartupSec=2min
OnUnitInactiveSec=5min
RandomizedDelaySec=30
AccuracySec=15

[Install]
WantedBy=timers.target
"""
PATH = """\
[Unit]
Description=Backup: begin when somebody asks for it

[Path]
PathExists={request}
MakeDirectory=no

[Install]
WantedBy={target}
"""
ENABLED = (f"{UNIT}.timer", f"{UNIT}.path")

Run = Callable[[Sequence[str]], tuple[int, str]]


def unit_folder(*, whole: bool) -> Path:
    """Where units lie: /etc for the whole computer, the user's own configuration else."""
    if whole:
        return SYSTEM_FOLDER
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "systemd" / "user"


def render_units(command: Sequence[str], request: Path, *, whole: bool) -> dict[str, str]:
    """The text of each unit by its file's name; `command` looks at the clock, `request` is the file that wishes it."""
    return {
        f"{UNIT}.service": SERVICE.format(
            after=NETWORK if whole else "", command=" ".join(map(quote, command)),
        ),
        f"{UNIT}.timer": TIMER,
        f"{UNIT}.path": PATH.format(
            request=str(request).replace("%", "%%"), target="multi-user.target" if whole else "default.target"),
    }


def quote(word: str) -> str:
    """A word of a command as a unit spells it: what would be a specifier or a variable stands for itself."""
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return f'"{escaped}"'


def run(command: Sequence[str]) -> tuple[int, str]:
    """Runs a command of the system to its end: its exit code and all it said."""
    try:
        done = subprocess.run(
            list(command), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            errors="replace", timeout=TIMEOUT, check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return 127, str(error)
    return done.returncode, done.stdout.strip()


class Systemd:
    """The registration with systemd, for the whole computer or for this user."""

    def __init__(
        self, units: dict[str, str], *, whole: bool, folder: Path | None = None, run: Run = run, booted: Path = BOOTED,
    ) -> None:
        """`units` are those of render_units; the others are the system's own unless a test gives others."""
        self._booted = booted
        self._units = units
        self._folder = folder or unit_folder(whole=whole)
        self._command = ["systemctl"] if whole else ["systemctl", "--user"]
        self._run = run

    def install(self) -> None:
        """Write the units and set them going; raises SchedulerTrouble, OSError where a unit can't be written."""
        if not self._booted.exists():
            raise SchedulerTrouble("this system was not started by systemd")
        self._folder.mkdir(parents=True, exist_ok=True)
        for name, text in self._units.items():
            temporary = self._folder / f".{name}.new"
            temporary.write_text(text, encoding="utf-8")
            temporary.chmod(0o644)
            os.replace(temporary, self._folder / name)
        self._must("daemon-reload")
        self._must("enable", *ENABLED)
        self._must("restart", *ENABLED)

    def remove(self) -> None:
        """Stop them and take them away; what is not there is no failure. A backup under way goes on."""
        if not any((self._folder / name).exists() for name in self._units):
            return
        self._run([*self._command, "disable", "--now", *ENABLED])
        for name in self._units:
            (self._folder / name).unlink(missing_ok=True)
        self._must("daemon-reload")

    def verify(self) -> Registered:
        """Whether the units are there as they should be, and systemd is at it."""
        for name, text in self._units.items():
            try:
                there = (self._folder / name).read_text("utf-8")
            except OSError:
                return Registered(False, f"{self._folder / name} is missing")
            if there != text:
                return Registered(False, f"{self._folder / name} differs from what this version would write")
        for question in ("is-enabled", "is-active"):
            code, said = self._run([*self._command, question, ENABLED[0]])
            if code:
                return Registered(False, f"{ENABLED[0]}: {said.splitlines()[0] if said else 'not ' + question[3:]}")
        return Registered(True, f"{self._folder / ENABLED[0]} is active")

    def _must(self, *words: str) -> None:
        code, said = self._run([*self._command, *words])
        if code:
            raise SchedulerTrouble(said.splitlines()[0] if said else f"systemctl {words[0]} ended with {code}")
