"""What the desktop does for a person: show a folder."""
from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path


def open_folder(folder: Path) -> bool:
    """Open the file manager on `folder`; False where there is none that could be asked."""
    if sys.platform == "win32":
        try:
            os.startfile(folder)
        except OSError:
            return False
        return True
    program = shutil.which("xdg-open")
    if program is None or not os.environ.get("DISPLAY"):
        return False
    try:
        subprocess.Popen(
            [program, str(folder)], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError:
        return False
    return True
