"""Starting the client's own commands as processes: without a console window, and apart from the window that asks."""
from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from pathlib import Path

_NO_WINDOW, _OWN_GROUP = 0x08000000, 0x00000200


def spawn(
    command: list[str], *, stdin: int = subprocess.DEVNULL, stderr: int = subprocess.DEVNULL, apart: bool = False
) -> subprocess.Popen[bytes]:
    """Start `command`; its standard output is a pipe. `apart`: it lives on when its starter or the terminal goes."""
    if sys.platform == "win32":
        flags = _NO_WINDOW | (_OWN_GROUP if apart else 0)
        return subprocess.Popen(command, stdin=stdin, stdout=subprocess.PIPE, stderr=stderr, creationflags=flags)
    return subprocess.Popen(command, stdin=stdin, stdout=subprocess.PIPE, stderr=stderr, start_new_session=apart)


def open_folder(folder: Path) -> None:
    """Show a folder in the system's own file manager; nothing happens where there is none."""
    if sys.platform == "win32":
        os.startfile(folder)
        return
    with contextlib.suppress(OSError):
        subprocess.Popen(["xdg-open", str(folder)], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                         stderr=subprocess.DEVNULL, start_new_session=True)
