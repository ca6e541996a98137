"""Recovery: a restore from the storage alone, with the recovery code, when there is no portal any more."""
from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit
from uuid import UUID

from client.events import Emit, Finished, Notice, Started
from client.restores.delivery import Wanted
from client.restores.restoration import Restoration, conclude
from client.restores.target import Target
from vault.errors import KeyRejected, ObjectMissing, VaultError, VaultMissing
from vault.history import History, Snapshot
from vault.keys import UnwrappedKey, derive_keys, holder_of, read_code, recovery_wrapping_key, unwrap_key
from vault.layout import VAULT_FILE, vault_folder
from vault.storage import FolderStorage, Storage

CONNECTIONS = 2
"""Nobody tells how many the storage allows; one that is refused is done without."""


def run_recover(
    storage_url: str, vault: str, password: str, code: str, target: Path, emit: Emit, *, snapshot: int | None = None,
    overwrite: bool = False, ca: str | None = None, pin: bytes | None = None,
    cancelled: threading.Event | None = None,
) -> Finished:
    """Restores a snapshot (by default the newest) of `vault` below `target`; returns what the last event says, too.

    `storage_url` is ftp://user@host/base, ftps://…, file:///folder or a folder's path, up to and without the vault's
    own folder; `ca` is PEM text, `pin` the SHA-256 of the server's certificate. Raises KeyRejected, VaultMissing,
    SnapshotMissing and as `run_restore` does, RunCancelled after `cancelled` was set.
    """
    begun = time.monotonic()
    read_code(code)  # a slip of the pen is told before anything is asked of the storage
    try:
        identifier = UUID(vault.strip())
    except ValueError as error:
        raise VaultMissing(name=vault) from error
    open_storage = storage_opener(storage_url, identifier, password, ca=ca, pin=pin)
    storage = open_storage()
    try:
        key = _open_vault(storage, identifier, code)
        keys = derive_keys(key.vault_key, identifier, key.version)
        history = History(storage, keys, identifier, key.signer, lambda text: emit(Notice(text)))
        chosen = history.snapshot(snapshot)
        _tell(history, chosen, emit)
        emit(Started(chosen.run, "recover"))
        entries = _entries(history, chosen.run)
    finally:
        storage.close()
    restoration = Restoration(
        Target(target, overwrite=overwrite, modes=not chosen.commit.windows_names), open_storage, keys, identifier,
        emit, connections=CONNECTIONS, cancelled=cancelled,
    )
    counts = restoration.restore(entries)
    return conclude(counts, chosen.run, chosen.commit.files, time.monotonic() - begun, emit)


def storage_opener(
    url: str, vault: UUID, password: str, *, ca: str | None = None, pin: bytes | None = None
) -> Callable[[], Storage]:
    """What opens the vault's folder at `url`. Raises StorageUnsuitable, UnsafeName."""
    scheme = url.partition("://")[0].lower()
    if scheme in {"ftp", "ftps"}:
        from vault.ftp import FtpStorage, parse_address  # costs a moment that a folder need not wait for
        address = parse_address(url, password, ca=ca, pin=pin)
        return lambda: FtpStorage(address, vault_folder(vault))
    folder = Path(unquote(urlsplit(url).path)) if scheme == "file" else Path(url)
    return lambda: FolderStorage(folder / vault_folder(vault))


def _open_vault(storage: Storage, vault: UUID, code: str) -> UnwrappedKey:
    """The newest vault key that the code opens. Raises VaultMissing, KeyRejected, VaultError."""
    try:
        storage.read(VAULT_FILE)
    except ObjectMissing as error:
        raise VaultMissing(name=vault) from error
    wrapping = recovery_wrapping_key(code, vault)
    found, rejected = [], KeyRejected()
    wrapped = [storage.read(name) for name in storage.list("k") if name.endswith(".key")]
    for data in wrapped:
        if holder_of(data) == "recovery":
            try:
                found.append(unwrap_key(data, wrapping, vault=vault))
            except KeyRejected as error:
                rejected = error
    if not any(holder_of(data) == "recovery" for data in wrapped):
        raise VaultError(reason="the storage shows no key of it that a recovery code could open")
    if not found:
        raise rejected
    return max(found, key=lambda key: key.version)


def _tell(history: History, chosen: Snapshot, emit: Emit) -> None:
    """Number and fingerprint of what is restored: a storage that hides the newest snapshots would show by them."""
    commit = chosen.commit
    newest = history.snapshot()
    emit(Notice(
        f"Snapshot {chosen.run} of {commit.computer}, finished {commit.finished_at:%Y-%m-%d %H:%M} UTC, "
        f"{commit.files:,} files, fingerprint {chosen.digest.hex()}."
    ))
    if chosen.run != newest.run:
        emit(Notice(f"The newest snapshot is {newest.run}."))
    if not history.acknowledged(newest.run):
        emit(Notice(f"The portal has not confirmed snapshot {newest.run}; compare its number with the last report."))


def _entries(history: History, run: int) -> Iterator[Wanted]:
    """The snapshot's entries with the places of their chunks; reads the whole description before it returns."""
    tree = list(history.tree(run))
    places = history.locations({identity for entry in tree for identity in entry.chunks})
    return (
        Wanted(entry.path, entry.kind, entry.size, entry.mtime_ns, entry.attributes,
               tuple([places.get(identity) for identity in entry.chunks]))
        for entry in tree
    )
