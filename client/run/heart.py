"""The heart of a run: a beat a minute, which renews the lease and the storage's credentials."""
from __future__ import annotations

import threading
from collections.abc import Callable

from client.api.portal import PortalRun
from client.api.vaults import VaultAccess
from client.run.sleep import SleepWatch
from protocol.messages import Heartbeat
from vault.errors import BackupError

LOOK_SECONDS = 5.0
"""A computer that woke up is noticed so soon, since its lease may be about to lapse."""


class Heart(threading.Thread):
    """Beats once a minute, so that the portal knows the run is alive and nobody else writes to the vault."""

    def __init__(
        self, run: PortalRun, access: VaultAccess, seconds: float, progress: Callable[[], Heartbeat], *,
        woke: Callable[[float], None] = lambda _: None, watch: SleepWatch | None = None, look: float = LOOK_SECONDS,
    ) -> None:
        """Starts to beat each `seconds`; `progress` tells how far the run is, `woke` hears how many seconds the
        computer slept. Every `look` seconds the `watch` is asked."""
        super().__init__(name="heart", daemon=True)
        self._run, self._access, self._seconds, self._progress = run, access, seconds, progress
        self._woke, self._watch, self._look = woke, watch or SleepWatch(), min(look, seconds)
        self._ended = threading.Event()
        self._failure: BackupError | None = None
        self.start()

    def run(self) -> None:
        """Beats until `stop`, and at once after a sleep; a refusal is kept for `check`."""
        beaten = self._watch.awake()
        while not self._ended.wait(self._look):
            slept = self._watch.slept()
            if slept:
                self._wake(slept)
            elif self._watch.awake() - beaten < self._seconds - self._look / 2:
                continue
            try:
                self._access.renew(self._run.heartbeat(self._progress()).storage)
            except BackupError as error:
                self._failure = error
                return
            beaten = self._watch.awake()

    def _wake(self, slept: float) -> None:
        """What was open when the computer fell asleep looks open still, and leads nowhere."""
        self._access.drop_sessions()
        self._run.drop_connections()
        self._woke(slept)

    def check(self) -> None:
        """Raises what made a heartbeat fail."""
        if self._failure is not None:
            raise self._failure

    def stop(self) -> None:
        """No further beat."""
        self._ended.set()
