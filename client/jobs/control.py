"""What people ask of a job while it runs: to pause, to go on, to end."""
from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator

from client.jobs.cancellation import Cancellation

LOOK_SECONDS = 0.2


class RunCancelled(Exception):
    """A person or the system stopped the run."""


class Control:
    """Is set by whoever hears people; is asked by every thread of the job before it reads or sends something."""

    def __init__(self, cancelled: Cancellation | None = None) -> None:
        """`cancelled` is an event that signals set, too."""
        self.cancelled = cancelled or Cancellation()
        self._going = threading.Event()
        self._going.set()
        self.limit: Callable[[int], None] | None = None
        """Waits until so many bytes may be sent; None without a speed limit."""

    @property
    def paused(self) -> bool:
        """True while the job is to do nothing."""
        return not self._going.is_set()

    def pause(self) -> bool:
        """From now on nothing is read or sent. False when that was so already."""
        changed = not self.paused
        self._going.clear()
        return changed

    def resume(self) -> bool:
        """Go on. False when there was no pause."""
        changed = self.paused
        self._going.set()
        return changed

    def check(self) -> None:
        """Between two steps of something that can't be broken off itself: raises RunCancelled."""
        if self.cancelled.is_set():
            raise RunCancelled

    def wait(self, look: Callable[[], None] | None = None) -> None:
        """Returns at once, or when the pause is over or the job is to end; `look` is called now and then meanwhile."""
        while not self._going.wait(LOOK_SECONDS) and not self.cancelled.is_set():
            if look is not None:
                look()

    @contextlib.contextmanager
    def watched(self, break_off: Callable[[], None]) -> Iterator[None]:
        """While the body runs, `break_off` is called from a thread of its own as soon as the job is to end."""
        over = threading.Event()

        def watch() -> None:
            while not over.is_set():
                if self.cancelled.wait(LOOK_SECONDS):
                    break_off()
                    return

        threading.Thread(target=watch, name="cancel", daemon=True).start()
        try:
            yield
        finally:
            over.set()

    def pace(self, size: int) -> None:
        """As `wait`, for a transfer that has `size` bytes to send next."""
        if self.limit is not None:
            self.limit(size)
        if self.paused:  # asked last, since the limit may have taken its time
            self.wait()
