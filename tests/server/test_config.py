"""The data directory: made once, complete, private, and refused when something is missing."""
from __future__ import annotations

import hashlib
import ssl
import stat
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from server.config import DataExists, DataMissing, KeyMissing, SettingInvalid, create_data, load_config
from server.services.storage.storages import certificate_pin


def with_settings(data: Path, text: str) -> Path:
    """`data` with this server.toml."""
    create_data(data)
    (data / "server.toml").write_text(text, "utf-8")
    return data


def test_it_makes_a_directory_that_can_be_loaded(tmp_path: Path) -> None:
    made = create_data(tmp_path / "new" / "data")
    assert load_config(tmp_path / "new" / "data", {}) == made
    assert made.database_url == f"sqlite:///{tmp_path}/new/data/catalogue.sqlite"
    assert made.gateway_host == made.gateway_listen == "127.0.0.1"
    assert made.passive_ports is None
    assert made.storage_folder.is_dir()


def test_its_keys_are_private_different_and_usable(tmp_path: Path) -> None:
    secrets = create_data(tmp_path / "data").secrets
    assert len({secrets.kek, secrets.gateway, secrets.signing, secrets.session.encode()}) == 4
    assert len(secrets.kek) == len(secrets.gateway) == 32
    assert Ed25519PrivateKey.from_private_bytes(secrets.signing).sign(b"x")
    assert create_data(tmp_path / "other").secrets != secrets
    files = [path for path in (tmp_path / "data").rglob("*") if path.is_file()]
    assert len(files) == 7
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
    assert stat.S_IMODE((tmp_path / "data").stat().st_mode) == 0o700


def test_neither_keys_nor_the_database_s_password_are_shown(tmp_path: Path) -> None:
    config = create_data(tmp_path / "data", "mysql://ibs:hidden@127.0.0.1/ibs")
    assert "hidden" not in repr(config)
    assert config.secrets.session not in repr(config)
    assert repr(config.secrets.kek) not in repr(config)


def test_the_certificate_is_known_by_its_fingerprint(tmp_path: Path) -> None:
    config = create_data(tmp_path / "data")
    pem = config.storage_certificate.read_text()
    assert certificate_pin(config) == hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).digest()
    config.storage_certificate.write_text(pem + create_data(tmp_path / "ca").storage_certificate.read_text())
    assert certificate_pin(config) == hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).digest()
    certificate = x509.load_pem_x509_certificate(pem.encode())
    lifetime = certificate.not_valid_after_utc - certificate.not_valid_before_utc
    assert 3600 < lifetime.days < 3700


def test_a_second_creation_changes_nothing(tmp_path: Path) -> None:
    made = create_data(tmp_path / "data")
    with pytest.raises(DataExists):
        create_data(tmp_path / "data", "mysql://other/db")
    assert load_config(tmp_path / "data", {}) == made


def test_a_creation_that_was_interrupted_keeps_the_keys_it_made(tmp_path: Path) -> None:
    made = create_data(tmp_path / "data")
    (tmp_path / "data" / "server.toml").unlink()
    assert create_data(tmp_path / "data").secrets == made.secrets


def test_without_a_portal_it_says_so(tmp_path: Path) -> None:
    with pytest.raises(DataMissing, match="There is no portal in"):
        load_config(tmp_path / "nowhere")


@pytest.mark.parametrize("name", ["kek", "session", "gateway", "signing"])
def test_it_refuses_to_start_without_a_key_or_with_a_damaged_one(tmp_path: Path, name: str) -> None:
    create_data(tmp_path / "data")
    key = tmp_path / "data" / "keys" / name
    key.write_bytes(key.read_bytes()[:-40] or b"short")
    with pytest.raises(KeyMissing, match=name):
        load_config(tmp_path / "data")
    key.unlink()
    with pytest.raises(KeyMissing, match=f"{name}.*No such file"):
        load_config(tmp_path / "data")


def test_settings_are_read_and_the_environment_goes_before_them(tmp_path: Path) -> None:
    data = with_settings(tmp_path / "data", """
        portal_name = "Ärzte-Backup"
        database = "mariadb://ibs:secret@db/ibs"
        web = {proxies = 1}
        [storage]
        listen = "0.0.0.0"
        host = "backup.example"
        port = 990
        passive_ports = "50000-50099"
        masquerade = "192.0.2.7"
        sync = false
        """)
    config = load_config(data, {})
    assert (config.portal_name, config.proxies, config.database_url) == ("Ärzte-Backup", 1, "mariadb://ibs:secret@db/ibs")
    assert (config.gateway_listen, config.gateway_host, config.gateway_port) == ("0.0.0.0", "backup.example", 990)
    assert (config.passive_ports, config.masquerade, config.storage_sync) == ((50000, 50099), "192.0.2.7", False)
    overruled = load_config(data, {"IBS_DATABASE": "sqlite:///x", "IBS_STORAGE_HOST": "h", "IBS_STORAGE_PORT": "7"})
    assert (overruled.database_url, overruled.gateway_host, overruled.gateway_port) == ("sqlite:///x", "h", 7)


@pytest.mark.parametrize(("text", "setting"), [
    ("database = ", "server.toml"),
    ("database = 3", "database"),
    ("database = 'postgresql://x/y'", "database"),
    ("web = {proxies = -1}", "web.proxies"),
    ("web = {proxies = true}", "web.proxies"),
    ("storage = {port = 70000}", "storage.port"),
    ("storage = {port = '21'}", "storage.port"),
    ("storage = {sync = 'yes'}", "storage.sync"),
    ("storage = {passive_ports = '60000-50000'}", "storage.passive_ports"),
    ("storage = {passive_ports = '80-90'}", "storage.passive_ports"),
    ("storage = {passive_ports = 'all'}", "storage.passive_ports"),
])
def test_a_wrong_setting_is_named(tmp_path: Path, text: str, setting: str) -> None:
    with pytest.raises(SettingInvalid) as refused:
        load_config(with_settings(tmp_path / "data", text), {})
    assert refused.value.details["setting"] == setting


@pytest.mark.parametrize("port", ["0", "x", "99999", "-1", "²"])
def test_a_wrong_port_in_the_environment_is_named(tmp_path: Path, port: str) -> None:
    create_data(tmp_path / "data")
    with pytest.raises(SettingInvalid, match="IBS_STORAGE_PORT"):
        load_config(tmp_path / "data", {"IBS_STORAGE_PORT": port})
