"""Sealing the storages' passwords under the portal's key, so that a copy of the database alone opens no storage."""
from __future__ import annotations

import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from vault.errors import BackupError

NONCE_BYTES = 12


class SealBroken(BackupError):
    """The password of the storage {storage} can't be opened with this portal's key. Nothing was changed."""

    code = "IBS-9106"
    hint = "The keys folder and the database must come from the same portal; see docs/operations.md."


def seal_password(kek: bytes, storage: str, password: str) -> bytes:
    """AES-256-GCM under `kek`, bound to the storage's name: nonce, then ciphertext with tag."""
    nonce = secrets.token_bytes(NONCE_BYTES)
    return nonce + AESGCM(kek).encrypt(nonce, password.encode(), storage.encode())


def open_password(kek: bytes, storage: str, sealed: bytes) -> str:
    """The password that seal_password sealed for the storage of this name; raises SealBroken."""
    try:
        return AESGCM(kek).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], storage.encode()).decode()
    except (InvalidTag, ValueError) as error:
        raise SealBroken(storage=storage) from error
