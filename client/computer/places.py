"""Where folders can be chosen: the places that a person thinks of first, and what lies below a folder."""
from __future__ import annotations

import os
import string
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from client.system.kinds import FOLDER
from client.system.sources import classify

MOUNTS = ("/media", "/run/media", "/mnt", "/srv", "/home")
LIMIT = 2_000
"""Of a folder with more folders than this, the first by name are shown; the others can be typed."""


@dataclass(frozen=True)
class Place:
    """A folder as a tree shows it: `kind` is home, drive or folder; `deeper` says whether it holds folders."""

    path: str
    name: str
    kind: str = "folder"
    deeper: bool = False


def first_places() -> list[Place]:
    """The person's own folder, then drives and what is mounted."""
    own = Path.home()
    found = [Place(str(own), own.name or str(own), "home", has_folders(str(own)))]
    if sys.platform == "win32":
        drives: Sequence[str] = [f"{letter}:\\" for letter in string.ascii_uppercase if os.path.isdir(f"{letter}:\\")]
    else:
        drives = ["/", *(mount for mount in _mounted() if mount != str(own))]
    return found + [Place(drive, drive, "drive", has_folders(drive)) for drive in drives]


def _mounted() -> list[str]:
    found = []
    for parent in MOUNTS:
        for entry in places_below(parent):
            found += [below.path for below in places_below(entry.path)] if parent == "/run/media" else [entry.path]
    return found


def places_below(folder: str) -> list[Place]:
    """The folders right below `folder`, by name, without hidden ones and links; none when it can't be read."""
    found = []
    try:
        with os.scandir(folder) as listing:
            for entry in listing:
                if not entry.name.startswith((".", "$")) and _is_folder(entry):
                    found.append(entry)
    except OSError:
        return []
    found.sort(key=lambda entry: entry.name.casefold())
    return [Place(entry.path, entry.name, deeper=has_folders(entry.path)) for entry in found[:LIMIT]]


def has_folders(folder: str) -> bool:
    """Whether there is a folder to be seen below `folder`."""
    try:
        with os.scandir(folder) as listing:
            return any(not entry.name.startswith((".", "$")) and _is_folder(entry) for entry in listing)
    except OSError:
        return False


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir(follow_symlinks=False) and classify(entry.stat(follow_symlinks=False)) == FOLDER
    except OSError:
        return False
