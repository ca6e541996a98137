"""Ctrl-C and the system's request to end: the first one lets the job end in order, the second one breaks it off."""
from __future__ import annotations

import signal
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
