"""What administrators set of a storage without a check: its name, how much it holds, and which is the default."""
from __future__ import annotations

from datetime import datetime

from server.config import Config
from server.extensions import db
from server.models import Storage
from server.services.house import audit
from server.services.house.versions import check_version, note_change
from server.services.storage.sealing import open_password, seal_password
from server.services.storage.storages import FTP, check_name, choose_default


def edit_storage(storage: Storage, name: str, capacity: int | None, version: int | None, config: Config, now: datetime,
                 *, actor: str, address: str = "") -> None:
    """Another name or capacity (bytes, None: nobody says). Raises EditedMeanwhile, NameInUse, ValueRefused."""
    check_version(storage, version)
    check_name(name, besides=storage.id)
    before = {"name": storage.name, "capacity": storage.capacity}
    if storage.kind == FTP and name != storage.name:  # the password is sealed under the name
        password = open_password(config.secrets.kek, storage.name, storage.password_sealed)
        storage.password_sealed = seal_password(config.secrets.kek, name, password)
    storage.name, storage.capacity = name, capacity
    note_change(storage, actor, now)
    audit.record(actor, "edited a storage", name, address=address, now=now, before=before,
                 after={"name": name, "capacity": capacity})
    db.session.commit()


def make_default(storage: Storage, version: int | None, now: datetime, *, actor: str, address: str = "") -> None:
    """New vaults go here unless a subscription names another storage. Raises EditedMeanwhile."""
    check_version(storage, version)
    choose_default(storage, True)
    note_change(storage, actor, now)
    audit.record(actor, "made a storage the default", storage.name, address=address, now=now)
    db.session.commit()
