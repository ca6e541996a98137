#!/usr/bin/env python3
"""Builds the client's package for Debian and Ubuntu: packaging/linux/build_deb.py --output FILE [--wheels DIR].

Needs dpkg-deb, and pip or a folder of wheels for the libraries. The same checkout gives the same package.
"""
from __future__ import annotations

import argparse
import ast
import gzip
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from contents import (
    CHECKOUT,
    PYTHONS,
    PackagingError,
    collect_wheels,
    copy_program,
    linux,
    locked_libraries,
    read_version,
    unpack_wheels,
)

HERE = Path(__file__).resolve().parent
PROGRAM = "usr/lib/ibs-client"
LIBRARIES = "usr/lib/ibs-client/site-packages"
SCRIPTS = ("postinst", "prerm", "postrm")


def main() -> int:
    """Build; 1 with a sentence when that is not possible."""
    parser = argparse.ArgumentParser(description="Builds the client's package for Debian and Ubuntu.")
    parser.add_argument("--output", type=Path, required=True, metavar="FILE", help="such as ibs-client.deb")
    parser.add_argument("--wheels", type=Path, metavar="DIR", help="the libraries' wheels (else pip fetches them)")
    parser.add_argument("--version", default=read_version(), help="the package's version (else the checkout's)")
    arguments = parser.parse_args()
    try:
        with tempfile.TemporaryDirectory(prefix="ibs-deb-") as place:
            tree = Path(place) / "tree"
            fill(tree, arguments.wheels, arguments.version)
            pack(tree, arguments.output)
    except PackagingError as error:
        print(f"Nothing was built. {error}", file=sys.stderr)
        return 1
    print(f"{arguments.output}: ibs-client {arguments.version}, {arguments.output.stat().st_size / 1e6:.1f} MB")
    return 0


def fill(tree: Path, wheels: Path | None, version: str) -> None:
    """Everything that is installed, and dpkg's own files."""
    libraries = tree / LIBRARIES
    libraries.mkdir(parents=True)
    copy_program(libraries)
    for python in PYTHONS:
        unpack_wheels(collect_wheels(linux(python), wheels), libraries)
    make_environment(tree / PROGRAM)
    place(HERE / "ibs-client", tree / "usr/bin/ibs-client", 0o755)
    place(HERE / "ibs-client.desktop", tree / "usr/share/applications/ibs-client.desktop")
    place(HERE.parent / "ibs-client.svg", tree / "usr/share/icons/hicolor/scalable/apps/ibs-client.svg")
    documents = tree / "usr/share/doc/ibs-client"
    write(documents / "copyright", copyright_text())
    press(documents / "changelog.gz", (CHECKOUT / "CHANGELOG.md").read_text(encoding="utf-8"))
    press(tree / "usr/share/man/man1/ibs-client.1.gz", manual(version))
    control = tree / "DEBIAN"
    control.mkdir()
    for script in SCRIPTS:
        place(HERE / script, control / script, 0o755)
    size = sum(path.stat().st_size for path in tree.rglob("*") if not path.is_symlink()) // 1024
    write(control / "control", (HERE / "control").read_text().format(version=version, size=size))
    write(control / "md5sums", sums(tree))


def make_environment(program: Path) -> None:
    """A virtual environment on the system's Python, whichever it is: what is started with its python finds the
    libraries, and so does every process that this one starts, and no other program."""
    (program / "bin").mkdir()
    (program / "bin/python3").symlink_to("/usr/bin/python3")
    write(program / "pyvenv.cfg", "home = /usr/bin\ninclude-system-site-packages = false\n")
    for python in PYTHONS:
        folder = program / f"lib/python{python}"
        folder.mkdir(parents=True)
        (folder / "site-packages").symlink_to("../../site-packages")


def place(source: Path, target: Path, mode: int = 0o644) -> None:
    """Copy a file to its place."""
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
    target.chmod(mode)


def write(path: Path, text: str) -> None:
    """A text file that everybody may read."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def press(path: Path, text: str) -> None:
    """A text file as Debian wants it: compressed, without the time."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(text.encode(), 9, mtime=0))


def sums(tree: Path) -> str:
    """The checksums by which dpkg recognises damaged files."""
    files = sorted(path for path in tree.rglob("*")
                   if path.is_file() and not path.is_symlink() and "DEBIAN" not in path.parts)
    return "".join(
        f"{hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()}  {path.relative_to(tree)}\n"
        for path in files)


def copyright_text() -> str:
    """Our licence, and where those of the libraries are."""
    libraries = "\n".join(f"  {name} {version}" for name, version in sorted(locked_libraries().items()))
    return (f"{(CHECKOUT / 'LICENSE').read_text()}\nThis package holds these libraries, each under its own free "
            f"licence, which lies in\n/{LIBRARIES}/NAME-VERSION.dist-info:\n\n{libraries}\n")


def manual(version: str) -> str:
    """The manual page: the commands as the program lists them."""
    tree = ast.parse((CHECKOUT / "client/cli.py").read_text(encoding="utf-8"))
    commands = next(ast.literal_eval(node.value) for node in tree.body
                    if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "COMMANDS")
    lines = "".join(f".TP\n.B {name}\n{purpose}\n" for name, purpose in commands.items()).replace("-", "\\-")
    return (HERE / "ibs-client.1").read_text().replace("@VERSION@", version).replace("@COMMANDS@\n", lines)


def pack(tree: Path, output: Path) -> None:
    """The package, all of it root's."""
    for path in tree.rglob("*"):
        if path.is_dir() and not path.is_symlink():
            path.chmod(0o755)
    done = subprocess.run(
        ["dpkg-deb", "--root-owner-group", "-Zxz", "--build", str(tree), str(output)],
        env=os.environ | {"SOURCE_DATE_EPOCH": str(changed_at())}, capture_output=True, text=True, check=False)
    if done.returncode:
        raise PackagingError(done.stderr.strip())


def changed_at() -> int:
    """When this checkout was changed last, seconds since 1970."""
    if given := os.environ.get("SOURCE_DATE_EPOCH"):
        return int(given)
    told = subprocess.run(["git", "-C", str(CHECKOUT), "log", "-1", "--format=%ct"], capture_output=True, text=True,
                          check=False)
    return int(told.stdout) if told.returncode == 0 and told.stdout.strip() else int(time.time())


if __name__ == "__main__":
    sys.exit(main())
