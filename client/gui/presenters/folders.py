"""The page Folders in words: what is protected and in which state, what is left out and how much that is."""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from client.gui.presenters import words

Fields = Mapping[str, Any]

SAMPLES = ("*.tmp", "*.bak", "Thumbs.db", "*.iso", "*.mp4", "node_modules")
"""Patterns that people often want; names here, as a path is each computer's own."""


@dataclass(frozen=True)
class FolderLine:
    """A protected folder: its state, and what the last backup holds of it; `known` False when that says nothing."""

    path: str
    name: str
    state: str
    word: str
    content: str
    known: bool = True


def describe_folders(overview: Fields, now: datetime) -> Sequence[FolderLine]:
    """The rows, those that need a look first."""
    done = overview.get("last_done") or {}
    ended = words.read_moment(done.get("ended"))
    lines = [_line(folder, ended, now) for folder in overview.get("folders", ())]
    return sorted(lines, key=lambda line: (line.state == "ok", line.name.casefold()))


def _line(folder: Fields, ended: datetime | None, now: datetime) -> FolderLine:
    path = str(folder["path"])
    name, content = name_and_place(path), _content(folder)
    missing = words.read_moment(folder.get("missing_since"))
    if missing is not None:
        return FolderLine(path, name, "warn", f"Not found since {words.moment(missing, now)}", content or "–")
    if ended is None or not content:
        return FolderLine(path, name, "neutral", "Not backed up yet", content or "–", known=ended is None)
    return FolderLine(path, name, "ok", f"Backed up {words.moment(ended, now)}", content)


def name_and_place(path: str) -> str:
    """A folder's name before the place where it lies: Documents (/home/priya)."""
    name = words.name_of(path)
    place = words.readable(path)[: -len(name)].rstrip("/\\")
    return f"{name} ({place})" if place else words.readable(path)


def _content(folder: Fields) -> str:
    files, size = int(folder.get("files", 0)), int(folder.get("bytes", 0))
    return f"{words.count(files, 'file')}, {words.size(size)}" if files else ""


def describe_uncounted(measure: Fields) -> FolderLine:
    """A folder of which the last backup holds no file, after a look at the disk."""
    path = str(measure["path"])
    name = name_and_place(path)
    if not measure.get("found", True):
        return FolderLine(path, name, "warn", "Not found now", "–")
    if not int(measure["files"]):
        return FolderLine(path, name, "ok", "Nothing in it", "–")
    return FolderLine(path, name, "neutral", "Not backed up yet", "–")


def describe_missing(lines: Sequence[FolderLine]) -> str:
    """A sentence for folders that are not there; "" when all are."""
    missing = [words.readable(line.path) for line in lines if line.state == "warn"]
    if not missing:
        return ""
    names = ", ".join(f"“{name}”" for name in missing[:3]) + (" and others" if len(missing) > 3 else "")
    were = "weren't" if len(missing) > 1 else "wasn't"
    return f"{names} {were} found. Plug the drive in, or remove it from the list. Earlier copies are kept. (IBS-4102)"


def removal_question(paths: Sequence[str]) -> tuple[str, str]:
    """(question, consequence) before folders are taken off the list."""
    one = len(paths) == 1
    what = f"“{words.name_of(paths[0])}”" if one else words.count(len(paths), "folder")
    return (f"Stop backing up {what}?",
            f"{'It is' if one else 'They are'} no longer part of new backups. Earlier copies are kept as long as your "
            "plan keeps backups, and can be restored. The files on this computer stay as they are.")


def describe_left_out(answer: Fields | None, patterns: Sequence[str]) -> str:
    """How much the patterns leave out of the protected folders, on the disk now."""
    if not patterns:
        return "Nothing is left out."
    if answer is None:
        return "Counting…"
    least = "" if answer.get("complete", True) else "at least "
    files, size = int(answer["files"]), int(answer["bytes"])
    if not files:
        return "Nothing in your folders fits now." if not least else "Nothing was found to fit so far."
    return words.sentence(f"{least}{words.count(files, 'file')}, {words.size(size)}")


def check_pattern(pattern: str, known: Sequence[str]) -> str:
    """What is wrong with a pattern before it is added; "" when nothing is."""
    if not pattern.strip():
        return "Type a name such as *.tmp, or a path such as /home/*/Downloads."
    if pattern in known:
        return "This is in the list already."
    if not pattern.strip("*./\\? "):
        return "This would leave out everything."
    return ""
