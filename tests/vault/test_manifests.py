"""Parts and commits: they authenticate themselves, and fit in one place only."""
from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.vault.small_vault import SIGNING_KEY, VAULT, VAULT_KEY, Item, SmallVault
from vault.blobs import AES_GCM, CHACHA
from vault.errors import CommitInvalid, FormatUnknown, VaultDamaged
from vault.keys import derive_keys
from vault.manifests import (
    INDEX,
    NAMES,
    PART_HEADER,
    PART_LIMIT,
    STRUCTURE,
    describe_vault,
    open_section,
    read_commit,
    seal_section,
    sign_commit,
    verify_acknowledgement,
    write_commit,
)

KEYS = derive_keys(VAULT_KEY, VAULT)
SIGNER = Ed25519PrivateKey.from_private_bytes(SIGNING_KEY).public_key().public_bytes_raw()


def commit_object(folder: Path) -> bytes:
    made = SmallVault(folder, SIGNER)
    made.store(4, {(b"file",): Item(content=b"text")})
    return made.commits[4]


@settings(max_examples=30, deadline=None)
@given(st.binary(max_size=10_000), st.sampled_from([STRUCTURE, NAMES, INDEX]), st.sampled_from([AES_GCM, CHACHA]))
def test_a_part_comes_back(content: bytes, section: int, cipher: int) -> None:
    stored = seal_section(KEYS, VAULT, 5, "d", section, 0, content, cipher)
    assert open_section(KEYS, VAULT, 5, section, stored, "part") == content


def test_a_part_belongs_to_its_vault_run_and_section() -> None:
    stored = seal_section(KEYS, VAULT, 5, "d", STRUCTURE, 0, b"content")
    for vault, run, section in ((UUID(int=1), 5, STRUCTURE), (VAULT, 6, STRUCTURE), (VAULT, 5, INDEX)):
        with pytest.raises(VaultDamaged):
            open_section(KEYS, vault, run, section, stored, "part")


def test_every_flipped_byte_and_truncation_of_a_part_is_noticed() -> None:
    stored = seal_section(KEYS, VAULT, 5, "d", NAMES, 3, b"content " * 20)
    for place in range(len(stored)):
        with pytest.raises((VaultDamaged, FormatUnknown)):
            open_section(KEYS, VAULT, 5, NAMES, stored[:place] + bytes([stored[place] ^ 2]) + stored[place + 1 :], "p")
        with pytest.raises(VaultDamaged):
            open_section(KEYS, VAULT, 5, NAMES, stored[:place], "part")


def test_names_need_a_key_that_structure_does_not() -> None:
    other = derive_keys(bytes(64), VAULT)
    browsing = type(KEYS)(1, KEYS.chunk, KEYS.gear, KEYS.blob, other.manifest, KEYS.index)
    structure, names = (seal_section(KEYS, VAULT, 5, "d", section, 0, b"x") for section in (STRUCTURE, NAMES))
    assert open_section(browsing, VAULT, 5, STRUCTURE, structure, "part") == b"x"
    with pytest.raises(VaultDamaged):
        open_section(browsing, VAULT, 5, NAMES, names, "part")


def test_a_part_that_would_unfold_too_far_is_refused() -> None:
    with pytest.raises(ValueError, match="8 MiB"):
        seal_section(KEYS, VAULT, 5, "d", STRUCTURE, 0, bytes(PART_LIMIT + 1))
    stored = seal_section(KEYS, VAULT, 5, "d", STRUCTURE, 0, bytes(PART_LIMIT))
    assert len(open_section(KEYS, VAULT, 5, STRUCTURE, stored, "part")) == PART_LIMIT
    fields = list(PART_HEADER.unpack_from(stored))
    fields[-1] = PART_LIMIT + 1
    with pytest.raises(VaultDamaged):
        open_section(KEYS, VAULT, 5, STRUCTURE, PART_HEADER.pack(*fields) + stored[PART_HEADER.size :], "part")


def test_a_commit_comes_back(tmp_path: Path) -> None:
    data = commit_object(tmp_path)
    commit = read_commit(data, KEYS, VAULT)
    assert (commit.run, commit.parent, commit.kind, commit.files, commit.bytes) == (4, 0, "f", 1, 4)
    assert read_commit(write_commit(commit, KEYS, VAULT, CHACHA), KEYS, VAULT) == commit
    assert b"workstation" not in data


def test_every_flipped_byte_and_truncation_of_a_commit_is_noticed(tmp_path: Path) -> None:
    data = commit_object(tmp_path)
    for place in range(len(data)):
        with pytest.raises((CommitInvalid, FormatUnknown)):
            read_commit(data[:place] + bytes([data[place] ^ 8]) + data[place + 1 :], KEYS, VAULT)
        with pytest.raises(CommitInvalid):
            read_commit(data[:place], KEYS, VAULT)


def test_a_commit_of_another_vault_or_key_is_refused(tmp_path: Path) -> None:
    data = commit_object(tmp_path)
    with pytest.raises(CommitInvalid):
        read_commit(data, KEYS, UUID(int=1))
    with pytest.raises(CommitInvalid):
        read_commit(data, derive_keys(bytes(64), VAULT), VAULT)


def test_an_acknowledgement_covers_one_commit_of_one_run_of_one_vault(tmp_path: Path) -> None:
    data = commit_object(tmp_path)
    signed = sign_commit(data, 4, VAULT, SIGNING_KEY)
    assert verify_acknowledgement(signed, data, 4, VAULT, SIGNER)
    assert not verify_acknowledgement(signed, data, 5, VAULT, SIGNER)
    assert not verify_acknowledgement(signed, data, 4, UUID(int=1), SIGNER)
    assert not verify_acknowledgement(signed, data + b"x", 4, VAULT, SIGNER)
    assert not verify_acknowledgement(signed, data, 4, VAULT, bytes(32))
    assert not verify_acknowledgement(sign_commit(data, 4, VAULT, bytes(32)), data, 4, VAULT, SIGNER)
    for place in range(len(signed)):
        bent = signed[:place] + bytes([signed[place] ^ 1]) + signed[place + 1 :]
        assert not verify_acknowledgement(bent, data, 4, VAULT, SIGNER)


def test_the_vault_describes_itself_without_secrets() -> None:
    text = json.loads(describe_vault(VAULT, datetime(2026, 3, 1, tzinfo=UTC), 8 << 20))
    assert text["format"] == 1
    assert text["vault"] == str(VAULT)
    assert text["created"] == "2026-03-01T00:00:00+00:00"
    assert text["pack_size"] == 8 << 20
