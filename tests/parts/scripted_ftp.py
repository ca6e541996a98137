"""A small FTP server in memory that misbehaves on command, one thread for each connection."""
from __future__ import annotations

import contextlib
import itertools
import socket
import ssl
import struct
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from tests.parts.certificates import make_certificate
from vault.address import FtpAddress

USER, PASSWORD = "scripted", "only for tests"
BLOCK = 1 << 16


class ScriptedServer:
    """A well-behaved server until one of its attributes says otherwise. A context manager.

    `uploads` yields what happens to each upload in turn, and "good" when it is exhausted:
    "short" (half is stored, 226), "226 then reset" (half is stored, 226, the control connection is cut), "silent"
    (half is stored, no reply), "hold" (under TLS: everything is stored, close_notify never comes), "late 552", or any
    reply such as "426 lost": half is stored and the reply given. "whole 451 odd" stores all of it and answers so.
    """

    def __init__(self, folder: Path | None = None, *, tls: bool = False) -> None:
        """`folder` takes the certificate and is needed with `tls` only."""
        self.files: dict[str, bytes] = {}
        self.folders: set[str] = {""}
        self.commands: list[str] = []
        self.arrivals = 0
        """How often something was received; commands that are sent together arrive at once."""
        self.connections = 0
        self.uploads: Iterator[str] = iter(())
        self.silent_at: set[str] = set()
        """Commands that get no answer; "connect" stands for the greeting."""
        self.refused: dict[str, str] = {}
        """Replies to commands that are not obeyed."""
        self.cut_after: list[str] = []
        """Commands that are obeyed and then, once each, answered by a cut connection."""
        self.most_connections: int | None = None
        self.most_bytes: int | None = None
        """Space; an upload beyond it is cut off, kept in part and answered with `full_reply`."""
        self.full_reply = "452 no space left on device"
        self.most_listed: int | None = None
        self.forgetful = False
        """Commands that arrive together with another one are lost."""
        self.delay = 0.0
        """Seconds before each reply."""
        self.tls = tls
        self.oldest_tls = ssl.TLSVersion.TLSv1_2
        self._context: ssl.SSLContext | None = None
        if tls:
            assert folder is not None
            (folder / "scripted.pem").write_text(make_certificate().pem)
            self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._context.load_cert_chain(folder / "scripted.pem")
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> ScriptedServer:
        self._start(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.drop_all()
        for thread in self._threads:
            thread.join(5)

    def address(self, base: str = "") -> FtpAddress:
        """Where clients find it."""
        if base:
            self.folders |= {base.strip("/")}
        pin = make_certificate().pin if self.tls else None
        return FtpAddress("127.0.0.1", self.port, USER, PASSWORD, base, tls=self.tls, pin=pin)

    def release(self, connection: socket.socket) -> None:
        """Its place is free for another."""
        with self._lock:
            self._open.discard(connection)

    def drop_all(self) -> None:
        """Cut every connection, as a router does that forgets them."""
        for connection in list(self._open):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def count(self, verb: str) -> int:
        """How often a command was received."""
        return sum(command.split(" ")[0] == verb for command in self.commands)

    def _start(self, work: object, *arguments: object) -> None:
        thread = threading.Thread(target=work, args=arguments, daemon=True)  # type: ignore[arg-type]
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self._ended.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self._start(self._serve, connection)

    def _serve(self, connection: socket.socket) -> None:
        with self._lock:
            self.connections += 1
            self._open.add(connection)
            crowded = self.most_connections is not None and len(self._open) > self.most_connections
        conversation = Conversation(self, connection, self._context)
        try:
            with contextlib.suppress(OSError, ValueError):
                conversation.hold(crowded)
        finally:
            self.release(connection)
            conversation.close()

    def wait(self, seconds: float) -> None:
        """Sleep, but not beyond the end of the server."""
        self._ended.wait(seconds)

    def room(self) -> int:
        """Bytes that may still be stored."""
        return 1 << 40 if self.most_bytes is None else self.most_bytes - sum(map(len, self.files.values()))


class Conversation:
    """One control connection."""

    def __init__(self, server: ScriptedServer, control: socket.socket, context: ssl.SSLContext | None) -> None:
        self.server, self.control, self.context = server, control, context
        self.accepted = control  # below TLS
        self.passive: socket.socket | None = None
        self.folder, self.offset, self.renamed, self.cut = "", 0, "", False

    def close(self) -> None:
        """Close both connections."""
        for connection in (self.control, self.passive):
            if connection is not None:
                connection.close()

    def hold(self, crowded: bool) -> None:
        """Answer commands until the peer leaves."""
        if "connect" in self.server.silent_at:
            self.server.wait(60)
        if crowded:
            return self.reply("421 too many connections")
        self.reply("220 ready")
        pending = b""
        while not self.cut:
            while b"\r\n" not in pending:
                received = self.control.recv(4096)
                if not received:
                    return None
                pending += received
                self.server.arrivals += 1
            line, pending = pending.split(b"\r\n", 1)
            if self.server.forgetful:
                pending = b""
            verb, _, argument = line.decode().partition(" ")
            self.server.commands.append(line.decode())
            self.answer(verb.upper(), argument)
            if verb == "QUIT":
                return None
        return None

    def reply(self, text: str) -> None:
        """Send one line."""
        self.server.wait(self.server.delay)
        self.control.sendall(text.encode() + b"\r\n")

    def reset(self) -> None:
        """Cut the control connection with a RST."""
        self.cut = True
        self.control.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    def answer(self, verb: str, argument: str) -> None:
        """Obey one command, or misbehave."""
        if verb in self.server.silent_at:
            self.server.wait(60)
            self.cut = True
            return
        if verb in self.server.refused:
            self.reply(self.server.refused[verb])
            return
        method = getattr(self, "do_" + verb.lower(), None)
        answer = method(argument) if method else {"USER": "331 password", "PASS": "230 welcome"}.get(verb, "200 done")
        if verb in self.server.cut_after:
            self.server.cut_after.remove(verb)
            self.reset()
        elif answer:
            self.reply(answer)
            if verb == "AUTH" and self.context:
                self.context.minimum_version = self.server.oldest_tls
                self.control = self.context.wrap_socket(self.control, server_side=True)

    def path(self, name: str) -> str:
        """A name as the server stores it."""
        return name.strip("/") if name.startswith("/") else f"{self.folder}/{name}".strip("/").removesuffix("/.")

    def do_pass(self, argument: str) -> str:
        return "230 welcome" if argument == PASSWORD else "530 Login incorrect."

    def do_pwd(self, argument: str) -> str:
        return f'257 "/{self.folder}"'

    def do_cwd(self, argument: str) -> str:
        path = self.path(argument)
        if path not in self.server.folders:
            return "550 no such folder"
        self.folder = path
        return "250 done"

    def do_mkd(self, argument: str) -> str:
        path = self.path(argument)
        if path in self.server.folders or path.rpartition("/")[0] not in self.server.folders:
            return "550 can't be made"
        self.server.folders.add(path)
        return f'257 "{path}"'

    def do_size(self, argument: str) -> str:
        data = self.server.files.get(self.path(argument))
        return "550 no such file" if data is None else f"213 {len(data)}"

    def do_dele(self, argument: str) -> str:
        return "550 no such file" if self.server.files.pop(self.path(argument), None) is None else "250 gone"

    def do_rnfr(self, argument: str) -> str:
        self.renamed = self.path(argument)
        return "350 to what" if self.renamed in self.server.files else "550 no such file"

    def do_rnto(self, argument: str) -> str:
        self.server.files[self.path(argument)] = self.server.files.pop(self.renamed)
        return "250 done"

    def do_rest(self, argument: str) -> str:
        self.offset = int(argument)
        return "350 from there"

    def do_quit(self, argument: str) -> str:
        self.server.release(self.accepted)
        return "221 goodbye"

    def do_pasv(self, argument: str) -> str:
        high, low = divmod(self.listen(), 256)
        return f"227 there (127,0,0,1,{high},{low})"

    def do_epsv(self, argument: str) -> str:
        return f"229 there (|||{self.listen()}|)"

    def listen(self) -> int:
        """Await a data connection; returns the port."""
        if self.passive:
            self.passive.close()
        self.passive = socket.create_server(("127.0.0.1", 0))
        self.passive.settimeout(10)
        return int(self.passive.getsockname()[1])

    @contextlib.contextmanager
    def data(self) -> Iterator[socket.socket]:
        """The data connection of a transfer that was announced."""
        assert self.passive is not None
        self.reply("150 now")
        connection, _ = self.passive.accept()
        connection.settimeout(30)
        if self.context and self.server.tls:
            connection = self.context.wrap_socket(connection, server_side=True)
        try:
            yield connection
            if isinstance(connection, ssl.SSLSocket):
                with contextlib.suppress(OSError, ValueError):
                    connection.unwrap()
        finally:
            connection.close()

    def do_list(self, argument: str) -> str:
        folder = self.path(argument if argument and not argument.startswith("-") else "")
        inside = [(path, "-rw-r--r--", len(data)) for path, data in self.server.files.items()]
        inside += [(path, "drwxr-xr-x", 0) for path in self.server.folders if path]
        lines = [f"{mode} 1 owner group {size} Jan 01 2025 {path.rpartition('/')[2]}\r\n"
                 for path, mode, size in sorted(inside) if path.rpartition("/")[0] == folder]
        with self.data() as connection:
            connection.sendall("".join(lines[:self.server.most_listed]).encode())
        return "226 listed"

    def do_retr(self, argument: str) -> str:
        data = self.server.files.get(self.path(argument))
        start, self.offset = self.offset, 0
        if data is None:
            return "550 no such file"
        try:
            with self.data() as connection:
                connection.sendall(data[start:])
        except OSError:
            return "426 broken"
        return "226 sent"

    def do_stor(self, argument: str) -> str:
        path = self.path(argument)
        if path.rpartition("/")[0] not in self.server.folders:
            return "553 no such folder"
        fault = next(self.server.uploads, "good")
        with self.data() as connection:
            received = self._receive(connection)
            if fault == "hold":
                with contextlib.suppress(OSError):
                    socket.socket.recv(connection, 1)  # below TLS: until the peer gives up
        full = len(received) > self.server.room()
        kept = received if fault in {"good", "hold"} or fault.startswith("whole ") else received[:len(received) // 2]
        self.server.files[path] = kept[:max(self.server.room(), 0)] if full else kept
        if full:
            return self.server.full_reply
        if fault in {"good", "hold", "short"}:
            return "226 complete"
        return self._misbehave(fault)

    def _receive(self, connection: socket.socket) -> bytes:
        blocks = []
        while block := connection.recv(BLOCK):
            blocks.append(block)
        return b"".join(blocks)

    def _misbehave(self, fault: str) -> str:
        if fault == "226 then reset":
            self.reply("226 complete")
            time.sleep(0.05)
            self.reset()
            return ""
        if fault == "silent":
            self.server.wait(60)
            self.cut = True
            return ""
        if fault.startswith("late "):
            self.server.wait(0.5)
            return fault.removeprefix("late ")
        return fault.removeprefix("whole ")


def always(fault: str) -> Iterator[str]:
    """For `uploads`: the same misbehaviour every time."""
    return itertools.repeat(fault)
