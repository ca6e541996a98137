#!/usr/bin/env python3
"""Builds the client's installer for Windows, on Linux, with Debian's package nsis.

    packaging/windows/build_installer.py --python-dir DIR --output FILE [--wheels DIR] [--sign COMMAND]

DIR is an installed 64-bit Python for Windows, complete with Tk, as python.org's installer leaves it: its programs are
signed, and they are packed as they are. The embeddable Python has no Tk and will not do.
"""
from __future__ import annotations

import argparse
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from contents import (
    PYTHONS,
    PackagingError,
    collect_wheels,
    copy_program,
    read_version,
    unpack_wheels,
    windows,
)
from side_picture import draw

HERE = Path(__file__).resolve().parent
NEEDED = {
    "python.exe": "Python itself",
    "pythonw.exe": "Python without a console",
    "Lib/tkinter/__init__.py": "Tk, which the embeddable Python leaves out",
    "DLLs/_tkinter.pyd": "Tk, which the embeddable Python leaves out",
    "tcl": "Tk, which the embeddable Python leaves out",
}
NOT_NEEDED = (
    "__pycache__", "*.pyc", "*.pdb", "*.chm", "test", "tests", "idlelib", "idle_test", "turtledemo", "ensurepip",
    "site-packages",
)
"""Parts of the Python folder that no program of ours uses, by their names."""
LEFT_OUT_FOLDERS = frozenset({"doc", "include", "libs", "scripts", "tools", "share"})
COMMAND = '@"%~dp0python\\python.exe" -I -m client.cli %*\r\n'


def main() -> int:
    """Build; 1 with a sentence when that is not possible."""
    arguments = make_parser().parse_args()
    try:
        with tempfile.TemporaryDirectory(prefix="ibs-setup-") as place:
            files = Path(place)
            fill(files, arguments.python_dir, arguments.wheels)
            make(files, arguments)
            if arguments.sign:
                sign(arguments.sign, arguments.output)
    except PackagingError as error:
        print(f"Nothing was built. {error}", file=sys.stderr)
        return 1
    print(f"{arguments.output}: ibs-client {arguments.version}, {arguments.output.stat().st_size / 1e6:.1f} MB"
          f"{'' if arguments.sign else ', not signed'}")
    return 0


def make_parser() -> argparse.ArgumentParser:
    """The words of the command."""
    parser = argparse.ArgumentParser(description="Builds the client's installer for Windows.")
    parser.add_argument("--python-dir", type=Path, required=True, metavar="DIR", help="a Python for 64-bit Windows")
    parser.add_argument("--output", type=Path, required=True, metavar="FILE", help="such as ibs-client-setup.exe")
    parser.add_argument("--wheels", type=Path, metavar="DIR", help="the libraries' wheels (else pip fetches them)")
    parser.add_argument("--version", default=read_version(), help="the installer's version (else the checkout's)")
    parser.add_argument(
        "--sign", metavar="COMMAND", default="",
        help="run COMMAND FILE for the uninstaller and for the installer; it signs FILE in its place",
    )
    parser.add_argument("--quick", action="store_true", help="compress less, for a try")
    return parser


def python_version(folder: Path) -> str:
    """Which Python lies in the folder, such as 3.12. Raises PackagingError when it lacks something or is another."""
    missing = [f"{name} ({why})" for name, why in NEEDED.items() if not (folder / name).exists()]
    if missing:
        raise PackagingError(f"{folder} is no complete Python for Windows: {missing[0]} is missing.")
    found = {f"{match[1]}.{match[2]}" for path in folder.glob("python3*.dll")
             if (match := re.fullmatch(r"python(3)(\d+)\.dll", path.name.lower()))}
    known = found & set(PYTHONS)
    if len(known) != 1:
        raise PackagingError(f"{folder} holds Python {' and '.join(sorted(found)) or 'of no version'}; "
                             f"one of {', '.join(PYTHONS)} is needed.")
    return known.pop()


def fill(files: Path, python: Path, wheels: Path | None) -> None:
    """What is installed: Python, and in its site-packages the libraries and the program."""
    version = python_version(python)
    target = files / "python"

    def unwanted(folder: str, names: list[str]) -> set[str]:
        dropped = shutil.ignore_patterns(*NOT_NEEDED)(folder, names)
        return dropped | {name for name in names if Path(folder) == python and name.lower() in LEFT_OUT_FOLDERS}

    shutil.copytree(python, target, ignore=unwanted)
    packages = target / "Lib/site-packages"
    packages.mkdir(parents=True)
    unpack_wheels(collect_wheels(windows(version), wheels), packages)
    copy_program(packages)
    (files / "ibs-client.cmd").write_bytes(COMMAND.encode("ascii"))
    (files / "side.bmp").write_bytes(draw())


def make(files: Path, arguments: argparse.Namespace) -> None:
    """Runs makensis over installer.nsi."""
    numbers = (re.findall(r"\d+", arguments.version) + ["0"] * 4)[:4]
    defined = {
        "VERSION": arguments.version, "NUMBERS": ".".join(numbers), "FILES": str(files),
        "KILOBYTES": str(sum(path.stat().st_size for path in files.rglob("*") if path.is_file()) // 1024),
        "OUTPUT": str(arguments.output.resolve()), "ICON": str(HERE / "ibs-client.ico"),
        "COMPRESSOR": "zlib" if arguments.quick else "/SOLID lzma",
    }
    if arguments.sign:
        defined["SIGN"] = arguments.sign
    command = ["makensis", "-V2", "-WX", *(f"-D{name}={value}" for name, value in defined.items()),
               str(HERE / "installer.nsi")]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        raise PackagingError("makensis is missing; it comes with Debian's package nsis.") from error
    if done.returncode:
        raise PackagingError((done.stdout + done.stderr).strip())


def sign(command: str, file: Path) -> None:
    """The hook for signing: `command` gets the file as its last word and signs it in its place."""
    done = subprocess.run([*shlex.split(command), str(file)], capture_output=True, text=True, check=False)
    if done.returncode:
        file.unlink(missing_ok=True)
        raise PackagingError(f"Signing failed: {(done.stderr or done.stdout).strip() or command}")


if __name__ == "__main__":
    sys.exit(main())
