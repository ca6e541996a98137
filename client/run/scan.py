"""The walk over the protected folders: sorted by name bytes, without what is excluded, never following links."""
from __future__ import annotations

import fnmatch
import os
import re
import stat
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from client.system import encode_name
from client.system.kinds import ELSEWHERE, ELSEWHERE_FOLDER, FILE, FOLDER, JUNCTION, LINK, UNKNOWN_LINK
from client.system.sources import (
    Status,
    classify,
    describe_status,
    explain_failure,
    is_other_volume,
    names_of_system,
    read_live,
    split_path,
)
from vault.errors import BackupError

Report = Callable[[BackupError], None]


class SourceSkipped(BackupError):
    """{path} could not be read: {reason}. Its last backed-up version is kept."""

    code = "IBS-4101"
    hint = "It is tried again with the next backup."


class FolderLost(BackupError):
    """The protected folder {path} wasn't found. Its earlier copies are kept."""

    code = "IBS-4102"
    hint = "Plug the drive in, or remove the folder from the list."


class SourceUnstable(BackupError):
    """{path} was written while it was read; it was stored as it was read."""

    code = "IBS-4107"
    hint = "It is read again with the next backup."


class FileElsewhere(BackupError):
    """{path} lies in a cloud only and was not fetched. What was backed up of it before is kept."""

    code = "IBS-4109"
    hint = "Choose “Always keep on this device” for what is to be backed up."


class VolumeApart(BackupError):
    """Another volume is mounted at {path}. It is no part of this backup."""

    code = "IBS-4111"
    hint = "To back it up, too, give it a drive letter and protect that."


class Scanned(NamedTuple):
    """One entry on the disk; `status` is that of the entry itself, not of what a link points to. Its `kind` may be
    ELSEWHERE: it is there, and what the last snapshot has of it stays."""

    kind: int
    name: bytes
    path: str
    status: Status


@dataclass
class ProtectedTree:
    """The protected folders as one tree of path steps; only its leaves are read completely."""

    path: str = ""
    protected: bool = False
    children: dict[bytes, ProtectedTree] = field(default_factory=dict)


def plant_tree(folders: tuple[str, ...]) -> ProtectedTree:
    """The tree of absolute `folders`; a folder inside another one is part of it."""
    root = ProtectedTree()
    for folder in folders:
        tree = root
        for name, path in split_path(folder):
            tree = tree.children.setdefault(encode_name(name), ProtectedTree(path))
        tree.protected = True
    return root


def compile_patterns(patterns: tuple[str, ...]) -> Callable[[str, str], bool] | None:
    """A test (name, path) → matches any of `patterns`; None without patterns.

    A pattern without a slash is compared with names (*.tmp), one with a slash with whole paths (/home/*/Downloads).
    """
    names = [fnmatch.translate(pattern) for pattern in patterns if not re.search(r"[/\\]", pattern)]
    paths = [fnmatch.translate(pattern.rstrip("/\\")) for pattern in patterns if re.search(r"[/\\]", pattern)]
    flags = re.IGNORECASE if os.name == "nt" else 0
    by_name = re.compile("|".join(names), flags).match if names else None
    by_path = re.compile("|".join(paths), flags).match if paths else None
    if by_name is None and by_path is None:
        return None

    def matches(name: str, path: str) -> bool:
        return bool((by_name and by_name(name)) or (by_path and by_path(path)))

    return matches


class Scanner:
    """Lists one folder at a time; `report` hears of what can't be read."""

    def __init__(
        self, excludes: tuple[str, ...], report: Report, *, read_at: Callable[[str], str] = read_live,
        kind_of: Callable[[os.stat_result], int] = classify, deep: bool = False,
    ) -> None:
        """`excludes` are patterns as in compile_patterns. `read_at` tells where a path is read, such as in a shadow
        copy; `kind_of` tells kinds as client.system.kinds has them. `deep` asks each file itself instead of believing
        the listing of its folder."""
        self._excluded = compile_patterns(excludes)
        self._report, self._read_at, self._kind_of, self._deep = report, read_at, kind_of, deep
        self._not_here: set[str] = set()

    def list_tree(self, tree: ProtectedTree) -> tuple[list[tuple[Scanned, ProtectedTree | None]], bool]:
        """What lies under a step of the tree: ([(entry, its subtree or None)], complete).

        Of a folder that only leads to protected ones, nothing but the steps on the way is listed. `complete` is False
        when something could not be listed, so that what is missing must not count as deleted.
        """
        if tree.protected:
            entries, complete = self.list_folder(tree.path)
            return [(entry, None) for entry in entries], complete
        found: list[tuple[Scanned, ProtectedTree | None]] = []
        complete = True
        for name in sorted(tree.children):
            child = tree.children[name]
            try:
                status = os.stat(self._read_at(child.path))
            except OSError as error:
                self._report_missing(child, error)
                complete = False
                continue
            if not stat.S_ISDIR(status.st_mode):
                self._report(FolderLost(path=child.path))
                complete = False
                continue
            found.append((Scanned(FOLDER, name, child.path, describe_status(status)), child))
        return found, complete

    def _report_missing(self, tree: ProtectedTree, error: OSError) -> None:
        if tree.protected and isinstance(error, FileNotFoundError | NotADirectoryError):
            self._report(FolderLost(path=tree.path))
        elif tree.protected:
            self._report(SourceSkipped(path=tree.path, reason=explain_failure(error)))
        for child in tree.children.values():
            self._report_missing(child, error)

    def list_folder(self, path: str) -> tuple[list[Scanned], bool]:
        """The entries of a folder, sorted by name bytes, and whether all could be listed. Sockets, pipes and devices
        hold nothing that a backup could bring back and are passed over."""
        if path in self._not_here:
            self._not_here.discard(path)
            return [], False
        found: list[Scanned] = []
        complete = True
        excluded = self._excluded
        place, of_system = self._read_at(path), names_of_system(path)
        try:
            with os.scandir(place) as listing:
                for entry in listing:
                    full = entry.path if place is path else os.path.join(path, entry.name)
                    if excluded is not None and excluded(entry.name, full):
                        continue
                    if of_system and entry.name.upper() in of_system:
                        continue
                    try:
                        self._look_at(entry, full, found)
                    except FileNotFoundError:
                        continue
                    except OSError as error:
                        self._report(SourceSkipped(path=full, reason=explain_failure(error)))
                        complete = False
        except OSError as error:
            self._report(SourceSkipped(path=path, reason=explain_failure(error)))
            return [], False
        found.sort(key=_by_name)
        return found, complete

    def _look_at(self, entry: os.DirEntry[str], path: str, found: list[Scanned]) -> None:
        status = entry.stat(follow_symlinks=False)
        kind = self._kind_of(status)
        if self._deep and kind == FILE:
            status = os.stat(entry.path, follow_symlinks=False)
        if kind < 0:
            kind = self._look_beyond(kind, path)
        if kind:
            found.append(Scanned(kind, encode_name(entry.name), path, describe_status(status)))

    def _look_beyond(self, kind: int, path: str) -> int:
        """The kind under which an entry that can't be read is passed on."""
        if kind == ELSEWHERE_FOLDER:
            self._not_here.add(path)
            return FOLDER
        if kind == JUNCTION:
            if is_other_volume(self._read_at(path)):
                self._report(VolumeApart(path=path))
            return LINK
        if kind == UNKNOWN_LINK:
            self._report(SourceSkipped(path=path, reason="it is a link of a kind that can't be read here"))
        else:
            self._report(FileElsewhere(path=path))
        return ELSEWHERE


def _by_name(entry: Scanned) -> bytes:
    return entry.name
