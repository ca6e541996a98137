"""The words of a command: text for people, JSON for programs, a progress line on a terminal."""
from __future__ import annotations

import argparse
import json
import os
import sys
import threading
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any, Self

from client.events import (
    Event,
    FileSkipped,
    Finished,
    FolderMissing,
    Notice,
    Progress,
    as_fields,
    to_json,
)
from client.outcomes import DONE, DONE_WITH_SKIPPED

PEOPLE, JSON, EVENTS = "people", "json", "events"
REDRAW_SECONDS = 0.1
WIDTH = 78


def say(text: str) -> None:
    """A line on standard output; what it cannot spell is shown escaped."""
    _write(sys.stdout, text + "\n")


def complain(text: str) -> None:
    """A line on standard error."""
    _write(sys.stderr, text + "\n")


def say_json(value: object) -> None:
    """A value as one line of JSON on standard output."""
    say(json.dumps(value))


def _write(stream: Any, text: str) -> None:
    """Nothing where there is nobody to hear it: what the scheduler of Windows starts has no console and no streams."""
    if stream is None:
        return
    encoding = stream.encoding or "utf-8"
    stream.write(text.encode(encoding, "backslashreplace").decode(encoding))
    stream.flush()


def ask_secret(prompt: str) -> str:
    """A line of standard input; on a terminal it is asked for with `prompt` and not shown."""
    if sys.stdin.isatty():
        import getpass

        return getpass.getpass(prompt)
    return sys.stdin.buffer.readline(8192).decode("utf-8", "replace").rstrip("\r\n")


def drop_output() -> None:
    """The reader went away: what is said from now on goes nowhere, so that the job can go on."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in filter(None, (sys.stdout, sys.stderr)):
        try:
            stream.flush()
        except BrokenPipeError:
            os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


def shown(name: str) -> str:
    """A file name that can harm no terminal: control characters and undecodable bytes are escaped."""
    return "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in name)


def amount(size: int) -> str:
    """Bytes for people: 1.2 GB."""
    value = float(size)
    for unit in ("bytes", "kB", "MB", "GB"):
        if value < 1000:
            return f"{size} bytes" if unit == "bytes" else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.2f} TB"


def count(number: int, noun: str) -> str:
    """A number with its noun: 1 file, 2,000 files."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def moment(time_utc: datetime) -> str:
    """A time as the clock on this computer's wall shows it."""
    return time_utc.astimezone().strftime("%Y-%m-%d %H:%M")


def add_shapes(parser: argparse.ArgumentParser) -> None:
    """The options that say in which shape a job tells what it does."""
    shape = parser.add_mutually_exclusive_group()
    shape.add_argument("--json", action="store_true", help="print one JSON object at the end")
    shape.add_argument("--events", action="store_true", help="print one JSON line per event")


class Follower:
    """Shows a job's events in one of three ways; it is an Emit. A reader that goes away stops no job."""

    def __init__(
        self, mode: str, summary: Callable[[Finished], str], clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`mode` is PEOPLE, JSON or EVENTS; `summary` words the end for people."""
        self._mode = mode
        self._summary = summary
        self._clock = clock
        self._drawn_at = -REDRAW_SECONDS
        self._line = 0
        self._skipped = 0
        self._finished: Finished | None = None
        self._turn = threading.Lock()

    @classmethod
    def of(cls, arguments: argparse.Namespace, summary: Callable[[Finished], str]) -> Self:
        """As the options --json and --events of a command want it."""
        return cls(EVENTS if arguments.events else JSON if arguments.json else PEOPLE, summary)

    def __call__(self, event: Event) -> None:
        """Show an event; the end waits for `finish`, since a job may heal what it found by starting over."""
        with self._turn:
            self._skipped += isinstance(event, FileSkipped | FolderMissing)
            if isinstance(event, Finished):
                self._finished = event
            try:
                if self._mode == EVENTS:
                    say(to_json(event))
                elif self._mode == PEOPLE:
                    self._tell_person(event)
            except BrokenPipeError:
                drop_output()

    def finish(self) -> int:
        """Word the end of a job that was not broken off; the command's exit code."""
        self.clear()
        if self._finished is not None:
            self._conclude(self._finished)
        return DONE_WITH_SKIPPED if self._skipped else DONE

    def _conclude(self, finished: Finished) -> None:
        if self._mode == JSON:
            fields = as_fields(finished)
            del fields["event"]
            say_json(fields)
        elif self._mode == PEOPLE:
            say(self._summary(finished))
            if self._skipped:
                say(f"{self._skipped:,} skipped; “ibs-client log” lists them.")

    def clear(self) -> None:
        """Wipe the progress line."""
        if self._line:
            _write(sys.stderr, "\r" + " " * self._line + "\r")
            self._line = 0

    def _tell_person(self, event: Event) -> None:
        if isinstance(event, Progress):
            self._draw(event)
            return
        self.clear()
        if isinstance(event, FileSkipped | FolderMissing):
            complain(f"Skipped {shown(event.path)}: {event.reason} ({event.code})")
        elif isinstance(event, Notice):
            complain(event.text)

    def _draw(self, event: Progress) -> None:
        if sys.stderr is None or not sys.stderr.isatty() or self._clock() - self._drawn_at < REDRAW_SECONDS:
            return
        self._drawn_at = self._clock()
        text = f"{count(event.files, 'file')} · {amount(event.bytes)} · {amount(event.stored)} stored"
        room = WIDTH - len(text) - 3
        if event.current and room > 10:
            name = shown(event.current)
            text += " · " + (name if len(name) <= room else "…" + name[1 - room:])
        _write(sys.stderr, "\r" + text.ljust(self._line))
        self._line = len(text)
