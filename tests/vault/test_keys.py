"""Keys: each has one purpose, a recovery code opens its own vault only, and typing is forgiven."""
from __future__ import annotations

from dataclasses import fields
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.vault.small_vault import CODE, VAULT, VAULT_KEY
from vault.errors import FormatUnknown, KeyRejected
from vault.keys import (
    CODE_ALPHABET,
    derive_keys,
    format_code,
    holder_of,
    new_recovery_code,
    new_vault_key,
    read_code,
    recovery_wrapping_key,
    unwrap_key,
    wrap_key,
)

OTHER = UUID(int=VAULT.int + 1)


def wrapped(holder: str = "recovery") -> bytes:
    return wrap_key(VAULT_KEY, recovery_wrapping_key(CODE, VAULT), vault=VAULT, version=3, holder=holder,
                    signer=bytes(range(32)))


def test_derived_keys_are_golden() -> None:
    keys = derive_keys(VAULT_KEY, VAULT)
    assert keys.chunk.hex() == "31cdfef9b174a231d3178ea87db8f9f9675da97b59cae320a20823fbba73718b"
    assert keys.gear == 420454563576406234
    assert keys.blob.hex() == "fa8ddbef2826a1e5ef15a9b4c2d0622159c821f071d0fa0befeffdf20a610b36"
    assert keys.manifest.hex() == "200ebe4e371209c9473dda845a477dc69518c591aac296768c292674dd702166"
    assert keys.index.hex() == "9a125993d1e7a201c5ec33304963a2db95cd0417556f90e3b2a1ce496bf8dba7"


def test_every_derived_key_differs_between_vaults_and_purposes() -> None:
    both = [derive_keys(VAULT_KEY, vault) for vault in (VAULT, OTHER)]
    found = [getattr(keys, field.name) for keys in both for field in fields(keys) if field.name != "version"]
    assert len(set(found)) == len(found)


def test_a_new_key_version_keeps_chunk_names_and_seals_anew() -> None:
    first, second = derive_keys(VAULT_KEY, VAULT, 1), derive_keys(new_vault_key()[:32] + VAULT_KEY[32:], VAULT, 2)
    assert (first.chunk, first.gear) == (second.chunk, second.gear)
    assert first.blob != second.blob
    assert derive_keys(VAULT_KEY, VAULT, 2).blob != first.blob


def test_the_gear_fits_into_63_bits() -> None:
    assert all(derive_keys(new_vault_key(), VAULT).gear < 1 << 63 for _ in range(50))


def test_keys_do_not_appear_in_what_is_printed() -> None:
    keys = derive_keys(VAULT_KEY, VAULT)
    assert keys.blob.hex() not in repr(keys)
    assert str(list(keys.blob)) not in repr(keys)
    assert repr(keys.blob) not in repr(keys)
    assert repr(VAULT_KEY) not in repr(unwrap_key(wrapped(), recovery_wrapping_key(CODE, VAULT), vault=VAULT))


def test_a_wrapped_key_opens_with_the_recovery_code() -> None:
    found = unwrap_key(wrapped(), recovery_wrapping_key(CODE, VAULT), vault=VAULT)
    assert (found.vault_key, found.version, found.signer) == (VAULT_KEY, 3, bytes(range(32)))
    assert holder_of(wrapped()) == "recovery"
    assert holder_of(wrapped("portal")) == "portal"
    assert holder_of(b"IBSKEY01\x09" + bytes(80)) is None


def test_a_wrong_code_a_wrong_vault_and_every_flipped_byte_are_refused() -> None:
    right, data = recovery_wrapping_key(CODE, VAULT), wrapped()
    for key, vault in ((recovery_wrapping_key(new_recovery_code(), VAULT), VAULT),
                       (recovery_wrapping_key(CODE, OTHER), VAULT), (right, OTHER)):
        with pytest.raises(KeyRejected):
            unwrap_key(data, key, vault=vault)
    for place in range(len(data)):
        with pytest.raises((KeyRejected, FormatUnknown)):
            unwrap_key(data[:place] + bytes([data[place] ^ 4]) + data[place + 1 :], right, vault=VAULT)
    for size in range(len(data)):
        with pytest.raises(KeyRejected):
            unwrap_key(data[:size], right, vault=VAULT)


@given(st.binary(min_size=16, max_size=16))
def test_a_code_is_read_back(secret: bytes) -> None:
    assert read_code(format_code(secret)) == secret


def test_typing_is_forgiven() -> None:
    secret = bytes.fromhex("00ff10a1b2c3d4e5f60718293a4b5c6d")
    code = format_code(secret)
    for typed in (code.lower(), code.replace("-", ""), code.replace("-", " "), f" {code}\n",
                  code.replace("0", "O").replace("1", "l")):
        assert read_code(typed) == secret


def test_no_single_slip_and_no_swap_of_neighbours_gives_another_code() -> None:
    code = CODE.replace("-", "")
    missed = 0
    for place, sign in enumerate(code):
        for other in CODE_ALPHABET:
            missed += other != sign and accepted(code[:place] + other + code[place + 1 :])
        swapped = code[:place] + code[place + 1 : place + 2] + code[place : place + 1] + code[place + 2 :]
        missed += swapped != code and accepted(swapped)
    assert missed <= 2, "the check sum has ten bits; about one slip in a thousand passes it"


def accepted(code: str) -> bool:
    try:
        read_code(code)
    except KeyRejected:
        return False
    return True


@given(st.text(max_size=40))
def test_rubbish_is_no_code(text: str) -> None:
    if len(text.replace("-", "").replace(" ", "")) != 28:
        with pytest.raises(KeyRejected):
            read_code(text)
