"""The other side of a backup: a portal on a private MariaDB, and vsftpd without TLS as its storage."""
from __future__ import annotations

import contextlib
import os
import pwd
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.parts.ftp_servers import USER, fetched_servers, give_away
from tests.parts.mariadb import running_mariadb
from tests.parts.ports import free_port

COMMANDS = Path(sys.executable).parent
ACCOUNT = "bench"
START_SECONDS = 60


@dataclass(frozen=True)
class Storage:
    """A running vsftpd; `root` is what its account sees as “/”."""

    host: str
    port: int
    user: str
    password: str
    root: Path

    def folder(self, name: str) -> Path:
        """A folder below the root that the account may write to."""
        folder = self.root / name
        folder.mkdir(exist_ok=True)
        give_away(folder)
        return folder


@dataclass(frozen=True)
class Portal:
    """A running portal: its address, the certificate to trust (None on loopback), and the account's password."""

    address: str
    authority: Path | None
    password: str


@contextlib.contextmanager
def running_storage(folder: Path, host: str) -> Iterator[Storage]:
    """vsftpd on a free port of `host`; what it stores lies below `folder`."""
    cache = fetched_servers()
    root = folder / "storage"
    root.mkdir()
    give_away(root)
    os.chmod(folder, 0o755)
    storage = Storage(host, free_port(), USER, (cache / "password").read_text(), root)
    lines = {
        "listen": "YES", "background": "NO", "listen_address": host, "listen_port": storage.port,
        "anonymous_enable": "NO", "local_enable": "YES", "write_enable": "YES", "local_root": root,
        "chroot_local_user": "YES", "allow_writeable_chroot": "YES", "secure_chroot_dir": cache / "empty",
        "pam_service_name": "other", "pasv_address": host, "seccomp_sandbox": "NO", "isolate": "NO",
        "isolate_network": "NO", "local_umask": "022", "force_dot_files": "YES",
    }
    configuration = folder / "vsftpd.conf"
    configuration.write_text("".join(f"{name}={value}\n" for name, value in lines.items()))
    libraries = next((cache / "root/usr/lib").glob("*-linux-gnu"))
    with (folder / "vsftpd.log").open("wb") as log:
        server = subprocess.Popen([cache / "root/usr/sbin/vsftpd", configuration], stdin=subprocess.DEVNULL, stdout=log,
                                  stderr=log, env={**os.environ, "LD_LIBRARY_PATH": str(libraries)})
    try:
        _wait_for(server, host, storage.port)
        yield storage
    finally:
        stop(server)


@contextlib.contextmanager
def running_portal(folder: Path, storage: Storage) -> Iterator[Portal]:
    """A portal with one customer whose computers store on `storage`; beyond loopback it speaks TLS."""
    data, port = folder / "portal", free_port()
    password = secrets.token_hex(8)
    with running_mariadb(folder) as mariadb:
        administer(data, "init", "--database", mariadb.new_database(), "--admin", "bench@example.com",
                   "--password-stdin", given=password)
        administer(data, "plan", "create", "Bench", "--quota", "10TB", "--computers", "1000", "--days", "30",
                   "--keep-days", "30")
        customer = administer(data, "customer", "create", "Bench", "--email", "bench@example.com").strip()
        administer(data, "subscription", "create", customer, "Bench")
        administer(data, "account", "create", customer, ACCOUNT, "--password-stdin", given=password)
        administer(data, "storage", "add", "vsftpd", f"ftp://{storage.user}@{storage.host}:{storage.port}",
                   "--no-tls", "--idle-seconds", "5", "--default", "--password-stdin", given=storage.password)
        command = [str(COMMANDS / "ibs-server"), "--data", str(data), "run", "--port", str(port), "--storage-port", "0"]
        with (folder / "portal.log").open("wb") as log, contextlib.ExitStack() as stack:
            server = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
            stack.callback(stop, server)
            _wait_for(server, "127.0.0.1", port)
            if storage.host == "127.0.0.1":
                yield Portal(f"http://127.0.0.1:{port}", None, password)
            else:
                address, authority = stack.enter_context(_behind_tls(folder, storage.host, port))
                yield Portal(address, authority, password)


def administer(data: Path, *words: str, given: str = "") -> str:
    """What an ibs-server command prints; raises RuntimeError when it fails."""
    done = subprocess.run([COMMANDS / "ibs-server", "--data", data, *words], input=f"{given}\n", check=False, text=True,
                          capture_output=True)
    if done.returncode:
        raise RuntimeError(f"ibs-server {' '.join(words)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


@contextlib.contextmanager
def _behind_tls(folder: Path, host: str, port: int) -> Iterator[tuple[str, Path]]:
    """The portal as other machines see it: TLS in front, by a small relay that stands for the usual web server."""
    certificate, key, outside = folder / "tls.pem", folder / "tls.key", free_port()
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj", "/CN=bench",
                    "-addext", f"subjectAltName=IP:{host}", "-keyout", key, "-out", certificate],
                   check=True, capture_output=True)
    relay = subprocess.Popen([sys.executable, "-m", "bench.relay", host, str(outside), str(port), certificate, key],
                             stdin=subprocess.DEVNULL, cwd=Path(__file__).parents[1])
    try:
        _wait_for(relay, host, outside)
        yield f"https://{host}:{outside}", certificate
    finally:
        stop(relay)


def _wait_for(server: subprocess.Popen[bytes], host: str, port: int) -> None:
    deadline = time.monotonic() + START_SECONDS
    while server.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(OSError):
            socket.create_connection((host, port), 1).close()
            return
        time.sleep(0.05)
    stop(server)
    raise RuntimeError(f"{server.args!r} did not start")


def stop(server: subprocess.Popen[bytes]) -> None:
    """End a process, however it takes it."""
    server.terminate()
    try:
        server.wait(20)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


def put_away(content: Path, into: Path) -> None:
    """Move what is measured no more into a folder that goes with the measurement.

    Nothing is removed between two measurements: ext4 without a journal looks at each file number that was freed in the
    last minutes before it gives one out, so that whoever makes files next would pay for the removal.
    """
    into.mkdir(exist_ok=True)
    content.rename(into / f"{len(os.listdir(into))}-{content.name}")


def servers_can_run() -> bool:
    """vsftpd changes to the account's user, which only root may, and which script/ftp-servers makes."""
    fetched_servers()
    return os.geteuid() == 0 and any(entry.pw_name == USER for entry in pwd.getpwall())
