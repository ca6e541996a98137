"""The client's window with a probe in it: a timer that notes how late it is called while a backup runs.

python -m bench.window_probe HOME opens the window, starts a backup as its button does, and prints the figures.
"""
from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path

from client.events import Failed, Finished
from client.gui.app import Window

EVERY_MS = 10
SETTLE_MS = 3000


class Probe:
    """Asks Tk for a call every 10 ms; what comes later than that, a person's click would have waited, too."""

    def __init__(self, window: Window) -> None:
        """Begins when the window has come to rest."""
        self.window = window
        self.late: list[float] = []
        self.finished: Finished | None = None
        self.failed = ""
        self._due = 0.0
        window.after(SETTLE_MS, self._begin)

    def _begin(self) -> None:
        page = self.window.page
        assert page is not None
        forward = page.update_from

        def listen(events: object) -> None:
            for event in events:  # type: ignore[attr-defined]
                if isinstance(event, Finished):
                    self.finished = event
                elif isinstance(event, Failed):
                    self.failed = event.sentence
            forward(events)  # type: ignore[arg-type]

        page.update_from = listen  # type: ignore[method-assign]
        self.began = time.monotonic()
        self.window.runner.start("backup")
        self._due = time.monotonic() + EVERY_MS / 1000
        self.window.after(EVERY_MS, self._tick)

    def _tick(self) -> None:
        now = time.monotonic()
        self.late.append(now - self._due)
        if not self.window.runner.running and (self.finished or self.failed):
            self.took = now - self.began
            self.window.close()
            return
        self._due = time.monotonic() + EVERY_MS / 1000
        self.window.after(EVERY_MS, self._tick)


def main() -> int:
    """Open, back up, tell."""
    window = Window(Path(sys.argv[1]))
    probe = Probe(window)
    window.mainloop()
    if probe.finished is None:
        print(probe.failed or "no backup was made", file=sys.stderr)
        return 1
    late = sorted(probe.late)
    print(json.dumps({
        "calls": len(late), "median_ms": late[len(late) // 2] * 1000, "p99_ms": late[len(late) * 99 // 100] * 1000,
        "worst_ms": late[-1] * 1000, "wall": probe.took, "seconds": probe.finished.seconds,
        "files": probe.finished.files, "skipped": probe.finished.skipped,
        "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    }))
    return 0


if __name__ == "__main__":
    sys.exit(main())
