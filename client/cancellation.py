"""Ctrl-C and the system's request to end: the first one lets the job end in order, the second one breaks it off.

A window ends a job that it follows by a word on its standard input, which every system has.
"""
from __future__ import annotations

import os
import signal
import sys
import threading
from types import FrameType


def cancel_by_signal() -> threading.Event:
    """The event that is set when a person or the system wants the job to end. For the main thread only."""
    cancelled = threading.Event()

    def ask_to_end(*_: int | FrameType | None) -> None:
        if cancelled.is_set():
            raise KeyboardInterrupt
        cancelled.set()

    signal.signal(signal.SIGINT, ask_to_end)
    signal.signal(signal.SIGTERM, ask_to_end)
    return cancelled


def cancel_by_word(cancelled: threading.Event) -> None:
    """From now on a line “cancel” on standard input sets `cancelled`; its end means nothing."""
    if sys.stdin is None or sys.stdin.closed:
        return

    def listen() -> None:
        heard = b""
        while b"cancel\n" not in heard:
            try:
                block = os.read(0, 256)  # not by sys.stdin, whose lock a thread may not hold when the process ends
            except OSError:
                return
            if not block:
                return
            heard = heard[-256:] + block
        cancelled.set()

    threading.Thread(target=listen, name="cancel-word", daemon=True).start()
