"""The product's own bundled storage, running in a thread of the test."""
from __future__ import annotations

import contextlib
import ftplib
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

from server.config import Config
from server.gateway import Gateway, create_gateway
from server.services.storage.credentials import WRITE, issue_password
from server.services.storage.storages import GATEWAY_PROFILE, certificate_pin
from vault.ftp import FtpAddress, FtpStorage, Timeouts

PLENTY = 10**12
QUICK = Timeouts(connect=5, transfer=5, reply=5, unwrap=2, early_close=1, pause=0.01)


@dataclass
class RunningGateway:
    """A bundled storage under test. `allowed` holds what single vaults may store; the others have plenty."""

    config: Config
    allowed: dict[str, int] = field(default_factory=dict)
    ahead: timedelta = timedelta(0)
    """How much the storage's clock is ahead of the test's."""
    server: Gateway | None = None

    def now(self) -> datetime:
        """The storage's time."""
        return datetime.now(UTC) + self.ahead

    def allowance(self, vault: str) -> int:
        """What the portal would answer."""
        return self.allowed.get(vault, PLENTY)

    def address(self, vault: str, scope: str = WRITE) -> FtpAddress:
        """How the computer of `vault` reaches it; a credential for 24 hours."""
        password = issue_password(self.config.secrets.gateway, vault, scope, datetime.now(UTC))
        return FtpAddress("127.0.0.1", self.config.gateway_port, vault, password, "", pin=certificate_pin(self.config))

    def storage(self, vault: str, scope: str = WRITE) -> FtpStorage:
        """The computer's own transport to its vault."""
        return FtpStorage(self.address(vault, scope), vault, GATEWAY_PROFILE, timeouts=QUICK)

    def client(self, vault: str, password: str = "", scope: str = WRITE) -> ftplib.FTP_TLS:
        """A signed-in session of Python's own client, for what our transport would never send."""
        session = self.stranger()
        session.login(vault, password or self.address(vault, scope).password)
        session.prot_p()
        session.voidcmd("TYPE I")
        return session

    def stranger(self, newest: ssl.TLSVersion = ssl.TLSVersion.TLSv1_2) -> ftplib.FTP_TLS:
        """A connection that has not signed in."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.maximum_version = newest
        session = ftplib.FTP_TLS(context=context, timeout=10, encoding="utf-8")
        session.connect("127.0.0.1", self.config.gateway_port)
        return session

    def folder(self, vault: str) -> Path:
        """Where the vault's files lie on the disk."""
        return self.config.storage_folder / vault

    def files(self, vault: str) -> dict[str, int]:
        """Name and size of everything in the vault."""
        folder = self.folder(vault)
        return {str(path.relative_to(folder)): path.stat().st_size
                for path in sorted(folder.rglob("*")) if path.is_file()}

    def half_written(self) -> list[str]:
        """What lies aside, on its way in."""
        return [path.name for path in (self.config.storage_folder / ".incoming").iterdir()]


@contextlib.contextmanager
def running_gateway(config: Config, allowance: Callable[[str], int] | None = None) -> Iterator[RunningGateway]:
    """A bundled storage for `config` on a free port of its own."""
    gateway = RunningGateway(replace(config, gateway_port=0))
    gateway.server = create_gateway(gateway.config, allowance or gateway.allowance, gateway.now)
    gateway.config = replace(config, gateway_port=gateway.server.address[1])
    thread = threading.Thread(target=gateway.server.serve, name="gateway")
    thread.start()
    try:
        yield gateway
    finally:
        gateway.server.stop()
        thread.join(20)
        assert not thread.is_alive(), "the storage does not stop"


def new_vault_name() -> str:
    """A vault that nobody has met."""
    return str(uuid4())
