"""What went wrong on an FTP connection: failures of ftplib and the operating system, told as errors of vault.errors."""
from __future__ import annotations

import contextlib
import ftplib
import ssl
from collections.abc import Iterator
from typing import TYPE_CHECKING

import ftputil.error

from vault.errors import (
    BackupError,
    CertificateRejected,
    StorageFull,
    StorageRefused,
    StorageSilent,
    StorageUnreachable,
    TooManyConnections,
    TransferFailed,
)

if TYPE_CHECKING:
    from vault.sessions import Session

CROWDED = ("too many", "maximum", "limit", "already")
FULL = ("452", "552")
FULL_WORDS = ("quota", "no space", "disk full")


@contextlib.contextmanager
def connecting(session: Session) -> Iterator[None]:
    """Say what went wrong between the first packet and a completed sign-in."""
    address, host = session.address, session.address.host
    try:
        yield
    except ssl.SSLCertVerificationError as error:
        raise CertificateRejected(host=host, reason=error.verify_message or "its certificate is not valid") from error
    except (ftplib.Error, ValueError) as error:
        reply = line_of(error)
        if reply.startswith("421") or (reply.startswith("530") and any(word in reply.lower() for word in CROWDED)):
            raise TooManyConnections(reason=reply) from error
        if session.verb in {"USER", "PASS", "ACCT"} and reply.startswith("5"):
            raise StorageRefused(user=address.user, reason=reply) from error
        if session.verb == "AUTH":
            raise CertificateRejected(host=host, reason=f"it offers no encryption ({reply})") from error
        raise StorageUnreachable(host=host, reason=reply) from error
    except TimeoutError as error:
        raise StorageUnreachable(host=host, reason="it does not answer") from error
    except (OSError, EOFError) as error:
        raise StorageUnreachable(host=host, reason=line_of(error) or "it ended the connection") from error


def was_refused(failure: BaseException) -> bool:
    """Whether the server itself said no, rather than falling silent or hanging up."""
    return isinstance(failure.__cause__, ftplib.Error)


@contextlib.contextmanager
def translated(name: str) -> Iterator[None]:
    """Turn failures of a session in use into StorageError subclasses; `name` is the object in question."""
    try:
        yield
    except BackupError:
        raise
    except ftputil.error.FTPError as error:
        raise TransferFailed(name=name, reason=line_of(error)) from error
    except ftplib.Error as error:
        reply = line_of(error)
        if reply.startswith(FULL) or any(word in reply.lower() for word in FULL_WORDS):
            raise StorageFull(reason=reply) from error
        raise TransferFailed(name=name, reason=reply) from error
    except TimeoutError as error:
        raise StorageSilent(reason=f"no answer in time about {name}") from error
    except (OSError, EOFError) as error:
        raise TransferFailed(name=name, reason=f"the connection was lost ({line_of(error) or 'ended'})") from error


def line_of(error: BaseException) -> str:
    """What an error says, on one line and short enough for a sentence."""
    text = str(error.strerror or error) if isinstance(error, OSError) else str(error)
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())[:200]
