"""How much folders hold on the disk now, and how much of it the patterns leave out; a look, not a backup."""
from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from client.run.scan import compile_patterns
from client.system.kinds import FILE, FOLDER
from client.system.sources import classify, read_live

SECONDS = 60.0
"""A look at a slow network drive must end some day; what was counted until then is told as “at least”."""


@dataclass
class Measure:
    """Files and bytes that would be backed up and left out; `complete` False when time ran out or parts can't be read.

    `found` False says that the folder itself is not there.
    """

    files: int = 0
    bytes: int = 0
    left_out_files: int = 0
    left_out_bytes: int = 0
    complete: bool = True
    found: bool = True


def measure_folder(
    folder: str, excludes: Sequence[str] = (), *, seconds: float = SECONDS, clock: Callable[[], float] = time.monotonic,
) -> Measure:
    """Count what lies below `folder`, following no links, for at most `seconds`."""
    found = Measure(found=os.path.isdir(folder))
    until = clock() + seconds
    left_out = compile_patterns(tuple(excludes))
    waiting = [(folder, False)] if found.found else []
    while waiting:
        if clock() > until:
            found.complete = False
            break
        path, outside = waiting.pop()
        try:
            with os.scandir(read_live(path)) as listing:
                for entry in listing:
                    place = os.path.join(path, entry.name)
                    _count(entry, place, outside or bool(left_out and left_out(entry.name, place)), found, waiting)
        except OSError:
            found.complete = False
    return found


def _count(
    entry: os.DirEntry[str], place: str, outside: bool, found: Measure, waiting: list[tuple[str, bool]],
) -> None:
    try:
        status = entry.stat(follow_symlinks=False)
    except OSError:
        found.complete = False
        return
    kind = classify(status)
    if kind == FOLDER:
        waiting.append((place, outside))
    elif kind == FILE and outside:
        found.left_out_files += 1
        found.left_out_bytes += status.st_size
    elif kind == FILE:
        found.files += 1
        found.bytes += status.st_size
