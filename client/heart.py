"""The heart of a run: a beat a minute, which renews the lease and the storage's credentials."""
from __future__ import annotations

import threading
from collections.abc import Callable

from client.portal import PortalRun
from client.vaults import VaultAccess
from protocol.messages import Heartbeat
from vault.errors import BackupError


class Heart(threading.Thread):
    """Beats once a minute, so that the portal knows the run is alive and nobody else writes to the vault."""

    def __init__(
        self, run: PortalRun, access: VaultAccess, seconds: float, progress: Callable[[], Heartbeat]
    ) -> None:
        """Starts to beat each `seconds`; `progress` tells how far the run is."""
        super().__init__(name="heart", daemon=True)
        self._run, self._access, self._seconds, self._progress = run, access, seconds, progress
        self._ended = threading.Event()
        self._failure: BackupError | None = None
        self.start()

    def run(self) -> None:
        """Beats until `stop`; a refusal is kept for `check`."""
        while not self._ended.wait(self._seconds):
            try:
                self._access.renew(self._run.heartbeat(self._progress()).storage)
            except BackupError as error:
                self._failure = error
                return

    def check(self) -> None:
        """Raises what made a heartbeat fail."""
        if self._failure is not None:
            raise self._failure

    def stop(self) -> None:
        """No further beat."""
        self._ended.set()
