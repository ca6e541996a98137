"""Registration with the system's scheduler, so that nothing of the client stays resident: install, verify, remove."""
from __future__ import annotations

import argparse
import os
import sys
from datetime import datetime
from pathlib import Path
from typing import Protocol

from client.console import say, say_json
from client.errors import SchedulerRefused
from client.jobs.requests import BACK_UP, FOLDER
from client.outcomes import DONE, FAILED
from client.system import default_home, share_store
from client.system.registered import Registered, SchedulerTrouble


class Scheduler(Protocol):
    """Task Scheduler or systemd."""

    def install(self) -> None:
        """Register, or register anew."""
        ...

    def remove(self) -> None:
        """Take it back."""
        ...

    def verify(self) -> Registered:
        """Is it as it should be?"""
        ...


def tick_command(home: Path) -> list[str]:
    """What the scheduler starts: this very program, with absolute paths; on Windows without a console."""
    python = Path(sys.executable)
    quiet = python.with_name("pythonw.exe")
    return [str(quiet if quiet.exists() else python), "-m", "client.cli", "--home", str(home), "tick"]


def scheduler_for(home: Path, *, whole: bool) -> Scheduler:
    """The system's scheduler, told of the store `home`; `whole` is for the whole computer, else for this user."""
    command = tick_command(home)
    if sys.platform == "win32":
        from client.system.windows.tasks import TaskScheduler, render_task

        begins = datetime.now().replace(minute=0, second=0, microsecond=0)
        user = "" if whole else f"{os.environ.get('USERDOMAIN', '.')}\\{os.environ.get('USERNAME', '')}"
        return TaskScheduler(render_task(command, str(Path(command[0]).parent), begins, user=user), whole=whole)
    from client.system.systemd import Systemd, render_units

    return Systemd(render_units(command, home / FOLDER / BACK_UP, whole=whole), whole=whole)


def is_privileged() -> bool:
    """True for root, an elevated administrator and SYSTEM: they register for the whole computer."""
    if sys.platform == "win32":
        from client.system.windows.calls import native

        return native().is_administrator()
    return os.geteuid() == 0


def is_whole(home: Path) -> bool:
    """Whether a registration is for the whole computer unless somebody says so: with the rights for it, and for the
    store that belongs to the system."""
    return home == default_home() and is_privileged()


def register(home: Path, *, whole: bool | None = None) -> Registered:
    """Register and look whether it took; raises SchedulerRefused. `whole` None: as is_whole finds."""
    whole = is_whole(home) if whole is None else whole
    scheduler = scheduler_for(home, whole=whole)
    try:
        if whole:
            share_store(home, home / FOLDER)
        scheduler.install()
        found = scheduler.verify()
    except (SchedulerTrouble, OSError) as error:
        raise SchedulerRefused(reason=_reason(error)) from error
    if not found.right:
        raise SchedulerRefused(reason=found.words)
    return found


def act(arguments: argparse.Namespace) -> int:
    """`ibs-client schedule install|remove|verify`; verify fails when the registration is not right."""
    home: Path = arguments.home
    whole = arguments.whole_computer or is_whole(home)
    if arguments.action == "install":
        found = register(home, whole=whole)
    else:
        scheduler = scheduler_for(home, whole=whole)
        try:
            if arguments.action == "remove":
                scheduler.remove()
            found = scheduler.verify()
        except (SchedulerTrouble, OSError) as error:
            raise SchedulerRefused(reason=_reason(error)) from error
    if arguments.json:
        say_json({"registered": found.right, "words": found.words})
    else:
        say(("Registered: " if found.right else "Not registered: ") + found.words + ".")
    return FAILED if arguments.action == "verify" and not found.right else DONE


def _reason(error: Exception) -> str:
    return error.strerror or str(error) if isinstance(error, OSError) else str(error)
