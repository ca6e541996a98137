"""Where the window stood when it was closed, so that it opens there again; small, and never in the way of opening."""
from __future__ import annotations

import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from xml.etree.ElementTree import Element

from client.gui.theme import MINIMUM
from client.store import documents
from vault.errors import BackupError

DOCUMENT = "window.xml"
USUAL = (960, 640)
NUMBER = re.compile(r"-?\d{1,5}")


@dataclass(frozen=True)
class Placement:
    """Size and corner in logical pixels; a corner of None lets the system choose."""

    width: int = USUAL[0]
    height: int = USUAL[1]
    left: int | None = None
    top: int | None = None
    largest: bool = False

    def within(self, width: int, height: int) -> Placement:
        """This one, or one that can be seen whole on a screen of that size."""
        wide = min(max(self.width, MINIMUM[0]), max(width, MINIMUM[0]))
        high = min(max(self.height, MINIMUM[1]), max(height, MINIMUM[1]))
        if self.left is None or self.top is None:
            return Placement(wide, high, None, None, self.largest)
        left, top = min(max(self.left, 0), max(width - wide, 0)), min(max(self.top, 0), max(height - high, 0))
        return Placement(wide, high, left, top, self.largest)


def personal_folder(home: Path) -> Path:
    """The folder for what belongs to the reader, not to the computer: the store where it may be written."""
    if os.access(home, os.W_OK):
        return home
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData/Local")
    else:
        base = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local/state")
    folder = base / "ibs-window"
    folder.mkdir(parents=True, mode=0o700, exist_ok=True)
    return folder


def load_placement(folder: Path) -> Placement:
    """What was kept; the usual place when there is nothing, or nothing usable."""
    try:
        root = documents.read(folder / DOCUMENT, "window", _ignore)
    except BackupError:
        return Placement()
    if root is None:
        return Placement()
    width, height, left, top = (_number(root, name) for name in ("width", "height", "left", "top"))
    return Placement(width or USUAL[0], height or USUAL[1], left, top, root.get("largest") == "true")


def save_placement(folder: Path, placement: Placement) -> None:
    """Keep it for the next time; a disk that is full keeps nothing, and that is no trouble."""
    root = Element("window", {"width": str(placement.width), "height": str(placement.height),
                              "largest": "true" if placement.largest else "false"})
    if placement.left is not None and placement.top is not None:
        root.set("left", str(placement.left))
        root.set("top", str(placement.top))
    try:
        documents.write(folder / DOCUMENT, root, keep=False)
    except BackupError:
        return


def _number(root: Element, name: str) -> int | None:
    text = root.get(name, "")
    return int(text) if NUMBER.fullmatch(text) else None


def _ignore(_: str) -> None:
    """A damaged placement is nobody's trouble."""
