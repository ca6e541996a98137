"""How much each protected folder holds, as the last snapshot's index tells, without a look at the disk."""
from __future__ import annotations

import base64
from collections.abc import Sequence
from pathlib import Path
from xml.parsers import expat

from client.documents import guard
from client.index import BLOCK
from client.names import steps_of
from client.system import encode_name

Count = tuple[int, int]


def read_counts(index: Path, folders: Sequence[str]) -> dict[str, Count]:
    """(files, bytes) below each of `folders`; of none of them when there is no index, or it can't be read."""
    counter = _Counter(folders)
    parser = expat.ParserCreate()
    guard(parser)
    parser.StartElementHandler, parser.EndElementHandler = counter.start, counter.end
    try:
        with open(index, "rb") as file:
            while block := file.read(BLOCK):
                parser.Parse(block, False)
        parser.Parse(b"", True)
    except (OSError, ValueError, KeyError, IndexError, expat.ExpatError):
        return {}
    return {folder: (files, size) for folder, (files, size) in counter.counts.items()}


class _Counter:
    """Follows the nesting of the index and adds to every folder that it is inside of."""

    def __init__(self, folders: Sequence[str]) -> None:
        self.counts = {folder: [0, 0] for folder in folders}
        self._wanted = {steps_of(folder): self.counts[folder] for folder in folders}
        self._deepest = max(map(len, self._wanted), default=0)
        self._here: list[bytes] = []
        self._inside: list[list[int]] = [self._wanted[()]] if () in self._wanted else []

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        """An entry begins."""
        if tag == "f":
            for count in self._inside:
                count[0] += 1
                count[1] += int(attributes["s"])
        elif tag == "d":
            name = attributes.get("n")
            self._here.append(base64.b64decode(attributes["b"]) if name is None else encode_name(name))
            found = self._found()
            if found is not None:
                self._inside.append(found)

    def end(self, tag: str) -> None:
        """An entry ends."""
        if tag == "d":
            if self._found() is not None:
                self._inside.pop()
            self._here.pop()

    def _found(self) -> list[int] | None:
        """The count of the folder that was opened last, if it is one of those wanted."""
        return self._wanted.get(tuple(self._here)) if len(self._here) <= self._deepest else None
