"""What a certificate says of itself, in words for the one who is to approve it."""
from __future__ import annotations

import hashlib
import ssl
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509


@dataclass(frozen=True)
class SeenCertificate:
    """A certificate that nobody trusts yet; `fingerprint` is its SHA-256 as pairs of hexadecimal digits."""

    pin: bytes
    subject: str
    issuer: str
    first: datetime
    last: datetime
    self_signed: bool

    @property
    def fingerprint(self) -> str:
        """The SHA-256 as people compare it."""
        return self.pin.hex(":").upper()


def pem_of(der: bytes) -> str:
    """A certificate as text."""
    return ssl.DER_cert_to_PEM_cert(der)


def pin_of(pem: str) -> bytes:
    """The SHA-256 of a certificate."""
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).digest()


def describe_certificate(pem: str) -> SeenCertificate | None:
    """What a certificate says; None when it can't be read."""
    try:
        certificate = x509.load_pem_x509_certificate(pem.encode())
    except ValueError:
        return None
    return SeenCertificate(
        pin_of(pem), certificate.subject.rfc4514_string() or "nobody", certificate.issuer.rfc4514_string() or "nobody",
        certificate.not_valid_before_utc, certificate.not_valid_after_utc,
        certificate.subject == certificate.issuer,
    )
