"""Real FTP servers for the tests, with their default settings: vsftpd, ProFTPD, Pure-FTPd and pyftpdlib.

The first three are fetched by script/ftp-servers and run in the foreground on a free port of this machine, as root,
because they change to the user of the session.
"""
from __future__ import annotations

import ctypes
import functools
import logging
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.parts.certificates import Certificate, make_certificate
from tests.parts.orphans import ending_with_us
from tests.parts.ports import free_port
from vault.address import FtpAddress

CHECKOUT = Path(__file__).resolve().parents[2]
USER = "ibsftp"
PASSWORD = "only for tests"
"""Of pyftpdlib; the others share one that script/ftp-servers makes."""
KINDS = ("vsftpd", "proftpd", "pureftpd", "pyftpdlib")


@dataclass
class FtpServer:
    """A running server; `root` is the folder that its account sees as “/”."""

    kind: str
    tls: bool
    host: str
    port: int
    user: str
    password: str
    root: Path
    certificate: Certificate
    log: Path
    _end: Callable[[], None] = field(repr=False)

    def address(self, base: str = "") -> FtpAddress:
        """Where clients find it; the base folder is made when it is missing."""
        folder = self.root / base.strip("/")
        if not folder.exists():
            folder.mkdir(parents=True)
            give_away(folder)
        return FtpAddress(self.host, self.port, self.user, self.password, base, tls=self.tls,
                          pin=self.certificate.pin if self.tls else None)

    def files(self) -> dict[str, int]:
        """Name and size of everything stored."""
        return {str(path.relative_to(self.root)): path.stat().st_size
                for path in sorted(self.root.rglob("*")) if path.is_file()}

    def stop(self) -> None:
        """End the server and remove what it stored."""
        self._end()
        shutil.rmtree(self.root, ignore_errors=True)


def start_server(kind: str, folder: Path, *, tls: bool = True, append_only: bool = False,
                 no_delete: bool = False, no_rename: bool = False, clients: int = 50, idle: int = 300) -> FtpServer:
    """Start one of KINDS; `folder` takes its configuration and log, the stored files lie elsewhere.

    `no_delete` and `no_rename` forbid what they say by the server's own means, `append_only` is the whole set of
    settings that docs/storages.md recommends; `clients` bounds the connections, `idle` the seconds between commands.
    """
    folder.mkdir(parents=True, exist_ok=True)
    certificate = make_certificate()
    (folder / "server.pem").write_text(certificate.pem)
    (folder / "server.pem").chmod(0o600)
    root = Path(tempfile.mkdtemp(prefix="ibs-ftp-"))  # pytest's own folders are closed to the session's user
    wishes = Wishes(folder, root, tls, append_only, no_delete or append_only, no_rename or append_only, clients, idle)
    if kind == "pyftpdlib":
        port, end = _start_pyftpdlib(wishes)
        password = PASSWORD
    else:
        cache = fetched_servers()
        give_away(root)
        password = (cache / "password").read_text()
        port = free_port()
        command = {"vsftpd": _vsftpd, "proftpd": _proftpd, "pureftpd": _pureftpd}[kind](wishes, cache, port, password)
        end = _start_program(command, cache, folder / "server.log", port)
    return FtpServer(kind, tls, "127.0.0.1", port, USER, password, root, certificate, folder / "server.log", end)


@dataclass(frozen=True)
class Wishes:
    """What a test asked for; see start_server."""

    folder: Path
    root: Path
    tls: bool
    append_only: bool
    no_delete: bool
    no_rename: bool
    clients: int
    idle: int


@functools.cache
def fetched_servers() -> Path:
    """The cache folder with the unpacked servers; fetches them when needed."""
    subprocess.run([CHECKOUT / "script/ftp-servers"], check=True)
    return Path(os.environ.get("IBS_CACHE", CHECKOUT / ".cache")) / "ftp-servers"


def give_away(folder: Path) -> None:
    """Make the session's user the owner of a folder, where such a user is."""
    try:
        entry = pwd.getpwnam(USER)
    except KeyError:
        return
    os.chown(folder, entry.pw_uid, entry.pw_gid)
    folder.chmod(0o755)


def _start_program(command: list[str], cache: Path, log: Path, port: int) -> Callable[[], None]:
    libraries = next((cache / "root/usr/lib").glob("*-linux-gnu"))
    with log.open("wb") as output:
        process = subprocess.Popen(
            ending_with_us(command), stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
            env={**os.environ, "LD_LIBRARY_PATH": str(libraries)}, start_new_session=True)

    def end() -> None:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)  # its sessions are processes of their own
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with socket.create_connection(("127.0.0.1", port), 5) as visit:
                visit.sendall(b"QUIT\r\n")
                while visit.recv(4096):  # until this session is over, as it counts towards the limit
                    pass
            return end
        except OSError:
            time.sleep(0.02)
    end()
    raise RuntimeError(f"{command[0]} did not start: {log.read_text()}")


def _vsftpd(wishes: Wishes, cache: Path, port: int, password: str) -> list[str]:
    lines = {
        "listen": "YES", "background": "NO", "listen_address": "127.0.0.1", "listen_port": port,
        "anonymous_enable": "NO", "local_enable": "YES", "write_enable": "YES", "local_root": wishes.root,
        "chroot_local_user": "YES", "allow_writeable_chroot": "YES", "secure_chroot_dir": cache / "empty",
        "pam_service_name": "other", "pasv_address": "127.0.0.1", "idle_session_timeout": wishes.idle,
        "max_clients": wishes.clients, "seccomp_sandbox": "NO", "isolate": "NO", "isolate_network": "NO",
        "local_umask": "022",
    }
    if wishes.tls:
        lines |= {"ssl_enable": "YES", "rsa_cert_file": wishes.folder / "server.pem",
                  "force_local_logins_ssl": "YES", "force_local_data_ssl": "YES", "ssl_ciphers": "HIGH"}
    denied = ["DELE", "RMD"] * wishes.no_delete + ["RNFR", "RNTO"] * wishes.no_rename
    if wishes.append_only:
        denied += ["APPE", "SITE"]
        lines["file_open_mode"] = "0444"  # a file is read-only as soon as it is there
    if denied:
        lines["cmds_denied"] = ",".join(denied)
    path = wishes.folder / "vsftpd.conf"
    path.write_text("".join(f"{option}={value}\n" for option, value in lines.items()))
    return [str(cache / "root/usr/sbin/vsftpd"), str(path)]


def _proftpd(wishes: Wishes, cache: Path, port: int, password: str) -> list[str]:
    entry = pwd.getpwnam(USER)
    accounts = wishes.folder / "accounts"
    accounts.write_text(f"{USER}:{_hashed(password)}:{entry.pw_uid}:{entry.pw_gid}::{wishes.root}:/bin/sh\n")
    accounts.chmod(0o600)
    lines = [
        f"ModulePath {cache}/root/usr/lib/proftpd", "ServerType standalone", "DefaultAddress 127.0.0.1",
        "SocketBindTight on", f"Port {port}", "UseIPv6 off", "UseReverseDNS off", "WtmpLog off", "DefaultRoot ~",
        "AuthOrder mod_auth_file.c", f"AuthUserFile {accounts}", "RequireValidShell off", "User nobody",
        "Group nogroup", f"ScoreboardFile {wishes.folder}/scoreboard", f"PidFile {wishes.folder}/pid",
        f"DelayTable {wishes.folder}/delays", f"SystemLog {wishes.folder}/system.log", f"TimeoutIdle {wishes.idle}",
        f"MaxClients {wishes.clients}",
    ]
    if wishes.tls:
        lines += ["LoadModule mod_tls.c", "TLSEngine on", "TLSRequired on", "TLSProtocol TLSv1.2 TLSv1.3",
                  f"TLSRSACertificateFile {wishes.folder}/server.pem",
                  f"TLSRSACertificateKeyFile {wishes.folder}/server.pem", f"TLSLog {wishes.folder}/tls.log"]
    denied = ["DELE", "RMD"] * wishes.no_delete + ["RNFR", "RNTO"] * wishes.no_rename
    if wishes.append_only:
        denied += ["SITE_CHMOD"]
    if denied:
        lines += [f"<Limit {' '.join(denied)}>", "DenyAll", "</Limit>"]
    path = wishes.folder / "proftpd.conf"
    path.write_text("\n".join(lines) + "\n")
    return [str(cache / "root/usr/sbin/proftpd"), "-n", "-q", "-c", str(path)]


def _pureftpd(wishes: Wishes, cache: Path, port: int, password: str) -> list[str]:
    entry = pwd.getpwnam(USER)
    accounts = wishes.folder / "accounts"
    accounts.write_text(f"{USER}:{_hashed(password)}:{entry.pw_uid}:{entry.pw_gid}::{wishes.root}/./" + ":" * 12 + "\n")
    subprocess.run([cache / "root/usr/bin/pure-pw", "mkdb", wishes.folder / "accounts.pdb", "-f", accounts], check=True)
    minutes = max(wishes.idle // 60, 1)
    command = [str(cache / "root/usr/sbin/pure-ftpd"), "-S", f"127.0.0.1,{port}", "-l",
               f"puredb:{wishes.folder}/accounts.pdb", "-A", "-E", "-H", "-f", "none", "-g", f"{wishes.folder}/pid",
               "-c", str(wishes.clients), "-I", str(minutes), "-U", "133:022"]
    command += ["-K"] * wishes.no_delete + ["-G"] * wishes.no_rename + ["-r", "-R"] * wishes.append_only
    if wishes.tls:
        command += ["-Y", "3", "-2", f"{wishes.folder}/server.pem"]
    return command


def _hashed(password: str) -> str:
    library = ctypes.CDLL("libcrypt.so.1")
    library.crypt.restype = ctypes.c_char_p
    salt = b"$6$" + os.urandom(8).hex().encode()
    return str(library.crypt(password.encode(), salt).decode())


def _start_pyftpdlib(wishes: Wishes) -> tuple[int, Callable[[], None]]:
    from pyftpdlib.authorizers import DummyAuthorizer
    from pyftpdlib.handlers import FTPHandler, TLS_FTPHandler
    from pyftpdlib.ioloop import IOLoop
    from pyftpdlib.servers import FTPServer

    logging.getLogger("pyftpdlib").setLevel(logging.ERROR)
    authorizer = DummyAuthorizer()
    letters = "elrmw" + "d" * (not wishes.no_delete) + "f" * (not wishes.no_rename)
    authorizer.add_user(USER, PASSWORD, str(wishes.root), perm=letters)
    settings = {"authorizer": authorizer, "timeout": wishes.idle}
    if wishes.tls:
        settings |= {"certfile": str(wishes.folder / "server.pem"), "tls_control_required": True,
                     "tls_data_required": True}
    handler = type("Handler", (TLS_FTPHandler if wishes.tls else FTPHandler,), settings)
    loop = IOLoop()
    server = FTPServer(("127.0.0.1", 0), handler, ioloop=loop)
    server.max_cons_per_ip = wishes.clients
    port = server.socket.getsockname()[1]
    ended = threading.Event()

    def serve() -> None:
        while not ended.is_set():
            loop.loop(0.05, blocking=False)
        server.close_all()

    thread = threading.Thread(target=serve, name=f"pyftpdlib on {port}", daemon=True)
    thread.start()

    def end() -> None:
        ended.set()
        thread.join(5)

    return port, end


@pytest.fixture
def start_ftp(tmp_path: Path) -> Iterator[Callable[..., FtpServer]]:
    """start_server with a folder of its own; everything started ends with the test."""
    started: list[FtpServer] = []

    def start(kind: str, **options: Any) -> FtpServer:
        started.append(start_server(kind, tmp_path / f"{kind}-{len(started)}", **options))
        return started[-1]

    yield start
    for server in started:
        server.stop()


@pytest.fixture(params=[(kind, tls) for kind in KINDS for tls in (False, True)],
                ids=lambda choice: f"{choice[0]}-{'tls' if choice[1] else 'plain'}")
def ftp_server(request: pytest.FixtureRequest, start_ftp: Callable[..., FtpServer]) -> FtpServer:
    """Each of the real servers, plain and with TLS."""
    kind, tls = request.param
    return start_ftp(kind, tls=tls)
