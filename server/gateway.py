"""The bundled storage: an FTPS server on which computers can add to their vault and never destroy.

Built on pyftpdlib (docs/gateway.md). An upload gets its name only when it is complete and on the disk, so nothing
incomplete is ever seen and nothing is ever overwritten. Each connection has a thread of its own.
"""
# mypy: disable-error-code="misc, has-type, no-any-return"
from __future__ import annotations

import logging
import os
import re
import shutil
import socket
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from OpenSSL import SSL
from pyftpdlib.authorizers import DummyAuthorizer
from pyftpdlib.exceptions import AuthenticationFailed, FilesystemError
from pyftpdlib.filesystems import AbstractedFS
from pyftpdlib.handlers import DTPHandler, TLS_DTPHandler, TLS_FTPHandler
from pyftpdlib.ioloop import IOLoop
from pyftpdlib.servers import ThreadedFTPServer

from server.config import Config
from server.listening import listen
from server.services.storage.credentials import WRITE, Grant, check_password
from server.services.storage.space import SpaceLedger
from server.uploads import NAME_TAKEN, QUOTA_REACHED, Upload, place
from vault.layout import PART_SUFFIX

SAFE_PATH = re.compile(r"/[0-9a-f-]{36}(?!/g(/|$))(/[0-9a-z][0-9a-z.-]{0,79}){1,6}")  # g/ is the portal's own
MOST_DROPPED = 32 * 1024 * 1024  # of a refused upload; taken, so that the client gets to hear the reason
COMMANDS = {
    "ABOR", "AUTH", "CDUP", "CWD", "DELE", "EPSV", "FEAT", "LIST", "MKD", "NLST", "NOOP", "OPTS", "PASS", "PASV",
    "PBSZ", "PROT", "PWD", "QUIT", "REST", "RETR", "RNFR", "RNTO", "SIZE", "STAT", "STOR", "SYST", "TYPE", "USER",
}

log = logging.getLogger("ibs.storage")


class Transfer(DTPHandler):
    """A data connection whose upload counts only when it ended properly."""

    ac_in_buffer_size = 16 * 1024  # one TLS record; larger ones are cleared in vain for each
    ac_out_buffer_size = 256 * 1024
    cut = False

    def handle_read_event(self) -> None:
        """Take what has arrived."""
        super().handle_read_event()
        if not self._closed and isinstance(self.file_obj, Upload) and self.file_obj.dropped > MOST_DROPPED:
            self.close()

    def handle_close(self) -> None:
        """The client ended the connection: with a TLS farewell, or because it was cut off."""
        if self.receive and isinstance(self.socket, SSL.Connection):
            self.cut = not self.socket.get_shutdown() & SSL.RECEIVED_SHUTDOWN
        super().handle_close()

    def close(self) -> None:
        """Keep the upload or drop it, then answer accordingly."""
        upload = self.file_obj
        if not self._closed and isinstance(upload, Upload) and not upload.closed:
            if self.transfer_finished and not self.cut and not upload.refusal:
                upload.keep()
            elif self._resp and not upload.refusal:
                self._resp = ("426 The upload was cut off; nothing was kept.", log.info)
            if upload.refusal:
                self._resp = (upload.refusal, log.warning)
            upload.close()
        super().close()


class SecureTransfer(TLS_DTPHandler, Transfer):
    """The same over TLS."""

    def handle_error(self) -> None:
        """A fault of ours must not leave the client waiting for a reply."""
        if not self._closed and not self._resp:
            self._resp = ("451 The storage could not go on.", log.error)
        super().handle_error()


class VaultFolder(AbstractedFS):
    """The storage as one computer sees it: "/" holds its own vault's folder and nothing else."""

    def validpath(self, path: str) -> bool:
        """True for "/", the vault's folder and what lies below it, with links resolved."""
        home = os.path.realpath(os.path.join(self.root, self.cmd_channel.username))
        return path == self.root or (os.path.realpath(path) + os.sep).startswith(home + os.sep)

    def chdir(self, path: str) -> None:
        """Enter a folder; the process stays where it is, as it serves others too."""
        if not os.path.isdir(path):
            raise FilesystemError("No such folder")
        self.cwd = self.fs2ftp(path)

    def listdir(self, path: str) -> list[str]:
        """What a folder holds."""
        names = os.listdir(path)
        return [name for name in names if path != self.root or name == self.cmd_channel.username]

    def open(self, filename: str, mode: str) -> Any:
        """A file to read, or an Upload."""
        return open(filename, mode) if mode == "rb" else self.cmd_channel.begin_upload(filename)

    def rename(self, src: str, dst: str) -> None:
        """Give a complete file its final name."""
        place(Path(src), Path(dst))


class Doorkeeper(DummyAuthorizer):
    """Checks credentials without a table of users; what they allow is Connection's matter."""

    def __init__(self, config: Config, clock: Callable[[], datetime]) -> None:
        super().__init__()
        self._key, self._root = config.secrets.gateway, os.path.realpath(config.storage_folder)
        self.clock = clock

    def validate_authentication(self, username: str, password: str, handler: Connection) -> None:
        """Raises AuthenticationFailed unless the password proves a grant for the vault `username`."""
        handler.grant = check_password(self._key, username, password, self.clock())
        if handler.grant is None:
            log.warning("%s: a wrong or lapsed credential for %.40r", handler.remote_ip, username)
            raise AuthenticationFailed("This credential is wrong or has lapsed.")

    def get_home_dir(self, username: str) -> str:
        """The storage's root; VaultFolder shows no more than the user's own vault."""
        return self._root

    def has_perm(self, username: str, perm: str, path: str | None = None) -> bool:
        """Yes: COMMANDS leaves out what nobody may, and Connection refuses what this grant may not."""
        return True

    def get_msg_login(self, username: str) -> str:
        """Greeting and farewell."""
        return "IBS storage"

    get_msg_quit = get_msg_login


class Connection(TLS_FTPHandler):
    """One computer's control connection; create_gateway derives a class with the attributes that are only declared."""

    banner = "IBS storage"
    tls_control_required = True
    tls_data_required = True
    use_sendfile = False
    dtp_handler = SecureTransfer
    abstracted_fs = VaultFolder
    proto_cmds = {name: rule for name, rule in TLS_FTPHandler.proto_cmds.items() if name in COMMANDS}
    grant: Grant | None = None
    authorizer: Doorkeeper
    ledger: SpaceLedger
    aside: Path
    sync: bool

    def pre_process_command(self, line: str, cmd: str, arg: str) -> None:
        """Carry out one line, unless it holds what no name and no command may."""
        if any(ord(sign) < 32 or ord(sign) == 127 for sign in line):
            self.respond("501 Control characters are not allowed.")
        else:
            super().pre_process_command(line, cmd, arg)

    def begin_upload(self, target: str) -> Upload:
        """A new upload that will be called `target`."""
        if not os.path.isdir(os.path.dirname(target)):
            raise FilesystemError("No such folder")
        vault, step = self.username, self._step(target)
        return Upload(self.aside, target, lambda amount: self.ledger.reserve(vault, step, amount),
                      lambda amount: self.ledger.release(vault, step, amount), self.sync)

    def ftp_STOR(self, file: str, mode: str = "w") -> None:  # noqa: N802 (the command's name)
        """Take a new file; nothing is ever continued or overwritten."""
        resumed, self._restart_position = self._restart_position, 0
        if self._refuses(file):
            return
        if resumed or self._current_type != "i":
            self.respond("550 Only whole files in binary mode.")
        elif os.path.lexists(file):
            self.respond(NAME_TAKEN)
        elif not self.ledger.reserve(self.username, self._step(file), 0):
            self.respond(QUOTA_REACHED, logfun=log.warning)
        else:
            super().ftp_STOR(file)

    def ftp_MKD(self, path: str) -> None:  # noqa: N802
        """Make a folder in the vault, or the vault's own."""
        if not self._refuses(path, own_folder=True):
            super().ftp_MKD(path)

    def ftp_DELE(self, path: str) -> None:  # noqa: N802
        """Remove the leftover of a failed upload."""
        if self._refuses(path, part=True):
            return
        size = os.path.getsize(path)
        if super().ftp_DELE(path):
            self.ledger.release(self.username, self._step(path), size)

    def ftp_RNFR(self, path: str) -> None:  # noqa: N802
        """Begin to give a part its final name."""
        self._rnfr = None
        if not self._refuses(path, part=True):
            super().ftp_RNFR(path)

    def ftp_RNTO(self, path: str) -> None:  # noqa: N802
        """Give a part its final name, in its own folder, unless the name is taken."""
        if self._rnfr and os.path.dirname(self._rnfr) != os.path.dirname(path):
            self.respond("550 A file keeps its folder.")
        elif os.path.lexists(path):
            self.respond(NAME_TAKEN)
        elif not self._refuses(path):
            super().ftp_RNTO(path)
        self._rnfr = None

    def close(self) -> None:
        """Drop an upload for which no data connection came."""
        waiting = getattr(self, "_in_dtp_queue", None)
        super().close()
        if waiting is not None:
            waiting[0].close()

    def _refuses(self, path: str, *, part: bool = False, own_folder: bool = False) -> bool:
        """True, and answered, unless this session may add `path` or, with `part`, rename or delete it."""
        name, refusal = self.fs.fs2ftp(path), ""
        if self.grant is None or self.grant.scope != WRITE:
            refusal = "550 This credential may only read."
        elif self.authorizer.clock().timestamp() >= self.grant.expires:
            refusal = "550 This credential has lapsed."
        elif own_folder and name == f"/{self.username}":
            pass
        elif not SAFE_PATH.fullmatch(name):
            refusal = "550 A vault has no such name."
        elif part and (not name.endswith(PART_SUFFIX) or os.path.islink(path) or not os.path.isfile(path)):
            refusal = f"550 Only files whose names end in {PART_SUFFIX} can be renamed or deleted."
        if refusal:
            self.respond(refusal, logfun=log.info)
        return bool(refusal)

    def _step(self, path: str) -> str:
        return str(self.fs.fs2ftp(path).split("/")[2])


class Gateway(ThreadedFTPServer):
    """The running server; create_gateway makes it."""

    def __init__(self, listener: socket.socket, handler: type[Connection]) -> None:
        self._lock, self._exit = threading.Lock(), threading.Event()  # pyftpdlib would share them among servers
        self._stopping = False
        super().__init__(listener, handler, ioloop=IOLoop())

    def serve(self) -> None:
        """Serve until stop() is called, then end all connections."""
        while not self._stopping:
            self.serve_forever(timeout=0.5, blocking=False, handle_exit=False)
        self.close_all()

    def stop(self) -> None:
        """End serve() within a second. May be called from another thread or a signal."""
        self._stopping = True


def create_gateway(config: Config, allowance: Callable[[str], int],
                   clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> Gateway:
    """The storage of `config`, listening; `allowance` says how many bytes of packs a vault may hold.

    Raises AddressTaken. What an earlier process left half-written is removed.
    """
    logging.getLogger("pyftpdlib").setLevel(logging.WARNING)
    logging.getLogger("pyftpdlib").addHandler(logging.NullHandler())  # or pyftpdlib would install its own
    listener = listen(config.gateway_listen, config.gateway_port)
    incoming = config.storage_folder / ".incoming"
    shutil.rmtree(incoming, ignore_errors=True)
    incoming.mkdir(parents=True, mode=0o700)
    ports = config.passive_ports
    handler = type("GatewayConnection", (Connection,), {
        "authorizer": Doorkeeper(config, clock),
        "ledger": SpaceLedger(config.storage_folder, allowance),
        "aside": incoming,
        "sync": config.storage_sync,
        "ssl_context": _tls_context(config),
        "passive_ports": range(ports[0], ports[1] + 1) if ports else None,
        "masquerade_address": config.masquerade,
    })
    return Gateway(listener, handler)


def _tls_context(config: Config) -> SSL.Context:
    context = SSL.Context(SSL.TLS_SERVER_METHOD)
    context.set_min_proto_version(SSL.TLS1_2_VERSION)
    context.set_max_proto_version(SSL.TLS1_2_VERSION)  # pyftpdlib truncates uploads under 1.3 (docs/gateway.md)
    context.set_options(SSL.OP_NO_COMPRESSION | SSL.OP_NO_RENEGOTIATION)
    context.use_certificate_chain_file(str(config.storage_certificate))
    context.use_privatekey_file(str(config.storage_certificate_key))
    return context
