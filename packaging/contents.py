"""What a package of the client holds: this checkout's program and the libraries of requirements/client.lock.

The libraries come as wheels, from a folder or from the package index that pip is set up with, and each is checked
against its hash in the lock file, so that nothing enters a package that is not listed there.
"""
from __future__ import annotations

import fnmatch
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[1]
LOCK = CHECKOUT / "requirements/client.lock"
PROGRAM = ("client", "protocol", "vault")
LEFT_OUT = ("*.dist-info/RECORD", "*.dist-info/sboms/*", "*.pxd", "*.pyi", "*.pyx", "zstandard/_cffi.*")
"""Files that no program reads; the last one is zstandard's binding for PyPy, twelve megabytes."""
PYTHONS = ("3.11", "3.12", "3.13")
_LOCKED = re.compile(r"^([A-Za-z0-9._-]+)==([^ ;\\]+)", re.MULTILINE)


class PackagingError(Exception):
    """A package can't be built; the text says why, for the person who builds it."""


@dataclass(frozen=True)
class Target:
    """What the libraries are to run on: pip's platform tags, and a version of Python such as 3.11."""

    name: str
    platforms: tuple[str, ...]
    python: str


def linux(python: str) -> Target:
    """64-bit Linux with a C library of 2021 or later."""
    numbered = (f"manylinux_2_{minor}_x86_64" for minor in range(28, 4, -1))
    return Target("linux", (*numbered, "manylinux2014_x86_64", "manylinux2010_x86_64"), python)


def windows(python: str) -> Target:
    """64-bit Windows."""
    return Target("windows", ("win_amd64",), python)


def read_version() -> str:
    """The version of this checkout."""
    text = (CHECKOUT / "protocol/__init__.py").read_text(encoding="utf-8")
    found = re.search(r'^__version__ = "([^"]+)"$', text, re.MULTILINE)
    if found is None:
        raise PackagingError("protocol/__init__.py tells no version.")
    return found[1]


def locked_libraries() -> dict[str, str]:
    """Name → version of every library that the client may hold."""
    return {name.lower().replace("_", "-"): version for name, version in _LOCKED.findall(LOCK.read_text())}


def collect_wheels(target: Target, given: Path | None) -> list[Path]:
    """The wheels for `target`, one for each locked library: from the folder `given`, else by pip and kept in .cache."""
    folder = _kept_wheels(target) if given is None else given
    chosen = Path(tempfile.mkdtemp(prefix="ibs-wheels-"))
    try:
        _download(target, chosen, folder)
        wheels = sorted(chosen.glob("*.whl"))
        found = {wheel.name.split("-")[0].lower().replace("_", "-"): wheel for wheel in wheels}
        if missing := set(locked_libraries()) - set(found):
            raise PackagingError(f"No wheel for {', '.join(sorted(missing))}.")
        return [folder / wheel.name for wheel in wheels]
    finally:
        shutil.rmtree(chosen)


def _kept_wheels(target: Target) -> Path:
    """The folder in .cache with what pip brought for this lock file, fetched now if it is not there."""
    cache = Path(os.environ.get("IBS_CACHE") or CHECKOUT / ".cache")
    digest = hashlib.sha256(LOCK.read_bytes()).hexdigest()[:16]
    folder = cache / "wheels" / f"{target.name}-{target.python}-{digest}"
    if not folder.is_dir():
        folder.parent.mkdir(parents=True, exist_ok=True)
        new = Path(tempfile.mkdtemp(prefix=".new-", dir=folder.parent))
        try:
            _download(target, new, None)
            new.chmod(0o755)
            new.rename(folder)
        except OSError:  # somebody else was quicker
            if not folder.is_dir():
                raise
        finally:
            shutil.rmtree(new, ignore_errors=True)
    return folder


def _download(target: Target, into: Path, source: Path | None) -> None:
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--require-hashes",
               "--only-binary", ":all:", "--python-version", target.python, "--implementation", "cp",
               "--dest", str(into), "--requirement", str(LOCK)]
    for platform in target.platforms:
        command += ["--platform", platform]
    if source is not None:
        command += ["--no-index", "--find-links", str(source.resolve())]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        told = [line.removeprefix("ERROR: ") for line in done.stderr.splitlines() if line.startswith("ERROR: ")]
        reason = told[-1] if told else "pip gave no reason."
        raise PackagingError(f"No libraries for {target.name} with Python {target.python}: {reason}")


def copy_program(into: Path) -> None:
    """The client and what it shares with the portal, without anything that Python made."""
    for name in PROGRAM:
        shutil.copytree(CHECKOUT / name, into / name, ignore=shutil.ignore_patterns("__pycache__", "*.pyc"))


def unpack_wheels(wheels: Iterable[Path], into: Path) -> None:
    """The wheels' files side by side. Wheels for several Pythons may follow each other: their parts in C bear the
    version in their names, everything else must be the same."""
    for wheel in wheels:
        with zipfile.ZipFile(wheel) as archive:
            for member in archive.infolist():
                if not member.is_dir() and not any(fnmatch.fnmatch(member.filename, left) for left in LEFT_OUT):
                    _unpack(archive, member, into, wheel.name)


def _unpack(archive: zipfile.ZipFile, member: zipfile.ZipInfo, into: Path, wheel: str) -> None:
    path = into / member.filename
    if ".." in path.parts or member.filename.startswith("/") or ".data/" in member.filename:
        raise PackagingError(f"{wheel} holds {member.filename}, for which there is no place.")
    content = archive.read(member)
    if path.exists() and path.suffix in {".py", ".so", ".pyd"} and path.read_bytes() != content:
        raise PackagingError(f"{wheel} holds another {member.filename} than the wheel for another Python.")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
