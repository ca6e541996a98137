"""The index: what the last snapshot holds, as sorted XML that is read and written as a stream.

Folders nest as on the disk, names are sorted by their bytes, so that one pass over the disk and over the index finds
every difference in constant memory. docs/client-files.md describes the elements. An index that is cut off, damaged or
not of the portal's last snapshot is not used: the run then reads everything again, which costs time, never files.
"""
from __future__ import annotations

import base64
import binascii
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple
from xml.parsers import expat

from client.names import is_clean
from client.store.documents import Unreadable, guard
from client.system import decode_name, encode_name, sync_folder

NAME = "index.xml"
VERSION = "1"
BLOCK = 256 << 10
TAIL = 1 << 10
"""The end element lies within the last so many bytes."""
CLOSING = b"</index>\n"
FILE, FOLDER, LINK = 1, 2, 3
KINDS = {"f": FILE, "d": FOLDER, "l": LINK}
TAGS = {kind: tag for tag, kind in KINDS.items()}


class IndexHead(NamedTuple):
    """Which snapshot an index describes."""

    vault: str
    run: int
    commit_hash: bytes
    root: int


class Indexed(NamedTuple):
    """One entry of the last snapshot; fields 3 to 7 stand as system.sources.describe_status gives them.

    `changed_ns` and `inode` are 0 where the system has none. `chunks` are the content's chunk ids, one after the other.
    `racy` marks a file that was written while it was read: it is read again in any case.
    """

    kind: int
    name: bytes
    node: int
    size: int
    mtime_ns: int
    attributes: int
    changed_ns: int
    inode: int
    racy: bool
    chunks: bytes


class IndexWriter:
    """Writes a new index beside the old one; `finish` puts it into its place."""

    def __init__(self, home: Path, vault: str, root: int) -> None:
        """Starts index.xml.new in `home`; `vault` and `root` are those of the run."""
        self._path = home / NAME
        self._new = self._path.with_name(NAME + ".new")
        self._vault, self._root = vault, root
        self._lines: list[str] = []
        self._hash = hashlib.blake2b(digest_size=32)
        self._entries = 0
        self._file = os.fdopen(os.open(self._new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb", buffering=0)
        self._lines.append('<?xml version="1.0" encoding="utf-8"?>\n<index version="1">\n')

    def add(self, entry: Indexed) -> None:
        """Writes an entry; of a folder, its opening."""
        self._entries += 1
        kind, name, node, size, mtime_ns, attributes, changed_ns, inode, racy, chunks = entry
        text = decode_name(name)
        if is_clean(text):
            if "&" in text or "<" in text or '"' in text:
                text = text.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")
            label = f'n="{text}"'
        else:
            label = f'b="{base64.b64encode(name).decode()}"'
        if kind == FOLDER:
            line = f'<d {label} i="{node}" m="{mtime_ns}" a="{attributes}">\n'
        else:
            flag = ' r="1"' if racy else ""
            line = (
                f'<{TAGS[kind]} {label} i="{node}" s="{size}" m="{mtime_ns}" a="{attributes}" c="{changed_ns}"'
                f' o="{inode}" h="{chunks.hex()}"{flag}/>\n'
            )
        self._lines.append(line)
        if len(self._lines) >= 2000:
            self._flush()

    def leave(self) -> None:
        """Closes the folder that was opened last."""
        self._lines.append("</d>\n")

    def _flush(self) -> None:
        data = "".join(self._lines).encode("utf-8")
        self._lines.clear()
        self._hash.update(data)
        self._file.write(data)

    def finish(self, run: int, commit_hash: bytes) -> None:
        """Ends the index as that of `run` and replaces the old one, which stays as index.xml.bak."""
        self._flush()
        end = (
            f'<end vault="{self._vault}" run="{run}" commit="{commit_hash.hex()}" root="{self._root}"'
            f' entries="{self._entries}" hash="{self._hash.hexdigest()}"/>\n</index>\n'
        )
        self._file.write(end.encode())
        os.fsync(self._file.fileno())
        self._file.close()
        backup = self._path.with_name(NAME + ".bak")
        backup.unlink(missing_ok=True)
        if self._path.exists():
            os.replace(self._path, backup)
        os.replace(self._new, self._path)
        sync_folder(self._path.parent)

    def discard(self) -> None:
        """Gives the new index up; the old one stands."""
        self._file.close()
        self._new.unlink(missing_ok=True)


def read_head(home: Path) -> IndexHead | None:
    """Which snapshot the index describes; None when there is no index, or one that is cut off or damaged."""
    found: dict[str, str] = {}
    parser = expat.ParserCreate()
    guard(parser)
    parser.StartElementHandler = lambda _, attributes: found.update(attributes)
    try:
        with open(home / NAME, "rb") as file:
            left = _find_end(file)
            digest = hashlib.blake2b(digest_size=32)
            while left and (block := file.read(min(BLOCK, left))):
                digest.update(block)
                left -= len(block)
            end, closed, rest = file.read().partition(CLOSING)
        if not closed or rest:
            return None
        parser.Parse(end, True)
        head = IndexHead(found["vault"], int(found["run"]), bytes.fromhex(found["commit"]), int(found["root"]))
        return head if found["hash"] == digest.hexdigest() else None
    except (OSError, expat.ExpatError, KeyError, ValueError):
        return None


def written_at(home: Path) -> float:
    """When the index was put into its place, in seconds since 1970; 0 when there is none."""
    try:
        return (home / NAME).stat().st_mtime
    except OSError:
        return 0.0


def _find_end(file: BinaryIO) -> int:
    """Where the end element begins; ValueError (Unreadable) when the index was cut off."""
    size = file.seek(0, os.SEEK_END)
    start = max(0, size - TAIL)
    file.seek(start)
    found = file.read().rfind(b"<end ")
    file.seek(0)
    if found < 0:
        raise Unreadable("its end is missing")
    return start + found


def read_index(home: Path) -> Iterator[Indexed | None]:
    """The entries in order; None ends the folder that was opened last.

    For an index that `read_head` has found sound; raises Unreadable when it is no index all the same, or hostile.
    """
    found: list[Indexed | None] = []

    def start(tag: str, attributes: dict[str, str]) -> None:
        kind = KINDS.get(tag)
        if kind is not None:
            found.append(_entry(kind, attributes))
        elif tag != "end" and (tag != "index" or attributes.get("version") != VERSION):
            raise Unreadable(f"the element {tag} is unknown")

    def end(tag: str) -> None:
        if tag == "d":
            found.append(None)

    parser = expat.ParserCreate()
    guard(parser)
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    try:
        with open(home / NAME, "rb") as file:
            while block := file.read(BLOCK):
                parser.Parse(block, False)
                yield from found
                found.clear()
        parser.Parse(b"", True)
    except (expat.ExpatError, KeyError, ValueError, binascii.Error) as error:
        raise Unreadable(str(error)) from error
    except OSError as error:
        raise Unreadable(error.strerror or str(error)) from error


def _entry(kind: int, attributes: dict[str, str]) -> Indexed:
    name = attributes.get("n")
    encoded = encode_name(name) if name is not None else base64.b64decode(attributes["b"], validate=True)
    node, mtime_ns, mode = int(attributes["i"]), int(attributes["m"]), int(attributes["a"])
    if kind == FOLDER:
        return Indexed(kind, encoded, node, 0, mtime_ns, mode, 0, 0, False, b"")
    return Indexed(
        kind, encoded, node, int(attributes["s"]), mtime_ns, mode, int(attributes["c"]), int(attributes["o"]),
        "r" in attributes, bytes.fromhex(attributes["h"]),
    )
