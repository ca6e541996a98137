"""The test restore: a few files of the newest snapshot come back into a temporary folder and are compared."""
from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random

from client.events import Emit, Event, FileSkipped
from client.jobs.children import run_job
from client.names import steps_of
from client.store.index import FILE, FOLDER, Indexed, read_head, read_index
from client.store.settings import Settings
from client.system import decode_name
from vault.errors import BackupError

FILES = 3
SPARE = 30
"""So many are drawn, as files may change between the backup and the test."""
SMALL = 8 << 20
"""Files up to this size come first: a test takes moments, whatever lies in the folders."""
Found = tuple[str, Indexed]


class NothingToTest(BackupError):
    """The protected folders hold no file that could be restored as a test. The backup itself is complete."""

    code = "IBS-4211"
    hint = "Put a file into one of them, and begin the set-up again: it goes on from here."


class RestoredOtherwise(BackupError):
    """The test restore of {path} failed: {reason}. The files on this computer are as they were."""

    code = "IBS-4212"
    hint = "Begin the set-up again; if it ends the same way, have the backup provider check the storage."


@dataclass(frozen=True)
class Trial:
    """What came back and was found identical."""

    files: tuple[str, ...]
    bytes: int


def try_restore(settings: Settings, emit: Emit, chance: Random) -> Trial:
    """Restore a few files of the newest snapshot elsewhere and compare every byte; nothing of it stays.

    Raises NothingToTest, RestoredOtherwise, and what run_job raises.
    """
    chosen = draw(settings, chance)
    if not chosen:
        raise NothingToTest
    with tempfile.TemporaryDirectory(prefix="ibs-test-restore-") as place:
        skipped: dict[str, str] = {}

        def follow(event: Event) -> None:
            if isinstance(event, FileSkipped):
                skipped[event.path] = event.reason
            emit(event)

        run_job(settings.home, "restore", "--to", place, "--", *(path for path, _ in chosen), emit=follow)
        return _compare(chosen, Path(place), skipped)


def draw(settings: Settings, chance: Random) -> list[Found]:
    """Up to FILES files, by chance, that are still as the last snapshot has them: small ones unless there are none."""
    if read_head(settings.home) is None:
        return []
    small: list[Found] = []
    smallest: Found | None = None
    seen = 0
    for path, entry in _files(settings):
        if smallest is None or entry.size < smallest[1].size:
            smallest = path, entry
        if not 0 < entry.size <= SMALL:
            continue
        seen += 1
        if len(small) < SPARE:
            small.append((path, entry))
        elif (place := chance.randrange(seen)) < SPARE:
            small[place] = path, entry
    chance.shuffle(small)
    drawn = small or ([smallest] if smallest else [])
    return [found for found in drawn if _unchanged(*found)][:FILES]


def _files(settings: Settings) -> Iterator[Found]:
    """Every file of the index with its path on this computer."""
    roots = {steps_of(folder): folder for folder in settings.folders}
    steps: list[bytes] = []
    paths: list[str | None] = [roots.get(())]
    for entry in read_index(settings.home):
        if entry is None:
            steps.pop()
            paths.pop()
            continue
        above = paths[-1]
        path = None if above is None else os.path.join(above, decode_name(entry.name))
        if entry.kind == FOLDER:
            steps.append(entry.name)
            paths.append(path or roots.get(tuple(steps)))
        elif entry.kind == FILE and path is not None:
            yield path, entry


def _unchanged(path: str, entry: Indexed) -> bool:
    try:
        facts = os.stat(path)
    except OSError:
        return False
    return (facts.st_size, facts.st_mtime_ns) == (entry.size, entry.mtime_ns)


def _compare(chosen: list[Found], place: Path, skipped: dict[str, str]) -> Trial:
    compared = []
    size = 0
    for path, entry in chosen:
        copy = place.joinpath(*map(decode_name, steps_of(path)))
        before, restored = _digest(Path(path)), _digest(copy)
        if not _unchanged(path, entry):
            continue  # its owner works on it: what came back is what it was
        if restored is None:
            raise RestoredOtherwise(path=path, reason=skipped.get(path, "it did not come back"))
        if before != restored:
            raise RestoredOtherwise(path=path, reason="its content differs from that on this computer")
        compared.append(path)
        size += entry.size
    if not compared:
        raise NothingToTest
    return Trial(tuple(compared), size)


def _digest(path: Path) -> bytes | None:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "blake2b").digest()
    except OSError:
        return None
