"""The walk of a run: scan, merge and reading, with every finding recorded in the order of the scan."""
from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence

from client.run.merge import CHANGED, NEW, Merge, Step, Suspect
from client.run.pipeline import Item, Pipeline
from client.run.recorder import Recorder
from client.run.scan import Scanned, Scanner, compile_patterns, plant_tree
from client.store.index import FILE, FOLDER, Indexed
from client.store.settings import Settings
from client.system import WINDOWS_NAMES
from client.system.sources import classify, read_live
from vault.chunks import CHUNK_ID_LENGTH

CYCLE = 30
"""Days in which every file is read again, however unchanged it looks."""
DAY = 86_400
DEEP_CYCLE = 7
"""Runs on Windows, a week of daily ones, in which each file itself is asked once: the listing of a folder tells size
and time as they were when a file was closed, or changed under the name by which it is listed."""
OUTSTANDING = 2_000
"""Findings that may wait for the reading of one before them."""


def is_deep(run: int, *, windows: bool = WINDOWS_NAMES) -> bool:
    """Whether this run asks each file itself; elsewhere a listing asks them anyway."""
    return windows and run % DEEP_CYCLE == 0


def choose_suspects(settings: Settings, last: float, now: float, lost: Sequence[bytes]) -> Suspect:
    """Which unchanged-looking files are read all the same: by pattern, those whose chunks were `lost`, and the share
    of the days since the `last` snapshot for as long as the settings allow, so that content changed behind an old time
    is found. Times are seconds since 1970."""
    always = compile_patterns(settings.always_hash)
    missing = frozenset(lost)
    seconds = settings.rehash_seconds
    until = time.monotonic() + seconds
    turns = frozenset(day % CYCLE for day in range(int(now // DAY), int(last // DAY), -1)[:CYCLE] if seconds)

    def suspect(scanned: Scanned, known: Indexed) -> bool:
        if turns and known.node % CYCLE in turns and time.monotonic() < until:
            return True
        if always is not None and always(os.path.basename(scanned.path), scanned.path):
            return True
        chunks = known.chunks
        return bool(missing) and any(
            chunks[start : start + CHUNK_ID_LENGTH] in missing for start in range(0, len(chunks), CHUNK_ID_LENGTH)
        )

    return suspect


class Walk:
    """Goes once over the protected folders and the index of the last snapshot."""

    def __init__(
        self,
        settings: Settings,
        recorder: Recorder,
        pipeline: Pipeline,
        tell: Callable[[str], None],
        suspect: Suspect,
        *,
        index: Iterator[Indexed | None] | None,
        root: int,
        next_node: int,
        read_at: Callable[[str], str] = read_live,
        kind_of: Callable[[os.stat_result], int] = classify,
        deep: bool = False,
    ) -> None:
        """`index` None means that nothing is known yet; `tell` hears the path in work, and may stop the walk by
        raising. See client.run.merge.Merge for the rest, client.run.scan.Scanner for `read_at`,
        `kind_of` and `deep`."""
        self._recorder, self._pipeline, self._tell = recorder, pipeline, tell
        scanner = Scanner(settings.excludes, recorder.report, read_at=read_at, kind_of=kind_of, deep=deep)
        self._merge = Merge(plant_tree(settings.folders), scanner, index, root, next_node, suspect)
        self._waiting: deque[Item | Step] = deque()

    def execute(self) -> None:
        """Every finding reaches the recorder; what was to be read has been stored or is under way."""
        waiting, record = self._waiting, self._recorder.record
        for step in self._merge:
            scanned = step.scanned
            if scanned is not None and scanned.kind != FOLDER and step.action in (NEW, CHANGED):
                item = Item(step)
                waiting.append(item)
                self._pipeline.add(item)
                self._drain(OUTSTANDING)
            elif waiting:
                waiting.append(step)
                if len(waiting) > OUTSTANDING:  # the head's batch may never be full
                    self._drain(OUTSTANDING)
            else:
                record(step)
            self._tell(scanned.path if scanned is not None and scanned.kind == FILE else "")
        self._pipeline.flush()
        self._drain(0)
        self._pipeline.close()
        self._recorder.finish()

    def _drain(self, limit: int) -> None:
        """Records what is done at the head; waits for the head while more than `limit` findings wait."""
        waiting = self._waiting
        while waiting:
            head = waiting[0]
            if isinstance(head, Item):
                if not head.done():
                    if len(waiting) <= limit:
                        return
                    self._pipeline.wait(head)
                assert head.outcome is not None
                self._recorder.record_file(head.step, head.outcome)
            else:
                self._recorder.record(head)
            waiting.popleft()
