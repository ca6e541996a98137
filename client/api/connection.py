"""From the store to the portal: the identity and an open line, closed when the body ends."""
from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from client.api.portal import Portal
from client.api.restore_access import load_access
from client.errors import AccessKept, HomeUnusable
from client.store.documents import Tell
from client.store.settings import Identity, load_identity


@contextlib.contextmanager
def connect(home: Path, tell: Tell) -> Iterator[tuple[Identity, Portal]]:
    """This computer's identity and its portal; raises NotEnrolled or StoreDamaged.

    Where this user may not read the computer's own token, it is one that the user signed in for, which is good for
    reading only; raises AccessKept when there is none.
    """
    try:
        identity = load_identity(home, tell)
    except HomeUnusable as error:
        if not isinstance(error.__cause__, PermissionError):
            raise
        found = load_access(home)
        if found is None:
            raise AccessKept from error
        identity = found
    portal = Portal(identity.portal, identity.token, ca=identity.ca)
    try:
        yield identity, portal
    finally:
        portal.close()
