"""The portal's data directory: its settings, its keys, and where everything lies."""
from __future__ import annotations

import json
import os
import secrets
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from vault.errors import BackupError

SETTINGS_FILE = "server.toml"
KEY_BYTES = 32
CERTIFICATE_YEARS = 10
DATABASES = ("mysql", "mysql+pymysql", "mariadb", "mariadb+pymysql", "sqlite")


class DataMissing(BackupError):
    """There is no portal in {data}. Nothing was changed."""

    code = "IBS-9101"
    hint = "Name its directory with --data or IBS_DATA, or create it with “ibs-server init”."


class DataExists(BackupError):
    """There is a portal in {data} already. Nothing was changed."""

    code = "IBS-9102"
    hint = "Use it as it is, or name another directory with --data."


class KeyMissing(BackupError):
    """The portal's key {file} can't be used: {reason}. Nothing was started and nothing was changed."""

    code = "IBS-9103"
    hint = "Put the file back from the backup of the keys folder (docs/operations.md). Never make a new one."


class SettingInvalid(BackupError):
    """The setting {setting} can't be used: {reason}. Nothing was started."""

    code = "IBS-9104"
    hint = "Correct it and start again; docs/operations.md explains each setting."


@dataclass(frozen=True)
class Secrets:
    """What the portal must never lose or show; each lies in a file of its own below DATA/keys."""

    kek: bytes = field(repr=False)
    """32 bytes; wraps vault keys and seals storage passwords."""
    session: str = field(repr=False)
    """Signs the browsers' sessions."""
    gateway: bytes = field(repr=False)
    """32 bytes; authenticates the short-lived sign-ins of the bundled storage."""
    signing: bytes = field(repr=False)
    """32 bytes, a raw Ed25519 private key; signs the acknowledgements of commits."""


@dataclass(frozen=True)
class Config:
    """Everything a process of the portal needs to know; made by load_config."""

    data: Path
    database_url: str = field(repr=False)
    secrets: Secrets
    portal_name: str = "IBS"
    proxies: int = 0
    """Reverse proxies in front of the portal whose X-Forwarded-* headers are believed; 0 means none."""
    gateway_listen: str = "127.0.0.1"
    gateway_host: str = "127.0.0.1"
    """The name or address under which computers reach the bundled storage."""
    gateway_port: int = 2121
    passive_ports: tuple[int, int] | None = None
    """First and last port for data connections; None lets the system choose."""
    masquerade: str | None = None
    """The IPv4 address told to computers when the bundled storage stands behind address translation."""
    storage_sync: bool = True
    """Whether the bundled storage confirms a file only when the disk has it."""

    mail_authority: Path | None = None
    """A file with the certificate authority of the mail server, if it has one of its own."""

    @property
    def storage_folder(self) -> Path:
        """The bundled storage's files: one folder for each vault."""
        return self.data / "storage"

    @property
    def storage_certificate(self) -> Path:
        """The bundled storage's TLS certificate, PEM."""
        return self.data / "tls" / "storage.pem"

    @property
    def storage_certificate_key(self) -> Path:
        """The private key of that certificate, PEM."""
        return self.data / "tls" / "storage.key"

    @property
    def queue_file(self) -> Path:
        """The background worker's queue."""
        return self.data / "queue.sqlite"


def create_data(data: Path, database_url: str | None = None, *, gateway_port: int | None = None) -> Config:
    """Make a new data directory with keys, certificate and settings; raises DataExists, SettingInvalid.

    Keys that are there already are kept, because what they protect would be lost with them.
    """
    settings_file = data / SETTINGS_FILE
    if settings_file.exists():
        raise DataExists(data=data)
    _database(database_url or "", data)
    for folder in (data, data / "keys", data / "tls", data / "storage"):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    for name, content in (("kek", secrets.token_bytes(KEY_BYTES)), ("session", secrets.token_hex(KEY_BYTES).encode()),
                          ("gateway", secrets.token_bytes(KEY_BYTES)), ("signing", secrets.token_bytes(KEY_BYTES))):
        if not (data / "keys" / name).exists():
            _write_private(data / "keys" / name, content)
    if not (data / "tls" / "storage.pem").exists():
        _write_certificate(data / "tls", datetime.now(UTC))
    _write_private(settings_file, _settings_text(database_url or "", gateway_port).encode())
    return load_config(data)


def load_config(data: Path, environment: Mapping[str, str] | None = None) -> Config:
    """The settings of the portal in `data`; raises DataMissing, KeyMissing, SettingInvalid.

    IBS_DATABASE, IBS_STORAGE_HOST and IBS_STORAGE_PORT of `environment` (by default the process's) go before the file.
    """
    environment = os.environ if environment is None else environment
    data = data.absolute()
    try:
        settings = tomllib.loads((data / SETTINGS_FILE).read_text("utf-8"))
    except FileNotFoundError as error:
        raise DataMissing(data=data) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingInvalid(setting=SETTINGS_FILE, reason=str(error)) from error
    config = Config(
        data=data,
        database_url=_database(environment.get("IBS_DATABASE") or _text(settings, "database"), data),
        secrets=_load_secrets(data / "keys"),
        portal_name=_text(settings, "portal_name") or "IBS",
        proxies=_number(settings, "web.proxies", 0, 10) or 0,
        mail_authority=Path(authority) if (authority := _text(settings, "mail.ca")) else None,
    )
    return _with_storage_settings(config, settings, environment)


def _with_storage_settings(config: Config, settings: dict[str, Any], environment: Mapping[str, str]) -> Config:
    port: int | None
    if given := environment.get("IBS_STORAGE_PORT"):
        port = _number({"IBS_STORAGE_PORT": int(given) if given.isascii() and given.isdigit() else given},
                       "IBS_STORAGE_PORT", 1, 65535)
    else:
        port = _number(settings, "storage.port", 1, 65535)
    listen = _text(settings, "storage.listen") or config.gateway_listen
    return replace(
        config,
        gateway_listen=listen,
        gateway_host=environment.get("IBS_STORAGE_HOST") or _text(settings, "storage.host") or listen,
        gateway_port=port or config.gateway_port,
        passive_ports=_port_range(settings, "storage.passive_ports"),
        masquerade=_text(settings, "storage.masquerade") or None,
        storage_sync=_switch(settings, "storage.sync", config.storage_sync),
    )


def _database(address: str, data: Path) -> str:
    if not address:
        return f"sqlite:///{(data / 'catalogue.sqlite').as_posix()}"
    if address.partition("://")[0] not in DATABASES or "://" not in address:
        raise SettingInvalid(setting="database", reason=f"it must begin with one of {', '.join(DATABASES)} and ://")
    return address


def _setting(settings: dict[str, Any], name: str) -> Any:
    value: Any = settings
    for step in name.split("."):
        value = value.get(step) if isinstance(value, dict) else None
    return value


def _text(settings: dict[str, Any], name: str) -> str:
    value = _setting(settings, name)
    if value is not None and not isinstance(value, str):
        raise SettingInvalid(setting=name, reason="it must be text in quotation marks")
    return value or ""


def _number(settings: dict[str, Any], name: str, least: int, most: int) -> int | None:
    value = _setting(settings, name)
    if value is not None and (type(value) is not int or not least <= value <= most):
        raise SettingInvalid(setting=name, reason=f"it must be a number from {least} to {most}")
    return value


def _switch(settings: dict[str, Any], name: str, otherwise: bool) -> bool:
    value = _setting(settings, name)
    if value is not None and not isinstance(value, bool):
        raise SettingInvalid(setting=name, reason="it must be true or false")
    return otherwise if value is None else value


def _port_range(settings: dict[str, Any], name: str) -> tuple[int, int] | None:
    text = _text(settings, name)
    if not text:
        return None
    first, dash, last = text.partition("-")
    if not (dash and first.isdigit() and last.isdigit() and 1024 <= int(first) <= int(last) <= 65535):
        raise SettingInvalid(setting=name, reason="it must read like 50000-50099, from 1024 to 65535")
    return int(first), int(last)


def _load_secrets(folder: Path) -> Secrets:
    def read(name: str) -> bytes:
        try:
            content = (folder / name).read_bytes()
        except OSError as error:
            raise KeyMissing(file=folder / name, reason=error.strerror or "unreadable") from error
        if len(content) < KEY_BYTES or (name != "session" and len(content) != KEY_BYTES):
            raise KeyMissing(file=folder / name, reason=f"it holds {len(content)} bytes")
        return content

    return Secrets(kek=read("kek"), session=read("session").decode("latin-1"), gateway=read("gateway"),
                   signing=read("signing"))


def _write_private(path: Path, content: bytes) -> None:
    """A file that only its owner may read, complete on the disk before it has its name."""
    new = path.with_name(path.name + ".new")
    new.unlink(missing_ok=True)
    with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)


def _settings_text(database_url: str, gateway_port: int | None) -> str:
    return f"""\
# Settings of this portal; docs/operations.md explains each. Restart after a change.
portal_name = "IBS"
# An empty text means the SQLite file in this directory.
database = {json.dumps(database_url)}

[web]
# Reverse proxies in front of the portal (TLS), whose X-Forwarded-* headers are believed.
proxies = 0

[storage]
# The bundled storage. Other machines reach it when it listens on 0.0.0.0 and host is a name they know.
listen = "127.0.0.1"
host = "127.0.0.1"
port = {gateway_port or Config.gateway_port}
# For firewalls and address translation, for example "50000-50099" and the public IPv4 address.
passive_ports = ""
masquerade = ""
# Whether a file is confirmed only when the disk has it.
sync = true
"""


def _write_certificate(folder: Path, now: datetime) -> None:
    """A self-signed certificate; computers know it by its fingerprint, so its name is of no importance."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "IBS storage")])
    certificate = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=365 * CERTIFICATE_YEARS))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    _write_private(folder / "storage.key", key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    _write_private(folder / "storage.pem", certificate.public_bytes(serialization.Encoding.PEM))
