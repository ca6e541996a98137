"""Folders that most people want protected: desktop, documents, pictures and mail of everybody on this computer."""
from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

PERSONAL = ("Desktop", "Documents", "Pictures")
MAIL = {
    "Thunderbird": (".thunderbird", "snap/thunderbird/common/.thunderbird", "AppData/Roaming/Thunderbird/Profiles"),
    "Evolution": (".local/share/evolution/mail",),
    "Outlook": ("AppData/Local/Microsoft/Outlook",),
}
NOBODY = frozenset({"all users", "default", "default user", "defaultuser0", "lost+found", "public"})
"""Folders beside those of people, in small letters."""
_XDG = re.compile(r'^XDG_(DESKTOP|DOCUMENTS|PICTURES)_DIR="\$HOME/([^"]+)"', re.MULTILINE)


@dataclass(frozen=True)
class Suggestion:
    """A folder that is there: its path, what it is ("Documents", "Mail of Thunderbird") and whose."""

    path: str
    title: str
    person: str


def suggest_folders(people: Iterable[Path] | None = None) -> list[Suggestion]:
    """The suggested folders of `people` (their own folders; those of this computer otherwise), person by person."""
    found: dict[str, Suggestion] = {}
    for person in homes_of_people() if people is None else people:
        for title, folder in _candidates(person):
            if _is_kept_there(folder):
                found.setdefault(os.path.realpath(folder), Suggestion(str(folder), title, person.name))
    return list(found.values())


def homes_of_people(parent: Path | None = None) -> list[Path]:
    """The own folders of everybody below `parent` (the system's place) when all may be read, else of this user only."""
    own = Path.home()
    whole = parent is not None or sys.platform == "win32" or os.geteuid() == 0
    place = parent or (own.parent if sys.platform == "win32" else Path("/home"))
    try:
        beside = sorted(entry for entry in place.iterdir() if entry.is_dir() and entry.name.lower() not in NOBODY)
    except OSError:
        beside = []
    if not whole:
        return [own]
    people = [folder for folder in beside if os.access(folder, os.R_OK | os.X_OK)]
    return people if parent is not None or own in people else [own, *people]


def _candidates(person: Path) -> Iterator[tuple[str, Path]]:
    """What may lie in a person's folder. OneDrive moves the usual ones into a folder of its own."""
    renamed = _renamed(person)
    clouds = _clouds(person)
    for title in PERSONAL:
        yield title, next((cloud / title for cloud in clouds if (cloud / title).is_dir()),
                          person / renamed.get(title, title))
    for program, places in MAIL.items():
        for place in places:
            yield f"Mail of {program}", person / place


def _renamed(person: Path) -> dict[str, str]:
    """How a Linux desktop calls the usual folders in the person's language."""
    try:
        text = (person / ".config/user-dirs.dirs").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return {}
    return {kind.title(): name.rstrip("/") for kind, name in _XDG.findall(text) if name.strip("/")}


def _clouds(person: Path) -> list[Path]:
    try:
        return sorted(entry for entry in person.iterdir() if entry.name.startswith("OneDrive"))
    except OSError:
        return []


def _is_kept_there(folder: Path) -> bool:
    try:
        return folder.is_dir() and not folder.is_symlink()
    except OSError:
        return False
