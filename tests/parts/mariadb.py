"""A private MariaDB server for the tests: its own data directory and port, ended with the session."""
from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pymysql

from tests.parts.orphans import ending_with_us
from tests.parts.ports import free_port

START_SECONDS = 60.0


class MariaDb:
    """A running server; `new_database` gives each test a database of its own."""

    def __init__(self, port: int) -> None:
        self.port = port

    def new_database(self) -> str:
        """The address of a fresh, empty database."""
        name = f"ibs_{secrets.token_hex(6)}"
        with self.connect() as connection, connection.cursor() as cursor:
            cursor.execute(f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
        return f"mysql://root@127.0.0.1:{self.port}/{name}"

    def drop(self, address: str) -> None:
        """Remove a database that new_database made."""
        with self.connect() as connection, connection.cursor() as cursor:
            cursor.execute(f"DROP DATABASE {address.rpartition('/')[2]}")

    def connect(self) -> pymysql.Connection:
        """A connection of the server's administrator."""
        return pymysql.connect(host="127.0.0.1", port=self.port, user="root")


@contextlib.contextmanager
def running_mariadb(folder: Path) -> Iterator[MariaDb]:
    """Debian's MariaDB with its data below `folder`; ends it and forgets the data afterwards."""
    data = folder / "data"
    alone = os.environ | {"TMPDIR": str(folder)}  # in a shared one, servers delete each other's temporary tables
    install = [_program("mariadb-install-db"), "--no-defaults", f"--datadir={data}", "--skip-test-db",
               "--auth-root-authentication-method=normal"]
    installed = subprocess.run(install, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=alone)
    if installed.returncode:
        raise RuntimeError(f"MariaDB can't be installed:\n{installed.stdout}")
    port = free_port()
    log = (folder / "mariadb.log").open("wb")
    server = subprocess.Popen(
        ending_with_us([
            _program("mariadbd"), "--no-defaults", f"--datadir={data}", f"--socket={folder}/mariadb.sock",
            f"--port={port}", "--bind-address=127.0.0.1", f"--pid-file={folder}/mariadb.pid",
            *(["--user=root"] if os.geteuid() == 0 else []), "--innodb-buffer-pool-size=64M",
            "--innodb-log-file-size=64M", "--innodb-flush-log-at-trx-commit=0",  # no test cuts the machine's power
        ]),
        stdout=log, stderr=log, stdin=subprocess.DEVNULL, env=alone,
    )
    try:
        mariadb = MariaDb(port)
        _wait_until_ready(mariadb, server, folder / "mariadb.log")
        yield mariadb
    finally:
        server.terminate()
        server.wait(30)
        log.close()
        shutil.rmtree(data, ignore_errors=True)


def _wait_until_ready(mariadb: MariaDb, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            mariadb.connect().close()
            return
        except pymysql.err.OperationalError:
            if server.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"MariaDB did not start:\n{log.read_text(errors='replace')[-2000:]}") from None
            time.sleep(0.05)


def _program(name: str) -> str:
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin:/usr/bin")
    if found is None:
        raise RuntimeError(f"{name} is missing; script/test installs Debian's mariadb-server")
    return found
