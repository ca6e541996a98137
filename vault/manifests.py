"""Manifest parts and the commit object: what makes packs a snapshot. docs/vault-format.md, sections 7 and 8.

A manifest is a delta against the parent snapshot ("d") or a full checkpoint ("f"); packs and chunk index ("x") go with
it. Each is stored in sealed parts, or inside the commit object when all of it is small.
"""
from __future__ import annotations

import hashlib
import json
import struct
from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
import zstandard
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from vault.blobs import AES_GCM, decompress
from vault.errors import CommitInvalid, FormatUnknown, VaultDamaged
from vault.keys import VaultKeys
from vault.packs import open_part, seal_part

FORMAT = 1
STRUCTURE, NAMES, PACKS, INDEX = 1, 2, 3, 4
"""Sections of a manifest; names are sealed with K_man, all others with K_idx."""
PART_LIMIT = 8 << 20
"""No part holds more bytes than this before compression."""
INLINE_LIMIT = 4 << 10
"""A manifest below this size travels inside the commit object."""

PART_HEADER = struct.Struct("<8sBBcB8sIIHHI")
# magic, format, cipher, kind, section, vault, run, part number, key version, zero, plain length
COMMIT_HEADER = struct.Struct("<8sBBH16sI16s")  # magic, format, cipher, key version, vault, run, zero
PART_MAGIC, COMMIT_MAGIC, ACKNOWLEDGEMENT_MAGIC = b"IBSPART1", b"IBSCOMM1", b"IBSACKN1"
ACKNOWLEDGEMENT = struct.Struct("<8s16sI32s64s")  # magic, vault, run, SHA-256 of the commit object, Ed25519 signature

Data = bytes  # a name of its own, as the field `bytes` below would stand in for the type
Hash = Annotated[bytes, msgspec.Meta(min_length=32, max_length=32)]


class PartRecord(msgspec.Struct, frozen=True, array_like=True):
    """A part as the commit names it; `size` and `sha256` are those of the stored object."""

    name: str
    section: int
    size: int
    sha256: Hash


class Commit(msgspec.Struct, frozen=True, kw_only=True):
    """The commit object's content. Times are the client's and only informational; the portal goes by its own."""

    run: int
    run_uuid: UUID
    parent: int
    """Number of the parent snapshot's run, 0 without one."""
    parent_hash: Data
    """SHA-256 of the parent's commit object, empty without one."""
    kind: str
    """"d" delta or "f" full checkpoint."""
    root: int
    """Node number of the root, whose children are the protected folders."""
    windows_names: bool
    parts: tuple[PartRecord, ...] = ()
    inline: dict[int, Data] = {}
    """Small sections, sealed as parts are."""
    pack_count: int
    chunk_count: int
    first_chunk: int
    """Chunk numbers from here up to first_chunk + chunk_count are this run's."""
    batches: int
    entries_digest: Hash
    """BLAKE2b-256 over the BLAKE2b-256 digests of the batches of entries that the portal was sent."""
    files: int
    bytes: int
    stored: int
    skipped: int
    computer: str
    client_version: str
    consistency: str
    """"live" or "shadow copy"."""
    started_at: datetime
    finished_at: datetime


_COMMIT = msgspec.json.Decoder(Commit)
"""Made before there are threads: msgspec (0.22) bears no two that decode a class for the first time at once."""


def seal_section(
    keys: VaultKeys, vault: UUID, run: int, kind: str, section: int, index: int, content: bytes, cipher: int = AES_GCM
) -> bytes:
    """One part as it is stored: compressed, then sealed. `content` holds whole records, at most PART_LIMIT bytes."""
    if len(content) > PART_LIMIT:
        raise ValueError("a part holds at most 8 MiB")
    header = PART_HEADER.pack(
        PART_MAGIC, FORMAT, cipher, kind.encode(), section, vault.bytes[:8], run, index, keys.version, 0, len(content)
    )
    return header + seal_part(_section_key(keys, section), header, zstandard.compress(content, 3), cipher)


def open_section(
    keys: VaultKeys, vault: UUID, run: int, section: int, stored: bytes | memoryview, name: str
) -> bytes:
    """The records of a stored part. Raises VaultDamaged when it is not what this place must hold, FormatUnknown."""
    if len(stored) < PART_HEADER.size:
        raise VaultDamaged(name=name, reason="it is too short")
    header = bytes(stored[: PART_HEADER.size])
    magic, form, cipher, _, found, owner, number, _, _, _, length = PART_HEADER.unpack(header)
    if (magic, found, owner, number) != (PART_MAGIC, section, vault.bytes[:8], run) or length > PART_LIMIT:
        raise VaultDamaged(name=name, reason="its header belongs elsewhere")
    if form != FORMAT:
        raise FormatUnknown(name=name, reason=f"format {form}")
    content = open_part(_section_key(keys, section), header, stored[PART_HEADER.size :], name, cipher)
    return decompress(content, 1, length, name) if length else b""


def _section_key(keys: VaultKeys, section: int) -> bytes:
    return keys.manifest if section == NAMES else keys.index


def write_commit(commit: Commit, keys: VaultKeys, vault: UUID, cipher: int = AES_GCM) -> bytes:
    """The commit object, sealed with K_idx, which authenticates it."""
    header = COMMIT_HEADER.pack(COMMIT_MAGIC, FORMAT, cipher, keys.version, vault.bytes, commit.run, bytes(16))
    return header + seal_part(keys.index, header, msgspec.json.encode(commit), cipher)


def read_commit(data: bytes, keys: VaultKeys, vault: UUID) -> Commit:
    """What a commit object says. Raises CommitInvalid when it is torn, forged or of another vault."""
    name = f"commit of vault {vault}"
    if len(data) < COMMIT_HEADER.size:
        raise CommitInvalid(name=name, reason="it is cut off")
    header = data[: COMMIT_HEADER.size]
    magic, form, cipher, _, owner, run, _ = COMMIT_HEADER.unpack(header)
    if magic != COMMIT_MAGIC or owner != vault.bytes:
        raise CommitInvalid(name=name, reason="it belongs elsewhere")
    if form != FORMAT:
        raise FormatUnknown(name=name, reason=f"format {form}")
    try:
        content = open_part(keys.index, header, data[COMMIT_HEADER.size :], name, cipher)
        commit = _COMMIT.decode(content)
    except (VaultDamaged, msgspec.DecodeError) as error:
        raise CommitInvalid(name=name, reason="its seal is broken") from error
    if commit.run != run:
        raise CommitInvalid(name=name, reason="it names another run")
    return commit


def commit_hash(data: bytes) -> bytes:
    """SHA-256 of a commit object, by which its child names it."""
    return hashlib.sha256(data).digest()


def sign_commit(data: bytes, run: int, vault: UUID, signing_key: bytes) -> bytes:
    """The portal's acknowledgement of commit object `data`; `signing_key` is a raw Ed25519 private key (32 bytes)."""
    signed = ACKNOWLEDGEMENT_MAGIC + vault.bytes + struct.pack("<I", run) + commit_hash(data)
    return signed + Ed25519PrivateKey.from_private_bytes(signing_key).sign(signed)


def verify_acknowledgement(acknowledgement: bytes, data: bytes, run: int, vault: UUID, signer: bytes) -> bool:
    """Whether the portal whose public key is `signer` has signed commit object `data` of `run`."""
    if len(acknowledgement) != ACKNOWLEDGEMENT.size:
        return False
    magic, owner, number, digest, signature = ACKNOWLEDGEMENT.unpack(acknowledgement)
    if (magic, owner, number, digest) != (ACKNOWLEDGEMENT_MAGIC, vault.bytes, run, commit_hash(data)):
        return False
    try:
        Ed25519PublicKey.from_public_bytes(signer).verify(signature, acknowledgement[:-64])
    except (InvalidSignature, ValueError):
        return False
    return True


def describe_vault(vault: UUID, created: datetime, pack_size: int) -> bytes:
    """ibs-vault.json: what the folder is, for programs and for a person who finds it. Holds no secret."""
    text = {
        "format": 1,
        "vault": str(vault),
        "created": created.isoformat(timespec="seconds"),
        "pack_size": pack_size,
        "about": "A sealed backup. Restore it with its portal, or with “ibs-client recover” and the recovery code.",
    }
    return json.dumps(text, indent=2, ensure_ascii=False).encode()
