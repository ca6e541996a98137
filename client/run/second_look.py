"""The second look: are the packs of the run before still there, at their size?

A storage that lost power may have confirmed what it never kept (docs/vault-format.md, section 9).
"""
from __future__ import annotations

import contextlib
import random
import threading
from collections.abc import Callable, Sequence

from client.events import Emit, Notice
from protocol.messages import DamageConfirmed, PackRecord, ReportDamage
from vault.errors import BackupError
from vault.layout import pack_name
from vault.storage import Storage

LOOK_ALL, LOOK_LAST = 64, 32
"""Packs that are asked for: all up to 64, else the last 32 and 32 drawn at random."""


class PacksTorn(BackupError):
    """{packs} of the packs that were sent before the computer slept did not reach the storage whole."""

    code = "IBS-5105"
    hint = "The backup starts over by itself; what was stored is reused."


class SecondLook(threading.Thread):
    """Looks beside the scan, or at once when only one connection is allowed; `damaged` counts what the portal
    confirmed."""

    def __init__(
        self,
        packs: Sequence[PackRecord],
        open_storage: Callable[[], Storage],
        report: Callable[[ReportDamage], DamageConfirmed],
        emit: Emit,
        *,
        beside: bool,
    ) -> None:
        """`report` asks the portal to look itself at packs that seem damaged."""
        super().__init__(name="second look", daemon=True)
        self._packs = list(packs)
        if len(packs) > LOOK_ALL:
            self._packs = [*packs[-LOOK_LAST:], *random.sample(packs[:-LOOK_LAST], LOOK_LAST)]
        self._open_storage, self._report, self._emit = open_storage, report, emit
        self.damaged = 0
        if beside:
            self.start()
        else:
            self.run()

    def run(self) -> None:
        """Asks for every pack; a storage that can't be asked is not a reason to fail."""
        if not self._packs:
            return
        storage = self._open_storage()
        try:
            sizes = storage.sizes([pack_name(pack.number, pack.sha256) for pack in self._packs])
            wrong = tuple(
                pack.number for pack, size in zip(self._packs, sizes, strict=True) if size != pack.size
            )
            if wrong and self._report(ReportDamage(packs=wrong)).ids:
                self.damaged += len(wrong)
        except BackupError as error:
            self._emit(Notice(f"Earlier packs could not be looked at: {error.sentence}", error.code))
        finally:
            with contextlib.suppress(BackupError):
                storage.close()

    def look_again(self, packs: Sequence[PackRecord]) -> None:
        """Looks, in the calling thread, at packs of this run that were sent before a sleep. Raises PacksTorn."""
        before = self.wait()
        self._packs = list(packs)
        self.run()
        if self.damaged > before:
            raise PacksTorn(packs=self.damaged - before, damaged=self.damaged)

    def wait(self) -> int:
        """How many packs are damaged."""
        if self.ident is not None:
            self.join()
        return self.damaged
