"""Free ports for the servers of the tests, from a range that nobody gets by chance."""
from __future__ import annotations

import random
import socket

FIRST, LAST = 18_000, 32_000
"""Below the ports that Linux gives to those who ask for any: no connection takes one before its server does."""


def free_port() -> int:
    """A port of loopback that nobody listens on. Test runs side by side hardly ever choose alike."""
    chance = random.SystemRandom()
    while True:
        port = chance.randrange(FIRST, LAST)
        try:
            socket.create_server(("127.0.0.1", port)).close()
        except OSError:
            continue
        return port
