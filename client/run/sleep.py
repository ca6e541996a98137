"""Sleep: how a run learns that the computer slept under it, by two clocks of which one stands still meanwhile."""
from __future__ import annotations

import time
from collections.abc import Callable

from client.system import awake_seconds

Clock = Callable[[], float]

LEAST = 60.0
"""Seconds that the wall clock must have run ahead: less may be a clock that was set right."""


class SleepWatch:
    """Asked now and then; tells how long the computer slept since it was asked last."""

    def __init__(self, wall: Clock = time.time, awake: Clock = awake_seconds) -> None:
        """`wall` goes on while the computer sleeps, `awake` does not; both count seconds."""
        self.wall, self.awake = wall, awake
        self._wall, self._awake = wall(), awake()

    def slept(self) -> float:
        """Seconds asleep, 0.0 when there were none; a wall clock that was set forward by more than a minute looks the
        same, and one that was set back is nothing."""
        wall, awake = self.wall(), self.awake()
        ahead = (wall - self._wall) - (awake - self._awake)
        self._wall, self._awake = wall, awake
        return ahead if ahead > LEAST else 0.0
