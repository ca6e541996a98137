"""Blobs: what goes in comes out, and nothing else ever does."""
from __future__ import annotations

import random
import tracemalloc
from uuid import UUID

import pytest
import zstandard
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.vault.small_vault import VAULT, VAULT_KEY
from vault.blobs import (
    _DESCRIPTION,
    AES_GCM,
    CHACHA,
    DATA,
    OVERHEAD,
    RAW,
    ZSTD,
    _blob_key,
    compress,
    compress_all,
    decompress,
    open_blob,
    seal_blob,
)
from vault.chunks import chunk_id
from vault.errors import FormatUnknown, VaultDamaged
from vault.keys import NONCE, derive_keys

KEYS = derive_keys(VAULT_KEY, VAULT)
TEXT = b"a sentence that compresses well. " * 100


def sealed(plain: bytes, cipher: int = AES_GCM) -> tuple[bytes, int, bytes]:
    identity = chunk_id(KEYS.chunk, plain)
    compression, salt, content = seal_blob(KEYS, VAULT, identity, plain, cipher=cipher)
    return identity, compression, salt + content


def opened(identity: bytes, compression: int, blob: bytes, length: int, *, kind: int = DATA, vault: UUID = VAULT,
           cipher: int = AES_GCM) -> bytes:
    return open_blob(KEYS, vault, identity, blob, kind=kind, compression=compression, plain_length=length,
                     cipher=cipher)


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=5000), st.sampled_from([AES_GCM, CHACHA]), st.integers(1, 60))
def test_a_chunk_comes_back(content: bytes, cipher: int, times: int) -> None:
    plain = content * times
    identity, compression, blob = sealed(plain, cipher)
    assert opened(identity, compression, blob, len(plain), cipher=cipher) == plain
    assert len(blob) <= len(plain) + OVERHEAD


def test_text_is_compressed_and_noise_is_not() -> None:
    noise = random.Random(1).randbytes(300_000)
    assert compress(TEXT, 3)[0] == ZSTD
    assert compress(noise, 3) == (RAW, noise)
    assert compress(noise[:100], 3) == (RAW, noise[:100])
    assert compress(noise[:65536] + TEXT * 100, 3)[0] == RAW  # the first 64 KiB decide


@pytest.mark.parametrize("level", [2, 3])
def test_many_chunks_at_once_become_what_each_would_alone(level: int) -> None:
    noise = random.Random(1).randbytes(300_000)
    plains = [TEXT, noise[:100], TEXT * 100, b"x", noise, noise[:65536] + TEXT * 100, TEXT[:70], noise[:131_072]]
    assert compress_all(plains, level) == [compress(plain, level) for plain in plains]
    assert compress_all([], level) == []


def test_the_same_chunk_is_never_sealed_the_same() -> None:
    assert sealed(TEXT)[2] != sealed(TEXT)[2]


def test_every_flipped_byte_is_noticed() -> None:
    identity, compression, blob = sealed(TEXT)
    for place in range(len(blob)):
        bent = blob[:place] + bytes([blob[place] ^ 0x20]) + blob[place + 1 :]
        with pytest.raises(VaultDamaged):
            opened(identity, compression, bent, len(TEXT))


def test_every_truncation_is_noticed() -> None:
    identity, compression, blob = sealed(TEXT)
    for size in range(len(blob)):
        with pytest.raises(VaultDamaged):
            opened(identity, compression, blob[:size], len(TEXT))


def test_a_blob_belongs_to_its_vault_kind_length_and_id() -> None:
    identity, compression, blob = sealed(TEXT)
    other = sealed(b"other")[0]
    with pytest.raises(VaultDamaged):
        opened(other, compression, blob, len(TEXT))
    with pytest.raises(VaultDamaged):
        opened(identity, RAW, blob, len(TEXT))
    with pytest.raises(VaultDamaged):
        opened(identity, compression, blob, len(TEXT) + 1)
    with pytest.raises(VaultDamaged):
        opened(identity, compression, blob, len(TEXT), kind=2)
    with pytest.raises(VaultDamaged):
        opened(identity, compression, blob, len(TEXT), vault=UUID(int=5))
    with pytest.raises(VaultDamaged):
        opened(identity, compression, blob, len(TEXT), cipher=CHACHA)
    with pytest.raises(FormatUnknown):
        opened(identity, compression, blob, len(TEXT), cipher=9)
    with pytest.raises(VaultDamaged):
        opened(identity, compression, blob, 5 << 20)


def test_a_sealed_lie_about_the_content_is_noticed() -> None:
    # A writer with the key may seal anything; a reader still delivers only what the id names.
    plain, identity = b"something else", chunk_id(KEYS.chunk, b"what was asked for")
    salt = bytes(16)
    description = _DESCRIPTION.pack(b"IBS1", VAULT.bytes, DATA, RAW, len(plain), identity)
    content = AESGCM(_blob_key(KEYS, salt, description)).encrypt(NONCE, plain, description)
    with pytest.raises(VaultDamaged, match="another one"):
        opened(identity, RAW, salt + content, len(plain))


def test_a_decompression_bomb_is_refused_before_it_unfolds() -> None:
    bomb = zstandard.compress(bytes(64 << 20))
    tracemalloc.start()
    try:
        with pytest.raises(VaultDamaged, match="size differs"):
            decompress(bomb, ZSTD, 1000, "bomb")
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()
    silent = zstandard.ZstdCompressor(write_content_size=False).compress(bytes(64 << 20))
    with pytest.raises(VaultDamaged):
        decompress(silent, ZSTD, 1000, "bomb")


def test_what_follows_a_frame_and_unknown_compression_are_refused() -> None:
    frame = zstandard.compress(TEXT)
    assert decompress(frame, ZSTD, len(TEXT), "chunk") == TEXT
    with pytest.raises(VaultDamaged):
        decompress(frame + b"more", ZSTD, len(TEXT), "chunk")
    with pytest.raises(VaultDamaged):
        decompress(b"rubbish", ZSTD, 7, "chunk")
    with pytest.raises(VaultDamaged):
        decompress(TEXT, RAW, 1, "chunk")
    with pytest.raises(FormatUnknown):
        decompress(TEXT, 9, len(TEXT), "chunk")
