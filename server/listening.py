"""The addresses on which the portal's processes listen."""
from __future__ import annotations

import socket

from vault.errors import BackupError


class AddressTaken(BackupError):
    """Can't serve on {host}, port {port}: {reason}. Nothing was started."""

    code = "IBS-9105"
    hint = "Stop the other program, or choose another port."


def listen(host: str, port: int) -> socket.socket:
    """A listening socket on an address of this machine; port 0 is any free one. Raises AddressTaken."""
    try:
        return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        raise AddressTaken(host=host, port=port, reason=error.strerror or str(error)) from error


def free_port() -> int:
    """A port of this machine that nobody uses now."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])
