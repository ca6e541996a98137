"""The certificate that the portal shows, checked as every call checks it."""
from __future__ import annotations

import hashlib
import socket
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from protocol.errors import PortalUnreachable, PortalUntrusted

TIMEOUT = 10.0


@dataclass(frozen=True)
class ShownCertificate:
    """A certificate that passed the check: for whom, by whom, until when, and its SHA-256 in pairs of digits."""

    subject: str
    issuer: str
    valid_until: datetime
    fingerprint: str


def look_at_certificate(address: str, ca: str) -> ShownCertificate | None:
    """What the portal at `address` shows now; None for an address without TLS, which only this computer itself has.

    `ca` is the PEM text of the portal's own authority, or empty for the system's. Raises PortalUntrusted and
    PortalUnreachable.
    """
    parts = urlsplit(address)
    if parts.scheme != "https" or parts.hostname is None:
        return None
    context = ssl.create_default_context(cadata=ca or None)
    try:
        with (
            socket.create_connection((parts.hostname, parts.port or 443), TIMEOUT) as line,
            context.wrap_socket(line, server_hostname=parts.hostname) as secured,
        ):
            told, data = secured.getpeercert(), secured.getpeercert(binary_form=True)
    except ssl.SSLCertVerificationError as error:
        raise PortalUntrusted(reason=error.verify_message) from error
    except OSError as error:
        raise PortalUnreachable(portal=address, reason=error.strerror or error) from error
    assert told is not None
    assert data is not None
    digest = hashlib.sha256(data).hexdigest().upper()
    return ShownCertificate(
        subject=_name(told.get("subject")) or parts.hostname, issuer=_name(told.get("issuer")),
        valid_until=datetime.fromtimestamp(ssl.cert_time_to_seconds(str(told["notAfter"])), UTC),
        fingerprint=":".join(digest[place:place + 2] for place in range(0, len(digest), 2)),
    )


def _name(parts: Any) -> str:
    """The common name of a subject or issuer, else the organisation."""
    found = {key: value for part in parts or () for key, value in part}
    return str(found.get("commonName") or found.get("organizationName") or "")
