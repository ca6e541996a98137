"""The doctor: tries out what a server can do before vaults are kept on it, and says so in sentences.

The profile that comes out of an examination is what every later transfer obeys. Nothing outside a folder of the
doctor's own is touched; what the account may not delete again (about 1 MiB) stays there.
"""
from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from vault.address import FtpAddress, Profile, Timeouts
from vault.examination import Examination, Finding

__all__ = ["Diagnosis", "Finding", "examine"]


@dataclass(frozen=True)
class Diagnosis:
    """What an examination found. Rates are bytes per second; `pin` is the SHA-256 of the certificate seen."""

    profile: Profile
    findings: tuple[Finding, ...]
    usable: bool
    upload_rate: float = 0
    download_rate: float = 0
    pin: bytes | None = None

    @property
    def isolated(self) -> bool:
        """Whether a stolen password of this account could add to the storage but not destroy anything on it."""
        return self.profile.append_only


def examine(address: FtpAddress, *, idle_seconds: float = 60, timeouts: Timeouts = Timeouts(),  # noqa: B008 (frozen)
            sleep: Callable[[float], None] = time.sleep) -> Diagnosis:
    """Try out a server; takes a little more than `idle_seconds`. The base folder is made when it is missing.

    Raises StorageError when the server can't be reached or lets nobody in; a server that lacks what a storage needs
    is described in a Diagnosis that is not usable.
    """
    examination = Examination(address, timeouts, sleep)
    try:
        examination.sign_in()
        if examination.enter_base() and examination.store():
            examination.read()
            examination.try_names()
            examination.try_destruction()
            examination.count_sessions()
            examination.idle(idle_seconds)
            examination.rehearse()
    finally:
        examination.leave()
    return Diagnosis(examination.profile, tuple(examination.findings), examination.usable, examination.upload_rate,
                     examination.download_rate, examination.pin)
