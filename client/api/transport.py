"""HTTP to the portal: one pool of connections, bounded waits, and repeats only where a repeat does no harm."""
from __future__ import annotations

import ipaddress
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlsplit

import msgspec

from client import VERSION
from client.errors import AnswerUnreadable
from client.system import proxy_settings
from protocol.errors import PortalAddressWrong, PortalFailed, PortalUnreachable, PortalUntrusted, recognise
from protocol.messages import Message, Problem, decode
from vault.errors import BackupError

if TYPE_CHECKING:
    import ssl

    from urllib3 import BaseHTTPResponse, PoolManager

Answer = TypeVar("Answer", bound=Message)

CONNECTIONS = 4
CONNECT_TIMEOUT = 10.0
ANSWER_TIMEOUT = 60.0
ANSWER_LIMIT = 64 * 1024 * 1024
FIRST_PAUSE = 0.2
LONGEST_PAUSE = 5.0
FAILURES_BORNE = 3
GATEWAY_FAULTS = frozenset({502, 503, 504})


@dataclass(frozen=True)
class Call:
    """One question: `headers` is asked anew at every attempt; `patience` and `timeout` are seconds.

    A call that is not `repeatable` is sent again only when it surely never reached the portal.
    """

    method: str
    path: str
    body: bytes | None = None
    content_type: str = "application/json"
    headers: Callable[[], dict[str, str]] = dict
    repeatable: bool = True
    patience: float = 0.0
    timeout: float = ANSWER_TIMEOUT


class _Fault(Exception):
    """An attempt that may be worth another one; `sent` is False when the portal surely saw nothing of it."""

    def __init__(self, error: BackupError, *, sent: bool) -> None:
        super().__init__(str(error))
        self.error = error
        self.sent = sent


class Transport:
    """Keeps connections to one portal alive and sends calls over them; several threads may use it at once."""

    def __init__(self, address: str, token: str, ca: str) -> None:
        """Nothing is connected yet; raises PortalAddressWrong for an address that must not be used."""
        self.address = check_address(address)
        self._token = token
        self._ca = ca
        self._pool: PoolManager | None = None
        self._starting = threading.Lock()
        self._closed = threading.Event()

    def close(self) -> None:
        """Drop the idle connections; whoever waits for a repeat gets PortalUnreachable."""
        self._closed.set()
        if self._pool is not None:
            self._pool.clear()

    def drop_idle(self) -> None:
        """Drop the idle connections; the next calls open others."""
        if self._pool is not None:
            self._pool.clear()

    def ask(self, call: Call, answer: type[Answer]) -> Answer:
        """Send a call and read the answer as `answer`; see Portal for the errors."""
        data = self.send(call)
        try:
            return decode(data, answer)
        except msgspec.DecodeError as error:
            raise AnswerUnreadable(portal=self.address, reason=error) from error

    def send(self, call: Call) -> bytes:
        """Send a call, again after a pause where that is allowed, and return the body of a good answer."""
        until = time.monotonic() + call.patience
        pause = FIRST_PAUSE
        failures = 0
        while True:
            try:
                return self._attempt(call)
            except _Fault as fault:
                failures += isinstance(fault.error, PortalFailed)
                hopeless = failures >= FAILURES_BORNE or (fault.sent and not call.repeatable)
                if hopeless or time.monotonic() + pause > until or self._closed.wait(pause):
                    raise fault.error from fault.__cause__
            pause = min(pause * 2, LONGEST_PAUSE)

    def _attempt(self, call: Call) -> bytes:
        from urllib3.exceptions import HTTPError

        headers = {
            "Accept": "application/json", "Content-Type": call.content_type, "User-Agent": f"ibs-client/{VERSION}",
        }
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        pool = self._open_pool()
        try:
            response = pool.request(
                call.method, self.address + call.path, body=call.body, headers=headers | call.headers(),
                timeout=_timeout(call.timeout), retries=False, redirect=False, preload_content=False,
            )
            data = _read(response)
        except HTTPError as error:
            raise self._explain(error) from error
        if response.status in {200, 201}:
            return data
        raise self._refusal(response, data)

    def _open_pool(self) -> PoolManager:
        with self._starting:
            if self._pool is None:
                self._pool = self._make_pool()
            return self._pool

    def _make_pool(self) -> PoolManager:
        import urllib3

        proxy = self._proxy()
        kind = urllib3.PoolManager if proxy is None else lambda **how: urllib3.ProxyManager(proxy, **how)
        return kind(num_pools=2, maxsize=CONNECTIONS, block=True, ssl_context=self._trust())

    def _trust(self) -> ssl.SSLContext | None:
        """Whom to believe: the authority given at enrolment and nobody else, or the system's own store."""
        if not self.address.startswith("https:"):
            return None
        import ssl

        try:
            return ssl.create_default_context(cadata=self._ca or None)
        except ssl.SSLError as error:
            raise PortalUntrusted(reason="the file given with --ca holds no certificate in PEM form") from error

    def _proxy(self) -> str | None:
        parts = urlsplit(self.address)
        host = parts.hostname or ""
        if is_loopback(host) or not proxy_settings():
            return None
        from urllib.request import getproxies, proxy_bypass

        return None if proxy_bypass(host) else getproxies().get(parts.scheme)

    def _explain(self, error: Exception) -> Exception:
        from urllib3 import exceptions

        if isinstance(error, exceptions.SSLError) and "CERTIFICATE_VERIFY_FAILED" in str(error):
            reason = getattr(error.args[0], "verify_message", "") or str(error)
            return PortalUntrusted(reason=reason)
        unsent = (exceptions.NewConnectionError, exceptions.ConnectTimeoutError, exceptions.ProxyError)
        reason = _reason(error)
        return _Fault(PortalUnreachable(portal=self.address, reason=reason), sent=not isinstance(error, unsent))

    def _refusal(self, response: BaseHTTPResponse, data: bytes) -> Exception:
        try:
            problem = decode(data, Problem)
        except msgspec.DecodeError:
            return self._wordless(response)
        error = recognise(problem)
        if isinstance(error, PortalFailed):
            return _Fault(error, sent=True)
        return error

    def _wordless(self, response: BaseHTTPResponse) -> Exception:
        """What an answer without a Problem means: a web server or a proxy speaks, not the portal."""
        status = response.status
        if status in GATEWAY_FAULTS:
            return _Fault(PortalUnreachable(portal=self.address, reason=f"its web server answers {status}"), sent=True)
        if status >= 500:
            return _Fault(PortalFailed(reference=f"HTTP {status}"), sent=True)
        if 300 <= status < 400:
            target = response.headers.get("Location", "elsewhere")[:200]
            return AnswerUnreadable(portal=self.address, reason=f"it sends us on to {target}")
        return AnswerUnreadable(portal=self.address, reason=f"it answers {status} without a reason")


def check_address(address: str) -> str:
    """The portal's address without a trailing slash; raises PortalAddressWrong."""
    try:
        parts = urlsplit(address.strip())
        port = parts.port
    except ValueError as error:
        raise PortalAddressWrong(address=address, reason=error) from error
    if parts.username or parts.password:
        raise PortalAddressWrong(address="this address", reason="it holds a user name or password")
    if parts.scheme not in {"https", "http"} or not parts.hostname or port == 0:
        raise PortalAddressWrong(address=address, reason="it is no web address")
    if parts.query or parts.fragment:
        raise PortalAddressWrong(address=address, reason="it goes on after its path")
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        raise PortalAddressWrong(address=address, reason="it isn't encrypted")
    return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}"


def is_loopback(host: str) -> bool:
    """True for a host name or address that never leaves this computer."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _timeout(seconds: float) -> object:
    from urllib3 import Timeout

    return Timeout(connect=CONNECT_TIMEOUT, read=seconds)


def _read(response: BaseHTTPResponse) -> bytes:
    from urllib3.exceptions import ProtocolError

    data: bytes = response.read(ANSWER_LIMIT + 1)
    if len(data) > ANSWER_LIMIT:
        response.close()
        raise ProtocolError("its answer is too long")
    response.release_conn()
    return data


def _reason(error: BaseException) -> str:
    """The innermost cause in a few words, without the names of classes."""
    while error.__cause__ is not None:
        error = error.__cause__
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error.args[0] if error.args else error).rstrip(".")
