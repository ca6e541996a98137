"""The storages: registering and checking them, opening a vault on one, and telling a computer how to reach it."""
from __future__ import annotations

import dataclasses
import hashlib
import ssl
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import select, update

from protocol.errors import NotFound, StorageMissing
from protocol.messages import StorageAccess, StorageAddress, StorageProfile
from server.config import Config
from server.database import begin_reading
from server.extensions import db
from server.models import Computer, Storage, Subscription, Vault
from server.services.house import audit
from server.services.house.refusals import NameInUse, ValueRefused
from server.services.selling.stored import used_bytes
from server.services.storage.credentials import WRITE, issue_password
from server.services.storage.sealing import open_password, seal_password
from vault.address import FtpAddress, Profile
from vault.errors import StorageUnsuitable
from vault.layout import vault_folder
from vault.storage import FolderStorage
from vault.storage import Storage as VaultStorage

if TYPE_CHECKING:
    from vault.doctor import Diagnosis

FTP, GATEWAY, DRAFT = "ftp", "gateway", "draft"
BUNDLED = "bundled"
GATEWAY_PROFILE = Profile(append_only=True, max_sessions=5, exclusive_rename=True, pipelined=True)
"""What the doctor finds at server.gateway, as a test makes sure."""


def examine_server(address: FtpAddress, *, idle_seconds: float = 60) -> Diagnosis:
    """What the doctor finds at `address`; raises StorageError. Never called with a transaction open: it takes long."""
    from vault.doctor import examine  # only the command line and the worker need it

    return examine(address, idle_seconds=idle_seconds)


def add_storage(
    name: str,
    address: FtpAddress,
    config: Config,
    now: datetime,
    *,
    default: bool = False,
    idle_seconds: float = 60,
    tell: Callable[[str], object] = lambda sentence: None,
) -> Storage:
    """Examine a server and register it; `tell` gets each of the doctor's findings.

    Raises ValueRefused and NameInUse before the server is asked anything, StorageUnsuitable when it can't be used, and
    other StorageErrors when it can't be reached. The first storage becomes the default one.
    """
    check_name(name)
    db.session.commit()  # no transaction stays open while the server is examined
    diagnosis = examine_server(address, idle_seconds=idle_seconds)
    for finding in diagnosis.findings:
        tell(finding.sentence)
    if not diagnosis.usable:
        raise StorageUnsuitable(reason="see what was found above")
    storage = Storage(
        name=name, kind=FTP, host=address.host, port=address.port, user=address.user, base=address.base,
        password_sealed=seal_password(config.secrets.kek, name, address.password),
        tls=address.tls, pin=address.pin, ca=address.ca,
    )
    note_diagnosis(storage, diagnosis, now)
    db.session.add(storage)
    choose_default(storage, default)
    audit.record("command line", "added a storage", name, detail=f"{address.host}:{address.port}", now=now)
    db.session.commit()
    return storage


def check_name(name: str, *, besides: int = 0) -> None:
    """Raises ValueRefused or NameInUse unless a storage (that with the id `besides`, or a new one) may have `name`."""
    if not 1 <= len(name) <= 100 or not name.isprintable():
        raise ValueRefused(field="storage's name", reason="it needs 1 to 100 printable characters")
    if db.session.scalar(select(Storage.id).where(Storage.name == name, Storage.id != besides)) is not None:
        raise NameInUse(what="storage", name=name)


def register_gateway(config: Config, now: datetime) -> Storage:
    """Make the bundled storage known; it becomes the default if there is none. Does nothing the second time."""
    known = db.session.scalar(select(Storage).where(Storage.kind == GATEWAY))
    if known is not None:
        return known
    storage = Storage(name=BUNDLED, kind=GATEWAY, host=config.gateway_host, port=config.gateway_port,
                      profile=dataclasses.asdict(GATEWAY_PROFILE), checked_at=now)
    db.session.add(storage)
    choose_default(storage, False)
    db.session.commit()
    return storage


def find_storage(number: int) -> Storage:
    """The storage with this id. Raises NotFound."""
    storage = db.session.get(Storage, number)
    if storage is None or storage.kind == DRAFT:
        raise NotFound(what="such storage")
    return storage


def list_storages() -> Sequence[Storage]:
    """All storages by name."""
    return db.session.scalars(select(Storage).where(Storage.kind != DRAFT).order_by(Storage.name)).all()


def default_storage() -> Storage:
    """Where new vaults go unless the subscription names another one. Raises StorageMissing."""
    storage = db.session.scalar(select(Storage).where(Storage.is_default).order_by(Storage.id))
    if storage is None:
        raise StorageMissing
    return storage


def open_vault_storage(vault: Vault, config: Config) -> VaultStorage:
    """The portal's own way to a vault: straight to the disk for the bundled storage, otherwise by FTP."""
    folder, storage = vault_folder_of(vault), vault.storage
    if storage.kind == GATEWAY:
        return FolderStorage(config.storage_folder / folder)
    from vault.ftp import FtpStorage  # a portal with the bundled storage never needs it

    return FtpStorage(address_of(storage, config), folder, profile_of(storage))


def vault_folder_of(vault: Vault) -> str:
    """The vault's folder below the storage's base."""
    return vault_folder(UUID(vault.uuid))


def address_of(storage: Storage, config: Config) -> FtpAddress:
    """How the portal signs in to a registered server."""
    password = open_password(config.secrets.kek, storage.name, storage.password_sealed)
    return FtpAddress(storage.host, storage.port, storage.user, password, storage.base, tls=storage.tls,
                      pin=storage.pin, ca=storage.ca)


def profile_of(storage: Storage) -> Profile:
    """What the doctor measured; a profile kept by an older version lacks fields, which then have their defaults."""
    if storage.kind == GATEWAY:
        return GATEWAY_PROFILE
    names = {field.name for field in dataclasses.fields(Profile)}
    return Profile(**{name: value for name, value in storage.profile.items() if name in names})


def access_for(vault: Vault, config: Config, now: datetime, scope: str = WRITE) -> StorageAccess:
    """What a computer needs to reach its vault.

    For the bundled storage that is a credential for this vault alone, which lapses after a day; `scope` limits it.
    """
    storage = vault.storage
    if storage.kind == GATEWAY:
        address = StorageAddress(
            host=config.gateway_host, port=config.gateway_port, user=vault.uuid, base="", tls=True,
            password=issue_password(config.secrets.gateway, vault.uuid, scope, now), pin=certificate_pin(config),
        )
    else:
        address = StorageAddress(**_shown(address_of(storage, config)))
    profile = dataclasses.asdict(profile_of(storage))
    fields = StorageProfile.__struct_fields__
    return StorageAccess(address=address, profile=StorageProfile(**{name: profile[name] for name in fields}))


def certificate_pin(config: Config) -> bytes:
    """The SHA-256 of the bundled storage's certificate, by which computers know it."""
    leaf = ssl.PEM_cert_to_DER_cert(_first_certificate(config.storage_certificate.read_text("ascii")))
    return hashlib.sha256(leaf).digest()


def allowance(vault_uuid: str) -> int:
    """Bytes of packs that a vault may hold: its subscription's quota less what its other vaults hold."""
    if not db.session().in_transaction():
        begin_reading(db.session())
    row = db.session.execute(
        select(Subscription.quota, Computer.subscription_id, Vault.stored_bytes)
        .join(Computer, Computer.subscription_id == Subscription.id)
        .join(Vault, Vault.id == Computer.vault_id)
        .where(Vault.uuid == vault_uuid)
    ).one_or_none()
    if row is None:
        return 0
    quota, subscription, stored = row
    return max(quota - (used_bytes(subscription) - stored), 0)


def note_diagnosis(storage: Storage, diagnosis: Diagnosis, now: datetime) -> None:
    """Keep what an examination found."""
    storage.profile = dataclasses.asdict(diagnosis.profile)
    storage.findings = [dataclasses.asdict(finding) for finding in diagnosis.findings]
    storage.checked_at = now


def choose_default(storage: Storage, wanted: bool) -> None:
    """Make a storage the default one if that is wanted or there is none."""
    exists = db.session.scalar(select(Storage.id).where(Storage.is_default)) is not None
    if wanted:
        db.session.execute(update(Storage).values(is_default=False))
    storage.is_default = wanted or not exists


def _shown(address: FtpAddress) -> dict[str, Any]:
    return {name: getattr(address, name) for name in StorageAddress.__struct_fields__}


def _first_certificate(pem: str) -> str:
    end = "-----END CERTIFICATE-----"
    return pem[:pem.index(end) + len(end)]
