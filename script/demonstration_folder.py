"""The folder of the demonstration: its copy, its changes, and what makes two states of it identical."""
from __future__ import annotations

import hashlib
import os
import shutil
import stat
import subprocess
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[1]
NOT_OURS = {".git", ".venv", ".cache"}

Picture = dict[str, tuple[object, ...]]
"""Relative path → kind, mode, modification time in ns, and the digest of its bytes or the target of the link."""


def copy_source(source: Path | None, target: Path) -> None:
    """Copy a folder with modes and times, or the files that git tracks here when none is named."""
    if source is not None:
        shutil.copytree(source, target, symlinks=True, ignore=_special_files)
        return
    for name in _tracked_files():
        destination = target / name
        destination.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(CHECKOUT / name, destination, follow_symlinks=False)


def _tracked_files() -> list[str]:
    listed = subprocess.run(["git", "-C", CHECKOUT, "ls-files", "-z"], capture_output=True, check=False)
    if listed.returncode == 0:
        names = [os.fsdecode(name) for name in listed.stdout.split(b"\0") if name]
        return [name for name in names if (CHECKOUT / name).is_file()]
    return sorted(str(path.relative_to(CHECKOUT)) for path in CHECKOUT.rglob("*")
                  if path.is_file() and not NOT_OURS & set(path.relative_to(CHECKOUT).parts))


def _special_files(folder: str, names: list[str]) -> list[str]:
    """Sockets, pipes and devices, which can't be copied."""
    modes = {name: os.lstat(os.path.join(folder, name)).st_mode for name in names}
    return [name for name, mode in modes.items()
            if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode) or stat.S_ISLNK(mode))]


def change(folder: Path) -> str:
    """Edit, add, move and delete what a day's work does; returns it in words."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    edited, moved, deleted = files[::10], files[3::40], files[7::40]
    for path in edited:
        content = path.read_bytes()
        middle = len(content) // 2
        path.write_bytes(content[:middle] + b"\nedited on the second day\n" + content[middle:])
    for path in moved:
        path.rename(path.with_name(f"moved {path.name}"))
    for path in deleted:
        path.unlink()
    new = folder / "New folder"
    new.mkdir()
    (new / "Grüße – 你好.txt").write_text("Names of all languages come back.\n")
    (new / "empty").touch()
    (new / "large.bin").write_bytes(os.urandom(3_000_000))
    (new / "only mine").write_text("Modes come back as well.\n")
    (new / "only mine").chmod(0o600)
    (new / "link").symlink_to("empty")
    return f"{len(edited)} edited, {len(moved)} moved, {len(deleted)} deleted, 5 new"


def describe(folder: Path) -> Picture:
    """Everything in a folder that a restore must bring back."""
    picture: Picture = {}
    for path in [folder, *folder.rglob("*")]:
        if not os.path.lexists(path):
            continue
        facts = path.lstat()
        kind = stat.S_IFMT(facts.st_mode)
        content = ""
        if stat.S_ISLNK(facts.st_mode):
            content = os.readlink(path)
        elif stat.S_ISREG(facts.st_mode):
            with path.open("rb") as file:
                content = hashlib.file_digest(file, "sha256").hexdigest()
        picture[os.path.relpath(path, folder)] = (kind, stat.S_IMODE(facts.st_mode), facts.st_mtime_ns, content)
    return picture


def differences(wanted: Picture, found: Picture) -> list[str]:
    """What is missing, too much or different, a line each; empty when both are identical."""
    aspects = ("kind", "mode", "time", "content")
    lines = []
    for name in sorted(wanted.keys() | found.keys()):
        if name not in found:
            lines.append(f"missing: {name}")
        elif name not in wanted:
            lines.append(f"not in the snapshot: {name}")
        elif wanted[name] != found[name]:
            pairs = zip(aspects, wanted[name], found[name], strict=True)
            lines.append(f"{' and '.join(aspect for aspect, one, other in pairs if one != other)} differs: {name}")
    return lines
