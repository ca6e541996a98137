"""Blobs: one chunk compressed and sealed. docs/vault-format.md, sections 4 and 5.

A blob is salt (16) ‖ ciphertext ‖ tag (16). Its key is derived from the salt and from everything that describes it, so
the nonce can be zero: no counter, no state, safe across crashes, threads and virtual machines resumed twice.
"""
from __future__ import annotations

import os
import struct
import threading
from collections.abc import Sequence
from hashlib import blake2b
from uuid import UUID

import zstandard
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305

from vault.chunks import MAXIMUM, chunk_id
from vault.errors import FormatUnknown, VaultDamaged
from vault.keys import NONCE, VaultKeys

DATA = 1
"""Kind of a blob that holds a chunk of file content."""
RAW, ZSTD = 0, 1
"""How a blob's content is compressed."""
AES_GCM, CHACHA = 1, 2
"""Ciphers by their number in headers: AES-256-GCM, ChaCha20-Poly1305."""
OVERHEAD = 32
"""Bytes that sealing adds: salt and tag."""
PROBE = 64 << 10
LEAST_GAIN = 0.97

CIPHERS: dict[int, type[AESGCM] | type[ChaCha20Poly1305]] = {AES_GCM: AESGCM, CHACHA: ChaCha20Poly1305}
_DESCRIPTION = struct.Struct("<4s16sBBI16s")
_local = threading.local()


def compress(plain: bytes, level: int) -> tuple[int, bytes]:
    """(compression, content): zstd, or raw when the first 64 KiB or the whole gain less than 3 %."""
    compressor = _compressor(level)
    if len(plain) > 2 * PROBE and len(compressor.compress(plain[:PROBE])) > PROBE * LEAST_GAIN:
        return RAW, plain
    content = compressor.compress(plain)
    return (ZSTD, content) if len(content) <= len(plain) * LEAST_GAIN else (RAW, plain)


def compress_all(plains: Sequence[bytes], level: int) -> list[tuple[int, bytes]]:
    """What `compress` makes of each chunk; all the small ones in one step, which other threads need not make way for.

    Coming back to Python after every small file costs more time than compressing it while other threads are at work.
    """
    small: list[bytes | bytearray | memoryview] = [plain for plain in plains if len(plain) <= 2 * PROBE]
    frames = iter(_compressor(level).multi_compress_to_buffer(small, threads=1) if small else ())
    results = []
    for plain in plains:
        if len(plain) > 2 * PROBE:
            results.append(compress(plain, level))
            continue
        frame = next(frames)
        worth = len(frame) <= len(plain) * LEAST_GAIN
        results.append((ZSTD, frame.tobytes()) if worth else (RAW, plain))
    return results


def decompress(content: bytes, compression: int, plain_length: int, name: str) -> bytes:
    """Exactly `plain_length` bytes; never allocates more. Raises VaultDamaged, FormatUnknown."""
    if compression == RAW:
        plain = content
    elif compression == ZSTD:
        # The frame's own size comes first: zstandard ignores max_output_size when a frame states its size.
        try:
            if zstandard.frame_content_size(content) != plain_length:
                raise VaultDamaged(name=name, reason="its size differs")
            plain = _decompressor().decompress(content, max_output_size=plain_length, allow_extra_data=False)
        except zstandard.ZstdError as error:
            raise VaultDamaged(name=name, reason="it can't be unpacked") from error
    else:
        raise FormatUnknown(name=name, reason=f"compression {compression}")
    if len(plain) != plain_length:
        raise VaultDamaged(name=name, reason="its size differs")
    return plain


def seal_into(
    target: memoryview, keys: VaultKeys, vault: UUID, identity: bytes, compression: int, content: bytes, plain: int,
    cipher: int = AES_GCM, salt: bytes = b"",
) -> None:
    """Writes the blob of a compressed chunk to `target`, which has len(content) + OVERHEAD bytes; `plain` is the
    chunk's length before compression. `salt` is 16 bytes from the system that were never used, drawn here if empty."""
    target[:16] = salt = salt or os.urandom(16)
    description = _DESCRIPTION.pack(b"IBS1", vault.bytes, DATA, compression, plain, identity)
    CIPHERS[cipher](_blob_key(keys, salt, description)).encrypt_into(NONCE, content, description, target[16:])


def seal_blob(
    keys: VaultKeys, vault: UUID, identity: bytes, plain: bytes, level: int = 3, cipher: int = AES_GCM
) -> tuple[int, bytes, bytes]:
    """Compresses and seals the chunk `identity`: (compression, salt, ciphertext with tag)."""
    compression, content = compress(plain, level)
    blob = bytearray(len(content) + OVERHEAD)
    seal_into(memoryview(blob), keys, vault, identity, compression, content, len(plain), cipher)
    return compression, bytes(blob[:16]), bytes(blob[16:])


def open_blob(
    keys: VaultKeys,
    vault: UUID,
    identity: bytes,
    blob: bytes | memoryview,
    *,
    kind: int,
    compression: int,
    plain_length: int,
    cipher: int = AES_GCM,
) -> bytes:
    """The verified plaintext of a blob. Raises VaultDamaged when tag, size or chunk id do not fit."""
    name = f"chunk {identity.hex()}"
    if plain_length > MAXIMUM or len(blob) < OVERHEAD:
        raise VaultDamaged(name=name, reason="its size is impossible")
    if cipher not in CIPHERS:
        raise FormatUnknown(name=name, reason=f"cipher {cipher}")
    salt = bytes(blob[:16])
    description = _DESCRIPTION.pack(b"IBS1", vault.bytes, kind, compression, plain_length, identity)
    try:
        content = CIPHERS[cipher](_blob_key(keys, salt, description)).decrypt(NONCE, blob[16:], description)
    except InvalidTag as error:
        raise VaultDamaged(name=name, reason="its seal is broken") from error
    plain = decompress(content, compression, plain_length, name)
    if chunk_id(keys.chunk, plain) != identity:
        raise VaultDamaged(name=name, reason="its content is another one")
    return plain


def _blob_key(keys: VaultKeys, salt: bytes, description: bytes) -> bytes:
    return blake2b(salt + description, key=keys.blob, person=b"ibs-blob-v1", digest_size=32).digest()


def _compressor(level: int) -> zstandard.ZstdCompressor:
    # A context per thread and level: they are not thread-safe, and making one per chunk costs more than small chunks.
    compressors = _local.__dict__.setdefault("compressors", {})
    found: zstandard.ZstdCompressor | None = compressors.get(level)
    if found is None:
        found = compressors[level] = zstandard.ZstdCompressor(level=level)
    return found


def _decompressor() -> zstandard.ZstdDecompressor:
    found: zstandard.ZstdDecompressor | None = _local.__dict__.get("decompressor")
    if found is None:
        found = _local.decompressor = zstandard.ZstdDecompressor()
    return found
