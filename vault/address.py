"""Where a storage is, what was measured about it, and how long to wait for it."""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from vault.errors import StorageUnsuitable, UnsafeName

Pace = Callable[[int], None]
"""Is asked before so many bytes of an object are sent, and returns when they may be: a speed limit, a pause."""


def at_once(size: int) -> None:
    """The pace of who does not mind."""


@dataclass(frozen=True)
class FtpAddress:
    """One account on an FTP server. The password never appears in its representation.

    `base` is "" for the folder in which the account starts, or "/path" as the account sees it. `pin` is the SHA-256
    of the server's certificate (DER); with it nothing else about the certificate counts. `ca` is PEM text of trusted
    certificates; without both, the system's store decides. Raises UnsafeName and StorageUnsuitable.
    """

    host: str
    port: int
    user: str
    password: str = field(repr=False)
    base: str
    tls: bool = True
    pin: bytes | None = None
    ca: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        for text, shown in ((self.host, self.host), (self.user, self.user), (self.base, self.base),
                            (self.password, "(the password)")):
            if any(ord(sign) < 32 or ord(sign) == 127 for sign in text):
                raise UnsafeName(name=shown)
        if self.base and (not self.base.startswith("/") or self.base.endswith("/")
                          or {"", ".", ".."} & set(self.base[1:].split("/"))):
            raise UnsafeName(name=self.base)
        if not self.host or not self.user or not 0 < self.port < 65536:
            raise StorageUnsuitable(reason="its address needs a host, a user and a port between 1 and 65535")
        if self.pin is not None and len(self.pin) != 32:
            raise StorageUnsuitable(reason="a certificate's SHA-256 has 64 hexadecimal digits")


@dataclass(frozen=True)
class Profile:
    """What the doctor measured; transfers obey it."""

    max_tls: str = "1.2"
    """"1.2" or "1.3": the newest TLS version in use. Some servers truncate uploads under 1.3."""
    rename: bool = True
    """False: objects are written under their final name at once (in-place mode)."""
    ranged: bool = True
    """False: REST is refused; a range is read from the beginning of its object."""
    part_visible: bool = True
    """False: a name ending in .part is hidden from SIZE; uploads then go under a neutral temporary name."""
    append_only: bool = False
    """True: this account can neither delete, overwrite nor rename away what is finished."""
    delete_parts: bool = True
    """True: this account may delete its own temporary files."""
    max_sessions: int = 2
    """Connections that the server allows this account at one time, the portal's included."""
    idle_limit: int | None = None
    """Seconds after which the server ends an idle session, when that is less than we would keep it."""
    prefer_epsv: bool = False
    """True: EPSV is asked before PASV on IPv4 as well."""
    trust_pasv_ip: bool = False
    """True: data connections go to the address in the PASV reply instead of the server's own."""
    exclusive_rename: bool = False
    """True: the server refuses to rename onto an existing name, so that asking beforehand is not needed."""
    pipelined: bool = False
    """True: the server answers several commands that were sent together, which saves round trips."""


@dataclass(frozen=True)
class Timeouts:
    """How long the transport waits, in seconds."""

    connect: float = 30
    transfer: float = 60
    """For each command's reply and each block of data."""
    reply: float = 120
    """For the reply after an upload; a small server may write to its disks for long."""
    unwrap: float = 15
    """For the end of a TLS data connection."""
    early_close: float = 3
    """For the reply after a read that stopped before the end of the file."""
    goodbye: float = 2
    pause: float = 1
    """Before the leftover of a failed upload is removed and the upload repeated."""
    crowded: float = 30
    """For a free connection where the server allows only one; elsewhere it is not waited for."""
    idle: float = 60
    """A session unused for longer is replaced before its next use, as servers and routers drop it silently."""
    age: float = 1800
    """A session older than this is replaced: TLS session tickets expire."""


def parse_address(url: str, password: str, *, tls: bool | None = None, pin: bytes | None = None,
                  ca: str | None = None) -> FtpAddress:
    """The address in ftp://user@host:port/base or ftps://…; the scheme decides on TLS unless `tls` does.

    A password inside the URL is refused, because URLs end up in logs. Raises UnsafeName and StorageUnsuitable.
    """
    if any(ord(sign) < 32 or ord(sign) == 127 for sign in url):  # urlsplit would drop them silently
        raise UnsafeName(name=url)
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise StorageUnsuitable(reason="its address is not a valid URL") from error
    if parts.scheme not in {"ftp", "ftps"} or not parts.hostname or not parts.username:
        raise StorageUnsuitable(reason="its address must look like ftps://user@host:21/folder")
    if parts.password is not None:
        raise StorageUnsuitable(reason="the password must not stand in the address")
    if parts.query or parts.fragment:
        raise StorageUnsuitable(reason="its address must not hold “?” or “#”; write them as %3F and %23")
    if port is None:
        port = 21
    return FtpAddress(parts.hostname, port, unquote(parts.username), password, unquote(parts.path).rstrip("/"),
                      tls=parts.scheme == "ftps" if tls is None else tls, pin=pin, ca=ca)
