"""What the open window is called to do from outside, by a file in its reader's folder: come to the front, or close."""
from __future__ import annotations

from pathlib import Path

LOCK = "window.lock"
"""Held while a window is open."""
RAISE, CLOSE = "window.raise", "window.close"
"""Somebody opened a second window; the program is about to be replaced."""


def call(folder: Path, wish: str) -> None:
    """Ask the window whose folder this is."""
    (folder / wish).touch()


def is_called(folder: Path, wish: str) -> bool:
    """Whether somebody asked; the wish is thereby taken."""
    file = folder / wish
    if not file.exists():
        return False
    file.unlink(missing_ok=True)
    return True
