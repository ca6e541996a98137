"""The way to the reseller's mail server: its settings, and handing it one message by SMTP (RFC 5321)."""
from __future__ import annotations

import base64
import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from pathlib import Path

from server.services.house import preferences
from server.services.storage.sealing import open_password, seal_password
from vault.errors import BackupError

TOPIC = "mail"
STARTTLS, TLS, PLAIN = "starttls", "tls", "plain"
TIMEOUT_SECONDS = 30.0
REFUSED_FOR_GOOD = range(500, 600)
NOT_THE_LETTERS_FAULT = {530, 534, 535, 538}
"""Replies to a sign-in: the settings are wrong, the letter is not."""


class MailNotSetUp(BackupError):
    """No mail server was set, so no e-mail is sent. What was to be sent waits for three days at most."""

    code = "IBS-1351"
    hint = "Set one under Settings, Mail."


class MailDelayed(BackupError):
    """The mail server {server} did not take the e-mail: {reason}. It is tried again."""

    code = "IBS-1352"
    hint = "If this lasts, look at Settings, Mail."


class MailRefused(BackupError):
    """The mail server {server} refused the e-mail for good: {reason}. It is not tried again."""

    code = "IBS-1353"
    hint = "Look at the address of the person, and at the sender's under Settings, Mail."


@dataclass(frozen=True)
class MailSettings:
    """The reseller's mail server. `sender` is the address that e-mails come from; without `user` nobody signs in.

    `reseller` is where the reseller itself is told of trouble; empty for nowhere. `alarms` sends it a copy of what is
    overdue.
    """

    host: str = ""
    port: int = 587
    security: str = STARTTLS
    user: str = ""
    password: str = ""
    sender: str = ""
    reseller: str = ""
    alarms: bool = False
    authority: Path | None = None
    """A file with the certificate authority to trust instead of the system's."""

    @property
    def is_complete(self) -> bool:
        """Whether anything can be sent."""
        return bool(self.host and self.sender)


def read_settings(kek: bytes, authority: Path | None = None) -> MailSettings:
    """What was set, the password opened with the portal's key. Raises SealBroken."""
    values = preferences.read(TOPIC)
    sealed = base64.b64decode(values.get("password_sealed", ""))
    return MailSettings(
        host=values.get("host", ""), port=int(values.get("port", 587)), security=values.get("security", STARTTLS),
        user=values.get("user", ""), password=open_password(kek, TOPIC, sealed) if sealed else "",
        sender=values.get("sender", ""), reseller=values.get("reseller", ""), alarms=bool(values.get("alarms", False)),
        authority=authority,
    )  # fmt: skip


def change_settings(settings: MailSettings, kek: bytes, version: int | None, now: datetime, *, actor: str,
                    address: str = "") -> None:
    """Set the mail server; its password is kept sealed under the portal's key. Raises EditedMeanwhile."""
    sealed = seal_password(kek, TOPIC, settings.password) if settings.password else b""
    preferences.change(TOPIC, {
        "host": settings.host, "port": settings.port, "security": settings.security, "user": settings.user,
        "password_sealed": base64.b64encode(sealed).decode("ascii"), "sender": settings.sender,
        "reseller": settings.reseller, "alarms": settings.alarms,
    }, version, now, actor=actor, address=address)


def deliver(message: EmailMessage, settings: MailSettings) -> None:
    """Hand `message` to the mail server and return once it has confirmed it.

    Raises MailNotSetUp; MailRefused when trying again would change nothing; MailDelayed otherwise.
    """
    if not settings.is_complete:
        raise MailNotSetUp
    server = f"{settings.host}:{settings.port}"
    try:
        with _session(settings) as session:
            session.send_message(message)
    except smtplib.SMTPRecipientsRefused as error:
        code, reason = next(iter(error.recipients.values()))
        raise _failure(server, code, reason) from error
    except smtplib.SMTPResponseException as error:
        raise _failure(server, error.smtp_code, error.smtp_error) from error
    except (OSError, smtplib.SMTPException, ValueError) as error:
        raise MailDelayed(server=server, reason=str(error) or type(error).__name__) from error


@contextmanager
def _session(settings: MailSettings) -> Iterator[smtplib.SMTP]:
    trust = ssl.create_default_context(cafile=str(settings.authority) if settings.authority else None)
    if settings.security == TLS:
        session: smtplib.SMTP = smtplib.SMTP_SSL(settings.host, settings.port, timeout=TIMEOUT_SECONDS, context=trust)
    else:
        session = smtplib.SMTP(settings.host, settings.port, timeout=TIMEOUT_SECONDS)
    try:
        if settings.security == STARTTLS:
            session.starttls(context=trust)
        if settings.user:
            session.login(settings.user, settings.password)
        yield session
        try:
            session.quit()
        except (OSError, smtplib.SMTPException):  # the message was confirmed before; how they part is of no importance
            return
    finally:
        session.close()


def _failure(server: str, code: int, answer: bytes | str) -> BackupError:
    text = answer.decode("utf-8", "replace") if isinstance(answer, bytes) else answer
    reason = f"{code} {text}".strip()
    if code in REFUSED_FOR_GOOD and code not in NOT_THE_LETTERS_FAULT:
        return MailRefused(server=server, reason=reason)
    return MailDelayed(server=server, reason=reason)
