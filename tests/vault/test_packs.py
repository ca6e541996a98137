"""Packs: complete or refused, with and without the key."""
from __future__ import annotations

import hashlib
import random
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.vault.small_vault import VAULT, VAULT_KEY
from vault.blobs import AES_GCM, CHACHA, DATA, RAW, open_blob, seal_blob
from vault.chunks import chunk_id
from vault.errors import FormatUnknown, VaultDamaged
from vault.keys import NONCE, derive_keys
from vault.packs import (
    FOOTER,
    HEADER,
    PackBuilder,
    _part_key,
    open_part,
    read_pack,
    seal_part,
    trailer_length,
)

KEYS = derive_keys(VAULT_KEY, VAULT)


def fill(builder: PackBuilder, plains: list[bytes]) -> None:
    for plain in plains:
        identity = chunk_id(KEYS.chunk, plain)
        compression, salt, sealed = seal_blob(KEYS, VAULT, identity, plain, cipher=builder.cipher)
        builder.add(identity, DATA, compression, salt, sealed, len(plain))


def pack(plains: list[bytes], cipher: int = AES_GCM, size: int = 1 << 16) -> tuple[bytes, bytes]:
    builder = PackBuilder(VAULT, KEYS, size, cipher)
    builder.begin(12, 34)
    fill(builder, plains)
    view, digest = builder.close()
    with view:
        return bytes(view), digest


@settings(max_examples=40, deadline=None)
@given(st.lists(st.binary(max_size=3000), max_size=30), st.sampled_from([AES_GCM, CHACHA]))
def test_a_pack_tells_what_it_holds(plains: list[bytes], cipher: int) -> None:
    data, digest = pack(plains, cipher)
    assert hashlib.sha256(data).digest() == digest
    found = read_pack(data, KEYS, VAULT, "pack")
    assert (found.number, found.run, found.cipher, found.key_version) == (12, 34, cipher, 1)
    assert [
        open_blob(KEYS, VAULT, blob.id, data[blob.offset : blob.offset + blob.length], kind=blob.kind,
                  compression=blob.compression, plain_length=blob.plain, cipher=cipher)
        for blob in found.blobs
    ] == plains
    assert data[:8] == b"IBSPACK1"
    assert data[-8:] == b"IBSPEND1"


def test_a_builder_is_used_again() -> None:
    builder = PackBuilder(VAULT, KEYS, 1 << 16)
    seen = []
    for number in range(3):
        builder.begin(number, 1)
        fill(builder, [bytes([number]) * 100] * (number + 1))
        view, _ = builder.close()
        with view:
            seen.append(read_pack(view, KEYS, VAULT, "pack"))
    assert [(found.number, len(found.blobs)) for found in seen] == [(0, 1), (1, 2), (2, 3)]


def test_a_pack_keeps_its_size_and_a_larger_blob_gets_one_of_its_own() -> None:
    builder = PackBuilder(VAULT, KEYS, 10_000)
    builder.begin(0, 1)
    assert builder.fits(50_000)
    noise = random.Random(1)
    while builder.fits(1000 + 32):
        fill(builder, [noise.randbytes(1000)])
    view, _ = builder.close()
    with view:
        assert 8_000 < len(view) <= 10_000
    builder.begin(1, 1)
    fill(builder, [noise.randbytes(50_000)])
    assert not builder.fits(1)
    view, _ = builder.close()
    with view:
        assert len(read_pack(view, KEYS, VAULT, "pack").blobs) == 1


def test_every_flipped_byte_of_a_pack_is_noticed() -> None:
    data, _ = pack([b"one" * 50, b"two"])
    for place in range(len(data)):
        with pytest.raises((VaultDamaged, FormatUnknown)):
            read_pack(data[:place] + bytes([data[place] ^ 0x80]) + data[place + 1 :], KEYS, VAULT, "pack")


def test_every_truncation_of_a_pack_is_noticed() -> None:
    data, _ = pack([b"one" * 50, b"two"])
    for size in range(len(data)):
        with pytest.raises(VaultDamaged):
            read_pack(data[:size], KEYS, VAULT, "pack")
    with pytest.raises(VaultDamaged):
        read_pack(data + b"\0", KEYS, VAULT, "pack")


def test_completeness_shows_without_a_key() -> None:
    data, _ = pack([b"one", b"two"])
    _, count, digest, _ = FOOTER.unpack(data[-FOOTER.size :])
    assert count == 2
    assert hashlib.sha256(data[: -FOOTER.size + 8]).digest() == digest
    assert trailer_length(data[-100:], len(data), "pack") > 0


def test_a_pack_of_another_vault_or_key_is_refused() -> None:
    data, _ = pack([b"one"])
    with pytest.raises(VaultDamaged, match="not this vault"):
        read_pack(data, KEYS, UUID(int=1), "pack")
    with pytest.raises(VaultDamaged, match="seal"):
        read_pack(data, derive_keys(bytes(64), VAULT), VAULT, "pack")


def test_ids_and_sizes_do_not_show() -> None:
    plain = random.Random(3).randbytes(300)
    data, _ = pack([plain])
    assert chunk_id(KEYS.chunk, plain) not in data
    assert plain not in data
    assert (RAW).to_bytes() + (HEADER.size).to_bytes(4, "little") + (332).to_bytes(4, "little") not in data


def test_a_part_opens_in_its_own_place_only() -> None:
    sealed = seal_part(KEYS.index, b"here", b"content")
    assert open_part(KEYS.index, b"here", sealed, "part") == b"content"
    with pytest.raises(VaultDamaged):
        open_part(KEYS.index, b"there", sealed, "part")
    with pytest.raises(VaultDamaged):
        open_part(KEYS.manifest, b"here", sealed, "part")
    with pytest.raises(FormatUnknown):
        open_part(KEYS.index, b"here", sealed, "part", cipher=77)
    commitment = bytes(32)  # a valid seal whose commitment is to something else
    key = _part_key(KEYS.index, bytes(16), b"here", commitment)
    content = AESGCM(key).encrypt(NONCE, b"content", b"here" + commitment)
    with pytest.raises(VaultDamaged, match="another one"):
        open_part(KEYS.index, b"here", bytes(16) + commitment + content, "part")
    for place in range(len(sealed)):
        with pytest.raises(VaultDamaged):
            open_part(KEYS.index, b"here", sealed[:place] + bytes([sealed[place] ^ 1]) + sealed[place + 1 :], "part")
