"""Addresses of FTP servers on their way to become storages: tried out first, saved only when they work."""
from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, func, select

from protocol.errors import NotFound
from server.config import Config
from server.extensions import db
from server.models import Storage, Vault
from server.services.house import audit
from server.services.house.refusals import ValueRefused
from server.services.house.versions import check_version, note_change
from server.services.storage.certificates import pin_of
from server.services.storage.sealing import open_password, seal_password
from server.services.storage.storage_checks import StillChecking, is_checking
from server.services.storage.storages import DRAFT, FTP, check_name, choose_default
from vault.address import FtpAddress
from vault.errors import CertificateRejected, StorageUnsuitable

KEPT_FOR = timedelta(days=1)
ADDRESS_FIELDS = ("host", "port", "user", "base", "tls", "pin", "ca")


@dataclass(frozen=True)
class Wanted:
    """An address as it was typed; an empty password means the one before."""

    host: str
    port: int
    user: str
    password: str
    base: str
    tls: bool


def begin(wanted: Wanted, config: Config, now: datetime, *, actor: str) -> Storage:
    """A draft of a new storage, to be checked at once. Raises UnsafeName, StorageUnsuitable, ValueRefused."""
    return _begun(wanted, None, config, now, actor)


def begin_replacement(storage: Storage, wanted: Wanted, config: Config, now: datetime, *, actor: str) -> Storage:
    """A draft of another address for a storage; without a password it keeps its own."""
    if not wanted.password:
        wanted = replace(wanted, password=open_password(config.secrets.kek, storage.name, storage.password_sealed))
    return _begun(wanted, storage, config, now, actor)


def readdress(draft: Storage, wanted: Wanted, config: Config, now: datetime) -> None:
    """Another try with a corrected address. Raises UnsafeName, StorageUnsuitable, ValueRefused."""
    if not wanted.password:
        wanted = replace(wanted, password=open_password(config.secrets.kek, draft.name, draft.password_sealed))
    same_server = (draft.host, draft.port, draft.tls) == (wanted.host, wanted.port, wanted.tls)
    _write(draft, wanted, config, pin=draft.pin if same_server else None)
    _ask_again(draft, now)
    db.session.commit()


def trust(draft: Storage, fingerprint: str, now: datetime) -> None:
    """Trust the certificate that the server showed, and no other, and check again.

    `fingerprint` is what the administrator was shown; another one by now is refused. Raises CertificateRejected.
    """
    pin = pin_of(draft.seen) if draft.seen else b""
    if not pin or not hmac.compare_digest(pin.hex(), fingerprint):
        raise CertificateRejected(host=draft.host, reason="it shows another certificate by now; look at it again")
    draft.pin = pin
    _ask_again(draft, now)
    db.session.commit()


def check_again(draft: Storage, now: datetime) -> None:
    """The same once more."""
    _ask_again(draft, now)
    db.session.commit()


def save_as_new(draft: Storage, name: str, capacity: int | None, default: bool, config: Config, now: datetime, *,
                actor: str, address: str = "") -> Storage:
    """Make a draft that works a storage. Raises StillChecking, StorageUnsuitable, NameInUse, ValueRefused."""
    _must_work(draft)
    check_name(name, besides=draft.id)
    password = open_password(config.secrets.kek, draft.name, draft.password_sealed)
    draft.name, draft.kind, draft.capacity = name, FTP, capacity
    draft.password_sealed = seal_password(config.secrets.kek, name, password)
    choose_default(draft, default)
    note_change(draft, actor, now)
    audit.record(actor, "added a storage", name, detail=f"{draft.host}:{draft.port}", address=address, now=now)
    db.session.commit()
    return draft


def save_as_replacement(draft: Storage, version: int | None, config: Config, now: datetime, *, actor: str,
                        address: str = "") -> Storage:
    """Give the storage the draft's address. Raises StillChecking, StorageUnsuitable, EditedMeanwhile, NotFound."""
    _must_work(draft)
    storage = db.session.get(Storage, draft.replaces_id or 0)
    if storage is None:
        raise NotFound(what="such storage")
    check_version(storage, version)
    before = _shown(storage)
    password = open_password(config.secrets.kek, draft.name, draft.password_sealed)
    for field in (*ADDRESS_FIELDS, "profile", "findings", "checked_at"):
        setattr(storage, field, getattr(draft, field))
    storage.password_sealed = seal_password(config.secrets.kek, storage.name, password)
    storage.problem_code, storage.problem, storage.problem_since, storage.seen = "", "", None, None
    note_change(storage, actor, now)
    db.session.delete(draft)
    audit.record(actor, "changed a storage's address", storage.name, address=address, now=now, before=before,
                 after=_shown(storage))
    db.session.commit()
    return storage


def find_draft(number: int) -> Storage:
    """The draft with this id. Raises NotFound."""
    draft = db.session.get(Storage, number)
    if draft is None or draft.kind != DRAFT:
        raise NotFound(what="such storage")
    return draft


def discard(draft: Storage) -> None:
    """Give a draft up."""
    db.session.delete(draft)
    db.session.commit()


def forget_old_drafts(now: datetime) -> None:
    """Remove drafts that nobody finished for a day."""
    db.session.execute(delete(Storage).where(Storage.kind == DRAFT, Storage.changed_at < now - KEPT_FOR))
    db.session.commit()


def works(draft: Storage) -> bool:
    """Whether the last check is over and found that it can be used."""
    return not is_checking(draft) and draft.checked_at is not None and not draft.problem_code


def vault_count(storage_id: int) -> int:
    """How many vaults lie on a storage."""
    return db.session.scalar(select(func.count()).where(Vault.storage_id == storage_id)) or 0


def _begun(wanted: Wanted, replaced: Storage | None, config: Config, now: datetime, actor: str) -> Storage:
    draft = Storage(name=f"draft {secrets.token_hex(16)}", kind=DRAFT, changed_by=actor[:255])
    draft.replaces_id = replaced.id if replaced else None
    same_server = replaced is not None and (replaced.host, replaced.port) == (wanted.host, wanted.port)
    _write(draft, wanted, config, pin=replaced.pin if replaced and same_server else None)
    if replaced is not None and same_server:
        draft.ca = replaced.ca
    _ask_again(draft, now)
    db.session.add(draft)
    db.session.commit()
    return draft


def _write(draft: Storage, wanted: Wanted, config: Config, *, pin: bytes | None) -> None:
    if not wanted.password:
        raise ValueRefused(field="password", reason="it must not be empty")
    address = FtpAddress(wanted.host, wanted.port, wanted.user, wanted.password, wanted.base, tls=wanted.tls,
                         pin=pin if wanted.tls else None)
    draft.host, draft.port, draft.user, draft.base = address.host, address.port, address.user, address.base
    draft.tls, draft.pin, draft.ca = address.tls, address.pin, None
    draft.password_sealed = seal_password(config.secrets.kek, draft.name, address.password)


def _ask_again(draft: Storage, now: datetime) -> None:
    draft.check_asked_at = draft.changed_at = now
    draft.problem_code, draft.problem, draft.problem_since = "", "", None
    draft.findings, draft.seen = [], None


def _must_work(draft: Storage) -> None:
    db.session.refresh(draft, with_for_update=True)
    if is_checking(draft):
        raise StillChecking
    if not works(draft):
        raise StorageUnsuitable(reason="see what was found")


def _shown(storage: Storage) -> dict[str, Any]:
    """What the audit trail may keep of an address: everything but the password."""
    pin = storage.pin.hex() if storage.pin else ""
    return {"host": storage.host, "port": storage.port, "user": storage.user, "base": storage.base,
            "tls": storage.tls, "pin": pin}
