"""Passwords that cost little: what guessing them costs is not what most tests are about."""
from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest
from argon2 import PasswordHasher

from server.services.signing_in import sign_in


@contextlib.contextmanager
def cheap_passwords() -> Iterator[None]:
    """Inside, Argon2 takes the least effort; as shipped, each sign-in computes for a fifth of a second."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sign_in, "HASHER", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
        sign_in._hash_of_nobody.cache_clear()
        yield
    sign_in._hash_of_nobody.cache_clear()
