"""The vault as the portal describes it to this computer: keys, storage and the number of connections to it."""
from __future__ import annotations

import os
import time
from uuid import UUID

import msgspec

from protocol.messages import OpenedRun, RestoreAccess, StorageAccess
from vault.address import Pace, at_once
from vault.blobs import AES_GCM, CHACHA, CIPHERS
from vault.ftp import FtpAddress, FtpStorage, Profile
from vault.keys import NONCE, VaultKeys, derive_keys
from vault.storage import Storage

MOST_CONNECTIONS = 4
LONG_AGO = 86_400.0
"""Seconds after which no session counts as usable."""


class VaultAccess:
    """Opens the vault's storage; `renew` brings newer credentials for the connections that come after it."""

    def __init__(self, granted: OpenedRun | RestoreAccess, pace: Pace = at_once) -> None:
        """`pace` is asked before each block that is sent, and may take its time."""
        self._pace = pace
        self._skipped = 0.0
        self.vault = UUID(granted.vault)
        self.keys: VaultKeys = derive_keys(granted.vault_key, self.vault, granted.key_version)
        self.renew(granted.storage)

    def renew(self, access: StorageAccess) -> None:
        """Uses `access` from now on."""
        self._address = FtpAddress(**msgspec.structs.asdict(access.address))
        self._profile = Profile(**msgspec.structs.asdict(access.profile))

    def open(self) -> Storage:
        """A storage of its own for the calling thread; it connects with its first use."""
        return FtpStorage(self._address, str(self.vault), self._profile, clock=self._clock, pace=self._pace)

    def drop_sessions(self) -> None:
        """Every session that is open now is replaced before its next use, by whichever thread it belongs to."""
        self._skipped += LONG_AGO

    def _clock(self) -> float:
        return time.monotonic() + self._skipped

    @property
    def connections(self) -> int:
        """How many connections this computer may hold: the portal keeps one of those that the server allows."""
        return max(1, min(MOST_CONNECTIONS, self._profile.max_sessions - 1))


def choose_cipher() -> int:
    """The cipher that this processor does in hardware: AES-256-GCM, or ChaCha20-Poly1305 on old ones.

    Measured on 256 KiB within two milliseconds, since no interface tells it on every system.
    """
    sample = bytes(256 << 10)
    took = {}
    for number, kind in CIPHERS.items():
        cipher = kind(os.urandom(32))
        cipher.encrypt(NONCE, sample[:1024], None)
        begun = time.perf_counter()
        cipher.encrypt(NONCE, sample, None)
        took[number] = time.perf_counter() - begun
    return CHACHA if took[CHACHA] * 2 < took[AES_GCM] else AES_GCM
