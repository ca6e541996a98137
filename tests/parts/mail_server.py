"""A real mail server on loopback: it takes letters, or answers as it was told to."""
from __future__ import annotations

import contextlib
import ssl
from collections.abc import Iterator
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from server.services.mail.delivery import PLAIN, MailSettings
from tests.parts.certificates import Certificate
from tests.parts.ports import free_port

USER, PASSWORD = "portal", "s3cret words"


@dataclass
class MailServer:
    """What it was handed, and how it answers: `replies` go first, one to each letter's end of data or recipient."""

    port: int = 0
    letters: list[EmailMessage] = field(default_factory=list)
    recipient_replies: list[str] = field(default_factory=list)
    data_replies: list[str] = field(default_factory=list)
    drop_after_data: int = 0
    """So many letters are taken, and the connection cut before they are confirmed."""

    def settings(self, **more: Any) -> MailSettings:
        """The portal's settings for this server."""
        plain = {"host": "127.0.0.1", "port": self.port, "security": PLAIN, "sender": "backup@example.com"}
        return MailSettings(**{**plain, **more})

    async def handle_RCPT(self, server: SMTP, session: Session, envelope: Envelope, address: str,  # noqa: N802
                          options: list[str]) -> str:
        """A recipient: refused as told, else taken."""
        if self.recipient_replies:
            return self.recipient_replies.pop(0)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        """A letter: kept, unless told otherwise."""
        if self.data_replies:
            return self.data_replies.pop(0)
        assert isinstance(envelope.content, bytes)
        letter = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(letter, EmailMessage)
        self.letters.append(letter)
        if self.drop_after_data:
            self.drop_after_data -= 1
            assert server.transport is not None
            server.transport.abort()  # type: ignore[attr-defined]  # asyncio's transports have it
        return "250 OK"


@contextlib.contextmanager
def running_mail_server(certificate: Certificate | None = None, folder: Path | None = None) -> Iterator[MailServer]:
    """A mail server for the block; with a certificate, kept in `folder`, it asks for TLS and for a sign-in."""
    more: dict[str, Any] = {}
    if certificate is not None and folder is not None:
        file = folder / "mail.pem"
        file.write_text(certificate.pem)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        more = {"tls_context": context, "require_starttls": True, "auth_required": True, "authenticator": _check}
    handler = MailServer(free_port())
    controller = Controller(handler, hostname="127.0.0.1", port=handler.port, **more)
    controller.start()
    try:
        yield handler
    finally:
        controller.stop()


def _check(server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
    known = isinstance(data, LoginPassword) and (data.login, data.password) == (USER.encode(), PASSWORD.encode())
    return AuthResult(success=known, handled=False)
