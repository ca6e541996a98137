"""Enrolment: signs this computer in once with an account's password and keeps the identity it is given."""
from __future__ import annotations

import contextlib
from pathlib import Path

from client import VERSION
from client.api.portal import Portal
from client.api.restore_access import save_public
from client.computer import hardware
from client.errors import AlreadyEnrolled, NotEnrolled, StoreDamaged
from client.store.activity import forget_unsent
from client.store.agenda import forget_portal
from client.store.documents import Tell
from client.store.settings import Identity, Journal, load_identity, load_journal, save_identity, save_journal
from client.system import WINDOWS_NAMES
from protocol.errors import PortalUntrusted
from protocol.messages import EnrolComputer, EnrolledComputer
from vault.errors import BackupError


def enrol(
    home: Path, portal: Portal, *, user: str = "", password: str = "", code: str = "", ca: str = "",
    again: bool = False, tell: Tell,
) -> EnrolledComputer:
    """Enrol this computer by `user` and `password`, or by a set-up `code`.

    The answer holds the recovery code, which is told only here.

    With `again`, an identity that is there already is replaced and the next backup goes to a new vault; until the
    portal has agreed, everything stays as it was. Raises
    AlreadyEnrolled without it, HomeUnusable before anything is sent when the store can't be written, and what
    Portal.enrol raises.
    """
    if not again:
        _refuse_second(home, tell)
    report = hardware.current_report(home)
    save_journal(home, load_journal(home, tell))
    answer = portal.enrol(EnrolComputer(
        user_name=user, password=password, set_up_code=code, client_version=VERSION, windows_names=WINDOWS_NAMES,
        hardware=report,
    ))
    identity = Identity(
        portal=portal.address, ca=ca, computer=answer.computer, vault=answer.vault, account=answer.account,
        customer_number=answer.customer_number, token=answer.token, windows_names=WINDOWS_NAMES,
    )
    save_journal(home, Journal())
    forget_unsent(home)
    save_identity(home, identity)
    save_public(home, identity)
    with contextlib.suppress(BackupError):  # the recovery code must come through; the next backup tells again
        hardware.remember_told(home, report)
    with contextlib.suppress(BackupError):
        forget_portal(home)
    return answer


def _refuse_second(home: Path, tell: Tell) -> None:
    try:
        known = load_identity(home, tell)
    except (NotEnrolled, StoreDamaged):
        return
    raise AlreadyEnrolled(portal=known.portal, computer=known.computer)


def read_authority(file: Path) -> str:
    """The text of a certificate authority's file; raises PortalUntrusted when it can't be read or holds none."""
    try:
        text = file.read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError) as error:
        raise PortalUntrusted(reason=f"the file {file} given with --ca can't be read") from error
    if "-----BEGIN CERTIFICATE-----" not in text:
        raise PortalUntrusted(reason=f"the file {file} given with --ca holds no certificate in PEM form")
    return text
