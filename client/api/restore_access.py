"""A person's own access to the backups of a computer whose client is installed for everybody.

The computer's token is kept from its users, so that none of them can back up or read what is others'. Who has the
account's password signs in for half a day and may look and restore, with no more rights on the disk than their own.
`access.xml` of the store says whom to ask; the token lies in the person's own folder.
"""
from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from xml.etree.ElementTree import Element, SubElement

from client.api.portal import Portal
from client.errors import AccessKept, HomeUnusable
from client.store import documents
from client.store.settings import Identity
from protocol.messages import SignIn
from vault.errors import BackupError

PUBLIC = "access.xml"
TOKEN = "restore-access.xml"


def save_public(home: Path, identity: Identity) -> None:
    """Write down what is no secret of an identity, for those who may read the store but not the rest of that."""
    documents.write(home / PUBLIC, _render(replace(identity, token="")), keep=False)


def sign_in(home: Path, user: str, password: str, now: datetime) -> datetime:
    """Get and keep a token for this person; until when it is good. Raises AccessKept where nothing says whom to ask,
    and what the portal raises."""
    public = _read(home / PUBLIC)
    if public is None:
        raise AccessKept
    portal = Portal(public.portal, ca=public.ca)
    try:
        answer = portal.sign_in(SignIn(user_name=user or public.account, password=password, computer=public.computer))
    finally:
        portal.close()
    root = _render(replace(public, token=answer.token))
    root.set("until", answer.until.isoformat())
    documents.write(personal_state() / TOKEN, root, keep=False)
    return answer.until


def load_access(home: Path, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> Identity | None:
    """The identity with this person's own token; None when there is none, or when it has lapsed."""
    public, own = _read(home / PUBLIC), _read(personal_state() / TOKEN, clock())
    if public is None or own is None or own.computer != public.computer or own.portal != public.portal:
        return None
    return own


def personal_state() -> Path:
    """The folder for what this person, and nobody else, needs between two windows; made when it is missing."""
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData/Local")
    else:
        base = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local/state")
    folder = base / "ibs-window"
    try:
        folder.mkdir(parents=True, mode=0o700, exist_ok=True)
    except OSError as error:
        raise HomeUnusable(home=folder, reason=error.strerror or error) from error
    return folder


def _render(identity: Identity) -> Element:
    root = Element("access", {
        "portal": identity.portal, "computer": identity.computer, "vault": identity.vault,
        "account": identity.account, "customer": identity.customer_number,
        "names": "windows" if identity.windows_names else "linux",
    })
    SubElement(root, "ca").text = identity.ca
    SubElement(root, "token").text = identity.token
    return root


def _read(path: Path, now: datetime | None = None) -> Identity | None:
    try:
        root = documents.read(path, "access", lambda _: None)
        if root is None or (now is not None and datetime.fromisoformat(root.get("until", "")) <= now):
            return None
    except (BackupError, ValueError):
        return None
    return Identity(
        portal=root.get("portal", ""), ca=(root.findtext("ca") or "").strip(), computer=root.get("computer", ""),
        vault=root.get("vault", ""), account=root.get("account", ""), customer_number=root.get("customer", ""),
        token=root.findtext("token") or "", windows_names=root.get("names") == "windows",
    )
