"""A new recovery code for a computer's vault: made here, laid on the storage, told once."""
from __future__ import annotations

import secrets
from datetime import datetime
from hashlib import sha256
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from protocol.errors import Refusal
from server.config import Config
from server.extensions import db
from server.models import Account, Computer, Vault
from server.services.backup.vault_keys import open_vault_key
from server.services.fleet.enrolment import NONCE_BYTES
from server.services.house import audit
from server.services.storage import storages
from vault.keys import new_recovery_code, recovery_wrapping_key, unwrap_key, wrap_key
from vault.layout import key_name


class NoRestorePointYet(Refusal):
    """{computer} has no restore point yet, so there is nothing to recover. Nothing was changed."""

    code = "IBS-1341"
    hint = "Make the first backup, then come back."
    status = 409


def make_recovery_code(
    computer: Computer, account: Account, config: Config, now: datetime, *, address: str = ""
) -> str:
    """A code that opens the computer's vault without the portal; an earlier code goes on opening it.

    The key that it opens lies on the storage when this returns, so that the recover command finds it. Raises
    NoRestorePointYet, PortalKeyWrong, StorageError.
    """
    vault = computer.vault
    if not vault.first_commit:
        raise NoRestorePointYet(computer=computer.name)
    uuid, opened, code = UUID(vault.uuid), open_vault_key(vault, config.secrets.kek), new_recovery_code()
    wrapping = recovery_wrapping_key(code, uuid)
    signer = Ed25519PrivateKey.from_private_bytes(config.secrets.signing).public_key().public_bytes_raw()
    wrapped = wrap_key(opened.vault_key, wrapping, vault=uuid, holder="recovery", signer=signer,
                       version=opened.version)
    _lay_down(vault, wrapped, wrapping, config)
    nonce = secrets.token_bytes(NONCE_BYTES)
    held = db.session.get_one(Vault, vault.id, with_for_update=True, populate_existing=True)
    held.wrapped_recovery = wrapped
    held.recovery_key_sealed = nonce + AESGCM(config.secrets.kek).encrypt(
        nonce, wrapping, b"ibs-recovery-key" + uuid.bytes)
    audit.record(account.user_name, "made a new recovery code for", computer.name, address=address, now=now,
                 customer=computer.customer_id, account=computer.account_id)
    db.session.commit()
    return code


def _lay_down(vault: Vault, wrapped: bytes, wrapping: bytes, config: Config) -> None:
    """Store a wrapped key in the vault and read it back; no transaction stays open meanwhile."""
    uuid, name = UUID(vault.uuid), key_name(sha256(wrapped).digest())
    storage = storages.open_vault_storage(vault, config)
    db.session.commit()
    try:
        storage.put_new(name, wrapped)
        unwrap_key(storage.read(name), wrapping, vault=uuid)
    finally:
        storage.close()
