"""Ctrl-C and the system's request to end: the first one lets the job end in order, the second one breaks it off.

A window ends a job that it follows by a word on its standard input, which every system has.
"""
from __future__ import annotations

import os
import signal
import threading
from types import FrameType

CANCEL_LINE = b"cancel\n"


class Cancellation(threading.Event):
    """Is set when the job is to end; `by_system` when it was the system that wanted it, as when it shuts down."""

    by_system = False

    def end(self, *, by_system: bool) -> None:
        """Set it. Whoever wanted the end first is remembered."""
        if not self.is_set():
            self.by_system = by_system
            self.set()


def cancel_by_signal() -> Cancellation:
    """The event that is set when a person or the system wants the job to end. For the main thread only."""
    cancelled = Cancellation()

    def ask_to_end(number: int, _: FrameType | None) -> None:
        if cancelled.is_set():
            raise KeyboardInterrupt
        cancelled.end(by_system=number == signal.SIGTERM)

    signal.signal(signal.SIGINT, ask_to_end)
    signal.signal(signal.SIGTERM, ask_to_end)
    return cancelled


def read_word_line() -> bytes:
    """A line of standard input, and nothing of what follows it."""
    line = bytearray()
    while (sign := os.read(0, 1)) not in {b"", b"\n"}:
        line += sign
    return bytes(line)


def cancel_by_word(cancelled: threading.Event) -> None:
    """From now on a line “cancel” on standard input sets `cancelled`; its end means nothing."""

    def listen() -> None:
        heard = b""
        while CANCEL_LINE not in heard:
            try:
                block = os.read(0, 256)  # not by sys.stdin, whose lock a thread may not hold when the process ends
            except OSError:
                return
            if not block:
                return
            heard = heard[-256:] + block
        cancelled.set()

    threading.Thread(target=listen, name="cancel-word", daemon=True).start()
