"""How many bytes each vault holds on the bundled storage, and whether more may come."""
from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError

ALLOWANCE_SECONDS = 10.0
REFUSAL_SECONDS = 1.0
"""So old may an answer be that turns an upload away."""
RECOUNT_SECONDS = 3600.0
PACKS = "p"
SPARE = 16 * 1024 * 1024

log = logging.getLogger("ibs.storage")


@dataclass
class _Usage:
    lock: threading.Lock = field(default_factory=threading.Lock)
    packs: int = 0
    rest: int = 0
    allowed: int = 0
    counted_at: float | None = None
    asked_at: float | None = None


class SpaceLedger:
    """The bytes of every vault that was asked for. May be called from several threads.

    Packs may take what the subscription allows. Manifests, commits and keys may take an eighth and 16 MiB beyond it,
    so that a run whose packs just fit can always be completed.
    """

    def __init__(self, folder: Path, allowance: Callable[[str], int],
                 clock: Callable[[], float] = time.monotonic) -> None:
        """`folder` holds one folder for each vault; `allowance` says how many bytes of packs a vault may hold."""
        self._folder = folder
        self._allowance = allowance
        self._clock = clock
        self._vaults: dict[str, _Usage] = {}
        self._lock = threading.Lock()

    def reserve(self, vault: str, step: str, amount: int) -> bool:
        """Count `amount` bytes below the top-level folder `step` if they fit; False, uncounted, if they don't."""
        usage = self._usage(vault)
        with usage.lock:
            self._bring_up_to_date(vault, usage)
            if not _fits(usage, step, amount):
                self._ask(vault, usage, REFUSAL_SECONDS)  # more space may have been bought a moment ago
                if not _fits(usage, step, amount):
                    return False
            if step == PACKS:
                usage.packs += amount
            else:
                usage.rest += amount
        return True

    def release(self, vault: str, step: str, amount: int) -> None:
        """Take back `amount` bytes that were reserved and are not, or no longer, stored."""
        usage = self._usage(vault)
        with usage.lock:
            if step == PACKS:
                usage.packs = max(usage.packs - amount, 0)
            else:
                usage.rest = max(usage.rest - amount, 0)

    def _usage(self, vault: str) -> _Usage:
        with self._lock:
            return self._vaults.setdefault(vault, _Usage())

    def _bring_up_to_date(self, vault: str, usage: _Usage) -> None:
        now = self._clock()
        if usage.counted_at is None or now - usage.counted_at > RECOUNT_SECONDS:  # the portal deletes on its own
            usage.packs = _bytes_below(self._folder / vault / PACKS)
            usage.rest = _bytes_below(self._folder / vault) - usage.packs
            usage.counted_at = now
        self._ask(vault, usage, ALLOWANCE_SECONDS)

    def _ask(self, vault: str, usage: _Usage, seconds: float) -> None:
        """Ask for the allowance unless the last answer is younger than `seconds`."""
        now = self._clock()
        if usage.asked_at is None or now - usage.asked_at > seconds:
            usage.asked_at = now
            try:
                usage.allowed = self._allowance(vault)
            except SQLAlchemyError:  # the last answer holds; a vault that was never asked for gets no space
                log.exception("The quota of vault %s could not be read", vault)


def _fits(usage: _Usage, step: str, amount: int) -> bool:
    if step == PACKS:
        return usage.packs + amount <= usage.allowed
    return usage.packs + usage.rest + amount <= usage.allowed + usage.allowed // 8 + SPARE


def _bytes_below(folder: Path) -> int:
    total = 0
    for path, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.lstat(os.path.join(path, name)).st_size
            except FileNotFoundError:  # renamed or removed by another connection in the meantime
                continue
    return total
