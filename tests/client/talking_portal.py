"""A tiny web server that answers as a test tells it: for the behaviour of the transport only, it is no portal."""
from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from protocol.messages import Message, Problem, encode


@dataclass(frozen=True)
class Request:
    """What arrived."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True)
class Answer:
    """What goes back; `shortened` leaves off that many bytes of the body and hangs up."""

    body: bytes = b"{}"
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    shortened: int = 0


HANG_UP = Answer(status=0)
Reply = Callable[[Request], Answer]


def message(value: Message) -> Answer:
    """A good answer."""
    return Answer(encode(value))


def refusal(code: str, status: int = 403, **details: str) -> Answer:
    """A Problem as the portal words it."""
    return Answer(encode(Problem(code=code, sentence="It said no.", hint="Ask.", details=details)), status)


class _Server(ThreadingHTTPServer):
    """Says nothing of clients that hang up or distrust it."""

    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing."""


class TalkingPortal:
    """Listens on loopback; `replies` are given in turn, the last one for ever."""

    def __init__(self, *replies: Answer | Reply, port: int = 0, tls: ssl.SSLContext | None = None) -> None:
        """Starts at once; `port` 0 takes a free one; `tls` makes it speak https."""
        self.requests: list[Request] = []
        self.connections = 0
        self.open: set[socket.socket] = set()
        self._replies = list(replies)
        self._turn = threading.Lock()
        portal = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self) -> None:
                super().setup()
                portal.connections += 1
                portal.open.add(self.connection)

            def finish(self) -> None:
                portal.open.discard(self.connection)
                super().finish()

            def handle_one(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                answer = portal.answer_to(Request(self.command, self.path, dict(self.headers.items()), body))
                if answer.status == 0:
                    self.close_connection = True
                    self.connection.shutdown(socket.SHUT_RDWR)
                    return
                self.send_response(answer.status)
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(answer.body)))
                self.end_headers()
                self.wfile.write(answer.body[:len(answer.body) - answer.shortened])
                self.close_connection = self.close_connection or answer.shortened > 0

            do_GET = do_POST = do_PUT = handle_one  # noqa: N815 (names that http.server asks for)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = _Server(("127.0.0.1", port), Handler)
        self._scheme = "http" if tls is None else "https"
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()

    def answer_to(self, request: Request) -> Answer:
        """The next reply in line."""
        with self._turn:
            self.requests.append(request)
            reply = self._replies.pop(0) if len(self._replies) > 1 else self._replies[0]
        return reply if isinstance(reply, Answer) else reply(request)

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._server.server_address[1])

    @property
    def address(self) -> str:
        """As a client is told it."""
        return f"{self._scheme}://127.0.0.1:{self.port}"

    def stop(self) -> None:
        """Hang up and free the port."""
        self._server.shutdown()
        for connection in list(self.open):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self._server.server_close()
        self._thread.join()
