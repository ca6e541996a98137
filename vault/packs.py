"""Pack files: many blobs, a sealed list of them, and a footer that proves completeness without a key.

header ‖ blob* ‖ trailer ‖ footer; all integers little-endian. docs/vault-format.md, section 3.
"""
from __future__ import annotations

import hashlib
import os
import struct
from hashlib import blake2b
from typing import NamedTuple
from uuid import UUID

from cryptography.exceptions import InvalidTag

from vault.blobs import AES_GCM, CIPHERS, DATA, OVERHEAD, seal_into
from vault.errors import FormatUnknown, VaultDamaged
from vault.keys import NONCE, VaultKeys

FORMAT = 1
HEADER = struct.Struct("<8sBBH8sIIHH")  # magic, format, cipher, flags, vault, run, pack, key version, zero
FOOTER = struct.Struct("<II32s8s")  # trailer length, blob count, SHA-256 of all before this field, magic
RECORD = struct.Struct("<16sBBIII")  # chunk id, kind, compression, offset, sealed length, plain length
MAGIC, END = b"IBSPACK1", b"IBSPEND1"
PART_OVERHEAD = 16 + 32 + 16
"""Bytes that sealing a part adds: salt, commitment, tag."""
DEFAULT_SIZE = 8 << 20


class PackedBlob(NamedTuple):
    """Where a blob lies in its pack; `length` counts salt and tag, `plain` is the chunk's size."""

    id: bytes
    kind: int
    compression: int
    offset: int
    length: int
    plain: int


class Pack(NamedTuple):
    """What a pack file says of itself."""

    number: int
    run: int
    cipher: int
    key_version: int
    blobs: tuple[PackedBlob, ...]


def seal_part(key: bytes, header: bytes, plain: bytes, cipher: int = AES_GCM) -> bytes:
    """salt ‖ commitment ‖ ciphertext ‖ tag.

    The commitment is a keyed hash of the plaintext; header and commitment are authenticated with it, so that a part
    opens with one key and in one place only.
    """
    salt = os.urandom(16)
    commitment = blake2b(plain, key=key, person=b"ibs-commit-v1", digest_size=32).digest()
    sealing = _part_key(key, salt, header, commitment)
    return salt + commitment + CIPHERS[cipher](sealing).encrypt(NONCE, plain, header + commitment)


def open_part(key: bytes, header: bytes, sealed: bytes | memoryview, name: str, cipher: int = AES_GCM) -> bytes:
    """The plaintext that `seal_part` sealed; `name` is for the error. Raises VaultDamaged, FormatUnknown."""
    if cipher not in CIPHERS:
        raise FormatUnknown(name=name, reason=f"cipher {cipher}")
    if len(sealed) < PART_OVERHEAD:
        raise VaultDamaged(name=name, reason="it is too short")
    salt, commitment = bytes(sealed[:16]), bytes(sealed[16:48])
    try:
        plain = CIPHERS[cipher](_part_key(key, salt, header, commitment)).decrypt(
            NONCE, sealed[48:], header + commitment
        )
    except InvalidTag as error:
        raise VaultDamaged(name=name, reason="its seal is broken") from error
    if blake2b(plain, key=key, person=b"ibs-commit-v1", digest_size=32).digest() != commitment:
        raise VaultDamaged(name=name, reason="its content is another one")
    return plain


def _part_key(key: bytes, salt: bytes, header: bytes, commitment: bytes) -> bytes:
    return blake2b(salt + header + commitment, key=key, person=b"ibs-part-v1", digest_size=32).digest()


class PackBuilder:
    """One pack in the making, in a buffer that is allocated once and used again for the next pack."""

    def __init__(self, vault: UUID, keys: VaultKeys, size: int = DEFAULT_SIZE, cipher: int = AES_GCM) -> None:
        """`size` bytes is the file's limit, which only a single larger blob may exceed."""
        self.vault, self.keys, self.size, self.cipher = vault, keys, size, cipher
        self.buffer = bytearray(size)
        self.begin(0, 0)

    def begin(self, number: int, run: int) -> None:
        """Starts pack `number` of `run`."""
        self.number = number
        self._header = HEADER.pack(
            MAGIC, FORMAT, self.cipher, 0, self.vault.bytes[:8], run, number, self.keys.version, 0
        )
        self.buffer[: HEADER.size] = self._header
        self.used = HEADER.size
        self.blobs: list[PackedBlob] = []
        self._digest: bytes | None = None

    def fits(self, length: int) -> bool:
        """Whether a blob of `length` bytes still fits; an empty pack takes any."""
        trailer = PART_OVERHEAD + (len(self.blobs) + 1) * RECORD.size
        return not self.blobs or self.used + length + trailer + FOOTER.size <= self.size

    def seal(
        self, identity: bytes, compression: int, content: bytes, plain: int, salt: bytes = b""
    ) -> PackedBlob:
        """Appends a compressed chunk, which is sealed in its place: no second copy of it is made. See seal_into."""
        blob = self._place(identity, DATA, compression, len(content) + OVERHEAD, plain)
        with memoryview(self.buffer) as view, view[blob.offset : self.used] as target:
            seal_into(target, self.keys, self.vault, identity, compression, content, plain, self.cipher, salt)
        return blob

    def add(self, identity: bytes, kind: int, compression: int, salt: bytes, sealed: bytes, plain: int) -> PackedBlob:
        """Appends a blob that is sealed already, such as one from another pack."""
        blob = self._place(identity, kind, compression, len(salt) + len(sealed), plain)
        self.buffer[blob.offset : self.used] = salt + sealed
        return blob

    def _place(self, identity: bytes, kind: int, compression: int, length: int, plain: int) -> PackedBlob:
        self._reserve(self.used + length)
        blob = PackedBlob(identity, kind, compression, self.used, length, plain)
        self.blobs.append(blob)
        self.used += length
        return blob

    def close(self) -> tuple[memoryview, bytes]:
        """(the file's bytes, their SHA-256). Release the view before `begin`; closing again changes nothing."""
        if self._digest is None:
            self._end = self.used
            listing = b"".join(RECORD.pack(*blob) for blob in self.blobs)
            trailer = seal_part(self.keys.index, self._header, listing, self.cipher)
            self._append(trailer)
            self._append(struct.pack("<II", len(trailer), len(self.blobs)))
            with memoryview(self.buffer) as view:
                digest = hashlib.sha256(view[: self.used])
            end = digest.digest() + END
            self._append(end)
            digest.update(end)
            self._digest = digest.digest()
        return memoryview(self.buffer)[: self.used], self._digest

    def reopen(self) -> None:
        """Undoes `close`. Closed again, the same blobs have another trailer, and so another hash and name."""
        self.used, self._digest = self._end, None

    def _append(self, data: bytes) -> None:
        self._reserve(self.used + len(data))
        self.buffer[self.used : self.used + len(data)] = data
        self.used += len(data)

    def _reserve(self, size: int) -> None:
        if size > len(self.buffer):
            self.buffer.extend(bytes(size - len(self.buffer)))


def read_pack(data: bytes | memoryview, keys: VaultKeys, vault: UUID, name: str) -> Pack:
    """What a whole pack file holds. Raises VaultDamaged when footer, hash or trailer do not fit."""
    trailer_length, count, digest = _read_footer(data[-FOOTER.size :], len(data), name)
    if hashlib.sha256(data[: -FOOTER.size + 8]).digest() != digest:
        raise VaultDamaged(name=name, reason="its check sum differs")
    trailer = data[-FOOTER.size - trailer_length : -FOOTER.size]
    return read_trailer(bytes(data[: HEADER.size]), trailer, count, keys, vault, name)


def trailer_length(tail: bytes, size: int, name: str) -> int:
    """How many bytes before the footer the trailer takes; `tail` ends the file of `size` bytes."""
    return _read_footer(tail[-FOOTER.size :], size, name)[0]


def read_trailer(
    header: bytes, trailer: bytes | memoryview, count: int, keys: VaultKeys, vault: UUID, name: str
) -> Pack:
    """The list of blobs from a pack's header and trailer."""
    magic, form, cipher, _, owner, run, number, version, _ = HEADER.unpack(header)
    if magic != MAGIC or owner != vault.bytes[:8]:
        raise VaultDamaged(name=name, reason="its header is not this vault's")
    if form != FORMAT:
        raise FormatUnknown(name=name, reason=f"format {form}")
    listing = open_part(keys.index, header, trailer, name, cipher)
    blobs = tuple(PackedBlob(*record) for record in RECORD.iter_unpack(listing))
    if len(blobs) != count:
        raise VaultDamaged(name=name, reason="its list is not complete")
    return Pack(number, run, cipher, version, blobs)


def _read_footer(footer: bytes | memoryview, size: int, name: str) -> tuple[int, int, bytes]:
    if len(footer) != FOOTER.size:
        raise VaultDamaged(name=name, reason="it is too short")
    length, count, digest, magic = FOOTER.unpack(footer)
    if magic != END or HEADER.size + length + FOOTER.size > size:
        raise VaultDamaged(name=name, reason="its end is missing")
    return length, count, digest
