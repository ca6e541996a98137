"""Sleep on Windows: a run keeps the computer awake, and time awake is told from time asleep."""
from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator

from client.system.windows.calls import Calls, native

CONTINUOUS, SYSTEM_REQUIRED = 0x80000000, 0x1


@contextlib.contextmanager
def stay_awake(calls: Calls | None = None) -> Iterator[None]:
    """While the body runs, the computer does not fall asleep by itself; closing its lid still sends it to sleep.

    The request belongs to a thread and ends with it, so a thread of its own lives as long as the body. On battery a
    PC with modern standby may drop the request: a run must get along with sleep in any case.
    """
    system, ended = calls or native(), threading.Event()

    def request() -> None:
        with contextlib.suppress(OSError):  # without it the run is only more likely to be interrupted
            system.set_execution_state(CONTINUOUS | SYSTEM_REQUIRED)
            ended.wait()
            system.set_execution_state(CONTINUOUS)

    thread = threading.Thread(target=request, name="stay awake", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def awake_seconds(calls: Calls | None = None) -> float:
    """Seconds since the start of the system, without those asleep. Python's monotonic clock counts these before 3.13,
    so it can't tell that the computer slept."""
    return (calls or native()).awake_seconds()
