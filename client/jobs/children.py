"""The client's own commands as processes of their own, followed to their end by whoever waits for them."""
from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from client.errors import Unexpected
from client.events import Emit, Failed, from_json
from client.jobs.cancellation import CANCEL_LINE
from client.outcomes import CANCELLED, DONE, DONE_WITH_SKIPPED
from client.system.spawn import spawn

ORDERLY_SECONDS = 30.0
"""So long a job may take to end in order; then it is ended however far it is."""


class JobStopped(Exception):
    """A job of ours ended without a result: its exit code, and its own words about it."""

    def __init__(self, code: int, failed: Failed) -> None:
        super().__init__(failed.sentence)
        self.code = code
        self.failed = failed


def own_command(home: Path, *words: str) -> list[str]:
    """What starts a command of this same program on the store `home`."""
    return [sys.executable, "-m", "client.cli", "--home", str(home), *words]


def run_job(home: Path, *words: str, emit: Emit) -> int:
    """Run a command with --events and pass its events on; DONE or DONE_WITH_SKIPPED.

    Raises JobStopped when it failed or was refused, KeyboardInterrupt when it was cancelled. If this process is asked
    to end, so is the job.
    """
    failed = Failed(Unexpected.code, "A part of it ended without a word.", "Begin again; what was stored is used.")
    with _started(own_command(home, words[0], "--events", *words[1:])) as (child, lines):
        for line in lines:
            event = from_json(line)
            if event is None:
                continue
            if isinstance(event, Failed):
                failed = event
            emit(event)
        code = child.wait()
    if code in {CANCELLED, -signal.SIGINT, -signal.SIGTERM}:
        raise KeyboardInterrupt
    if code not in {DONE, DONE_WITH_SKIPPED}:
        raise JobStopped(code, failed)
    return code


@contextlib.contextmanager
def _started(command: list[str]) -> Iterator[tuple[subprocess.Popen[bytes], IO[bytes]]]:
    """The process and its lines. It is asked to end, and waited for, when the body is left before its end.

    Ctrl-C reaches this process alone, which passes it on as a word that every system has: where there are no signals,
    ending a process means breaking it off.
    """
    child = spawn(command, stdin=subprocess.PIPE, apart=True)
    assert child.stdout is not None
    assert child.stdin is not None
    try:
        yield child, child.stdout
    except BaseException:
        if child.poll() is None:
            _end(child, child.stdin, child.stdout)
        raise
    finally:
        child.wait()
        child.stdout.close()
        with contextlib.suppress(OSError):
            child.stdin.close()


def _end(child: subprocess.Popen[bytes], asks: IO[bytes], lines: IO[bytes]) -> None:
    hard = threading.Timer(ORDERLY_SECONDS, child.terminate)
    hard.start()
    try:
        with contextlib.suppress(OSError):  # it has just ended
            asks.write(CANCEL_LINE)
            asks.flush()
        for _ in lines:  # or it would wait for somebody to read
            pass
        child.wait()
    finally:
        hard.cancel()
