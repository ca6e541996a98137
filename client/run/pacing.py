"""The speed limit of a run: a bucket of bytes that fills with time, shared by all its connections."""
from __future__ import annotations

import threading
import time
from collections.abc import Callable

SLICE = 0.25
"""Seconds after which a wait looks at the limit again, and the most that a quiet line saves up for."""


class SpeedLimiter:
    """Calling it with a number of bytes returns when they may be sent; several threads take their turn."""

    def __init__(
        self, rate: Callable[[], int | None], *, clock: Callable[[], float] = time.monotonic,
        wait: Callable[[float], object] = time.sleep,
    ) -> None:
        """`rate` tells the limit in bytes a second whenever it is asked, None for none. `wait` sleeps; when it returns
        True, nobody minds the limit any longer, as the run is to end."""
        self._rate, self._clock, self._wait = rate, clock, wait
        self._turn = threading.Lock()
        self._credit = 0.0
        self._filled_at = clock()

    def __call__(self, size: int) -> None:
        """Take `size` bytes out of the bucket, and wait while it is in debt."""
        with self._turn:
            rate = self._fill()
            self._credit -= size
            while rate is not None and self._credit < 0:
                if self._wait(min(-self._credit / rate, SLICE)) is True:
                    return
                rate = self._fill()

    def _fill(self) -> int | None:
        """Adds what the time since the last look allows; without a limit, the bucket is forgotten."""
        now, rate = self._clock(), self._rate()
        passed, self._filled_at = now - self._filled_at, now
        self._credit = 0.0 if rate is None else min(self._credit + passed * rate, SLICE * rate)
        return rate
