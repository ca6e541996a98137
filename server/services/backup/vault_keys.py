"""The keys of a vault, as the portal opens them with its own key."""
from __future__ import annotations

from hashlib import sha256
from uuid import UUID

from protocol.messages import VaultFile
from server.models import Vault
from vault.errors import BackupError, KeyRejected
from vault.keys import UnwrappedKey, VaultKeys, derive_keys, unwrap_key
from vault.layout import VAULT_FILE, key_name
from vault.manifests import describe_vault


class PortalKeyWrong(BackupError):
    """The portal's key doesn't open the vault {vault}. Nothing was changed; the vault is intact."""

    code = "IBS-9110"
    hint = "The administrator puts the right file keys/kek back into the portal's data directory."


def open_vault_key(vault: Vault, kek: bytes) -> UnwrappedKey:
    """The vault's key and the version that new packs use. Raises PortalKeyWrong."""
    try:
        return unwrap_key(vault.wrapped_portal, kek, vault=UUID(vault.uuid))
    except KeyRejected as error:
        raise PortalKeyWrong(vault=vault.uuid) from error


def keys_of(vault: Vault, kek: bytes) -> VaultKeys:
    """The keys that read the vault's manifests, commits and packs. Raises PortalKeyWrong."""
    unwrapped = open_vault_key(vault, kek)
    return derive_keys(unwrapped.vault_key, UUID(vault.uuid), unwrapped.version)


def founding_files(vault: Vault) -> tuple[VaultFile, ...]:
    """What a new vault holds before its first snapshot: its description and the wrapped keys."""
    about = VaultFile(name=VAULT_FILE, data=describe_vault(UUID(vault.uuid), vault.created_at, vault.pack_size))
    wrapped = (vault.wrapped_portal, vault.wrapped_recovery)
    return (about, *(VaultFile(name=key_name(sha256(data).digest()), data=data) for data in wrapped))
