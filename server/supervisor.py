"""Keeps the portal's processes together: they start, are ready, and stop as one."""
from __future__ import annotations

import contextlib
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

SUPERVISED = "IBS_SUPERVISED"
STOP_SECONDS = 10


@dataclass
class Part:
    """One process: `name` for people, `arguments` for ibs-server. Its first line of output says that it is ready."""

    name: str
    arguments: Sequence[str]
    process: subprocess.Popen[str] | None = field(default=None, repr=False)


@dataclass(frozen=True)
class _News:
    part: Part | None
    line: str | None = None


def supervise(parts: Sequence[Part], say: Callable[[str], object], environment: Mapping[str, str]) -> int:
    """Run all parts until SIGTERM or SIGINT (returns 0), or until one of them ends (stops the others, returns 1).

    What a part prints is passed on. The last part's first line is held back until all are ready.
    """
    news: queue.SimpleQueue[_News] = queue.SimpleQueue()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: news.put(_News(None)))
    try:
        for part in parts:
            _start(part, environment, news)
        return _follow(parts, say, news)
    finally:
        _stop(parts)


def watch_parent() -> None:
    """Under a supervisor: stop this process when the supervisor is gone, however it went."""
    if os.environ.get(SUPERVISED):
        threading.Thread(target=_end_with_parent, name="parent", daemon=True).start()


def _start(part: Part, environment: Mapping[str, str], news: queue.SimpleQueue[_News]) -> None:
    part.process = subprocess.Popen(
        [sys.executable, "-m", "server.cli", *part.arguments],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8", errors="replace",
        env={**os.environ, **environment, SUPERVISED: "1"},
        start_new_session=True,  # Ctrl-C reaches the supervisor alone, which then stops its parts in order
    )
    threading.Thread(target=_listen, args=(part, news), name=part.name, daemon=True).start()


def _listen(part: Part, news: queue.SimpleQueue[_News]) -> None:
    assert part.process is not None
    assert part.process.stdout is not None
    for line in part.process.stdout:
        news.put(_News(part, line.rstrip("\n")))
    news.put(_News(part))


def _follow(parts: Sequence[Part], say: Callable[[str], object], news: queue.SimpleQueue[_News]) -> int:
    ready: dict[str, str] = {}
    while True:
        latest = news.get()
        if latest.part is None:
            return 0
        if latest.line is None:
            say(f"The process “{latest.part.name}” has ended; the others are stopped.")
            return 1
        first = latest.part.name not in ready
        ready.setdefault(latest.part.name, latest.line)
        if latest.part is not parts[-1] or not first:
            say(latest.line)
        if first and len(ready) == len(parts):
            say(ready[parts[-1].name])


def _stop(parts: Sequence[Part]) -> None:
    running = [part.process for part in parts if part.process is not None]
    for process in running:
        process.terminate()
    for process in running:
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        for pipe in (process.stdin, process.stdout):
            with contextlib.suppress(OSError):
                if pipe is not None:
                    pipe.close()


def _end_with_parent() -> None:
    with contextlib.suppress(OSError, ValueError):
        while os.read(0, 1024):
            continue
    os.kill(os.getpid(), signal.SIGTERM)
