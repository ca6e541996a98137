"""The client's installers that the reseller offers: files in the data directory's folder “downloads”."""
from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from protocol.errors import NotFound

FOLDER = "downloads"
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,99}")
SYSTEMS = {".exe": "Windows", ".msi": "Windows", ".deb": "Debian and Ubuntu"}


@dataclass(frozen=True)
class Installer:
    """A file that can be downloaded, for which system, its bytes, and its SHA-256 in hexadecimal."""

    path: Path
    system: str
    size: int
    sha256: str

    @property
    def name(self) -> str:
        """The file's name."""
        return self.path.name


def list_installers(data: Path) -> Sequence[Installer]:
    """Those that are there, by name."""
    folder = data / FOLDER
    names = sorted(path for path in folder.iterdir() if _is_offered(path)) if folder.is_dir() else []
    return [_describe(path) for path in names]


def find_installer(data: Path, name: str) -> Installer:
    """The installer of this name. Raises NotFound for anything else, wherever it lies."""
    path = data / FOLDER / name
    if not NAME.fullmatch(name) or not _is_offered(path):
        raise NotFound(what="such file")
    return _describe(path)


def _is_offered(path: Path) -> bool:
    return bool(NAME.fullmatch(path.name)) and path.suffix in SYSTEMS and path.is_file() and not path.is_symlink()


def _describe(path: Path) -> Installer:
    facts = path.stat()
    return Installer(path, SYSTEMS[path.suffix], facts.st_size, _digest(path, facts.st_size, facts.st_mtime_ns))


@lru_cache(maxsize=32)
def _digest(path: Path, size: int, mtime_ns: int) -> str:
    """Counted once for each state of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
