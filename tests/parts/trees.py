"""Folders to be backed up, and pictures of them: every byte, name, mode and time of what a restore must bring back."""
from __future__ import annotations

import os
import random
import stat
from hashlib import sha256
from pathlib import Path

Picture = dict[bytes, tuple[object, ...]]

ODD_NAMES = (
    "Grüße 🙂.txt".encode(),
    b"a\nline\x01\x1b[31m and \x7f",
    b"not utf-8 \xff\xfe",
    b"lone surrogate \xed\xa0\x80",
    b"trailing space ",
    b" leading space",
    b"trailing dot.",
    b"Twin.TXT",
    b"twin.txt",
    b"n" * 255,
    ("é" * 127).encode(),
    b"\xff" * 255,
    b"back\\slash",
    b"~7E%41&<\">'",
    "cafe\u0301".encode(),
    "café".encode(),
    b"CON",
    b"-rf",
)
"""Names that Linux allows and that some disk, XML, database, ZIP or page would choke on."""


def picture(folder: Path) -> Picture:
    """All that lies in `folder`, the folder itself included: mode, time and content under each path.

    Sockets, pipes and devices are left out, since nothing of them can be brought back.
    """
    root = os.fsencode(folder)
    found: Picture = {b".": _look(root)}
    for path, folders, files in os.walk(root):
        for name in (*folders, *files):
            place = os.path.join(path, name)
            if looked := _look(place):
                found[os.path.relpath(place, root)] = looked
    return found


def _look(path: bytes) -> tuple[object, ...]:
    status = os.lstat(path)
    if stat.S_ISLNK(status.st_mode):
        return "link", os.readlink(path), status.st_mtime_ns
    mode = stat.S_IMODE(status.st_mode)
    if stat.S_ISDIR(status.st_mode):
        return "folder", mode, status.st_mtime_ns
    if not stat.S_ISREG(status.st_mode):
        return ()
    with open(path, "rb") as file:
        return "file", mode, status.st_mtime_ns, status.st_size, sha256(file.read()).hexdigest()


def files_of(seen: Picture) -> set[bytes]:
    """The paths of the files in a picture."""
    return {path for path, what in seen.items() if what[0] == "file"}


def write(path: Path, content: bytes | str = b"", *, mode: int | None = None, mtime_ns: int | None = None) -> Path:
    """A file with that content; folders above it are made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    if mode is not None:
        path.chmod(mode)
    if mtime_ns is not None:
        os.utime(path, ns=(mtime_ns, mtime_ns))
    return path


def noise(size: int, seed: int = 0) -> bytes:
    """Bytes that no compression makes smaller; the same ones for the same seed."""
    return random.Random(seed).randbytes(size)


def plant(folder: Path) -> Path:
    """A person's folder: letters, photos, a disk image, an empty file, a link, a program, an old and a future time."""
    write(folder / "letters/2024/anna.txt", "Dear Anna,\n" * 40, mode=0o640, mtime_ns=1_111_111_111_222_333_444)
    write(folder / "letters/2024/draft.txt", "nothing yet")
    write(folder / "letters/bank.txt", "Dear bank,\n")
    for number in range(12):
        write(folder / f"photos/sea {number:02}.jpg", noise(20_000 + number, number))
    write(folder / "disk.img", noise(1_500_000, 99) + bytes(300_000))
    write(folder / "bin/tool", "#!/bin/sh\nexit 0\n", mode=0o755)
    write(folder / "private", "mine alone", mode=0o600)
    write(folder / "empty")
    write(folder / "a/in a", "1")
    write(folder / "a b/in a b", "2")
    write(folder / "from the future", "x", mtime_ns=4_102_444_800 * 10**9)
    write(folder / "from long ago", "x", mtime_ns=-86_400 * 10**9)
    (folder / "to the letters").symlink_to("letters")
    (folder / "to nowhere").symlink_to("/nowhere/at all")
    (folder / "nothing in it").mkdir(mode=0o700)
    os.utime(folder / "photos", ns=(1_234_567_890_123_456_789,) * 2)
    return folder


def change(folder: Path) -> None:
    """What a person does between two backups: edits, deletes, renames, adds; a folder becomes a file."""
    write(folder / "letters/2024/anna.txt", "Dear Anna, it is late.\n", mode=0o600)
    (folder / "letters/bank.txt").unlink()
    (folder / "letters/2024/draft.txt").rename(folder / "letters/final.txt")
    (folder / "photos").rename(folder / "pictures")
    with (folder / "disk.img").open("r+b") as image:
        image.seek(700_000)
        image.write(noise(5_000, 7))
    (folder / "a/in a").unlink()
    (folder / "a").rmdir()
    write(folder / "a", "a file now")
    (folder / "to the letters").unlink()
    (folder / "to the letters").symlink_to("letters/2024")
    (folder / "bin/tool").chmod(0o700)
    write(folder / "new/deep/er/file", "new")
    for number, name in enumerate(ODD_NAMES):
        with open(os.path.join(os.fsencode(folder / "new"), name), "wb") as file:
            file.write(b"odd %d" % number)
