"""The storage, as the portal describes it to a computer."""
from __future__ import annotations

from protocol.messages.base import Message


class StorageAddress(Message, frozen=True, kw_only=True):
    """An FTP server and how to sign in; field for field vault.ftp.FtpAddress."""

    host: str
    port: int
    user: str
    password: str
    base: str
    tls: bool
    pin: bytes | None = None
    ca: str | None = None


class StorageProfile(Message, frozen=True, kw_only=True):
    """What the doctor found; field for field vault.ftp.Profile."""

    max_tls: str = "1.2"
    rename: bool = True
    ranged: bool = True
    part_visible: bool = True
    append_only: bool = False
    delete_parts: bool = True
    max_sessions: int = 2
    idle_limit: int | None = None
    prefer_epsv: bool = False
    trust_pasv_ip: bool = False
    exclusive_rename: bool = False
    pipelined: bool = False


class StorageAccess(Message, frozen=True, kw_only=True):
    """Where the vault lies. Credentials of the bundled storage lapse; a heartbeat brings new ones."""

    address: StorageAddress
    profile: StorageProfile
