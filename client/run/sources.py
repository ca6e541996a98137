"""Where a run reads: shadow copies, made at its start and surely removed, where the system offers them; else live."""
from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from client.events import Emit, Notice
from client.store.settings import Settings
from client.system.sources import Copies, read_live, take_copies
from vault.errors import BackupError

LIVE, SHADOW_COPY = "live", "shadow copy"
"""What a commit says of its consistency."""


class ReadLive(BackupError):
    """Files were read as they lay on the disk and not from a shadow copy: {reason}. Nothing is missing because of
    that, but a file that a program wrote to meanwhile may not fit together."""

    code = "IBS-4112"
    hint = "Close what works with large files, or have the client installed for the whole computer."


@dataclass(frozen=True)
class Sources:
    """`read_at` tells where a path is read (client.run.scan.Scanner); `consistency` is what the commit says of it."""

    read_at: Callable[[str], str] = read_live
    consistency: str = LIVE


@contextlib.contextmanager
def open_sources(
    settings: Settings, emit: Emit, take: Callable[[Path], Copies | None] = take_copies,
    go_on: Callable[[], None] = lambda: None,
) -> Iterator[Sources]:
    """The sources of one run. Never fails: what can't be copied is read as it lies, and `emit` hears why.

    `go_on` is called after each step of the copying, which takes its time; what it raises ends that in order.
    """
    copies = take(settings.home)
    if copies is None:
        yield Sources()
        return
    try:
        copies.protect(settings.folders, go_on)
        for volume, reason in copies.problems.items():
            problem = ReadLive(reason=f"{volume}: {reason}" if volume else reason)
            emit(Notice(f"{problem.sentence} {problem.hint}", problem.code))
        yield Sources(copies.read_at, SHADOW_COPY if copies.complete else LIVE)
    finally:
        copies.close()
