"""Vault keys: making, wrapping and deriving them, and the recovery code that is printed once.

A vault key is 64 random bytes: the sealing secret (first half, changes with each key version) and the chunking secret
(second half, which outlives versions, because a new one would end deduplication). docs/vault-format.md, section 6.
"""
from __future__ import annotations

import secrets
import struct
from dataclasses import dataclass, field
from hashlib import blake2b
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from vault.errors import FormatUnknown, KeyRejected

VAULT_KEY_LENGTH = 64
NONCE = bytes(12)
"""Always zero: every key seals one message only, because a random salt goes into it."""

WRAP_MAGIC = b"IBSKEY01"
WRAP_HEADER = struct.Struct("<8sBBH16s16s")  # magic, holder, cipher, key version, vault, salt
HOLDERS = {"portal": 1, "recovery": 2}

CODE_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's base 32: no I, L, O, U
CODE_LENGTH = 28  # 26 characters for 128 bits, 2 for the check sum
CODE_READING = str.maketrans("ILO", "110", "- \t\r\n")


@dataclass(frozen=True)
class VaultKeys:
    """The keys that one version of a vault key yields; each has one purpose."""

    version: int
    chunk: bytes = field(repr=False)
    """K_id: names chunks."""
    gear: int = field(repr=False)
    """K_gear: 63 bits, the chunker's seed."""
    blob: bytes = field(repr=False)
    """K_enc: seals chunks."""
    manifest: bytes = field(repr=False)
    """K_man: seals names."""
    index: bytes = field(repr=False)
    """K_idx: seals structure, pack trailers, chunk indexes and commits."""


@dataclass(frozen=True)
class UnwrappedKey:
    """What a wrapped key holds: the vault key, its version and the portal's public signing key (Ed25519, 32 bytes)."""

    vault_key: bytes = field(repr=False)
    version: int
    signer: bytes


def new_vault_key() -> bytes:
    """64 fresh random bytes."""
    return secrets.token_bytes(VAULT_KEY_LENGTH)


def derive_keys(vault_key: bytes, vault: UUID, version: int = 1) -> VaultKeys:
    """The keys of `vault` (its UUID separates vaults, should a key ever be used twice)."""
    sealing, chunking = vault_key[:32], vault_key[32:]

    def derive(secret: bytes, person: bytes, data: bytes) -> bytes:
        return blake2b(data, key=secret, person=person, digest_size=32).digest()

    versioned = vault.bytes + struct.pack("<H", version)
    return VaultKeys(
        version=version,
        chunk=derive(chunking, b"ibs-key-id-v1", vault.bytes),
        gear=int.from_bytes(derive(chunking, b"ibs-key-gear-v1", vault.bytes)[:8], "little") >> 1,
        blob=derive(sealing, b"ibs-key-enc-v1", versioned),
        manifest=derive(sealing, b"ibs-key-man-v1", versioned),
        index=derive(sealing, b"ibs-key-idx-v1", versioned),
    )


def new_recovery_code() -> str:
    """A fresh 128-bit code in seven groups of four, as printed on the recovery sheet."""
    return format_code(secrets.token_bytes(16))


def format_code(secret: bytes) -> str:
    """The code of 16 bytes: 26 characters of base 32 and a check sum of two."""
    digits = _digits(int.from_bytes(secret, "big"), 26) + _digits(_check_sum(secret), 2)
    return "-".join(digits[start : start + 4] for start in range(0, CODE_LENGTH, 4))


def read_code(code: str) -> bytes:
    """The 16 bytes of a typed code; case, spaces, dashes and I, L, O are forgiven. Raises KeyRejected."""
    typed = code.upper().translate(CODE_READING)
    if len(typed) != CODE_LENGTH or any(sign not in CODE_ALPHABET for sign in typed):
        raise KeyRejected
    value = 0
    for sign in typed[:26]:
        value = value * 32 + CODE_ALPHABET.index(sign)
    if value >= 1 << 128:
        raise KeyRejected
    secret = value.to_bytes(16, "big")
    if _digits(_check_sum(secret), 2) != typed[26:]:
        raise KeyRejected
    return secret


def recovery_wrapping_key(code: str, vault: UUID) -> bytes:
    """The 32-byte key that a recovery code yields for `vault` (HKDF-SHA256, RFC 5869). Raises KeyRejected."""
    return HKDF(SHA256(), 32, salt=vault.bytes, info=b"ibs-recovery-v1").derive(read_code(code))


def wrap_key(
    vault_key: bytes, wrapping_key: bytes, *, vault: UUID, version: int = 1, holder: str, signer: bytes
) -> bytes:
    """A k/ object: `vault_key` and the portal's public key, sealed for `holder` ("portal" or "recovery")."""
    header = WRAP_HEADER.pack(WRAP_MAGIC, HOLDERS[holder], 1, version, vault.bytes, secrets.token_bytes(16))
    return header + AESGCM(_wrapping(wrapping_key, header)).encrypt(NONCE, vault_key + signer, header)


def unwrap_key(data: bytes, wrapping_key: bytes, *, vault: UUID) -> UnwrappedKey:
    """Opens a k/ object. Raises KeyRejected when the wrapping key does not fit, FormatUnknown for a newer format."""
    if len(data) < WRAP_HEADER.size or data[:6] != WRAP_MAGIC[:6]:
        raise KeyRejected
    header = data[: WRAP_HEADER.size]
    magic, _, cipher, version, owner, _ = WRAP_HEADER.unpack(header)
    if magic != WRAP_MAGIC or cipher != 1:
        raise FormatUnknown(name="k/", reason="the wrapped key")
    if owner != vault.bytes:
        raise KeyRejected
    try:
        content = AESGCM(_wrapping(wrapping_key, header)).decrypt(NONCE, data[WRAP_HEADER.size :], header)
    except InvalidTag as error:
        raise KeyRejected from error
    return UnwrappedKey(content[:VAULT_KEY_LENGTH], version, content[VAULT_KEY_LENGTH:])


def holder_of(data: bytes) -> str | None:
    """For whom a k/ object is wrapped; None when this version does not know."""
    number = data[8] if len(data) > WRAP_HEADER.size else 0
    return next((name for name, value in HOLDERS.items() if value == number), None)


def _wrapping(wrapping_key: bytes, header: bytes) -> bytes:
    return blake2b(header, key=wrapping_key, person=b"ibs-wrap-v1", digest_size=32).digest()


def _digits(value: int, count: int) -> str:
    return "".join(CODE_ALPHABET[value >> 5 * place & 31] for place in reversed(range(count)))


def _check_sum(secret: bytes) -> int:
    return int.from_bytes(blake2b(secret, person=b"ibs-code-v1", digest_size=2).digest(), "big") & 1023
