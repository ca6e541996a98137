"""Starting the client's own commands as processes: without a console window, and apart from the window that asks."""
from __future__ import annotations

import subprocess
import sys

_NO_WINDOW, _OWN_GROUP = 0x08000000, 0x00000200


def spawn(
    command: list[str], *, stdin: int = subprocess.DEVNULL, stderr: int = subprocess.DEVNULL, apart: bool = False
) -> subprocess.Popen[bytes]:
    """Start `command`; its standard output is a pipe. `apart`: it lives on when its starter or the terminal goes."""
    if sys.platform == "win32":
        flags = _NO_WINDOW | (_OWN_GROUP if apart else 0)
        return subprocess.Popen(command, stdin=stdin, stdout=subprocess.PIPE, stderr=stderr, creationflags=flags)
    return subprocess.Popen(command, stdin=stdin, stdout=subprocess.PIPE, stderr=stderr, start_new_session=apart)
