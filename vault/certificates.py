"""The certificate that an FTP server shows, fetched without trusting it and without signing in."""
from __future__ import annotations

import contextlib
import socket
import ssl

from vault.errors import StorageUnreachable

LONGEST_LINE = 4096
MOST_LINES = 200


def shown_certificate(host: str, port: int, *, seconds: float = 30) -> bytes:
    """The certificate (DER) with which the server answers AUTH TLS. Nothing secret is sent.

    Raises StorageUnreachable.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        with socket.create_connection((host, port), seconds) as plain:
            _expect(plain, b"220")
            plain.sendall(b"AUTH TLS\r\n")
            _expect(plain, b"234")
            with context.wrap_socket(plain, server_hostname=host) as encrypted:
                certificate = encrypted.getpeercert(binary_form=True)
                with contextlib.suppress(OSError):
                    encrypted.sendall(b"QUIT\r\n")
    except (OSError, ValueError) as error:
        raise StorageUnreachable(host=host, reason=getattr(error, "strerror", None) or str(error)) from error
    if not certificate:
        raise StorageUnreachable(host=host, reason="it shows no certificate")
    return certificate


def _expect(connection: socket.socket, code: bytes) -> None:
    """Read a reply, which may have several lines, byte by byte: what follows it belongs to TLS."""
    for _ in range(MOST_LINES):
        line = b""
        while not line.endswith(b"\n"):
            sign = connection.recv(1)
            if not sign or len(line) > LONGEST_LINE:
                raise ValueError("it doesn't answer as an FTP server does")
            line += sign
        if line[:3].isdigit() and line[3:4] == b" ":
            if line[:3] != code:
                raise ValueError(f"it answers {line.decode('utf-8', 'replace').strip()}")
            return
    raise ValueError("its answer does not end")
