"""Checking storages: when somebody asks for it, and each of them once a week. It takes long, so the worker does it."""
from __future__ import annotations

import dataclasses
import logging
import os
import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from sqlalchemy import and_, or_, select

from server.config import Config
from server.database import begin_reading
from server.extensions import db
from server.models import Storage, Vault
from server.services.house import audit
from server.services.storage.certificates import pem_of, pin_of
from server.services.storage.storages import (
    DRAFT,
    FTP,
    GATEWAY,
    address_of,
    certificate_pin,
    examine_server,
    vault_folder_of,
)
from vault.address import FtpAddress, Profile
from vault.certificates import shown_certificate
from vault.doctor import Finding
from vault.errors import BackupError, CertificateRejected, StorageError, StorageUnsuitable
from vault.layout import VAULT_FILE

CHECK_EVERY = timedelta(days=7)
TRY_AGAIN = timedelta(hours=1)
"""So long after a check that could not be made, the next one is."""
NEARLY_FULL = 0.9
SAMPLE = 3
log = logging.getLogger("ibs.storage")


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What a check found. Without `profile` the storage keeps the one it has; `problem` says why it can't be used."""

    findings: tuple[Finding, ...] = ()
    profile: Profile | None = None
    problem: BackupError | None = None
    seen: str | None = None


class VaultsElsewhere(StorageUnsuitable):
    """The vaults of this storage aren't at the new address: {name} is not there. Nothing was changed."""

    code = "IBS-1323"
    hint = "Move the vaults' folders to the new server first, or correct its base folder, then check again."


class StillChecking(StorageError):
    """This address is still being checked. Nothing was changed."""

    code = "IBS-1324"
    hint = "Wait for the result; it takes a little more than a minute."


def ask_for_check(storage: Storage, now: datetime, *, actor: str, address: str = "") -> None:
    """Let the worker check a storage as soon as it can. Asking again while it waits changes nothing."""
    if not is_checking(storage):
        storage.check_asked_at = now
        audit.record(actor, "asked for a storage's check", storage.name, address=address, now=now)
    db.session.commit()


def is_checking(storage: Storage) -> bool:
    """Whether a check was asked for and has not ended yet."""
    asked, checked = storage.check_asked_at, storage.checked_at
    return asked is not None and (checked is None or checked < asked)


def check_asked_and_due(config: Config, *, clock: Callable[[], datetime] = lambda: datetime.now(UTC),
                        idle_seconds: float = 60) -> int:
    """Check the storages for which somebody asked, then those not checked for a week; how many."""
    done: set[int] = set()
    while (number := _next(clock(), done)) is not None:
        storage = db.session.get_one(Storage, number)
        done.add(number)
        check_storage(storage, config, clock=clock, idle_seconds=idle_seconds)
    return len(done)


def check_storage(storage: Storage, config: Config, *, clock: Callable[[], datetime] = lambda: datetime.now(UTC),
                  idle_seconds: float = 60) -> None:
    """Check a storage and note what was found. One that fails keeps its profile; staff see what is wrong.

    The moment noted is the one at which the check began: what was asked for meanwhile is checked again.
    """
    begun, number = clock(), storage.id
    outcome = _examine_gateway(config) if storage.kind == GATEWAY else _examine(storage, config, idle_seconds)
    fresh = db.session.get(Storage, number, with_for_update=True, populate_existing=True)
    if fresh is not None:  # a draft may have been given up meanwhile
        _note(fresh, outcome, begun, clock())
    db.session.commit()


def _next(now: datetime, done: set[int]) -> int | None:
    begin_reading(db.session())
    asked = and_(Storage.check_asked_at.is_not(None),
                 or_(Storage.checked_at.is_(None), Storage.checked_at < Storage.check_asked_at))
    failed = and_(Storage.problem_code != "", Storage.checked_at <= now - TRY_AGAIN)
    due = and_(Storage.kind == FTP, or_(Storage.checked_at.is_(None), Storage.checked_at <= now - CHECK_EVERY, failed))
    number: int | None = db.session.scalar(
        select(Storage.id).where(or_(asked, due), Storage.id.not_in(done)).order_by((~asked), Storage.id).limit(1))
    db.session.commit()
    return number


def _examine(storage: Storage, config: Config, idle_seconds: float) -> Outcome:
    try:
        address = address_of(storage, config)
        samples = _sample(storage)
        db.session.commit()  # no transaction stays open while the server is examined
        diagnosis = examine_server(address, idle_seconds=idle_seconds)
        if not diagnosis.usable:
            return Outcome(diagnosis.findings, problem=StorageUnsuitable(reason="see what was found"))
        _look_for(samples, address, diagnosis.profile)
        return Outcome(diagnosis.findings, diagnosis.profile)
    except CertificateRejected as error:
        db.session.commit()
        return Outcome(problem=error, seen=_certificate_of(address))
    except BackupError as error:
        db.session.commit()
        return Outcome(problem=error)


def _certificate_of(address: FtpAddress) -> str | None:
    try:
        return pem_of(shown_certificate(address.host, address.port))
    except StorageError:
        return None


def _sample(storage: Storage) -> list[str]:
    """The folders of a few vaults that must be found where a draft wants their storage to be."""
    if storage.kind != DRAFT or storage.replaces_id is None:
        return []
    vaults = db.session.scalars(
        select(Vault).where(Vault.storage_id == storage.replaces_id, Vault.last_commit_run.is_not(None))
        .order_by(Vault.id).limit(SAMPLE))
    return [vault_folder_of(vault) for vault in vaults]


def _look_for(folders: list[str], address: FtpAddress, profile: Profile) -> None:
    from vault.ftp import FtpStorage  # a portal with the bundled storage never needs it

    for folder in folders:
        with FtpStorage(address, folder, profile) as place:
            if place.size(VAULT_FILE) is None:
                raise VaultsElsewhere(name=folder)


def _examine_gateway(config: Config) -> Outcome:
    """The bundled storage: its folder, the room on its disk, and whether it answers with its own certificate."""
    db.session.commit()
    findings, folder = [], config.storage_folder
    usage = shutil.disk_usage(folder)
    findings.append(Finding("store", os.access(folder, os.W_OK), "Its folder can be written."
                            if os.access(folder, os.W_OK) else "Its folder can't be written."))
    findings.append(Finding("disk", usage.used < usage.total * NEARLY_FULL,
                            f"{usage.free / 1e9:,.1f} GB of {usage.total / 1e9:,.1f} GB of its disk are free."))
    try:
        seen = shown_certificate(config.gateway_host, config.gateway_port)
    except StorageError as error:
        return Outcome(tuple(findings), problem=error)
    own = certificate_pin(config) == pin_of(pem_of(seen))
    findings.append(Finding("encryption", own, "It answers with its own certificate." if own else
                            "Something else answers at its address: the certificate is another one."))
    return Outcome(tuple(findings))


def _note(storage: Storage, outcome: Outcome, begun: datetime, now: datetime) -> None:
    storage.checked_at, storage.seen = begun, outcome.seen
    if outcome.profile is not None:
        storage.profile = dataclasses.asdict(outcome.profile)
    storage.findings = [dataclasses.asdict(finding) for finding in outcome.findings]
    if outcome.problem is None:
        storage.problem_code, storage.problem, storage.problem_since = "", "", None
        return
    storage.problem_code, storage.problem = outcome.problem.code, outcome.problem.sentence[:2000]
    storage.problem_since = storage.problem_since or now
    if not outcome.findings:
        storage.findings = [{"probe": "connect", "good": False, "sentence": outcome.problem.sentence}]
