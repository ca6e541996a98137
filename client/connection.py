"""From the store to the portal: the identity and an open line, closed when the body ends."""
from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from client.documents import Tell
from client.portal import Portal
from client.settings import Identity, load_identity


@contextlib.contextmanager
def connect(home: Path, tell: Tell) -> Iterator[tuple[Identity, Portal]]:
    """This computer's identity and its portal; raises NotEnrolled or StoreDamaged."""
    identity = load_identity(home, tell)
    portal = Portal(identity.portal, identity.token, ca=identity.ca)
    try:
        yield identity, portal
    finally:
        portal.close()
