"""The session behind a FtpStorage: opened when it is needed, replaced when it grew old, idle or unreliable."""
from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from vault.address import FtpAddress, Pace, Profile, Timeouts, at_once
from vault.errors import StorageFull, StorageSilent, TooManyConnections, TransferFailed

if TYPE_CHECKING:
    from vault.sessions import Session

MOST_BYTES = 4 << 30
"""A session is replaced after 4 GiB, before TLS has to renew its keys."""

T = TypeVar("T")


class Connection:
    """At most one session at a time. ftplib and ftputil are imported with the first one."""

    def __init__(self, address: FtpAddress, profile: Profile, timeouts: Timeouts, clock: Callable[[], float],
                 sleep: Callable[[float], None], pace: Pace = at_once) -> None:
        self.address, self.profile, self.timeouts = address, profile, timeouts
        self.session: Session | None = None
        self._clock, self._sleep, self._pace = clock, sleep, pace
        self._opened = self._used = 0.0

    def repeat(self, name: str, action: Callable[[Session], T]) -> T:
        """As `once`; again on a fresh session when one that was open already turns out to be dead."""
        open_before = self.session is not None
        try:
            return self.once(name, action)
        except TransferFailed:
            if not open_before:
                raise
            self.close()
            return self.once(name, action)

    def once(self, name: str, action: Callable[[Session], T]) -> T:
        """What `action` returns; raises StorageErrors only. `name` is what the action is about."""
        session = self._connected()
        from vault.failures import translated
        try:
            with translated(name):
                return action(session)
        except (TransferFailed, StorageSilent, StorageFull):
            session.discard()
            raise
        finally:
            self._used = self._clock()
            if session.dead or self.profile.max_sessions <= 1:  # a single connection is shared in turns
                self.close()

    def close(self) -> None:
        """End the session; the next call opens another."""
        session, self.session = self.session, None
        if session is not None:
            session.close()

    def _connected(self) -> Session:
        now = self._clock()
        idle = min(self.timeouts.idle, self.profile.idle_limit or self.timeouts.idle)
        if self.session is not None and (now - self._used > idle or now - self._opened > self.timeouts.age
                                         or self.session.moved > MOST_BYTES):
            self.close()
        if self.session is None:
            self.session = self._open(now + self.timeouts.crowded)
            self.session.pace = self._pace
            self._opened = self._clock()
        return self.session

    def _open(self, until: float) -> Session:
        from vault.sessions import open_session
        pause = 0.1
        while True:
            try:
                return open_session(self.address, self.profile, self.timeouts)
            except TooManyConnections:
                if self.profile.max_sessions > 1 or self._clock() + pause > until:
                    raise
                self._sleep(pause * (1 + secrets.randbelow(100) / 100))
                pause = min(pause * 2, 2)
