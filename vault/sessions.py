"""A control connection to an FTP server: connect, check the certificate, sign in, enter the base folder.

docs/ftp.md gives the reason for each rule. What fails up to there is raised as an error of vault.errors; later
failures are those of ftplib and the operating system, for vault.failures to translate.
"""
from __future__ import annotations

import contextlib
import ftplib
import functools
import hashlib
import socket
import ssl
import time

import ftputil

from vault.address import FtpAddress, Pace, Profile, Timeouts, at_once
from vault.errors import CertificateRejected, StorageError
from vault.failures import connecting

SPARE_PLACES = 4
"""A server that allows so many sessions has room for a new one while it still counts one that has just ended."""

LEAST_AHEAD, RATE_AHEAD = 512 << 10, 12_800_000
"""What a data connection may hold unconfirmed: 512 KiB, or on longer lines what 100 Mbit/s keep under way. More only
queues in the routers, where every command and all the customer's other traffic has to wait behind it."""

Place = tuple[str, int]
"""Host and port of a data connection."""


@functools.lru_cache(maxsize=8)
def tls_context(max_tls: str, pinned: bool, ca: str | None) -> ssl.SSLContext:
    """A verifying context; with a pin the comparison of the certificate's hash replaces the check of its issuer."""
    if pinned:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    else:
        context = ssl.create_default_context(cadata=ca)
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT  # Python 3.13 sets it; certificates of many NAS fail it
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.maximum_version = ssl.TLSVersion.TLSv1_3 if max_tls == "1.3" else ssl.TLSVersion.TLSv1_2
    return context


@functools.lru_cache(maxsize=1)
def most_ahead() -> int:
    """The largest buffer that the system lets a connection ask for; one that did not ask may get more."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 64 << 20)
        return probe.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF) // 2  # Linux doubles what it grants


class Session(ftplib.FTP):
    """A control connection that has signed in. One thread at a time.

    `dead` says that its state is unknown and that it must not be used again; `moved` counts the bytes transferred;
    `view` is ftputil's face of a session that open_session made, for listings.
    """

    sock: socket.socket | ssl.SSLSocket
    view: ftputil.FTPHost

    def __init__(self, address: FtpAddress, profile: Profile, timeouts: Timeouts) -> None:
        """Connect and sign in; raises errors of vault.errors and leaves nothing open then."""
        super().__init__(encoding="utf-8")
        self.address, self.profile, self.waits = address, profile, timeouts
        self.context = tls_context(profile.max_tls, address.pin is not None, address.ca) if address.tls else None
        self.trust_server_pasv_ipv4_address = profile.trust_pasv_ip
        self.dead = False
        self.pace: Pace = at_once
        self.moved = 0
        self._round_trip = float("inf")
        self.representation = "A"  # what RFC 959 begins with
        self.verb = ""
        self.folder = address.base or "/"
        self.leaf: bytes | None = None  # SHA-256 of the certificate that was seen
        try:
            with connecting(self):
                self._sign_in()
        except BaseException:
            self.discard()
            raise

    def _sign_in(self) -> None:
        self.host, self.port, self.timeout = self.address.host, self.address.port, self.waits.connect
        self.sock = socket.create_connection((self.host, self.port), self.timeout)
        self.af = self.sock.family
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._keep_alive()
        self._hear()
        self.welcome = self.getresp()
        if self.context:
            self.voidcmd("AUTH TLS")
            self.sock = self._encrypt(self.sock)
            self._hear()  # anew, so that nothing sent in clear before the handshake is believed
        self.login(self.address.user, self.address.password)
        self._prepare()
        self.sock.settimeout(self.waits.transfer)

    def _prepare(self) -> None:
        """Encrypt data connections, enter the base folder, choose binary representation."""
        steps = ["PBSZ 0", "PROT P"] if self.context else []
        if not self.address.base.isascii():
            steps.append("OPTS UTF8 ON")
        steps += [f"CWD {self.address.base}" if self.address.base else "PWD", "TYPE I"]
        for step, reply in zip(steps, self.batch(steps), strict=True):
            if step == "PWD" and reply[:3] == "257":
                self.folder = ftplib.parse257(reply)
            if reply[:1] == "2" or step.startswith(("OPTS", "PWD")):  # Pure-FTPd lists UTF8, yet refuses OPTS
                continue
            if step.startswith("CWD"):
                raise StorageError(reason=f"its base folder {self.address.base} can't be entered ({reply})")
            if step.startswith("P"):
                raise CertificateRejected(host=self.host, reason=f"it does not encrypt what is transferred ({reply})")
            raise ftplib.error_proto(reply)

    def _hear(self) -> None:
        # Replies may hold any bytes of the server's language; ftplib alone would fail on them.
        self.file = self.sock.makefile("r", encoding="utf-8", errors="replace")

    def _keep_alive(self) -> None:
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for option, value in (("TCP_KEEPIDLE", 60), ("TCP_KEEPINTVL", 20), ("TCP_KEEPCNT", 5)):
            if hasattr(socket, option):  # Linux, and Windows 10 from 1709 on
                self.sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)

    def _encrypt(self, connection: socket.socket, session: ssl.SSLSession | None = None) -> ssl.SSLSocket:
        assert self.context is not None
        encrypted = self.context.wrap_socket(connection, server_hostname=self.host, session=session)
        seen = hashlib.sha256(encrypted.getpeercert(binary_form=True) or b"").digest()
        if self.address.pin not in {None, seen}:
            encrypted.close()
            reason = f"its certificate is another one, {seen.hex()}"
            raise CertificateRejected(host=self.host, reason=reason, seen=seen.hex())
        self.leaf = seen
        return encrypted

    def discard(self) -> None:
        """Never use this session again."""
        self.dead = True
        with contextlib.suppress(OSError):
            ftplib.FTP.close(self)

    def close(self) -> None:
        """End politely within a bounded time, so that the server frees its place at once.

        The server's own goodbye is awaited where the next session may need this one's place.
        """
        if not self.dead and self.sock is not None:
            with contextlib.suppress(OSError, EOFError, ftplib.Error, ValueError):
                self.sock.settimeout(self.waits.goodbye)
                self.putcmd("QUIT")
                if self.profile.max_sessions < SPARE_PLACES:
                    self.getmultiline()
        self.discard()

    def pwd(self) -> str:
        """The folder in which the session stands; FTPHost asks for it first, and here that costs nothing."""
        return self.folder

    def putcmd(self, line: str) -> None:
        """Send a command, and note a change of representation, also when a listing of ftplib makes it."""
        self._note(line)
        super().putcmd(line)

    def _note(self, line: str) -> None:
        self.verb, _, argument = line.partition(" ")
        if self.verb == "TYPE":
            self.representation = argument

    def batch(self, commands: list[str]) -> list[str]:
        """The replies to commands of which none starts a transfer; sent together where the server can take that."""
        replies = []
        if self.profile.pipelined:
            self._send(commands)
        for command in commands:
            if not self.profile.pipelined:
                self.putcmd(command)
            replies.append(self.getmultiline())
            if replies[-1].startswith("421"):
                raise ftplib.error_temp(replies[-1])
        return replies

    def _send(self, commands: list[str]) -> None:
        """Send commands together; their replies come one after the other."""
        if any("\r" in command or "\n" in command for command in commands):
            raise ValueError("a command must not hold a line break")
        self.sock.sendall("".join(f"{command}\r\n" for command in commands).encode())
        for command in commands:
            self._note(command)

    def binary(self) -> None:
        """Make sure of binary representation; asked only once, since every round trip counts on a slow line."""
        if self.representation != "I":
            self.voidcmd("TYPE I")

    def makepasv(self) -> Place:
        """Where the next data connection goes."""
        if self.profile.prefer_epsv and self.af == socket.AF_INET:
            with contextlib.suppress(ftplib.error_perm):
                return ftplib.parse229(self.sendcmd("EPSV"), self.sock.getpeername())
        return super().makepasv()

    @property
    def passive(self) -> str:
        """The command to which the server says where the next data connection goes."""
        return "EPSV" if self.profile.prefer_epsv or self.af == socket.AF_INET6 else "PASV"

    def place_in(self, reply: str) -> Place:
        """What a reply to `passive` says; asks in every other way when it is a refusal."""
        if reply[:3] == "229":
            return ftplib.parse229(reply, self.sock.getpeername())
        if reply[:3] == "227":
            host, port = ftplib.parse227(reply)
            return (host if self.trust_server_pasv_ipv4_address else self.sock.getpeername()[0]), port
        return self.makepasv()

    def start_transfer(self, commands: list[str], place: Place | None = None) -> socket.socket:
        """A data connection, made while the commands of its transfer are on their way, which saves round trips.

        Each command's reply is still to be read, and `secure` to be called after them: a server that refuses the
        transfer may leave the data connection unanswered for ever.
        """
        if place is None:
            place = self.place_in(self.batch([self.passive])[0])
        self._send(commands)
        begin = time.monotonic()
        connection = socket.create_connection(place, self.waits.connect)
        self._round_trip = min(self._round_trip, time.monotonic() - begin)
        ahead = max(LEAST_AHEAD, int(self._round_trip * RATE_AHEAD))
        if ahead <= most_ahead():
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, ahead)
        connection.settimeout(self.waits.transfer)
        return connection

    def secure(self, connection: socket.socket) -> socket.socket:
        """A data connection ready for use, after the server has agreed to the transfer.

        Under TLS it resumes the control connection's session, as servers demand.
        """
        try:
            connection.settimeout(self.waits.transfer)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # Nagle costs 40 ms for a small object
            if isinstance(self.sock, ssl.SSLSocket):
                connection = self._encrypt(connection, self.sock.session)
        except BaseException:
            connection.close()
            raise
        return connection

    def ntransfercmd(self, cmd: str, rest: int | str | None = None) -> tuple[socket.socket, int | None]:
        """As ftplib's, with a connection that is ready for use."""
        self.timeout = self.waits.connect
        connection, size = super().ntransfercmd(cmd, rest)
        return self.secure(connection), size


def open_session(address: FtpAddress, profile: Profile, timeouts: Timeouts) -> Session:
    """A session that stands in the storage's base folder, with ftputil's host around it; raises StorageError."""
    opened: list[Session] = []

    def factory() -> Session:
        opened.append(Session(address, profile, timeouts))
        return opened[-1]

    host = ftputil.FTPHost(session_factory=factory)  # asks for nothing but the folder, which the session knows
    host.stat_cache.disable()  # its entries never expire
    opened[0].view = host
    return opened[0]
